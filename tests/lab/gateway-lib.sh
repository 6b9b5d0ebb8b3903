# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# The network of the transit scenarios. Their own namespace is the gateway's; the others are
#
#	mail, mail2 ──┐                    ┌── gateway ──┐
#	near, dc    ──┴── segment (br0) ── lan0       wan0 ── internet
#
#	mail      10.10.0.10, 2001:db8:10::10    a mail host, 02:00:00:00:00:10
#	mail2     10.10.0.11, 2001:db8:10::11    another one, on a cable that may be bad
#	near      10.10.0.99, 2001:db8:10::99    nobody watches it
#	dc        10.10.0.5, 2001:db8:10::5      the directory server, which resolves for the segment
#	gateway   10.10.0.1, 2001:db8:10::1      203.0.113.1, 2001:db8:99::1 on wan0
#	internet  203.0.113.0/24, 2001:db8:99::/64, 198.18.0.0/15
#
# The hosts of a namespace: gateway_at NAME COMMAND…
. "$LAB_DIR/lib.sh"

GATEWAY_MAIL4=10.10.0.10
GATEWAY_MAIL6=2001:db8:10::10
GATEWAY_MAIL_MAC=02:00:00:00:00:10
GATEWAY_SECOND4=10.10.0.11
GATEWAY_SECOND6=2001:db8:10::11
GATEWAY_NEAR4=10.10.0.99
GATEWAY_NEAR6=2001:db8:10::99
GATEWAY_DC4=10.10.0.5
GATEWAY_DC6=2001:db8:10::5
GATEWAY_LAN4=10.10.0.1
GATEWAY_LAN6=2001:db8:10::1
GATEWAY_WAN4=203.0.113.1
GATEWAY_WAN6=2001:db8:99::1
GATEWAY_NET4=203.0.113 # of the internet
GATEWAY_NET6=2001:db8:99:
GATEWAY_LAN=lan0  # where the mail hosts are; lan.10 over lan0 with a VLAN
# Who is on the internet, as the last number of both addresses. Nobody takes everything and says nothing,
# and no way leads to the one called so.
declare -A GATEWAY_WHO=([ftp]=21 [mx1]=25 [mx2]=26 [truth]=30 [resolver]=53 [authority]=54 [stranger]=66
	[web]=80 [cdn1]=81 [cdn2]=82 [mailshell]=83 [no_way]=97 [nobody]=98 [time]=123 [router]=254)
. "$LAB_DIR/gateway-cables.sh"
. "$LAB_DIR/gateway-servers.sh"

# The daemon watches what the policy says.
LAB_RUN=("$LAB_BUILD/mewatch" run -c "$LAB_POLICY" --pins "$LAB_PINS" --state "$LAB_STATE"
	--socket "$LAB_SOCKET" --listen "$LAB_LISTEN" --events "$LAB_EVENTS")

declare -A gateway_holder=([gateway]=$$)
gateway_started=
gateway_proxy_pid=

# gateway_seed: what the programs draw is the same with the same ME_TEST_SEED.
gateway_seed() {
	export ME_TEST_SEED=${ME_TEST_SEED:-$EPOCHSECONDS}
	echo "# seed: ME_TEST_SEED=$ME_TEST_SEED"
}

# --- the namespaces

# gateway_namespace NAME RESOLVER: with that in its resolv.conf.
gateway_namespace() {
	printf 'nameserver %s\nsearch .\n' "$2" >"$LAB_TMP/resolv.$1"
	unshare --net --mount sh -c 'mount --bind "$0" /etc/resolv.conf && exec sleep infinity' \
		"$LAB_TMP/resolv.$1" &
	gateway_holder[$1]=$!
	lab_wait "[ \"\$(</proc/$!/comm)\" = sleep ]" || lab_die "no namespace for $1"
	gateway_at "$1" ip link set lo up
	gateway_at "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.tcp_syn_retries=1 net.ipv4.ip_local_port_range="10000 60999" net.ipv4.ping_group_range="0 2147483647"
}

# gateway_at NAME COMMAND…: on that host.
gateway_at() {
	nsenter --net="/proc/${gateway_holder[$1]}/ns/net" --mount="/proc/${gateway_holder[$1]}/ns/mnt" \
		"${@:2}"
}

