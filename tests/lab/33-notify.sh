# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# The service manager hears of every turn in the daemon's life, in order, and of its being alive; one
# that cannot be reached changes nothing. Without the loop there is no sign of life.
. "$LAB_DIR/lib.sh"
lab_need python3

heard=$LAB_TMP/heard

# What the manager hears on the socket, a line a message; | stands for the ends of the lines in it.
cat >"$LAB_TMP/manager.py" <<'EOP'
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1].replace("@", "\0"))
while True:
	print(listener.recv(65536).decode().replace("\n", "|"), flush=True)
EOP

# manager NAME: listens; NOTIFY_SOCKET's @ is a zero byte to the program.
manager() {
	python3 "$LAB_TMP/manager.py" "$1" >"$heard" &
	manager_pid=$!
	lab_wait "grep -qF -- '$1' /proc/net/unix"
}

# The messages but for the signs of life, their first words only.
words() {
	grep -vE '^(WATCHDOG|MARK)=' "$heard" | sed 's/=[^|]*|.*//' | paste -sd' ' -
}

signs() {
	grep -c '^WATCHDOG=1$' "$heard"
}

lab_network
lab_policy </dev/null
manager "$LAB_TMP/notify"
export NOTIFY_SOCKET=$LAB_TMP/notify WATCHDOG_USEC=400000
lab_daemon
lab_settle "ready" READY words
lab_assert_eq "ready: what runs" \
	"$(grep -o 'STATUS=.*' "$heard" | head -n 1)" \
	"STATUS=watching: policy generation $(lab_api /v1/health | jq .policy.generation), 1 cgroup(s), 0 interface(s)"

# Half of what is allowed: twice as many as are needed, and none while the loop stands.
lab_wait '[ "$(signs)" -ge 10 ]' 20
kill -STOP "$lab_daemon_pid"
lab_wait 'grep -q "^State:.*stopped" /proc/$lab_daemon_pid/status'
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"MARK=1|", sys.argv[1])' "$NOTIFY_SOCKET"
lab_wait 'grep -q "^MARK" "$heard"' # all before it have been heard
before=$(signs)
until=$((${EPOCHREALTIME/./} + 1000000))
lab_wait '[ ${EPOCHREALTIME/./} -gt $until ]'
lab_assert_eq "stopped: signs" "$(signs)" "$before"
kill -CONT "$lab_daemon_pid"
lab_wait '[ "$(signs)" -gt "$before" ]'

lab_reload ok
lab_settle "reloaded" "READY RELOADING READY" words
lab_assert "reload: its time" grep -Eq '^RELOADING=1\|MONOTONIC_USEC=[0-9]+\|' "$heard"
lab_policy <<<'alow: []'
lab_reload failed
lab_settle "refused" "READY RELOADING READY RELOADING READY" words
lab_assert "refused: why" grep -q "^READY=1|STATUS=policy generation [0-9]* stays in force: $LAB_POLICY:" "$heard"
lab_policy </dev/null
lab_reload ok
lab_stop
lab_assert_eq "stop" $? 0
lab_settle "stopped" "READY RELOADING READY RELOADING READY RELOADING READY STOPPING" words
lab_assert "good again: nothing stays of it" \
	test "$(grep '^READY' "$heard" | tail -n 1 | grep -c 'stays in force')" = 0

# A start that fails says so in the manager's words; an abstract name; the watchdog of another.
kill $manager_pid && wait $manager_pid
manager @mewatch-lab-$$
export NOTIFY_SOCKET=@mewatch-lab-$$ WATCHDOG_PID=$$
"${LAB_RUN[@]}" --cgroup /no/such/cgroup 2>/dev/null
lab_assert_eq "no such cgroup: exit" $? 2
lab_settle "failed" ERRNO words
lab_assert "failed: invalid" grep -q '^ERRNO=22|STATUS=' "$heard"
lab_daemon
lab_settle "ready by name" "ERRNO READY" words
lab_wait '[ "$(lab_api /v1/health | jq .uptime_s)" -ge 1 ]' # five times half of it
lab_assert_eq "the watchdog of another: signs" "$(signs)" 0
lab_stop

# Nobody there, or nothing that could be: the daemon runs, and says it once.
kill $manager_pid && wait $manager_pid
for NOTIFY_SOCKET in "$LAB_TMP/notify" @mewatch-lab-$$ vsock:2:1; do
	: >"$LAB_LOG"
	lab_daemon
	lab_reload ok
	lab_assert_eq "$NOTIFY_SOCKET: said" "$(grep -c NOTIFY_SOCKET "$LAB_LOG")" 1
	lab_stop
	lab_assert_eq "$NOTIFY_SOCKET: stop" $? 0
done

# The journal reads the level of each line.
unset NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID
: >"$LAB_LOG"
JOURNAL_STREAM=$(stat -c %d:%i "$LAB_LOG") lab_daemon
lab_stop
lab_assert_eq "the journal: levels" "$(grep -cv '^<[3467]>[a-z]*: ' "$LAB_LOG")" 0
lab_assert "the journal: something" grep -q '^<6>info: watching' "$LAB_LOG"
