# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# What the scenarios of interfaces share: cables that are put in and pulled, what is attached where, and
# whether what passes is counted, each flow once.
. "$LAB_DIR/gateway-more-lib.sh"

LINKS_MAC=02:00:00:00:00:01 # of the gateway, whatever interface it has on the segment
links_hosts="$GATEWAY_MAIL4, '$GATEWAY_MAIL6'"
links_idle=1h
links_streamed=0 links_plugged=0 # datagrams that are not in the truth; cables
links_port=lan0

# links_policy INTERFACE…
links_policy() {
	lab_policy <<-EOF
		resolvers: [$GATEWAY_LAN4]
		limits: {warmup: 0s, udp_idle: $links_idle}
		watch:
		  interfaces: [$(paste -sd, <<<"${*// /,}")]
		  hosts: [$links_hosts]
		allow:
		  - service: lab
		    name: truth
		    to: [$(gateway_at4 truth), "$(gateway_at6 truth)"]
		    ports: [tcp/5000, udp/20000-20029]
	EOF
}

# links_watch LABEL INTERFACE…: from now on these, which are there.
links_watch() {
	local label=$1 name want=

	shift
	links_policy "$*"
	lab_reload ok
	for name; do
		want+=,$(links_both $name 1)
	done
	lab_assert_eq "$label: attached" "$(links_attached)" "${want#,}"
}

# links_plug NAME [index N]: a cable to the segment; it is down. Its other end is links_port.
links_plug() {
	local port=port$((links_plugged++))

	links_port=$port
	ip link add name "$1" "${@:2}" address $LINKS_MAC type veth peer name $port netns "${gateway_holder[segment]}" ||
		lab_die "no veth"
	gateway_at segment ip link set $port master br0 up
}

# links_begin: the gateway's network with its one MAC address, and its servers.
links_begin() {
	local host

	gateway_seed
	gateway_network nat=off
	more_servers 5000
	ip link set lan0 address $LINKS_MAC
	for host in mail near; do
		gateway_at $host ip neighbour flush all # it had another one
	done
}

# links_address NAME: the gateway's, on that interface, which comes up.
links_address() {
	ip link set "$1" up
	ip address replace $GATEWAY_LAN4/24 dev "$1"
	ip address replace $GATEWAY_LAN6/64 dev "$1" nodad
}

# links_pass LABEL HOST FAMILY…: what that host does is counted, and nothing else.
links_pass() {
	local label=$1 host=$2 family

	shift 2
	for family; do
		more_client $host $family tcp truth 5000 4 up=30000 down=30000 ends=7
		more_client $host $family udp truth 20000 2 up=100 datagrams=2
	done
	links_counted "$label"
}

links_counted() {
	lab_settle "$1: flows" "" more_differ
	lab_assert_eq "$1: attempts" "$(lab_metric 'attempts_total{vantage="transit"}')" $(($(more_attempts) + links_streamed))
	lab_assert_sums "$1"
}

# links_agree LABEL TARGET NAME UP: what everybody says of the interface: TARGET in the policy, NAME now, UP 0|1.
links_agree() {
	lab_settle "$1: metrics" "$(links_both $2 $4)" links_attached
	lab_assert_eq "$1: health" "$(links_health)" "$(links_both $2 $4)"
	lab_assert_eq "$1: problems" \
		"$(lab_api /v1/health | jq -r '.problems[]' | grep -c "^tc_[a-z]* is not attached to $2:")" $((2 - 2 * $4))
	lab_assert_eq "$1: status" "$(links_status)" "${3:+$(links_both $3 1)}"
}

# links_alive LABEL NAME: until it is attached, and nothing else is.
links_alive() {
	lab_settle "$1: alive" "$(links_both $2 1)" links_status
}

links_index() {
	ip -j link show dev "$1" | jq '.[0].ifindex' # /sys may be that of another namespace
}

# links_ours KIND: the ids of the links, programs or maps of ours that are pinned.
links_ours() {
	bpftool -f "$1" list -j | jq -c --arg pins "$LAB_PINS/" '[.[] | select(.pinned[]? | startswith($pins)) | .id] | sort'
}

# links_there KIND IDS: those of them that are there.
links_there() {
	bpftool "$1" list -j | jq -c --argjson ids "$2" '[.[].id | select(. as $id | $ids | index($id))]'
}

# links_attached: what the metrics have of interfaces, `TARGET HOOK 0|1`, in one line; the same of the
# health, and of `mewatch status`, which knows nothing but what is attached.
links_attached() {
	lab_scrape | sed -n 's/^mewatch_attached{hook="\(tc_[a-z]*\)",target="\(.*\)"} /\2 \1 /p' | sort | paste -sd,
}

links_health() {
	lab_api /v1/health | jq -r '.attached[] | select(.hook | startswith("tc_")) |
		"\(.target) \(.hook) \(if .ok then 1 else 0 end)"' | sort | paste -sd,
}

links_status() {
	"$LAB_BUILD/mewatch" status --pins "$LAB_PINS" --json | jq -r '.attached[] | select(.hook | startswith("tc_")) |
		"\(.target) \(.hook) \(if .ok and .first then 1 else 0 end)"' | sort | paste -sd,
}

# links_both NAME 0|1: both hooks of it, as these say it.
links_both() {
	echo "$1 tc_egress $2,$1 tc_ingress $2"
}
