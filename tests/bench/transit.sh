# SPDX-License-Identifier: GPL-2.0-only
# Forwarding, and what watching it costs. Sourced by `run`; prints lines for transit.awk:
#
#	pair PHASE WORKLOAD FLOWS MODE CYCLE NANOSECONDS
#
# and facts (scale.sh). PHASE `bare` is before any program or table, `watched` with all of them.
#
# Each mode has a lane of its own, two network namespaces: a mail host, and a gateway with nothing but
# what the mode is about. So a daemon, tables and a flow exporter stay as users run them, and nothing
# is switched between rounds. That lanes without any of it cost the same is measured first, with all
# of them, and again in each cycle with two (none and again).
#
# In a gateway `lan` leads to the mail host, `wan` to the far side, and `sink` is a device without a
# reader. Pools are those of peers.h, all on the far side but for pool 0, which is behind `sink`.

TRANSIT_MODES=(none again empty mewatch set dynamic conntrack softflowd)
TRANSIT_JOBS="udp-out udp-back tcp-bulk tcp-segment tcp-connect"
TRANSIT_FLOWS="100 10000 60000"
TRANSIT_LIST=4000 # addresses that the policy and the set have
TRANSIT_ROUNDS=2  # cycles for one of --cycles: these are short

declare -A LANE GATEWAY_PID
HOST_PIDS=()

# Operations of a round: about 2 ms.
transit_count() {
	case $1 in
	udp-*) echo 1024 ;;
	tcp-bulk) echo 128 ;;
	tcp-segment) echo 256 ;;
	tcp-connect) echo 64 ;;
	esac
}

# A network namespace where nothing happens by itself.
hold_quiet_netns() {
	hold_netns
	within "$NETNS_PID" bash -e <<-'QUIET' || die "cannot set up a network namespace"
		echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
		echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
		echo 0 >/proc/sys/net/ipv4/tcp_max_tw_buckets
		ip link set lo up
	QUIET
}

# make_lane MODE: lane n has 172.31.n.0/24 before the gateway and 192.0.2.4n/30 behind it.
make_lane() {
	local n=${#HOST_PIDS[@]} host gateway lan wan

	lan=172.31.$n wan=192.0.2.$((4 * n + 1))
	hold_quiet_netns && host=$NETNS_PID
	hold_quiet_netns && gateway=$NETNS_PID
	within "$gateway" bash -e <<-GATEWAY || die "cannot set up a gateway"
		ip link add lan address 02:00:00:00:00:01 type veth peer name lan netns $host
		ip link add wan address 02:00:00:00:00:01 type veth peer name wan$n netns $FAR_PID
		ip tuntap add sink mode tun
		ip addr add $lan.1/24 dev lan
		ip addr add 192.0.2.$((4 * n + 2))/30 dev wan
		ip link set lan up
		ip link set wan up
		ip link set sink up
		ip route add 10.0.0.0/10 dev sink
		ip route add default via $wan
		# The host that takes no datagrams: the frame is for nobody.
		ip neigh add $lan.3 lladdr 02:00:00:00:00:ff dev lan
		echo 1 >/proc/sys/net/ipv4/ip_forward
	GATEWAY
	within "$host" bash -e <<-HOST || die "cannot set up a mail host"
		ip addr add $lan.2/24 dev lan
		ip link set lan up
		ip route add default via $lan.1
	HOST
	within "$FAR_PID" bash -e <<-FAR || die "cannot set up the far side"
		ip addr add $wan/30 dev wan$n
		ip link set wan$n up
		ip route add $lan.0/24 via 192.0.2.$((4 * n + 2))
	FAR
	LANE[$1]=$n GATEWAY_PID[$1]=$gateway
	HOST_PIDS+=("$host")
}

make_lanes() {
	local mode paths=()

	hold_quiet_netns && FAR_PID=$NETNS_PID
	within "$FAR_PID" ip route add local 10.128.0.0/10 dev lo
	for mode in "${TRANSIT_MODES[@]}"; do
		make_lane "$mode"
		paths+=("/proc/${HOST_PIDS[-1]}/ns/net" "/proc/${GATEWAY_PID[$mode]}/ns/net")
	done
	start_traffic forward "/proc/$FAR_PID/ns/net" "${paths[@]}"
}

# A mail host's flows, one element each: by the list; remembered, with a counter, as mewatch does; as
# connections. Packets of both directions count to the same element.
make_tables() {
	within "${GATEWAY_PID[set]}" nft -f - <<-NFT || die "nft refuses the set"
		table ip bench {
			set allowed { type ipv4_addr . inet_service; size $((TRANSIT_LIST + 1)); }
			chain forward {
				type filter hook forward priority 0
				iifname "lan" ip daddr . th dport @allowed counter accept
				oifname "lan" ip saddr . th sport @allowed counter accept
				counter
			}
		}
		$(list_addresses "$TRANSIT_LIST" | sed 's/.*/add element ip bench allowed { & . 2525 }/')
	NFT
	within "${GATEWAY_PID[dynamic]}" nft -f - <<-'NFT' || die "nft refuses the dynamic set"
		table ip bench {
			set seen {
				type ipv4_addr . inet_service . ipv4_addr . inet_service
				flags dynamic,timeout
				size 1048576
			}
			chain forward {
				type filter hook forward priority 0
				iifname "lan" update @seen { ip saddr . th sport . ip daddr . th dport timeout 3m counter } accept
				oifname "lan" update @seen { ip daddr . th dport . ip saddr . th sport timeout 3m counter } accept
			}
		}
	NFT
	within "${GATEWAY_PID[conntrack]}" nft -f - <<-'NFT' || die "nft refuses ct state"
		table ip bench {
			chain forward {
				type filter hook forward priority 0
				ct state established,related counter accept
				ct state new counter accept
				counter
			}
		}
	NFT
}

# A flow exporter in user space. What it costs is on the other CPU, in a process of its own.
start_softflowd() {
	nsenter --net="/proc/${GATEWAY_PID[softflowd]}/ns/net" -- softflowd -d -i lan -m 131072 -n 127.0.0.1:9 \
		-p "$WORK/softflowd.pid" -c "$WORK/softflowd.control" 2>"$WORK/softflowd.log" &
	SOFTFLOWD_PID=$!
	HOLDERS+=("$SOFTFLOWD_PID")
	SOFTFLOWD_BEFORE=$(packets_of softflowd)
	wait_until 10 test -S "$WORK/softflowd.control" ||
		die "softflowd does not start: $(tail -n 3 "$WORK/softflowd.log")"
}

# transit_round PHASE WORKLOAD FLOWS MODE CYCLE
transit_round() {
	local count

	count=$(transit_count "$2")
	ask pair "$2" "$3" "${LANE[$4]}" $(($5 * 4096)) "$count"
	echo "pair $* $ANSWER"
	[[ $4 != mewatch || $1 == bare ]] || ((CONNECTIONS += $(connections_of "$2" "$count")))
}

connections_of() {
	case $1 in
	udp-*) echo 0 ;;
	tcp-connect) echo $(($2 + $2 / 8)) ;;
	tcp-*) echo 1 ;;
	esac
}

