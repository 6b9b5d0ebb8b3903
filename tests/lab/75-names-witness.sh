# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# The second witness: what clients say in their first bytes, by TLS or HTTP, whole or in pieces, to
# addresses that answers gave and to others. One connection a case, counted once.
. "$LAB_DIR/churn-lib.sh"

address=198.18.1.0
address6=${CHURN_MANY6}1:0
unknown=198.19.7.7
listed=cdn.listed.example
stranger=cdn.stranger.example

policy_with() {
	lab_policy <<-EOF
		resolvers: [$CHURN_DIRECT]
		limits: {warmup: 0s, pending: 2s}
		strict_names: $1
		allow:
		  - service: dns
		    to: resolvers
		    ports: [udp/53, tcp/53]
		  - service: updates
		    to: [$listed, "*.wild.example"]
		    ports: [tcp/80, tcp/443]
		  - service: other
		    to: [$listed]
		    ports: [tcp/20000, udp/20000]
		  - service: mirror
		    to: [198.18.9.9]
		    ports: [tcp/443]
	EOF
}

# What ended since the mark, as `VERDICT REASON COUNT`, those of the questions aside.
ended() {
	lab_scrape >"$LAB_TMP/now"
	awk '!/^mewatch_connections_total/ || /service="dns"/ { next }
		{
			match($0, /verdict="[^"]*"/)
			end = substr($0, RSTART + 9, RLENGTH - 10)
			match($0, /reason="[^"]*"/)
			end = end " " substr($0, RSTART + 8, RLENGTH - 9)
			n[end] += FILENAME ~ /now$/ ? $NF : -$NF
		}
		END { for (end in n) if (n[end]) print end, n[end] }' "$LAB_TMP/mark" "$LAB_TMP/now" | sort
}

# saw LABEL VERDICT REASON EVIDENCE SNI HOST PATH COMMAND…: the command makes one connection, which is
# to come to that; judged together with those since lab_mark.
seen=()
saw() {
	local label=$1 want="$2 $3 $4 $5 $6 $7"

	shift 7
	lab_truth "$@"
	seen+=("$label|${truth[sport]:-0}|$want")
}

judge() {
	local want one

	want=$(printf '%s\n' "${seen[@]}" | cut -d'|' -f3 | cut -d' ' -f1,2 | sort | uniq -c | awk '{ print $2, $3, $1 }' | sort)
	lab_settle "$1: each once" "$want" ended
	lab_settle "$1: open" "0 0" eval 'echo $(lab_metric pending_flows) $(churn_open)'
	for one in "${seen[@]}"; do
		IFS='|' read -r label sport want <<<"$one"
		lab_settle "$label" "$want" eval "churn_flow $sport | jq -r '[.verdict, .reason // \"none\",
			.evidence // \"none\", .sni // \"-\", .http_host // \"-\", .http_path // \"-\"] | join(\" \")'"
	done
	seen=()
	lab_mark
}

# Connections whose SYN had data that was taken.
opened() {
	nstat -asz TcpExtTCPFastOpenActive | awk '/FastOpen/ { print $2 }'
}

fetch() {
	lab_resolving curl -sk --noproxy '*' -o /dev/null -w 'sport=%{local_port}\n' "$@"
}

dial() {
	lab_in_cgroup "$LAB_BIN/churn_dial" "$@"
}

churn_network
lab_far sysctl -qw net.ipv4.tcp_fastopen=1027 # every listener takes data in the SYN
{
	echo "$listed 60 pool $address $address6 1 1"
	echo "$stranger 60 pool $address $address6 1 1"
	echo "a.wild.example 60 pool 198.18.2.0 - 1 1"
} >"$LAB_TMP/zone"
churn_authority
churn_unbound
echo "nameserver $CHURN_DIRECT" >"$LAB_TMP/resolv.conf"
lab_nginx
lab_sink tcp/20000 udp/20000
policy_with false
lab_daemon
lab_mark

# Real clients.
saw "https" allowed none verified $listed - - fetch -4 https://$listed/data
https=${truth[sport]}
saw "https, IPv6" allowed none verified $listed - - fetch -6 https://$listed/data
saw "http" allowed none verified - $listed /incav2/kaspersky88 \
	fetch -4 "http://$listed/incav2/kaspersky88?key=secret#part"
