# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2086,SC2154
#
# Ports, outcomes and payload bytes of every attempt that mail hosts make through the gateway, against
# what their clients and the servers say: over IPv4 and IPv6, with and without NAT, with and without
# segments that network cards cut, over a wire that loses, doubles and swaps packets. And the metrics,
# from the same truth.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/replay-lib.sh"

count=${TRUTH_COUNT:-$([ -n "${LAB_FULL-}" ] && echo 1500 || echo 35)}
truth_file=$LAB_TMP/truth # all of it
round=0

# client HOST 4|6 KIND DEST PORT COUNT [OPTION]…: attempts of gateway_client, all of them as they should be.
client() {
	lab_truth gateway_at $1 "$LAB_BIN/gateway_client" $3 "$(gateway_source $1 $2)" $4 $5 $6 "${@:7}" \
		id=$next_id truth="$truth_file"
	next_id=$((next_id + $6))
	lab_assert_eq "$*: failed" "${truth[failed]}" 0
}

# The ways to end that a wire which loses resets cannot hide.
in_order=5 and_resets=7

# streams HOST 4|6 ENDS: to a listed server and to one that is not.
streams() {
	client $1 $2 tcp "$(gateway_at$2 truth)" $((5000 + round)) $count up=60000 down=60000 ends=$3 threads=16
	client $1 $2 tcp "$(gateway_at$2 stranger)" $((5000 + round)) $count up=6000 down=60000 ends=$3 threads=16
}

# nobody HOST 4|6: who asks there waits for nothing, while the others go on.
waiting=()
nobody() {
	gateway_start $1 "$LAB_BIN/gateway_client" tcp "$(gateway_source $1 $2)" "$(gateway_at$2 nobody)" \
		$((5000 + round)) 3 threads=3 truth="$LAB_TMP/nobody" >"$LAB_TMP/waiting"
	waiting+=($gateway_started)
}

# others HOST 4|6: all that comes to another end.
others() {
	client $1 $2 tcp "$(gateway_at$2 truth)" $((5100 + round)) 3
	client $1 $2 tcp "$(gateway_at$2 no_way)" $((5000 + round)) 2 threads=2
	client $1 $2 abort "$(gateway_at$2 truth)" 20996 2
	client $1 $2 udp "$(gateway_at$2 truth)" $((20000 + round)) 5 up=100 datagrams=3
	client $1 $2 udp "$(gateway_at$2 truth)" $((20010 + round)) 3 up=3000 datagrams=2 # in fragments
	client $1 $2 mute "$(gateway_at$2 truth)" $((20020 + round)) 3 up=100 datagrams=2
}

# compare: `same`, or in what truth and flows differ.
compare() {
	lab_flows '.vantage == "transit"' | jq -r '[.proto, .src, .sport, .dst, .dport, .outcome, .bytes_sent,
		.bytes_received, .direction, .state] | map(tostring) | join(" ")' | sort >"$LAB_TMP/seen"
	cut -d' ' -f1-8 "$truth_file" | sed 's/$/ out closed/' | sort >"$LAB_TMP/want"
	cmp -s "$LAB_TMP/want" "$LAB_TMP/seen" && echo same && return
	diff "$LAB_TMP/want" "$LAB_TMP/seen" | sed -n '1!p' | head -n 8
	echo "(< truth, > flows; $(wc -l <"$LAB_TMP/want") and $(wc -l <"$LAB_TMP/seen"))"
}

