# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# Days of the gateway's lab under faults. A day is, all at the same time:
#
#	the mail hosts' day and misdeeds (day-lib.sh, day-misbehave.sh)
#	loads   clients of which each writes down what it did, over and over
#	faults  what happens to the daemon, its disk, its policy, its clients and the network (soak-faults.sh)
#
# and at night everything is held against the truth (soak-check.sh). Whatever a seed draws is drawn before
# the day begins, so that the same seed makes the same faults.
#
# Some faults disturb the network. Who must not be disturbed then, as nobody could say what became of his
# packets, waits for them to be over: the calm. The others go on: for TCP what comes late is no loss, and
# which attempts have come to the gateway at all the packet filter knows, right behind the hooks.

[ -n "${SOAK_INSIDE-}" ] || SOAK_INSIDE=yes exec unshare --mount bash "$0"

# File systems of its own for pins and state, in a mount namespace of its own: the one can be filled, and
# nobody else knows of the other.
LAB_PINS=$LAB_TMP/bpf/pins
mkdir "$LAB_TMP/bpf" "$LAB_TMP/state"
mount -t bpf bpf "$LAB_TMP/bpf" && mount -t tmpfs -o size=64m,mode=750 soak "$LAB_TMP/state" || exit 1

. "$LAB_DIR/gateway-links-lib.sh"
. "$LAB_DIR/day-lib.sh"
. "$LAB_DIR/day-misbehave.sh"
. "$LAB_DIR/day-check.sh"
. "$LAB_DIR/history-lib.sh"
. "$LAB_DIR/report-lib.sh"

SOAK_FLOWS=4096 # at a time; twice as many are listed, so that memory is full of them within minutes
SOAK_MUTE=100 # bytes of a datagram to nobody
LAB_PATIENCE=6 # a soak shares its machine
soak_variant=0
soak_idle=1h
soak_loads=() # pids
soak_driver=
soak_dir=$LAB_TMP/soak # what one day leaves

# --- the world

# soak_policy: as it is now; the policies of all variants mean the same.
soak_policy() {
	local rules i

	rules=$(
		cat <<-EOF
			  - service: lab
			    name: streams
			    to: [$(gateway_at4 truth), "$(gateway_at6 truth)"]
			    ports: [tcp/5000]
			  - service: lab
			    name: rough
			    to: [$(gateway_at4 truth), "$(gateway_at6 truth)"]
			    ports: [tcp/5100]
			  - service: lab
			    name: datagrams
			    to: [$(gateway_at4 truth)]
			    ports: [udp/21000-21499]
			  - service: lab
			    name: mute
			    to: [$(gateway_at4 truth)]
			    ports: [udp/21500-21999]
			  - service: relay
			    to: [$(gateway_at4 truth)]
			    ports: [tcp/20900]
			  - service: named
			    to: nobody.example
			    ports: [tcp/5201]
		EOF
		for ((i = 0; i < soak_variant; i++)); do
			cat <<-EOF
				  - service: unused
				    name: variant $i
				    to: [192.0.2.$((i % 250 + 1)), unused$i.example]
				    ports: [tcp/$((7000 + i))]
			EOF
		done
	)
	day_policy "pending: 1s, tcp_syn: 60s, flows: $SOAK_FLOWS, udp_idle: $soak_idle" "$rules"
}

soak_servers() {
	gateway_servers
	gateway_proxy
	gateway_start internet "$LAB_BIN/gateway_server" 5000 5100 5201 >"$LAB_TMP/server"
	gateway_start internet "$LAB_BIN/sink" udp/21000-21499 mute/21500-21999 tcp/20900 >"$LAB_TMP/sink"
	lab_wait 'grep -q ready "$LAB_TMP/server" && grep -q ready "$LAB_TMP/sink"' || lab_die "no servers"
}

