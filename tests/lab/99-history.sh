# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# The history: what it adds up to is what /metrics says, counter by counter, over kills, stops and what
# was counted while no daemon ran; a disk that is full, a file that is damaged and one of a later
# version are told and survived.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/history-lib.sh"

db=$HISTORY_DB
prom=$LAB_TMP/metrics.prom
LAB_RUN+=(--textfile "$prom")

# After a stop, whose last metrics are in the file.
same() {
	history_counters <"$prom" >"$LAB_TMP/counters"
	history_booked >"$LAB_TMP/booked"
	lab_assert "$1: there are counters" test "$(wc -l <"$LAB_TMP/counters")" -ge 10
	lab_assert_eq "$1: history against metrics" "$(diff "$LAB_TMP/counters" "$LAB_TMP/booked")" ""
	lab_assert_eq "$1: violations one by one" \
		"$(history_query "SELECT sum(count) FROM violations WHERE state = 'confirmed'")" \
		"$(lab_sum 'violations_total{state="confirmed"}' <"$prom")"
}

gaps() {
	history_query "SELECT count(*) FROM spans WHERE kind = 'gap' AND state = '$1'"
}

state() {
	lab_api /v1/health | jq -r .history.state
}

written() {
	lab_metric history_last_write_timestamp_seconds
}

# The daemon, and its history is being written.
begin() {
	lab_daemon
	lab_wait '[ "$(written)" -gt 0 ]' 20
}

allowed() {
	lab_truth lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 $1 ports=10
}

violating() {
	lab_truth lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_STRANGER4 20000 $1
}

end() {
	local status=$?

	umount -l "$LAB_STATE"
	(exit $status)
	lab_exit
}

# The state folder is a disk of its own, which can be filled; the spool has 8 MB of it.
mkdir "$LAB_STATE"
trap end EXIT
mount -t tmpfs -o size=12m,mode=750 history "$LAB_STATE" || lab_die "no tmpfs"

lab_network
lab_sink tcp/20000-20009
lab_policy <<EOF
resolvers: [198.51.100.53]
limits: {warmup: 0s, pending: 1s}
allow:
  - service: lab
    to: [$LAB_LISTED4]
    ports: [tcp/20000-20009]
  - service: named
    to: nobody.example
    ports: [tcp/20009]
EOF
lab_daemon
allowed 200
violating 25
lab_truth lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_STRANGER4 20009 5 # pending first
lab_settle "resolved" 30 lab_metric 'violations_total{state="confirmed"}'
lab_stop
same "stopped"
lab_assert_eq "details" "$(history_query "SELECT dst, port, exe, sum(count) FROM violations WHERE dst <> ''
	GROUP BY dst, port, exe ORDER BY port")" "$LAB_STRANGER4|20000|$LAB_BIN/storm|25
$LAB_STRANGER4|20009|$LAB_BIN/storm|5"
lab_assert_eq "stopped: the run" "$(history_query "SELECT state FROM spans WHERE kind = 'run'")" stopped
lab_assert_eq "stopped: gaps" "$(history_query "SELECT count(*) FROM spans WHERE kind = 'gap'")" 0
lab_assert_eq "the policy" "$(history_query "SELECT state FROM spans WHERE kind = 'policy'")" \
	"$(sed -n 's/^mewatch_policy_info.*sha256="\([0-9a-f]*\)".*/\1/p' "$prom")"
lab_assert_eq "what is attached" \
	"$(history_query "SELECT count(*) FROM spans WHERE kind = 'watch' AND state = 'attached' AND until IS NULL")" \
	"$(grep -c '^mewatch_attached.* 1$' "$prom")"
lab_assert_eq "mode" "$(stat -c %a "$db")" 640

# Counted while no daemon runs, after a stop and after a kill.
allowed 50
begin
allowed 30
violating 10
lab_settle "before the kill" 40 lab_metric 'violations_total{state="confirmed"}'
lab_kill
allowed 70
violating 3
begin
lab_stop
same "killed"
lab_assert_eq "killed: gaps" "$(gaps down)" 2
lab_assert_eq "killed: late" "$(history_query "SELECT sum(count) > 0 FROM minutes WHERE late")" 1
lab_assert_eq "killed: runs" "$(history_query "SELECT group_concat(state) FROM spans WHERE kind = 'run'")" \
	stopped,killed,stopped

