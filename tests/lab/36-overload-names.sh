# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# 100,000 names learned, and more than there is room for: each answer is learned or refused, and counted;
# what was learned is allowed, and what was refused is judged as if no answer had been seen.
. "$LAB_DIR/overload-lib.sh"
lab_need python3

room=$([ -n "${LAB_FULL-}" ] && echo 100000 || echo 10000)
more=$((room / 10))
rate=1000 # below 65536 a minute, beyond which the cause would be another
[ -n "${LAB_FULL-}" ] || rate=

overload_network
"${lab_there[@]}" python3 "$LAB_DIR/overload_dns.py" serve 198.51.100.53 >"$LAB_TMP/dns" 2>&1 &
lab_wait 'grep -q ready "$LAB_TMP/dns"' || lab_die "no resolver: $(<"$LAB_TMP/dns")"
lab_policy <<EOF
resolvers: [198.51.100.53]
limits: {flows: $((2 * room)), learned: $room, pending: 1s, warmup: 0s}
allow:
  - {service: dns, to: resolvers, ports: [udp/53]}
  - service: lab
    to: [$(seq -f '"*.e%.0f.example"' -s ', ' 0 $((room / 10000)))]
    ports: [udp/30000]
EOF
lab_daemon
overload_begin
lab_truth lab_in_cgroup python3 "$LAB_DIR/overload_dns.py" ask 198.51.100.53 names $((room + more)) $rate
overload_over
lab_settle "learned" $room lab_metric names_learned
overload_normal
refused=$(lab_metric names_refused_total)
lab_assert_eq "refused for want of room" "$(lab_metric 'names_refused_total{cause="full"}')" "$refused"
lab_assert_eq "answers" "$(lab_metric dns_responses_total)" "${truth[answered]}"
lab_assert "a problem" test -n "$(lab_api /v1/health | jq -r '.problems[] | select(contains("limits.learned"))')"
overload_row names "${truth[answered]}" $(($(lab_metric names_learned) + refused)) "$refused names" \
	"$((room + more)) names, room for $room: $((truth[answered] * 1000 / truth[ms]))/s"
# The first of them are known, those beyond are not.
lab_mark
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp $LAB_MANY4 30000 $((room + more)) addresses=$((room + more))
lab_settle "allowed" $room lab_delta 'connections_total{service="lab",verdict="allowed"}'
lab_settle "not known" $more lab_delta 'connections_total{verdict="violation"}'
