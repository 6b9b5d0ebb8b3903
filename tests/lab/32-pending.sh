# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# A flow on the port of a name rule waits for its name: told early as provisional, then confirmed when
# its time or the flow is over, or retracted in the warm-up; provisional - retracted - confirmed is
# what is open.
. "$LAB_DIR/lib.sh"

policy_with() {
	lab_policy <<-EOF
		resolvers: [198.51.100.53]
		limits: {pending: 2s, warmup: $1}
		allow:
		  - service: updates
		    to: [updates.example.com]
		    ports: [tcp/20000-20009, udp/20000-20009]
	EOF
}

states() {
	local scrape

	scrape=$(lab_scrape)
	for state in provisional retracted confirmed; do
		lab_sum "violations_total{state=\"$state\"}" <<<"$scrape"
	done | paste -sd' ' -
}

open_ones() {
	local provisional retracted confirmed

	read -r provisional retracted confirmed <<<"$(states)"
	echo $((provisional - retracted - confirmed))
}

# How many retractions name a violation that was told.
retractions() {
	jq -s '[.[] | select(.event == "violation") | .id] as $told |
		[.[] | select(.event == "retraction" and (.retracts as $id | $told | index($id) != null))] |
		length' "$LAB_EVENTS"
}

lab_network
lab_sink tcp/20000-20009 udp/20000-20009
policy_with 0s
lab_daemon

# Its time runs out while the flow lives.
lab_hold slow "$LAB_BIN/storm" tcp $LAB_STRANGER4 20000 5 hold=1
lab_wait 'grep -q attempts=5 "$LAB_TMP/held.slow"'
lab_settle "pending" 5 lab_metric 'pending_flows{vantage="host"}'
lab_assert_eq "pending: no final one" "$(lab_metric connections_total)" 0
lab_assert_eq "pending: states" "$(states)" "5 0 0"
lab_assert_sums "pending"
lab_settle "provisional events" 5 \
	lab_event_sum '.event == "violation" and .state == "provisional"'
lab_settle "in time: pending" 0 lab_metric pending_flows
lab_assert_eq "in time: states" "$(states)" "5 0 5"
lab_assert_eq "in time: reason" \
	"$(lab_metric 'connections_total{service="updates",verdict="violation",reason="unlisted-destination"}')" 5
lab_settle "confirmed events" 5 lab_event_sum '.event == "violation" and .state == "confirmed"'
lab_release slow

# The flow is over before its time.
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_STRANGER4 20001 3
lab_settle "at the end: states" "8 0 8" states
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp-fresh $LAB_STRANGER4 20000 10
lab_settle "datagrams: states" "18 0 18" states
lab_assert_eq "open" "$(open_ones)" 0

# Killed with pending ones: they are resolved afterwards, once.
lab_hold killed "$LAB_BIN/storm" tcp $LAB_STRANGER4 20000 4 hold=1
lab_wait 'grep -q attempts=4 "$LAB_TMP/held.killed"'
lab_kill
lab_daemon
lab_settle "killed: states" "22 0 22" states
lab_assert_sums "killed"
lab_release killed
lab_stop

# In the warm-up nothing can be known: unresolved, and that is a finding.
rm -rf "$LAB_STATE" "$LAB_EVENTS" && "$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null
policy_with 30m
lab_daemon
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_STRANGER4 20000 3
lab_settle "warm-up: unresolved" 3 lab_metric 'connections_total{verdict="unresolved"}'
lab_assert_eq "warm-up: violations" "$(lab_metric 'connections_total{verdict="violation"}')" 0
lab_assert_eq "warm-up: states" "$(states)" "3 3 0"
lab_wait 'lab_event_list ".event == \"finding\" and .kind == \"coverage-lost\"" | grep -q .' 20
lab_settle "retractions name what they retract" 3 retractions
lab_assert_sums "warm-up"
