# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# How flows end, and how many bytes they carried, for one endpoint: the outcomes are a partition.
. "$LAB_DIR/lib.sh"

ENDPOINT='endpoint="lab/outcomes",service="lab"'
UNROUTED4=192.0.2.99
attempts=0 sent=0 received=0 resets=0
declare -A outcomes

# ends OUTCOME COMMAND…: each attempt of the command ends so.
ends() {
	local outcome=$1

	shift
	lab_truth lab_in_cgroup "$@" || return
	attempts=$((attempts + truth[attempts]))
	sent=$((sent + truth[sent]))
	received=$((received + truth[received]))
	outcomes[$outcome]=$((${outcomes[$outcome]-0} + truth[attempts]))
	lab_settle "$outcome: $2 $3 $4" "${outcomes[$outcome]}" \
		lab_metric "endpoint_connections_total{$ENDPOINT,outcome=\"$outcome\"}"
}

lab_network
lab_sink tcp/20000 udp/20000 reset/20010 mute/20011
sysctl -qw net.ipv4.tcp_syn_retries=1
lab_far nft 'add table inet lab; add chain inet lab in { type filter hook input priority 0; };
	add rule inet lab in tcp dport 20998 drop;
	add rule inet lab in tcp dport 20997 meta nfproto ipv4 reject with icmp type host-unreachable;
	add rule inet lab in tcp dport 20997 reject with icmpv6 type addr-unreachable'
lab_policy <<EOF
resolvers: [198.51.100.53]
allow:
  - service: lab
    name: outcomes
    to: [$LAB_LISTED4, "$LAB_LISTED6", $UNROUTED4]
    ports: [tcp/20000-20999, udp/20000-20999, icmp, icmp6]
EOF
lab_daemon
for dest in $LAB_LISTED4 $LAB_LISTED6; do
	ends established "$LAB_BIN/paths_tcp" tcp $dest 20000 3
	ends established "$LAB_BIN/storm" tcp $dest 20000 2 bytes=1000000
	ends established "$LAB_BIN/paths_tcp" tcp-fastopen-sendmsg $dest 20000 3
	ends refused "$LAB_BIN/paths_tcp" tcp $dest 20999 2
	ends unreachable "$LAB_BIN/paths_tcp" tcp $dest 20997 2
	ends timeout "$LAB_BIN/paths_tcp" tcp $dest 20998 1
	ends aborted "$LAB_BIN/storm" tcp-abort $dest 20998 4
	ends answered "$LAB_BIN/paths_udp" udp-sendto $dest 20000 3
	ends answered "$LAB_BIN/paths_udp" udp-connect $dest 20000 3
	ends answered "$LAB_BIN/paths_udp" udp-gso $dest 20000 3
	ends unanswered "$LAB_BIN/storm" udp-fresh $dest 20011 5 bytes=100
done
ends unreachable "$LAB_BIN/paths_tcp" tcp $UNROUTED4 20000 2
lab_settle "bytes sent" $sent lab_metric "endpoint_bytes_total{$ENDPOINT,direction=\"sent\"}"
lab_settle "bytes received" $received lab_metric "endpoint_bytes_total{$ENDPOINT,direction=\"received\"}"
lab_assert_eq "resets" "$(lab_metric "endpoint_resets_total{$ENDPOINT}")" 0

# Reset by the peer: the connection was established, and the reset is counted besides.
before=$(lab_metric "endpoint_connections_total{$ENDPOINT,outcome=\"established\"}")
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20010 3
attempts=$((attempts + 3)) resets=3
lab_settle "resets" $resets lab_metric "endpoint_resets_total{$ENDPOINT}"
lab_assert_eq "reset: established" \
	"$(lab_metric "endpoint_connections_total{$ENDPOINT,outcome=\"established\"}")" $((before + 3))

lab_assert_eq "attempts" "$(lab_metric "endpoint_attempts_total{$ENDPOINT}")" $attempts
lab_assert_eq "outcomes are a partition" "$(lab_metric "endpoint_connections_total{$ENDPOINT}")" $attempts
lab_assert_eq "the board" "$(lab_api /v1/endpoints | jq '.endpoints[] | select(.endpoint == "lab/outcomes") |
	(.outcomes | add) == .attempts')" true

# A flow tells its own.
lab_assert_eq "flows" "$(lab_flows '.dport == 20999' | jq -r '[.outcome, .state] | join(" ")' | sort -u)" \
	"refused closed"
lab_assert_eq "flow bytes" "$(lab_flows '.dport == 20000 and .comm == "storm"' |
	jq -r '[.bytes_sent, .bytes_received] | map(tostring) | join(" ")' | sort -u)" "1000000 1000000"
lab_assert_eq "flow packets" "$(lab_flows '.dport == 20011' | jq .packets_sent | sort -u)" 1
lab_assert_sums "in all"