# gateway_start NAME COMMAND…: in the background; its pid is in gateway_started.
gateway_start() {
	nsenter --net="/proc/${gateway_holder[$1]}/ns/net" --mount="/proc/${gateway_holder[$1]}/ns/mnt" \
		"${@:2}" &
	gateway_started=$!
}

# gateway_at4 WHO, gateway_at6 WHO: the address on the internet.
gateway_at4() {
	echo $GATEWAY_NET4.${GATEWAY_WHO[$1]}
}

gateway_at6() {
	echo $GATEWAY_NET6:${GATEWAY_WHO[$1]}
}

# gateway_source mail|mail2 4|6: the address of that mail host.
gateway_source() {
	case $1$2 in
	mail4) echo $GATEWAY_MAIL4 ;;
	mail6) echo $GATEWAY_MAIL6 ;;
	mail24) echo $GATEWAY_SECOND4 ;;
	mail26) echo $GATEWAY_SECOND6 ;;
	esac
}

# --- the gateway

# gateway_nat on|off: whether it hides the segment behind its own IPv4 address. From the internet, port
# 25 and the remoting ports of the gateway lead to the mail host then.
gateway_nat() {
	nft delete table ip lab 2>/dev/null
	[ "$1" = on ] || return 0
	nft -f - <<-EOF || lab_die "no NAT"
		table ip lab {
			chain out {
				type nat hook postrouting priority srcnat
				oifname wan0 masquerade
			}
			chain in {
				type nat hook prerouting priority dstnat
				iifname wan0 tcp dport { 25, 9091, 9093 } dnat to $GATEWAY_MAIL4
			}
		}
	EOF
	# active FTP has an address to rewrite; where that is a module nobody else loads it
	modprobe -q nf_nat_ftp 2>/dev/null
	nft -f - 2>/dev/null <<-EOF || echo "absent: the kernel follows no FTP through NAT"
		table ip lab {
			ct helper ftp {
				type "ftp" protocol tcp
			}
			chain follow {
				type filter hook prerouting priority 0
				tcp dport 21 ct helper set "ftp"
			}
		}
	EOF
}

# Whether active FTP gets through the NAT.
gateway_follows_ftp() {
	! nft list table ip lab >/dev/null 2>&1 || nft list chain ip lab follow >/dev/null 2>&1
}

# Who calls from the internet is the stranger: the first IPv4 address, the only IPv6 one to be preferred.
gateway_internet() {
	local who

	for who in ${GATEWAY_WHO[stranger]} "${GATEWAY_WHO[@]}"; do
		gateway_at internet ip address replace $GATEWAY_NET4.$who/24 dev eth0
		gateway_at internet ip address replace $GATEWAY_NET6:$who/64 dev eth0 nodad preferred_lft 0
	done
	gateway_at internet ip address change "$(gateway_at6 stranger)/64" dev eth0 preferred_lft forever
	gateway_at internet ip link set eth0 up
	gateway_at internet ip route add 10.10.0.0/24 via $GATEWAY_WAN4
	gateway_at internet ip route add 2001:db8:10::/64 via $GATEWAY_WAN6
	gateway_at internet ip route add local 198.18.0.0/15 dev lo
	gateway_at internet nft -f - <<-EOF || lab_die "no packet filter"
		table inet lab {
			chain in {
				type filter hook input priority 0
				ip daddr $(gateway_at4 nobody) drop
				ip6 daddr $(gateway_at6 nobody) meta l4proto != icmpv6 drop
				ip daddr $(gateway_at4 no_way) reject with icmp host-unreachable
				ip6 daddr $(gateway_at6 no_way) meta l4proto != icmpv6 reject with icmpv6 addr-unreachable
			}
		}
	EOF
}

# A mail host never sees the answer of port 20996: its RST comes before it could.
gateway_aborter() {
	gateway_at "$1" nft -f - <<-EOF || lab_die "no packet filter"
		table inet lab {
			chain in {
				type filter hook input priority 0
				tcp sport 20996 tcp flags & (syn | ack) == syn | ack reject with tcp reset
			}
		}
	EOF
}