# transit_cycles PHASE FLOWS MODE...
transit_cycles() {
	local phase=$1 flows=$2 cycle turn mode job
	shift 2
	local order=("$@")

	for ((cycle = 0; cycle < CYCLES * TRANSIT_ROUNDS; cycle++)); do
		for ((turn = 0; turn < ${#order[@]}; turn++)); do
			mode=${order[(turn + cycle) % ${#order[@]}]}
			[[ $mode != armed ]] || ask attach "${LANE[empty]}" "$PINS/empty/transit"
			for job in $TRANSIT_JOBS; do
				transit_round "$phase" "$job" "$flows" "$mode" "$cycle"
			done
			[[ $mode != armed ]] || ask detach
		done
	done
}

# Whether mewatch can do it; an older one cannot.
have_transit() {
	have_daemon && "$BUILD/mewatch" run --help | grep --quiet -- --interface
}

start_transit() {
	PLACE=(nsenter --net="/proc/${GATEWAY_PID[mewatch]}/ns/net" --)
	WATCH=(--interface lan --host "172.31.${LANE[mewatch]}.2" --host "172.31.${LANE[mewatch]}.3")
	start_daemon "$TRANSIT_LIST" "" 131072 180s
}

has_attempts() {
	(($(metric attempts_total 'vantage="transit"') >= $1))
}

# A datagram's flow is an attempt once, whatever the phase that met it.
check_transit() {
	local expected=$((${TRANSIT_FLOWS##* } + CONNECTIONS))

	wait_until 15 has_attempts $expected
	fact "forwarding: attempts" "$(metric attempts_total 'vantage="transit"')" attempts = $expected
	fact "forwarding: allowed" "$(metric connections_total 'verdict="allowed"')" attempts = $expected
	fact "forwarding: flow table full" "$(metric flow_overflow_total)" times = 0
}

bench_transit() {
	local flows mode modes=(none again empty set dynamic conntrack) CONNECTIONS=0

	LANE[armed]=${LANE[none]}
	transit_cycles bare "${TRANSIT_FLOWS%% *}" "${TRANSIT_MODES[@]}" armed
	ask attach "${LANE[empty]}" "$PINS/empty/transit"
	make_tables
	! have_transit || { start_transit && modes+=(mewatch); }
	! command -v softflowd >/dev/null || { start_softflowd && modes+=(softflowd); }
	for flows in $TRANSIT_FLOWS; do
		for mode in "${modes[@]}"; do
			ask fill "${LANE[$mode]}" "$flows"
		done
		transit_cycles watched "$flows" "${modes[@]}"
	done
	ask clocks
	fact "forwarding: what the clock has of an undisturbed round" "$ANSWER" "%" ">=" 90
	[[ -z ${DAEMON_PID:-} ]] || { check_transit && stop_daemon; }
	tell_softflowd
}

# Packets that crossed a gateway's `lan`, both ways.
packets_of() {
	within "${GATEWAY_PID[$1]}" awk -F '[: ]+' '$2 == "lan" { print $4 + $12 }' /proc/net/dev
}

# softflowd_says TEXT: the number after it.
softflowd_says() {
	softflowctl -c "$WORK/softflowd.control" statistics | sed -n "s/^$1: *\([0-9]*\).*/\1/p"
}

# What its column does not have: CPU time of its process, and what it did not see at all.
tell_softflowd() {
	local packets received

	if [[ -z ${SOFTFLOWD_PID:-} ]]; then
		fact "softflowd: absent" 0 rows
		return
	fi
	packets=$(($(packets_of softflowd) - SOFTFLOWD_BEFORE))
	received=$(softflowd_says 'Packets processed')
	fact "softflowd: its process besides, on the other CPU" \
		"$(cpu_of "$SOFTFLOWD_PID" | awk -v n="$packets" '{ printf "%.0f", $1 * 1e9 / n }')" "ns a packet"
	fact "softflowd: packets never seen" \
		"$(awk -v n="$packets" -v r="$received" 'BEGIN { printf "%.2f", 100 * (1 - r / n) }')" "%"
}
