# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# What was open before the watch began is found, judged and shown as such; it is no attempt. Whether
# this side opened it shows in its ports: the far one below those that the kernel picks for connects.
. "$LAB_DIR/lib.sh"

lab_network
sysctl -qw net.ipv4.ip_local_port_range="32768 60999"
lab_sink tcp/20000-20009 tcp/40000
lab_policy <<EOF
resolvers: [198.51.100.53]
allow:
  - service: lab
    to: [$LAB_LISTED4]
    ports: [tcp/20000-20009]
EOF
lab_hold listed "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 2 hold=1
lab_hold stranger "$LAB_BIN/storm" tcp $LAB_STRANGER4 20001 3 hold=1
lab_hold stranger6 "$LAB_BIN/storm" tcp $LAB_STRANGER6 20001 1 hold=1
lab_hold either "$LAB_BIN/storm" tcp $LAB_LISTED4 40000 1 hold=1
lab_in_cgroup "$LAB_BIN/paths_tcp" accept $LAB_HOST4 20005 1 >/dev/null &
lab_wait '[ -n "$(ss -Hltn sport = :20005)" ]'
mkfifo "$LAB_TMP/inbound"
"${lab_there[@]}" "$LAB_BIN/storm" tcp $LAB_HOST4 20005 1 hold=1 <"$LAB_TMP/inbound" >/dev/null &
exec 8>"$LAB_TMP/inbound"
lab_wait '[ -n "$(ss -Htn state established sport = :20005)" ]'
for name in listed stranger stranger6 either; do
	lab_wait "grep -q attempts= $LAB_TMP/held.$name"
done

lab_daemon
lab_settle "allowed" 2 lab_metric 'preexisting_flows_total{vantage="host",verdict="allowed"}'
lab_settle "violations" 4 lab_metric 'preexisting_flows_total{vantage="host",verdict="violation"}'
lab_assert_eq "attempts" "$(lab_metric attempts_total)" 0
lab_assert_eq "connections" "$(lab_metric connections_total)" 0
shown() {
	lab_flows '.preexisting' | jq -r '[.direction, .dst, .dport, .verdict // "none", .state] |
		map(tostring) | join(" ")' | sort | uniq -c | awk '{ $1 = $1; print }' | paste -sd, -
}
# the inbound one is none of them: at the host only what goes out is a flow
lab_settle "shown" "$(printf '%s\n' "2 out $LAB_LISTED4 20000 allowed open" \
	"3 out $LAB_STRANGER4 20001 violation open" "1 out $LAB_STRANGER6 20001 violation open" \
	"1 unknown $LAB_LISTED4 40000 unresolved open" | paste -sd, -)" shown
lab_assert_eq "owners" "$(lab_flows '.preexisting and .direction == "out"' | jq -r .comm | sort -u)" storm

# Each is a finding, told by itself and with what it is.
before_start='.event == "finding" and .kind == "before-start"'
lab_settle "findings" 7 lab_metric 'findings_total{kind="before-start"}'
lab_settle "findings told" 7 eval 'lab_event_list "$before_start" | wc -l'
lab_assert_eq "findings: destinations" "$(lab_event_list "$before_start" | jq -r .dst | sort -u | paste -sd,)" \
	"$LAB_LISTED4,$LAB_STRANGER4,$LAB_STRANGER6"
lab_assert_eq "findings: origin" "$(lab_event_list "$before_start" | jq -r .comm | sort -u)" storm

# They end as they are, and new ones beside them count.
lab_truth lab_in_cgroup "$LAB_BIN/paths_tcp" tcp $LAB_LISTED4 20000 3
for name in listed stranger stranger6 either; do
	lab_release $name
done
echo >&8
lab_settle "ended" 0 eval 'lab_flows ".preexisting and .state == \"open\"" | wc -l'
lab_settle "attempts" 3 lab_metric attempts_total
lab_assert_eq "preexisting" "$(lab_metric 'preexisting_flows_total{verdict="violation"}')" 4
lab_assert_sums "in all"

# A restart finds only what was open in cgroups that were not watched: the hooks have seen the rest.
mkdir "$LAB_CGROUPS/second"
lab_hold known "$LAB_BIN/storm" tcp $LAB_STRANGER4 20001 2 hold=1
LAB_IN=$LAB_CGROUPS/second lab_hold second "$LAB_BIN/storm" tcp $LAB_STRANGER4 20002 3 hold=1
for name in known second; do
	lab_wait "grep -q attempts= $LAB_TMP/held.$name"
done
lab_settle "known" 5 lab_metric attempts_total
lab_kill
lab_daemon
lab_assert_eq "restarted: preexisting" "$(lab_metric preexisting_flows_total)" 7
lab_stop
lab_daemon --cgroup "${LAB_WATCHED_PATH%/*}/second"
lab_settle "one more cgroup: preexisting" 10 lab_metric preexisting_flows_total
lab_assert_eq "one more cgroup: findings" "$(lab_metric 'findings_total{kind="before-start"}')" 10
lab_assert_eq "one more cgroup: attempts" "$(lab_metric attempts_total)" 5
for name in known second; do
	lab_release $name
done
lab_assert_sums "one more cgroup"