saw "http, IPv6" allowed none verified - $listed / fetch -6 http://$listed
saw "stranger" violation name-mismatch none $stranger - - fetch -4 https://$stranger/data
saw "stranger, IPv6" violation name-mismatch none $stranger - - fetch -6 https://$stranger/data
saw "stranger, http" violation name-mismatch none - $stranger /ad fetch -4 "http://$stranger/ad?key=secret"
judge "real clients"
lab_assert_eq "https: endpoint, name" "$(churn_flow $https | jq -r '[.endpoint, .name, .rule] | join(" ")')" \
	"$listed $listed updates/cdn.listed.example"
lab_wait '[ "$(lab_event_list ".reason == \"name-mismatch\" and .state == \"confirmed\"" | wc -l)" = 3 ]'
lab_assert_eq "stranger: events" "$(lab_event_list '.state == "confirmed"' | jq -r '[.sni // .http_host, .http_path // "-"] | join(" ")' | paste -sd,)" \
	"$stranger -,$stranger -,$stranger /ad"
saw "Host of another" violation name-mismatch none - $stranger /data fetch -4 -H "Host: $stranger" http://$listed/data
saw "no name" allowed none learned - - - fetch -4 https://$address/data
saw "no name, http" allowed none learned - - /data fetch -4 http://$address/data
saw "openssl" allowed none verified a.wild.example - - eval \
	'lab_in_cgroup dig +short @$CHURN_DIRECT a.wild.example >/dev/null && lab_resolving sh -c \
	"openssl s_client -connect 198.18.2.0:443 -servername a.wild.example </dev/null >/dev/null 2>&1" &&
	lab_wait "lab_flows \".dst == \\\"198.18.2.0\\\"\" | grep -q ." &&
	lab_flows ".dst == \"198.18.2.0\"" | jq -r "\"sport=\(.sport)\""'
saw "upper case" allowed none verified $listed - - dial $address 443 sni=CDN.Listed.EXAMPLE
saw "too deep for the wildcard" violation name-mismatch none b.a.wild.example - - dial 198.18.2.0 443 sni=b.a.wild.example
saw "the bare apex" violation name-mismatch none wild.example - - dial 198.18.2.0 443 sni=wild.example
judge "other names"

# Addresses that nobody gave.
saw "claimed" allowed none claimed $listed - - dial $unknown 443 sni=$listed
saw "claimed, http" allowed none claimed - $listed /x dial $unknown 80 "text=GET /x?y HTTP/1.1\r\nHost: $listed:80\r\n\r\n"
saw "unknown" violation unlisted-destination none $stranger - - dial $unknown 443 sni=$stranger
saw "unknown, no name" violation unlisted-destination none - - - dial $unknown 443 sni=
saw "an address rule asks nobody" allowed none listed - - - dial 198.18.9.9 443 sni=$stranger
judge "nobody gave them"

# Hellos in pieces: the name in any of the first four segments.
saw "large" allowed none verified $listed - - dial $address 443 sni=$listed fill=1500
saw "large, in two" allowed none verified $listed - - dial $address 443 sni=$listed fill=1500 piece=1000 gap=20
saw "large, stranger, in four" violation name-mismatch none $stranger - - dial $address 443 sni=$stranger fill=1500 piece=500 gap=20
saw "in four" allowed none verified $listed - - dial $address6 443 sni=$listed piece=100 gap=20
saw "stranger, in four" violation name-mismatch none $stranger - - dial $address6 443 sni=$stranger piece=100 gap=20
ip link set dev host0 gso_max_segs 1
saw "without offload" violation name-mismatch none $stranger - - dial $address 443 sni=$stranger fill=3000
ip link set dev host0 gso_max_segs 65535
saw "byte by byte" allowed none learned - - - dial $address 443 sni=$listed piece=1
saw "byte by byte, unknown" violation unlisted-destination none - - - dial $unknown 443 sni=$listed piece=1
saw "http in pieces" violation name-mismatch none - $stranger /data \
	dial $address 80 "text=GET /data HTTP/1.1\r\nHost: $stranger\r\n\r\n" piece=20 gap=20
saw "absolute form" violation name-mismatch none - $stranger /p \
	dial $address 80 "text=GET http://$stranger/p?q HTTP/1.1\r\nHost: $listed\r\n\r\n"
