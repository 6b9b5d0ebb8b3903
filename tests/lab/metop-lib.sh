# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scenarios of metop share: an API that answers with files (metop_server.c), and a terminal
# to run metop in. They need the runner for nothing but its variables.
set -euo pipefail
: "${LAB_TMP:?run me with tests/lab/run}"

command -v tmux >/dev/null || { echo "tmux is not installed"; exit 76; }

METOP=$LAB_BUILD/metop
API=$LAB_TMP/api
SOCKET=$LAB_TMP/metop.sock
export TMUX_TMPDIR=$LAB_TMP
unset TMUX NO_COLOR COLUMNS
mkdir -p "$API"
failures=0
server_pid=

finish() {
	local status=$?

	tmux_ kill-server 2>/dev/null || true
	server_end
	[ "$failures" = 0 ] || { echo "$failures assertions failed"; status=1; }
	exit "$status"
}
trap finish EXIT

tmux_() { tmux -L metop -f /dev/null "$@"; }

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# until_true SECONDS COMMAND…: waits until it succeeds.
until_true() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# --- the API -----------------------------------------------------------------------------------

server_start() {
	"$LAB_BUILD/tests/lab/metop_server" "$SOCKET" "$API" &
	server_pid=$!
	until_true 5 test -S "$SOCKET" || fail "the server does not start"
}

server_end() {
	[ -n "$server_pid" ] || return 0
	kill -CONT "$server_pid"
	kill "$server_pid"
	wait "$server_pid" 2>/dev/null || true
	server_pid=
}

# Replaces an answer at once, so that nobody reads half of it.
answer() {
	cat >"$API/.new"
	mv "$API/.new" "$API/$1"
}

# flow ID VERDICT DST PORT PROTO SENT MORE: one row of /v1/flows; MORE is further fields.
flow() {
	printf '{"id":"%s","state":"open","verdict":"%s","vantage":"host","direction":"out",' "$1" "$2"
	printf '"dst":"%s","dport":%s,"proto":"%s","bytes_sent":%s,"bytes_received":%s,' "$3" "$4" "$5" "$6" "$6"
	printf '"first":"2027-01-01T00:00:00.000Z","last":"2027-01-01T00:59:55.000Z",'
	printf '"outcome":"established"%s}' "${7:+,$7}"
}

# list NAME TS ROW…: a whole answer.
list() {
	local name=$1 ts=$2 comma=

	shift 2
	printf '{"ts":"%s","version":"9.9","total":%d,"matched":%d,"%s":[' "$ts" $# $# "$name"
	for row; do
		printf '%s%s' "$comma" "$row"
		comma=,
	done
	printf ']}'
}

TS=2027-01-01T01:00:00.000Z
FLOW_GOOD=$(flow 11 allowed 192.0.2.10 443 tcp 1000 '"name":"meupdate.gfi.com","comm":"updater","pid":501,"service":"updates","rule":"http"')
FLOW_BAD=$(flow 12 violation 203.0.113.66 4444 tcp 2000 '"comm":"nc","pid":502,"exe":"/usr/bin/nc","service":"unlisted","reason":"unlisted-destination"')
FLOW_WAIT=$(flow 13 pending 192.0.2.99 80 tcp 0 '"comm":"curl","pid":503,"service":"updates","reason":"unlisted-destination"')
FLOW_LOCAL=$(flow 14 local 127.0.0.1 9093 tcp 12345678 '"comm":"engine","pid":504,"service":"remoting"')

