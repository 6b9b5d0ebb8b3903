# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119
#
# `mewatch selftest`: all is as declared here; what it prints is what it says as JSON; a daemon beside it
# counts nothing of it; what is otherwise is told, by the right lines; and nothing of it stays.
#
# Runs alone: packet sockets of the whole machine are counted.
. "$LAB_DIR/lib.sh"
lab_need jq nft

SELFTEST=("$LAB_BUILD/mewatch" selftest)
SOME=(tcp tcp-uring udp-sendmmsg sctp raw-hdrincl packet moved-in accepted child-netns
	dns-tcp-pipelined dns-v6 dns-other-id sni-other sni-other-late ftp-pasv ftp-active)

# selftest [ARGUMENT]…: its exit code is in `code`, what it printed in `answer`.
selftest() {
	answer=$("${SELFTEST[@]}" "$@" 2>"$LAB_TMP/stderr")
	code=$?
	[ ! -s "$LAB_TMP/stderr" ] || sed 's/^/selftest: /' "$LAB_TMP/stderr"
}

# What is there of any.
traces() {
	ls -d /run/mewatch-selftest-* /sys/fs/bpf/mewatch-selftest-* "$LAB_CGROUP_ROOT"/mewatch-selftest-* 2>/dev/null
}

# cells: path, host and transit of a table on standard input.
cells() {
	grep '^[ !] [a-z]' | cut -c 3-66 | sed 's/  */ /g; s/ $//'
}

lab_network
lab_policy <<-EOF2
	resolvers: [198.51.100.53]
	allow:
	  - service: lab
	    to: [$LAB_LISTED4]
	    ports: [tcp/20000]
EOF2
lab_daemon
lab_scrape | grep -v '^process_\|^#\|kind="packet' | grep -v 'map_entries\|history_\|limits_hit' >"$LAB_TMP/before"

# All, or those of each kind.
if [ -n "${LAB_FULL-}" ]; then
	selftest
	lab_assert_eq "all paths" "$code $(grep -c '^!' <<<"$answer")" "0 0"
	lab_assert_eq "all paths: rows" "$(cells <<<"$answer" | wc -l)" "$("${SELFTEST[@]}" --list | cells | wc -l)"
	echo "$answer"
fi
selftest "${SOME[@]}"
lab_assert_eq "exit" "$code" 0 || echo "$answer"
cells <<<"$answer" >"$LAB_TMP/table"
lab_assert_eq "rows" "$(wc -l <"$LAB_TMP/table")" "${#SOME[@]}"
"${SELFTEST[@]}" --list | cells >"$LAB_TMP/declared"
lab_assert_eq "otherwise than declared" "$(grep -v 'not on this kernel' "$LAB_TMP/table" | grep -cvxFf "$LAB_TMP/declared")" 0
selftest --json tcp sctp packet sni-other
lab_assert_eq "as JSON: exit" "$code" 0
lab_assert_eq "as JSON: the same" \
	"$(jq -r '.paths[] | "\(.path) \(.host.found) \(.transit.found)"' <<<"$answer")" \
	"$(grep -E '^(tcp|sctp|packet|sni-other) ' "$LAB_TMP/table")"
lab_assert_eq "as JSON: sums" \
	"$(jq '.as_declared + .otherwise + .not_on_this_kernel == (.paths | length) and .otherwise == 0' <<<"$answer")" true
lab_assert_eq "nothing stays" "$(traces)" ""

# The daemon goes on, and has seen nothing but the packet sockets, which it looks for everywhere.
lab_assert_eq "the daemon answers" "$(lab_api /v1/health | jq -r '.attached | map(.ok) | all')" true
lab_assert_eq "what it counted" \
	"$(lab_scrape | grep -v '^process_\|^#\|kind="packet' | grep -v 'map_entries\|history_\|limits_hit' | diff "$LAB_TMP/before" -)" ""
lab_stop

# begin PATH…: starts it in the background, and waits until the first path is done.
begin() {
	"${SELFTEST[@]}" "$@" >"$LAB_TMP/begun" 2>&1 &
	begun=$! first=$1
	lab_wait 'grep -q "^. $first " "$LAB_TMP/begun" || ! kill -0 $begun' 60
}

# marked WHAT PATHS SUMS: how that one ended.
marked() {
	wait $begun
	lab_assert_eq "$1: exit" "$?" 1
	grep -A2 '^!' "$LAB_TMP/begun"
	lab_assert_eq "$1: marked" "$(awk '/^!/ { print $2 }' "$LAB_TMP/begun" | paste -sd,)" "$2"
	lab_assert_eq "$1: sums" "$(tail -n 1 "$LAB_TMP/begun")" "$3"
}

# A setting that takes ping sockets away, and a firewall in front of a port, in the mail host's namespace.
begin tcp udp-sendto udplite-sendto ping-sendto short-lived
for child in $(ps -o pid= --ppid $begun | head -n 2); do # those that stay
	nsenter --net="/proc/$child/ns/net" sysctl -qw net.ipv4.ping_group_range="1 0"
	nsenter --net="/proc/$child/ns/net" nft -f - <<-EOF2
		table inet torn {
			chain out {
				type filter hook output priority 0;
				meta l4proto udplite drop
			}
		}
	EOF2
done
marked "another environment" udplite-sendto,ping-sendto "5 paths: 3 as declared, 2 otherwise, 0 not on this kernel"
lab_assert "another environment: why" \
	grep -q 'host: expected: seen judged deniable; found: otherwise; socket: Permission denied' "$LAB_TMP/begun"

# A hook that somebody takes away on the way.
begin tcp udp-sendto short-lived
rm "/sys/fs/bpf/mewatch-selftest-$begun/links/connect4"@*
marked "a hook less" short-lived "3 paths: 2 as declared, 1 otherwise, 0 not on this kernel"
lab_assert "a hook less: why" \
	grep -q 'host: expected: seen judged deniable; found: otherwise; .* counted 0' "$LAB_TMP/begun"

# After a signal, nothing stays; after kill -9 the next one removes it.
for signal in TERM KILL; do
	begin child-netns child-netns-new child-netns-new-udp accepted
	kill -$signal $begun
	wait $begun 2>/dev/null
	code=$?
	if [ $signal = TERM ]; then
		lab_assert_eq "a signal: exit" "$code" 2
		lab_assert_eq "a signal: nothing stays" "$(traces)" ""
	else
		lab_assert_eq "killed: left" "$(traces | wc -l)" 3
	fi
done
selftest udp-sendto
lab_assert_eq "after a killed one" "$code $(traces)" "0 "

# What it needs.
"${SELFTEST[@]}" nonsense >/dev/null 2>"$LAB_TMP/stderr"
lab_assert_eq "no such path" "$? $(grep -c 'no path .nonsense., expected one of' "$LAB_TMP/stderr")" "2 1"
setpriv --reuid 65534 --clear-groups "${SELFTEST[@]}" tcp >/dev/null 2>"$LAB_TMP/stderr"
lab_assert_eq "not root" "$? $(grep -c 'run it as root' "$LAB_TMP/stderr")" "2 1"
lab_assert "not root: the list" setpriv --reuid 65534 --clear-groups "${SELFTEST[@]}" --list --json >/dev/null
