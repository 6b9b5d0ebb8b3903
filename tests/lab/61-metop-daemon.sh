# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2086,SC2154
#
# metop when the daemon is not there, comes, goes, hangs or keeps it out; and how metop itself ends.
. "$LAB_DIR/metop-lib.sh"
answers

# Not there; there; gone; a socket left behind; there again.
start 80x24 -- --view flows
expect "not there" "mewatch is not running: no socket $SOCKET"
expect "remedy" 'sudo mewatch run'
tmux_ resize-window -t metop -x 20 -y 5
expect "not there, small" '^  mewatch is not$'
expect "the keys keep their line" '^\? Help  Tab View$'
tmux_ resize-window -t metop -x 80 -y 24
server_start
expect "it came" '^>\+ allowed +meupdate\.gfi\.com'
server_end
expect "it went" "mewatch is not running: nobody listens on"
shows 'meupdate\.gfi\.com' || fail "the last data are gone from the screen"
expect "data get old" 'data ([6-9]|[1-9][0-9])s old'
server_start
expect_not "it came back" 'not running'
expect "fresh again" 'data [01]s old'

# It hangs: what is known stays, and the reason is told when the time is up.
kill -STOP "$server_pid"
expect "keys still work" '\[2 Flows\]'
keys 5
expect "keys still work" '\[5 Health\]'
until_true 20 shows 'gives no answer within 10 s' || { fail "hang not told"; show_screen; }
kill -CONT "$server_pid"
expect_not "it goes on" 'gives no answer'

# Answers that are none.
keys 2
echo '{"ts":"yesterday"}' | answer flows.json
expect "nonsense" 'this answer is not one of mewatch'
answers
expect_not "sense" 'this answer'
keys q
expect_end "quit" "0 restored"

# No permission.
chmod 0660 "$SOCKET"
chmod a+rx "$LAB_TMP"
if [ -r /etc/passwd ] && setpriv --reuid=65534 --clear-groups test -x "$METOP"; then
	RUN_AS="setpriv --reuid=65534 --regid=65534 --clear-groups" start 100x24
	expect "no permission" 'permission denied on .* \(owner root, group root, mode 0660\)'
	expect "remedy" 'run as root or as a member of group root'
	keys q
	expect_end "quit without data" "0 restored"
else
	fail "another user cannot run $METOP: move the work tree to where everybody may enter"
fi

# Ends of all kinds give the terminal back.
for signal in TERM INT HUP SEGV ABRT; do
	start 80x24 -- --view flows
	expect "runs before SIG$signal" '^>\+ allowed'
	kill -"$signal" "$(metop_pid)"
	case $signal in
	SEGV) expect_end "SIG$signal" "139 restored" ;;
	ABRT) expect_end "SIG$signal" "134 restored" ;;
	*) expect_end "SIG$signal" "0 restored" ;;
	esac
	expect_not "screen after SIG$signal" '\[2 Flows\]'
done

# Stopped by Ctrl-Z and continued, in a shell with job control.
start 80x24 -- --view flows
expect "runs" '^>\+ allowed'
keys C-z
expect "the shell has the terminal" '^stopped'
expect_not "the shell has the terminal" '\[2 Flows\]'
keys Enter
expect "goes on" '\[2 Flows\]'
keys q
expect_end "quit" "0 restored"

# Less able terminals. The escape sequences of colours are \e[3Xm.
colours() { tmux_ capture-pane -p -e -t metop | grep -q $'\e\[[0-9;]*3[1-7]m'; }
start 80x24 TERM=screen-256color -- --view flows
expect "colours" '^ ! violation'
colours || fail "no colours"
start 80x24 TERM=screen-256color NO_COLOR=1 -- --view flows
expect "NO_COLOR" '^ ! violation'
colours && fail "colours in spite of NO_COLOR"
start 80x24 TERM=vt100 -- --view flows
expect "vt100" '^ ! violation'
keys Down
expect "vt100" '^>! violation'
colours && fail "colours on a vt100"
list flows $TS "$(flow 16 allowed 192.0.2.16 25 tcp 1 '"name":"\u65e5\u672c"')" | answer flows.json
start 80x24 LC_ALL=C -- --view flows
expect "no UTF-8" '\\u65e5\\u672c'
screen | LC_ALL=C grep -q '[^ -~]' && fail "bytes beyond ASCII in the C locale"
answers
start 80x24 TERM=dumb -- --view flows
expect "dumb" 'this terminal cannot move its cursor'
expect "dumb: printed once" '^! violation +203\.0\.113\.66'
expect_end "dumb" "0 restored"
exit 0
