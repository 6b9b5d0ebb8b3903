# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# The clock of the day is set forward by a day, then back by an hour: counters, states and what waits for a
# time are as before, each event has the time of its moment, the history says that the clock was set, and a
# report over all of it adds up. libfaketime tells the daemon alone another time; the other clocks run on.
. "$LAB_DIR/overload-lib.sh"
lab_need sqlite3
faketime=$(dpkg -L libfaketime 2>/dev/null | grep 'libfaketimeMT\.so\.1$')
[ -n "$faketime" ] || { echo "libfaketime is not installed: make test-deps"; exit 76; }

# set_clock SECONDS: so far from the machine's.
set_clock() {
	printf '%+d\n' "$1" >"$LAB_TMP/clock.next"
	mv "$LAB_TMP/clock.next" "$LAB_TMP/clock"
}

# told SECONDS: the last event is from now, by a clock that is so far from the machine's.
told() {
	local last

	last=$(date -d "$(jq -r .ts "$LAB_EVENTS" | tail -n 1)" +%s)
	[ $((last - $(date +%s) - $1)) -ge -60 ] && [ $((last - $(date +%s) - $1)) -le 5 ]
}

# violating N: after which all is told, and written.
violating() {
	lab_truth lab_in_cgroup "$LAB_BIN/storm" udp-fresh $LAB_STRANGER4 30000 $1
	total=$((total + $1))
	lab_wait 'overload_told $total' 30
}

total=0 steps=0
overload_network
lab_policy <<EOF
limits: {warmup: 0s, pending: 3s}
allow:
  - service: lab
    to: [$LAB_LISTED4]
    ports: [udp/30000]
    expect: {every: 1h}
  - service: named
    to: nobody.example
    ports: [udp/30001]
EOF
set_clock 0
faked=(LD_PRELOAD="$faketime" FAKETIME_TIMESTAMP_FILE="$LAB_TMP/clock" FAKETIME_NO_CACHE=1
	FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_FORCE_MONOTONIC_FIX=0 NO_FAKE_STAT=1)
lab_start_under env "${faked[@]}"
lab_wait lab_up 20
lab_wait '[ "$(lab_metric history_last_write_timestamp_seconds)" -gt 0 ]' 20
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp-fresh $LAB_LISTED4 30000 5
violating 30
lab_assert "the events' time" told 0
overload_begin
for step in 86400 -3600 0; do
	lab_truth lab_in_cgroup "$LAB_BIN/storm" udp-fresh $LAB_STRANGER4 30001 4 # waits while the clock is set
	lab_settle "$step: pending" 4 lab_metric pending_flows
	set_clock $step
	steps=$((steps + 1))
	lab_wait '[ "$(grep -c "the clock was set" "$LAB_LOG")" = $steps ]' 30
	lab_settle "$step: pending end by a clock that is not set" 0 lab_metric pending_flows
	total=$((total + 4))
	violating 20
	lab_assert "$step: the events' time" told $step
	lab_assert_eq "$step: counted" "$(lab_metric 'violations_total{state="confirmed"}')" $total
	lab_assert_eq "$step: nothing is overdue by it" "$(lab_metric endpoint_overdue) $(lab_event_list '.event == "overdue"')" "0 "
	lab_assert "$step: how long it runs" test "$(lab_api /v1/health | jq .uptime_s)" -lt 600
done
overload_over
overload_normal
overload_row clock $((total + 5)) "$(lab_metric attempts_total)" "nothing" "a day forward, 25 h back, an hour forward"
lab_stop
lab_assert_eq "the log" "$(grep -c 'the clock was set' "$LAB_LOG")" 3
db() {
	sqlite3 -batch "file:$LAB_STATE/history.db?mode=ro" "$1"
}
lab_assert_eq "history" "$(db "SELECT sum(count) FROM violations WHERE state = 'confirmed'")" $total
lab_assert_eq "history: how the clock was set" "$(db "SELECT detail FROM spans WHERE kind = 'gap' AND detail LIKE 'the clock was set%' ORDER BY id" |
	sed 's/\(86400\|86399\|86401\)/86400/; s/\(90000\|89999\|90001\)/90000/; s/\(3600\|3599\|3601\)/3600/' | paste -sd, -)" \
	"the clock was set forward by 86400 s,the clock was set back by 90000 s,the clock was set forward by 3600 s"
lab_assert_eq "no span ends before it begins" "$(db "SELECT count(*) FROM spans WHERE until < since")" 0
set_clock 172800
env "${faked[@]}" "$LAB_BUILD/mewatch" report --state "$LAB_STATE" --since 4d --format json >"$LAB_TMP/report"
lab_assert_eq "a report over all of it: exit" $? 1
lab_assert_eq "a report over all of it" "$(jq '[.violations_by_reason[].confirmed] | add' "$LAB_TMP/report")" $total
lab_assert_eq "its gaps" "$(jq -r '.gaps[] | select(.why == "clock") | .words' "$LAB_TMP/report" | wc -l)" 3
