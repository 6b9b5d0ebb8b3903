# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# The proxy: real squid on the gateway, which is watched, and the same on the internet, which is not;
# real curl by IPv4 and IPv6, through it and past it. What it is asked for is read at the mail host's
# leg and judged by the list, and the proxy's own flow for it is the other half of the same story.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/replay-lib.sh"

far_proxy=$(gateway_at4 truth):3128
tracker=$(gateway_at4 stranger)

# fetch WHO [OPTION]… URL: curl there says its port, which is in `port`.
fetch() {
	local who=$1

	shift
	port=$(gateway_at "$who" curl -sk --max-time 20 -o /dev/null -w '%{local_port}' "$@")
	[ "${port:-0}" != 0 ] || lab_fail "curl $*"
}

# here [OPTION]… URL: from the gateway itself, as a process that is watched.
here() {
	LAB_IN=$LAB_WATCHED lab_in_cgroup curl -sk4 --max-time 20 -o /dev/null \
		--resolve "meupdate.gfi.com:443:$(gateway_at4 web)" "$@" || lab_fail "curl $*"
}

# story LABEL SELECTION WANT: request, client, upstream, endpoint and http_host of that one flow.
story() {
	lab_settle "$1" "$3" eval "lab_flows '$2' | jq -r '[.request, .client, .upstream, .endpoint, .http_host]
		| map(. // \"-\") | join(\" \")'"
}

# reached CLIENT: whom the proxy's flow for it reached.
reached() {
	lab_flows ".client == \"$1\"" |
		jq -r 'if .dst | contains(":") then "[\(.dst)]:\(.dport)" else "\(.dst):\(.dport)" end'
}

# both LABEL CLIENT HOST PORT REQUEST PROXY ENDPOINT: the two legs tell of each other.
both() {
	local client=$2 to

	lab_wait '[ "$(reached "$client")" ]' || lab_fail "$1: no flow of the proxy's"
	to=$(reached "$client")
	story "$1: the mail host's leg" ".vantage == \"transit\" and .sport == ${client##*:}" \
		"$5 - $to $6 $3"
	story "$1: the proxy's leg" ".vantage == \"host\" and .client == \"$client\"" "$5 $client - $7 ${8--}"
	lab_assert_eq "$1: whom it reached" "$(gateway_at near dig +short @$GATEWAY_LAN4 $3 A $3 AAAA |
		grep -cFx "$(sed 's/^\[//; s/]\?:[0-9]*$//' <<<"$to")")" 1
	lab_assert_eq "$1: at which port" "${to##*:}" $4
}

# findings: proxy-unlisted and proxy-bypassed since the mark.
findings() {
	lab_scrape >"$LAB_TMP/now"
	echo $(lab_change 'findings_total{kind="proxy-unlisted"}') $(lab_change 'findings_total{kind="proxy-bypassed"}')
}

# attempts ENDPOINT…: of each, since the mark.
attempts() {
	local endpoint

	lab_scrape >"$LAB_TMP/now"
	for endpoint; do
		lab_change "endpoint_attempts_total{endpoint=\"$endpoint\"}"
	done | paste -sd' '
}

