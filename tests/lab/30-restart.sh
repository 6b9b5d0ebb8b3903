# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# The watch outlives the daemon: killed, everything that happened while it was down is counted and
# told after the next start; a second daemon is refused; detach leaves nothing behind.
. "$LAB_DIR/lib.sh"

count=10000

# The links of the watched cgroup, which outlive their programs: a restart puts new ones into them.
attached() {
	bpftool link list -j | jq -r --argjson id "$(stat -c %i "$LAB_WATCHED")" \
		'.[] | select(.cgroup_id == $id) | [.id, .attach_type] | map(tostring) | join(" ")' |
		sort | paste -sd, -
}

lab_network
lab_sink tcp/20000-20009
lab_policy <<EOF
resolvers: [198.51.100.53]
allow:
  - service: lab
    to: [$LAB_LISTED4]
    ports: [tcp/20000-20009]
EOF
lab_daemon
before=$(attached)
lab_assert "hooks are attached" test -n "$before"
lab_truth lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 100 ports=10
lab_truth lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_STRANGER4 20000 10
lab_settle "told before" 10 lab_event_sum '.event == "violation"'
lab_kill
lab_assert_eq "killed: attached" "$(attached)" "$before"

lab_truth lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 $count threads=4 ports=10
lab_assert_eq "storm: failed" "${truth[failed]}" 0
lab_truth lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_STRANGER4 20000 25
lab_daemon
lab_assert_eq "again: attached" "$(attached)" "$before"
lab_settle "attempts" $((count + 135)) lab_metric attempts_total
lab_assert_eq "allowed" "$(lab_metric 'connections_total{verdict="allowed"}')" $((count + 100))
lab_assert_eq "violations" "$(lab_metric 'violations_total{state="confirmed"}')" 35
lab_settle "told afterwards" 35 lab_event_sum '.state == "confirmed"'
lab_assert_eq "told once" "$(lab_event_list '.event == "violation"' | jq .id | sort | uniq -d)" ""
lab_settle "outcomes" $((count + 100)) \
	lab_metric 'endpoint_connections_total{service="lab",outcome="established"}'
lab_assert_sums "restarted"

# A second one on the same state.
"$LAB_BUILD/mewatch" run -c "$LAB_POLICY" --cgroup "$LAB_WATCHED_PATH" --pins "$LAB_PINS" \
	--state "$LAB_STATE" --socket "$LAB_TMP/second.sock" --listen 127.0.0.1:9816 \
	--events "$LAB_TMP/second" 2>"$LAB_TMP/second.log"
lab_assert "second: refused" test $? != 0
lab_assert_eq "second: one line" "$(wc -l <"$LAB_TMP/second.log")" 1
lab_assert "second: the first one lives" lab_up
lab_assert_eq "second: attached" "$(attached)" "$before"

# Several kills in a row, under load.
lab_mark
lab_hold load "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 0 threads=2 ports=10
for _ in 1 2 3; do
	lab_kill
	lab_daemon
done
lab_release load
lab_settle "under load" "$(sed 's/.*attempts=\([0-9]*\).*/\1/' "$LAB_TMP/held.load")" \
	lab_delta attempts_total
lab_assert_sums "under load"

# An orderly stop keeps the watch as well; detach ends it.
lab_stop
lab_assert_eq "stop" $? 0
lab_assert_eq "stopped: attached" "$(attached)" "$before"
"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >"$LAB_TMP/detach" 2>&1
lab_assert_eq "detach" $? 0
lab_assert_eq "detached: attached" "$(attached)" ""
lab_assert "detached: no pins" test ! -e "$LAB_PINS"
lab_assert_eq "detached: programs" "$(bpftool cgroup show "$LAB_WATCHED")" ""
