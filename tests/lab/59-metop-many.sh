# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2086,SC2119,SC2154
#
# metop over the real daemon with 100,000 open flows: what the screen shows is of all of them, and what
# both use of the processor meanwhile.
. "$LAB_DIR/lib.sh"
lab_need tmux jq
METOP=$LAB_BUILD/metop
SOCKET=$LAB_SOCKET
FLOWS=100000
SECONDS_EACH=$([ -n "${LAB_FULL-}" ] && echo 10 || echo 3)
fail() { lab_fail "$@" || true; }
. "$LAB_DIR/metop-terminal.sh"

lab_network
lab_policy <<END
limits: {flows: 131072, pending: 600s, udp_idle: 3600s, warmup: 0s}
allow:
  - service: lab
    to: [198.18.0.0/16]
    ports: [udp/30000-30099]
END
lab_daemon
lab_hold many "$LAB_BIN/storm" udp $LAB_MANY4 30000 $FLOWS ports=100 addresses=1000 hold=1
lab_wait 'grep -q attempts= "$LAB_TMP/held.many"' 60
listed() { [ "$(lab_api '/v1/flows?limit=0' | jq .matched)" -ge $FLOWS ]; }
lab_wait listed 60

# CPU of a process so far, in clock ticks.
cpu() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
now() { date +%s%N; }
share() { awk -v ticks=$1 -v ns=$2 -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.1f", 100 * ticks / hz / (ns / 1e9) }'; }

# measure WHAT: over some seconds; METOP_SHARE, DAEMON_SHARE.
measure() {
	local pid began before_metop before_daemon took

	pid=$(metop_pid) || return 0
	began=$(now) before_metop=$(cpu $pid) before_daemon=$(cpu $lab_daemon_pid)
	sleep $SECONDS_EACH # what is measured, nothing is waited for
	took=$(($(now) - began))
	METOP_SHARE=$(share $(($(cpu $pid) - before_metop)) $took)
	DAEMON_SHARE=$(share $(($(cpu $lab_daemon_pid) - before_daemon)) $took)
	echo "$1: metop $METOP_SHARE %, daemon $DAEMON_SHARE % of a core"
	awk -v x=$METOP_SHARE 'BEGIN { exit !(x < 5) }' || fail "$1: metop uses $METOP_SHARE % of a core"
}

began=$(now) before=$(cpu $lab_daemon_pid)
sleep $SECONDS_EACH
echo "nobody looks: daemon $(share $(($(cpu $lab_daemon_pid) - before)) $(($(now) - began))) % of a core"

start 160x50 -- --view flows
expect "all are there" ' 1/100,[0-9]{3}$'
measure "by time"
keys s Up Up Enter
expect "by what is sent a second" 'by SENT/S desc'
measure "by rate"
keys / '3' '0' '0' '4' '2' Enter
expect "filtered" '^filter 30042 '
keys Escape s Up Up Up Up Up Up Up Up Enter
keys t
expect "by origin" "\\[\\+\\] storm .* 100k flows"
measure "a tree"
keys Space
expect "unfolded" ' 1/100,[0-9]{3}$'
expect "its flows" '^ \+ allowed +198\.'
measure "an unfolded tree"
keys End
expect "the last of all" ' (100,[0-9]{3})/\1$'
keys t t
expect "one by one" '^>\+ allowed '
keys End
expect "the last of all" ' (100,[0-9]{3})/\1$'
measure "the end of the list"
keys f
expect "following" '\[FOLLOW\]'
keys r
expect "the first now" '^>\+ allowed '
measure "a row that is followed"
shows 'FOLLOW' || fail "the row was lost"
keys q
expect_end "quit" "0 restored"
lab_release many
