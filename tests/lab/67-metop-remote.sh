# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2086,SC2119,SC2120,SC2154
#
# metop over a network, from another namespace: a daemon that goes and comes back, hangs, or is cut
# off. The keys work all the time, the screen stays, and says how old it is and why.
. "$LAB_DIR/lib.sh"
lab_need tmux jq
METOP=$LAB_BUILD/metop
fail() { lab_fail "$@" || true; }
. "$LAB_DIR/metop-terminal.sh"

lab_network
lab_sink tcp/20000-20009
lab_policy <<END
resolvers: [198.51.100.53]
limits: {warmup: 0s}
allow:
  - service: lab
    name: the far side
    to: [$LAB_LISTED4]
    ports: [tcp/20000-20009]
END
URL=http://$LAB_HOST4:9816
RUN_AS=${lab_there[*]}

expect_long() { until_true 60 shows "$2" || { fail "$1: no line matches '$2'"; show_screen; }; }
# The keys are answered at once, whatever the daemon does.
keys_work() {
	keys 5
	expect "$1: keys" '\[5 Health\]'
	keys 2
	expect "$1: keys" '\[2 Flows\]'
}

# Nobody there yet; then there.
start 120x30 -- --view flows
expect "nobody" "no answer from $URL"
expect "remedy" 'must run with --api-listen'
expect "and when again" 'trying until it answers'
lab_daemon --api-listen $LAB_HOST4:9816
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20001 3
expect_long "there" "^>\\+ allowed +$LAB_LISTED4 .*20001/tcp"
expect "which" "^mewatch [0-9.]+  on $LAB_HOST4:9816"
expect "fresh" 'data [01]s old'
keys Enter
expect "its story" 'opened +to 198\.51\.100\.10:20001/tcp'
keys Escape

# It goes: the data stay and get older, the reason is told, and when it is asked again. It comes back.
kill "$lab_daemon_pid"
wait "$lab_daemon_pid" || true
expect "gone" "^no answer from $URL: .*again in [0-9]+s"
shows "allowed +$LAB_LISTED4" || fail "the last data are gone from the screen"
expect_long "older" 'data ([6-9]|[1-9][0-9])s old'
keys_work "gone"
lab_daemon --api-listen $LAB_HOST4:9816
keys C-l # now, and not when its time has come
expect "back" 'data [01]s old'
expect_not "back" 'no answer'
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20002 1
expect "goes on" '20002/tcp'

# It hangs: accepts, and says nothing.
kill -STOP "$lab_daemon_pid"
expect_long "hangs" 'data ([6-9]|1[0-9])s old, waiting'
keys_work "hangs"
expect_long "hangs" "^$URL gives no answer within 10 s"
kill -CONT "$lab_daemon_pid"
expect_long "goes on" 'data [01]s old'
expect_not "goes on" 'gives no answer'

# The cable: nothing comes back, not even a refusal.
ip link set host0 down
expect_long "cut off" "^($URL gives no answer|no answer from $URL)"
keys_work "cut off"
ip link set host0 up
expect_long "whole again" 'data [01]s old'
kill "$lab_daemon_pid"
wait "$lab_daemon_pid" || true
keys q
expect_end "quit" "0 restored"
