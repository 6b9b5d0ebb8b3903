# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2086,SC2154,SC2178,SC2317
#
# Every key that metop's help names does what the help says. The keys are read from the help itself, and
# one without a check here fails.
. "$LAB_DIR/metop-lib.sh"

# The names of keys in the help, as the terminal's tool calls them.
declare -A NAMES=([PgUp]=PPage [PgDn]=NPage [Esc]=Escape [Del]=DC [BackSp]=BSpace [Shift-Tab]=BTab)
key_name() {
	case $1 in
	Ctrl-?) echo "C-${1#Ctrl-}" | tr '[:upper:]' '[:lower:]' | sed 's/^c/C/' ;;
	*) echo "${NAMES[$1]:-$1}" ;;
	esac
}

ONE=00000000000000aa TWO=00000000000000bb
group() { printf '{"group":"%s","by":"%s","unfolded":%s,"verdict":"violation","%s":"%s","flows":2,"open":1,"violations":1,"pending":0,"bytes_sent":5,"bytes_received":6}' "$@"; }
groups() { printf '{"ts":"%s","version":"9.9","total":4,"matched":4,"offset":0,"lines":%d,"groups":[%s]}' $TS "$1" "$2"; }

prepare() {
	answers
	list flows $TS "$FLOW_GOOD" | answer 'flows?state:open.json'
	list flows $TS "$FLOW_BAD" "$FLOW_WAIT" | answer 'flows?one.json'
	groups 2 "$(group $ONE origin false exe /usr/bin/nc),$(group $TWO origin false exe /usr/bin/mta)" |
		answer flows.origin.json
	groups 3 "$(group $ONE origin true exe /usr/bin/nc),${FLOW_BAD%\}},\"of\":\"$ONE\"},$(group $TWO origin false exe /usr/bin/mta)" |
		answer flows.origin+.json
	groups 1 "$(group $ONE endpoint false endpoint meupdate.gfi.com)" | answer flows.endpoint.json
	printf '{"ts":"%s","total":1,"matched":1,"serial":5,"new":0,"violations":[]}' $TS | answer violations.new.json
}

