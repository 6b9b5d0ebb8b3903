# SPDX-License-Identifier: GPL-2.0-only
# How much there may be of everything. Sourced by `run`; prints facts for report.awk:
#
#	fact|WHAT|VALUE|UNIT|RELATION|BOUND     (RELATION is <=, >= or =; none: no budget)

STORM_SECONDS=10
DNS_SECONDS=10
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

# resolve CGROUP SOCKETS RATE: a mail filter's queries (filter_query() in exchange.h). SENT, SPEED: how
# many, in all and a second; CPU_EACH: nanoseconds of CPU at both ends of one; SHARE: what the daemon
# used meanwhile, in percent.
resolve() {
	local seconds cpu before

	move_to "$1"
	before=$(daemon_cpu)
	ask resolve "$2" "$3" $DNS_SECONDS
	read -r SENT seconds cpu <<<"$ANSWER"
	SHARE=$(awk -v a="$before" -v b="$(daemon_cpu)" -v s="$seconds" 'BEGIN { printf "%.1f", 100 * (b - a) / s }')
	CPU_EACH=$(awk -v n="$SENT" -v s="$cpu" 'BEGIN { printf "%.0f", s * 1e9 / n }')
	SPEED=$(awk -v n="$SENT" -v s="$seconds" 'BEGIN { printf "%.0f", n / s }')
	move_to plain
}

has_asked() {
	(($(metric dns_responses_total) >= $1))
}

# The same queries unwatched, watched and unwatched, $2 a second, with one socket or with one each ($1).
dns_load() {
	local name="$2 DNS queries/s, $1 socket" SENT SPEED CPU_EACH SHARE unwatched watched attempts=1

	[[ $1 == one ]] || name="$2 DNS queries/s, a socket each"
	start_daemon 10000 "" 262144 5s
	resolve plain "$1" "$2"
	unwatched=$CPU_EACH
	fact "$name: the daemon before" "$SHARE" "% of a CPU"
	resolve watched "$1" "$2"
	watched=$CPU_EACH
	wait_until 15 has_asked "$SENT"
	fact "$name: sent" "$SPEED" /s ">=" $(($2 * 99 / 100))
	fact "$name: daemon CPU" "$SHARE" "% of a CPU"
	resolve plain "$1" "$2"
	unwatched=$(((unwatched + CPU_EACH) / 2))
	[[ $1 == one ]] || attempts=$SENT
	fact "$name: one exchange, unwatched" "$unwatched" "ns of CPU"
	fact "$name: what watching adds" $((watched - unwatched)) "ns of CPU"
	fact "$name: queries counted" "$(metric dns_queries_total)" queries = "$SENT"
	fact "$name: of block lists" "$(metric dns_queries_total 'category="ip-dnsbl"')" queries = $((SENT * 3 / 5))
	fact "$name: responses counted" "$(metric dns_responses_total)" responses = "$SENT"
	fact "$name: attempts" "$(metric attempts_total)" attempts = "$attempts"
	fact "$name: names refused" "$(metric names_refused_total)" times = 0
	fact "$name: records lost" "$(metric events_lost_total 'source="ring"')" records = 0
	stop_daemon
}

bench_dns() {
	if ! have_daemon; then
		fact "DNS: build/mewatch is not built" 0 rows
		return
	fi
	dns_load one 1000
	dns_load each 1000
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
