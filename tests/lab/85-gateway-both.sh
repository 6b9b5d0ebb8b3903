# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# Both vantages on one gateway: a proxy in a watched cgroup, and the interface of the mail hosts. Each
# flow is counted at one of them, whoever opens it, and endpoints count the leg whose peer they are.
. "$LAB_DIR/gateway-more-lib.sh"

each=$([ -n "${LAB_FULL-}" ] && echo 40 || echo 6)

# at VANTAGE: attempts there since the mark.
at() {
	lab_change "attempts_total{vantage=\"$1\"}"
}

# counted LABEL TRANSIT HOST INBOUND: attempts at both, and flows to mail hosts, since the mark.
counted() {
	lab_settle "$1" "$2 $3 $4" counts
	lab_assert_sums "$1"
}

counts() {
	lab_scrape >"$LAB_TMP/now"
	echo "$(at transit) $(at host) $(($(inbound) - inbound_before))"
}

inbound() {
	lab_flows '.vantage == "transit" and .direction == "in"' | wc -l
}

mark() {
	inbound_before=$(inbound)
	lab_mark
}

# endpoint NAME SERVICE: attempts, bytes sent and received since the mark.
endpoint() {
	local of="endpoint=\"$1\",service=\"$2\""

	lab_scrape >"$LAB_TMP/now"
	echo "$(lab_change "endpoint_attempts_total{$of}") $(lab_change "endpoint_bytes_total{$of,direction=\"sent\"}") $(
		lab_change "endpoint_bytes_total{$of,direction=\"received\"}")"
}

# fetch [OPTION]… URL: from the mail host. Says how many bytes of HTTP it sent and received.
fetch() {
	gateway_at mail curl -sS --max-time $((20 * LAB_PATIENCE)) --cacert "$LAB_TMP/cert.pem" -o /dev/null \
		-w '%{size_request} %{size_header} %{size_download}\n' "$@" || lab_fail "curl $*"
}

# sum FIELD…: of the lines on standard input.
sum() {
	awk -v fields="$*" '
		BEGIN { n = split(fields, field) }
		{ for (i = 1; i <= n; i++) sum += $field[i] }
		END { print sum + 0 }'
}

# fetched: bytes that went out and came in.
fetched() {
	echo "$(sum 1 <"$LAB_TMP/fetched") $(sum 2 3 <"$LAB_TMP/fetched")"
}

# web_log FIELD: the sum of it over what the web server has logged since the mark.
web_log() {
	tail -n +$((web_before + 1)) "$LAB_TMP/web.log" | sum $1
}

# warm: from now on, and for a minute, squid knows the addresses.
warm() {
	local name

	for name in http://meupdate.gfi.com https://cdnupdate.gfi.com; do
		fetch --proxy "http://$GATEWAY_PROXY" $name/rules.bin >"$LAB_TMP/fetched"
	done
	lab_settle "squid is done" 0 lab_metric pending_flows
}

# --- the mail host goes out, by the proxy and by itself

proxied() {
	local i leg

	mark
	web_before=$(wc -l <"$LAB_TMP/web.log")
	for ((i = 0; i < each; i++)); do
		fetch --proxy "http://$GATEWAY_PROXY" http://meupdate.gfi.com/rules.bin
	done >"$LAB_TMP/fetched"
	counted "by the proxy" $each $each 0
	lab_settle "by the proxy: the mail host's leg" "$each $(fetched)" endpoint proxy proxy
	lab_settle "by the proxy: the proxy's leg" "$each $(web_log 6) $(web_log 7)" endpoint meupdate.gfi.com updates
	for leg in transit/proxy host/updates; do
		lab_assert_eq "by the proxy: ${leg%/*}" \
			"$(lab_change "connections_total{vantage=\"${leg%/*}\",service=\"${leg#*/}\",verdict=\"allowed\"}")" $each
	done
	lab_assert_eq "by the proxy: who" "$(lab_flows '.dport == 3128' | jq -r '"\(.vantage) \(.host) \(.comm)"' | sort -u)" \
		"transit $GATEWAY_MAIL4 null"
	lab_assert_eq "by the proxy: who asks for it" \
		"$(lab_flows '.vantage == "host"' | jq -r '"\(.comm) \(.host) \(.cgroup)"' | sort -u)" \
		"squid null $LAB_WATCHED_PATH"
}

