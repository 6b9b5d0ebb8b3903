# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# The policy as a firewall: nft takes what `mewatch firewall` prints for every profile, dnsmasq what it
# prints for names; and beside the daemon, on the same flows, each rule of nft counts what the daemon counts
# under the rule of that name, and each reason what it counts under that reason. Then the same with --drop.
. "$LAB_DIR/gateway-lib.sh"

ftp4=$(gateway_at4 ftp) ftp6=$(gateway_at6 ftp)
count=$([ -n "${LAB_FULL-}" ] && echo 20000 || echo 1500)

firewall() {
	"$LAB_BUILD/mewatch" firewall -c "$LAB_POLICY" "$@"
}

# Every profile, and the options for what is watched.
profiles() {
	local profile

	echo 'version: 1' >"$LAB_TMP/empty.yaml"
	profiles_tried=0
	for profile in $("$LAB_BUILD/mewatch" profiles | awk '{ print $1 }' | grep '^mailessentials'); do
		"$LAB_BUILD/mewatch" firewall --profile $profile -c "$LAB_TMP/empty.yaml" >"$LAB_TMP/profile.nft" &&
			nft -c -f "$LAB_TMP/profile.nft" || lab_fail "$profile: nft refuses it"
		"$LAB_BUILD/mewatch" firewall --profile $profile --dnsmasq -c "$LAB_TMP/empty.yaml" >"$LAB_TMP/profile.conf" &&
			dnsmasq --test --conf-file="$LAB_TMP/profile.conf" 2>/dev/null || lab_fail "$profile: dnsmasq refuses it"
		profiles_tried=$((profiles_tried + 1))
	done
	lab_assert_eq "profiles" $profiles_tried 6
}

