# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2086,SC2154
#
# What a mail host must not do, one kind a call: day_misbehave KIND [4|6]. day[violation.REASON] counts
# the attempts that are to be found, day[finding.KIND] what is to be told besides.

DAY_MISDEEDS="stranger shared foreign-dns foreign-dns-tcp dot doh quic smtp-port remoting gre esp
	experimental ping large"
DAY_MISDEEDS4="$DAY_MISDEEDS ipip"

# day_found REASON: one attempt is to be found so.
day_found() {
	day_reason=$1
	day_count "violation.$1"
}

# day_quietly COMMAND…: that it works is no matter.
day_quietly() {
	day_on "$@" >>"$LAB_TMP/misbehave.log" 2>&1
}

# day_knock FAMILY KIND DEST PORT [OPTION]…: once, with gateway_client.
day_knock() {
	lab_truth day_on "$LAB_BIN/gateway_client" $2 "$(day_source $1)" $3 $4 1 "${@:5}"
}

day_misbehave() {
	local family=${2-4} stranger resolver

	stranger=$(gateway_at$family stranger)
	resolver=$(gateway_at$family resolver)
	day_count "misdeeds"
	case $1 in
	stranger) # TLS to nobody of the list
		day_quietly curl -sk -$family "https://$GATEWAY_TRACKER/rules.bin"
		day_found unlisted-port
		;;
	shared) # the same on an address that serves the vendor too
		day_quietly dig +short cdnupdate.gfi.com AAAA cdnupdate.gfi.com A
		day_quietly curl -sk -$family "https://shared.example/rules.bin"
		day_found name-mismatch
		;;
	foreign-dns)
		day_quietly dig +tries=1 "@$stranger" $GATEWAY_TRACKER
		day_found wrong-resolver
		;;
	foreign-dns-tcp)
		day_quietly dig +tries=1 +tcp "@$stranger" $GATEWAY_TRACKER
		day_found wrong-resolver
		;;
	dot)
		day_quietly dig +tries=1 +tls "@$stranger" $GATEWAY_TRACKER
		day_found encrypted-dns
		;;
	doh) # the policy's own resolver, but so that nobody sees what
		day_quietly curl -sk "https://${resolver/*:*/[$resolver]}/dns-query"
		day_found encrypted-dns
		;;
	quic)
		day_knock $family udp $stranger 443 up=1200
		day_found quic
		;;
	smtp-port) # a listed site, another port
		day_quietly curl -s -$family "smtp://mx.customer1.example:2525"
		day_found unlisted-port
		;;
	remoting)
		day_knock $family tcp $stranger 9093
		day_found remoting-off-host
		;;
	gre) day_packets $family 47 ;;
	ipip) day_packets $family 4 ;;
	esp) day_packets $family 50 ;;
	experimental) day_packets $family 253 ;;
	ping)
		day_quietly "$LAB_BIN/paths_raw" raw-echo $stranger 0 2
		day_found unlisted-protocol
		;;
	large) # in fragments, both ways
		day_knock $family udp $stranger 20000 up=3000
		lab_assert_eq "fragments" "${truth[received]}" 3000
		day_found unlisted-port
		;;
	*) lab_die "$1: no such misdeed" ;;
	esac
}

# day_packets FAMILY PROTOCOL: to nobody of the list.
day_packets() {
	day_knock $1 raw "$(gateway_at$1 stranger)" $2 up=200 datagrams=2
	day_found unlisted-protocol
}

day_aliases=0

# day_alias: the mail host's card with an address that is not the mail host's, each time another.
day_alias() {
	local alias=10.10.0.$((60 + day_aliases++ % 190))

	gateway_at mail ip address add $alias/24 dev eth0
	lab_truth gateway_at mail "$LAB_BIN/gateway_client" tcp $alias "$(gateway_at4 stranger)" 443 1 up=20
	gateway_at mail ip address del $alias/24 dev eth0
	day_count finding.same-mac-other-address
}

# day_visitors ADDRESS: from the internet to the mail host, by that address of its: to its SMTP and to a
# remoting port. Both listen.
day_visitors() {
	gateway_start mail "$LAB_BIN/sink" tcp/25 tcp/9093 >"$LAB_TMP/visited"
	lab_wait 'grep -q ready "$LAB_TMP/visited"'
	lab_truth gateway_at internet "$LAB_BIN/storm" tcp $1 25 2 bytes=300
	lab_assert_eq "visitors to $1" "${truth[failed]}" 0
	lab_truth gateway_at internet "$LAB_BIN/storm" tcp $1 9093 1 bytes=300
	lab_assert_eq "visitors to $1" "${truth[failed]}" 0
	day_count inbound 3
	day_count finding.inbound-remoting
	kill "$gateway_started"
	wait "$gateway_started"
}

# day_neighbour: a host that nobody watches does all of it as well.
day_neighbour() {
	lab_truth gateway_at near "$LAB_BIN/paths_tcp" tcp "$(gateway_at4 stranger)" 443 2
	lab_truth gateway_at near "$LAB_BIN/paths_tcp" tcp "$(gateway_at4 stranger)" 9093 2
	gateway_at near dig +short +tries=1 "@$(gateway_at4 stranger)" $GATEWAY_TRACKER >>"$LAB_TMP/misbehave.log"
	day_count neighbour 5
}