tunnelled() {
	local i

	mark
	for ((i = 0; i < each; i++)); do
		fetch --proxy "http://$GATEWAY_PROXY" https://cdnupdate.gfi.com/rules.bin
	done >"$LAB_TMP/fetched"
	counted "through the proxy" $each $each 0
	lab_assert_eq "through the proxy: the proxy" "$(lab_change 'endpoint_attempts_total{endpoint="proxy"}')" $each
	lab_settle "through the proxy: the vendor" $each lab_delta 'endpoint_attempts_total{endpoint="cdnupdate.gfi.com"}'
	lab_settle "through the proxy: evidence" verified eval \
		'lab_flows ".vantage == \"host\" and .endpoint == \"cdnupdate.gfi.com\"" | jq -r .evidence | sort -u'
}

direct() {
	local i

	mark
	for ((i = 0; i < each; i++)); do
		fetch http://meupdate.gfi.com/rules.bin
	done >"$LAB_TMP/fetched"
	lab_settle "by itself: allowed" $each \
		lab_delta 'connections_total{vantage="transit",service="updates",verdict="allowed"}'
	lab_settle "by itself" "$each $(fetched)" endpoint meupdate.gfi.com updates
	lab_assert_eq "by itself: at the host" "$(at host)" 0
	lab_settle "by itself: evidence" verified eval \
		'lab_flows ".vantage == \"transit\" and .service == \"updates\"" | jq -r .evidence | sort -u'
}

# The gateway's own addresses are nobody's home.
to_the_gateway() {
	mark
	lab_truth gateway_at mail "$LAB_BIN/paths_tcp" tcp $GATEWAY_LAN4 9 2
	counted "to the gateway" 2 0 0
	lab_assert_eq "to the gateway: violations" \
		"$(lab_change 'violations_total{reason="unlisted-port",state="confirmed"}')" 2
}

# The resolver of the mail host is a process of the gateway that nobody watches.
asked() {
	local i queries=$((2 * each))

	mark
	for ((i = 0; i < each; i++)); do
		gateway_at mail dig +short +tries=1 support.gfi.com A >>"$LAB_TMP/dig.log"
		gateway_at mail dig +short +tries=1 +tcp support.gfi.com AAAA >>"$LAB_TMP/dig.log"
	done
	counted "asked" $queries 0 0
	lab_assert_eq "asked: allowed" \
		"$(lab_change 'connections_total{vantage="transit",service="dns",verdict="allowed"}')" $queries
	lab_settle "asked: queries" $queries lab_delta dns_queries_total
	lab_settle "asked: answers" $queries lab_delta 'dns_responses_total{rcode="noerror"}'
}

# --- the gateway goes to the mail host

# knock COMMAND…: its attempts are added to `knocks`.
knock() {
	lab_truth "$@"
	knocks=$((knocks + truth[attempts]))
}

# A control socket of the kernel's that answers is nobody's.
from_watched() {
	local family to knocks=0 allowed

	mark
	for family in 4 6; do
		to=${MORE_SOURCE[mail$family]}
		knock lab_in_cgroup "$LAB_BIN/storm" tcp $to 25 $each bytes=1000
		LAB_IN=$LAB_WATCHED/inner/most knock lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $to 25 2
		knock lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $to 26 1 # nobody listens
		knock lab_in_cgroup "$LAB_BIN/paths_udp" udp-sendto $to 20000 $each
	done
	allowed=$knocks
	for family in 4 6; do
		knock lab_in_cgroup "$LAB_BIN/paths_raw" raw-echo ${MORE_SOURCE[mail$family]} 0 2
	done
	counted "from the watched cgroup" 0 $knocks 0
	lab_assert_eq "from the watched cgroup: allowed" \
		"$(lab_change 'connections_total{vantage="host",service="delivery",verdict="allowed"}')" $allowed
	lab_assert_eq "from the watched cgroup: no strays" "$(lab_change stray_segments_total)" 0
	lab_settle "from the watched cgroup: endpoint" "$allowed" lab_delta 'endpoint_attempts_total{service="delivery"}'
}

