# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# A name is known before its reader is: clients connect within microseconds of the answer, each time
# to an address that was never seen, and not one of them is late.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/names-lib.sh"

count=$([ -n "${LAB_FULL-}" ] && echo 50000 || echo 5000)
each=67 # NAMES_EACH

# race LABEL PORT COUNT LEARNED [key=value]…: LEARNED is what becomes of an answer; 0: nothing.
race() {
	local label=$1 port=$2 n=$3 learned=$4

	shift 4
	lab_mark
	lab_truth lab_in_cgroup "$LAB_BIN/names_race" $NAMES_RESOLVER4 $NAMES_RESOLVER6 $port $n "$@"
	echo "$label: ${truth[connects]} connects, ${truth[rate]}/s, ${truth[least_ns]} ns at the least, ${truth[median_ns]} ns in the middle after the answer"
	lab_assert_eq "$label: connects" "${truth[connects]}" $n
	lab_assert_eq "$label: other ends than a refusal" "${truth[failed]}" 0
	lab_assert_eq "$label: answers lost" "${truth[lost]}" 0

	lab_settle "$label: attempts" $((n + truth[dns_attempts])) lab_delta attempts_total
	lab_settle "$label: allowed" $((learned ? n : 0)) \
		lab_delta 'connections_total{service="names",verdict="allowed"}'
	lab_settle "$label: confirmed" $((learned ? 0 : n)) \
		lab_delta 'violations_total{state="confirmed"}'
	lab_settle "$label: learned" $((n * learned)) lab_delta names_learned
	lab_assert_eq "$label: provisional" "$(lab_change 'violations_total{state="provisional"}')" \
		$((learned ? 0 : n))
	lab_assert_eq "$label: retracted" "$(lab_change 'violations_total{state="retracted"}')" 0
	lab_assert_eq "$label: unresolved" "$(lab_change 'connections_total{verdict="unresolved"}')" 0
	lab_assert_eq "$label: DNS" "$(lab_change 'connections_total{service="dns",verdict="allowed"}')" \
		"${truth[dns_attempts]}"
	lab_assert_eq "$label: final ones" "$(lab_change connections_total)" $((n + truth[dns_attempts]))
	lab_assert_eq "$label: queries" "$(lab_change 'dns_queries_total{category="other"}')" $n
	lab_assert_eq "$label: answers" \
		"$(lab_change 'dns_responses_total{category="other",rcode="noerror"}')" $n
	lab_assert_eq "$label: refused" "$(names_refused)" 0
	lab_assert_eq "$label: pending" "$(lab_sum pending_flows <"$LAB_TMP/now")" 0
	lab_assert_sums "$label"
}

names_network
{
	cat <<-EOF
		resolvers: [$NAMES_RESOLVER4, '$NAMES_RESOLVER6']
		limits: {pending: 1s, warmup: 0s, learned: 131072}
		allow:
		  - service: dns
		    to: resolvers
		    ports: [udp/53]
	EOF
	for ((n = 0; n < each; n++)); do
		for name in e$n "*.w$n" "**.s$n"; do
			printf '  - {service: names, to: "%s.race.example", ports: [tcp/8080, tcp/443]}\n' "$name"
		done
	done
} | lab_policy
lab_daemon

# The ids, and with them the addresses, are others each time.
names_server ttl=0
race "at once" 8080 $count 1
names_server addresses=2 chain=3
race "CNAMEs, a socket for each query" 443 $((count / 10)) 2 first=60000 fresh=1
names_server
race "strangers" 8080 $((count / 20)) 0 first=50000 strangers=1
lab_assert_eq "lost" "$(lab_metric events_lost_total)" 0
lab_assert_eq "overflow" "$(lab_metric flow_overflow_total)" 0