# soak_counts: what came to the gateway from the segment, by its packet filter, from now on.
soak_counts() {
	nft delete table inet soak 2>/dev/null
	nft -f - <<-EOF || lab_die "no packet filter"
		table inet soak {
			set seen4 {
				type ipv4_addr . inet_service . inet_service
				flags dynamic
				size 65535
			}
			set seen6 {
				type ipv6_addr . inet_service . inet_service
				flags dynamic
				size 65535
			}
			set muted {
				type ipv4_addr . inet_service . inet_service
				flags dynamic
				size 65535
			}
			counter mute {
			}
			chain in {
				type filter hook prerouting priority -450
				iifname != "$GATEWAY_LAN" return
				tcp flags & (syn | ack) == syn tcp dport { 5000, 5100, 5201 } add @seen4 { ip saddr . tcp sport . tcp dport }
				tcp flags & (syn | ack) == syn tcp dport { 5000, 5100, 5201 } add @seen6 { ip6 saddr . tcp sport . tcp dport }
				ip daddr $(gateway_at4 truth) udp dport 21500-21999 counter name mute add @muted { ip saddr . udp sport . udp dport }
			}
		}
	EOF
}

# soak_begin: all of it, and the daemon; what is counted from now on is in the history.
soak_begin() {
	local host

	gateway_seed
	gateway_network mail2="drop=50 duplicate=50 reorder=50 fair=1"
	ip link set lan0 address $LINKS_MAC
	for host in mail mail2 near dc; do
		gateway_at $host sysctl -qw net.ipv4.tcp_syn_retries=5
		gateway_at $host ip neighbour replace $GATEWAY_LAN4 lladdr $LINKS_MAC dev eth0 nud permanent
		gateway_at $host ip neighbour replace $GATEWAY_LAN6 lladdr $LINKS_MAC dev eth0 nud permanent
	done
	soak_servers
	soak_policy
	: >"$LAB_TMP/gate"
	: >"$LAB_TMP/room"
	exec 8<"$LAB_TMP/gate" 9<"$LAB_TMP/room"
	lab_daemon
	lab_wait '[ "$(lab_metric history_last_write_timestamp_seconds)" -gt 0 ]' 20
}

# --- the calm

# soak_calm COMMAND…: while nothing disturbs the network. Who calls it has opened 8 and 9 himself.
soak_calm() {
	flock -s 8
	flock -s 9
	flock -u 8
	"$@"
	flock -u 9
}

# soak_disturb COMMAND…: while nobody needs calm.
soak_disturb() {
	flock -x 8
	flock -x 9
	"$@"
	flock -u 9
	flock -u 8
}

# --- what goes on

# load NAME CALM HOST FAMILY KIND WHO PORT COUNT [OPTION]…: over and over. A datagram's port moves on by
# one of 500, so that no pair of ports is used twice soon.
load() {
	local i=0 step=1

	exec 8<"$LAB_TMP/gate" 9<"$LAB_TMP/room"
	[ $5 != tcp ] || step=0
	while [ -e "$soak_dir/going" ]; do
		$2 gateway_at $3 nice "$LAB_BIN/gateway_client" $5 ${MORE_SOURCE[$3$4]} "$(gateway_at$4 $6)" \
			$(($7 + i % 500 * step)) $8 "${@:9}" id=$((i * $8)) truth="$soak_dir/truth.$1"
		i=$((i + 1))
		sleep 0.4 # as others share the machine, not to wait for anything
	done >"$soak_dir/$1.load" 2>&1
}

# load_relay: from the watched cgroup.
load_relay() {
	while [ -e "$soak_dir/going" ]; do
		lab_in_cgroup nice "$LAB_BIN/storm" tcp "$(gateway_at4 truth)" 20900 10 bytes=1000 threads=2
		sleep 0.4
	done >"$soak_dir/relay.load" 2>&1
}

