# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# `mewatch doctor`: a healthy machine has nothing but good lines, and each fault that is made here is
# told by its check, with a remedy, and by no other.
. "$LAB_DIR/lib.sh"
lab_need setpriv bpftool

etc=$LAB_TMP/etc
mkdir "$etc" "$LAB_TMP/run"
DOCTOR=("$LAB_BUILD/mewatch" doctor --pins "$LAB_PINS" --state "$LAB_STATE"
	--socket "$LAB_TMP/run/mewatch.sock")

# Files of the system, for the doctor alone.
healthy() {
	echo "nameserver 198.51.100.53" >"$etc/resolv.conf"
	echo "hosts: files dns" >"$etc/nsswitch.conf"
}
system='mount --bind "$0/resolv.conf" /etc/resolv.conf &&
	mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf && exec "$@"'

# doctor [ARGUMENT]…: its exit code is in `code`, its answer in `answer`. UNDER: a command before it.
UNDER=()
WATCH=(-c "$LAB_POLICY" --cgroup "$LAB_WATCHED_PATH")
doctor() {
	answer=$(unshare --mount bash -c "$system" "$etc" "${UNDER[@]}" "${DOCTOR[@]}" --json \
		"${WATCH[@]}" "$@" 2>"$LAB_TMP/stderr")
	code=$?
	lab_assert_eq "doctor: errors" "$(<"$LAB_TMP/stderr")" ""
}

# What is not good: check, result and how often. The machine's clock is its own.
told() {
	jq -r '.checks[] | select(.result != "good" and .check != "clock") | "\(.check) \(.result)"' \
		<<<"$answer" | sort | uniq -c | awk '{ print $2, $3, $1 }' | paste -sd,
}

# holds WHAT JQ: for one line of the answer at least.
holds() {
	lab_assert "$1: $2" jq -e "any(.checks[]; $2)" <<<"$answer" >"$LAB_TMP/out"
}

# finds WHAT TOLD CODE [TEXT]: of the last run; TEXT is part of a line, and every fault has its remedy.
finds() {
	lab_assert_eq "$1: told" "$(told)" "$2"
	lab_assert_eq "$1: exit" "$code" "$3"
	lab_assert_eq "$1: a remedy for each fault, and for nothing else" \
		"$(jq '[.checks[] | select((.result == "good") != (.remedy == ""))] | length' <<<"$answer")" 0
	[ -z "${4:-}" ] || holds "$1" ".result != \"good\" and (.text | contains(\"$4\"))"
}

lab_network
lab_policy <<-EOF
	resolvers: [198.51.100.53]
	allow:
	  - service: lab
	    to: [$LAB_LISTED4]
	    ports: [tcp/20000]
EOF
healthy
objects() {
	ls "$LAB_PINS" 2>&1
	bpftool cgroup show "$LAB_WATCHED" 2>&1
}
before=$(objects)
doctor
finds "healthy" "" 0
lab_assert_eq "nothing is left" "$(objects)" "$before"
lab_assert_eq "every check has said something" "$(jq '[.checks[].check] | unique | length' <<<"$answer")" 18
ip link add lan0 type veth peer name lan1
ip link set lan0 up
doctor --interface lan0
finds "healthy, an interface" "" 0

# With a daemon.
lab_daemon
doctor
finds "a daemon" "" 0
holds "a daemon" '.check == "attached" and .text == "9 programs, all alive"'

# Programs of others: behind ours, in front, and of a group above.
bpffs=$LAB_PINS-doctor
trap 'rm -rf "$bpffs"; lab_exit' EXIT
mkdir "$bpffs"
bpftool prog load "$LAB_BUILD/tests/lab/doctor_foreign.bpf.o" "$bpffs/foreign" ||
	lab_die "the program of somebody else cannot be loaded"
