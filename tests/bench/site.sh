# SPDX-License-Identifier: GPL-2.0-only
# Where the bench happens: namespaces, routes, cgroups, peers to compare with. Sourced by `run`, which
# already runs in a network namespace of its own.
#
# Addresses are those of peers.h: pool 0 leaves through a tun device that nobody reads, pool 1 is
# this namespace itself (loopback), pool 2 is another namespace behind a veth pair, where the servers
# of exchange.h are too. No pool has an address that an interface carries, so a monitor judges all of
# them like strangers' or listed ones.

die() {
	echo "bench: $*" >&2
	exit 1
}

# wait_until SECONDS COMMAND...: polls; fails when the time is up.
wait_until() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}

is_other_netns() {
	[[ -e /proc/$1/ns/net && $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]
}

# A network namespace, for as long as the process NETNS_PID.
hold_netns() {
	unshare --net sleep infinity &
	NETNS_PID=$!
	HOLDERS+=("$NETNS_PID")
	wait_until 5 is_other_netns "$NETNS_PID" || die "no further network namespace"
}

# within PID COMMAND...: in the network namespace of that process.
within() {
	nsenter --net="/proc/$1/ns/net" -- "${@:2}"
}

make_network() {
	hold_netns && FAR_PID=$NETNS_PID

	ip link set lo up
	ip tuntap add sink mode tun
	ip link add near type veth peer name far netns "$FAR_PID"
	ip addr add 192.0.2.2/30 dev near
	ip link set sink up
	ip link set near up
	ip route add 10.0.0.0/10 dev sink src 192.0.2.2
	ip route add 198.18.0.0/17 dev sink src 192.0.2.2
	ip route add local 10.64.0.0/10 dev lo
	ip route add local 198.18.128.0/17 dev lo
	within "$FAR_PID" bash -e <<-'FAR' || die "cannot set up the far side"
		ip link set lo up
		ip addr add 192.0.2.1/30 dev far
		ip link set far up
		ip route add local 10.128.0.0/10 dev lo
		ip route add local 198.19.0.0/17 dev lo
		ip route add local 198.51.100.0/24 dev lo
		echo 0 > /proc/sys/net/ipv4/tcp_max_tw_buckets
	FAR
	ip route add 10.128.0.0/10 via 192.0.2.1
	ip route add 198.19.0.0/17 via 192.0.2.1
	ip route add 198.51.100.0/24 via 192.0.2.1
	echo 0 > /proc/sys/net/ipv4/tcp_max_tw_buckets
}

# Siblings below one cgroup: a process that moves between them keeps everything but its programs.
make_cgroups() {
	local mount

	mount=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET) || die "no cgroup2 mount"
	CGROUP=$mount/mewatch-bench-$$
	mkdir "$CGROUP" "$CGROUP"/{plain,empty,watched}
	WATCH=(--cgroup "/${CGROUP##*/}/watched")
}

load_empty() {
	bpftool prog loadall "$BUILD/tests/bench/empty.bpf.o" "$PINS/empty" || die "cannot load empty.bpf.o"
}

# Attaches the empty programs to the cgroup `empty`, or detaches them.
empty_programs() {
	local verb=$1 name
	local -A hook=([connect4]=cgroup_inet4_connect [connect6]=cgroup_inet6_connect
		[sendmsg4]=cgroup_udp4_sendmsg [sendmsg6]=cgroup_udp6_sendmsg
		[sock_create]=cgroup_inet_sock_create [sock_release]=cgroup_inet_sock_release
		[sock_ops]=cgroup_sock_ops [ingress]=cgroup_inet_ingress [egress]=cgroup_inet_egress)

	for name in "${!hook[@]}"; do
		bpftool cgroup "$verb" "$CGROUP/empty" "${hook[$name]}" pinned "$PINS/empty/$name" ||
			die "cannot $verb $name"
	done
}

# The first $1 addresses of the list, one a line; with $2 = prefixes the /30 round each.
list_addresses() {
	awk -v n="$1" -v prefixes="${2:+1}" 'BEGIN {
		for (i = 0; i < n; i++) {
			a = (i % 4) * 4194304 + int(i / 4) * 16 + (prefixes ? 0 : 1)
			printf "10.%d.%d.%d%s\n", int(a / 65536), int(a / 256) % 256, a % 256, prefixes ? "/30" : ""
		}
	}'
}

# The policy that allows the list and what exchange.h needs, in the language of mewatch. $3: flows
# that must fit; $4: how long a datagram's flow is remembered.
write_policy() {
	cat <<-POLICY
		version: 1
		resolvers: [192.0.2.1]
		limits: {flows: $3, udp_idle: $4, warmup: 0s}
		allow:
		  - {service: dns, to: resolvers, ports: udp/53}
		  - {service: names, to: www.bench.example, ports: tcp/443}
		  - {service: plain, to: [192.0.2.1, 198.51.100.128], ports: [udp/9999, tcp/2525]}
		  - service: bench
		    ports: [udp/1024-65535, tcp/2525]
		    to:
	POLICY
	list_addresses "$1" "$2" | sed 's/^/      - /'
}

# Two tables, asleep: one is the list as a set with a counter, one remembers every peer for itself.
make_nft() {
	nft -f - <<-NFT || die "nft refuses the peers to compare with"
		table ip bench_set {
			flags dormant
			set allowed { type ipv4_addr; size $(($1 + 1)); }
			chain output {
				type filter hook output priority 0
				ip daddr @allowed counter accept
				counter
			}
		}
		table ip bench_dynamic {
			flags dormant
			# One element a flow, which is what mewatch records.
			set seen {
				type ipv4_addr . inet_service . ipv4_addr . inet_service
				flags dynamic,timeout
				size 1048576
			}
			chain output {
				type filter hook output priority 0
				add @seen { ip saddr . th sport . ip daddr . th dport timeout 3m }
			}
		}
	NFT
	list_addresses "$1" | awk -v chunk=10000 '
		{ first = NR % chunk == 1 }
		first { printf "%sadd element ip bench_set allowed { ", (NR == 1 ? "" : " }\n") }
		{ printf "%s%s", (first ? "" : ", "), $0 }
		END { print " }" }' >"$WORK/elements.nft"
	nft -f "$WORK/elements.nft" || die "nft refuses $1 addresses"
}

wake_nft() {
	nft "add table ip bench_$1"
}

sleep_nft() {
	nft "add table ip bench_$1 { flags dormant; }"
}

drop_nft() {
	nft 'delete table ip bench_set; delete table ip bench_dynamic'
}

# A cgroup stays busy for a moment after its last process.
cgroups_are_gone() {
	rmdir "$CGROUP"/{plain,empty,watched} "$CGROUP" 2>/dev/null
	[[ ! -d $CGROUP ]]
}

leave() {
	local failed=$? pid

	trap - EXIT
	for pid in "${TRAFFIC_PID:-}" "${DAEMON_PID:-}" "${HOLDERS[@]}"; do
		[[ -z $pid ]] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	done
	[[ ! -d ${PINS:-} ]] || rm -rf "$PINS"
	[[ ! -d ${CGROUP:-} ]] || wait_until 5 cgroups_are_gone
	[[ ! -d ${WORK:-} ]] || rm -rf "$WORK"
	exit "$failed"
}
