# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# What cannot work fails with one line that says what and why, the exit code of the contract, and
# nothing left behind.
. "$LAB_DIR/lib.sh"
lab_need setpriv bpftool

# refuses CODE PATTERN [COMMAND…] -- [ARGUMENT…]: mewatch run under the command, with the arguments after
# the usual ones. It says one line, unless `lines` is `any`: usage, and all errors of a policy.
refuses() {
	local code=$1 pattern=$2 wrapper=() status

	shift 2
	while [ "$1" != -- ]; do
		wrapper+=("$1")
		shift
	done
	shift
	timeout 20 "${wrapper[@]}" "${LAB_RUN[@]}" "$@" >"$LAB_TMP/stdout" 2>"$LAB_LOG"
	status=$?
	lab_assert_eq "$pattern: exit" $status "$code"
	[ "${lines-}" = any ] || lab_assert_eq "$pattern: lines" "$(wc -l <"$LAB_LOG")" 1
	lab_assert "$pattern: said '$(<"$LAB_LOG")'" grep -Eqi -- "$pattern" "$LAB_LOG"
	lab_assert_eq "$pattern: attached" \
		"$(bpftool cgroup show "$LAB_WATCHED" | awk 'NR > 1 && NF')" ""
	lab_assert "$pattern: pins" test ! -e "$LAB_PINS"
	lab_assert "$pattern: socket" test ! -e "$LAB_SOCKET"
	[ ! -e "$LAB_PINS" ] || "$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null # for the next
}

good_policy() {
	lab_policy <<-EOF
		resolvers: [198.51.100.53]
		allow:
		  - service: lab
		    to: [$LAB_LISTED4]
		    ports: [tcp/20000]
	EOF
}

lab_network
good_policy
without=(unshare --mount sh -c 'umount -l "$0" && exec "$@"')

# usage
lines=any refuses 2 no-such-option -- --no-such-option
refuses 2 no/such/cgroup -- --cgroup /no/such/cgroup
refuses 2 '127.0.0.1:http' -- --listen 127.0.0.1:http
refuses 2 'socket' -- --socket "$LAB_TMP/$(printf 'x%.0s' {1..120}).sock"
refuses 2 "$LAB_POLICY/api.sock" -- --socket "$LAB_POLICY/api.sock" # its parent is a file
refuses 2 "$LAB_POLICY/events" -- --events "$LAB_POLICY/events"
refuses 2 "$LAB_POLICY/mewatch.prom" -- --textfile "$LAB_POLICY/mewatch.prom"

# in use
"$LAB_BIN/sink" tcp/9815 >"$LAB_TMP/sink" &
lab_wait 'grep -q ready "$LAB_TMP/sink"'
refuses 4 '127\.0\.0\.1:9815' -- # held by another
kill $! && wait $!

# policy
mkdir "$LAB_TMP/directory"
head -c 100000 /dev/urandom >"$LAB_TMP/binary"
truncate -s 1G "$LAB_TMP/huge"
{
	echo 'version: 1'
	echo 'a0: &a0 [x, x]'
	for i in {1..30}; do
		echo "a$i: &a$i [*a$((i - 1)), *a$((i - 1))]"
	done
} >"$LAB_TMP/anchors"
refuses 2 "$LAB_TMP/directory.*directory" -- -c "$LAB_TMP/directory"
refuses 2 "$LAB_TMP/binary" -- -c "$LAB_TMP/binary"
refuses 2 "$LAB_TMP/huge.*(large|big|bytes)" -- -c "$LAB_TMP/huge"
lines=any refuses 2 "$LAB_TMP/anchors:[0-9]+.*anchor" -- -c "$LAB_TMP/anchors"
refuses 2 "$LAB_TMP/gone" -- -c "$LAB_TMP/gone"
refuses 2 no-such-profile -- --profile no-such-profile

# the kernel
refuses 3 'capabilit|CAP_' setpriv --bounding-set -bpf,-sys_admin,-net_admin,-perfmon --
refuses 3 'bpf' -- --pins "$LAB_TMP/pins"
refuses 3 'cgroup2' "${without[@]}" "$LAB_CGROUP_ROOT" --

# What was refused keeps nobody from starting. A text file that cannot be written later is a problem
# for as long as that lasts, said once.
textfile_problems() {
	lab_api /v1/health | jq '[.problems[] | select(contains("text.prom"))] | length'
}
mkdir "$LAB_TMP/collector"
lab_daemon --textfile "$LAB_TMP/collector/text.prom"
lab_wait '[ "$(lab_sum attempts_total <"$LAB_TMP/collector/text.prom")" = 0 ]'
lab_assert_eq "text file: problems" "$(textfile_problems)" 0
mv "$LAB_TMP/collector" "$LAB_TMP/away"
lab_settle "text file gone: problems" 1 textfile_problems
mv "$LAB_TMP/away" "$LAB_TMP/collector"
lab_settle "text file back: problems" 0 textfile_problems
lab_assert_eq "text file: said" "$(grep -c text.prom "$LAB_LOG")" 1
lab_stop
lab_assert_eq "stop" $? 0
"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null

# A machine without a bpffs gets one; here in a mount namespace that ends with the daemon.
lab_start_under "${without[@]}" /sys/fs/bpf
lab_wait lab_up 20
lab_assert "no bpffs: attached" test -n "$(bpftool cgroup show "$LAB_WATCHED")"
lab_stop
lab_wait '[ -z "$(bpftool cgroup show "$LAB_WATCHED")" ]'
lab_assert "no bpffs: pins" test ! -e "$LAB_PINS"
