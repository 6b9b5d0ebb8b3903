# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# Denying at the host: real clients get EPERM and the far side never sees a packet of them; what was
# there before, and what the policy allows, goes on; shadow tells what enforce denies, of the same random
# traffic; commands, and a policy that is read again under traffic.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/servers.sh"
lab_need curl dig nft python3

export ME_TEST_SEED=${ME_TEST_SEED:-$EPOCHSECONDS}
echo "# seed: ME_TEST_SEED=$ME_TEST_SEED"

policy() {
	lab_policy <<-EOF
		resolvers: [198.51.100.53]
		limits: {warmup: 0s}
		$1
		allow:
		  - service: dns
		    to: resolvers
		    ports: [udp/53, tcp/53]
		  - service: web
		    to: [$LAB_LISTED4]
		    ports: [tcp/80, tcp/443]
		  - service: lenient
		    to: [$LAB_LISTED4]
		    ports: [tcp/7000]
		    mode: monitor
	EOF
}

mode() {
	"$LAB_BUILD/mewatch" "$@" --socket "$LAB_SOCKET"
}

# How many packets came for the strangers.
strayed() {
	lab_far nft -j list counter inet seen strays | jq '.nftables[] | select(.counter) | .counter.packets'
}

denied() {
	lab_metric "denied_total{${1-}}"
}

# The requests of PATH to the far side's web server, and curl's exit code: 7 is that it cannot connect.
get() {
	lab_in_cgroup curl -sS --noproxy '*' -m 5 -o /dev/null "$@" 2>&1
}

lab_network
lab_nginx
lab_dnsmasq
lab_sink tcp/20000 udp/20000 tcp/7000 tcp/22
lab_far nft -f - <<-EOF || lab_die "no packet filter"
	table inet seen {
		counter strays { }
		chain in {
			type filter hook input priority 0
			ip daddr { $LAB_STRANGER4, 198.51.100.54 } counter name strays
			ip6 daddr $LAB_STRANGER6 counter name strays
		}
	}
EOF
policy ""
lab_daemon
lab_assert_eq "at first" "$(lab_api /v1/health | jq -c '[.mode.mode, .mode.enforcing, .mode.on_exit]')" \
	'["monitor",false,"keep"]'
lab_assert_eq "at first: metric" "$(lab_metric enforcing)" 0

# --- what was there before, such as the session in which it is said

lab_hold session bash -c 'exec 3<>/dev/tcp/$0/22; echo open
	while read -r line; do echo "$line" >&3; read -r back <&3; echo "$back"; done' $LAB_STRANGER4
lab_wait 'grep -q open "$LAB_TMP/held.session"'
lab_settle "session: a violation" 1 lab_metric 'connections_total{verdict="violation"}'
lab_assert_eq "it is said" "$(mode enforce)" "enforce"
lab_assert_eq "enforcing" "$(lab_metric enforcing)" 1
echo still here >&${lab_held[session.fd]}
lab_wait 'grep -q "still here" "$LAB_TMP/held.session"'
lab_wait 'lab_event_list ".event == \"mode\" and .state == \"enforce\"" | grep -q .'
before=$(strayed)

# --- real clients

lab_mark
for dest in $LAB_STRANGER4 "[$LAB_STRANGER6]"; do
	said=$(get "http://$dest/data") && lab_fail "$dest was reached"
	lab_assert "$dest: $said" grep -qi "operation not permitted\|failed to connect\|couldn't connect" <<<"$said"
done
for way in notcp tcp; do
	lab_in_cgroup dig +time=1 +tries=1 +$way @198.51.100.54 updates.example.com >"$LAB_TMP/dig" 2>&1 &&
		lab_fail "dig +$way was answered: $(<"$LAB_TMP/dig")"
done
lab_assert "listed" get "http://$LAB_LISTED4/data"
lab_assert_eq "dig" "$(lab_in_cgroup dig +short @198.51.100.53 updates.example.com A)" "$LAB_LISTED4"
lab_assert "EPERM" lab_in_cgroup python3 -c '
import errno, socket, sys
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    s = socket.socket(socket.AF_INET, kind)
    try:
        s.connect((sys.argv[1], 20000))
        s.send(b"x")
    except PermissionError as e:
        assert e.errno == errno.EPERM
    else:
        raise SystemExit("let through")' $LAB_STRANGER4
lab_assert_eq "packets that left" "$(strayed)" "$before"
violations=$(lab_delta 'connections_total{verdict="violation"}')
lab_assert "violations" test "$violations" -ge 6
lab_assert_eq "all of them denied" "$(lab_change denied_total)" "$violations"
lab_assert "wrong-resolver" test "$(lab_change 'denied_total{reason="wrong-resolver"}')" -ge 2
lab_settle "events" "$violations" lab_event_sum '.event == "violation" and .action == "denied"'
lab_settle "flows" "$violations" eval 'lab_flows ".action == \"denied\"" | wc -l'
lab_settle "outcome" aborted eval 'lab_flows ".action == \"denied\" and .proto == \"tcp\"" | jq -r .outcome | sort -u'
lab_assert_eq "allowed" "$(lab_change 'connections_total{verdict="allowed"}')" 2
lab_assert_sums "real clients"
lab_assert "explain" eval '"$LAB_BUILD/mewatch" explain -c "$LAB_POLICY" --socket "$LAB_SOCKET" $LAB_STRANGER4:80 |
	grep -q "mode .*enforce, as the daemon was told: denied"'