# told KIND: of its events since the mark, what was asked and by whom.
told() {
	tail -n +$((events_before + 1)) "$LAB_EVENTS" | jq -r "select(.event == \"finding\" and .kind == \"$1\")
		| [.vantage, .host // .comm, .request // .name // .sni, .verdict] | join(\" \")" | sort | paste -sd,
}

mark() {
	lab_settle "nothing is open" 0 lab_metric pending_flows
	lab_mark
	events_before=$(wc -l <"$LAB_EVENTS")
}

# policy PROXY: where it is.
policy() {
	gateway_policy <<-END
		resolvers: [$GATEWAY_LAN4]
		proxy: "$1"
		limits: {warmup: 0s, pending: 2s}
	END
}

# --- squid on the gateway

near() {
	local client update=http://meupdate.gfi.com/incav2/avira/update.bin

	mark
	fetch mail -4 --proxy "http://$GATEWAY_PROXY" "$update?key=secret#part"
	both "http" $GATEWAY_MAIL4:$port meupdate.gfi.com 80 "GET $update" proxy meupdate.gfi.com meupdate.gfi.com
	lab_assert_eq "http: the path" "$(lab_flows ".sport == $port" | jq -r .http_path)" /incav2/avira/update.bin
	fetch mail -4 --proxy "http://$GATEWAY_PROXY" https://cdnupdate.gfi.com/rules.bin
	both "https" $GATEWAY_MAIL4:$port cdnupdate.gfi.com 443 "CONNECT cdnupdate.gfi.com:443" proxy cdnupdate.gfi.com
	lab_assert_eq "https: the name is the client's, at both" \
		"$(lab_flows ".client == \"$GATEWAY_MAIL4:$port\"" | jq -r '[.sni, .evidence, .comm] | join(" ")')" \
		"cdnupdate.gfi.com verified squid"
	# Each leg counts for its own peer.
	lab_settle "once" "2 1 1" attempts proxy meupdate.gfi.com cdnupdate.gfi.com
	lab_assert_eq "listed" "$(findings)" "0 0"
	client=$GATEWAY_MAIL4:$port
	lab_assert_eq "metop: the proxy's leg" "$("$LAB_BUILD/metop" --socket "$LAB_SOCKET" --once --json |
		jq -r ".flows[] | select(.client == \"$client\") | .request")" "CONNECT cdnupdate.gfi.com:443"
	lab_assert "metop: whom it was for" grep -q cdnupdate.gfi.com \
		<("$LAB_BUILD/metop" --socket "$LAB_SOCKET" --once --filter port:3128)
}

# What the list has not: the mail host's flow is allowed, and the proxy's is a violation that names it.
near_unlisted() {
	local client

	mark
	fetch mail -4 --proxy "http://$GATEWAY_PROXY" https://$GATEWAY_TRACKER/
	client=$GATEWAY_MAIL4:$port
	both "unlisted" $client $GATEWAY_TRACKER 443 "CONNECT $GATEWAY_TRACKER:443" proxy -
	lab_settle "unlisted: found" "1 0" findings
	lab_settle "unlisted: told" "transit $GATEWAY_MAIL4 CONNECT $GATEWAY_TRACKER:443 allowed" told proxy-unlisted
	lab_settle "unlisted: the violation" "unlisted-destination $client CONNECT $GATEWAY_TRACKER:443 squid" eval \
		'lab_event_list ".state == \"confirmed\" and .client == \"'$client'\"" | jq -r "[.reason, .client, .request, .comm] | join(\" \")"'
	# A listed name at another port, and an address: its flow may be refused at once.
	fetch mail -4 --proxy "http://$GATEWAY_PROXY" http://meupdate.gfi.com:8081/
	fetch mail -4 --proxy "http://$GATEWAY_PROXY" http://$tracker:8082/x
	client=$GATEWAY_MAIL4:$port
	lab_settle "an address: the violation" "unlisted-destination GET http://$tracker:8082/x" eval \
		'lab_event_list ".state == \"confirmed\" and .client == \"'$client'\"" | jq -r "[.reason, .request] | join(\" \")"'
	lab_settle "all found" "3 0" findings
	lab_settle "once" "3" attempts proxy
	lab_assert_sums "unlisted"
}

# Past it: allowed, and found; not if it is the proxy's machine that goes out.
near_bypassed() {
	mark
	fetch mail -4 http://meupdate.gfi.com/rules.bin
	fetch mail -6 https://meupdate.gfi.com/rules.bin
	lab_settle "bypassed: found" "0 2" findings
	lab_settle "bypassed: told" "transit $GATEWAY_MAIL4 meupdate.gfi.com allowed,transit $GATEWAY_MAIL6 meupdate.gfi.com allowed" \
		told proxy-bypassed
	here https://meupdate.gfi.com/rules.bin
	fetch mail -4 ftp://ftp.gfisoftware.com/version.txt
	lab_settle "not bypassed: the endpoint" "3 2" attempts meupdate.gfi.com ftp.gfisoftware.com
	lab_settle "not bypassed: all is final" 0 lab_metric pending_flows
	lab_assert_eq "not bypassed" "$(findings)" "0 2"
}

