# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2016,SC2034,SC2086
#
# What the scenarios of names share: the far side's name server (names_server.c) at 198.51.100.53 and
# 2001:db8:51::53, and addresses that nobody has used before: 198.18.0.0/15 and 2001:db8:18::/64, where
# every connect is refused.
NAMES_RESOLVER4=198.51.100.53
NAMES_RESOLVER6=2001:db8:51::53
names_server_pid=

# names_network: that of the lab, and the IPv6 addresses.
names_network() {
	lab_network
	lab_far ip route add local 2001:db8:18::/64 dev lo
	ip route add 2001:db8:18::/64 via $LAB_LISTED6
}

# names_server [key=value]…: ends the one that runs, and starts one.
names_server() {
	[ -z "$names_server_pid" ] || names_server_end
	: >"$LAB_TMP/names"
	"${lab_there[@]}" "$LAB_BIN/names_server" "$@" >"$LAB_TMP/names" &
	names_server_pid=$!
	lab_wait 'grep -q ready "$LAB_TMP/names"' || lab_die "no name server"
}

# Ends it; what it saw is in NAMES_SEEN afterwards.
names_server_end() {
	kill "$names_server_pid" && wait "$names_server_pid"
	NAMES_SEEN=$(tail -n 1 "$LAB_TMP/names")
	names_server_pid=
}

# What was refused since the mark, by the scrape that was taken last.
names_refused() {
	lab_change names_refused_total
}