# A rule's own mode, and monitor for all.
lab_mark
lab_assert "by its rule" lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_STRANGER4 7000 1
lab_settle "by its rule" 1 lab_delta 'connections_total{verdict="violation"}'
lab_assert_eq "monitor" "$(mode monitor)" "monitor"
lab_assert "monitor" lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_STRANGER4 20000 1
lab_settle "monitor" 2 lab_delta 'connections_total{verdict="violation"}'
lab_assert_eq "neither is denied" "$(lab_change denied_total)" 0

# --- who may say it

chmod 0666 "$LAB_SOCKET"
chmod 0711 "$LAB_TMP"
lab_assert_eq "not anybody" "$(setpriv --reuid=65534 --regid=65534 --clear-groups \
	curl -s -o /dev/null -w '%{http_code}' -X POST --unix-socket "$LAB_SOCKET" 'http://localhost/v1/mode?set=enforce')" 403
lab_assert_eq "still" "$(lab_api /v1/health | jq -r .mode.mode)" monitor

# --- a time

lab_assert "for a time" eval 'mode enforce --for 2s | grep -q "^enforce until 20"'
get "http://$LAB_STRANGER4/data" && lab_fail "let through"
lab_wait 'get "http://$LAB_STRANGER4/data"'
lab_settle "its end is told" "monitor null" eval 'lab_event_list ".event == \"mode\"" | tail -n 1 | jq -r "\"\(.state) \(.said)\""'
lab_assert_eq "its end" "$(lab_api /v1/health | jq -c '[.mode.mode, .mode.said, .mode.until]')" '["monitor",null,null]'

# --- another policy under traffic

lab_hold traffic python3 -c '
import socket, sys, threading
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
denied = through = 0
print("open", flush=True)
while not stop.is_set():
    s = socket.socket()
    try:
        s.connect((sys.argv[1], 20000))
        through += 1
    except PermissionError:
        denied += 1
    s.close()
print(f"denied={denied} through={through}", flush=True)' $LAB_STRANGER4
lab_wait 'grep -q open "$LAB_TMP/held.traffic"'
lab_mark
for to in enforce monitor shadow enforce monitor; do
	policy "mode: $to"
	lab_reload ok
	now=$(denied) shadow=$(lab_metric shadow_denied_total)
	case $to in
	enforce) lab_wait "[ \$(denied) -gt $now ]" ;;
	shadow) lab_wait "[ \$(lab_metric shadow_denied_total) -gt $shadow ]" ;;
	monitor)
		attempts=$(lab_metric attempts_total)
		lab_wait "[ \$(lab_metric attempts_total) -gt $((attempts + 10)) ]"
		lab_assert_eq "monitor: nothing more" "$(denied) $(lab_metric shadow_denied_total)" "$now $shadow"
		;;
	esac
	lab_assert_sums "$to"
done
lab_release traffic
read -r counted through <<<"$(sed -n 's/denied=\([0-9]*\) through=\([0-9]*\)/\1 \2/p' "$LAB_TMP/held.traffic")"
lab_settle "each denied connect is one" "$counted" lab_delta denied_total
lab_assert "some were let through" test "$through" -gt 0
lab_release session
lab_sink_end
lab_stop

# --- the same traffic twice

# One attempt each, of the same kinds to the same ports and addresses whatever became of those before.
traffic() {
	lab_in_cgroup python3 -c '
import random, socket, sys
r = random.Random(int(sys.argv[1]))
addresses = ["'$LAB_LISTED4'", "'$LAB_STRANGER4'", "198.51.100.53", "198.18.0.7", "198.18.9.9"]
for _ in range(80):
    kind = r.choice([socket.SOCK_STREAM, socket.SOCK_DGRAM])
    to = r.choice(addresses), r.choice([25, 53, 80, 443, 853, 7000, 20000])
    s = socket.socket(socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM or r.random() < 0.5:
            s.connect(to)
            if kind == socket.SOCK_DGRAM:
                s.send(b"x")
        else:
            s.sendto(b"x", to)
    except OSError:
        pass
    s.close()' "$ME_TEST_SEED"
}

for to in shadow enforce; do
	rm -rf "$LAB_STATE" "$LAB_EVENTS" && "$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null
	policy "mode: $to"
	lab_daemon
	traffic
	lab_settle "$to: attempts" 80 lab_metric attempts_total
	lab_wait '[ "$(lab_flows true | wc -l)" -ge 80 ]'
	acted=$(lab_metric denied_total)
	[ $to = enforce ] || acted=$(lab_metric shadow_denied_total)
	lab_settle "$to: events" "$acted" lab_event_sum '.event == "violation" and .action != null'
	lab_event_list '.event == "violation" and .action != null' |
		jq -r '[.proto, .dst, .dport, .reason, .service] | join(" ")' | sort >"$LAB_TMP/$to"
	lab_assert_sums "$to"
	lab_stop
	"$LAB_BUILD/mewatch" report --state "$LAB_STATE" --format json >"$LAB_TMP/report.json"
	lab_assert_eq "$to: the report" \
		"$(jq -c '[([.violations_by_reason[].denied] | add), ([.violations_by_reason[].would_deny] | add)]' "$LAB_TMP/report.json")" \
		"$([ $to = enforce ] && echo "[$acted,0]" || echo "[0,$acted]")"
done
lab_assert_eq "shadow tells what enforce denies" "$(<"$LAB_TMP/shadow")" "$(<"$LAB_TMP/enforce")"
lab_assert "there is something" test -s "$LAB_TMP/enforce"
lab_assert "there are other violations" test "$(lab_event_sum '.event == "violation" and .action == null')" -gt 0