answers() {
	list flows $TS "$FLOW_GOOD" "$FLOW_BAD" "$FLOW_WAIT" "$FLOW_LOCAL" | answer flows.json
	list flows $TS "$FLOW_GOOD" | answer 'flows?port:443.json'
	echo '{"error": "filter: unknown term \"prot:\", did you mean \"proto:\"?"}' |
		answer 'flows?prot:tcp.json'
	list endpoints $TS \
		'{"endpoint":"meupdate.gfi.com","service":"updates","state":"good","attempts":10,"outcomes":{"established":8,"refused":1,"timeout":1,"answered":0},"bytes_sent":1,"bytes_received":2,"last_success":"2027-01-01T00:58:00.000Z"}' \
		'{"endpoint":"*.mailshell.net","service":"spamrazer","state":"failing","attempts":3,"outcomes":{"established":0,"refused":3}}' |
		answer endpoints.json
	list violations $TS \
		'{"service":"dns","reason":"wrong-resolver","state":"confirmed","dst":"192.0.2.53","dport":53,"proto":"udp","comm":"dig","pid":7,"count":123456,"first":"2027-01-01T00:00:00Z","last":"2027-01-01T00:59:59Z"}' |
		answer violations.json
	cat <<-END | answer health.json
	{"ts":"$TS","version":"9.9","uptime_s":93784,"policy":{"profile":"tested","generation":5},
	 "attached":[{"hook":"connect4","target":"/","ok":true},{"hook":"sock_ops","target":"/","ok":false}],
	 "maps":[{"map":"flows","entries":64000,"capacity":65536}],"attempts":{"host":2000},
	 "verdicts":{"allowed":1500,"local":400,"violation":77,"unresolved":0},"pending":23,
	 "events_lost":{"ring":2,"file":1},"problems":["sock_ops is not attached to /"]}
	END
}

# asked PATTERN: a request has matched the regular expression.
asked() { grep -Eq -- "$1" "$API/requests"; }

# --- the terminal ------------------------------------------------------------------------------

# start COLUMNSxROWS [NAME=VALUE]… [-- OPTION…]: runs metop in a terminal. When it has ended, the
# file `ended` says with which code, and whether the terminal's settings are those from before.
start() {
	local size=$1 variables=()

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		variables+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	rm -f "$LAB_TMP/ended"
	cat >"$LAB_TMP/session" <<-END
	before=\$(stty -g)
	set -m # a job of its own, so that it can be stopped
	env LC_ALL=C.UTF-8 ${variables[*]@Q} ${RUN_AS-} $METOP --socket $SOCKET ${*@Q}
	code=\$?
	if [ \$code = 148 ]; then # SIGTSTP
		read -rp "stopped" && fg %1 >/dev/null
		code=\$?
	fi
	[ "\$before" = "\$(stty -g)" ] && same=restored || same="not restored"
	echo "\$code \$same" >$LAB_TMP/ended.new
	mv $LAB_TMP/ended.new $LAB_TMP/ended
	exec cat
	END
	tmux_ kill-server 2>/dev/null || true
	until_true 5 no_terminal || fail "the last terminal does not end"
	tmux_ new-session -d -s metop -x "${size%x*}" -y "${size#*x}" "bash $LAB_TMP/session"
	tmux_ set-option -g window-size manual
}

no_terminal() { ! tmux_ has-session 2>/dev/null; }

keys() { tmux_ send-keys -t metop "$@"; }

screen() { tmux_ capture-pane -p -t metop; }

shows() { screen | grep -Eq -- "$1"; }
hides() { ! shows "$1"; }

show_screen() { screen | sed 's/^/    |/'; }

# expect WHAT PATTERN: a line of the screen comes to match the regular expression.
expect() {
	until_true 10 shows "$2" && return
	fail "$1: no line matches '$2'"
	show_screen
}

# expect_not WHAT PATTERN: no line does any more.
expect_not() {
	until_true 10 hides "$2" && return
	fail "$1: a line still matches '$2'"
	show_screen
}

# expect_request WHAT PATTERN: the API is asked so.
expect_request() { until_true 10 asked "$2" || fail "$1: never asked '$2'"; }

# expect_end WHAT TEXT: metop ends with this code and terminal.
expect_end() {
	until_true 15 test -e "$LAB_TMP/ended" || { fail "$1: still running"; show_screen; return; }
	[ "$(cat "$LAB_TMP/ended")" = "$2" ] || fail "$1: ended '$(cat "$LAB_TMP/ended")', not '$2'"
}

metop_pid() { pgrep -f "^$METOP --socket $SOCKET"; }
