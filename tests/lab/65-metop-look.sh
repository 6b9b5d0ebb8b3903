# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2086,SC2154
#
# How metop looks: 256 colours, 8 and none, UTF-8 and ASCII, every size; and a colour never says
# anything that the text does not.
. "$LAB_DIR/metop-lib.sh"
answers
server_start

# The escape sequences by which a captured screen sets colours of the 8, and of the 256.
painted() { tmux_ capture-pane -p -e -t metop; }
has_8() { painted | grep -Eq $'\e\\[([0-9;]*;)?[34][0-7](;[0-9;]*)?m'; }
has_256() { painted | grep -Eq $'\e\\[([0-9;]*;)?[34]8[;:]5[;:]'; }
# How the text that matches is painted: the last sequence before it, among those of a colour.
paint_of() { painted | grep -Eo $'\e\\[[0-9;:]*m'"[^"$'\e'"]*$1" | head -n 1 | grep -Eo $'\e\\[[0-9;:]*m' | tail -n 1; }
expect_paint() { # WHAT none|8|256
	local saw=none

	has_8 && saw=8
	has_256 && saw=256
	[ "$saw" = "$2" ] || { fail "$1: colours $saw, not $2"; painted | head -n 8 | cat -v; }
}
# The screen without what moves by itself: the age of the data and the times of the head.
text() { screen | sed -E 's/ +$//; s/data [0-9]+[smh] old(, waiting)?//; s/up [^ ]* ?[0-9:]*//'; }

# case WHAT COLOURS [NAME=VALUE]… [-- OPTION…]: starts it, and all have the same text.
seen=
look() {
	local what=$1 colours=$2

	shift 2
	start 80x24 "$@"
	expect "$what" '^>\. never|^>\+ good'
	keys 2
	expect "$what" '^ ! violation +203\.0\.113\.66'
	expect_paint "$what" "$colours"
	[ -n "$seen" ] || seen=$(text)
	[ "$(text)" = "$seen" ] || { fail "$what: another text"; diff <(echo "$seen") <(text) || true; }
}

look "256 by the terminal" 256 TERM=tmux-256color
[ "$(paint_of '! violation')" != "$(paint_of '\? pending')" ] || fail "two verdicts are painted alike"
[ -n "$(paint_of '! violation')" ] || fail "a violation is not painted"
look "8 by the terminal" 8 TERM=xterm
look "8 by the option" 8 TERM=tmux-256color -- --color 8
look "256 by the option" 256 TERM=xterm -- --color=256
look "a terminal that has no more" 8 TERM=linux -- --color=256
look "none by the option" none TERM=tmux-256color -- --color never
look "none by the environment" none TERM=tmux-256color NO_COLOR=1
look "an empty NO_COLOR is none" 256 TERM=tmux-256color NO_COLOR=
look "the option goes before it" 256 TERM=tmux-256color NO_COLOR=1 -- --color always
look "so does a number" 8 TERM=tmux-256color NO_COLOR=1 -- --color 8
look "none by the terminal" none TERM=vt100 -- --color always
# Without colours the line that is selected still is another one than the rest.
start 80x24 TERM=tmux-256color -- --color never
keys 2
expect "flows" '^>\+ allowed'
keys End
expect "the last row" '^>\. local'
painted | grep -Eq $'\e\\[([0-9]+;)*7(;[0-9]+)*m>' || fail "the selected line is not in reverse video"

# Characters: bars, an ellipsis and names beyond ASCII; none of them with --ascii, or in such a locale.
list flows $TS "$(flow 16 allowed 192.0.2.16 25 tcp 1 '"name":"\u65e5\u672c.a-name-that-is-longer-than-its-column.example"')" |
	answer flows.json
beyond() { screen | LC_ALL=C grep -q '[^ -~]'; }
start 80x24
keys 1
expect "bars" 'meupdate\.gfi\.com .*[▁▂▃▄▅▆▇█]'
keys 2
expect "ellipsis" '日本.*…'
start 80x24 -- --ascii
expect "bars of ASCII" 'meupdate\.gfi\.com .*[._=#-]{4}'
keys 2
expect "escaped" '\\u65e5\\u672c.*~'
beyond && fail "--ascii: something beyond ASCII"
keys '?'
expect "help" '^ Keys'
beyond && fail "--ascii: something beyond ASCII in the help"
keys q 4
expect "DNS" '\[4 DNS\]'
beyond && fail "--ascii: something beyond ASCII in DNS"
start 80x24 LC_ALL=C
expect "bars of ASCII" 'meupdate\.gfi\.com .*[._=#-]{4}'
beyond && fail "C locale: something beyond ASCII"
answers

# The bars of what happens: out of the counters of two looks.
start 300x50
expect "no look before" '^attempts/s +violations/s +bytes/s *$'
jq -c '.ts = "2027-01-01T01:00:04.000Z" | .attempts.host += 48 | .verdicts.violation += 2 | .bytes = {sent: 1, received: 2}' \
	"$API/health.json" | answer health.json
expect "attempts a second" '^attempts/s +12 '
expect "violations a second" 'violations/s +0\.5 +█ max 0\.5'
jq -c '.ts = "2027-01-01T01:00:08.000Z" | .bytes.received += 4000' "$API/health.json" | answer health.json
expect "bytes a second" 'bytes/s +1\.00k +'
expect "nothing happened since" '^attempts/s +0 .* violations/s +0 +█'
jq -c '.ts = "2027-01-01T01:00:14.000Z"' "$API/health.json" | answer health.json
expect "a step without one" 'violations/s +0 +█\.\.'
answers

# Sizes: any, and below what can be read it says which.
start 80x24
keys 2
expect "flows" '^>\+ allowed'
keys Down
expect "the second row" '^>! violation '
for size in 160x50 40x10 80x19 200x60 20x5 80x24; do
	tmux_ resize-window -t metop -x ${size%x*} -y ${size#*x}
	expect "the same row at $size" '^>! viol'
	[ "$(screen | wc -L)" -le ${size%x*} ] || fail "width at $size"
	case $size in
	*x19 | *x10 | *x5) hides '^attempts/s' || fail "no room for the bars at $size" ;;
	*) expect "bars at $size" '^attempts/s' ;;
	esac
done
keys Enter
expect "detail" '^ detail'
for size in 19x24 80x4 3x2 1x1; do
	tmux_ resize-window -t metop -x ${size%x*} -y ${size#*x}
	[ ${size%x*} -lt 10 ] || expect "too small: $size" "^needs 20x5"
	[ ${size%x*} -lt 10 ] || expect "what it has: $size" "^has $size"
done
tmux_ resize-window -t metop -x 80 -y 24
expect "the same row again" '^>! violation '
expect "and its detail" '^ detail'
keys Escape q
expect_end "quit" "0 restored"

# What is asked of the command line.
if "$METOP" --color sometimes 2>"$LAB_TMP/err"; then fail "--color sometimes"; fi
grep -q "auto, always, never, 8 or 256 was expected" "$LAB_TMP/err" || fail "$(<"$LAB_TMP/err")"
exit 0
