# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2086,SC2119,SC2154
#
# metop before the real daemon, on real traffic: what it sees is shown, in every view, with a rate;
# filter and order are the daemon's; a restart is lived through.
. "$LAB_DIR/lib.sh"
lab_need tmux jq
METOP=$LAB_BUILD/metop
SOCKET=$LAB_SOCKET
fail() { lab_fail "$@" || true; }
. "$LAB_DIR/metop-terminal.sh"

lab_network
lab_sink tcp/20000-20009 udp/20000-20009
lab_policy <<END
resolvers: [198.51.100.53]
limits: {pending: 600s, warmup: 0s}
allow:
  - service: lab
    name: the far side
    to: [$LAB_LISTED4]
    ports: [tcp/20000-20009]
  - service: updates
    to: [meupdate.gfi.com]
    ports: [tcp/20005]
END
lab_daemon

# /v1/flows is asked what the screen must show.
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20001 3
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_STRANGER4 20002 2
lab_hold waiting "$LAB_BIN/storm" tcp $LAB_STRANGER4 20005 1 hold=1
lab_wait 'grep -q attempts=1 "$LAB_TMP/held.waiting"'

start 160x50 -- --view flows
expect "headline" '^mewatch [0-9.]+ .* hooks ([0-9]+)/\1$'
expect "allowed" "\\+ allowed +$LAB_LISTED4 .*20001/tcp +paths_tcp [0-9]+ +lab "
expect "violation" "! violation +$LAB_STRANGER4 .*20002/tcp +paths_tcp .* unlisted-destination "
expect "pending" "\\? pending +$LAB_STRANGER4 .*20005/tcp +storm "
expect "totals" "allowed 3 .*! violation 2  \\? pending 1 "
expect "count" ' 1/6$'

keys / p o r t : 2 0 0 0 2 Enter
expect "filtered by the daemon" ' 1/2$'
expect_not "filtered by the daemon" '20001/tcp'
keys Escape
expect "all again" ' 1/6$'
keys s
expect "chooser" '^ *>.LAST'
keys Down Enter
expect "ordered by the daemon" '^>\+ allowed'
keys Enter
expect "detail" "^verdict +allowed|  verdict +allowed"
expect "detail" "exe +$LAB_BIN/paths_tcp"
expect "which rule, at which line" "verdict +\\+ allowed by lab/the-far-side at .*policy\.yaml:[0-9]+, as lab/the-far-side; listed, an address rule; policy 1"
keys Escape 1
expect "endpoint" "^.[+] good +lab/the-far-side +lab .* 3 "
expect "endpoint never used" '^.\. never +meupdate\.gfi\.com +updates '
keys 3
expect "violations" "! +unlisted-destination +$LAB_STRANGER4 .*20002/tcp .* confirmed +2 "
expect "provisional violation" "\\? +unlisted-destination +$LAB_STRANGER4 .*20005/tcp .* provisional +1 "
"$LAB_BUILD/mewatch" explain -c "$LAB_POLICY" --socket "$SOCKET" $LAB_STRANGER4:20005 >"$LAB_TMP/out" || true
grep -q '^  known     nothing: the daemon has seen no DNS answer' "$LAB_TMP/out" || fail "explain: $(<"$LAB_TMP/out")"
keys 4
expect "categories of DNS" '^>other +[0-9]'
keys 5
expect "hooks" '^.\+ hook +connect4 +on '

# Each column that the daemon can sort by, asked of the daemon itself.
for view in flows endpoints violations; do
	for column in $("$METOP" --view $view --sort nothing --once 2>&1 | sed -n 's/.*can be sorted by \(.*\), with.*/\1/p'); do
		"$METOP" --socket "$SOCKET" --once --view $view --sort "$column" >"$LAB_TMP/out" 2>&1 ||
			fail "$view by $column: $(<"$LAB_TMP/out")"
	done
done

# What was pending becomes a violation when the flow ends, before the eyes.
keys 2 / p o r t : 2 0 0 0 5 Enter
expect "the one that waits" ' 1/1$'
keys Enter
expect "its story: opened" "opened +to $LAB_STRANGER4:20005/tcp from .*, by storm [0-9]+, $LAB_BIN/storm"
expect "its story: told early" 'verdict +\? pending: unlisted-destination, unless .*; event [0-9a-f-]+-p'
expect "its story: goes on" 'last +established, '
lab_release waiting
expect "confirmed" "! violation +$LAB_STRANGER4 .*20005/tcp +storm "
expect "its story: in the end" 'verdict +! violation: unlisted-destination, .*; event [0-9a-f-]+-c'
expect "its story: its end" 'closed +established, '
keys Escape Escape 3
expect "violations again" 'unlisted-destination '
keys Enter
expect "the story of violations" "flow +! violation, [a-z_]+ [0-9]+ to $LAB_STRANGER4:2000[25]/tcp"
keys Escape 1 Enter
expect "the story of an endpoint" 'listed +by '
keys Escape 2
expect "totals" 'violation 3  \? pending 0 '
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_STRANGER4 20004 1
expect "a row of violations is new" ' 3 Violations \+1 '
keys 3
expect "it is marked, the others are not" "! \\* unlisted-destination +$LAB_STRANGER4 .*20004/tcp "
expect "it is marked, the others are not" "!   unlisted-destination +$LAB_STRANGER4 .*20002/tcp "
keys 2
expect "seen" ' 3 Violations  '

# All flows are closed by now; together they are one program's and another's.
keys c
expect "closed flows are left out" ' 0/0$'
keys c t
expect "by program" '\[\+\] paths_tcp \(.* 6 flows +3 violations'
expect "by program" '\[\+\] storm \(.* 1 flow +1 violation'
keys t
expect "by endpoint" '\[\+\] lab/the-far-side .* 3 flows'
expect "by endpoint" '\[\+\] unlisted: no endpoint|\[\+\] .*: no endpoint'
keys t
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20003 2
expect "new flows" '20003/tcp'
expect "attempts a second" 'attempts [0-9]+ \([0-9.]+/s\)'

# A daemon that goes and comes back, on the same state.
kill "$lab_daemon_pid"
wait "$lab_daemon_pid"
expect "gone" 'mewatch is not running'
lab_daemon
expect_not "back" 'mewatch is not running'
expect "the totals go on" 'allowed 5 .*! violation 4 '
keys q
expect_end "quit" "0 restored"
