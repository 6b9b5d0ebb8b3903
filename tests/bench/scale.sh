# SPDX-License-Identifier: GPL-2.0-only
# How much there may be of everything. Sourced by `run`; prints facts for report.awk:
#
#	fact|WHAT|VALUE|UNIT|RELATION|BOUND     (RELATION is <=, >= or =; none: no budget)

STORM_SECONDS=10
HELD_FLOWS=1000000

fact() {
	local IFS='|'
	echo "fact|$*"
}

violations_counted() {
	metric connections_total 'verdict="violation"'
}

has_violations() {
	(($(violations_counted) >= $1))
}

# Violations that the events speak of, single ones and aggregates.
violations_told() {
	awk '/"event": ?"(violation|aggregate)"/ {
		sum += match($0, /"count": ?[0-9]+/) ? substr($0, RSTART + 8, RLENGTH - 8) + 0 : 1
	} END { printf "%.0f\n", sum }' "$WORK/events"
}

has_told() {
	(($(violations_told) >= $1))
}

# Datagrams to strangers, each a violation of its own, from one CPU; $1 a second, or what it can.
storm() {
	local rate=$1 name sent seconds cpu before share speed each

	name="storm of violations, ${rate:-no limit}/s"
	start_daemon 10000 "" 1048576 5s
	move_to watched
	before=$(daemon_cpu)
	ask storm stranger "${rate:-0}" $STORM_SECONDS 10000
	read -r sent seconds cpu <<<"$ANSWER"
	share=$(awk -v a="$before" -v b="$(daemon_cpu)" -v s="$seconds" 'BEGIN { printf "%.1f", 100 * (b - a) / s }')
	speed=$(awk -v n="$sent" -v s="$seconds" 'BEGIN { printf "%.0f", n / s }')
	each=$(awk -v n="$sent" -v s="$cpu" 'BEGIN { printf "%.0f", s * 1e9 / n }')
	wait_until 30 has_violations "$sent"
	wait_until 30 has_told "$sent"
	# shellcheck disable=SC2086 # no rate asked, no bound
	fact "$name: sent" "$speed" /s ${rate:+">=" $((rate * 99 / 100))}
	fact "$name: one datagram" "$each" "ns of CPU"
	fact "$name: the daemon meanwhile" "$share" "% of a CPU" "<=" 100
	fact "$name: counted" "$(violations_counted)" violations = "$sent"
	fact "$name: told in events" "$(violations_told)" violations = "$sent"
	fact "$name: flow table full" "$(metric flow_overflow_total)" times
	move_to plain
	stop_daemon
}

ledger_flows() {
	curl --silent --fail --max-time 10 --unix-socket "$WORK/socket" 'http://localhost/v1/flows?limit=0' |
		awk 'match($0, /"total": *[0-9]+/) { n = substr($0, RSTART + 8, RLENGTH - 8) } END { print n + 0 }'
}

has_flows() {
	(($(ledger_flows) >= $1))
}

hold() {
	local before

	start_daemon 10000 "" $((HELD_FLOWS + HELD_FLOWS / 8)) 180s
	before=$(daemon_memory)
	move_to watched
	ask hold $HELD_FLOWS 10000
	wait_until 60 has_flows $HELD_FLOWS
	fact "open flows in the ledger" "$(ledger_flows)" flows = $HELD_FLOWS
	fact "memory of the daemon for them" $((($(daemon_memory) - before) / 1000000)) MB "<=" 250
	ask drop
	move_to plain
	stop_daemon
}

bench_scale() {
	if ! have_daemon; then
		fact "storm, ledger: build/mewatch is not built" 0 rows
		return
	fi
	storm 300000
	storm ""
	hold
}
