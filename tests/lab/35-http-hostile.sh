# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# Hostile clients at every listener, all at once: a thousand that say nothing and come again, some that speak
# slowly or do not listen, and what is no HTTP. The daemon answers everybody else, within its descriptors and its
# memory, and listens nowhere that it was not told to.
. "$LAB_DIR/lib.sh"
lab_need python3 ss

idle=$([ -n "${LAB_FULL-}" ] && echo 10000 || echo 1000)

cat >"$LAB_TMP/hostile.py" <<'EOP'
import random, resource, socket, sys, time
kind, number, where = sys.argv[1], int(sys.argv[2]), sys.argv[3]
resource.setrlimit(resource.RLIMIT_NOFILE, (number + 100, number + 100))

def dial():
	if where.startswith("/"):
		to = socket.socket(socket.AF_UNIX)
		to.connect(where)
	else:
		to = socket.create_connection(where.rsplit(":", 1))
	to.settimeout(5)
	return to

def say(to, what):
	try:
		to.send(what)
		return True
	except OSError:
		return False

def heard(to):
	try:
		return to.recv(100).decode(errors="replace")
	except OSError:
		return ""

held = [dial() for _ in range(number)]
print("ready", flush=True)
if kind == "idle":
	while True: # and come again
		for i, to in enumerate(held):
			to.close()
			held[i] = dial()
			time.sleep(0.05)
if kind == "slow":
	text = b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 100000
	for byte in text:
		for i, to in enumerate(held):
			if not say(to, bytes([byte])):
				to.close()
				held[i] = dial()
		time.sleep(0.5)
if kind == "deaf": # asks and takes nothing of the answer
	while True:
		for i, to in enumerate(held):
			if not say(to, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
				to.close()
				held[i] = dial()
		time.sleep(2)
if kind == "wrong":
	chance = random.Random(int(sys.argv[4]))
	while True:
		for what in (b"POST / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n" + b"x" * 10000,
				b"GET /" + b"a" * 60000 + b" HTTP/1.1\r\n\r\n",
				b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(5000)) + b"\r\n",
				b"CONNECT x:1 HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\r\n" * 1000,
				chance.randbytes(5000)):
			to = dial()
			say(to, what)
			answer = heard(to)
			if answer.startswith("HTTP/1.1 2"):
				print("success:", what[:30], flush=True)
			to.close()
			time.sleep(0.1)
EOP

# hostile KIND NUMBER WHERE
hostile() {
	local out=$LAB_TMP/hostile.$((++hostiles))

	python3 "$LAB_TMP/hostile.py" "$@" "${seed}" >"$out" 2>&1 &
	lab_wait "[ -e '$out' ] && grep -q ready '$out'" 30
}
hostiles=0
seed=${ME_TEST_SEED:-$RANDOM}
echo "seed: ME_TEST_SEED=$seed"

lab_network
lab_policy </dev/null
lab_daemon --api-listen $LAB_HOST4:9816
lab_assert_eq "listens" "$(ss -Hltnp | grep "pid=$lab_daemon_pid," | awk '{ print $4 }' | sort | paste -sd' ' -)" \
	"127.0.0.1:9815 $LAB_HOST4:9816"
before=$(awk '/^VmRSS/ { print $2 }' "/proc/$lab_daemon_pid/status")

for where in "$LAB_SOCKET" "$LAB_LISTEN" "$LAB_HOST4:9816"; do
	hostile idle $idle "$where"
	hostile slow 20 "$where"
	hostile deaf 20 "$where"
	hostile wrong 1 "$where"
done
for round in {1..10}; do
	lab_assert "round $round: metrics" grep -q '^mewatch_attempts_total' <<<"$(lab_scrape)"
	lab_assert_eq "round $round: the socket" "$(lab_api /v1/health | jq .pid)" $lab_daemon_pid
	lab_assert_eq "round $round: the API" \
		"$(lab_far curl -sS --max-time 10 "http://$LAB_HOST4:9816/v1/health" | jq .pid)" $lab_daemon_pid
	open=$(ls "/proc/$lab_daemon_pid/fd" | wc -l)
	lab_assert "round $round: $open descriptors" test "$open" -lt 600
done
lab_assert_eq "no success by what is none" "$(grep -h success "$LAB_TMP"/hostile.[0-9]*)" ""
lab_assert_eq "no client fell over" "$(grep -h Error "$LAB_TMP"/hostile.[0-9]*)" ""
after=$(awk '/^VmRSS/ { print $2 }' "/proc/$lab_daemon_pid/status")
lab_assert "memory: $before kB, then $after" test $((after - before)) -lt 65536
lab_stop
lab_assert_eq "stop" $? 0

# Without being asked it listens at loopback only.
lab_daemon
lab_assert_eq "unasked" "$(ss -Hltnp | grep "pid=$lab_daemon_pid," | awk '{ print $4 }')" 127.0.0.1:9815
lab_stop
