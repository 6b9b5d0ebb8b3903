# SPDX-License-Identifier: GPL-2.0-only
# The paired rounds. Sourced by `run`; prints lines for report.awk:
#
#	pair LIST WORKLOAD KIND MODE CYCLE NANOSECONDS
#	inherited LIST PROGRAMS    (that `nothing` runs all the same: somebody watches a parent cgroup)
#
# and facts (scale.sh). LIST `bare` is the machine before any daemon.

# How many operations a round has: about 5 ms of each.
count_of() {
	case $1 in
	udp-*) [[ $2 == known ]] && echo 8000 || echo 4000 ;;
	tcp-*) echo 300 ;;
	esac
}

# Whether the mode can be told from `none` by this workload: nft sees packets, connect() sends none.
has_mode() {
	[[ $1 != udp-connect || ($2 != set && $2 != dynamic) ]]
}

enter_mode() {
	case $1 in
	none | again) move_to plain ;;
	armed) move_to plain && empty_programs attach ;;
	empty) move_to empty ;;
	bare-empty) move_to empty && empty_programs attach ;;
	mewatch) move_to watched ;;
	set) move_to plain && wake_nft set ;;
	dynamic) move_to plain && wake_nft dynamic ;;
	esac
}

leave_mode() {
	case $1 in
	armed | bare-empty) empty_programs detach ;;
	set | dynamic) sleep_nft "$1" ;;
	esac
}

HOOKS='connect[46]|sendmsg[46]|sock_ops|inet_(in|e)gress|sock_(create|release)'

# Programs on the hooks, on whatever cgroup: with any, the branches are on already.
attached() {
	bpftool cgroup tree 2>/dev/null | grep --count --extended-regexp "$HOOKS"
}

inherited() {
	bpftool cgroup show "$CGROUP/plain" effective 2>/dev/null | grep --count --extended-regexp "$HOOKS"
}

# run_cycles LIST SIZE "WORKLOAD/KIND..." MODE...: CYCLES rounds of each in each.
run_cycles() {
	local list=$1 size=$2 jobs=$3 cycle turn mode job workload kind count
	shift 3
	local order=("$@")

	echo "inherited $list $(inherited)"
	for ((cycle = 0; cycle < CYCLES; cycle++)); do
		for ((turn = 0; turn < ${#order[@]}; turn++)); do
			mode=${order[(turn + cycle) % ${#order[@]}]}
			enter_mode "$mode"
			for job in $jobs; do
				workload=${job%/*} kind=${job#*/}
				has_mode "$workload" "$mode" || continue
				[[ $mode != dynamic ]] || nft flush set ip bench_dynamic seen
				count=$(count_of "$workload" "$kind")
				ask pair "$workload" "$kind" $((cycle * 5000)) "$count" "$size"
				echo "pair $list $workload $kind $mode $cycle $ANSWER"
				[[ $mode != mewatch ]] || ((MADE[$kind] += $(made_by "$workload" "$kind" "$count")))
			done
			leave_mode "$mode"
		done
	done
	echo "inherited $list $(inherited)"
}

# Attempts that mewatch must have counted for a round: a UDP connect() is none, datagrams of one
# socket to one peer are one.
made_by() {
	local all=$(($3 + $3 / 8))

	case $1/$2 in
	udp-connect/*) echo 0 ;;
	udp-send/known) echo 1 ;;
	*) echo $all ;;
	esac
}

# One list: empty programs on their cgroup for as long as it takes, so that the branches of the hooks
# are on with a daemon or without one; the daemon with the list, nft with it (not for prefixes: a set of intervals is another thing).
bench_list() {
	local list=$1 size=$1 prefixes="" modes=(none again empty)
	local -A MADE=([known]=0 [new]=0 [stranger]=0)

	[[ $list != prefixes ]] || size=1000000 prefixes=prefixes
	if [[ -z $prefixes ]]; then
		make_nft "$size"
		modes+=(set dynamic)
	fi
	empty_programs attach
	if have_daemon; then
		start_daemon "$size" "$prefixes" 262144 5s
		fact "list of $list: from start to first answer" "$LOADED" s "<=" 5
		modes+=(mewatch)
	fi
	run_cycles "$list" "$size" "$JOBS" "${modes[@]}"
	if have_daemon; then
		check_counts "$list"
		stop_daemon
	fi
	empty_programs detach
	[[ -n $prefixes ]] || drop_nft
}

has_counted() {
	(($(metric attempts_total) >= $1))
}

check_counts() {
	local listed=$((MADE[known] + MADE[new])) strange=${MADE[stranger]}

	move_to plain
	wait_until 15 has_counted $((listed + strange))
	fact "list of $1: allowed" "$(metric connections_total 'verdict="allowed"')" attempts = "$listed"
	fact "list of $1: violations" "$(metric connections_total 'verdict="violation"')" attempts = "$strange"
	fact "list of $1: flow table full" "$(metric flow_overflow_total)" times = 0
}

JOBS="udp-connect/known udp-connect/new udp-connect/stranger udp-send/known udp-send/new
	udp-send/stranger tcp-near/new tcp-near/stranger tcp-far/new tcp-far/stranger"

bench_pairs() {
	local list others

	others=$(attached)
	run_cycles bare 10 "$JOBS" none again armed bare-empty
	((others += $(attached)))
	fact "programs of others, with which armed says nothing" "$others" programs = 0
	for list in $SIZES; do
		bench_list "$list"
	done
}
