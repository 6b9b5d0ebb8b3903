# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# Interfaces of other kinds than an Ethernet card: a VLAN, a bridge and its ports, a tunnel without
# Ethernet header, and a gateway with one arm, whose one interface carries everything, the default
# route too. Each flow is counted once; two interfaces that carry the same packets are refused.
. "$LAB_DIR/gateway-links-lib.sh"
. "$LAB_DIR/replay-lib.sh"

links_hosts+=", 10.20.0.10, 10.20.0.11, 10.30.0.10, '2001:db8:30::10'"
MORE_SOURCE+=([left4]=10.20.0.10 [right4]=10.20.0.11 [branch4]=10.30.0.10 [branch6]=2001:db8:30::10)

# nested LOWER UPPER: both named is refused, as a policy that is loaded again and at the start.
nested() {
	links_policy "$1 $2"
	lab_reload failed
	lab_assert "$1 and $2: refused" grep -q "interfaces $1 and $2: one carries the packets of the other" "$LAB_LOG"
	"${LAB_RUN[@]}" --pins "$LAB_PINS-nested" --state "$LAB_TMP/nested" --socket "$LAB_TMP/nested.sock" \
		--listen 127.0.0.1:9816 2>"$LAB_TMP/nested.log"
	lab_assert_eq "$1 and $2: at the start" $? 2
	lab_assert "$1 and $2: at the start, told" grep -q "$1 and $2" "$LAB_TMP/nested.log"
	lab_assert "$1 and $2: nothing is left" test ! -e "$LAB_PINS-nested"
}

vlan() {
	links_policy lan.10
	lab_reload ok
	links_agree "VLAN, waited for" lan.10 "" 0
	ip address flush dev lan0 scope global
	gateway_at segment ip link set $links_port nomaster
	gateway_tag segment $links_port
	gateway_at segment ip link set lan.10 master br0 up
	gateway_tag gateway lan0
	ip link set lan.10 address $LINKS_MAC
	links_alive "VLAN" lan.10
	links_address lan.10
	links_agree "VLAN" lan.10 lan.10 1
	links_pass "VLAN" mail 4 6
	if [ "$(ip -d -j link show lan.10 | jq -r '.[0].linkinfo.info_kind')" = vlan ]; then
		nested lan0 lan.10
	else
		echo "absent: 802.1Q, so that nobody can know what lan.10 is made of"
	fi
	if ip link add mac0 link lan0 type macvlan 2>/dev/null; then
		nested lan0 mac0
		ip link del mac0
	else
		echo "absent: macvlan"
	fi
	gateway_at segment ip link set $links_port master br0
	gateway_at segment tc qdisc del dev $links_port clsact 2>/dev/null
	gateway_at segment ip link del lan.10
	tc qdisc del dev lan0 clsact 2>/dev/null
	ip link del lan.10
	links_agree "VLAN, gone" lan.10 "" 0
	links_address lan0
}

# A bridge with a host at each of two ports.
bridge() {
	local name

	ip link add lanbr type bridge
	ip address add 10.20.0.1/24 dev lanbr
	gateway_namespace left 10.20.0.1
	gateway_namespace right 10.20.0.1
	for name in left right; do
		gateway_cable gateway $name $name eth0
		ip link set $name master lanbr up
		gateway_at $name ip link set eth0 up
		gateway_at $name ip address add ${MORE_SOURCE[${name}4]}/24 dev eth0
		gateway_at $name ip route add default via 10.20.0.1
	done
	ip link set lanbr up
	gateway_at internet ip route add 10.20.0.0/24 via $GATEWAY_WAN4
	links_watch "bridge" lanbr
	links_pass "bridge" left 4
	links_pass "bridge" right 4
	gateway_start right "$LAB_BIN/sink" tcp/20000 >"$LAB_TMP/right"
	lab_wait 'grep -q ready "$LAB_TMP/right"'
	lab_truth gateway_at left "$LAB_BIN/paths_tcp" tcp 10.20.0.11 20000 2
	lab_assert_eq "bridge: between its ports" "${truth[errno]}" 0
	links_counted "bridge: between its ports"
	nested lanbr left
	nested right lanbr
	links_pass "bridge, still" left 4
	links_watch "ports" left right
	links_pass "ports" left 4
	links_pass "ports" right 4
}

