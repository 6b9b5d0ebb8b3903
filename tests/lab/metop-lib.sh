# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scenarios of metop alone share: an API that answers with files (metop_server.c) and the
# terminal of metop-terminal.sh. They need the runner for nothing but its variables.
set -euo pipefail
: "${LAB_TMP:?run me with tests/lab/run}"

command -v tmux >/dev/null || { echo "tmux is not installed"; exit 76; }

METOP=$LAB_BUILD/metop
API=$LAB_TMP/api
SOCKET=$LAB_TMP/metop.sock
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

. "$LAB_DIR/metop-terminal.sh"

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
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
ANSWER_GOOD='{"name":"meupdate.gfi.com","address":"192.0.2.10","target":"edge.example","server":"192.0.2.53","since":"2027-01-01T00:00:00.000Z","last":"2027-01-01T00:59:50.000Z","until":"2027-01-01T01:04:10.000Z","count":3}'
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
		'{"endpoint":"meupdate.gfi.com","service":"updates","state":"good","attempts":10,"outcomes":{"established":8,"refused":1,"timeout":1,"answered":0},"bytes_sent":1,"bytes_received":2,"last_success":"2027-01-01T00:58:00.000Z","due":"2027-01-01T01:40:00.000Z","trend":[0,0,2,8]}' \
		'{"endpoint":"*.mailshell.net","service":"spamrazer","state":"failing","attempts":3,"outcomes":{"established":0,"refused":3}}' |
		answer endpoints.json
	list violations $TS \
		'{"service":"dns","reason":"wrong-resolver","state":"confirmed","dst":"192.0.2.53","dport":53,"proto":"udp","comm":"dig","pid":7,"count":123456,"first":"2027-01-01T00:00:00Z","last":"2027-01-01T00:59:59Z"}' |
		answer violations.json
	cat <<-END | answer dns.json
	{"ts":"$TS","version":"9.9","total":2,"matched":2,"learned":3,
	 "categories":[{"category":"other","queries":300,"responses":{"noerror":250,"formerr":1,"servfail":2,"nxdomain":40,"notimp":1,"refused":3,"other":1}},
	  {"category":"ip-dnsbl","queries":1500,"responses":{"noerror":20,"nxdomain":1400}}],
	 "refused":{"wrong-resolver":0,"unsolicited":12},
	 "zones":[{"zone":"zen.spamhaus.org","queries":1200,"answers":1190,"listed":30,"refusals":970},
	  {"zone":"multi.surbl.org","queries":5,"answers":5,"listed":0,"refusals":0},
	  {"zone":"never.example","queries":0,"answers":0,"listed":0,"refusals":0}],
	 "answers":[$ANSWER_GOOD,
	  {"name":"a\\\\027[2j.example","address":"192.0.2.11","server":"192.0.2.53","since":"2027-01-01T00:00:00.000Z","last":"2027-01-01T00:00:00.000Z","until":"2027-01-01T00:30:00.000Z","count":1}]}
	END
	cat <<-END | answer 'dns?192.0.2.10.json'
	{"ts":"$TS","version":"9.9","total":2,"matched":2,"learned":3,"categories":[],"refused":{},"zones":[],
	 "answers":[$ANSWER_GOOD,
	  {"name":"shared.example","address":"192.0.2.10","server":"192.0.2.54","since":"2027-01-01T00:00:00.000Z","last":"2027-01-01T00:00:00.000Z","until":"2027-01-01T00:30:00.000Z","count":1}]}
	END
	echo '{"ts":"'$TS'","version":"9.9","total":0,"matched":0,"learned":3,"answers":[]}' |
		answer 'dns?203.0.113.66.json'
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
