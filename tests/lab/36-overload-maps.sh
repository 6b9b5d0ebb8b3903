# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# Every table of the host vantage that others can fill is full at the same time: flows, pending ones, learned
# addresses, names that stand for others, queries, processes, own addresses. What is beyond each bound is
# counted and told where somebody looks, the sums stay exact, and afterwards there is room again. (Mail hosts,
# fragments and FTP are filled by tests/kernel.)
. "$LAB_DIR/overload-lib.sh"
lab_need python3

processes=16384 queries=32768 aliases=4096 own=4096 # their bounds
room=4096

overload_network
"${lab_there[@]}" python3 "$LAB_DIR/overload_dns.py" serve 198.51.100.53 >"$LAB_TMP/dns" 2>&1 &
lab_wait 'grep -q ready "$LAB_TMP/dns"' || lab_die "no resolver: $(<"$LAB_TMP/dns")"
lab_policy <<EOF
resolvers: [198.51.100.53]
limits: {flows: $room, learned: 1024, pending: 2s, udp_idle: 2s, warmup: 0s}
allow:
  - {service: dns, to: resolvers, ports: [udp/53]}
  - service: lab
    to: ["*.e0.example", "a1.example"]
    ports: [udp/30000]
EOF
lab_daemon

# full MAP: it is.
full() {
	lab_settle "$1: entries" "$(lab_metric "map_capacity{map=\"$1\"}")" lab_metric "map_entries{map=\"$1\"}"
}

# told WORDS: somebody who looks at Health finds it.
told() {
	lab_assert "Health says: $1" test -n "$(lab_api /v1/health | jq -r --arg words "$1" \
		'.problems[] | select(contains($words))')"
}

ask() {
	lab_truth lab_in_cgroup python3 "$LAB_DIR/overload_dns.py" ask 198.51.100.53 "$@"
}

overload_begin
ask names 2000
full learned
told "raise limits.learned"
lab_assert_eq "learned: refused" "$(lab_metric 'names_refused_total{cause="full"}')" $((2000 - 1024))

ask silent $((queries + 1000))
full queries
told "queries"
lab_assert_eq "queries: refused" "$(lab_metric 'names_refused_total{cause="queries-full"}')" \
	$(($(lab_metric dns_queries_total) - 2000 - queries))

# A process each; what cannot be named is judged and counted like the others.
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp-fork 198.19.0.1 30001 $((processes + 500)) threads=2 addresses=60000
lab_assert_eq "processes: failed" "${truth[failed]}" 0
full processes
told "their programs are not named"

# Pending ones fill the table; those beyond cannot wait.
lab_mark
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp 198.19.0.1 30000 $((3 * room)) addresses=60000
lab_settle "attempts" $((3 * room)) lab_delta attempts_total
told "raise limits.flows"
lab_settle "pending" 0 lab_metric pending_flows
lab_settle "every one ended" $((3 * room)) lab_delta connections_total
lab_assert_eq "as a violation, or unresolved where there was no room" \
	$(($(lab_delta 'connections_total{verdict="violation"}') + $(lab_change 'connections_total{verdict="unresolved"}'))) \
	$((3 * room))
lab_assert "unresolved ones" test "$(lab_change 'connections_total{verdict="unresolved"}')" -gt 0
lab_wait '[ -n "$(lab_event_list ".kind == \"coverage-lost\"")" ]' 15

awk -v n=$((own + 100)) 'BEGIN { for (i = 0; i < n; i++) printf "address add 10.1.%d.%d/32 dev lo\n", i / 250, i % 250 + 1 }' |
	ip -batch -
lab_wait '[ "$(lab_metric "map_entries{map=\"own_addresses\"}")" -ge $own ]' 20
told "own addresses are not known"
ip address flush dev lo >/dev/null
ip address add 127.0.0.1/8 dev lo
overload_over

attempts=$((processes + 500 + 3 * room + 2))
# A query lives for 30 s; who is in a hurry waits for the flows alone.
empty=$([ -n "${LAB_FULL-}" ] && echo 'flows queries' || echo flows)
overload_normal 'for map in $empty; do [ "$(lab_metric "map_entries{map=\"$map\"}")" -lt 400 ] || break; done &&
	[ "$(lab_metric "map_entries{map=\"${empty##* }\"}")" -lt 400 ]'
overload_row maps $attempts "$(lab_metric connections_total)" \
	"$(lab_metric flow_overflow_total) flows, $(lab_metric names_refused_total) answers" "7 tables at once"
