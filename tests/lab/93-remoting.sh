# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# Remoting: inside a machine, to peers for synchronisation, and nobody else; who reaches such a port from
# outside, and which program listens on one. At both vantages: processes in a cgroup of the gateway, and
# mail hosts behind it. Of these mail and mail2 are peers, and one host on the internet; near is none.
. "$LAB_DIR/gateway-lib.sh"

PRODUCT=$LAB_TMP/product # the product's own program
PEER4=$(gateway_at4 mx1) PEER6=$(gateway_at6 mx1)
STRANGER4=$(gateway_at4 stranger) STRANGER6=$(gateway_at6 stranger)

# policy REMOTING: the rest of `remoting:`.
policy() {
	cat >"$LAB_POLICY" <<-END
		version: 1
		profile: mailessentials-2015
		watch:
		  interfaces: [$GATEWAY_LAN]
		  hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6", $GATEWAY_SECOND4, "$GATEWAY_SECOND6"]
		  cgroups: [$LAB_WATCHED_PATH]
		resolvers: [$GATEWAY_LAN4]
		limits: {warmup: 0s}
		peers: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6", $GATEWAY_SECOND4, "$GATEWAY_SECOND6", $PEER4, "$PEER6"]
		remoting: {$1}
		allow: # peers may do this too, which makes no remoting port of it
		  - {service: admin, name: ssh, to: peers, ports: tcp/22}
	END
}

# --- who goes out: tells N VANTAGE VERDICT SERVICE REASON DESTINATION PORT…

here() {
	lab_in_cgroup "$@"
}

there() {
	gateway_at mail "$@"
}

tells() {
	local each=$1 vantage=$2 verdict=$3 service=$4 reason=$5 to=$6 port n=0 from=here

	shift 6
	[ $vantage = host ] || from=there
	lab_mark
	for port; do
		lab_truth $from "$LAB_BIN/paths_tcp" tcp $to $port $each
		n=$((n + each))
	done
	lab_settle "$vantage, $to $*: attempts" $n lab_delta "attempts_total{vantage=\"$vantage\"}"
	lab_assert_eq "$vantage, $to $*: $verdict, $reason" "$(lab_change \
		"connections_total{vantage=\"$vantage\",service=\"$service\",verdict=\"$verdict\",reason=\"$reason\"}")" $n
	lab_assert_eq "$vantage, $to $*: violations" "$(lab_change 'violations_total{state="confirmed"}')" \
		"$([ $verdict = violation ] && echo $n || echo 0)"
	lab_assert_eq "$vantage, $to $*: findings" "$(lab_change findings_total)" 0
}

goes_out() {
	local to

	for to in 127.0.0.1 ::1 $GATEWAY_WAN4; do
		tells 1 host local remoting none $to 9093 9091 8015
	done
	tells 1 host local local none $GATEWAY_LAN6 9095
	for to in $STRANGER4 $PEER6; do
		tells 1 host violation remoting remoting-off-host $to 9093 9091 8015
	done
	for to in $STRANGER4 $STRANGER6 $PEER4; do
		tells 1 transit violation remoting remoting-off-host $to 9093 9091 8015
	done
	for to in $GATEWAY_NEAR4 $GATEWAY_NEAR6; do
		tells 1 host violation multi-server peer-unknown $to 9095 9096
	done
	for to in $STRANGER4 $STRANGER6; do
		tells 1 transit violation multi-server peer-unknown $to 9095 9096
	done
	for to in $GATEWAY_MAIL4 $GATEWAY_MAIL6 $GATEWAY_SECOND4 $GATEWAY_SECOND6; do
		tells 1 host allowed multi-server none $to 9095 9096
	done
	for to in $PEER4 $PEER6; do
		tells 1 transit allowed multi-server none $to 9095 9096
	done
}

# --- who comes in: visits VANTAGE FOUND FROM SOURCE DESTINATION PORT…, FOUND times at each port

visits() {
	local vantage=$1 found=$2 from=$3 source=$4 to=$5 port

	shift 5
	for port; do
		lab_truth gateway_at $from "$LAB_BIN/gateway_client" tcp $source $to $port 1 up=20
		lab_assert_eq "$vantage, $source to $to $port: failed" "${truth[failed]}" 0
		[ $found = 0 ] || echo "$vantage in $port $source" >>"$LAB_TMP/visits"
	done
}

