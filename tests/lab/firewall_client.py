# SPDX-License-Identifier: GPL-2.0-only
#
# firewall_client.py SOURCE4 SOURCE6 COUNT DESTINATION…: random flows of one packet each, a socket each, to these
# and random ports; ME_TEST_SEED draws them. The last line says how many there were. Over TCP whoever is asked
# accepts or refuses; who does neither is an error, because a second SYN would be a second new packet.
import os, random, selectors, socket, sys

source = {socket.AF_INET: sys.argv[1], socket.AF_INET6: sys.argv[2]}
count = int(sys.argv[3])
destinations = sys.argv[4:]
draw = random.Random(int(os.environ["ME_TEST_SEED"]))
PORTS = [22, 25, 53, 80, 88, 389, 443, 587, 853, 1023, 1024, 2000, 2001, 8015, 9091, 9093, 9095, 20000]
made = {"tcp": 0, "udp": 0, "silent": 0}
used = set()

for _ in range(count):
    to = draw.choice(destinations)
    port = draw.choice(PORTS) if draw.random() < 0.8 else draw.randrange(1, 65536)
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    tcp = draw.random() < 0.6
    with socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
        while True:
            sport = draw.randrange(10000, 61000)
            if (tcp, family, sport) in used:
                continue
            used.add((tcp, family, sport))
            try:
                s.bind((source[family], sport))
                break
            except OSError:
                continue
        if tcp:
            s.settimeout(0.9)
            try:
                s.connect((to, port))
            except ConnectionRefusedError:
                pass
            except OSError:
                made["silent"] += 1
        else:
            s.sendto(b"x", (to, port))
    made["tcp" if tcp else "udp"] += 1
print(" ".join(f"{key}={value}" for key, value in made.items()))
