# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# Slow and stuck clients, all at once: of the API those that ask for everything and take nothing, those that
# take a byte now and then and those that say nothing; and a reader of the events that is stopped. Scrapes are
# answered meanwhile, memory is bounded, and nothing is lost that is not told once the reader goes on.
. "$LAB_DIR/overload-lib.sh"
lab_need python3

flows=$([ -n "${LAB_FULL-}" ] && echo 100000 || echo 10000)
violations=20000
seconds=$([ -n "${LAB_FULL-}" ] && echo 45 || echo 5)

cat >"$LAB_TMP/stuck.py" <<'EOP'
import select, socket, sys, time

def dial(ask):
	to = socket.socket(socket.AF_UNIX)
	to.connect(sys.argv[1])
	to.setblocking(False)
	if ask:
		to.send(b"GET /v1/flows?limit=100000 HTTP/1.1\r\nHost: x\r\n\r\n")
	return to

# Deaf, slow and silent ones; who is thrown out comes again.
held = [(kind, dial(kind != "silent")) for kind in ["deaf"] * 20 + ["slow"] * 10 + ["silent"] * 20]
print("ready", flush=True)
until, again = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < until:
	for i, (kind, to) in enumerate(held):
		try:
			to.recv(1, 0 if kind == "slow" else socket.MSG_PEEK)
		except BlockingIOError:
			continue
		except OSError:
			pass
		watch = select.poll()
		watch.register(to, select.POLLHUP)
		if watch.poll(0):
			to.close()
			held[i] = (kind, dial(kind != "silent"))
			again += 1
	time.sleep(0.2)
print("again=%d" % again)
EOP

LAB_RUN=("${LAB_RUN[@]/#"$LAB_EVENTS"/$LAB_TMP/pipe}")
mkfifo "$LAB_TMP/pipe"
exec 9<>"$LAB_TMP/pipe"
python3 -c 'import fcntl; fcntl.fcntl(9, 1031, 4096)' # F_SETPIPE_SZ: soon full
cat "$LAB_TMP/pipe" >"$LAB_EVENTS" 9<&- &
reader=$!

overload_network
lab_policy <<EOF
limits: {flows: $((2 * flows)), udp_idle: 3600s, warmup: 0s}
allow:
  - service: lab
    to: [198.18.0.0/16]
    ports: [udp/30000-30099]
EOF
lab_daemon
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp $LAB_MANY4 30000 $flows ports=100 addresses=60000
lab_settle "flows" $flows lab_metric 'connections_total{verdict="allowed"}'

resident=$(overload_memory VmRSS)
overload_begin
kill -STOP $reader
python3 "$LAB_TMP/stuck.py" "$LAB_SOCKET" $seconds >"$LAB_TMP/stuck" 2>&1 &
stuck=$!
lab_wait 'grep -q ready "$LAB_TMP/stuck"' 30
lab_truth lab_in_cgroup "$LAB_BIN/storm" udp 198.19.0.1 30000 $violations ports=100 addresses=60000
worst=0
while kill -0 $stuck 2>/dev/null; do
	began=$(overload_now)
	lab_assert "a scrape" test -n "$(curl -sS --max-time 60 --retry 5 --retry-all-errors --retry-delay 1 "http://$LAB_LISTEN/metrics" | grep '^mewatch_attempts_total')"
	took=$(($(overload_now) - began))
	[ $took -le $worst ] || worst=$took
	sleep 0.5
done
wait $stuck
lab_assert_eq "the clients: $(tail -n 3 "$LAB_TMP/stuck")" $? 0
lab_assert "the stopped reader was not waited for: lost" test "$(lab_metric 'events_lost_total{source="file"}')" -gt 0
kill -CONT $reader
overload_over
overload_normal "overload_told $violations"
# what they made it take goes back, but for what is kept of the violations
lab_wait '[ "$(overload_memory VmRSS)" -le $((resident + violations * 1250)) ]' 30 ||
	lab_fail "memory: $resident bytes before, $(overload_memory VmRSS) after"
overload_row clients $((flows + violations)) "$(lab_metric connections_total)" \
	"$(lab_metric 'events_lost_total{source="file"}') events, told later" \
	"50 clients, $flows flows each; slowest scrape $worst ms"