comes_in() {
	gateway_start mail "$LAB_BIN/gateway_server" 22 9091 9093 9094 9095 9096 >"$LAB_TMP/mail"
	lab_wait 'grep -q ready "$LAB_TMP/mail"' || lab_die "no servers"
	lab_mark
	visits transit 1 internet $STRANGER4 $GATEWAY_WAN4 9093 9091 # by NAT
	visits transit 1 internet $STRANGER6 $GATEWAY_MAIL6 9093 9095 9096
	visits transit 1 internet $PEER6 $GATEWAY_MAIL6 9093
	visits transit 0 internet $PEER6 $GATEWAY_MAIL6 9095 9096 22
	visits transit 0 internet $STRANGER6 $GATEWAY_MAIL6 22 9094
	visits host 1 internet $STRANGER4 $GATEWAY_WAN4 8015 9095
	visits host 1 internet $STRANGER6 $GATEWAY_WAN6 8015 9095
	visits host 1 near $GATEWAY_NEAR4 $GATEWAY_LAN4 8015 9095
	visits host 1 internet $PEER4 $GATEWAY_WAN4 8015
	visits host 0 internet $PEER4 $GATEWAY_WAN4 9095
	visits host 0 internet $PEER6 $GATEWAY_WAN6 9095
	visits host 0 gateway 127.0.0.1 127.0.0.1 8015
	visits host 0 gateway $GATEWAY_WAN4 $GATEWAY_LAN4 8015 9095
	lab_settle "who came in" "$(sort "$LAB_TMP/visits")" visitors
	# Once more: counted, and not told again.
	visits host 0 internet $STRANGER4 $GATEWAY_WAN4 8015
	visits transit 0 internet $STRANGER4 $GATEWAY_WAN4 9093
	lab_settle "who came in: counted" $(($(wc -l <"$LAB_TMP/visits") + 2)) \
		lab_delta 'findings_total{kind="inbound-remoting"}'
	lab_assert_eq "who came in: told once" "$(visitors)" "$(sort "$LAB_TMP/visits")"
}

visitors() {
	lab_event_list '.kind == "inbound-remoting"' | jq -r '"\(.vantage) \(.direction) \(.sport) \(.dst)"' | sort
}

# --- who listens

# listens NAME COMMAND…: in the watched cgroup, until `gone NAME`.
listens() {
	: >"$LAB_TMP/listens.$1"
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$LAB_WATCHED" "${@:2}" >"$LAB_TMP/listens.$1" 2>&1 &
	lab_held[$1.pid]=$!
	lab_wait "grep -qE 'ready|Serving' '$LAB_TMP/listens.$1'" || lab_die "$1 does not listen"
}

gone() {
	kill ${lab_held[$1.pid]}
	wait ${lab_held[$1.pid]} 2>/dev/null
}

# knows WHAT NAME/PROGRAM/ADDRESS/PORT…: these listeners were told since the daemon was first started, each
# once, and counted.
knows() {
	local what=$1 want word

	shift
	want=$(for word; do
		IFS=/ read -r name program address port <<<"$word"
		echo "${lab_held[$name.pid]} ${!program} $address $port"
	done | sort)
	lab_settle "$what" "$want" listeners
	lab_settle "$what: counted" $# lab_metric 'findings_total{kind="foreign-listener"}'
	lab_assert_eq "$what: how it looks" \
		"$(lab_event_list '.kind == "foreign-listener"' | jq -r '[.event, .vantage, .proto, .cgroup, .verdict, .dst] |
			map(tostring) | join(" ")' | sort -u)" "finding host tcp $LAB_WATCHED_PATH null null"
}

listeners() {
	lab_event_list '.kind == "foreign-listener"' | jq -r '"\(.pid) \(.exe) \(.src) \(.sport)"' | sort
}

FOREIGN=$(readlink -f "$LAB_BIN/gateway_server")
PYTHON=$(python3 -c 'import os; print(os.readlink("/proc/self/exe"))')

gateway_seed
gateway_network nat=on
cp "$FOREIGN" "$PRODUCT"
policy "processes: [$PRODUCT]"

# Before the daemon is there: the product, two others, and one that is not watched.
listens own "$PRODUCT" 9093 9091
listens early "$FOREIGN" 8015 7013
listens web python3 -u -m http.server --bind 127.0.0.1 9096
"$FOREIGN" 9092 >"$LAB_TMP/outside" &
lab_daemon
told=(early/FOREIGN/::/8015 web/PYTHON/127.0.0.1/9096)
knows "at the start" "${told[@]}"

goes_out

# While it runs: also what is no listener on a remoting port.
listens sync "$FOREIGN" 9095 9094 22
listens datagrams "$LAB_BIN/sink" udp/9096
told+=(sync/FOREIGN/::/9095)
knows "in passing" "${told[@]}"
comes_in
gone own
listens again "$PRODUCT" 9093
gone web
listens more python3 -u -m http.server --bind 127.0.0.1 9091
told+=(more/PYTHON/127.0.0.1/9091)
knows "one after the other" "${told[@]}"

# Nobody is there for a while.
lab_kill
listens meanwhile "$FOREIGN" 9096
lab_daemon
told+=(meanwhile/FOREIGN/::/9096)
knows "over a kill" "${told[@]}"
lab_stop
lab_daemon
knows "over a restart" "${told[@]}"

# The switchboard moves the ports, and back; then nobody says which programs are the product's own.
policy "ports: [tcp/7013], processes: [$PRODUCT]"
lab_reload ok
told+=(early/FOREIGN/::/7013)
knows "other ports" "${told[@]}"
tells 1 host local remoting none 127.0.0.1 7013
tells 1 host local local none 127.0.0.1 9093
tells 1 host violation remoting remoting-off-host $STRANGER4 7013
tells 1 host violation unlisted unlisted-destination $STRANGER4 9093
policy "processes: [$PRODUCT]"
lab_reload ok
knows "back" "${told[@]}"
policy "source: nobody"
lab_reload ok
told+=(again/PRODUCT/::/9093)
knows "no program is named" "${told[@]}"
lab_assert_sums "in all"
