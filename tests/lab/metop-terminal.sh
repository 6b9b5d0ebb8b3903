# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2153
#
# A terminal to run metop in. Who sources this has METOP (the program), SOCKET (of the API) or URL,
# LAB_TMP, and fail WHAT, which counts a failed assertion.
export TMUX_TMPDIR=$LAB_TMP
export XDG_CONFIG_HOME=$LAB_TMP/config # nobody's own setup is read, or written
unset TMUX NO_COLOR COLUMNS

tmux_() { tmux -L metop -f /dev/null "$@"; }

# until_true SECONDS COMMAND…: waits until it succeeds.
until_true() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# start COLUMNSxROWS [NAME=VALUE]… [-- OPTION…]: runs metop in a terminal, without a setup from before unless
# KEEP_SETUP is set. When it has ended, the
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
	env LC_ALL=C.UTF-8 ${variables[*]@Q} ${RUN_AS-} $METOP $(metop_source) ${*@Q}
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
	until_true 5 no_metop || fail "the last metop does not end"
	[ -n "${KEEP_SETUP-}" ] || rm -rf "$XDG_CONFIG_HOME" # which that one may have written
	# The socket of a server that is on its way out refuses: again, then.
	until_true 5 tmux_ new-session -d -s metop -x "${size%x*}" -y "${size#*x}" \
		"bash $LAB_TMP/session" 2>"$LAB_TMP/tmux" || fail "no terminal: $(<"$LAB_TMP/tmux")"
	tmux_ set-option -g window-size manual
}

metop_source() { [ -n "${URL-}" ] && echo "--url $URL" || echo "--socket $SOCKET"; }

no_terminal() { ! tmux_ has-session 2>/dev/null; }

no_metop() { ! pgrep -f "^$METOP $(metop_source)" >/dev/null; }

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

metop_pid() { pgrep -f "^$METOP $(metop_source)"; }
