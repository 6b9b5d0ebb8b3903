# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# Names over restarts and reloads: what was learned allows while no daemon runs, what clients said
# meanwhile is heard afterwards, answers of before count for names that come later, and whoever was
# accused too early gets it back in writing.
. "$LAB_DIR/churn-lib.sh"

unknown=198.19.7.7

# policy_with LIST [MORE]: the names of the policy.
policy_with() {
	lab_policy <<-EOF
		resolvers: [$CHURN_DIRECT]
		limits: {warmup: 0s, pending: 3s, grace: 5s}
		allow:
		  - service: dns
		    to: resolvers
		    ports: [udp/53, tcp/53]
		  - service: updates
		    to: [$1]
		    ports: [tcp/443]
		${2-}
	EOF
}

ask() {
	lab_assert "$1 is answered" test -n "$(lab_in_cgroup dig +short @$CHURN_DIRECT $1.listed.example)"
}

dial() {
	lab_in_cgroup "$LAB_BIN/churn_dial" "$@"
}

# ends: of the service since the mark, as `VERDICT REASON COUNT`, in one line.
ends() {
	lab_scrape >"$LAB_TMP/now"
	for end in allowed,none violation,name-mismatch violation,unlisted-destination; do
		echo "$end $(lab_change "connections_total{service=\"updates\",verdict=\"${end%,*}\",reason=\"${end#*,}\"}")"
	done | awk '$2 { print }' | paste -sd' ' -
}

# flow ADDRESS: of the last flow there, what it came to.
flow() {
	lab_flows ".dst == \"$1\"" | jq -rs 'sort_by(.first) | last |
		[.verdict, .evidence // "none", .endpoint // "-", .name // "-", .sni // "-"] | join(" ")'
}

again() {
	lab_kill
	lab_daemon
}

churn_network
for i in {1..9}; do
	echo "n$i.listed.example $((i < 8 ? 60 : 1)) pool 198.18.$i.0 - 1 1"
done >"$LAB_TMP/zone"
churn_authority
churn_unbound
lab_nginx
policy_with "n1.listed.example, n2.listed.example"
lab_daemon

# While no daemon runs.
ask n1
lab_settle "learned" 1 lab_metric names_learned
lab_mark
lab_kill
dial 198.18.1.0 443 sni= >/dev/null
dial 198.18.1.0 443 sni=n1.listed.example >/dev/null
ask n2
dial 198.18.2.0 443 sni= >/dev/null
dial 198.18.2.0 443 sni=stranger.example fill=1500 piece=500 gap=10 >/dev/null
dial $unknown 443 sni=n2.listed.example >/dev/null
dial $unknown 443 sni=stranger.example >/dev/null
dial $unknown 443 >/dev/null
lab_daemon
lab_settle "down: ends" "allowed,none 4 violation,name-mismatch 1 violation,unlisted-destination 2" ends
lab_assert_eq "down: evidence" "$(lab_flows '.dport == 443' | jq -r '[.dst, .evidence // "none", .sni // "-"] | join(" ")' |
	sort | paste -sd,)" "$(sort <<-EOF | paste -sd,
		198.18.1.0 learned -
		198.18.1.0 verified n1.listed.example
		198.18.2.0 learned -
		198.18.2.0 none stranger.example
		$unknown claimed n2.listed.example
		$unknown none stranger.example
		$unknown none -
	EOF
)"
lab_settle "down: learned" 2 lab_metric names_learned
lab_assert_eq "down: queries" "$(lab_metric dns_queries_total) $(lab_metric dns_responses_total)" "2 2"
again
lab_assert_eq "killed again: queries" "$(lab_metric dns_queries_total) $(lab_metric dns_responses_total)" "2 2"
lab_assert_eq "killed again: learned" "$(lab_metric names_learned)" 2
lab_assert_sums "down"

