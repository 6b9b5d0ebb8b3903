# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2086,SC2154
#
# metop without a terminal: --once, --json, and what it says of a wrong command line.
. "$LAB_DIR/metop-lib.sh"
answers
server_start
export LC_ALL=C.UTF-8

# run CODE OPTION…: its output is in $out, its errors in $err.
run() {
	local wanted=$1 code=0

	shift
	out=$("$METOP" "$@" 2>"$LAB_TMP/err" </dev/null) || code=$?
	err=$(cat "$LAB_TMP/err")
	[ "$code" = "$wanted" ] || fail "metop $*: exit $code, not $wanted: $err"
}

same() { [ "$2" = "$3" ] || { fail "$1"; diff <(echo "$3") <(echo "$2") || true; }; }
says() { grep -Eq -- "$3" <<<"$2" || fail "$1: '$3' is not in '$2'"; }

run 0 --socket "$SOCKET" --once
same "flows" "$out" "$(cat <<'END'
VERDICT     DESTINATION      ADDRESS      PORT     PROCESS     SERVICE  WHY                  OUTCOME      SENT  RECV LAST
+ allowed   meupdate.gfi.com 192.0.2.10   443/tcp  updater 501 updates  http                 established 1.00k 1.00k   5s
! violation 203.0.113.66     203.0.113.66 4444/tcp nc 502      unlisted unlisted-destination established 2.00k 2.00k   5s
? pending   192.0.2.99       192.0.2.99   80/tcp   curl 503    updates  unlisted-destination established     0     0   5s
. local     127.0.0.1        127.0.0.1    9093/tcp engine 504  remoting                      established 12.3M 12.3M   5s
END
)"
COLUMNS=60 run 0 --socket "$SOCKET" --once
[ "$(wc -L <<<"$out")" -le 60 ] || fail "wider than COLUMNS: $out"
says "narrow" "$out" '^! violation +203\.0\.113\.66'

run 0 --socket "$SOCKET" --once --view e
says "endpoints" "$out" '^! failing +\*\.mailshell\.net +spamrazer '
run 0 --socket "$SOCKET" --once --view violations --sort count
says "violations" "$out" '^! wrong-resolver +192\.0\.2\.53 '
asked '/v1/violations\?.*sort=count&desc=1' || fail "order of --sort"
run 0 --socket "$SOCKET" --once --sort NAME:desc --filter port:443 --limit 7
asked '/v1/flows\?limit=7&offset=0&sort=name&desc=1&filter=port:443$' || fail "question of --once"
same "filtered" "$(wc -l <<<"$out")" 2
run 0 --socket "$SOCKET" --once --view health
says "health" "$out" '^! problem +sock_ops is not attached to /$'
run 0 --socket "$SOCKET" --once --view d --filter name:gfi
asked '/v1/dns\?limit=1000&offset=0&sort=last&desc=1&filter=name:gfi$' || fail "question of --view dns"
same "DNS" "$out" "$(cat <<'END'
CATEGORY QUERIES NOERROR NXDOMAIN SERVFAIL REFUSED OTHER
ip-dnsbl   1.50k      20    1.40k                       
other        300     250       40        2       3     3

S ZONE             QUERIES ANSWERS LISTED REFUSALS
! zen.spamhaus.org   1.20k   1.19k     30      970
  multi.surbl.org        5       5      0        0

NOT-LEARNED COUNT
unsolicited    12

S NAME             ADDRESS    SERVER     TARGET       COUNT SINCE LAST LEFT
  meupdate.gfi.com 192.0.2.10 192.0.2.53 edge.example     3    1h  10s   4m
- a\027[2j.example 192.0.2.11 192.0.2.53                  1    1h   1h over
END
)"

printf 5000 | answer flows.rows
run 0 --socket "$SOCKET" --once --limit 10
says "there is more" "$err" '10 of 5000 rows'
same "limit" "$(wc -l <<<"$out")" 11
rm "$API/flows.rows"

for view in flows endpoints violations dns health; do
	run 0 --socket "$SOCKET" --json --view $view
	same "$view as JSON" "$(jq -S . <<<"$out")" "$(jq -S . "$API/$view.json")"
done
list flows $TS "$(flow 16 allowed 192.0.2.16 25 tcp 1 '"name":"\u009b\u65e5"')" | answer flows.json
run 0 --socket "$SOCKET" --json
LC_ALL=C grep -q '[^ -~]' <<<"$out" && fail "JSON beyond ASCII"
answers

# The daemon refuses the question, talks nonsense, or is not there.
run 2 --socket "$SOCKET" --once --filter prot:tcp
says "refused" "$err" '^metop: mewatch says: filter: unknown term'
echo nonsense | answer flows.json
run 1 --socket "$SOCKET" --once
says "nonsense" "$err" 'not one of mewatch'
run 1 --socket "$SOCKET" --json
run 1 --socket "$LAB_TMP/nowhere" --once
says "nobody" "$err" "^metop: mewatch is not running: no socket $LAB_TMP/nowhere"
run 1 --url http://127.0.0.1:1 --once
says "nobody" "$err" 'no answer from http://127.0.0.1:1'
answers
"$METOP" --socket "$SOCKET" --once >/dev/full 2>"$LAB_TMP/err" && fail "a full disk is no success"

# Wrong command lines.
run 2 --socket "$SOCKET"
says "no terminal" "$err" 'not on a terminal'
run 2 --onec
says "near miss" "$err" "is it '--once'"
run 2 --sort bytes_send --once
says "column" "$err" 'flows can be sorted by verdict name'
run 2 --view violations --sort /s --once
run 2 --view nothing
says "view" "$err" 'there are: endpoints flows violations dns health'
for wrong in "--limit 0" "--limit 100001" "--limit" "--interval 1ms" "--interval 2h" "--once x" \
	"--socket a --url http://b" "--url ftp://b --once" "--once=1" "--sort last:up" "-x"; do
	# shellcheck disable=SC2086
	run 2 $wrong
	[ -n "$err" ] || fail "metop $wrong: says nothing"
done
run 2 --socket "$(printf '%0200d' 0)" --once
run 2 --filter "$(printf '%0300d' 0)" --once
run 0 --version
says "version" "$out" '^metop [0-9]'
run 0 --help
says "help" "$out" '^  --socket '
exit 0
