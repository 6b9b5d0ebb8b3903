# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# Denying in transit: what the mail host sends to strangers is dropped at the gateway, data connections of
# FTP that nobody announced among it; a connection whose client names a stranger is cut under way; what
# the list allows, what was there before and what comes in goes on. Shadow counts the same. It goes on
# after kill -9.
. "$LAB_DIR/gateway-lib.sh"

ftp4=$(gateway_at4 ftp) web4=$(gateway_at4 web) stranger4=$(gateway_at4 stranger)
stranger6=$(gateway_at6 stranger)

policy() {
	lab_policy <<-EOF
		watch: {interfaces: [lan0], hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"]}
		resolvers: [$GATEWAY_LAN4]
		limits: {warmup: 0s, pending: 2s, udp_idle: 200ms}
		mode: $1
		allow:
		  - {service: dns, to: resolvers, ports: [udp/53]}
		  - {service: ftp, to: $ftp4, ports: [tcp/21]}
		  - {service: web, to: [meupdate.gfi.com], ports: [tcp/443]}
		  - {service: held, to: 198.51.100.1, ports: [tcp/20005], mode: monitor}
	EOF
}

# How many packets from the mail hosts' side reached the strangers.
strayed() {
	gateway_at internet nft -j list counter inet seen strays |
		jq '.nftables[] | select(.counter) | .counter.packets'
}

# What the mail host does that nobody allows: a connection, over IPv6, datagrams, an echo, DNS elsewhere.
strays() {
	local pids=() pid

	gateway_at mail bash -c 'exec 3<>/dev/tcp/$0/20000' $stranger4 2>/dev/null &
	pids+=($!)
	gateway_at mail bash -c 'exec 3<>/dev/tcp/$0/20000' $stranger6 2>/dev/null &
	pids+=($!)
	gateway_at mail bash -c 'exec 3>/dev/udp/$0/20000 && for i in 1 2 3; do echo x >&3; done' $stranger4 &
	pids+=($!)
	gateway_at mail "$LAB_BIN/paths_raw" raw-echo $stranger4 1 >/dev/null &
	pids+=($!)
	gateway_at mail dig +time=1 +tries=1 @$stranger4 meupdate.gfi.com >/dev/null &
	pids+=($!)
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
}

sent_to_web() {
	lab_flows ".sni == \"tracker.example\"" | jq -s 'map(.packets_sent) | add // 0'
}

gateway_network
gateway_servers
gateway_start internet "$LAB_BIN/sink" tcp/20000 udp/20000 tcp/20005 >"$LAB_TMP/sink"
lab_wait 'grep -q ready "$LAB_TMP/sink"'
# A server that counts what it gets: for SNI, whoever is meant.
cat >"$LAB_TMP/taker.py" <<'EOF'
import socket
s = socket.create_server(("", 4430))
print("ready", flush=True)
while True:
    c, _ = s.accept()
    got = 0
    while data := c.recv(65536):
        got += len(data)
        print(got, flush=True)
EOF
# A client that says whom it means, and then whatever comes to its mind.
cat >"$LAB_TMP/talker.py" <<'EOF'
import socket, ssl, sys, time
s = socket.create_connection((sys.argv[1], 443))
out = ssl.MemoryBIO()
try:
    ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=sys.argv[2]).do_handshake()
except ssl.SSLWantReadError:
    pass
s.sendall(out.read())
while True:
    time.sleep(0.2)
    s.sendall(b"x" * 1000)
EOF
gateway_start internet python3 "$LAB_TMP/taker.py" >"$LAB_TMP/taker"
lab_wait 'grep -q ready "$LAB_TMP/taker"'
gateway_at internet nft -f - <<-EOF || lab_die "no packet filter"
	table inet seen {
		counter strays { }
		chain in {
			type filter hook input priority 0
			ip daddr $stranger4 counter name strays
			ip6 daddr $stranger6 meta l4proto != icmpv6 counter name strays
		}
	}
	table ip taker {
		chain ports {
			type nat hook prerouting priority dstnat
			ip daddr $web4 tcp dport 443 redirect to 4430
		}
	}