# begin SIZE: a screen of flows as at the start.
begin() {
	prepare
	rm -f "$API"/*.rows
	start "$1" -- --view flows
	expect "begin" '^>\+ allowed +meupdate\.gfi\.com'
}

view() { # KEY TITLE NUMBER
	begin 80x24
	[ "$3" != 2 ] || { keys 5; expect "elsewhere first" '\[5 Health\]'; }
	keys "$1"
	expect "$1: the view $2" "\\[$3 $2\\]"
	[ "$3" = 5 ] || expect_request "$1" "/v1/${2,,}\\?"
}

long() {
	begin 80x24
	printf 1000 | answer flows.rows
	expect "a long list" '^>\+ allowed +row0\.example'
}

tree() {
	begin 80x24
	keys t
	expect "folded" '^>! violation +\[\+\] nc \(/usr/bin\) +2 flows +1 violation'
}

# help_key KEY WHAT: checks a key of a view by what the help says of it.
help_key() {
	local key=$1

	case $2 in
	"this help")
		begin 80x24
		keys "$key"
		expect "$key" '^ Keys$'
		;;
	"endpoints: whether what the policy lists works") view "$key" Endpoints 1 ;;
	"flows: who speaks to whom, and what the judge says") view "$key" Flows 2 ;;
	"violations: what went out beside the policy") view "$key" Violations 3 ;;
	"DNS: what is asked, what came of it, and which names are known") view "$key" DNS 4 ;;
	"health: the daemon itself, and what it cannot see") view "$key" Health 5 ;;
	"next view")
		begin 80x24
		keys "$key"
		expect "$key" '\[3 Violations\]'
		;;
	"previous view")
		begin 80x24
		keys "$key"
		expect "$key" '\[1 Endpoints\]'
		keys "$key"
		expect "$key: around" '\[5 Health\]'
		;;
	"a row down")
		begin 80x24
		keys "$key"
		expect "$key" '^>! violation'
		;;
	"a row up")
		begin 80x24
		keys Down Down
		expect "$key: before" '^>\? pending'
		keys "$key"
		expect "$key" '^>! violation'
		;;
	"a page down")
		long
		keys "$key"
		expect "$key" '^>\+ allowed +row1[0-9]\.example'
		expect "$key: one line stays" ' 1[0-9]/1,000$'
		;;
	"a page up")
		long
		keys End
		expect "$key: before" ' 1,000/1,000$'
		keys "$key"
		expect "$key" '^>\+ allowed +row98[0-9]\.example'
		;;
	"first row, and stay there")
		begin 80x24
		keys Down
		expect "$key: before" '^>! violation'
		keys "$key"
		expect "$key" '^>\+ allowed'
		list flows $TS "$FLOW_LOCAL" "$FLOW_GOOD" | answer flows.json
		expect "$key: whatever comes" '^>\. local'
		;;
	"last row")
		long
		keys "$key"
		expect "$key" '^>\+ allowed +row999\.example'
		;;
	"everything about the row, and no more; unfold a group")
		begin 80x24
		keys "$key"
		expect "$key" '^ detail'
		keys "$key"
		expect_not "$key: no more" '^ detail'
		tree
		keys "$key"
		expect "$key: a group" '^>! violation +\[-\] nc \(/usr/bin\)'
		;;
	"scroll the detail or the help down")
		begin 80x24
		keys '?'
		expect "$key: before" '^ Keys$'
		keys "$key"
		expect_not "$key" '^ Keys$'
		;;
	"scroll the detail or the help up")
		begin 80x24
		keys '?' ']'
		expect_not "$key: before" '^ Keys$'
		keys "$key"
		expect "$key" '^ Keys$'
		;;
	"filter in all lists: port:443 proc:curl -verdict:local")
		begin 80x24
		keys "$key" x
		expect "$key" '^/x'
		;;
	"choose the column to sort by")
		begin 80x24
		keys "$key"
		expect "$key" 'sort by: Up, Down, Enter; r: other direction; Esc'
		expect "$key: the direction" '>\*LAST +desc '
		keys r
		expect "$key: the other direction" '>\*LAST +asc '
		keys Up Up Up Enter
		expect "$key: chosen" 'by RECV desc'
		keys "$key" Down r Enter
		expect "$key: chosen the other way round" 'by SENT/S asc'
		keys "$key" Up Escape
		expect_not "$key: left" 'sort by:'
		expect "$key: left as it was" 'by SENT/S asc'
		;;
	"sort by the column to the left")
		begin 80x24
		keys "$key"
		expect "$key" 'by RECV/S desc'
		expect_request "$key" 'sort=received_per_s&desc=1'
		;;
	"sort by the column to the right")
		begin 80x24
		keys "$key"
		expect "$key" 'by VERDICT asc'
		;;
	"reverse the order")
		begin 80x24
		keys "$key"
		expect "$key" 'by LAST asc'
		expect_request "$key" 'sort=last&desc=0'
		;;
	"flows one by one, by who opened them, or by endpoint")
		begin 80x24
		keys "$key"
		expect "$key" '^by origin  '
		expect "$key: groups" '\[\+\] mta \(/usr/bin\) +2 flows'
		expect_request "$key" '&group=origin'
		keys "$key"
		expect "$key: by endpoint" '^by endpoint  '
		expect "$key: by endpoint" '\[\+\] meupdate\.gfi\.com'
		keys "$key"
		expect "$key: one by one" '^>\+ allowed +meupdate\.gfi\.com'
		expect_not "$key: one by one" '^by '
		;;
	"unfold the group of flows, or fold it")
		tree
		keys "$key"
		expect "$key" '^>! violation +\[-\] nc \(/usr/bin\)'
		expect "$key: its flow" '^ ! violation +203\.0\.113\.66 +4444/tcp'
		expect_request "$key" "&group=origin&unfold=$ONE&"
		keys Down "$key"
		expect "$key: folded from its flow" '^>! violation +\[\+\] nc \(/usr/bin\)'
		expect_not "$key: folded" '203\.0\.113\.66'
		;;
	"unfold the group")
		tree
		keys "$key"
		expect "$key" '^>! violation +\[-\] nc \(/usr/bin\)'
		keys "$key"
		expect "$key: and not back" '^>! violation +\[-\] nc \(/usr/bin\)'
		;;
	"fold the group, from any of its flows")
		tree
		keys Space
		expect "$key: before" '^ ! violation +203\.0\.113\.66'
		keys Down "$key"
		expect "$key" '^>! violation +\[\+\] nc \(/usr/bin\)'
		;;
	"unfold all groups, or fold them")
		tree
		keys "$key"
		expect_request "$key" '&unfold=all&'
		expect "$key" '\[-\] nc \(/usr/bin\)'
		keys "$key"
		expect "$key: folded" '^>! violation +\[\+\] nc \(/usr/bin\)'
		;;
	"stay with the row wherever it goes, and no longer")
		begin 80x24
		keys Down "$key"
		expect "$key" '\[FOLLOW\]'
		expect_request "$key" '&around=12'
		list flows $TS "$FLOW_LOCAL" "$FLOW_WAIT" "$FLOW_GOOD" "$FLOW_BAD" | answer flows.json
		expect "$key: moved" '^>! violation .*'
		expect "$key: moved" ' 4/4$'
		keys r
		expect "$key: in another order" '^>! violation '
		list flows $TS "$FLOW_LOCAL" "$FLOW_GOOD" | answer flows.json
		expect "$key: gone" '^the row that was followed is no longer in the list'
		expect_not "$key: gone" 'FOLLOW'
		keys "$key"
		expect "$key: another" '\[FOLLOW\]'
		keys "$key"
		expect_not "$key: no longer" 'FOLLOW'
		;;
	"addresses of destinations, or names")
		begin 80x24
		keys "$key"
		expect "$key" '^>\+ allowed +192\.0\.2\.10 '
		expect "$key: told" '^addresses '
		keys 3
		expect "$key: told there too" '^addresses '
		keys 2 "$key"
		expect "$key: names" '^>\+ allowed +meupdate\.gfi\.com'
		;;
	"open flows only, or closed ones too")
		begin 80x24
		keys "$key"
		expect "$key" ' 1/1$'
		expect "$key: told" '^open only '
		expect_request "$key" '&filter=state:open$'
		keys "$key"
		expect "$key: closed ones too" ' 1/4$'
		;;
	"violations that came until now are no longer new")
		begin 80x24
		expect_request "$key: what was there" '/v1/violations\?limit=0&since=5$'
		printf '{"ts":"%s","serial":7,"new":2,"violations":[]}' $TS | answer violations.new.json
		expect "$key: two are new" ' 3 Violations \+2 '
		sed 's/"count"/"serial":7,"count"/' "$API/violations.json" | answer violations.json
		keys 3
		expect "$key: marked" '^>! \* wrong-resolver'
		printf '{"ts":"%s","serial":7,"new":0,"violations":[]}' $TS | answer violations.new.json
		keys "$key"
		expect "$key" '^>! +wrong-resolver'
		expect_not "$key" 'Violations \+'
		expect_request "$key" '/v1/violations\?limit=0&since=7$'
		;;
	"freeze the screen, and go on")
		begin 80x24
		keys "$key"
		expect "$key" '\[FROZEN\]'
		list flows $TS "$FLOW_BAD" | answer flows.json
		expect "$key: time goes on" 'data [2-9]s old'
		shows 'meupdate' || fail "$key: the screen is not frozen"
		keys "$key"
		expect "$key: it goes on" '^>! violation'
		;;
	"draw the screen anew")
		begin 80x24
		# Something else writes on the terminal.
		printf '\e[10;10HINTRUDER' >"$(tmux_ display-message -p -t metop '#{pane_tty}')"
		expect "$key: before" 'INTRUDER'
		keys "$key"
		expect_not "$key" 'INTRUDER'
		;;
	"keep this setup, and this view as the first one")
		begin 80x24
		keys "$key"
		expect "$key" '^the setup is kept in'
		grep -qx 'view=flows' "$XDG_CONFIG_HOME/mewatch/metoprc" || fail "$key: the view is not kept"
		;;
	"close what is open; then drop the filter")
		begin 80x24
		keys / o n e Enter Enter
		expect "$key: before" '^ detail'
		keys "$key"
		expect_not "$key: closed" '^ detail'
		expect "$key: the filter" '^filter one'
		keys "$key"
		expect_not "$key" '^filter'
		;;
	quit)
		begin 80x24
		keys "$key"
		expect_end "$key" "0 restored"
		;;
	*) fail "no check for the key '$1': $2" ;;
	esac
}

filter_key() {
	local key=$1

	# Nothing is filtered by, and one is being typed.
	keys Escape Escape / C-u a b Space c d
	expect "typed" '^/ab cd *$'
	case $2 in
	"filter by what was typed")
		keys "$key"
		expect "$key" '^filter ab cd'
		expect_request "$key" '&filter=ab cd$'
		;;
	"leave the filter as it was")
		keys "$key"
		expect_not "$key" '^/ab'
		expect "$key" '^\? Help'
		;;
	"the filter before")
		keys C-u o n e Enter
		expect "$key: before" '^filter one'
		expect "$key: before" ' 1/2$'
		keys / C-u "$key"
		expect "$key" '^/one'
		;;
	"the filter after")
		keys C-u o n e Enter
		expect "$key: before" ' 1/2$'
		keys / C-u d Up
		expect "$key: before" '^/one'
		keys "$key"
		expect "$key" '^/d *$'
		;;
	"a character to the left")
		keys "$key" x
		expect "$key" '^/ab cxd'
		;;
	"a character to the right")
		keys Home "$key" x
		expect "$key" '^/axb cd'
		;;
	"to the beginning")
		keys "$key" x
		expect "$key" '^/xab cd'
		;;
	"to the end")
		keys Home "$key" x
		expect "$key" '^/ab cdx'
		;;
	"erase the character before")
		keys "$key" x
		expect "$key" '^/ab cx'
		;;
	"erase the character here")
		keys Home "$key"
		expect "$key" '^/b cd'
		;;
	"erase the word before")
		keys "$key" x
		expect "$key" '^/ab x'
		;;
	"erase all of it")
		keys "$key" x
		expect "$key" '^/x'
		;;
	"erase what follows")
		keys Home Right "$key"
		expect "$key" '^/a *$'
		;;
	*) fail "no check for the key '$1' of the filter: $2" ;;
	esac
}

# walk TITLE FUNCTION: each key of a part of the help.
walk() {
	local line what name n=0 names lines=()

	mapfile -t lines < <("$METOP" --help | sed -n "/^$1:\$/,/^\$/s/^  //p")
	for line in "${lines[@]}"; do
		# The names end where the words begin: a column that is wide enough, or two spaces.
		what=$(sed -E 's/^.{14} +//' <<<"$line")
		names=${line%"$what"}
		read -ra names <<<"$names"
		for name in "${names[@]}"; do
			n=$((n + 1))
			$2 "$(key_name "$name")" "$what"
		done
	done
	[ "$n" -ge "$3" ] || fail "only $n $1"
	echo "$n $1"
}

prepare
server_start
walk keys help_key 40
begin 80x24
walk "keys of the filter" filter_key 15
exit 0