tunnel() {
	gateway_namespace branch 10.30.0.1
	links_policy tun0
	lab_reload ok
	: >"$LAB_TMP/tunnel"
	"$LAB_BIN/gateway_tunnel" tun0 "${gateway_holder[branch]}" >"$LAB_TMP/tunnel" &
	lab_wait 'grep -q "ready\|absent" "$LAB_TMP/tunnel"' || lab_die "no tunnel"
	if grep absent "$LAB_TMP/tunnel"; then
		echo "absent: tun"
		return
	fi
	links_alive "tunnel" tun0
	ip link set tun0 up
	ip address add 10.30.0.1/24 dev tun0
	ip address add 2001:db8:30::1/64 dev tun0 nodad
	gateway_at branch ip link set tun0 up
	gateway_at branch ip address add 10.30.0.10/24 dev tun0
	gateway_at branch ip address add 2001:db8:30::10/64 dev tun0 nodad
	gateway_at branch ip route add default dev tun0
	gateway_at branch ip -6 route add default dev tun0
	gateway_at internet ip route add 10.30.0.0/24 via $GATEWAY_WAN4
	gateway_at internet ip route add 2001:db8:30::/64 via $GATEWAY_WAN6
	links_agree "tunnel" tun0 tun0 1
	REPLAY_ONLY='.host == "10.30.0.10" or .host == "2001:db8:30::10"'
	replay_begin tun0
	links_pass "tunnel" branch 4 6
	replay_same "tunnel"
	replay_end
}

# --- one arm

# The internet is behind the same interface as the mail hosts.
one_arm() {
	local router4=10.11.0.254 router6=2001:db8:11::254

	ip link del wan0
	gateway_cable segment router internet eth0
	gateway_at segment ip link set router master br0 up
	gateway_internet 2>/dev/null # some of it is there
	gateway_at internet ip address add $router4/24 dev eth0
	gateway_at internet ip address add $router6/64 dev eth0 nodad
	sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.lan0.send_redirects=0
	ip address add 10.11.0.1/24 dev lan0
	ip address add 2001:db8:11::1/64 dev lan0 nodad
	ip route replace default via $router4
	ip -6 route replace default via $router6
	gateway_at internet ip route replace 10.10.0.0/24 via 10.11.0.1
	gateway_at internet ip -6 route replace 2001:db8:10::/64 via 2001:db8:11::1
	links_watch "one arm" lan0
	lab_assert "one arm: warned" grep -q 'lan0 carries the default route' "$LAB_LOG"
	lab_wait 'lab_reaches $(gateway_at4 truth) gateway_at near && lab_reaches $(gateway_at6 truth) gateway_at near' ||
		lab_die "one arm: no way"
	links_pass "one arm" mail 4 6
	inbound "one arm" 4 6
	gateway_nat4
	links_pass "one arm, NAT" mail 4
}

# The same with IPv4 hidden behind the gateway's address.
gateway_nat4() {
	nft -f - <<-EOF || lab_die "no NAT"
		table ip lab {
			chain out {
				type nat hook postrouting priority srcnat
				ip saddr 10.10.0.0/24 ip daddr != 10.0.0.0/8 masquerade
			}
		}
	EOF
}

# inbound LABEL FAMILY…: who calls from the internet makes no attempt.
inbound() {
	local label=$1 family want=0

	shift
	gateway_start mail "$LAB_BIN/sink" tcp/25 >"$LAB_TMP/inbound"
	lab_wait 'grep -q ready "$LAB_TMP/inbound"'
	for family; do
		lab_truth gateway_at internet "$LAB_BIN/storm" tcp ${MORE_SOURCE[mail$family]} 25 3 bytes=3000
		lab_assert_eq "$label: inbound: failed" "${truth[failed]}" 0
		want=$((want + 3))
	done
	kill $gateway_started
	lab_settle "$label: inbound" "$want 3000 3000 25" inbound_flows
	links_counted "$label: inbound"
}

inbound_flows() {
	lab_flows '.direction == "in" and .state == "closed"' |
		jq -rs 'map([.bytes_sent, .bytes_received, .sport]) | [length, unique[][]] | join(" ")'
}

# The router finds the mail host by itself: what it sends does not come by the gateway.
one_sided() {
	local links_idle=1s

	nft delete table ip lab
	gateway_at internet ip route add $GATEWAY_MAIL4 dev eth0
	links_watch "one way" lan0 # how long half a connection is waited for
	lab_mark
	more_client mail 4 tcp truth 5000 5 up=3000 down=3000
	tail -n 5 "$MORE_TRUTH" | cut -d' ' -f3,7 | sed 's/$/ established 0 closed/' | sort >"$LAB_TMP/want"
	lab_settle "one way" "$(<"$LAB_TMP/want")" one_sided_flows
	lab_assert_eq "one way: attempts" "$(lab_delta 'attempts_total{vantage="transit"}')" 5
	lab_assert_eq "one way: said" "$(lab_change one_sided_flows_total)" 5
}

one_sided_flows() {
	lab_flows '.proto == "tcp"' | jq -r '"\(.sport) \(.bytes_sent) \(.outcome) \(.bytes_received) \(.state)"' |
		grep -Ff <(cut -d' ' -f1,2 "$LAB_TMP/want") | sort
}

links_begin
links_policy lan0
lab_daemon

vlan
bridge
tunnel
one_arm
one_sided
lab_stop
