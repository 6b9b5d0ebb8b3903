# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2086,SC2154
#
# The setup that metop keeps: what is written, when, and what becomes of a file that is not as it
# should be.
. "$LAB_DIR/metop-lib.sh"
answers
server_start
RC=$XDG_CONFIG_HOME/mewatch/metoprc
KEEP_SETUP=yes

rc_has() { grep -qxF -- "$1" "$RC"; }
expect_rc() { until_true 5 rc_has "$2" || { fail "$1: no line '$2'"; cat "$RC"; }; }
quit() {
	keys q
	expect_end "$1" "0 restored"
}

# Nothing changed: no file.
start 80x24
expect "runs" '\[1 Endpoints\]'
keys 2 Down Tab
expect "looked around" '\[3 Violations\]'
quit "nothing changed"
[ ! -e "$XDG_CONFIG_HOME" ] || fail "a setup was written without a reason"

# Something changed: kept at the end, and there the next time.
start 80x24
keys 2
expect "flows" '\[2 Flows\].*by LAST desc'
keys r
expect "reversed" 'by LAST asc'
keys n
quit "changed"
expect_rc "order" "sort.flows=LAST:asc"
expect_rc "addresses" "addresses=yes"
expect_rc "version" "version=1"
[ "$(stat -c %a "$RC")" = 600 ] || fail "mode $(stat -c %a "$RC")"
[ "$(stat -c %a "${RC%/*}")" = 700 ] || fail "mode of the folder $(stat -c %a "${RC%/*}")"
start 80x24
keys 2
expect "kept" 'by LAST asc'
expect "kept" '^>\+ allowed +192\.0\.2\.10'

# By the key, at once; and this view is the first one.
keys W
expect "told" "the setup is kept in .*metoprc|^the setup is kept in"
expect_rc "view" "view=flows"
keys W
expect "told" 'the setup is kept already'
keys 4
expect_not "until the next key" 'the setup is'
quit "kept by the key"
expect_rc "view" "view=flows"
start 80x24
expect "first view" '\[2 Flows\]'
keys c c # there and back is no change
touch -d 2001-01-01 "$RC"
quit "not changed"
[ "$(stat -c %Y "$RC")" -lt 1000000000 ] || fail "written without a change"

# The command line goes before it, and is not kept.
start 80x24 -- --view dns --interval 2s --color 8
expect "the option's view" '\[4 DNS\]'
keys 2 n
quit "the option"
rc_has "view=flows" || fail "an option was kept: view"
rc_has "interval=1000ms" || fail "an option was kept: interval"
rc_has "color=auto" || fail "an option was kept: color"
expect_rc "what was changed was" "addresses=no"

# A key that this version does not know stays; so does a comment.
printf 'later.key=5\n# a note\n' >>"$RC"
start 80x24
expect "runs" '\[2 Flows\]'
keys n
quit "unknown keys"
expect_rc "unknown key" "later.key=5"
expect_rc "comment" "# a note"
expect_rc "changed" "addresses=yes"

# By a signal too.
start 80x24
expect "runs" '\[2 Flows\]'
keys n
expect "names again" '^>\+ allowed +meupdate'
kill -TERM "$(metop_pid)"
expect_end "SIGTERM" "0 restored"
expect_rc "SIGTERM" "addresses=no"

# What is wrong is told with its line, and the rest holds.
printf 'version=1\nsort.flows=LAST:asc\ninterval=1ms\n' >"$RC"
start 160x24
expect "told" "metoprc:3: 'interval=1ms', a time from 100ms to 1h was expected"
keys 2
expect "the rest holds" 'by LAST asc'
expect_not "told once" 'metoprc:3'
quit "a wrong line"
rc_has "interval=1ms" || fail "written without a change"

# A file of a later version, or none at all, is left alone.
printf 'version=2\nsort.flows=LAST:asc\n' >"$RC"
start 160x24 -- --view flows
expect "told" "metoprc:1: 'version=2', version=1 was expected"
expect "not used" 'by LAST desc'
keys r W
expect "left" 'is left as it is'
quit "a later version"
[ "$(head -n 1 "$RC")" = version=2 ] || fail "a file of a later version was written over"
rm "$RC"
mkdir "$RC"
start 160x24 -- --view flows
expect "told" "metoprc: Is a directory"
keys r
expect "reversed" 'by LAST asc'
quit "no file"
rmdir "$RC"

# Without it: neither read nor written.
printf 'version=1\nview=dns\n' >"$RC"
start 80x24 -- --no-rc
expect "not read" '\[1 Endpoints\]'
keys 2 r
expect "reversed" 'by LAST asc'
quit "--no-rc"
[ "$(wc -l <"$RC")" = 2 ] || fail "written in spite of --no-rc"

# A folder that nobody may write into: told at the end, and on the screen.
if setpriv --reuid=65534 --clear-groups test -x "$METOP"; then
	mkdir "$LAB_TMP/closed"
	chmod 0755 "$LAB_TMP/closed"
	chmod 0666 "$SOCKET"
	chmod a+rx "$LAB_TMP"
	RUN_AS="setpriv --reuid=65534 --regid=65534 --clear-groups" start 160x24 XDG_CONFIG_HOME=$LAB_TMP/closed
	expect "runs" '\[1 Endpoints\]'
	keys n W
	expect "told" 'the setup cannot be kept in .*: Permission denied'
	keys q
	expect_end "no permission" "0 restored"
	expect "told at the end" 'metop: the setup cannot be kept in .*: Permission denied'
fi
exit 0
