# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# A disk that is full, under the events as under the history: what happens meanwhile is counted, what could not
# be written is counted too, and once there is room both say all of it.
. "$LAB_DIR/overload-lib.sh"
lab_need sqlite3

count=$([ -n "${LAB_FULL-}" ] && echo 500000 || echo 50000)
LAB_EVENTS=$LAB_STATE/events.ndjson
LAB_RUN[-1]=$LAB_EVENTS

end() {
	local status=$?

	umount -l "$LAB_STATE"
	(exit $status)
	lab_exit
}

mkdir "$LAB_STATE"
trap end EXIT
mount -t tmpfs -o size=8m,mode=750 overload "$LAB_STATE" || lab_die "no tmpfs"

overload_network
lab_policy <<EOF
limits: {warmup: 0s}
allow:
  - service: lab
    to: [$LAB_LISTED4]
    ports: [tcp/20000]
EOF
lab_daemon
lab_wait '[ "$(lab_metric history_last_write_timestamp_seconds)" -gt 0 ]' 20
overload_begin
dd if=/dev/zero of="$LAB_STATE/filler" bs=4k status=none 2>/dev/null
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp $LAB_MANY4 30000 $count threads=2 ports=100 addresses=60000
lab_wait '[ "$(lab_metric history_writing)" = 0 ] && [ "$(lab_metric "events_lost_total{source=\"file\"}")" -gt 0 ]' 40
lab_assert_eq "full: counted" "$(lab_metric 'violations_total{state="confirmed"}')" $count
for words in "events could not be written" "the history is not written"; do
	lab_assert "Health says: $words" test -n "$(lab_api /v1/health | jq -r --arg words "$words" '.problems[] | select(contains($words))')"
done
lab_assert_eq "full: logged once" "$(grep -c 'the history cannot be written' "$LAB_LOG")" 1
rm "$LAB_STATE/filler"
overload_over
overload_normal "overload_told $count && [ \"\$(lab_metric history_writing)\" = 1 ]"
lab_assert_eq "every line is whole" "$(jq -c .event "$LAB_EVENTS" 2>&1 >/dev/null)" ""
overload_row disk "${truth[attempts]}" "$(lab_metric 'violations_total{state="confirmed"}')" \
	"$(lab_metric 'events_lost_total{source="file"}') events, told later" "events and history on a full disk"
lab_stop
lab_assert_eq "history" "$(sqlite3 -batch "file:$LAB_STATE/history.db?mode=ro" \
	"SELECT sum(count) FROM violations WHERE state = 'confirmed'")" $count
