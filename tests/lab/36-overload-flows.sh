# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# A million flows open at once, and a tenth more than the table has room for: all are counted, all that
# have room are listed, and those beyond say how many they are.
. "$LAB_DIR/overload-lib.sh"

room=$([ -n "${LAB_FULL-}" ] && echo 1000000 || echo 50000)
more=$((room / 10))

overload_network
lab_policy <<EOF
limits: {flows: $room, udp_idle: 3600s, warmup: 0s}
allow:
  - service: lab
    to: [198.18.0.0/15]
    ports: [udp/30000-30099]
EOF
lab_daemon

# listed CONDITION: how many flows are in the list.
listed() {
	lab_api "/v1/flows?limit=0&filter=$1" | jq .matched
}

overload_begin
lab_hold many "$LAB_BIN/storm" udp $LAB_MANY4 30000 $((room + more)) threads=2 ports=100 addresses=130000 hold=1
lab_wait 'grep -q attempts= "$LAB_TMP/held.many"' 120
lab_wait '[ "$(listed state:open)" = $room ]' 120
lab_assert_eq "listed" "$(listed state:open)" $room
lab_assert_eq "beyond" "$(lab_metric flow_overflow_total)" $more
lab_assert "a problem" test -n "$(lab_api /v1/health | jq -r '.problems[] | select(contains("limits.flows"))')"
lab_assert_eq "endpoint" "$(lab_metric endpoint_attempts_total)" $((room + more))
lab_release many
overload_over
overload_normal '[ "$(lab_metric "map_entries{map=\"flows\"}")" = 0 ]'
lab_truth tail -n 1 "$LAB_TMP/held.many"
overload_row flows "${truth[attempts]}" "$(lab_metric 'connections_total{verdict="allowed"}')" "$more flows" \
	"$((room + more)) open at once, room for $room"
# There is room again.
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp $LAB_MANY4 30000 100 ports=10 addresses=10
lab_settle "room again" $((room + more + 100)) lab_metric 'connections_total{verdict="allowed"}'
lab_assert_eq "room again: beyond" "$(lab_metric flow_overflow_total)" $more
