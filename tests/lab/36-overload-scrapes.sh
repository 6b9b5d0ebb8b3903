# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# A thousand scrapes at once, from a hundred addresses, while traffic is counted: who is cut off for want of
# room is counted and tries again, each scrape that comes is a whole one and adds up, and descriptors and
# memory stay bounded.
. "$LAB_DIR/overload-lib.sh"
lab_need python3

rounds=$([ -n "${LAB_FULL-}" ] && echo 2 || echo 1)
number=1000

cat >"$LAB_TMP/scrapes.py" <<'EOP'
import re, selectors, socket, sys, time

number, rounds = int(sys.argv[1]), int(sys.argv[2])
tries = whole = wrong = 0

def begin(events, i):
	global tries
	to = socket.socket()
	to.setblocking(False)
	to.bind(("127.0.1.%d" % (i % 100 + 1), 0))
	to.connect_ex(("127.0.0.1", 9815))
	events.register(to, selectors.EVENT_WRITE, [i, b""])
	tries += 1

def ends(text):
	head, _, body = text.partition(b"\r\n\r\n")
	length = re.search(rb"Content-Length: (\d+)", head)
	return body.decode() if length and len(body) == int(length[1]) else None

def total(body, name):
	return sum(int(float(line.rsplit(" ", 1)[1])) for line in body.splitlines() if line.startswith("mewatch_" + name))

for _ in range(rounds):
	with selectors.DefaultSelector() as events:
		for i in range(number):
			begin(events, i)
		done, deadline = 0, time.monotonic() + 300
		while done < number and time.monotonic() < deadline:
			for key, what in events.select(1):
				i, text = key.data
				try:
					if what & selectors.EVENT_WRITE:
						key.fileobj.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
						events.modify(key.fileobj, selectors.EVENT_READ, key.data)
						continue
					piece = key.fileobj.recv(1 << 20)
				except OSError:
					piece = b""
				key.data[1] += piece
				if piece:
					continue
				events.unregister(key.fileobj)
				key.fileobj.close()
				body = ends(key.data[1])
				if body is None:
					begin(events, i)
					continue
				done += 1
				whole += 1
				if total(body, "attempts_total") != total(body, "connections_total") + total(body, "pending_flows"):
					wrong += 1
print("whole=%d wrong=%d tries=%d" % (whole, wrong, tries))
EOP

overload_network
lab_policy <<EOF
allow:
  - service: lab
    to: [198.18.0.0/16]
    ports: [udp/30000-30099]
EOF
lab_daemon
overload_begin
lab_hold load "$LAB_BIN/storm" udp-fresh $LAB_MANY4 30000 0 ports=200 addresses=1000 rate=20000
began=$(overload_now)
lab_truth python3 "$LAB_TMP/scrapes.py" $number $rounds
took=$(($(overload_now) - began))
lab_assert_eq "whole ones" "${truth[whole]}" $((rounds * number))
lab_assert_eq "that do not add up" "${truth[wrong]}" 0
tries=${truth[tries]} whole=${truth[whole]}
open=$(ls "/proc/$lab_daemon_pid/fd" | wc -l)
lab_assert "$open descriptors" test "$open" -lt 600
lab_release load
overload_over
lab_truth cat "$LAB_TMP/held.load"
lab_settle "attempts" "${truth[attempts]}" lab_metric attempts_total
overload_normal 'overload_told "$(lab_metric "violations_total{state=\"confirmed\"}")"'
cut=$(lab_metric 'limits_hit_total{limit="http_connections"}')
lab_assert "who was cut off is counted: $cut of $((tries - whole))" test "$cut" -ge 1 -o $tries = $whole
overload_row scrapes "${truth[attempts]}" "$(lab_metric attempts_total)" "$((tries - whole)) connections" \
	"$number at once, $rounds times: $((whole * 1000 / took)) whole ones a second"
