# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2086,SC2154
#
# metop in a real terminal: what each key does, at several sizes.
. "$LAB_DIR/metop-lib.sh"
answers
server_start

start 80x24
expect "headline" '^mewatch 9\.9  on .*up 1d 02:03  policy tested #5  ! hooks 1/2'
expect "totals" 'attempts 2\.00k.*\+ allowed 1\.50k.*\. local 400.*! violation 77.*\? pending 23'
expect "losses" 'lost 3'
expect "age of the data" 'data [01]s old'
expect "front view" '\[1 Endpoints\]'
keys 2
expect "flows" '\[2 Flows\]'
expect "allowed" '^>\+ allowed +meupdate\.gfi\.com +443/tcp +updater 501'
expect "violation" '^ ! violation +203\.0\.113\.66 +4444/tcp +nc 502 .* 5s$'
expect "pending" '^ \? pending +192\.0\.2\.99'
expect "local" '^ \. local +127\.0\.0\.1'
expect "footer" '^\? Help .* 1/4$'

keys 1
expect "endpoints" '\[1 Endpoints\]'
expect "a failing endpoint" '^ ! failing +\*\.mailshell\.net .* 0 +3$'
expect "outcomes are added up" '^>\+ good +meupdate\.gfi\.com .* 8 +2 +[^ ]{2} +2m +40m$'
keys Tab Tab
expect "violations" '^>! +wrong-resolver +192\.0\.2\.53 .*123k +1s$'
keys Tab
expect "DNS" '\[4 DNS\]'
expect "categories" '^ other +300 .* 250 +40 +2 +3 +3$'
expect "the category that is asked most" '^>ip-dnsbl +1\.50k '
expect "a list that refuses" '^ ! zen\.spamhaus\.org +1\.20k .* 1\.19k +30 +970$'
expect "a list that answers" '^   multi\.surbl\.org +5 '
expect_not "a list that was never asked" 'never\.example'
expect "a cause" '^ unsolicited +12'
expect_not "causes that have not happened" 'wrong-resolver'
expect "an answer" '^   meupdate\.gfi\.com +192\.0\.2\.10 .* 10s +4m$'
expect "an answer that is over" '^ - a\\027\[2j\.example .* 1h over$'
expect "titles of the parts" '^ S ZONE .*REFUSALS$'
expect "the order of its first part" '4 DNS\] +5 Health +by QUERIES desc'
expect_request "DNS" '/v1/dns\?limit=1000&offset=0&sort=last&desc=1$'
keys Down Down Down Enter
expect "detail of a zone" '^refusals +970|  refusals +970'
keys Escape Home
sed 's/"queries":300/"queries":305/; s/T01:00:00/T01:00:02/' "$API/dns.json" | answer dns.json
expect "queries a second" '^ other +305 +2\.5 '
keys r
expect "the other way round" '^>other +305 '
keys r
answers
keys 5
expect "problem" '^>! problem +sock_ops is not attached to /$'
expect "hook" '^ ! hook +sock_ops +not attached to /$'
expect "map" '^ \? maps +flows +64,000 of 65,536 \(98 %\)$'
expect "the worst first" 'by S desc'
keys BTab
expect "back" '\[4 DNS\]'
keys 2

# Order, by neighbours, reversed and chosen.
expect_request "order at first" 'flows\?limit=[0-9]+&offset=0&sort=last&desc=1'
keys r
expect "reversed" 'by LAST asc'
expect_request "reversed" 'sort=last&desc=0'
keys '>'
expect "around the end" 'by VERDICT asc'
expect_request "next column" 'sort=verdict&desc=0'
keys ,
expect "back around" 'by LAST desc'
keys s
expect "chooser" '^ *>.LAST '
keys Up Up Up Enter
expect "chosen" 'by RECV desc'
expect_request "chosen" 'sort=bytes_received&desc=1'
keys s Down Enter
expect "order by a rate" 'by SENT/S desc'
expect_request "which is the daemon's" 'sort=sent_per_s&desc=1'

# Filter: by the daemon, kept over the views, wrong ones told.
keys / p o r t : 4 4 x BSpace 3
expect "typed" '^/port:443'
keys Enter
expect "filter is told" '^filter port:443 '
expect_not "filtered" '203\.0\.113\.66'
keys 1
expect_request "in other views too" '/v1/endpoints\?.*&filter=port:443$'
keys 2 / C-u p r o t : t c p Enter
expect "refused" 'filter: unknown term "prot:", did you mean "proto:"'
expect "and typed again" '^/prot:tcp'
keys Escape
expect "the filter before holds" '^filter port:443 '
keys Escape
expect_not "no filter" '^filter '
expect "all again" '203\.0\.113\.66'
keys / x Escape
expect_not "not taken" '^/x'