foreign=(connect4 pinned "$bpffs/foreign")
bpftool cgroup attach "$LAB_WATCHED" "${foreign[@]}" multi
doctor
finds "a program behind" "cgroups warning 1" 0 "program foreign (id"
holds "a program behind" '.text | contains("on connect4 runs after")'
lab_stop
"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >"$LAB_TMP/out"
doctor
finds "a program in front" "cgroups warning 1" 0 "on connect4 runs before"
bpftool cgroup detach "$LAB_WATCHED" "${foreign[@]}"
bpftool cgroup attach "$LAB_CGROUPS" "${foreign[@]}" multi
doctor
finds "a program above" "cgroups warning 1" 0 "on connect4 runs after"
bpftool cgroup detach "$LAB_CGROUPS" "${foreign[@]}"
doctor
finds "gone again" "" 0

# Groups, interfaces, sockets.
doctor --cgroup /is/not/there
finds "no group" "cgroups failure 1" 1 "/is/not/there"
doctor --interface not0
finds "no interface" "interfaces failure 1" 1 "not0 is not there"
ip link set lan0 down
doctor --interface lan0
finds "an interface that is down" "interfaces warning 1" 0 "lan0 is down"
ip route add default via $LAB_LISTED4
doctor --interface host0
finds "behind NAT" "interfaces warning 1" 0 "host0 has the default route"
ip route del default via $LAB_LISTED4
lab_sink tcp/20000
mkfifo "$LAB_TMP/late"
"$LAB_BIN/storm" tcp $LAB_LISTED4 20000 2 hold=1 <"$LAB_TMP/late" >"$LAB_TMP/late.out" &
late=$!
exec 8>"$LAB_TMP/late"
lab_wait 'grep -q attempts= "$LAB_TMP/late.out"'
echo $late >"$LAB_WATCHED/cgroup.procs"
doctor
finds "born outside" "outside warning 1" 0 "2 sockets were born outside; storm (pid $late)"
echo >&8
wait $late

# Names.
echo "nameserver 127.0.0.53" >"$etc/resolv.conf"
doctor
finds "not of the policy" "resolvers warning 1" 0 "127.0.0.53"
echo "resolvers: system" | lab_policy
doctor
finds "a stub" "resolvers warning 1" 0 "whom it asks is not known"
echo >"$etc/resolv.conf"
doctor
finds "no server" "resolvers warning 1" 0 "names no server"
healthy
echo "hosts: files resolve [!UNAVAIL=return] dns" >"$etc/nsswitch.conf"
doctor
finds "nss-resolve" "nsswitch warning 1" 0 "over a Unix socket"
healthy

# Folders.
: >"$LAB_TMP/file"
doctor --state "$LAB_TMP/file/state"
finds "a file in the way" "state failure 1" 1 "cannot be written"
mkdir "$LAB_TMP/ro"
UNDER=(bash -c 'mount -t tmpfs -o "size=8M,$1" none "$0" && shift && exec "$@"' "$LAB_TMP/ro")
UNDER+=(ro)
doctor --state "$LAB_TMP/ro/state" --socket "$LAB_TMP/ro/x.sock"
finds "read-only" "run failure 1,state failure 1" 1 "Read-only file system"
UNDER[4]=rw
doctor --state "$LAB_TMP/ro/state"
finds "little room" "state warning 1" 0 "8 MiB left"
UNDER=()

# The policy, and who runs it.
doctor -c "$LAB_TMP/file"
finds "no policy" "policy failure 1" 1 "cannot be used"
UNDER=(setpriv --bounding-set -all)
doctor
lab_assert_eq "without capabilities: exit" "$code" 1
for check in capabilities programs; do
	holds "without capabilities" ".check == \"$check\" and .result == \"failure\" and .remedy != \"\""
done
holds "without capabilities" '.check == "capabilities" and (.text | contains("net_admin"))'
UNDER=(unshare --cgroup)
doctor
holds "a cgroup namespace" '.check == "namespaces" and .result == "warning"'