# Open over the kill: the time that no daemon ran is not counted as theirs.
lab_mark
lab_hold silent "$LAB_BIN/churn_dial" 198.18.1.0 443 hold=1
lab_hold unknown "$LAB_BIN/churn_dial" $unknown 443 hold=1
lab_hold speaks "$LAB_BIN/churn_dial" 198.18.1.0 443 wait=2000 sni=n1.listed.example hold=1
lab_hold strange "$LAB_BIN/churn_dial" 198.18.2.0 443 wait=2000 sni=stranger.example hold=1
lab_settle "held" 4 lab_metric pending_flows
lab_kill
lab_wait 'grep -q done=1 "$LAB_TMP/held.speaks" && grep -q done=1 "$LAB_TMP/held.strange"'
sleep 2.5 # longer than they may be pending, in all
lab_daemon
lab_settle "held: those who spoke are settled" 2 lab_metric pending_flows
lab_assert_eq "held: as they said" "$(ends)" "allowed,none 1 violation,name-mismatch 1"
lab_settle "held: unknown in time" 1 lab_metric pending_flows
lab_settle "held: unknown" "allowed,none 1 violation,name-mismatch 1 violation,unlisted-destination 1" ends
for name in silent unknown speaks strange; do
	lab_release $name
done
lab_settle "held: silent to the end" 0 lab_metric pending_flows
lab_assert_eq "held: ends" "$(ends)" "allowed,none 2 violation,name-mismatch 1 violation,unlisted-destination 1"

# An orderly stop: the names of before are there afterwards.
ask n2
ask n3
lab_settle "answer" 1 eval 'lab_api "/v1/dns?name=n3.listed.example" | jq ".answers | length"'
since=$(lab_api '/v1/dns?name=n3.listed.example' | jq -r '.answers[0].since')
lab_stop
lab_assert "stop: kept" grep -q '"n3.listed.example"' "$LAB_STATE/names"
echo '{"name": "half' >>"$LAB_STATE/names"
echo '{"name": "n4.listed.example", "address": "nowhere"}' >>"$LAB_STATE/names"
policy_with "n1.listed.example, n3.listed.example"
lab_daemon
lab_assert_eq "start: since" "$(lab_api '/v1/dns?name=n3.listed.example' | jq -r '.answers[0].since')" "$since"
lab_assert "start: damaged lines are told" grep -q 'names: 2 lines' "$LAB_LOG"
# The policy that came meanwhile knows a name more, and one less.
lab_mark
dial 198.18.3.0 443 sni= >/dev/null
dial 198.18.2.0 443 sni=n2.listed.example >/dev/null
lab_settle "start: ends" "allowed,none 1 violation,unlisted-destination 1" ends
lab_settle "start: names" "allowed learned n3.listed.example n3.listed.example -" flow 198.18.3.0
lab_settle "start: the name of before" "violation none - n2.listed.example n2.listed.example" flow 198.18.2.0
# The kernel's tables are gone, the names are not.
lab_stop
"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null
lab_daemon
lab_mark
dial 198.18.3.0 443 sni= >/dev/null
lab_settle "detached: ends" "allowed,none 1" ends

# A reload that adds a name begins with the answers that were seen; no query is needed.
ask n5
lab_settle "answer" 1 eval 'lab_api "/v1/dns?name=n5.listed.example" | jq ".answers | length"'
queries=$(lab_metric dns_queries_total)
lab_mark
dial 198.18.5.0 443 sni=n5.listed.example >/dev/null
lab_settle "before the reload" "violation,unlisted-destination 1" ends
policy_with "n1.listed.example, '*.listed.example'"
lab_reload ok
lab_mark
dial 198.18.5.0 443 sni= >/dev/null
dial 198.18.5.0 443 sni=n5.listed.example >/dev/null
lab_settle "reload: warm" "allowed,none 2" ends
lab_assert_eq "reload: endpoint" "$(flow 198.18.5.0)" "allowed verified *.listed.example n5.listed.example n5.listed.example"
lab_assert_eq "reload: no query" "$(lab_metric dns_queries_total)" $queries
# One that removes it, and one that brings it back.
policy_with "n1.listed.example"
lab_reload ok
lab_mark
dial 198.18.5.0 443 sni=n5.listed.example >/dev/null
lab_settle "removed" "violation,unlisted-destination 1" ends
policy_with "n1.listed.example, n5.listed.example"
lab_reload ok
lab_mark
dial 198.18.5.0 443 sni= >/dev/null
lab_settle "brought back" "allowed,none 1" ends