# What is not watched is somebody else who calls the mail host.
from_others() {
	local family to knocks=0

	mark
	for family in 4 6; do
		to=${MORE_SOURCE[mail$family]}
		knock "$LAB_BIN/storm" tcp $to 25 $each bytes=1000
		knock "$LAB_BIN/storm" tcp $to 9093 1 bytes=1000
		knock "$LAB_BIN/paths_udp" udp-sendto $to 20000 $each
	done
	counted "from others" 0 0 $knocks
	lab_settle "from others: bytes" "$((2 * each + 2)) 1000 1000 closed" inbound_bytes
	lab_settle "from others: to remoting" 2 lab_delta 'findings_total{kind="inbound-remoting"}'
}

inbound_bytes() {
	lab_flows '.direction == "in" and .proto == "tcp"' |
		jq -r '"\(.bytes_sent) \(.bytes_received) \(.state)"' | sort | uniq -c | awk '{ $1 = $1 } 1'
}

# Nobody is there to count for a while.
killed() {
	local i knocks=0

	warm
	mark
	lab_kill
	for ((i = 0; i < each; i++)); do
		fetch --proxy "http://$GATEWAY_PROXY" http://meupdate.gfi.com/rules.bin
	done >"$LAB_TMP/fetched"
	knock lab_in_cgroup "$LAB_BIN/storm" tcp $GATEWAY_MAIL4 25 $each bytes=1000
	lab_truth "$LAB_BIN/storm" tcp $GATEWAY_MAIL4 25 $each bytes=1000
	lab_daemon
	lab_settle "killed" "$each $((each + knocks))" eval 'lab_scrape >"$LAB_TMP/now"; echo $(at transit) $(at host)'
	lab_settle "killed: the mail host's leg" "$each $(fetched)" endpoint proxy proxy
	lab_assert_sums "killed"
}

# --- under way when the watch begins

preexisting() {
	lab_flows .preexisting | jq -r '"\(.vantage) \(.direction) \(.dport) \(.verdict)"' | sort | paste -sd,
}

# A download through the proxy: what comes first is the proxy's. It is two flows as well, of which the
# mail host opened the one, the proxy the other.
under_way() {
	lab_stop
	"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >"$LAB_TMP/detach" || lab_fail "detach: $(<"$LAB_TMP/detach")"
	truncate -s 500M "$LAB_TMP/www/large.bin"
	: >"$LAB_TMP/large.bin"
	gateway_start mail curl -sS --limit-rate 5M --proxy "http://$GATEWAY_PROXY" -o "$LAB_TMP/large.bin" \
		http://meupdate.gfi.com/large.bin
	lab_wait '[ -s "$LAB_TMP/large.bin" ]'
	lab_daemon
	lab_settle "under way: the mail host's leg" 1 lab_metric 'preexisting_flows_total{vantage="transit",verdict="allowed"}'
	lab_settle "under way: the proxy's leg" 1 lab_metric 'preexisting_flows_total{vantage="host"}'
	lab_assert_eq "under way: attempts" "$(lab_metric attempts_total)" 0
	lab_settle "under way: two flows" "host out 80 allowed,transit out 3128 allowed" preexisting
	kill $gateway_started
}

gateway_seed
gateway_network
gateway_names
gateway_web
gateway_proxy
mkdir -p "$LAB_WATCHED/inner/most"
gateway_start mail "$LAB_BIN/sink" tcp/25 udp/20000 tcp/9093 >"$LAB_TMP/mail"
lab_wait 'grep -q ready "$LAB_TMP/mail"' || lab_die "no servers"
gateway_policy <<-END
	resolvers: [$GATEWAY_LAN4]
	proxy: $GATEWAY_PROXY
	limits: {warmup: 0s, udp_idle: 1h}
	allow:
	  - service: delivery
	    to: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"]
	    ports: [tcp/25, tcp/26, udp/20000]
END
lab_daemon
warm
proxied
tunnelled
direct
to_the_gateway
asked
from_watched
from_others
under_way
killed
