# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# A mail host that walks the DNS itself: unbound, from the root on, with answers in pieces: a CNAME in
# one zone, its target in another, IPv4 here and IPv6 there. Only unbound may ask anywhere, known by its
# cgroup or by its program; names are learned from what it asks.
. "$LAB_DIR/churn-lib.sh"

recursor=$LAB_WATCHED/unbound
root=198.51.100.53
example=198.51.100.54
cdn=2001:db8:51::20

# authority ADDRESS NAME: an unbound that has the zone of that name, from $LAB_TMP/zone.NAME.
authority() {
	churn_unbound_head "$LAB_TMP/$2.conf"
	cat >>"$LAB_TMP/$2.conf" <<-EOF
		  interface: $1
		auth-zone:
		  name: "${2#root}."
		  zonefile: "$LAB_TMP/zone.$2"
		  for-downstream: yes
		  for-upstream: no
	EOF
	"${lab_there[@]}" unbound -d -c "$LAB_TMP/$2.conf" >"$LAB_TMP/$2.log" 2>&1 &
	lab_wait "lab_far dig +time=1 +tries=1 +norecurse @$1 ${2#root}. SOA | grep -q 'status: NOERROR'" ||
		lab_die "no authority: $(<"$LAB_TMP/$2.log")"
}

tree() {
	cat >"$LAB_TMP/zone.root" <<-EOF
		. 3600 IN SOA a.root. admin.root. 1 3600 3600 3600 60
		. 3600 IN NS a.root.
		a.root. 3600 IN A $root
		example. 3600 IN NS ns.example.
		ns.example. 3600 IN A $example
		net. 3600 IN NS ns.net.
		ns.net. 3600 IN AAAA $cdn
	EOF
	cat >"$LAB_TMP/zone.example" <<-EOF
		example. 3600 IN SOA ns.example. admin.example. 1 3600 3600 3600 60
		example. 3600 IN NS ns.example.
		ns.example. 3600 IN A $example
		plain.example. 60 IN A 198.18.1.1
		plain.example. 60 IN AAAA ${CHURN_MANY6}1:1
		updates.example. 300 IN CNAME edge.cdn.net.
		twin.example. 300 IN CNAME edge.cdn.net.
		late.example. 300 IN CNAME known.cdn.net.
		added.example. 300 IN CNAME extra.cdn.net.
		mixed.example. 300 IN CNAME plain.example.
		*.again.example. 60 IN A 198.18.1.2
		$(for i in {1..100}; do echo "big.example. 60 IN A 198.18.5.$i"; done)
	EOF
	cat >"$LAB_TMP/zone.net" <<-EOF
		edge.cdn.net 1 pool 198.18.2.0 ${CHURN_MANY6}2:0 64 1
		extra.cdn.net 1 pool 198.18.4.0 - 64 1
		known.cdn.net 60 pool 198.18.3.0 - 1 1
	EOF
	authority $root root
	authority $example example
	: >"$LAB_TMP/net"
	"${lab_there[@]}" "$LAB_BIN/churn_authority" $cdn 53 "$LAB_TMP/zone.net" >"$LAB_TMP/net" &
	lab_wait 'grep -q ready "$LAB_TMP/net"' || lab_die "no authoritative server"
}

# resolver CGROUP: the one of the mail host.
resolver() {
	echo ". 3600 IN NS a.root." >"$LAB_TMP/hints"
	echo "a.root. 3600 IN A $root" >>"$LAB_TMP/hints"
	churn_unbound_head "$LAB_TMP/resolver.conf"
	cat >>"$LAB_TMP/resolver.conf" <<-EOF
		  interface: 127.0.0.1
		  root-hints: "$LAB_TMP/hints"
		  use-caps-for-id: yes
	EOF
	"${churn_under[@]}" "$1" unbound -d -c "$LAB_TMP/resolver.conf" >>"$LAB_TMP/resolver.log" 2>&1 &
	resolver_pid=$!
	lab_wait 'dig +time=1 +tries=1 @127.0.0.1 version.bind CH TXT >/dev/null' || lab_die "no resolver"
}

policy_with() {
	lab_policy <<-EOF
		resolvers: {recursive: {$1}}
		limits: {warmup: 0s, pending: 2s}
		allow:
		  - service: dns
		    to: resolvers
		    ports: [udp/53, tcp/53]
		  - service: updates
		    to: [plain.example, updates.example, twin.example, late.example, mixed.example, big.example${2-}]
		    ports: [tcp/80, tcp/443]
	EOF
}

# ask NAME [TYPE]: the addresses, from the resolver of the mail host, for a client.
ask() {
	lab_in_cgroup dig +short +time=3 @127.0.0.1 "$@" | grep -v '\.$'
}

# allowed LABEL ADDRESS EVIDENCE ENDPOINT SNI: a connection, and what it rests on.
allowed() {
	lab_mark
	churn_dial $2 443 sni=$5
	lab_settle "$1: allowed" 1 lab_delta 'connections_total{service="updates",verdict="allowed"}'
	lab_assert_eq "$1: no violation" "$(lab_delta 'violations_total{state="confirmed"}')" 0
	lab_settle "$1: evidence" "$3 $4" \
		eval 'churn_flow ${truth[sport]} | jq -r "[.evidence, .endpoint] | join(\" \")"'
}

# Of the questions that went out: by whom, and what became of them.
askers() {
	lab_flows '.dport == 53 and .verdict != "local"' |
		jq -r '[.comm, .verdict, .reason // "none"] | join(" ")' | sort -u
}

