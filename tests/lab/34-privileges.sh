# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# The daemon keeps few privileges of root's, or is started with fewer still as another user, and does
# everything with them: it sees who sent, attaches in a reload, enters namespaces, writes its state.
. "$LAB_DIR/lib.sh"
lab_need setpriv curl

# Of linux/capability.h: dac_override and, for both, dac_read_search, net_admin, sys_ptrace, sys_admin, perfmon,
# bpf.
few=$((1 << 2 | 1 << 12 | 1 << 19 | 1 << 21 | 1 << 38 | 1 << 39))
of_root=$((few | 1 << 1))

status() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$lab_daemon_pid/status"
}

# privileges WHO MASK
privileges() {
	local set

	for set in CapPrm CapEff CapBnd; do
		lab_assert_eq "$1: $set" "$(status $set)" "$(printf %016x "$2")"
	done
	lab_assert_eq "$1: no new privileges" "$(status NoNewPrivs)" 1
}

policy() {
	lab_policy <<-EOF
		watch: {cgroups: [$LAB_WATCHED_PATH]$1}
		resolvers: [198.51.100.53]
		allow:
		  - service: lab
		    to: [$LAB_LISTED4]
		    ports: [tcp/20000]
	EOF
}

attached() {
	lab_api /v1/health | jq "[.attached[] | select(.target == \"$1\" and .ok)] | length"
}

# start WHO [COMMAND…]: starts it under the command.
start() {
	local who=$1

	shift
	lab_start_under "$@"
	lab_wait lab_up 20
	lab_assert_eq "$who: problems" "$(lab_api /v1/health | jq -c .problems)" "[]"
}

links() {
	ls -i "$LAB_PINS/links" | sort
}

# works WHO UID MASK [COMMAND…]: what it has to be able to do, started under the command.
works() {
	local before port=80$(($2 % 9 + 10))

	start "$1" "${@:4}"
	privileges "$1" "$3"
	lab_assert_eq "$1: user" "$(status Uid)" "$2"
	lab_assert_eq "$1: socket" "$(stat -c '%a %u:%g' "$LAB_SOCKET")" "660 $2:$2"
	lab_in_cgroup setpriv --reuid 65533 --regid 65533 --clear-groups \
		curl -s --max-time 2 "http://$LAB_STRANGER4:$port/"
	lab_settle "$1: of another user" '"/usr/bin/curl" 65533 "'"$LAB_WATCHED_PATH"'"' \
		eval 'lab_api "/v1/violations?limit=1000" | jq -c ".violations[] | select(.dport == '"$port"') | .exe, .uid, .cgroup" | paste -sd" " -'
	policy ', interfaces: [lan0], hosts: [192.0.2.10]'
	lab_reload ok
	lab_settle "$1: an interface in a reload" 2 attached lan0
	lab_namespace
	nsenter --net="/proc/$LAB_HOLDER/ns/net" ip address add 203.0.113.77/32 dev lo
	lab_in_cgroup nsenter --net="/proc/$LAB_HOLDER/ns/net" \
		"$LAB_BIN/paths_udp" udp-sendto 203.0.113.77 $port 1 >/dev/null
	lab_settle "$1: own addresses of another namespace" '"local"' \
		eval 'lab_flows ".dport == '"$port"' and .dst == \"203.0.113.77\"" | jq -c .verdict'
	kill "$LAB_HOLDER"
	before=$(links)
	lab_mark
	lab_kill
	start "$1 again" "${@:4}"
	lab_assert_eq "$1 again: attached" "$(links)" "$before"
	lab_assert_eq "$1 again: attempts" "$(lab_delta attempts_total)" 0
	policy ''
	lab_reload ok
	lab_settle "$1: and away again" 0 attached lan0
	lab_stop
	lab_assert_eq "$1: stop" $? 0
	lab_assert "$1: state" test -s "$LAB_STATE/endpoints"
	lab_assert "$1: events" grep -q '"stop"' "$LAB_EVENTS"
	lab_assert_eq "$1: warnings" "$(grep -v ': info: ' "$LAB_LOG")" ""
	"$LAB_BUILD/mewatch" detach --pins "$LAB_PINS" >/dev/null
}

lab_network
ip link add lan0 type veth peer name lan1
ip link set lan0 up
# What is watched is for the policy to say.
LAB_RUN=("$LAB_BUILD/mewatch" run -c "$LAB_POLICY" --pins "$LAB_PINS" --state "$LAB_STATE"
	--socket "$LAB_SOCKET" --listen "$LAB_LISTEN" --events "$LAB_EVENTS")

policy ''
works root 0 $of_root

rm -rf "$LAB_STATE" "$LAB_EVENTS" "$LAB_LOG"
mkdir "$LAB_PINS"
chown 65534:65534 "$LAB_PINS" "$LAB_TMP"
policy ''
set=bpf,+net_admin,+perfmon,+dac_read_search,+sys_ptrace,+sys_admin
works user 65534 $few setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
	--bounding-set "-all,+$set" --inh-caps "-all,+$set" --ambient-caps "-all,+$set"
