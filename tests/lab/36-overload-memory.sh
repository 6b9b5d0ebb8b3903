# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# The memory limit of a control group is met: with less than the maps take the start says so and leaves
# nothing behind; with less than the flows take the daemon is ended by the kernel, what is attached counts on,
# and the next one, which a service manager starts, has all of it.
. "$LAB_DIR/overload-lib.sh"

count=$([ -n "${LAB_FULL-}" ] && echo 500000 || echo 100000)

# The hierarchy that has the memory controller, and its files: version 1 of control groups has its own.
group=mewatch-lab-memory.$$
if [ -e "$LAB_CGROUP_ROOT/memory.stat" ] || grep -qw memory "$LAB_CGROUP_ROOT/cgroup.controllers" 2>/dev/null; then
	echo +memory >"$LAB_CGROUP_ROOT/cgroup.subtree_control" && echo +memory >"$LAB_CGROUPS/cgroup.subtree_control" ||
		lab_absent "memory cannot be limited here"
	group=$LAB_CGROUPS/$group limit=memory.max usage=memory.current kills=memory.events
else
	root=$(awk '$(NF-2) == "cgroup" && $NF ~ /(^|,)memory(,|$)/ { print $5; exit }' /proc/self/mountinfo)
	[ -n "$root" ] || lab_absent "no controller of memory"
	group=$root/$group limit=memory.limit_in_bytes usage=memory.usage_in_bytes kills=memory.oom_control
fi
mkdir "$group" || lab_die "no control group"
end() {
	local status=$?

	[ ! -d "/proc/$lab_daemon_pid" ] || kill -KILL "$lab_daemon_pid"
	wait 2>/dev/null "$lab_daemon_pid"
	"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null 2>&1
	rmdir "$group"
	(exit $status)
	lab_exit
}
trap end EXIT

start_within() {
	echo "$1" >"$group/$limit" || lab_die "no limit of $1 bytes"
	lab_start_under bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group"
}

killed() {
	awk '$1 == "oom_kill" { print $2 }' "$group/$kills"
}

overload_network
lab_policy <<EOF
limits: {flows: 262144, udp_idle: 3600s, warmup: 0s}
allow:
  - service: lab
    to: [198.18.0.0/16]
    ports: [udp/30000-30099]
EOF

# Not enough for the maps.
start_within $((64 << 20))
wait $lab_daemon_pid
status=$?
echo "too little for the maps: exit $status: $(tail -n 1 "$LAB_LOG")"
case $status in
3) lab_assert "it says what there is too little of" grep -q 'not enough memory for the BPF programs' "$LAB_LOG" ;;
137) lab_assert "ended by the kernel" test "$(killed)" -ge 1 ;;
*) lab_fail "exit $status" ;;
esac
[ $status = 137 ] || lab_assert "it leaves nothing behind" test ! -e "$LAB_PINS/links"
before=$(killed)

# Enough for the start.
start_within $((4 << 30))
lab_wait lab_up 30
overload_begin
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp $LAB_MANY4 30000 1000 ports=100 addresses=10
lab_settle "before" 1000 lab_metric 'connections_total{verdict="allowed"}'
declared=$(lab_api /v1/health | jq .memory.most)
peak=$(overload_memory VmHWM)
# A little more than it has now.
used=$(<"$group/$usage")
until echo $((used + (4 << 20))) >"$group/$limit" 2>/dev/null; do
	used=$((used + (1 << 20)))
done
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp 198.19.0.1 30000 $count threads=2 ports=100 addresses=60000
lab_wait '! kill -0 $lab_daemon_pid 2>/dev/null' 60
wait $lab_daemon_pid
lab_assert_eq "killed" $? 137
lab_assert_eq "by the kernel, for want of memory" "$(killed)" $((before + 1))
down=$(overload_now)
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp 198.19.0.1 31000 $count threads=2 ports=100 addresses=60000
start_within $((4 << 30))
lab_wait lab_up 60
overload_begin
overload_ended=$down
overload_cpu_used=0
overload_normal "overload_told $((2 * count))"
lab_assert_eq "what came before" "$(lab_metric 'connections_total{verdict="allowed"}')" 1000
overload_row memory $((2 * count)) "$(lab_metric 'violations_total{state="confirmed"}')" \
	"$(lab_metric 'events_lost_total{source="ring"}') records, $(lab_metric flow_overflow_total) flows" \
	"killed at its limit, $count while down"
lab_stop
