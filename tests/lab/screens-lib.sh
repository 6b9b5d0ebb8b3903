# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2119,SC2154
#
# metop over a day of the lab, one screen after the other: what README.md and tools/screens/ show, made by
# screens.sh and held to the program by 64-screens.sh.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/day-lib.sh"
. "$LAB_DIR/day-misbehave.sh"
lab_need tmux jq python3
METOP=$LAB_BUILD/metop
SOCKET=$LAB_SOCKET
fail() { lab_fail "$@" || true; }
. "$LAB_DIR/metop-terminal.sh"

SCREENS_SIZES="80x24 160x50"
# Name, view, filter, whether the detail is open.
SCREENS="endpoints endpoints - no
flows flows - no
violations violations - no
dns dns - no
health health - no
detail flows reason:name-mismatch yes"

# screens_day: the network, the daemon, and some hours in which much happens.
screens_day() {
	local misdeed

	gateway_network
	gateway_servers
	gateway_proxy
	day_policy
	cd "$LAB_TMP" || lab_die "no folder" # for a screen without its path
	LAB_RUN=("${LAB_RUN[@]/#"$LAB_POLICY"/policy.yaml}")
	lab_daemon
	day_begin
	# It is taken for the gateway's name.
	printf '#!/bin/sh\nhostname gateway\nexec "$@"\n' >"$LAB_TMP/as-gateway"
	day_hour 2
	for misdeed in stranger shared foreign-dns doh quic smtp-port remoting ping; do
		day_misbehave $misdeed 4
	done
	day_visitors $GATEWAY_WAN4
	day_hour 2
	day_misbehave shared 6
	lab_settle "nothing is pending" 0 lab_metric pending_flows
}

# What the hosts go on with while screens are taken, so that there are rates.
screens_drive() {
	while [ -e "$LAB_TMP/driving" ]; do
		day_hour 1
	done
}

# screens_show VIEW FILTER DETAIL: metop in a terminal, on its own, whatever the user has set up.
screens_show() {
	local options=(--view "$1")

	[ "$2" = - ] || options+=(--filter "$2")
	RUN_AS="unshare --uts sh $LAB_TMP/as-gateway" start 80x24 TERM=tmux-256color "HOME=$LAB_TMP" \
		"XDG_CONFIG_HOME=$LAB_TMP/none" -- "${options[@]}"
	tmux_ set-option -g status off # the whole window is metop's
	expect "$1" "\\[[0-9] ${1^}\\]|\\[[0-9] DNS\\]"
	expect "rows of $1" '^>'
	expect "the daemon's health" 'hooks [1-9]'
	expect "a second look, for the rates" '^attempts [0-9.]+[kM]? \([0-9]'
	[ "$3" = no ] || keys Enter
	[ "$3" = no ] || expect "detail of $1" '^ detail'
}

# screens_take FOLDER: each screen at each size, as FOLDER/NAME-SIZE with its colours and FOLDER/NAME-SIZE.txt.
screens_take() {
	local name view filter detail size driver

	touch "$LAB_TMP/driving"
	screens_drive >"$LAB_TMP/driver.log" 2>&1 </dev/null &
	driver=$!
	while read -r name view filter detail <&3; do
		screens_show "$view" "$filter" "$detail"
		for size in $SCREENS_SIZES; do
			tmux_ resize-window -t metop -x "${size%x*}" -y "${size#*x}"
			until_true 10 screens_is "$size" || { fail "$name: never $size"; show_screen; }
			tmux_ capture-pane -e -N -p -t metop >"$1/$name-$size"
			tmux_ capture-pane -p -t metop | sed 's/ *$//' >"$1/$name-$size.txt"
		done
		keys q
	done 3<<<"$SCREENS"
	rm "$LAB_TMP/driving"
	wait $driver
	tmux_ kill-server
}

# Whether the whole window was drawn at this size: the footer is its last line, and as wide.
screens_is() {
	local last

	last=$(screen | sed -n "${1#*x}p")
	[[ $last == *Help* ]] && [ "${#last}" -ge $((${1%x*} - 8)) ] && [ "${#last}" -le "${1%x*}" ]
}

# screens_shape SIZE: of the text of a screen, what does not depend on what the lab did meanwhile: the program,
# the views, the heads of columns (lines in capitals alone) and the keys, but for those at the end of their
# line, which give way to where one is in the list.
screens_shape() {
	sed -E 's/[[:space:]]+/ /g; s/ $//' | sed -nE '
		1s/^(mewatch) .*/\1/p
		/\[[0-9] [A-Z]/ {
			s/ (by|filter) .*//
			p
		}
		/^ ?[A-Z][A-Z]*[A-Z0-9 \/.-]*$/p
		s/^( detail).*/\1/p
		/(^| ).? ?Help / {
			s/ [0-9,]+\/[0-9,]+$//
			s/^(.{'$((${1%x*} - 26))'}).*/\1/
			p
		}'
}

# screens_of_readme NAME: the screen that README.md has between its markers.
screens_of_readme() {
	sed -n "/^<!-- screen $1 -->\$/,/^<!-- end -->\$/p" "$LAB_DIR/../../README.md" | sed '1,2d' | sed '/^```$/,$d'
}

# screens_of_picture FILE: the text in a picture, a line of the screen a line, without the title of its window.
screens_of_picture() {
	sed -nE 's/^<text x="([0-9.]+)" y="([0-9.]+)".*text-anchor.*//; s/^<text x="([0-9.]+)" y="([0-9.]+)"[^>]*>(.*)<\/text>$/\2 \1 \3/p' "$1" |
		sort -s -k1,1n -k2,2n | awk '
			{ y = $1; x = $2; sub(/^[^ ]* [^ ]* /, "") }
			y != line && line != "" { print text; text = "" }
			y != line { text = x > 11 ? " " $0 : $0; line = y; next }
			{ text = text " " $0 }
			END { print text }' | sed 's/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'
}
