# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# The watch of a gateway outlives the daemon, which is killed under traffic, also on its way up, and its
# policy is loaded again with other interfaces and hosts: totals, endpoints, mail hosts and events are
# what the clients say, to the byte.
. "$LAB_DIR/gateway-links-lib.sh"

kills=$([ -n "${LAB_FULL-}" ] && echo 40 || echo 3)
reloads=$([ -n "${LAB_FULL-}" ] && echo 200 || echo 4)
links=   # what is attached since the start
loads=() # pids
twice=no # whether a packet may have passed two interfaces that were attached both

# policy INTERFACE HOSTS [IDLE]
policy() {
	lab_policy "$LAB_TMP/next.yaml" <<-EOF
		resolvers: [$GATEWAY_LAN4]
		limits: {warmup: 0s, pending: 1s, udp_idle: ${3:-1h}, flows: 131072}
		watch:
		  interfaces: [$1]
		  hosts: [$2]
		allow:
		  - service: lab
		    name: streams
		    to: [$(gateway_at4 truth), "$(gateway_at6 truth)"]
		    ports: [tcp/5000-5099]
		  - service: lab
		    name: datagrams
		    to: [$(gateway_at4 truth), "$(gateway_at6 truth)"]
		    ports: [udp/20000-20999]
		  - service: lab
		    name: neighbour
		    to: [$(gateway_at4 truth)]
		    ports: [tcp/5200]
		  - service: named
		    to: nobody.example
		    ports: [tcp/5001, tcp/5101]
	EOF
	mv "$LAB_TMP/next.yaml" "$LAB_POLICY"
}

# load NAME HOST FAMILY KIND WHO PORT COUNT [OPTION]…: over and over; a datagram's port moves on by one
# of 500, so that no pair of ports is used twice.
load() {
	local i=0 step=0

	[ $4 = tcp ] || step=1
	while [ -e "$LAB_TMP/loaded" ]; do
		gateway_at $2 nice "$LAB_BIN/gateway_client" $4 ${MORE_SOURCE[$2$3]} "$(gateway_at$3 $5)" $(($6 + i % 500 * step)) \
			$7 "${@:8}" id=$((i * $7)) truth="$LAB_TMP/truth.$1"
		i=$((i + 1))
	done >"$LAB_TMP/load.$1" 2>&1
}

loads_begin() {
	touch "$LAB_TMP/loaded"
	load streams4 mail 4 tcp truth 5000 20 up=20000 down=20000 ends=7 threads=4 &
	loads=($!)
	load streams6 mail2 6 tcp truth 5000 10 up=20000 down=20000 ends=7 threads=2 &
	loads+=($!)
	load strange mail 6 tcp stranger 5000 10 up=2000 down=2000 ends=7 &
	loads+=($!)
	load pending mail2 4 tcp stranger 5001 10 up=200 down=200 ends=7 &
	loads+=($!)
	load datagrams mail2 4 udp truth 20000 5 up=100 datagrams=2 &
	loads+=($!)
	load mute mail 4 mute truth 20500 5 up=100 datagrams=2 &
	loads+=($!)
	load narrow dc 4 tcp stranger 5101 20 &
	loads+=($!)
	load near near 4 tcp truth 5200 5 up=2000 down=2000 &
	loads+=($!)
}

# Ends them; the truth of the mail hosts is in $MORE_TRUTH then, of which each pair of ports of datagrams
# is one flow, and that of the neighbour in $LAB_TMP/truth.near.
loads_end() {
	rm "$LAB_TMP/loaded"
	wait "${loads[@]}"
	lab_assert_eq "clients" "$(grep -hv '^failed=0 \|^# seed' "$LAB_TMP"/load.*)" ""
	cat "$LAB_TMP"/truth.{streams4,streams6,strange,pending,datagrams,mute,narrow} | awk '
		$1 == "tcp"
		$1 == "udp" {
			key = $1 " " $2 " " $3 " " $4 " " $5 " " $6
			sent[key] += $7
			received[key] += $8
		}
		END { for (key in sent) print key, sent[key], received[key] }' >"$MORE_TRUTH"
}

# truly EXPRESSION [FIELD]: how many attempts of the truth awk's expression holds for, or the sum of a field.
truly() {
	awk -v truth4="$(gateway_at4 truth)" -v truth6="$(gateway_at6 truth)" "
		{ listed = \$4 == truth4 || \$4 == truth6 }
		$1 { n += ${2:+\$}${2:-1} }
		END { printf \"%d\n\", n }" "$MORE_TRUTH"
}

metric() {
	lab_sum "$1" <"$LAB_TMP/now"
}

# of_host ADDRESS…: attempts of these mail hosts.
of_host() {
	lab_api /v1/health | jq -c '[.hosts[] | select(.address as $a | $ARGS.positional | index($a)) | .attempts] |
		add // 0' --args "$@"
}

# check LABEL: whether all is as the truth has it. The neighbour has an endpoint of its own.
check() {
	local host violations neighbour

	violations=$(truly !listed)
	for host in $GATEWAY_MAIL4 $GATEWAY_MAIL6 $GATEWAY_SECOND4 $GATEWAY_SECOND6 $GATEWAY_DC4; do
		lab_settle "$1: attempts of $host" "$(truly "\$2 == \"$host\"")" of_host $host
	done
	lab_settle "$1: violations" $violations lab_metric 'violations_total{state="confirmed"}'
	lab_settle "$1: nothing is pending" 0 lab_metric pending_flows
	lab_scrape >"$LAB_TMP/now"
	neighbour=$(metric 'endpoint_attempts_total{endpoint="lab/neighbour",service="lab"}')
	lab_assert_eq "$1: the neighbour" "$(of_host $GATEWAY_NEAR4)" $neighbour
	lab_assert_eq "$1: attempts" "$(metric attempts_total)" $(($(wc -l <"$MORE_TRUTH") + neighbour))
	lab_assert_eq "$1: allowed" "$(metric 'connections_total{vantage="transit",service="lab",verdict="allowed"}')" \
		$(($(truly listed) + neighbour))
	lab_assert_eq "$1: final" "$(metric connections_total)" "$(metric attempts_total)"
	lab_assert_eq "$1: provisional" "$(metric 'violations_total{state="provisional"}')" $violations
	lab_assert_eq "$1: retracted" "$(metric 'violations_total{state="retracted"}')" 0
	lab_assert_eq "$1: one sided, lost, no room" \
		"$(metric one_sided_flows_total) $(metric events_lost_total) $(metric flow_overflow_total)" "0 0 0"
	endpoint "$1" streams tcp
	endpoint "$1" datagrams udp
	lab_settle "$1: told" "$violations" lab_event_sum '.state == "confirmed"'
	lab_assert_eq "$1: told once" "$(lab_event_list '.event == "violation"' | jq .id | sort | uniq -d | head -n 3)" ""
}