saw "neither TLS nor HTTP" allowed none learned - - - dial $address 443 "text=SSH-2.0-lab\r\n"
saw "HTTP without a Host" allowed none learned - - /old dial $address 80 "text=GET /old HTTP/1.0\r\n\r\n"
saw "over MPTCP" allowed none verified $listed - - dial $address 443 sni=$listed mptcp=1
saw "over MPTCP, stranger" violation name-mismatch none $stranger - - dial $address 443 sni=$stranger mptcp=1
saw "before the SYN" allowed none verified $listed - - fetch -4 --tcp-fastopen https://$listed/data
before=$(opened)
saw "in the SYN" allowed none verified $listed - - fetch -4 --tcp-fastopen https://$listed/data
saw "in the SYN, stranger" violation name-mismatch none $stranger - - \
	fetch -4 --tcp-fastopen --connect-to "$stranger:443:$listed:443" https://$stranger/data
lab_assert_eq "in the SYN, both times" "$(opened)" $((before + 2))
judge "pieces"

# Another ClientHello inside: what answers gave stands.
saw "ECH" allowed none learned $stranger - - dial $address 443 sni=$stranger ech=1
saw "ECH, unknown" violation unlisted-destination none $listed - - dial $unknown 443 sni=$listed ech=1
judge "ECH"
lab_wait '[ "$(lab_metric "findings_total{kind=\"ech\"}")" = 2 ]'
lab_wait 'lab_event_list ".event == \"finding\" and .kind == \"ech\"" | grep -q $address'

# Who says nothing is counted when time is up, or at the end.
saw "ended" allowed none learned - - - dial $address 443
saw "ended, unknown" violation unlisted-destination none - - - dial $unknown 443
judge "ended"
lab_hold silent "$LAB_BIN/churn_dial" $address 443 hold=1
lab_hold unknown "$LAB_BIN/churn_dial" $unknown 443 hold=1
lab_wait 'grep -q sport "$LAB_TMP/held.silent" && grep -q sport "$LAB_TMP/held.unknown"'
lab_settle "silent: pending" 2 lab_metric pending_flows
lab_assert_eq "silent: not counted" "$(ended)" ""
lab_assert_eq "silent: one is provisional" "$(churn_open)" 1
lab_assert_sums "silent"
# The one for which no answer came is over in time; the other waits for its client, however long.
lab_settle "silent: one in time" "violation unlisted-destination 1" ended
lab_assert_eq "silent: open" "$(churn_open)" 0
lab_assert_eq "silent: the other waits" "$(lab_metric pending_flows)" 1
lab_release silent
lab_release unknown
lab_settle "silent: both" "allowed none 1,violation unlisted-destination 1" eval 'ended | paste -sd,'
lab_mark
saw "late" violation name-mismatch none $stranger - - dial $address 443 sni=$stranger wait=3500
judge "late"

# What is no business of the witness.
saw "another port" allowed none learned - - - dial $address 20000 "text=GET / HTTP/1.1\r\nHost: $stranger\r\n\r\n"
saw "another port, unknown" violation unlisted-destination none - - - dial $unknown 20000 text=x
saw "a port of nobody" violation unlisted-port none - - - dial $address 8443
saw "DNS over TLS" violation encrypted-dns none - - - dial $address 853
saw "DNS over HTTPS" violation encrypted-dns none dns.example - - dial $CHURN_DIRECT 443 sni=dns.example
judge "other ports"
lab_in_cgroup bash -c 'echo >/dev/udp/$0/443' $address
lab_settle "QUIC" "violation quic 1" ended

# A claim is not enough.
policy_with true
lab_reload ok
lab_mark
saw "strict" violation unlisted-destination none $listed - - dial $unknown 443 sni=$listed
saw "strict: verified" allowed none verified $listed - - dial $address 443 sni=$listed
judge "strict"

lab_assert_eq "no query, no fragment" "$(grep -c secret "$LAB_EVENTS" <(lab_api '/v1/flows?limit=100000') | sed 's/.*://' | paste -sd' ')" "0 0"
lab_assert_eq "retractions name what they retract" "$(churn_orphans)" 0
lab_assert_sums "in all"
