# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# 300,000 violations a second, of which the flow table and the ring hold a part: every one is in the
# counters, in the events and in the history.
. "$LAB_DIR/overload-lib.sh"
lab_need sqlite3

seconds=$([ -n "${LAB_FULL-}" ] && echo 10 || echo 1)
count=$((300000 * seconds))

overload_network
lab_policy <<EOF
allow:
  - service: lab
    to: [$LAB_LISTED4]
    ports: [tcp/20000]
EOF
lab_daemon
overload_begin
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp $LAB_MANY4 30000 $count threads=2 ports=100 addresses=130000 rate=300000
overload_over
overload_normal "overload_told $count"
lab_assert_eq "connections" "$(lab_metric 'connections_total{verdict="violation"}')" $count
lab_assert_eq "the list knows what it does not show" \
	"$(lab_api '/v1/violations?limit=100000' | jq '([.violations[].count] | add) + .untold')" $count
overload_row violations "${truth[attempts]}" "$(lab_metric 'violations_total{state="confirmed"}')" \
	"$(lab_metric 'events_lost_total{source="ring"}') records, $(lab_metric flow_overflow_total) flows" \
	"300000/s for $seconds s: $((count * 1000 / truth[ms]))/s"
lab_stop
lab_assert_eq "history" "$(sqlite3 -batch "file:$LAB_STATE/history.db?mode=ro" \
	"SELECT sum(count) FROM violations WHERE state = 'confirmed'")" $count