# endpoint LABEL NAME PROTOCOL: its counters. Not the bytes of datagrams if some passed two interfaces that
# were attached for a moment: of a stream each byte is known, of datagrams not even which is the same.
endpoint() {
	local of="endpoint=\"lab/$2\",service=\"lab\"" ours="listed && \$1 == \"$3\"" outcome n=7 direction

	lab_assert_eq "$1: $2" "$(metric "endpoint_attempts_total{$of}")" "$(truly "$ours")"
	for outcome in established refused timeout unreachable aborted answered; do
		lab_assert_eq "$1: $2: $outcome" "$(metric "endpoint_connections_total{$of,outcome=\"$outcome\"}")" \
			"$(truly "$ours && \$6 == \"$outcome\"")"
	done
	for direction in sent received; do
		[ $3/$twice = udp/yes ] || lab_settle "$1: $2: bytes $direction" "$(truly "$ours" $n)" \
			lab_metric "endpoint_bytes_total{$of,direction=\"$direction\"}"
		n=$((n + 1))
	done
	lab_assert_eq "$1: $2: resets" "$(metric "endpoint_resets_total{$of}")" "$(truly "$ours && \$10 == \"server-reset\"")"
}

# half_start: it is killed on its way up, wherever that is.
half_start() {
	local pid

	"${LAB_RUN[@]}" >>"$LAB_LOG" 2>&1 &
	pid=$!
	sleep 0.$((RANDOM % 9)) # as a draw, not to wait for anything
	kill -KILL $pid
	wait $pid 2>/dev/null
}

mail_hosts="$GATEWAY_MAIL4, '$GATEWAY_MAIL6', $GATEWAY_SECOND4, '$GATEWAY_SECOND6', $GATEWAY_DC4"
MORE_SOURCE[dc4]=$GATEWAY_DC4
gateway_seed
RANDOM=$((ME_TEST_SEED % 32768))
gateway_network nat=off
# the gateway's own bridge over the cable: whatever passes the one passes the other
ip link add lanbr type bridge
ip address flush dev lan0 scope global
ip link set lan0 master lanbr
ip link set lanbr up
ip address add $GATEWAY_LAN4/24 dev lanbr
ip address add $GATEWAY_LAN6/64 dev lanbr nodad
gateway_at dc sysctl -qw net.ipv4.ip_local_port_range="10000 13999" # used again when they are over
gateway_start internet nice "$LAB_BIN/gateway_server" 5000 5001 5200 >"$LAB_TMP/server"
gateway_start internet nice "$LAB_BIN/sink" udp/20000-20499 mute/20500-20999 >"$LAB_TMP/sink"
lab_wait 'grep -q ready "$LAB_TMP/server" && grep -q ready "$LAB_TMP/sink"' || lab_die "no servers"
policy lan0 "$mail_hosts"
lab_daemon
links=$(links_ours link)
loads_begin
for ((i = 0; i < kills; i++)); do
	lab_kill
	[ $((i % 2)) = 0 ] || half_start
	lab_daemon
	lab_assert_eq "killed: the same links" "$(links_ours link)" "$links"
done
loads_end
check "killed"

# Loaded again: the neighbour comes and goes, and so do interfaces. One that leads elsewhere makes no
# difference; between the port and its bridge there is a moment in which both are attached.
twice=yes
interfaces=(lanbr "lanbr, wan0" "wan0, lan0" lan0)
loads_begin
for ((i = 0; i < reloads; i++)); do
	policy "${interfaces[i % 4]}" "$mail_hosts$([ $((i / 2 % 2)) = 1 ] || echo ", $GATEWAY_NEAR4")"
	lab_reload ok
done
loads_end
check "loaded again"
lab_assert "the neighbour is one for a while" test "$(of_host $GATEWAY_NEAR4)" -gt 0
lab_assert "the neighbour is none for a while" test "$(of_host $GATEWAY_NEAR4)" -lt "$(wc -l <"$LAB_TMP/truth.near")"

# All datagrams are over at once, and the daemon that finds out is killed.
policy lan0 "$mail_hosts" 500ms
lab_reload ok
lab_wait '[ "$(lab_metric "endpoint_connections_total{endpoint=\"lab/datagrams\",outcome=\"unanswered\"}")" -gt 0 ]'
lab_kill
lab_daemon
lab_settle "unanswered" "$(truly 'listed && $6 == "unanswered"')" \
	lab_metric 'endpoint_connections_total{endpoint="lab/datagrams",outcome="unanswered"}'
check "all over"