# The selected row stays selected wherever it goes; its detail goes with it.
keys s
expect "chooser" '^ *>.SENT/S'
keys Down Down Enter
expect "order by time" 'by LAST desc'
keys Down
expect "selected" '^>! violation '
keys Enter
expect "detail" '^ detail'
expect "detail of the row" '^reason +unlisted-destination'
expect "a row without a name" '^known name +none: no DNS answer gave this address'
keys Up
expect "names of the address" '^known name +meupdate\.gfi\.com \(edge\.example\), from 192\.0\.2\.53, since'
expect "and until when" '^ +2027-01-01T00:00:00Z, until 2027-01-01T01:04:10Z$'
expect "every name" '^known name +shared\.example, from 192\.0\.2\.54, since'
expect_request "names of the address" '/v1/dns\?limit=64&sort=last&desc=1&address=192\.0\.2\.10$'
keys Down
expect "selected again" '^>! violation '
list flows $TS "$FLOW_LOCAL" "$FLOW_WAIT" "$FLOW_GOOD" "$FLOW_BAD" | answer flows.json
expect "moved" '^>! violation '
expect "moved to the fourth place" ' 4/4$'
list flows $TS "$FLOW_LOCAL" "$FLOW_GOOD" | answer flows.json
expect "row gone" 'this row is no longer in the list'
keys Escape
expect_not "closed" '^ detail'
keys Home
expect "first row" '^>\. local '

# Rates, out of two answers and the daemon's clock; and none while nothing is known.
list flows 2027-01-01T01:00:04.000Z "$(flow 14 local 127.0.0.1 9093 tcp 12355678)" \
	"$(flow 15 allowed 192.0.2.15 443 tcp 900)" | answer flows.json
expect "rate" '^>\. local +127\.0\.0\.1 .* 2\.50k +2\.50k +9s$'
expect "no rate yet" '^ \+ allowed +192\.0\.2\.15 +443/tcp +9s$'

# A frozen screen stays, while its data get older.
keys p
expect "frozen" '\[FROZEN\]'
list flows $TS "$FLOW_BAD" | answer flows.json
expect "time goes on" 'data [3-9]s old'
shows '192\.0\.2\.15' || fail "a frozen screen changes"
keys p
expect "thawed" '^>! violation '
expect_not "thawed" 'FROZEN'

# Nothing of what is shown can speak to the terminal.
list flows $TS "$(flow 16 allowed 192.0.2.16 25 tcp 1 '"name":"a\u001b[2J\u202e\u009bz","comm":"\u65e5\u672c\u8a9e","pid":9')" |
	answer flows.json
expect "escaped" '^>\+ allowed +a\\x1b\[2J\\u202e\\u009bz +25/tcp +日本語 9 '

# A long list: only what is looked at is asked for.
printf 100000 | answer flows.rows
expect "first of many" 'row0\.example .* 1\.00k '
keys End
expect "last of many" '^>\+ allowed +row99999\.example'
expect_request "from the middle of the list" 'limit=([0-9]|[0-9][0-9])&offset=999[0-9][0-9]&'
expect "the end is told" '100,000/100,000$'
keys PPage
expect "page up" '^>\+ allowed +row9998[0-9]\.example'
keys Home
expect "first again" '^>\+ allowed +row0\.example'
rm "$API/flows.rows"
answers
expect "the short list again" '^>\+ allowed +meupdate\.gfi\.com'

# Any size.
for size in 20x5 160x50 33x7 80x24 300x100; do
	tmux_ resize-window -t metop -x "${size%x*}" -y "${size#*x}"
	expect "table at $size" '^>\+ all'
	until_true 5 eval '[ "$(screen | wc -l)" -le "${size#*x}" ]' || fail "lines at $size"
	[ "$(screen | wc -L)" -le "${size%x*}" ] || fail "width at $size"
	keys Enter
	expect "detail at $size" '^ detail'
	keys Escape '?'
	expect "help at $size" '^ Keys'
	keys Escape
	expect_not "no help at $size" '^ Keys'
done
expect "wide: every column" 'VERDICT .*DESTINATION .*ADDRESS .*WHY .*OUTCOME .*SENT/S .*LAST$'

# The help is the table of keys.
tmux_ resize-window -t metop -x 80 -y 70
keys '?'
expect "help" '^ PgUp Ctrl-B +a page up'
expect "help on columns" '^ OUTCOME +how it ended'
"$METOP" --help | sed -n '/^keys:/,/^$/p' | sed '1d;$d;s/^  //' >"$LAB_TMP/keys"
[ "$(wc -l <"$LAB_TMP/keys")" -gt 20 ] || fail "--help has no keys"
while read -r line; do
	# The names and the explanation, whatever the space between them.
	screen | tr -s ' ' | grep -qF -- "$(tr -s ' ' <<<"$line")" || fail "not in the help: $line"
done <"$LAB_TMP/keys"
keys q
expect_not "help closed" '^ Keys'

keys q
expect_end "quit" "0 restored"
exit 0