# Kills at any moment under load.
for _ in 1 2; do
	lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 3000 ports=10 >"$LAB_TMP/storm" &
	storm=$!
	lab_daemon
	lab_kill
	wait $storm
done
lab_daemon
lab_settle "under load" 6350 lab_metric 'connections_total{verdict="allowed"}'
lab_stop
same "under load"

# The disk is full.
begin
dd if=/dev/zero of="$LAB_STATE/filler" bs=4k status=none 2>/dev/null
for _ in {1..40}; do # the file has some room of its own yet
	[ "$(lab_metric history_writing)" = 1 ] || break
	violating 200
	before=$(written)
	lab_reload ok # what is told is written soon
	lab_wait '[ "$(written)" != "$before" ] || [ "$(lab_metric history_writing)" = 0 ]' 20
done
lab_assert "its pages: told" test "$(lab_metric history_cache_bytes)" -gt 0
lab_assert_eq "its pages: the same under health" "$(lab_api /v1/health | jq .history.cached)" "$(lab_metric history_cache_bytes)"
lab_assert_eq "full: told" "$(lab_metric history_writing)" 0
lab_assert "full: counted" test "$(lab_metric history_errors_total)" -ge 1
lab_assert "full: a problem" test -n "$(lab_api /v1/health |
	jq -r '.problems[] | select(startswith("the history is not written"))')"
lab_assert_eq "full: logged" "$(grep -c 'the history cannot be written' "$LAB_LOG")" 1
allowed 40
violating 7
rm "$LAB_STATE/filler"
lab_reload ok # tries it again at once
lab_wait '[ "$(lab_metric history_writing)" = 1 ]' 25
lab_stop
same "full"

# Damaged by hand.
size=$(stat -c %s "$db")
dd if=/dev/urandom of="$db" bs=1 seek=$((size / 3)) count=$((size / 3)) conv=notrunc status=none
begin
lab_assert_eq "damaged: set aside" "$(find "$LAB_STATE" -name 'history.db.corrupt-*Z' | wc -l)" 1
lab_assert_eq "damaged: logged" "$(grep -c 'the history was damaged' "$LAB_LOG")" 1
lab_assert "damaged: a problem" test -n "$(lab_api /v1/health |
	jq -r '.problems[] | select(startswith("a damaged history"))')"
lab_mark
allowed 20
violating 4
lab_settle "damaged: counted on" 4 lab_delta 'violations_total{state="confirmed"}'
lab_reload ok
lab_settle "damaged: what came before is not booked" 24 \
	history_query "SELECT sum(count) FROM counts WHERE metric = 'attempts'"
lab_assert_eq "damaged: a gap" "$(gaps unrecorded)" 1

# Taken away while it is written.
rm "$db" "$db-wal" "$db-shm"
lab_reload ok
lab_wait '[ -e "$db" ] && [ "$(gaps unrecorded 2>/dev/null)" = 1 ]' 25
lab_assert_eq "taken away: logged" "$(grep -c 'was taken away' "$LAB_LOG")" 1
lab_stop

# Of a later version: nothing touches it. Put right, a reload is enough.
sqlite3 "$db" 'PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
before=$(sha256sum <"$db")
lab_daemon
lab_wait '[ "$(state)" = refused ]'
lab_assert_eq "later: logged" "$(grep -c 'of a later version (99' "$LAB_LOG")" 1
lab_assert_eq "later: as it was" "$(sha256sum <"$db")" "$before"
sqlite3 "$db" 'PRAGMA user_version = 2' >/dev/null
lab_reload ok
lab_wait '[ "$(state)" = writing ]'

# Off, and on again.
echo "history: off" >>"$LAB_POLICY"
lab_reload ok
lab_wait '[ "$(state)" = off ]'
lab_assert_eq "off: no metrics" "$(lab_scrape | grep -c '^mewatch_history')" 0
allowed 5
sed -i '$d' "$LAB_POLICY"
lab_reload ok
lab_wait '[ "$(state)" = writing ]'
lab_stop
lab_assert_eq "on: what was counted in between" \
	"$(history_query "SELECT sum(count) FROM counts WHERE metric = 'attempts' AND late")" 5
