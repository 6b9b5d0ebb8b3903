# SPDX-License-Identifier: GPL-2.0-only
#
# Many names, to fill what is kept of them:
#
#	overload_dns.py serve ADDRESS         answers; a query for silent.* gets none
#	overload_dns.py ask SERVER KIND N [RATE]
#
# KIND: names (n0.e0.example …, each with an address of its own), aliases (a0.example …, answered by a CNAME
# without an address), silent (never answered). Says `asked=N answered=M`.
import select, socket, struct, sys, time

A, CNAME, IN = 1, 5, 1
FIRST = (198 << 24 | 18 << 16) + 1  # LAB_MANY4
WINDOW = 64  # queries on their way, far fewer than a socket's buffer holds


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(kind, data):
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, IN, 3600, len(data)) + data


def serve(address):
    to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    to.bind((address, 53))
    print("ready", flush=True)
    while True:
        query, peer = to.recvfrom(512)
        label = query[13 : 13 + query[12]].decode()
        if label == "silent":
            continue
        number = int(label[1:])
        if label[0] == "n":
            answer = record(A, struct.pack("!I", FIRST + number))
        else:
            answer = record(CNAME, encode("t%d.elsewhere.example" % number))
        to.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:] + answer, peer)


def name_of(kind, i):
    if kind == "names":
        return "n%d.e%d.example" % (i, i // 10000)
    return "a%d.example" % i if kind == "aliases" else "silent.s%d.example" % i


def ask(server, kind, count, rate):
    to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to.connect((server, 53))
    began, answered, last = time.monotonic(), 0, time.monotonic()
    for i in range(count):
        if rate and i % 32 == 0:
            time.sleep(max(0, began + i / rate - time.monotonic()))
        to.send(struct.pack("!H", i & 0xFFFF) + b"\1\0\0\1\0\0\0\0\0\0" + encode(name_of(kind, i)) + struct.pack("!HH", A, IN))
        while kind != "silent" and i + 1 - answered >= WINDOW:
            if not select.select([to], [], [], 5)[0]:
                sys.exit("no answer")
            to.recv(512)
            answered += 1
    while kind != "silent" and answered < count:
        if not select.select([to], [], [], 5)[0]:
            sys.exit("no answer")
        to.recv(512)
        answered += 1
    print("asked=%d answered=%d ms=%d" % (count, answered, 1000 * (time.monotonic() - began)))


if sys.argv[1] == "serve":
    serve(sys.argv[2])
ask(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]) if len(sys.argv) > 5 else 0)
