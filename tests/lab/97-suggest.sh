# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# What `mewatch suggest` makes of the violations of a mail host behind the gateway: `check` takes it, and with
# its rules in the policy the same flows are allowed; what no rule should allow stays a violation.
. "$LAB_DIR/gateway-lib.sh"

stranger=$(gateway_at4 stranger) nameless=$(gateway_at4 truth)

# What the mail host does: a listed name in TLS, one in HTTP, an address, and DNS to a stranger.
misbehave() {
	gateway_at mail curl -sk -o /dev/null --max-time 5 "https://$GATEWAY_TRACKER/" || lab_fail "TLS"
	gateway_at mail curl -s -o /dev/null --max-time 5 http://www.customer1.example/ || lab_fail "HTTP"
	gateway_at mail bash -c 'exec 3<>"/dev/tcp/$0/6667"' $nameless 2>/dev/null
	gateway_at mail dig +short +tries=1 @$stranger mx.customer1.example >/dev/null
}

policy() {
	lab_policy <<-END
		watch: {interfaces: [lan0], hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"]}
		resolvers: [$GATEWAY_LAN4]
		limits: {pending: 1s, warmup: 0s, udp_idle: 1h}
		allow:
		  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}
		  - {service: web, to: listed.example, ports: [tcp/80, tcp/443]}
	END
}

gateway_network nat=off
gateway_names
gateway_web
policy
lab_daemon
lab_mark
misbehave
lab_settle "violations" 4 lab_delta 'violations_total{state="confirmed"}'
"$LAB_BUILD/mewatch" suggest --socket "$LAB_SOCKET" >"$LAB_TMP/suggested.yaml" || lab_fail "no suggestions"
"$LAB_BUILD/mewatch" check -c "$LAB_TMP/suggested.yaml" >/dev/null
lab_assert "check takes it" test $? -le 1
lab_assert_eq "what is suggested" "$(grep -E '^    (to|ports):' "$LAB_TMP/suggested.yaml" | sort)" \
	"    ports: [tcp/443]
    ports: [tcp/6667]
    ports: [tcp/80]
    to: \"$nameless\"
    to: \"$GATEWAY_TRACKER\"
    to: \"www.customer1.example\""
lab_assert_eq "what is not" "$(grep -c '^# not suggested.*resolvers' "$LAB_TMP/suggested.yaml")" 1
lab_assert_eq "as JSON" "$("$LAB_BUILD/mewatch" suggest --socket "$LAB_SOCKET" --json |
	jq -r '[(.suggestions | length), .not_suggested[0].reason] | map(tostring) | join(" ")')" "3 wrong-resolver"

sed -n '/^allow:/,$p' "$LAB_TMP/suggested.yaml" | tail -n +2 >>"$LAB_POLICY"
lab_reload ok
lab_mark
misbehave
lab_settle "the last one is left" 1 lab_delta 'violations_total{state="confirmed"}'
lab_assert_eq "and it is DNS" "$(lab_change 'violations_total{reason="wrong-resolver",state="confirmed"}')" 1
lab_settle "pending" 0 lab_metric pending_flows
lab_assert_sums "in all"
