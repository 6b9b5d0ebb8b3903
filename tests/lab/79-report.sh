# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# The report of a lab day: number by number it is what /metrics says at the end, over a kill in the
# middle and what was counted while no daemon ran, and what the mail hosts know that they did; each form
# of it has the same numbers.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/day-lib.sh"
. "$LAB_DIR/day-misbehave.sh"
. "$LAB_DIR/report-lib.sh"

prom=$REPORT_METRICS
report=$REPORT_JSON
LAB_RUN+=(--textfile "$prom")

gateway_network
gateway_servers
gateway_proxy
day_policy
day_begin
lab_daemon
# What is counted before there is a history is not in it.
lab_wait '[ "$(lab_metric history_last_write_timestamp_seconds)" -gt 0 ]' 20
day_hour 3
for misdeed in $DAY_MISDEEDS4; do
	day_misbehave $misdeed 4
done
lab_settle "nothing is pending" 0 lab_metric pending_flows
lab_kill
day_hour 2
day_misbehave smtp-port 4
lab_daemon
day_hour 2
lab_settle "nothing is pending any more" 0 lab_metric pending_flows
lab_stop

# Until the daemon's end: what comes after it nobody has written down.
"$LAB_BUILD/mewatch" report --state "$LAB_STATE" --format json -o "$report"
end=$(jq -r '.runs[-1].until' "$report")
"$LAB_BUILD/mewatch" report --state "$LAB_STATE" --until "$end" --format json -o "$report"
lab_assert_eq "there are findings: exit code" $? 1
report_same

# What the mail hosts know that they did.
for reason in $(day_truth | sed -n 's/^violation\.\([a-z-]*\)=.*/\1/p' | sort -u); do
	lab_assert_eq "the hosts' $reason" \
		"$(jq "[.violations_by_reason[] | select(.reason == \"$reason\").confirmed] | add" "$report")" \
		"$(day_truth | sed -n "s/^violation\.$reason=//p")"
done
for service in smtp time; do
	lab_assert_eq "the hosts' $service" \
		"$(jq "[.services[] | select(.service == \"$service\").allowed] | add" "$report")" "${day[$service]}"
done
lab_assert_eq "all destinations together" "$(jq '[.violations_by_destination[].count] | add' "$report")" \
	"$(jq '[.violations_by_reason[].confirmed] | add' "$report")"
lab_assert_eq "all origins together" "$(jq '[.violations_by_origin[].count] | add' "$report")" \
	"$(jq '[.violations_by_reason[].confirmed] | add' "$report")"

# The kill: told, and nothing is missing.
lab_assert_eq "gaps" "$(jq -c '[.gaps[] | [.why, .counted]]' "$report")" '[["down","yes"]]'
lab_assert_eq "watched" "$(jq '.period_s == .watched_s' "$report")" true
lab_assert_eq "runs" "$(jq -c '[.runs[].end]' "$report")" '["killed","stopped"]'
lab_assert_eq "the policy" "$(jq -r '.policies[-1].sha256' "$report")" \
	"$(sed -n 's/^mewatch_policy_info.*sha256="\([0-9a-f]*\)".*/\1/p' "$prom")"
lab_assert "some of it was booked late" test "$(jq '[.timeline[].late] | add' "$report")" -gt 0

# Other forms, other periods.
"$LAB_BUILD/mewatch" report --state "$LAB_STATE" --until "$end" --format csv >"$LAB_TMP/report.csv"
lab_assert_eq "CSV: endpoints" \
	"$(grep '^endpoints,' "$LAB_TMP/report.csv" | tr -d '"\r' | awk -F, '{ print $3, $2, $8 }' | LC_ALL=C sort)" \
	"$(jq -r '.endpoints[] | "\(.service) \(.endpoint) \(.attempts)"' "$report" | LC_ALL=C sort)"
"$LAB_BUILD/mewatch" report --state "$LAB_STATE" --until "$end" >"$LAB_TMP/report.txt"
lab_assert_eq "text: the statements" "$(sed -n 's/^[+!~] //p' "$LAB_TMP/report.txt")" \
	"$(jq -r '.statements[].text' "$report")"
"$LAB_BUILD/mewatch" report --state "$LAB_STATE" --until "$end" --format html >"$LAB_TMP/report.html"
jq -r '.statements[].text' "$report" | while read -r statement; do
	grep -qF "$statement" "$LAB_TMP/report.html" || echo "$statement"
done >"$LAB_TMP/missing"
lab_assert_eq "HTML: the statements" "$(<"$LAB_TMP/missing")" ""
"$LAB_BUILD/mewatch" report --state "$LAB_STATE" --since 2001-02-03 --until 2001-02-04 --format json |
	jq -c '[.watched_s, .services, .violations_by_reason]' >"$LAB_TMP/empty"
lab_assert_eq "nothing is known of another day" "$(<"$LAB_TMP/empty")" '[0,[],[]]'
lab_assert_eq "no history" "$("$LAB_BUILD/mewatch" report --state "$LAB_TMP" 2>/dev/null; echo $?)" 2
lab_assert_eq "a time that is none" \
	"$("$LAB_BUILD/mewatch" report --state "$LAB_STATE" --since noon 2>/dev/null; echo $?)" 2
