# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# Paths on which the origin is what matters: exec, user ids, another network namespace, subflows that
# a kernel worker opens, packet sockets, sockets that crossed into the cgroup, and the server's side.
#
# Runs alone: packet sockets of the whole machine are counted.
. "$LAB_DIR/lib.sh"

# What the flows say, sorted: shown JQ-SELECTION JQ-VALUE
shown() {
	lab_flows "$1" | jq -r "$2" | sort | uniq -c | awk '{ $1 = $1; print }' | paste -sd, -
}

lab_network
lab_sink tcp/20000-20009 udp/20000-20009 mptcp/20100
lab_policy <<EOF
resolvers: [198.51.100.53]
allow:
  - service: lab
    to: [$LAB_LISTED4, 198.51.100.11]
    ports: [tcp/20000-20999, udp/20000-20999]
EOF
lab_daemon

# A process that becomes another program keeps its pid and start time, not its name.
cp "$LAB_BIN/paths_tcp" "$LAB_TMP/fetcher"
lab_truth lab_in_cgroup "$LAB_BIN/paths_task" exec $LAB_LISTED4 20001 2 "$LAB_TMP/fetcher"
lab_settle "exec" "2 20001 $LAB_BIN/paths_task paths_task,2 20002 $LAB_TMP/fetcher fetcher" \
	shown ".pid == ${truth[pid]}" '[.dport, .exe, .comm] | map(tostring) | join(" ")'

lab_truth lab_in_cgroup setpriv --reuid 65534 --clear-groups "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20003 2
lab_settle "uid" "2 65534" shown ".pid == ${truth[pid]}" .uid

# Threads whose first sockets are made at the same time: the one who comes second finds the process there.
for _ in {1..300}; do
	lab_in_cgroup "$LAB_BIN/storm" udp-fresh $LAB_LISTED4 20003 2 threads=2
done >"$LAB_TMP/storms"
lab_assert_eq "threads: processes beyond the table" "$(lab_metric 'limits_hit_total{limit="processes"}')" 0

# Nested cgroups belong to the watched one, and are told by their own path.
mkdir "$LAB_WATCHED/inner"
LAB_IN=$LAB_WATCHED/inner lab_truth lab_in_cgroup "$LAB_BIN/paths_udp" udp-sendto $LAB_LISTED4 20003 2
lab_settle "nested cgroup" "1 $LAB_WATCHED_PATH/inner" shown ".pid == ${truth[pid]}" .cgroup

# A child network namespace, still in the cgroup.
lab_namespace
child=(nsenter --net="/proc/$LAB_HOLDER/ns/net")
lab_far ip link add far1 type veth peer name child0
lab_far ip link set child0 netns "$LAB_HOLDER"
lab_far ip address add 203.0.113.1/24 dev far1
lab_far ip link set far1 up
"${child[@]}" ip address add 203.0.113.2/24 dev child0
"${child[@]}" ip link set child0 up
"${child[@]}" ip route add default via 203.0.113.1
lab_wait 'lab_reaches $LAB_LISTED4 "${child[@]}"'
for dest in $LAB_LISTED4 $LAB_STRANGER4; do
	lab_mark
	lab_truth lab_in_cgroup "${child[@]}" "$LAB_BIN/paths_tcp" tcp $dest 20004 3
	lab_settle "namespace: attempts" 3 lab_delta attempts_total
	lab_truth lab_in_cgroup "${child[@]}" "$LAB_BIN/paths_udp" udp-connect $dest 20004 3
	lab_settle "namespace: attempts" 4 lab_delta attempts_total
done
lab_settle "namespace" "4 allowed,4 violation" shown '.dport == 20004' .verdict
lab_settle "namespace: source" "6 203.0.113.2" shown '.dport == 20004 and .proto == "tcp"' .src

