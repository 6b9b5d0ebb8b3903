# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2086,SC2154
#
# What tcpdump writes beside the daemon, replayed: the same flows as it told of live, field by field.
# First of hours of a mail host's day, then of what it must not do.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/day-lib.sh"
. "$LAB_DIR/day-misbehave.sh"

capture=$LAB_TMP/capture.pcap
# Without what each side has of its own: ids, who saw it, and when exactly. A flow that its address allows
# or forbids shows the names that anybody had asked for by the time it was looked at, which differs.
own='del(.id, .vantage, .first, .last) |
	if .evidence == "learned" or .evidence == "verified" then . else del(.name, .names) end | tojson'

# live, replayed: the flows, a line each.
live() {
	lab_flows '.vantage == "transit"' | jq -r "$own" | sort
}

replayed() {
	"$LAB_BUILD/mewatch" replay -c "$LAB_POLICY" --json "$capture" 2>"$LAB_TMP/replay.err" | jq -r "$own" | sort
}

# differences: `same`, or some of them.
differences() {
	live >"$LAB_TMP/live"
	replayed >"$LAB_TMP/replayed"
	[ -s "$LAB_TMP/live" ] && cmp -s "$LAB_TMP/live" "$LAB_TMP/replayed" && echo same && return
	diff "$LAB_TMP/live" "$LAB_TMP/replayed" | sed -n '1!p' | head -n 8
	echo "(< live, > replayed; $(wc -l <"$LAB_TMP/live") and $(wc -l <"$LAB_TMP/replayed"))"
}

# late: flows that both tell of, but at times more than a second apart.
late() {
	local key='([.proto, .src, .sport, .dst, .dport] | map(tostring) | join(" "))'

	join -t$'\t' <(lab_flows '.vantage == "transit"' | jq -r "[$key, .first] | @tsv" | sort -t$'\t' -k1,1) \
		<("$LAB_BUILD/mewatch" replay -c "$LAB_POLICY" --json "$capture" 2>/dev/null |
			jq -r "[$key, .first] | @tsv" | sort -t$'\t' -k1,1) |
		jq -R 'split("\t") | (.[1], .[2]) |= (sub("\\.[0-9]*Z"; "Z") | fromdate) | (.[1] - .[2]) | fabs | select(. > 1)' |
		wc -l
}

lab_need tcpdump
gateway_network
gateway_offload off # else the kernel knows of segments that a capture has as one
gateway_servers
day_policy
lab_daemon
tcpdump -i $GATEWAY_LAN -U --immediate-mode -B 16384 -w "$capture" 2>"$LAB_TMP/tcpdump" &
tcpdump=$!
lab_wait 'grep -q listening "$LAB_TMP/tcpdump"' || lab_die "tcpdump: $(<"$LAB_TMP/tcpdump")"
day_begin
for ((hour = 0; hour < 3; hour++)); do
	day_hour 2
done
lab_settle "nothing is pending" 0 lab_metric pending_flows
lab_settle "a day" same differences
lab_assert_eq "at the same times" "$(late)" 0
for misdeed in $DAY_MISDEEDS4; do
	day_misbehave $misdeed 4
done
lab_settle "nothing is pending" 0 lab_metric pending_flows
lab_settle "misdeeds" same differences
kill -INT $tcpdump
wait $tcpdump
lab_assert_eq "tcpdump lost" "$(sed -n 's/ packets\? dropped by kernel//p' "$LAB_TMP/tcpdump")" 0
