# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# Frames that are not plain: a trunk with VLAN tags, fragments of IPv4 and IPv6, a segment with a smaller
# MTU than the internet's. Watched on the trunk and on the VLAN, one after the other: the same truth.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/replay-lib.sh"

truth_file=$LAB_TMP/truth

# client 4|6 KIND PORT COUNT [OPTION]…: from the mail host to the listed server.
client() {
	local source=GATEWAY_MAIL$1

	lab_truth gateway_at mail "$LAB_BIN/gateway_client" $2 ${!source} "$(gateway_at$1 truth)" $3 $4 "${@:5}" \
		truth="$truth_file"
	lab_assert_eq "$*: failed" "${truth[failed]}" 0
}

# compare: `same`, or in what truth and flows differ.
compare() {
	lab_flows '.direction == "out"' | jq -r '[.proto, .src, .sport, .dst, .dport, .outcome, .bytes_sent,
		.bytes_received, .verdict] | map(tostring) | join(" ")' | sort >"$LAB_TMP/seen"
	cut -d' ' -f1-8 "$truth_file" | sed 's/$/ allowed/' | sort >"$LAB_TMP/want"
	diff "$LAB_TMP/want" "$LAB_TMP/seen" | head -n 8
}

policy_on() {
	lab_policy <<-EOF
		resolvers: [$GATEWAY_LAN4]
		limits: {warmup: 0s}
		watch:
		  interfaces: [$1]
		  hosts: [{mac: "$GATEWAY_MAIL_MAC"}]
		allow:
		  - service: lab
		    to: [$(gateway_at4 truth), "$(gateway_at6 truth)"]
		    ports: [tcp/5000, udp/20000-20031]
	EOF
}

# What the mail host does; fragments come in both directions. Of datagrams, who draws the same port once more
# goes on with the same flow: each has a port of the server's to itself.
udp_port=20000
traffic() {
	local family size

	for family in 4 6; do
		client $family tcp 5000 10 up=60000 down=60000 ends=7
		for size in 1000 1000 1000 20000 20000 20000; do
			client $family udp $((udp_port++)) 1 up=$size datagrams=2
		done
	done
}

gateway_seed
gateway_network vlan=on mtu=1400
gateway_start internet "$LAB_BIN/gateway_server" 5000 >"$LAB_TMP/server"
gateway_start internet "$LAB_BIN/sink" udp/20000-20031 >"$LAB_TMP/sink"
lab_wait 'grep -q ready "$LAB_TMP/server" && grep -q ready "$LAB_TMP/sink"' || lab_die "no servers"
# the router tells the internet's side of the smaller MTU: that datagram is lost
lab_truth gateway_at mail "$LAB_BIN/gateway_client" mute $GATEWAY_MAIL6 "$(gateway_at6 truth)" 20031 1 up=20000
for interface in lan0 lan.10; do
	policy_on $interface
	if [ -n "$lab_daemon_pid" ]; then
		lab_reload ok
	else
		replay_begin
		lab_daemon
	fi
	traffic
	lab_settle "$interface: flows" "" compare
	attempts=$(wc -l <"$truth_file")
	lab_assert_eq "$interface: attempts" "$(lab_metric 'attempts_total{vantage="transit"}')" $attempts
	lab_assert_eq "$interface: allowed" \
		"$(lab_metric 'connections_total{service="lab",verdict="allowed"}')" $attempts
	lab_assert_sums "$interface"
	if [ $interface = lan0 ]; then
		replay_same "frames"
		replay_end
	fi
done
lab_assert_eq "violations" "$(lab_metric violations_total)" 0