# gateway_network [key=value…]: all of it.
#
#	nat=on|off      on
#	vlan=on|off     off; on: lan0 is a trunk, and the segment is behind lan.10
#	mtu=N           of the segment
#	mail2=OPTIONS   those of gateway_wire, for the cable of mail2; as wan=OPTIONS for that of wan0
gateway_network() {
	local -A option=([nat]=on [vlan]=off)
	local gateway_mtu word trunk=lan0

	for word; do
		option[${word%%=*}]=${word#*=}
	done
	gateway_mtu=${option[mtu]-}
	lab_need nft
	ip link set lo up
	sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
	gateway_namespace segment 127.0.0.1
	gateway_namespace internet 127.0.0.1
	gateway_namespace mail $GATEWAY_LAN4
	gateway_namespace mail2 $GATEWAY_DC4
	gateway_namespace near $GATEWAY_LAN4
	gateway_namespace dc 127.0.0.1
	gateway_at segment ip link add br0 type bridge
	gateway_at segment ip link set br0 up
	gateway_cable gateway lan0 segment lan0
	[ "${option[vlan]}" = off ] || {
		GATEWAY_LAN=lan.10
		gateway_tag gateway lan0
		gateway_tag segment lan0
	}
	gateway_at segment ip link set $GATEWAY_LAN master br0 up
	gateway_cable mail eth0 segment mail
	gateway_cable mail2 eth0 segment mail2 ${option[mail2]-}
	gateway_cable near eth0 segment near
	gateway_cable dc eth0 segment dc
	gateway_cable gateway wan0 internet eth0 ${option[wan]-}
	gateway_plug mail $GATEWAY_MAIL_MAC $GATEWAY_MAIL4 $GATEWAY_MAIL6
	gateway_plug mail2 02:00:00:00:00:11 $GATEWAY_SECOND4 $GATEWAY_SECOND6
	gateway_plug near 02:00:00:00:00:99 $GATEWAY_NEAR4 $GATEWAY_NEAR6
	gateway_plug dc 02:00:00:00:00:05 $GATEWAY_DC4 $GATEWAY_DC6
	ip link set $GATEWAY_LAN ${gateway_mtu:+mtu $gateway_mtu} up
	ip address add $GATEWAY_LAN4/24 dev $GATEWAY_LAN
	ip address add $GATEWAY_LAN6/64 dev $GATEWAY_LAN nodad
	ip link set wan0 up
	ip address add $GATEWAY_WAN4/24 dev wan0
	ip address add $GATEWAY_WAN6/64 dev wan0 nodad
	ip route add default via "$(gateway_at4 router)"
	ip route add default via "$(gateway_at6 router)"
	gateway_internet
	gateway_aborter mail
	gateway_aborter mail2
	gateway_nat "${option[nat]}"
	for word in mail mail2 near dc; do
		lab_wait "lab_reaches $(gateway_at4 router) gateway_at $word" &&
			lab_wait "lab_reaches $(gateway_at6 router) gateway_at $word" ||
			lab_die "$word does not reach the internet"
	done
	[ -z "${LAB_CAPTURE-}" ] || gateway_capture "$LAB_CAPTURE/$(basename "$0" .sh).pcap"
}

# gateway_capture FILE: of what passes the segment's interface, from now on.
gateway_capture() {
	lab_need tcpdump
	tcpdump -i $GATEWAY_LAN -U --immediate-mode -B 16384 -w "$1" 2>/dev/null &
	lab_wait "[ -s '$1' ]" || lab_die "no capture"
}

# --- the policy

# gateway_policy: the vendor's default list for both mail hosts, and the rules on standard input. The
# proxy, if gateway_proxy started one, is watched by its cgroup.
gateway_policy() {
	{
		cat <<-EOF
			version: 1
			profile: ${GATEWAY_PROFILE:-mailessentials}
			watch:
			  interfaces: [${GATEWAY_WATCHED:-$GATEWAY_LAN}]
			  hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6", $GATEWAY_SECOND4, "$GATEWAY_SECOND6"]
			${gateway_proxy_pid:+  cgroups: [$LAB_WATCHED_PATH]}
		EOF
		cat
	} >"$LAB_POLICY"
}