# MPTCP: a subflow to another address or port is an attempt of the owner, one to the same is none.
if [ -e /proc/sys/net/mptcp/enabled ]; then
	ip mptcp limits set subflow 4 add_addr_accepted 4
	lab_far ip mptcp limits set subflow 4 add_addr_accepted 4
	lab_far ip mptcp endpoint add 198.51.100.11 dev far0 signal
	lab_mark
	lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" mptcp-other-peer $LAB_LISTED4 20100 1
	lab_settle "subflow elsewhere: attempts" 2 lab_delta attempts_total
	lab_settle "subflow elsewhere: origin" \
		"1 198.51.100.10 ${truth[pid]} paths_tcp $LAB_WATCHED_PATH,1 198.51.100.11 ${truth[pid]} paths_tcp $LAB_WATCHED_PATH" \
		shown '.dport == 20100' '[.dst, .pid, .comm, .cgroup] | map(tostring) | join(" ")'
	lab_far ip mptcp endpoint flush
	lab_far ip mptcp endpoint add $LAB_LISTED4 dev far0 port 20101 signal
	lab_mark
	lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" mptcp-other-peer $LAB_LISTED4 20100 1
	lab_settle "subflow to another port: attempts" 2 lab_delta attempts_total
	lab_settle "subflow to another port: origin" "1 ${truth[pid]}" shown '.dport == 20101' .pid
	lab_far ip mptcp endpoint flush
	ip address add 198.51.100.2/24 dev host0
	ip mptcp endpoint add 198.51.100.2 dev host0 subflow
	lab_mark
	lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" mptcp-same-peer $LAB_LISTED4 20100 1
	lab_settle "subflow to the same: attempts" 1 lab_delta attempts_total
	ip mptcp endpoint flush
else
	echo "absent: MPTCP"
fi

# The server's side is no attempt.
lab_mark
lab_in_cgroup "$LAB_BIN/paths_tcp" accept $LAB_HOST4 20005 3 >"$LAB_TMP/accept" &
server=$!
lab_wait '[ -n "$(ss -Hltn sport = :20005)" ]'
lab_truth lab_far "$LAB_BIN/paths_tcp" tcp $LAB_HOST4 20005 3
wait "$server"
lab_assert_eq "accepted: echoed" "${truth[received]}" 3000
lab_assert_eq "accepted: attempts" "$(lab_delta attempts_total)" 0
lab_assert_eq "accepted: connections" "$(lab_delta connections_total)" 0

# Packet sockets: no hook of a cgroup sees their frames; the sweep finds the sockets.
for path in packet packet-bypass; do
	lab_mark
	lab_hold $path "$LAB_BIN/paths_raw" -k $path $LAB_STRANGER4 20006 5
	lab_settle "$path: blind spot" 1 lab_delta 'blind_spots_total{kind="packet"}'
	lab_wait '[ -n "$(lab_event_list ".event == \"finding\" and .kind == \"packet-socket\"")" ]'
	lab_release $path
	lab_assert_eq "$path: not seen" "$(lab_delta attempts_total)" 0
done
lab_assert_eq "packet-socket findings" "$(lab_metric 'findings_total{kind="packet-socket"}')" 2

# Sockets that were born outside and are used inside: the sweep finds those that live.
outside_problems() {
	lab_api /v1/health | jq '[.problems[] | select(test("2 sockets born outside .*paths_task"))] | length'
}
for path in moved passed; do
	lab_mark
	mkfifo "$LAB_TMP/$path"
	"$LAB_BIN/paths_task" -k $path $LAB_STRANGER4 20006 2 "$LAB_WATCHED" <"$LAB_TMP/$path" >/dev/null &
	exec 8>"$LAB_TMP/$path"
	lab_settle "$path: blind spot" 2 lab_delta 'blind_spots_total{kind="outside"}'
	lab_settle "$path: a problem" 1 outside_problems
	echo >&8
	exec 8>&-
	wait $!
	lab_assert_eq "$path: not seen" "$(lab_delta attempts_total)" 0
	lab_settle "$path: no problem any more" 0 outside_problems
done
lab_assert_sums "in all"

# Each counts once, also for a daemon that finds it again.
lab_hold packet "$LAB_BIN/paths_raw" -k packet $LAB_STRANGER4 20006 5
lab_settle "a third packet socket" 3 lab_metric 'blind_spots_total{kind="packet"}'
mkfifo "$LAB_TMP/again"
"$LAB_BIN/paths_task" -k passed $LAB_STRANGER4 20006 2 "$LAB_WATCHED" <"$LAB_TMP/again" >/dev/null &
exec 8>"$LAB_TMP/again"
lab_settle "two more from outside" 6 lab_metric 'blind_spots_total{kind="outside"}'
lab_kill
lab_daemon
lab_settle "restarted: a problem" 1 outside_problems
lab_assert_eq "restarted: from outside" "$(lab_metric 'blind_spots_total{kind="outside"}')" 6
lab_assert_eq "restarted: packet sockets" "$(lab_metric 'blind_spots_total{kind="packet"}')" 3
lab_assert_eq "restarted: findings" "$(lab_metric 'findings_total{kind="packet-socket"}')" 3
lab_assert_sums "restarted"
