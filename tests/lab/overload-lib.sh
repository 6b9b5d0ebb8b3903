# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2154
#
# What the scenarios of overload share: what the daemon uses meanwhile, how long it takes until it is as
# before, and the row of the table (tests/lab/overload prints it).
. "$LAB_DIR/lib.sh"

OVERLOAD_SCRAPE_MS=500 # a scrape that takes longer is none of a daemon that is well

# Who asks meanwhile is patient; how long that takes is measured.
lab_api() {
	curl -sS --max-time 60 --unix-socket "$LAB_SOCKET" "http://localhost$1"
}

lab_scrape() {
	curl -sS --max-time 60 "http://$LAB_LISTEN/metrics"
}

lab_settle() {
	local what=$1 want=$2 got deadline=$((SECONDS + 60))

	shift 2
	while got=$("$@") && [ "$got" != "$want" ] && [ "$SECONDS" -lt "$deadline" ]; do
		sleep 0.1
	done
	lab_assert_eq "$what" "$got" "$want"
}

# Nothing far away answers or is in the way: what is sent there is gone.
overload_network() {
	lab_network
	lab_far nft 'add table inet lab; add chain inet lab in { type filter hook input priority 0; };
		add rule inet lab in udp dport 30000-40999 drop'
}

overload_now() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# CPU of the daemon so far, in milliseconds.
overload_cpu() {
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%d", ($12 + $13) * 1000 / hz }' \
		"/proc/$lab_daemon_pid/stat"
}

# overload_memory KEY: of the daemon, in bytes; VmHWM: the most since overload_begin.
overload_memory() {
	awk -v key="$1:" '$1 == key { printf "%d", $2 * 1024 }' "/proc/$lab_daemon_pid/status"
}

# From here on the daemon is watched.
overload_begin() {
	echo 5 >"/proc/$lab_daemon_pid/clear_refs"
	overload_pid=$lab_daemon_pid
	overload_started=$(overload_now)
	overload_cpu_before=$(overload_cpu)
}

# The stress is over; how long it takes until the daemon is well counts from here.
overload_over() {
	overload_ended=$(overload_now)
	overload_cpu_used=$(($(overload_cpu) - overload_cpu_before))
}

# Whether a scrape is answered in time, and nothing is pending.
overload_quick() {
	local began

	began=$(overload_now)
	lab_scrape >"$LAB_TMP/quick" && [ $(($(overload_now) - began)) -lt $OVERLOAD_SCRAPE_MS ] &&
		[ "$(lab_sum pending_flows <"$LAB_TMP/quick")" = 0 ]
}

# overload_normal [CONDITION]: until the daemon is well: alive, answers in time, nothing pending, and the
# condition holds.
overload_normal() {
	lab_wait "overload_quick && ${1:-true}" 60
	overload_settled=$(($(overload_now) - overload_ended))
	lab_assert "the daemon of before is alive" kill -0 "$overload_pid"
	lab_assert_sums "afterwards"
}

# Events of confirmed violations stand for as many as the counter says.
overload_told() {
	[ "$(lab_event_sum '.state == "confirmed"')" = "$1" ]
}

overload_mb() {
	awk -v bytes="$1" 'BEGIN { printf "%.0f", bytes / 1e6 }'
}

# overload_row STRESS TRUTH COUNTED LOST WHAT: totals are exact, memory is within what is declared; the
# row for the table. LOST says what was lost on the way and is counted.
overload_row() {
	local peak declared took=$((overload_ended - overload_started))

	peak=$(overload_memory VmHWM)
	declared=$(lab_api /v1/health | jq .memory.most)
	lab_assert_eq "$1: counted" "$3" "$2"
	lab_assert "$1: $peak bytes of memory, declared $declared" test "$peak" -le "$declared"
	[ $took -gt 0 ] || took=1
	printf '%s|%s|%s|%s|%s|%d|%s / %s|%d|%s\n' "$1" "$5" "$2" "$3" "$4" $(($3 - $2)) \
		"$(overload_mb "$peak")" "$(overload_mb "$declared")" \
		$((100 * overload_cpu_used / took)) \
		"$(awk -v ms=$overload_settled 'BEGIN { printf "%.1f", ms / 1000 }')" |
		tee -a "${LAB_TABLE:-/dev/null}"
}
