# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# A flood of violations is counted exactly and told in aggregate, and what the ring could not take is
# told as lost: the events always sum up to the counter.
. "$LAB_DIR/lib.sh"

count=$([ -n "${LAB_FULL-}" ] && echo 1000000 || echo 100000)

flood() {
	lab_truth lab_in_cgroup "$LAB_BIN/storm" udp-fresh $LAB_MANY4 30000 "$1" threads=2 ports=50 \
		addresses=2000
}

# The events of violations stand for as many as the counter says: events_agree LABEL WANT
events_agree() {
	lab_assert_eq "$1: confirmed" "$(lab_metric 'violations_total{state="confirmed"}')" "$2"
	lab_assert_eq "$1: connections" "$(lab_metric 'connections_total{verdict="violation"}')" "$2"
	lab_wait "[ \"\$(lab_event_sum '.state == \"confirmed\"')\" -ge $2 ]" 30
	lab_assert_eq "$1: told" "$(lab_event_sum '.state == "confirmed"')" "$2"
}

lab_network
lab_far nft 'add table inet lab; add chain inet lab in { type filter hook input priority 0; };
	add rule inet lab in udp dport 30000-30049 drop'
lab_policy <<EOF
resolvers: [198.51.100.53]
limits: {flows: 8192}
allow:
  - service: lab
    to: [$LAB_LISTED4]
    ports: [tcp/20000-20009]
EOF
lab_daemon
flood "$count"
lab_settle "attempts" "$count" lab_metric attempts_total
events_agree "flood" "$count"
lab_assert "told in aggregate" test -n "$(lab_event_list '.event == "aggregate"')"
lab_assert_eq "aggregates say when" \
	"$(lab_event_list '.event == "aggregate" and (.count < 1 or .first == null or .last == null or .first > .last)')" ""
lab_assert "not one line for each" test "$(wc -l <"$LAB_EVENTS")" -lt $((count / 2))

# Nobody reads the ring for a while.
kill -STOP "$lab_daemon_pid"
flood "$count"
kill -CONT "$lab_daemon_pid"
lab_wait 'lab_up'
lab_settle "asleep: attempts" $((2 * count)) lab_metric attempts_total
lab_assert "asleep: the loss is told" test "$(lab_metric 'events_lost_total{source="ring"}')" -gt 0
events_agree "asleep" $((2 * count))
lab_assert_sums "in all"

# The grouped view knows what it does not show.
lab_assert_eq "violations view" \
	"$(lab_api '/v1/violations?limit=100000' | jq '([.violations[].count] | add) + .untold')" $((2 * count))
