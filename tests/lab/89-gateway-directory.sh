# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2119,SC2154
#
# Names that mail hosts get from somebody on their own side of the gateway: of a directory server on
# their segment only the questions to its upstream pass, and a resolver on the mail host itself walks
# the DNS from the root on.
. "$LAB_DIR/gateway-more-lib.sh"
. "$LAB_DIR/replay-lib.sh"

# policy RESOLVERS [strict]
policy() {
	lab_policy <<-END
		resolvers: $1
		strict_names: ${2-false}
		limits: {pending: 1s, warmup: 0s, udp_idle: 1h}
		watch:
		  interfaces: [lan0]
		  hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"]
		allow:
		  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}
		  - service: updates
		    to: [meupdate.gfi.com, update.gfi.com, support.gfi.com, spamrazer.gfi.com, ftp.gfisoftware.com, "*.mailshell.net",
		      plain.example, updates.example, twin.example, big.example]
		    ports: [tcp/80, tcp/443]
	END
}

# --- a directory server

# ask NAME TYPE [OPTION]…: of the directory server; the first address is in `address`. The gateway sees one
# question of it, and counts none.
ask() {
	local before

	lab_mark
	address=$(gateway_at mail dig +short +tries=1 @$GATEWAY_DC4 "$@" | grep -v '\.$' | head -n 1)
	lab_assert "$*: an answer" test -n "$address"
	lab_assert_eq "$*: attempts, queries, answers" \
		"$(lab_delta attempts_total) $(lab_change dns_queries_total) $(lab_change dns_responses_total)" "0 0 0"
}

# It knows by heart whatever it is asked, and for a minute there is nothing but flows.
no_dns() {
	more_saw "no DNS, claimed" allowed none claimed meupdate.gfi.com "$(gateway_at4 mx1)" 443 sni=meupdate.gfi.com
	lab_wait '[ "$(lab_metric "findings_total{kind=\"no-dns-seen\"}")" = 1 ]' 90
	lab_assert_eq "no DNS: whose" "$(lab_event_list '.kind == "no-dns-seen"' | grep -c "$GATEWAY_MAIL4")" 1
}

directory() {
	local address

	policy "[{stub: $GATEWAY_DC4, upstream: [$(gateway_at4 resolver)]}]"
	replay_begin
	lab_daemon
	[ -z "${LAB_FULL-}" ] || no_dns
	ask meupdate.gfi.com A
	more_saw "directory" allowed none learned meupdate.gfi.com $address 443 sni=
	more_saw "directory, verified" allowed none verified meupdate.gfi.com $address 443 sni=meupdate.gfi.com
	ask meupdate.gfi.com AAAA
	more_saw "directory, IPv6" allowed none learned meupdate.gfi.com $address 443 sni=
	more_saw "directory, nobody" violation unlisted-destination none none "$(gateway_at4 mx2)" 443 sni=
	ask sn92.mailshell.net A +tcp
	more_saw "directory, TCP" allowed none learned '*.mailshell.net' $address 443 sni=
	replay_same "directory"
	replay_end
	# whom it asks is not known: each of its answers is a claim
	policy "[$GATEWAY_DC4]"
	lab_reload ok
	ask ftp.gfisoftware.com A
	more_saw "unknown upstream, silent" allowed none claimed ftp.gfisoftware.com $address 443 sni=
	more_saw "unknown upstream" allowed none claimed ftp.gfisoftware.com $address 443 sni=ftp.gfisoftware.com
	ask ftp.gfisoftware.com AAAA +tcp
	more_saw "unknown upstream, TCP" allowed none claimed ftp.gfisoftware.com $address 443 sni=
	policy "[$GATEWAY_DC4]" true
	lab_reload ok
	more_saw "strict" violation unlisted-destination none none $address 443 sni=ftp.gfisoftware.com
}

# --- a mail host that walks the DNS

# zone NAME ADDRESS: an unbound on the internet that has the zone on standard input, and no other.
zone() {
	cat >"$LAB_TMP/zone.$1"
	walker_head "$LAB_TMP/$1.conf"
	cat >>"$LAB_TMP/$1.conf" <<-END
		  interface: $2
		auth-zone:
		  name: "${1#root}."
		  zonefile: "$LAB_TMP/zone.$1"
		  for-downstream: yes
		  for-upstream: no
	END
	gateway_start internet unbound -d -c "$LAB_TMP/$1.conf" >"$LAB_TMP/$1.log" 2>&1
	lab_wait "gateway_at internet dig +time=1 +tries=1 +norecurse @$2 ${1#root}. SOA | grep -q 'status: NOERROR'" ||
		lab_die "no authority: $(<"$LAB_TMP/$1.log")"
}

# walker_head FILE: what every unbound has in common.
walker_head() {
	cat >"$1" <<-END
		server:
		  chroot: ""
		  username: ""
		  pidfile: ""
		  directory: "$LAB_TMP"
		  do-daemonize: no
		  use-syslog: no
		  num-threads: 1
		  module-config: "iterator"
		  access-control: 0.0.0.0/0 allow
		  access-control: ::/0 allow
	END
}