# Scrapes, views and metop, which come and go.
load_clients() {
	local i=0

	while [ -e "$soak_dir/going" ]; do
		case $((i % 4)) in
		0) lab_scrape ;;
		1) lab_api '/v1/flows?limit=100000' ;;
		2) lab_api '/v1/flows?group=origin&unfold=all' ;;
		3) "$LAB_BUILD/metop" --socket "$LAB_SOCKET" --view endpoints --once ;;
		esac >"$soak_dir/client" 2>&1 # it may find no daemon
		i=$((i + 1))
		sleep 0.5
	done
}

# loads_begin: all of them.
loads_begin() {
	touch "$soak_dir/going"
	load streams4 soak_calm mail 4 tcp truth 5000 10 up=20000 down=20000 ends=7 threads=2 &
	soak_loads=($!)
	load streams6 soak_calm mail2 6 tcp truth 5000 6 up=20000 down=20000 ends=7 threads=2 &
	soak_loads+=($!)
	load rough4 "" mail2 4 tcp truth 5100 6 up=20000 down=20000 ends=5 threads=2 &
	soak_loads+=($!)
	load rough6 "" mail 6 tcp truth 5100 6 up=20000 down=20000 ends=5 threads=2 &
	soak_loads+=($!)
	load strange "" mail 4 tcp stranger 5000 4 up=2000 down=2000 ends=5 &
	soak_loads+=($!)
	load late "" mail2 6 tcp stranger 5201 4 up=200 down=200 ends=5 &
	soak_loads+=($!)
	load datagrams soak_calm mail 4 udp truth 21000 5 up=100 datagrams=2 &
	soak_loads+=($!)
	load mute "" mail2 4 mute truth 21500 5 up=$SOAK_MUTE datagrams=2 &
	soak_loads+=($!)
	load near "" near 4 tcp stranger 5100 3 up=2000 down=2000 & # whom nobody watches
	soak_loads+=($!)
	load_relay &
	soak_loads+=($!)
	load_clients &
	soak_loads+=($!)
}

# drive HOURS MISDEED…: the mail hosts' day, with one misdeed after the other.
drive() {
	local -a misdeeds=("${@:2}")
	local i each=$(((${#misdeeds[@]} + $1 - 1) / $1)) misdeed

	exec 8<"$LAB_TMP/gate" 9<"$LAB_TMP/room"
	for ((i = 0; i < $1; i++)); do
		soak_calm day_hour 2
		for misdeed in "${misdeeds[@]:i * each:each}"; do
			soak_calm day_misbehave ${misdeed/\// }
		done
	done
	soak_calm day_visitors $GATEWAY_WAN4
	soak_calm day_alias
	day_truth >"$LAB_TMP/truth.new"
	mv "$LAB_TMP/truth.new" "$soak_dir/day"
}

# day_open HOURS MISDEED…: the day begins.
day_open() {
	rm -rf "$soak_dir"
	mkdir "$soak_dir"
	day=()
	: >"$DAY_FLOWS"
	: >"$DAY_CALLBACKS"
	day_begin
	soak_counts
	soak_events_before=$(stat -c %s "$LAB_EVENTS")
	lab_mark
	loads_begin
	drive "$@" >"$soak_dir/driver" 2>&1 &
	soak_driver=$!
}

# day_close: everybody goes home; what they did is in `day` and in the files of soak_dir then.
day_close() {
	local key value

	wait $soak_driver
	rm "$soak_dir/going"
	wait "${soak_loads[@]}"
	[ -e "$soak_dir/day" ] || lab_fail "the mail hosts' day ended early"
	lab_assert_eq "the mail hosts" "$(<"$soak_dir/driver")" ""
	lab_assert_eq "the clients" "$(cd "$soak_dir" && rm near.load && grep -v '^failed=0 \|^# seed' ./*.load)" ""
	while IFS='=' read -r key value; do
		day[$key]=$value
	done <"$soak_dir/day"
	day[data.ftp]=${day[ftp.data]-0} # data connections count with their control connections
	day_hour_now=$((day_hour_now + day[hours]))
	day_aliases=$((day_aliases + 1))
	truth_collect
}
