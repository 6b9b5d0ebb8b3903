# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# A day of two MailEssentials hosts behind the gateway, against the vendor's default list: whatever they
# should do is allowed, under the right rule, with the right end, and counted once, also what goes
# through the gateway's own proxy, which is watched by its cgroup; their DNS is counted by what it is
# for. Then each thing that they must not do is found, with its reason.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/day-lib.sh"
. "$LAB_DIR/day-misbehave.sh"
. "$LAB_DIR/day-check.sh"
. "$LAB_DIR/replay-lib.sh"

hours=${DAY_HOURS:-$([ -n "${LAB_FULL-}" ] && echo 48 || echo 6)}
messages=${DAY_MESSAGES:-$([ -n "${LAB_FULL-}" ] && echo 24 || echo 4)}

# found: the violations since the mark, as `REASON COUNT`.
found() {
	day_connections | awk '$3 == "violation" { print $4, $5 }' | paste -sd,
}

# check_names LABEL: whether DNS is what the resolver's log says.
check_names() {
	lab_settle "$1: queries" "$(day_queries)" day_queries_seen
	lab_settle "$1: sockets that asked" "$(day_asked)" \
		lab_metric 'connections_total{vantage="transit",service="dns",verdict="allowed"}'
}

gateway_network
gateway_servers
gateway_proxy
day_policy
replay_begin
lab_daemon
day_begin
lab_mark
for ((hour = 0; hour < hours; hour++)); do
	day_hour $messages
done

# The day itself.
lab_settle "nothing is pending" 0 lab_metric pending_flows
lab_settle "the flows" "" day_flows_differ
lab_scrape >"$LAB_TMP/now"
day[data.ftp]=${day[ftp.data]} # data connections count with their control connections
for service in updates smtp ftp time proxy; do
	lab_assert_eq "$service" \
		"$(lab_change "connections_total{vantage=\"transit\",service=\"$service\",verdict=\"allowed\"}")" \
		$((day[$service] + ${day[data.$service]-0}))
done
lab_assert_eq "endpoints" "$(day_endpoints_differ)" ""
check_names "the day"
lab_assert_eq "truncated answers, asked for again over TCP" \
	"$(lab_flows '.proto == "tcp" and .dport == 53 and .verdict == "allowed"' | wc -l)" $hours
lab_assert_eq "once: the proxy" \
	"$(lab_change 'connections_total{vantage="host",service="updates",verdict="allowed"}')" "${day[proxied]}"
lab_assert_eq "refused by a block list" "$(lab_change 'dnsbl_refusals_total{zone="dbl.spamhaus.org"}')" \
	"$(day_names_log | grep -c 'query\[A\] .*dbl.spamhaus.org')"
lab_assert_eq "the directory stays on its segment" "$(lab_flows '.dport == 389 or .dport == 636')" ""
lab_assert_eq "what a mail host learned from the directory server" \
	"$(lab_flows ".src == \"$GATEWAY_SECOND4\" and .service == \"updates\"" |
		jq -r '[.verdict, .evidence] | join(" ")' | sort -u)" "allowed verified"

lab_assert_eq "no violation" "$(lab_change 'violations_total{state="confirmed"}')" 0
# FTP data: what is passive was announced, what is active comes from outside.
lab_assert_eq "FTP data, passive" \
	"$(lab_change 'ftp_data_connections_total{mode="passive",evidence="announced"}')" "${day[ftp.data]}"
lab_assert_eq "FTP data, active" \
	"$(lab_flows '.direction == "in"' | jq -r '"\(.dst) \(.dport) \(.state)"' | sort)" \
	"$(sed 's/$/ 20 closed/' "$DAY_CALLBACKS" | sort)"

replay_same "the day"

# What they must not do, one at a time.
for family in 4 6; do
	misdeeds=DAY_MISDEEDS
	[ $family = 6 ] || misdeeds=DAY_MISDEEDS4
	for misdeed in ${!misdeeds}; do
		lab_mark
		day_misbehave $misdeed $family
		lab_settle "$misdeed, IPv$family" "$day_reason 1" found
	done
done

# Who comes from outside makes no attempt, and a neighbour is nobody's business.
lab_mark
lab_flows '.direction == "in"' | wc -l >"$LAB_TMP/inbound"
day_visitors $GATEWAY_WAN4
day_visitors $GATEWAY_MAIL6
lab_settle "visitors" $(($(<"$LAB_TMP/inbound") + day[inbound])) \
	eval 'lab_flows ".direction == \"in\"" | wc -l'
lab_settle "visitors to remoting" "${day[finding.inbound-remoting]}" \
	lab_delta 'findings_total{kind="inbound-remoting"}'
day_neighbour
lab_assert_eq "visitors and neighbours: no attempt" "$(lab_delta attempts_total)" 0
day_alias
lab_settle "another address, the same card" "${day[finding.same-mac-other-address]}" \
	lab_delta 'findings_total{kind="same-mac-other-address"}'
lab_assert_eq "mail hosts alone" \
	"$(lab_flows '.vantage == "transit"' | jq -r .host | sort -u | paste -sd' ')" \
	"$GATEWAY_MAIL4 $GATEWAY_SECOND4 $GATEWAY_MAIL6 $GATEWAY_SECOND6"
check_names "in all"
lab_assert_sums "in all"
replay_same "in all"
replay_end
replay_agree "the day" SNI Host answers FTP
# one byte: of a name that a client says, of an address that a resolver gave, of a length
replay_changed sni 'tls.handshake.extensions_server_name == "sn92.mailshell.net"' 736e3932
replay_changed answer 'dns.a == 203.0.113.123' cb00717b
replay_changed bytes_sent 'ip.src == 10.10.0.10 && udp.dstport == 123' 007b0038
