# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2059,SC2086
#
# Local stubs: dnsmasq on 127.0.0.53, ::1 and an own address, watched itself. What it answers, and what
# it asks for its clients, is learned at once; only the clients' queries are counted. DNS over TCP,
# truncated answers, and what the stub knows by heart.
. "$LAB_DIR/churn-lib.sh"

# asked LABEL QUERIES COMMAND…: the command makes so many queries, and gets as many answers.
asked() {
	local label=$1 queries=$2

	shift 2
	lab_mark
	lab_assert "$label" lab_in_cgroup "$@" >"$LAB_TMP/asked"
	lab_settle "$label: queries" $queries lab_delta dns_queries_total
	lab_settle "$label: answers" $queries lab_delta 'dns_responses_total{rcode="noerror"}'
	lab_assert_eq "$label: other answers" "$(lab_delta dns_responses_total)" $queries
}

# answers NAME: address, count and end of what was answered for it.
answers() {
	lab_api "/v1/dns?name=$1" |
		jq -r '.answers[] | [.address, .count, .until] | map(tostring) | join(" ")' | sort
}

# learned LABEL ADDRESS NAME: a client that names nobody may go there at once.
learned() {
	local flow

	lab_mark
	churn_dial $2 443 sni=
	lab_settle "$1: allowed" 1 lab_delta 'connections_total{service="updates",verdict="allowed"}'
	lab_assert_eq "$1: no violation" "$(lab_delta violations_total)" ${told:-0}
	lab_wait '[ "$(churn_flow ${truth[sport]} | jq -r .evidence)" = learned ]'
	flow=$(churn_flow ${truth[sport]})
	lab_assert_eq "$1: its name" "$(jq -r '.name + " " + .endpoint' <<<"$flow")" "$3 $3"
}

# wire NAME…: queries for their addresses as they go over TCP, each with its length before it.
wire() {
	local name label

	for name; do
		printf '\\x00\\x%02x\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00' $((18 + ${#name}))
		for label in ${name//./ }; do
			printf '\\x%02x%s' ${#label} "$label"
		done
		printf '\\x00\\x00\\x01\\x00\\x01'
	done
}

# asked_stream LABEL PIECE NAME…: over one connection, PIECE bytes a segment.
asked_stream() {
	local label=$1 piece=$2

	shift 2
	printf "$(wire "$@")" >"$LAB_TMP/wire"
	asked "$label" $# "$LAB_BIN/churn_dial" $CHURN_STUB 53 file="$LAB_TMP/wire" answers=$# piece=$piece
	lab_assert "$label: answered" grep -q 'done=1' "$LAB_TMP/asked"
}

churn_network
{
	for i in {1..20}; do
		echo "n$i.listed.example $((i + 40)) pool 198.18.$i.0 ${CHURN_MANY6}$i:0 2 2"
	done
	echo "alias.listed.example 60 cname edge.cdn.example"
	echo "edge.cdn.example 50 pool 198.18.100.0 - 1 1"
	echo "big.listed.example 60 pool 198.18.101.0 - 60 60"
	echo "updates.listed.example 60 pool $LAB_LISTED4 $LAB_LISTED6 1 1"
} >"$LAB_TMP/zone"
churn_authority
churn_unbound
CHURN_IN=$LAB_WATCHED churn_dnsmasq $CHURN_STUB,::1,$LAB_HOST4
lab_nginx
lab_policy <<EOF
resolvers:
  - {stub: $CHURN_STUB, upstream: [$CHURN_UPSTREAM]}
  - {stub: $LAB_HOST4, upstream: [$CHURN_UPSTREAM]}
  - {stub: "::1", upstream: [$CHURN_UPSTREAM]}
limits: {warmup: 0s, pending: 2s}
allow:
  - service: dns
    to: resolvers
    ports: [udp/53, tcp/53]
  - service: updates
    to: [$(printf 'n%d.listed.example, ' {1..20}) alias.listed.example, big.listed.example, updates.listed.example]
    ports: [tcp/80, tcp/443]
EOF
lab_daemon

# Each way to the stub: what is asked is counted once, though the stub asks as well.
i=0
for server in $CHURN_STUB $LAB_HOST4 ::1; do
	i=$((i + 1))
	name=n$i.listed.example
	asked "$server" 1 dig +short @$server $name
	learned "$server" 198.18.$i.1 $name
	lab_wait 'answers $name | grep -q "^198.18.$i.0 2 "'
	lab_assert_eq "$server: seen on both legs" "$(answers $name | cut -d' ' -f1,2 | paste -sd,)" \
		"198.18.$i.0 2,198.18.$i.1 2"
	asked "$server: by heart" 1 dig +short @$server $name
	lab_wait 'answers $name | grep -q "^198.18.$i.0 3 "'
	asked "$server: IPv6" 1 dig +short @$server $name AAAA
	learned "$server: IPv6" ${CHURN_MANY6}$i:1 $name
done
asked "many" 9 dig +short @$CHURN_STUB n{4,5,6,7,8,9,10,11,12}.listed.example
asked "alias" 1 dig +short @$CHURN_STUB alias.listed.example
learned "alias" 198.18.100.0 alias.listed.example

# Over TCP: several questions over one connection, then in one segment, then a byte in each.
asked "TCP" 3 dig +short +tcp +keepopen @$CHURN_STUB n{13,14,15}.listed.example
lab_assert_eq "TCP: one connection" "$(lab_flows '.proto == "tcp" and .dport == 53 and .comm == "dig"' | wc -l)" 1
learned "TCP" 198.18.14.1 n14.listed.example
asked_stream "TCP, one segment" 0 n16.listed.example n17.listed.example
learned "TCP, one segment" 198.18.16.0 n16.listed.example
learned "TCP, one segment" 198.18.17.0 n17.listed.example
asked_stream "TCP, byte by byte" 1 n18.listed.example n1.listed.example
learned "TCP, byte by byte" 198.18.18.1 n18.listed.example

# Too long for a datagram without EDNS: asked again over TCP, and there is every address.
asked "truncated" 2 dig +noedns @$CHURN_STUB big.listed.example
lab_assert_eq "truncated: the client has all" "$(grep -c '198\.18\.101\.' "$LAB_TMP/asked")" 60
learned "truncated" 198.18.101.59 big.listed.example
lab_wait '[ "$(answers big.listed.example | wc -l)" = 60 ]'

# A client with the resolver of the C library: both families over one socket.
echo "nameserver $CHURN_STUB" >"$LAB_TMP/resolv.conf"
lab_mark
lab_assert "curl" lab_resolving curl -sf --noproxy '*' -o /dev/null http://updates.listed.example/data
lab_settle "curl: queries" 2 lab_delta dns_queries_total
lab_settle "curl: allowed" 1 lab_delta 'connections_total{service="updates",verdict="allowed"}'
lab_wait '[ "$(lab_flows ".comm == \"curl\" and .dport == 80" | jq -r .evidence)" = verified ]'

# The stub begins anew, with another socket and an empty cache.
churn_end $churn_dnsmasq_pid
CHURN_IN=$LAB_WATCHED churn_dnsmasq $CHURN_STUB,::1,$LAB_HOST4
asked "again" 1 dig +short @$CHURN_STUB n19.listed.example
learned "again" 198.18.19.1 n19.listed.example

lab_assert_eq "no violation" "$(churn_ends | grep violation)" ""
lab_assert_eq "nothing refused" "$(lab_scrape | grep '^mewatch_names_refused_total' | grep -v ' 0$')" ""
lab_assert_sums "in all"
