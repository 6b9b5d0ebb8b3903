# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# Sums are exact: many threads, bytes of an endpoint, and a flow table with no room left.
. "$LAB_DIR/lib.sh"

count=$([ -n "${LAB_FULL-}" ] && echo 200000 || echo 10000)
endpoint='endpoint="lab/bulk",service="lab"' # addresses are called by their rule

lab_network
lab_sink tcp/20000-20009 udp/20000-20009
lab_policy <<EOF
resolvers: [198.51.100.53]
allow:
  - service: lab
    name: bulk
    to: [$LAB_LISTED4]
    ports: [tcp/20000-20009, udp/20000-20009]
EOF
lab_daemon

lab_truth lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 "$count" threads=4 ports=10 bytes=300
lab_assert_eq "storm: failed" "${truth[failed]}" 0
lab_settle "attempts" "${truth[attempts]}" lab_metric 'attempts_total{vantage="host"}'
lab_assert_eq "connections" \
	"$(lab_metric 'connections_total{service="lab",verdict="allowed",reason="none"}')" "$count"
lab_assert_eq "endpoint attempts" "$(lab_metric "endpoint_attempts_total{$endpoint}")" "$count"
lab_settle "established" "$count" lab_metric "endpoint_connections_total{$endpoint,outcome=\"established\"}"
lab_assert_eq "outcomes in all" "$(lab_metric "endpoint_connections_total{$endpoint}")" "$count"
lab_assert_eq "resets" "$(lab_metric "endpoint_resets_total{$endpoint}")" 0
lab_settle "bytes sent" "${truth[sent]}" lab_metric "endpoint_bytes_total{$endpoint,direction=\"sent\"}"
lab_settle "bytes received" "${truth[received]}" \
	lab_metric "endpoint_bytes_total{$endpoint,direction=\"received\"}"
lab_assert_sums "tcp"

# Processes that live for one connect.
lab_mark
lab_truth lab_in_cgroup "$LAB_BIN/paths_task" short-lived $LAB_LISTED4 20000 500
lab_settle "short lives" 500 lab_delta attempts_total

# Both verdicts, both families of hooks, at the same time.
lab_mark
for kind in udp udp-fresh; do
	lab_in_cgroup "$LAB_BIN/storm" $kind $LAB_MANY4 30000 "$count" threads=2 ports=50 addresses=$((count / 50)) >/dev/null &
done
lab_in_cgroup "$LAB_BIN/storm" udp-fresh $LAB_LISTED4 20000 "$count" threads=2 ports=10 >/dev/null &
wait -n && wait -n && wait -n
lab_settle "mixed: attempts" $((3 * count)) lab_delta attempts_total
lab_assert_eq "mixed: allowed" "$(lab_delta 'connections_total{verdict="allowed"}')" "$count"
lab_assert_eq "mixed: violations" \
	"$(lab_delta 'connections_total{verdict="violation",reason="unlisted-destination"}')" $((2 * count))
lab_assert_sums "mixed"
lab_stop

# A flow table of a few: what has no room is counted, and the totals stay.
rm -rf "$LAB_STATE" && "$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null
sed -i '/^resolvers/i limits: {flows: 64}' "$LAB_POLICY"
lab_daemon
lab_hold table "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 500 ports=10 hold=1
lab_wait 'grep -q attempts=500 "$LAB_TMP/held.table"'
lab_settle "full table: attempts" 500 lab_metric attempts_total
lab_assert_eq "full table: connections" "$(lab_metric 'connections_total{verdict="allowed"}')" 500
lab_assert_eq "full table: overflow" "$(lab_metric flow_overflow_total)" \
	$((500 - $(lab_metric 'map_entries{map="flows"}')))
lab_assert "full table: it overflowed" test "$(lab_metric flow_overflow_total)" -gt 0
lab_assert_eq "full table: endpoint attempts" "$(lab_metric "endpoint_attempts_total{service=\"lab\"}")" 500
lab_assert_sums "full table"
lab_release table
lab_settle "room again" 0 lab_metric 'map_entries{map="flows"}'
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20000 10
lab_settle "room again: attempts" 510 lab_metric attempts_total
