# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# Reloads: a good policy is in force afterwards, a bad one changes nothing and says so, and back to
# back under load no flow is judged by a mixture of two policies.
. "$LAB_DIR/lib.sh"

rounds=$([ -n "${LAB_FULL-}" ] && echo 500 || echo 40)

# policy_of SERVICE FILE: the same destination, another service, other places in the tables.
policy_of() {
	local padding

	padding=$([ "$1" = alpha ] && seq -f '192.0.2.%.0f' -s ', ' 1 100 || echo 192.0.2.200)
	lab_policy "$2" <<-EOF
		resolvers: [198.51.100.53]
		allow:
		  - service: padding-$1
		    to: [$padding]
		    ports: [tcp/1-99]
		  - service: $1
		    name: rule-of-$1
		    to: [$LAB_LISTED4]
		    ports: [tcp/20000-20009, udp/20000-20009]
	EOF
}

generation() {
	lab_api /v1/health | jq .policy.generation
}

lab_network
lab_sink tcp/20000-20009 udp/20000-20009
policy_of alpha "$LAB_TMP/alpha.yaml"
policy_of beta "$LAB_TMP/beta.yaml"
cp "$LAB_TMP/alpha.yaml" "$LAB_POLICY"
lab_daemon

lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20000 3
first=$(generation)
cp "$LAB_TMP/beta.yaml" "$LAB_POLICY"
lab_reload ok
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20000 4
lab_settle "beta" 4 lab_metric 'connections_total{service="beta",verdict="allowed"}'
lab_assert_eq "alpha" "$(lab_metric 'connections_total{service="alpha",verdict="allowed"}')" 3
lab_assert_eq "generation" "$(generation)" $((first + 1))
lab_assert_eq "reload is an event" "$(lab_event_list '.event == "reload"' | wc -l)" 1

# A bad policy: not YAML, an unknown key, gone.
for bad in 'allow: [' 'alow: []'; do
	lab_policy <<<"$bad"
	lab_mark
	lab_reload failed
	lab_assert_eq "bad: generation" "$(generation)" $((first + 1))
	lab_assert "bad: it says where" \
		grep -q "$LAB_POLICY:[0-9]" <<<"$(lab_api /v1/health | jq -r .policy.last_error)"
	lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20000 2
	lab_settle "bad: beta is in force" 2 \
		lab_delta 'connections_total{service="beta",verdict="allowed"}'
done
rm "$LAB_POLICY"
lab_reload failed
lab_assert_eq "failed reloads" "$(lab_metric 'policy_reloads_total{result="failed"}')" 3

# A datagram's flow that ended by a shorter `udp_idle` is over, also for a socket that goes on when that
# is longer again: what it sends then is another attempt.
idle() {
	sed "s/^resolvers: .*/&\nlimits: {udp_idle: $1}/" "$LAB_TMP/beta.yaml" >"$LAB_POLICY"
	lab_reload ok
}

talks() {
	lab_metric 'endpoint_attempts_total{endpoint="beta/rule-of-beta"}'
}

idle 1h
talked=$(talks)
lab_hold talker bash -c 'exec 3<>/dev/udp/$0/20009; echo one >&3; read -r _; echo two >&3' $LAB_LISTED4
lab_settle "talks" $((talked + 1)) talks
idle 100ms
lab_settle "talks no more" 0 eval 'lab_flows ".state == \"open\"" | wc -l'
idle 1h
lab_release talker
lab_settle "talks again" $((talked + 2)) talks

# Back to back under load. Every generation from here on has the other parity.
cp "$LAB_TMP/alpha.yaml" "$LAB_POLICY"
lab_reload ok
parity=$(($(generation) % 2))
lab_mark
lab_hold tcp "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 0 ports=10
lab_hold udp "$LAB_BIN/storm" udp-fresh $LAB_LISTED4 20000 0 ports=10
for ((i = 0; i < rounds; i++)); do
	[ $((i % 2)) = 0 ] && next=beta || next=alpha
	cp "$LAB_TMP/$next.yaml" "$LAB_TMP/next.yaml" && mv "$LAB_TMP/next.yaml" "$LAB_POLICY"
	lab_reload ok || break
done
lab_release tcp
lab_release udp
attempts=$(sed -s 's/.*attempts=\([0-9]*\).*/\1/' "$LAB_TMP/held.tcp" "$LAB_TMP/held.udp" | paste -sd+ -)
lab_settle "load: attempts" $((attempts)) lab_delta attempts_total
lab_assert_eq "load: alpha and beta, nothing else" "$(lab_delta connections_total)" \
	$(($(lab_delta 'connections_total{service="alpha",verdict="allowed"}') + \
	$(lab_delta 'connections_total{service="beta",verdict="allowed"}')))
lab_assert_eq "load: endpoints agree with services" "$(lab_delta endpoint_attempts_total)" $((attempts))
lab_wait 'lab_flows true >"$LAB_TMP/flows"; [ "$(jq -r .policy "$LAB_TMP/flows" | sort -u | wc -l)" -ge 2 ]'
lab_assert_eq "no torn judgement" "$(jq -c --argjson parity "$parity" --argjson first "$first" '
	select(.policy > $first + 1) |
	(if .policy % 2 == $parity then "alpha" else "beta" end) as $of |
	select(.service != $of or .rule != $of + "/rule-of-" + $of or .verdict != "allowed")' \
	"$LAB_TMP/flows" | head -n 3)" ""
lab_assert_sums "load"