# The root, a zone that is reached over IPv4 and one over IPv6.
tree() {
	local root example net

	root=$(gateway_at4 mx1) example=$(gateway_at4 mx2) net=$(gateway_at6 time)
	zone root $root <<-END
		. 3600 IN SOA a.root. admin.root. 1 3600 3600 3600 60
		. 3600 IN NS a.root.
		a.root. 3600 IN A $root
		example. 3600 IN NS ns.example.
		ns.example. 3600 IN A $example
		net. 3600 IN NS ns.net.
		ns.net. 3600 IN AAAA $net
	END
	zone example $example <<-END
		example. 3600 IN SOA ns.example. admin.example. 1 3600 3600 3600 60
		example. 3600 IN NS ns.example.
		ns.example. 3600 IN A $example
		plain.example. 60 IN A $(gateway_at4 truth)
		plain.example. 60 IN AAAA $(gateway_at6 truth)
		updates.example. 300 IN CNAME edge.cdn.net.
		twin.example. 300 IN CNAME edge.cdn.net.
		big.example. 60 IN A $(gateway_at4 mailshell)
		$(for i in {1..99}; do echo "big.example. 60 IN A 198.18.5.$i"; done)
	END
	zone net $net <<-END
		net. 3600 IN SOA ns.net. admin.net. 1 3600 3600 3600 60
		net. 3600 IN NS ns.net.
		ns.net. 3600 IN AAAA $net
		edge.cdn.net. 60 IN A $(gateway_at4 cdn1)
		edge.cdn.net. 60 IN AAAA $(gateway_at6 cdn2)
	END
	echo ". 3600 IN NS a.root." >"$LAB_TMP/hints"
	echo "a.root. 3600 IN A $root" >>"$LAB_TMP/hints"
	walker_head "$LAB_TMP/walker.conf"
	cat >>"$LAB_TMP/walker.conf" <<-END
		  interface: 127.0.0.1
		  root-hints: "$LAB_TMP/hints"
		  use-caps-for-id: yes
	END
}

# asked: from how many sockets whom the mail host has asked, by its own packet filter.
asked() {
	gateway_at mail nft -j list table inet truth | jq '[.nftables[].set.elem // [] | length] | add'
}

# walk NAME TYPE: the first address, from the resolver on the mail host.
walk() {
	address=$(gateway_at mail dig +short +time=3 @127.0.0.1 "$@" | grep -v '\.$' | sort | tail -n 1)
	lab_assert "$*: an answer" test -n "$address"
}

recursive() {
	local address before

	tree
	policy "{recursive: {exe: $(readlink -f "$(command -v unbound)")}}"
	lab_reload ok
	gateway_at mail nft -f - <<-END || lab_die "no packet filter"
		table inet truth {
			set asked4 { type inet_proto . ipv4_addr . inet_service; flags dynamic; size 65535; }
			set asked6 { type inet_proto . ipv6_addr . inet_service; flags dynamic; size 65535; }
			chain out {
				type filter hook output priority 0
				oifname eth0 th dport 53 add @asked4 { meta l4proto . ip daddr . th sport }
				oifname eth0 th dport 53 add @asked6 { meta l4proto . ip6 daddr . th sport }
			}
		}
	END
	lab_scrape >"$LAB_TMP/before"
	gateway_start mail unbound -d -c "$LAB_TMP/walker.conf" >"$LAB_TMP/walker.log" 2>&1
	lab_wait 'gateway_at mail dig +time=1 +tries=1 @127.0.0.1 version.bind CH TXT >/dev/null' || lab_die "no resolver"
	walk plain.example A
	more_saw "walked" allowed none claimed plain.example $address 443 sni=
	more_saw "walked, mismatch" violation name-mismatch none none $address 443 sni=$GATEWAY_TRACKER
	walk plain.example AAAA
	more_saw "walked, IPv6" allowed none claimed plain.example $address 443 sni=plain.example
	walk updates.example A
	more_saw "in two pieces" allowed none claimed updates.example $address 443 sni=
	walk twin.example AAAA
	more_saw "in two pieces, IPv6" allowed none claimed twin.example $address 443 sni=twin.example
	walk big.example A # too much for a datagram: by TCP
	more_saw "by TCP" allowed none claimed big.example "$(gateway_at4 mailshell)" 443 sni=
	gateway_at mail dig +short +tries=1 @"$(gateway_at4 stranger)" meupdate.gfi.com >"$LAB_TMP/asked"
	lab_assert "anybody may be asked" test -s "$LAB_TMP/asked"
	cp "$LAB_TMP/before" "$LAB_TMP/mark"
	lab_settle "asked" "$(asked)" lab_delta 'connections_total{vantage="transit",service="dns",verdict="allowed"}'
	lab_assert_eq "asked: not counted as queries" "$(lab_change dns_queries_total)" 0
	lab_assert_eq "asked: no violation" "$(lab_change 'violations_total{service="dns"}')" 0
	lab_assert_sums "in all"
}

gateway_seed
gateway_network
gateway_names
gateway_web
directory
recursive
