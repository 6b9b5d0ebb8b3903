# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2086,SC2154
#
# The cables of gateway-lib.sh: between two hosts, good or bad, tagged or not, and their offloads.
declare -A gateway_wires=()

# gateway_cable NAME DEVICE NAME DEVICE [key=value…]: between two hosts; with key=value in the hands of
# gateway_wire.
gateway_cable() {
	local from=${gateway_holder[$1]} to=${gateway_holder[$3]} n=${#gateway_wires[@]} wire

	if [ $# = 4 ]; then
		ip link add "$2" netns "$from" type veth peer name "$4" netns "$to" || lab_die "no veth"
		return
	fi
	[ -n "${gateway_holder[wire]-}" ] || gateway_namespace wire 127.0.0.1
	wire=${gateway_holder[wire]}
	ip link add "$2" netns "$from" type veth peer name a$n netns "$wire" || lab_die "no veth"
	ip link add "$4" netns "$to" type veth peer name b$n netns "$wire" || lab_die "no veth"
	gateway_at wire ip link set a$n up
	gateway_at wire ip link set b$n up
	: >"$LAB_TMP/wire.$n"
	gateway_start wire "$LAB_BIN/gateway_wire" a$n b$n "${@:5}" >"$LAB_TMP/wire.$n"
	gateway_wires[$1]="$n $gateway_started"
	lab_wait 'grep -q ready "$LAB_TMP/wire.'$n'"' || lab_die "no wire"
}

# gateway_wire_end NAME: ends the bad wire of that host; what it did is in `truth` afterwards.
gateway_wire_end() {
	local n pid

	read -r n pid <<<"${gateway_wires[$1]}"
	kill "$pid"
	wait "$pid"
	lab_truth tail -n 1 "$LAB_TMP/wire.$n"
}

# gateway_plug NAME MAC IPV4 IPV6: a host on the segment.
gateway_plug() {
	gateway_at segment ip link set "$1" master br0 up
	gateway_at "$1" ip link set eth0 address "$2" ${gateway_mtu:+mtu $gateway_mtu} up
	gateway_at "$1" ip address add "$3/24" dev eth0
	gateway_at "$1" ip address add "$4/64" dev eth0 nodad
	gateway_at "$1" ip route add default via $GATEWAY_LAN4
	gateway_at "$1" ip route add default via $GATEWAY_LAN6
}

# gateway_tag NAME TRUNK: makes lan.10 over the trunk, by 802.1Q or what stands in for it.
gateway_tag() {
	gateway_at "$1" ip link set "$2" up
	if gateway_at "$1" ip link add link "$2" name lan.10 type vlan id 10 2>/dev/null; then
		gateway_at "$1" ip link set lan.10 up
		return
	fi
	gateway_at "$1" ip link add lan.10 type veth peer name tag.10
	gateway_at "$1" ip link set lan.10 up
	gateway_at "$1" ip link set tag.10 up
	gateway_filter "$1" tag.10 push "$2"
	gateway_filter "$1" "$2" pop tag.10
}

# gateway_filter NAME DEVICE PROGRAM DEVICE: what comes in on the one leaves by the other.
gateway_filter() {
	gateway_at "$1" tc qdisc add dev "$2" clsact
	gateway_at "$1" tc filter add dev "$2" ingress bpf object-file "$LAB_BIN/gateway_tag.bpf.o" \
		section "$3" action mirred egress redirect dev "$4" || lab_die "no filter on $2"
}

# gateway_offload on|off: whether the network cards cut segments and fill in checksums.
gateway_offload() {
	local name device

	lab_need ethtool
	for name in "${!gateway_holder[@]}"; do
		for device in $(gateway_at "$name" ip -o link show type veth | sed 's/^[0-9]*: //; s/[@:].*//'); do
			gateway_at "$name" ethtool -K "$device" tx "$1" rx "$1" tso "$1" gso "$1" \
				gro "$1" >/dev/null || lab_die "offload $1 of $device in $name"
		done
	done
}