wrong() {
	lab_mark
	lab_assert "$1: a wrong resolver answers" lab_in_cgroup dig +time=2 +norecurse @$example plain.example >/dev/null
	lab_settle "$1: wrong resolver" 1 lab_delta 'connections_total{verdict="violation",reason="wrong-resolver"}'
	lab_settle "$1: not learned" 1 lab_delta 'names_refused_total{cause="wrong-resolver"}'
	lab_mark
	lab_assert "$1: by TCP" lab_in_cgroup dig +tcp +time=2 +norecurse @$example plain.example >/dev/null
	lab_settle "$1: by TCP: wrong resolver" 1 lab_delta 'connections_total{verdict="violation",reason="wrong-resolver"}'
}

churn_network
lab_need unbound dig
lab_nginx
tree
mkdir "$recursor"
policy_with "cgroup: $LAB_WATCHED_PATH/unbound"
resolver "$recursor"
lab_daemon

lab_assert_eq "plain" "$(ask plain.example)" 198.18.1.1
allowed "plain" 198.18.1.1 learned plain.example ""
lab_assert_eq "plain, IPv6" "$(ask plain.example AAAA)" ${CHURN_MANY6}1:1
allowed "plain, IPv6" ${CHURN_MANY6}1:1 verified plain.example plain.example

# The CNAME is asked here, its target there.
address=$(ask updates.example)
lab_assert "updates: an address" grep -q '^198\.18\.2\.' <<<"$address"
allowed "updates" $address learned updates.example ""
# When the target's life is over it alone is asked again, and has moved on.
lab_wait 'next=$(ask updates.example); [ -n "$next" ] && [ "$next" != "$address" ]'
allowed "updates, later" $next learned updates.example ""
address=$(ask updates.example AAAA)
allowed "updates, IPv6" $address verified updates.example updates.example
# Another name of the same target: both have it.
address=$(ask twin.example)
allowed "twin" $address verified twin.example twin.example
lab_wait 'next=$(ask updates.example); [ -n "$next" ] && [ "$next" != "$address" ]'
allowed "both, updates" $next verified updates.example updates.example
allowed "both, twin" $next verified twin.example twin.example
# The target is known already when the CNAME is asked: nobody asks for it again.
lab_assert_eq "known" "$(ask known.cdn.net)" 198.18.3.0
lab_assert_eq "late" "$(ask late.example)" 198.18.3.0
allowed "late" 198.18.3.0 learned late.example ""
lab_assert_eq "mixed" "$(ask mixed.example)" 198.18.1.1
allowed "mixed" 198.18.1.1 verified mixed.example mixed.example
# Too much for a datagram: unbound asks by TCP.
lab_assert_eq "big" "$(ask big.example | wc -l)" 100
lab_wait '[ "$(lab_api "/v1/dns?name=big.example&limit=200" | jq ".answers | length")" = 100 ]'
allowed "big" 198.18.5.100 learned big.example ""
lab_assert_eq "who asks" "$(askers)" "unbound allowed none"
lab_assert_eq "nobody's queries are counted" "$(lab_metric dns_queries_total)" 0
lab_assert_eq "no violation" "$(churn_ends | grep violation)" ""
wrong "cgroup"

# A name that the policy gets while its CNAME is known to unbound: the target is asked again, the CNAME
# is not.
address=$(ask added.example)
policy_with "cgroup: $LAB_WATCHED_PATH/unbound" ", added.example"
lab_reload ok
lab_wait 'next=$(ask added.example); [ -n "$next" ] && [ "$next" != "$address" ]'
allowed "added" $next learned added.example ""

# It begins anew in another cgroup of the same name.
again=0
for _ in 1 2; do
	churn_end $resolver_pid
	lab_wait 'rmdir "$recursor"'
	mkdir "$recursor"
	resolver "$recursor"
	followed=
	for _ in {1..10}; do
		again=$((again + 1))
		lab_mark
		ask n$again.again.example >/dev/null
		lab_scrape >"$LAB_TMP/now"
		[ "$(lab_change 'connections_total{verdict="violation"}')" != 0 ] || followed=1
		[ -z "$followed" ] || break
		sleep 0.5
	done
	lab_assert "another cgroup: followed within 5 s" test -n "$followed"
	lab_mark
	lab_assert_eq "another cgroup: resolves" "$(ask x$again.again.example)" 198.18.1.2
	lab_assert_eq "another cgroup: no violation" "$(lab_delta 'connections_total{verdict="violation"}')" 0
done
address=$(ask updates.example)
allowed "another cgroup" $address verified updates.example updates.example

# The same by its program, in the cgroup of the others.
churn_end $resolver_pid
policy_with "exe: $(readlink -f "$(command -v unbound)")"
lab_reload ok
resolver "$LAB_WATCHED"
lab_mark
address=$(ask updates.example)
allowed "exe" $address verified updates.example updates.example
lab_mark
lab_assert_eq "exe: resolves" "$(ask y.again.example)" 198.18.1.2
lab_assert_eq "exe: no violation" "$(lab_delta 'connections_total{verdict="violation"}')" 0
wrong "exe"
lab_kill
lab_daemon
lab_mark
lab_assert_eq "exe, killed: resolves" "$(ask z.again.example)" 198.18.1.2
lab_assert_eq "exe, killed: no violation" "$(lab_delta 'connections_total{verdict="violation"}')" 0
lab_assert_sums "in all"