# What nft counted: "COUNT RULE" and "COUNT violation: REASON", without what is no attempt.
nft_counts() {
	nft -j list table inet mewatch | jq -r '.nftables[].rule | select(.comment) |
		[([.expr[].counter.packets? // empty] | add), (.comment | sub(" \\(.*"; ""))] |
		select(.[0] > 0) | "\(.[1])|\(.[0])"' |
		grep -vE '^(under way|link|error)\|' | awk -F'|' '{ n[$1] += $2 } END { for (r in n) print n[r], r }' | sort
}

# The same by the flows of the daemon.
daemon_counts() {
	lab_flows '.vantage == "transit" and .direction == "out"' | jq -r 'if .verdict == "violation" then "violation: \(.reason)"
		elif .evidence == "announced" then "FTP data, announced"
		elif .evidence == "documented" then "FTP data, documented"
		elif .verdict == "allowed" then .rule else .verdict end' | sort | uniq -c | awk '{ $1 = $1 } 1' | sort
}

# differ: in what; the lines of nft are those with <.
differ() {
	diff <(nft_counts) <(daemon_counts) || true
}

# agree WHAT: once nothing is pending.
agree() {
	lab_settle "$1: pending" 0 lab_metric pending_flows
	lab_settle "$1: nft and the daemon" "" differ
	lab_assert_sums "$1"
}

gateway_seed
gateway_network nat=off
gateway_at internet ip route add local 2001:db8:18::/64 dev lo
profiles
lab_policy <<-END
	watch: {interfaces: [lan0], hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"]}
	resolvers: [$GATEWAY_LAN4, "$GATEWAY_LAN6"]
	peers: [198.18.0.20]
	limits: {pending: 1s, warmup: 0s, udp_idle: 1h}
	remoting: {ports: [tcp/9091, tcp/9093]}
	allow:
	  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}
	  - {service: smtp, to: any, ports: [tcp/25, tcp/587]}
	  - {service: nested, name: wide, to: [198.18.4.0/22, "2001:db8:18:0:1::/80"], ports: [tcp/80, udp/2000]}
	  - {service: nested, name: narrow, to: [198.18.5.128/25, 198.18.5.255], ports: [tcp/443, tcp/80]}
	  - {service: nested, name: host, to: [198.18.5.1, "2001:db8:18:0:1::1"], ports: [tcp/1-1023, "udp/*"]}
	  - {service: multi-server, to: peers, ports: [tcp/9095]}
	  - {service: over, to: 198.18.6.6, ports: tcp/80, until: 2020-01-01}
	  - {service: ftp, to: [$ftp4, "$ftp6"], ports: tcp/21}
	  - {service: updates, to: [meupdate.gfi.com, "*.mailshell.net", "**.rules.mailshell.net"], ports: [tcp/80, tcp/443]}
	  - {service: updates, name: cdn, to: cdnupdate.gfi.com, ports: tcp/443}
END
firewall >"$LAB_TMP/ruleset" || lab_die "no ruleset"
firewall --dnsmasq >"$LAB_TMP/nftset.conf" || lab_die "no lines for dnsmasq"
nft -c -f "$LAB_TMP/ruleset" && nft -f "$LAB_TMP/ruleset" || lab_die "nft refuses it"
GATEWAY_NAMES_CONF=$LAB_TMP/nftset.conf
gateway_names
gateway_ftp
nft -f "$LAB_TMP/ruleset" || lab_die "nft does not take it a second time"
lab_daemon

destinations=($GATEWAY_LAN4 $GATEWAY_LAN6 198.18.0.20 198.18.6.6 198.18.5.1 198.18.3.255 198.18.4.0 198.18.7.255
	198.18.8.0 198.18.5.127 198.18.5.128 198.18.5.255 198.18.200.7 2001:db8:18:0:1::1 2001:db8:18:0:1::
	2001:db8:18:0:1:ffff:ffff:ffff 2001:db8:18:0:2:: 2001:db8:18::9)
for name in meupdate.gfi.com sn92.mailshell.net db.rules.mailshell.net cdnupdate.gfi.com tracker.example; do
	for type in A AAAA; do
		address=$(gateway_at mail dig +short +tries=1 @$GATEWAY_LAN4 $name $type | grep -v '\.$' | head -n 1)
		lab_assert "$name $type: an answer" test -n "$address"
		destinations+=($address)
	done
done
lab_truth gateway_at mail python3 "$LAB_DIR/firewall_client.py" $GATEWAY_MAIL4 $GATEWAY_MAIL6 $count "${destinations[@]}"
lab_assert_eq "TCP without an answer" "${truth[silent]}" 0
agree "random flows"
lab_assert "many rules and reasons were met" test "$(nft_counts | wc -l)" -ge 12

gateway_at mail curl -s -o /dev/null "ftp://$ftp4/version.txt" || lab_fail "EPSV"
gateway_at mail curl -s -o /dev/null --disable-epsv "ftp://$ftp4/version.txt" || lab_fail "PASV"
gateway_at mail curl -s -o /dev/null "ftp://[$ftp6]/version.txt" || lab_fail "EPSV over IPv6"
agree "FTP"
lab_assert_eq "announced" "$(nft_counts | grep announced)" "3 FTP data, announced"
gateway_at mail bash -c 'exec 3<>"/dev/tcp/$0/21" && head -n 1 <&3 >/dev/null
	for port in 40077 900; do { exec 4<>"/dev/tcp/$0/$port"; } 2>/dev/null; done; true' $ftp4
agree "beside a control connection"

# What is refused is told by the daemon all the same: its hook is in front.
firewall --drop | nft -f - || lab_die "nft refuses --drop"
lab_mark
lab_assert "allowed: gets through" gateway_at mail curl -s -o /dev/null --max-time 5 "ftp://$ftp4/version.txt"
gateway_at mail curl -s -o /dev/null --max-time 1 telnet://198.18.200.7:81
lab_assert_eq "dropped: no answer" $? 28
lab_settle "dropped: told" 1 lab_delta 'violations_total{reason="unlisted-port",state="confirmed"}'
lab_assert "dropped: counted" test "$(nft_counts | awk '/violation: unlisted-port/ { print $1 }')" -ge 1
