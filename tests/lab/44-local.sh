# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# What is local: loopback and the own addresses of the socket's network namespace, also those that come
# later; and what stays on the link, which is no attempt.
. "$LAB_DIR/lib.sh"

# tells LABEL N VERDICT SERVICE COMMAND…: the command makes N attempts that end so.
tells() {
	local label=$1 n=$2 end="verdict=\"$3\",service=\"$4\""

	shift 4
	lab_mark
	lab_truth lab_in_cgroup "$@"
	lab_settle "$label: attempts" "$n" lab_delta attempts_total
	lab_assert_eq "$label: $end" "$(lab_change "connections_total{$end}")" "$n"
}

lab_network
lab_policy <<EOF
resolvers: [198.51.100.53]
remoting: {ports: [tcp/20030]}
allow:
  - service: remoting
    to: local
    ports: [tcp/20030]
EOF
lab_daemon
tcp=("$LAB_BIN/paths_tcp" tcp) # nobody listens: refused is as good
for dest in 127.0.0.1 127.1.2.3 ::1 $LAB_HOST4 2001:db8:51::1; do
	tells "$dest" 2 local local "${tcp[@]}" $dest 20020 2
	tells "$dest" 1 local local "$LAB_BIN/storm" udp-fresh $dest 53 1
	tells "$dest" 1 local remoting "${tcp[@]}" $dest 20030 1
done
tells "mapped" 2 local local "$LAB_BIN/paths_tcp" tcp-mapped 127.0.0.1 20020 2
tells "far" 2 violation unlisted "${tcp[@]}" $LAB_LISTED4 20020 2
lab_mark
tells "remoting off the host" 1 violation remoting "${tcp[@]}" $LAB_LISTED4 20030 1
lab_assert_eq "remoting off the host" \
	"$(lab_delta 'connections_total{verdict="violation",reason="remoting-off-host"}')" 1

# An address that comes and goes under way.
came() {
	lab_truth lab_in_cgroup "$LAB_BIN/storm" udp-fresh 198.51.100.3 20020 1
	[ "$(lab_delta 'connections_total{verdict="local"}')" -gt 0 ]
}
tells "not ours yet" 1 violation unlisted "$LAB_BIN/storm" udp-fresh 198.51.100.3 20020 1
ip address add 198.51.100.3/24 dev host0
lab_mark
lab_wait came
tells "ours" 2 local local "${tcp[@]}" 198.51.100.3 20020 2
went() {
	lab_truth lab_in_cgroup "$LAB_BIN/storm" udp-fresh 198.51.100.3 20020 1
	[ "$(lab_delta 'connections_total{verdict="violation"}')" -gt 0 ]
}
ip address del 198.51.100.3/24 dev host0
lab_mark
lab_wait went

# A child namespace has its own: what is local there is not what is local here.
lab_namespace
child=(nsenter --net="/proc/$LAB_HOLDER/ns/net")
ip link add host1 type veth peer name child0 netns "$LAB_HOLDER"
ip address add 203.0.113.1/24 dev host1
ip link set host1 up
"${child[@]}" ip address add 203.0.113.2/24 dev child0
"${child[@]}" ip link set child0 up
"${child[@]}" ip route add default via 203.0.113.1
tells "child's loopback" 2 local local "${child[@]}" "${tcp[@]}" 127.0.0.1 20020 2
known() {
	lab_truth lab_in_cgroup "${child[@]}" "${tcp[@]}" 203.0.113.2 20020 1
	[ "$(lab_delta 'connections_total{verdict="local"}')" -gt 0 ]
}
lab_mark
lab_wait known
lab_settle "child's first ones are settled" 0 lab_metric pending_flows
tells "child's own" 2 local local "${child[@]}" "${tcp[@]}" 203.0.113.2 20020 2
tells "host's, from the child" 2 violation unlisted "${child[@]}" "${tcp[@]}" $LAB_HOST4 20020 2
tells "child's, from the host" 2 violation unlisted "${tcp[@]}" 203.0.113.2 20020 2

# The link: broadcast and link multicast are no attempts; unicast link-local is one.
ip route add 224.0.0.0/4 dev host0
for dest in 224.0.0.251 ff02::fb; do
	tells "$dest" 0 local link "$LAB_BIN/storm" udp-fresh $dest 5353 5
done
ip route add 169.254.0.0/16 dev host0
tells "link-local" 1 violation unlisted "$LAB_BIN/storm" udp-fresh 169.254.169.254 20020 1
lab_assert_sums "in all"
