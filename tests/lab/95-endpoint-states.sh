# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# An endpoint that must work, and what becomes of it behind a firewall of the gateway that drops, then
# rejects, then lets it through again: its state, the outcome of its attempts, and one event each way, over
# kill -9, a detach and a policy that says never. And what the profile has that traffic has never used.
. "$LAB_DIR/gateway-lib.sh"

name=meupdate.gfi.com
other=support.gfi.com
unused=unused.example
address=$(gateway_at4 web)

# fetch: the mail host asks the endpoint for something; as it pleases the firewall. Each time it is told
# anew where that is, so that neither a cache nor another address stands in for it.
fetch() {
	gateway_at mail curl -4 -s -o /dev/null --max-time 10 "http://$name/incav2/avira/update.bin"
}

# row FIELD: of the endpoint on the board; `-` where it has none.
row() {
	lab_api "/v1/endpoints?limit=1000" |
		jq -r ".endpoints[] | select(.endpoint == \"$name\") | $1 // \"-\""
}

# events: what was told of the endpoint so far, with its outcome.
events() {
	lab_event_list ".endpoint == \"$name\" and (.event | IN(\"failing\", \"overdue\", \"recovered\"))" |
		jq -r '[.event, .outcome // empty] | join(":")' | paste -sd' '
}

# until_state STATE [FAILURE]: the endpoint is tried again and again until then.
fetching=0
until_state() {
	local deadline=$((SECONDS + 30))

	until [ "$(row .state)" = "$1" ] && { [ -z "${2-}" ] || [ "$(row .failure)" = "$2" ]; }; do
		[ $SECONDS -lt $deadline ] || lab_die "the endpoint is $(row .state) for $(row .failure), not $*"
		if [ "$fetching" = 0 ] || ! kill -0 "$fetching" 2>/dev/null; then
			fetch &
			fetching=$!
		fi
		sleep 0.2
	done
}

# firewall VERDICT…: of the gateway for what goes to the endpoint; `none`: there is no rule.
firewall() {
	nft delete table ip wall 2>/dev/null
	[ "$1" = none ] && return
	nft -f - <<-EOF || lab_die "no packet filter"
		table ip wall {
			chain forward {
				type filter hook forward priority 0
				ip daddr $address tcp dport 80 $*
			}
		}
	EOF
}

policy() {
	gateway_policy <<-EOF
		resolvers: [$GATEWAY_LAN4]
		limits: {warmup: 0s, tcp_syn: 1s}
		allow:
		  - service: updates
		    name: what must work
		    to: [$name, $unused]
		    ports: [tcp/80]
		    expect: {every: $1}
	EOF
}

# expect TIME: a policy with that is in force from now on.
expect() {
	policy $1
	lab_reload ok
}

metrics_are() {
	lab_assert_eq "the metric of failing" "$(lab_metric "endpoint_failing{endpoint=\"$name\"}")" $1
	lab_assert_eq "the metric of overdue" "$(lab_metric "endpoint_overdue{endpoint=\"$name\"}")" $2
}

gateway_network
gateway_names
gateway_web
policy 1h
lab_daemon
lab_assert_eq "never seen" "$(row .state)" never
lab_assert_eq "it is on the board" \
	"$(lab_api '/v1/endpoints?limit=1000' | jq "[.endpoints[] | select(.endpoint == \"$other\")] | length")" 1

fetch
lab_settle "it works" good row .state
lab_settle "by a name" true row '(.evidence.verified // 0) >= 1'
lab_assert_eq "its trend" "$(row '.trend | add')" 1
lab_assert_eq "what is expected" "$(row .expect_s)" 3600
lab_assert_eq "nothing was told" "$(events)" ""

firewall drop
until_state failing timeout
lab_settle "failing is told" failing:timeout events
metrics_are 1 0
lab_kill
lab_daemon
lab_assert_eq "failing over kill -9" "$(row .state)" failing
expect 2s
until_state overdue timeout
lab_settle "and overdue" "failing:timeout overdue:timeout" events
metrics_are 1 1
lab_assert "its timeouts" [ "$(row .outcomes.timeout)" -ge 1 ]
lab_kill
lab_daemon
lab_assert_eq "overdue over kill -9" "$(row .state)" overdue
expect 1h
lab_assert_eq "with more patience" "$(row .state)" failing
firewall none
until_state good
lab_settle "it recovered" "failing:timeout overdue:timeout recovered" events
metrics_are 0 0

: >"$LAB_EVENTS"
firewall reject with tcp reset
until_state failing refused
expect 2s
until_state overdue refused
lab_settle "overdue, refused" "failing:refused overdue:refused" events

# What is pinned goes; the folder knows that it was overdue. Only a success is one.
lab_stop
"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null || lab_fail "detach"
policy 1h
lab_daemon
lab_assert_eq "overdue over a detach" "$(row .state)" overdue
lab_assert_eq "when it worked" "$(row '.last_success | length')" 24
firewall none
until_state good
lab_settle "it recovered once more" "failing:refused overdue:refused recovered" events
lab_settle "what allowed it" verified row '.evidence | keys | join(" ")'

# What nobody used in all this time is told: a finding where the site has it, a note where the profile does.
lab_stop
"$LAB_BUILD/mewatch" check -c "$LAB_POLICY" --state "$LAB_STATE" >"$LAB_TMP/check" 2>&1
lab_assert_eq "check finds something" $? 1
lab_assert "never used, of the site" grep -q "finding: not used in the .*$unused" "$LAB_TMP/check"
lab_assert "never used, of the profile" grep -q "note: not used in the .*$other" "$LAB_TMP/check"
lab_assert_eq "used" "$(grep -c "not used in the .*$name" "$LAB_TMP/check")" 0