# A flow that is under way when its name comes, by an answer or by a reload, and what was told of it.
policy_with "n1.listed.example, n6.listed.example"
lab_reload ok
before=$(churn_states)
told() {
	echo $(($(churn_states | cut -d' ' -f$1) - $(cut -d' ' -f$1 <<<"$before")))
}
lab_mark
lab_hold early "$LAB_BIN/churn_dial" 198.18.6.0 443 sni= hold=1
lab_hold other "$LAB_BIN/churn_dial" 198.18.7.0 443 sni= hold=1
lab_settle "early: provisional" 2 told 1
ask n6
policy_with "n1.listed.example, n6.listed.example" "$(printf '  - service: updates\n    name: other\n    to: [198.18.7.0]\n    ports: [tcp/443]')"
lab_reload ok
lab_settle "early: retracted" 2 told 2
lab_settle "early: allowed" "allowed,none 2" ends
lab_assert_eq "early: evidence" "$(flow 198.18.6.0), $(flow 198.18.7.0)" \
	"allowed learned n6.listed.example n6.listed.example -, allowed listed updates/other - -"
lab_assert_eq "early: none confirmed" "$(told 3)" 0
lab_release early
lab_release other
for address in 198.18.6.0 198.18.7.0; do
	id=$(lab_event_list ".event == \"violation\" and .dst == \"$address\"" | jq -r .id)
	lab_wait 'lab_event_list ".event == \"retraction\" and .dst == \"$address\"" | grep -q .'
	lab_assert_eq "early: $address: its retraction" "$id" \
		"$(lab_event_list ".event == \"retraction\" and .dst == \"$address\"" | jq -r .retracts)"
done

# A life of 1 s is one of 30; then the evidence is stale, then there is none. An address in use is kept.
if [ -n "${LAB_FULL-}" ]; then
	policy_with "n8.listed.example, n9.listed.example"
	lab_reload ok
	ask n8
	ask n9
	born=$SECONDS
	lab_hold live "$LAB_BIN/churn_dial" 198.18.9.0 443 hold=1
	dial 198.18.8.0 443 sni= >/dev/null
	lab_settle "life" "allowed learned n8.listed.example n8.listed.example -" flow 198.18.8.0
	lab_wait '[ $SECONDS -ge $((born + 31)) ]' 40
	dial 198.18.8.0 443 sni= >/dev/null
	lab_settle "stale" "allowed stale n8.listed.example n8.listed.example -" flow 198.18.8.0
	lab_wait '[ $SECONDS -ge $((born + 37)) ]' 40
	dial 198.18.8.0 443 sni= >/dev/null
	lab_settle "over" "violation none -" eval 'flow 198.18.8.0 | cut -d" " -f1-3'
	while [ $SECONDS -lt $((born + 60)) ]; do
		dial 198.18.9.0 443 sni= >/dev/null
		sleep 0.5
	done
	lab_settle "in use" "allowed learned,allowed stale" eval \
		'lab_flows ".dst == \"198.18.9.0\"" | jq -r ".verdict + \" \" + .evidence" | sort -u | paste -sd,'
	lab_release live
fi

lab_assert_eq "retractions name what they retract" "$(churn_orphans)" 0
lab_settle "pending" 0 lab_metric pending_flows
lab_assert_eq "open" "$(churn_open)" 0
lab_assert_sums "in all"
