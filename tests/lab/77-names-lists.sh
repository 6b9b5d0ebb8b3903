# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2016
#
# The mail filter's DNS: what queries are for, what became of them, and block lists that refuse, over UDP
# and TCP; with the zones of the policy and without. None of their answers is anybody's address.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/servers.sh"

# A resolver that knows some lists; of other names it wants to know nothing.
lists() {
	lab_need dnsmasq dig
	"${lab_there[@]}" dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file --user=root \
		--no-resolv --no-hosts --bind-interfaces --listen-address=198.51.100.53 \
		--address=/2.0.0.127.zen.spamhaus.org/127.0.0.2 \
		--address=/9.0.0.10.zen.spamhaus.org/127.255.255.254 \
		--address=/9.0.0.10.list.example/127.255.255.252 \
		--address=/bad.example.multi.surbl.org/127.0.0.1 \
		--address=/listed.example.multi.surbl.org/127.0.0.64 \
		--local=/zen.spamhaus.org/ --local=/multi.surbl.org/ --local=/list.example/ \
		--address=/1.rules.mailshell.net/198.51.100.10 --address=/spamrazer.gfi.com/198.51.100.10 \
		--txt-record="example.com,v=spf1 -all" --txt-record="_spf.example.com,v=spf1 -all" \
		--txt-record="_dmarc.example.com,v=DMARC1" --address=/www.example.com/198.51.100.20 \
		--ptr-record=1.2.0.192.in-addr.arpa,host.example.com &
	lab_wait 'lab_far dig +time=1 +tries=1 @198.51.100.53 www.example.com >/dev/null' ||
		lab_die "no dnsmasq"
}

# ask CATEGORY RCODE NAME [TYPE]: asks over UDP and TCP; what it counts is exactly that.
ask() {
	local category=$1 rcode=$2 transport

	shift 2
	for transport in +notcp +tcp; do
		lab_mark
		lab_in_cgroup dig +time=2 +tries=1 $transport @198.51.100.53 "$@" >/dev/null
		lab_settle "$* $transport: $category" 1 lab_delta "dns_queries_total{category=\"$category\"}"
		lab_settle "$* $transport: $rcode" 1 \
			lab_delta "dns_responses_total{category=\"$category\",rcode=\"$rcode\"}"
		lab_assert_eq "$* $transport: nothing else is asked" "$(lab_delta dns_queries_total)" 1
		lab_assert_eq "$* $transport: nor answered" "$(lab_delta dns_responses_total)" 1
	done
}

zone() {
	lab_api "/v1/dns?limit=0" |
		jq -r --arg zone "$1" '.zones[] | select(.zone == $zone) | "\(.queries) \(.listed) \(.refusals)"'
}

refusals() {
	lab_metric "dnsbl_refusals_total{zone=\"$1\"}"
}

told() {
	lab_event_list '.kind == "blocklist-refuses"' | jq -r .detail | grep -c "$1"
}

lab_network
lists
lab_policy <<'POLICY'
resolvers: [198.51.100.53]
limits: {warmup: 0s}
dns: {ip_zones: [list.example]}
allow:
  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}
  - {service: updates, to: ["*.rules.mailshell.net", spamrazer.gfi.com], ports: tcp/443}
POLICY
lab_daemon

ask ip-dnsbl noerror 2.0.0.127.zen.spamhaus.org
ask ip-dnsbl nxdomain 3.0.0.127.zen.spamhaus.org
ask ip-dnsbl noerror 9.0.0.10.zen.spamhaus.org
ask ip-dnsbl noerror 9.0.0.10.list.example
ask ip-dnsbl refused 9.0.0.10.unknown.example
ask ip-dnsbl nxdomain 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen.spamhaus.org
ask uri-dnsbl noerror bad.example.multi.surbl.org
ask uri-dnsbl noerror listed.example.multi.surbl.org
ask uri-dnsbl nxdomain good.example.multi.surbl.org
ask spf noerror example.com TXT
ask spf noerror _spf.example.com TXT
ask other noerror _dmarc.example.com TXT
ask other noerror 1.2.0.192.in-addr.arpa PTR
ask other noerror www.example.com
ask other refused elsewhere.test
ask spamrazer noerror 1.rules.mailshell.net
ask spamrazer noerror spamrazer.gfi.com

lab_assert_eq "zen: queries, listed, refusals" "$(zone zen.spamhaus.org)" "8 2 2"
lab_assert_eq "surbl: queries, listed, refusals" "$(zone multi.surbl.org)" "6 2 2"
lab_assert_eq "a list of the site" "$(zone list.example)" "2 0 2"
lab_assert_eq "zen refuses" "$(refusals zen.spamhaus.org)" 2
lab_assert_eq "surbl refuses" "$(refusals multi.surbl.org)" 2
lab_assert_eq "a list of nobody's has no label" "$(refusals unknown.example)" 0
lab_wait '[ "$(lab_metric "findings_total{kind=\"blocklist-refuses\"}")" = 6 ]' 20
lab_settle "zen is told" 1 told zen.spamhaus.org
lab_settle "surbl is told" 1 told multi.surbl.org
lab_assert_eq "one address is learned, of the names that are listed" "$(lab_metric names_learned)" 1
lab_assert_eq "nothing is refused" "$(lab_metric names_refused_total)" 0
lab_assert_eq "a view of it" "$("$LAB_BUILD/metop" --socket "$LAB_SOCKET" --view dns --once |
	awk '$1 == "ip-dnsbl" { print $2, $3, $4, $6 }')" "12 6 4 2"