# check LABEL: everything up to here.
check() {
	local outcome direction n

	round=$((round + 1))
	if [ ${#waiting[@]} -gt 0 ]; then
		lab_assert "$1: the timeouts" wait "${waiting[@]}"
		cat "$LAB_TMP/nobody" >>"$truth_file"
		waiting=()
	fi
	lab_settle "$1: flows" same compare
	lab_scrape >"$LAB_TMP/now"
	lab_assert_eq "$1: attempts" "$(metric 'attempts_total{vantage="transit"}')" "$(wc -l <"$truth_file")"
	lab_assert_eq "$1: allowed" \
		"$(metric 'connections_total{vantage="transit",service="lab",verdict="allowed"}')" \
		"$(truly . | wc -l)"
	lab_assert_eq "$1: violations" \
		"$(metric 'violations_total{reason="unlisted-destination",state="confirmed"}')" \
		"$(($(wc -l <"$truth_file") - $(truly . | wc -l)))"
	lab_assert_eq "$1: nothing else" "$(metric connections_total)" "$(wc -l <"$truth_file")"
	for outcome in established refused timeout unreachable aborted answered unanswered; do
		lab_assert_eq "$1: $outcome" "$(metric "endpoint_connections_total{$ENDPOINT,outcome=\"$outcome\"}")" \
			"$(truly "\$6 == \"$outcome\"" | wc -l)"
	done
	n=7
	for direction in sent received; do
		lab_settle "$1: bytes $direction" "$(truly . | awk -v n=$n '{ sum += $n } END { printf "%d", sum }')" \
			lab_metric "endpoint_bytes_total{$ENDPOINT,direction=\"$direction\"}"
		n=$((n + 1))
	done
	lab_assert_eq "$1: resets" "$(metric "endpoint_resets_total{$ENDPOINT}")" "$(truly '$10 == "server-reset"' | wc -l)"
	lab_assert_sums "$1"
}

metric() {
	lab_sum "$1" <"$LAB_TMP/now"
}

# The truth of the endpoint, and for which the expression of awk holds.
truly() {
	awk -v stranger4="$(gateway_at4 stranger)" -v stranger6="$(gateway_at6 stranger)" \
		"\$4 != stranger4 && \$4 != stranger6 && (${1/#./1})" "$truth_file"
}

# What the servers say of each connection that had a request is what its client says.
servers_agree() {
	diff <(awk '$1 == "tcp" && $6 == "established" && $10 != "silent" { print $9, $7, $8 }' "$truth_file" | sort) \
		<(grep -v '^-\|ready' "$LAB_TMP/server" | sort)
}

ENDPOINT='endpoint="lab/truth",service="lab"'
next_id=0
gateway_seed
gateway_network mail2="drop=20 duplicate=20 reorder=20"
gateway_start internet "$LAB_BIN/gateway_server" 5000 5001 5002 5003 5004 5005 >"$LAB_TMP/server"
gateway_start internet "$LAB_BIN/sink" udp/20000-20019 mute/20020-20029 tcp/20996 >"$LAB_TMP/sink"
lab_wait 'grep -q ready "$LAB_TMP/server" && grep -q ready "$LAB_TMP/sink"' || lab_die "no servers"
lab_policy <<-EOF
	resolvers: [$GATEWAY_LAN4]
	limits: {warmup: 0s, tcp_syn: 3s, udp_idle: 2s}
	watch:
	  interfaces: [$GATEWAY_LAN]
	  hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6", $GATEWAY_SECOND4, "$GATEWAY_SECOND6"]
	allow:
	  - service: lab
	    name: truth
	    to: [$(gateway_at4 truth), "$(gateway_at6 truth)", $(gateway_at4 nobody), "$(gateway_at6 nobody)",
	      $(gateway_at4 no_way), "$(gateway_at6 no_way)"]
	    ports: [tcp/5000-5199, tcp/20996, udp/20000-20099]
EOF
REPLAY_OFFLOAD=on REPLAY_SNAPLEN=128 replay_begin
lab_daemon

for family in 4 6; do
	nobody mail $family
	streams mail $family $and_resets
	others mail $family
done
check "NAT"
gateway_offload off
for family in 4 6; do
	streams mail $family $and_resets
done
check "NAT, without offloads"
gateway_nat off
streams mail 4 $and_resets
others mail 4
check "without NAT and offloads"
gateway_offload on
streams mail 4 $and_resets
check "without NAT"
gateway_nat on
# A connection of which each SYN is lost on that wire is an attempt that no gateway sees.
gateway_at mail2 sysctl -qw net.ipv4.tcp_syn_retries=2
for family in 4 6; do
	streams mail2 $family $in_order
done
check "a bad wire"
gateway_offload off
streams mail2 4 $in_order
check "a bad wire, without offloads"
lab_assert "the servers agree" servers_agree
lab_assert_eq "mail hosts" "$(lab_flows . | jq -r .host | sort -u | paste -sd' ')" \
	"$(cut -d' ' -f2 "$truth_file" | sort -u | paste -sd' ')"
gateway_wire_end mail2
for what in dropped duplicated reordered; do
	lab_assert "the wire $what nothing" [ "${truth[$what]}" -gt 0 ]
done
replay_same "in all"
replay_end
