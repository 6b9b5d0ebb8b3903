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
	udp-echo | dns-*) echo 1000 ;;
	udp-*) [[ $2 == known ]] && echo 8000 || echo 4000 ;;
	tcp-data) echo 2000 ;;
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
				[[ $mode != mewatch ]] || note_made "$workload" "$kind" "$count"
			done
			leave_mode "$mode"
		done
	done
	echo "inherited $list $(inherited)"
}

# Attempts that mewatch must have counted for a round: a UDP connect() is none, datagrams of one
# socket to one peer are one, and so is a connection however much it says. tcp-first asks the resolver
# before its first connection.
made_by() {
	local all=$(($3 + $3 / 8))

	case $1/$2 in
	udp-connect/*) echo 0 ;;
	tcp-first/*) echo $((all + 1)) ;;
	dns-* | */known) echo 1 ;;
	*) echo $all ;;
	esac
}

# DNS exchanges of a round.
asked_by() {
	case $1 in
	dns-*) echo $(($2 + $2 / 8)) ;;
	tcp-first) echo 1 ;;
	*) echo 0 ;;
	esac
}

note_made() {
	((MADE[$2] += $(made_by "$1" "$2" "$3")))
	((ASKED += $(asked_by "$1" "$3")))
}

# One list: empty programs on their cgroup for as long as it takes, so that the branches of the hooks
# are on with a daemon or without one; the daemon with the list, nft with it (not for prefixes: a set of intervals is another thing).
bench_list() {
	local list=$1 size=$1 prefixes="" modes=(none again empty) ASKED=0
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

# Whether so many have their final verdict: a flow whose first payload is a witness gets it later.
has_counted() {
	(($(metric connections_total) >= $1))
}

# Flows of the rule with a name that the ledger still lists; with $1 those among them that say so.
named_flows() {
	curl --silent --fail --max-time 10 --unix-socket "$WORK/socket" \
		"http://localhost/v1/flows?limit=0&filter=service:names%20$1" |
		awk 'match($0, /"matched": *[0-9]+/) { n = substr($0, RSTART + 10, RLENGTH - 10) } END { print n + 0 }'
}

# The rows of the ledger follow the counts at the next look into the flow table.
are_verified() {
	(($(named_flows verified) == $(named_flows "")))
}

check_counts() {
	local listed=$((MADE[known] + MADE[new])) strange=${MADE[stranger]} named

	move_to plain
	wait_until 15 has_counted $((listed + strange))
	wait_until 15 are_verified
	named=$(named_flows "")
	fact "list of $1: attempts" "$(metric attempts_total)" attempts = $((listed + strange))
	fact "list of $1: allowed" "$(metric connections_total 'verdict="allowed"')" attempts = "$listed"
	fact "list of $1: violations" "$(metric connections_total 'verdict="violation"')" attempts = "$strange"
	fact "list of $1: flow table full" "$(metric flow_overflow_total)" times = 0
	fact "list of $1: DNS queries counted" "$(metric dns_queries_total)" exchanges = "$ASKED"
	fact "list of $1: DNS responses counted" "$(metric dns_responses_total)" exchanges = "$ASKED"
	fact "list of $1: names refused" "$(metric names_refused_total)" times = 0
	fact "list of $1: flows to the name still in the ledger" "$named" flows ">=" 1
	fact "list of $1: verified by their first payload" "$(named_flows verified)" flows = "$named"
}

JOBS="udp-connect/known udp-connect/new udp-connect/stranger udp-send/known udp-send/new
	udp-send/stranger tcp-near/new tcp-near/stranger tcp-far/new tcp-far/stranger
	udp-echo/known dns-listed/known dns-other/known dns-dnsbl/known tcp-data/known tcp-other/new
	tcp-first/new"

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