EOF
policy shadow
lab_daemon

# --- shadow, and then the same for real

strays
lab_settle "shadow" 5 lab_metric shadow_denied_total
lab_assert_eq "shadow: denied" "$(lab_metric denied_total)" 0
lab_assert "shadow: they arrived" test "$(strayed)" -ge 5
lab_settle "shadow: events" 5 lab_event_sum '.event == "violation" and .action == "would-deny"'

# A connection of before, and one that comes in.
mkfifo "$LAB_TMP/in"
gateway_at mail bash -c 'exec 3<>/dev/tcp/$0/20005; echo open; while read -r line; do echo "$line" >&3
	read -r back <&3; echo "$back"; done' $stranger4 <>"$LAB_TMP/in" >"$LAB_TMP/before" &
lab_wait 'grep -q open "$LAB_TMP/before"'
policy enforce
lab_reload ok
before=$(strayed)
lab_mark
strays
lab_settle "enforce" 5 lab_delta denied_total
lab_assert_eq "enforce: nothing arrived" "$(strayed)" "$before"
lab_settle "enforce: events" 5 lab_event_sum '.event == "violation" and .action == "denied"'
lab_settle "enforce: TCP is aborted" "aborted" eval \
	'lab_flows ".action == \"denied\" and .proto == \"tcp\"" | jq -r .outcome | sort -u'
echo still here >"$LAB_TMP/in"
lab_wait 'grep -q "still here" "$LAB_TMP/before"' || lab_fail "the connection of before was cut"
lab_assert "from outside" eval 'gateway_start mail "$LAB_BIN/sink" tcp/25 >"$LAB_TMP/inbound" && lab_wait "grep -q ready $LAB_TMP/inbound" &&
	gateway_at internet bash -c "exec 3<>/dev/tcp/$GATEWAY_WAN4/25 && echo hello >&3 && read -r -t 5 back <&3"'

# --- FTP

lab_assert "announced" gateway_at mail curl -s -m 10 -o /dev/null "ftp://$ftp4/version.txt"
lab_mark
gateway_at mail timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/21" && head -n 1 <&3 >/dev/null &&
	exec 4<>"/dev/tcp/$0/40077"' $ftp4 2>/dev/null && lab_fail "it was let through"
lab_settle "not announced" 1 lab_delta 'denied_total{service="ftp",reason="ftp-unannounced"}'

# --- a name that is not listed, to the address of one that is

lab_mark
lab_assert_eq "learned" "$(gateway_at mail dig +short @$GATEWAY_LAN4 meupdate.gfi.com A)" "$web4"
gateway_at mail python3 "$LAB_TMP/talker.py" $web4 tracker.example &
talker=$!
lab_settle "mismatch" 1 lab_delta 'denied_total{service="web",reason="name-mismatch"}'
lab_settle "its event" 1 lab_event_sum '.event == "violation" and .sni == "tracker.example" and
	.state == "confirmed" and .reason == "name-mismatch" and .action == "denied"'
got=$(tail -n 1 "$LAB_TMP/taker")
sent=$(sent_to_web)
lab_wait "[ \$(sent_to_web) -gt $((sent + 1)) ]" 30 # it tries on
lab_assert_eq "nothing more arrives" "$(tail -n 1 "$LAB_TMP/taker")" "$got"
lab_assert "its first words did" test "$got" -gt 100

# --- without the daemon

before=$(strayed)
lab_kill
strays
lab_assert_eq "killed: nothing arrived" "$(strayed)" "$before"
lab_assert "killed: announced" gateway_at mail curl -s -m 10 -o /dev/null "ftp://$ftp4/version.txt"
lab_daemon
lab_wait '[ "$(lab_event_sum ".event == \"violation\" and .action == \"denied\"")" -ge 11 ]'
kill $talker
policy monitor
lab_reload ok
lab_assert "monitor again" gateway_at mail bash -c 'exec 3<>/dev/tcp/$0/20000' $stranger4
lab_assert_sums "in all"