# By name, and IPv6.
named() {
	policy proxy.corp.example:3128
	lab_reload ok
	mark
	fetch mail -6 --proxy http://proxy.corp.example:3128 https://meupdate.gfi.com/rules.bin
	both "by name" [$GATEWAY_MAIL6]:$port meupdate.gfi.com 443 "CONNECT meupdate.gfi.com:443" proxy meupdate.gfi.com
	fetch mail -6 --proxy http://proxy.corp.example:3128 "http://[$(gateway_at6 stranger)]/x"
	story "by name: an address" ".vantage == \"host\" and .client == \"[$GATEWAY_MAIL6]:$port\"" \
		"GET http://[$(gateway_at6 stranger)]/x [$GATEWAY_MAIL6]:$port - - -"
	lab_settle "by name: found" "1 0" findings
	lab_settle "by name: evidence" "2" eval 'lab_flows ".dport == 3128 and .evidence == \"learned\"" | wc -l'
	lab_settle "by name: once" "2 1" attempts proxy meupdate.gfi.com
}

# A daemon that was killed has told what it has told.
killed() {
	local total

	total=$(lab_metric 'findings_total{kind="proxy-unlisted"}')
	lab_kill
	gateway_at mail curl -sk -o /dev/null --proxy "http://$GATEWAY_PROXY" https://$GATEWAY_TRACKER/
	lab_daemon
	lab_settle "killed: found" $((total + 1)) lab_metric 'findings_total{kind="proxy-unlisted"}'
	lab_settle "killed: told" $((total + 1)) lab_event_sum '.kind == "proxy-unlisted"'
	lab_assert_eq "killed: bypassed" "$(lab_metric 'findings_total{kind="proxy-bypassed"}')" \
		"$(lab_event_sum '.kind == "proxy-bypassed"')"
}

# --- squid on the internet, of which only the mail host's leg is seen

far() {
	policy $far_proxy
	lab_reload ok
	mark
	fetch mail -4 --proxy "http://$far_proxy" https://cdnupdate.gfi.com/rules.bin
	story "far: https" ".sport == $port" "CONNECT cdnupdate.gfi.com:443 - - proxy cdnupdate.gfi.com"
	# What was reached that way works, without an attempt of its own.
	fetch mail -4 --proxy "http://$far_proxy" https://support.gfi.com/rules.bin
	lab_settle "far: the endpoint works" "good true 0" eval 'lab_api /v1/endpoints | jq -r ".endpoints[] |
		select(.endpoint == \"support.gfi.com\") | [.state, .last_success != null, .attempts] | map(tostring) | join(\" \")"'
	fetch mail -4 --proxy "http://$far_proxy" http://$GATEWAY_TRACKER/x
	story "far: unlisted" ".sport == $port" "GET http://$GATEWAY_TRACKER/x - - proxy $GATEWAY_TRACKER"
	# A process of the gateway has to go by it now, like everybody.
	here https://meupdate.gfi.com/rules.bin
	here --proxy "http://$far_proxy" https://$GATEWAY_TRACKER/
	lab_settle "far: found" "2 1" findings
	lab_settle "far: bypassed" "host curl meupdate.gfi.com allowed" told proxy-bypassed
	lab_settle "far: unlisted, told" "host curl CONNECT $GATEWAY_TRACKER:443 allowed,transit $GATEWAY_MAIL4 GET http://$GATEWAY_TRACKER/x allowed" \
		told proxy-unlisted
	lab_settle "far: once" "4 1 0" attempts proxy meupdate.gfi.com cdnupdate.gfi.com
	lab_assert_sums "far"
}

gateway_network
gateway_names
gateway_web
gateway_ftp
gateway_proxy
gateway_far_proxy
policy $GATEWAY_PROXY
replay_begin
lab_daemon
near
near_unlisted
near_bypassed
replay_same "proxy"
replay_end
replay_agree "the proxy" SNI answers
killed
named
far
