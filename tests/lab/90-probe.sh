# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2016,SC2086
#
# mewatch probe: what works, and each thing that can be in the way of an endpoint, directly and through a
# proxy. A daemon watches it, and sees nothing that the policy does not allow.
. "$LAB_DIR/probe-lib.sh"

probe_network
probe_certificates
probe_web
probe_resolvers
probe_ftp
probe_proxy
probe_filter
lab_sink tcp/389

# --- all of a policy

lab_policy <<EOF
resolvers: [$(at4 resolver)]
limits: {warmup: 0s}
allow:
  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}
  - service: web
    to: [good.example, both.example, alias.example, nowhere.example, missing.example, moved.example,
      busy.example, forbidden.example, selfsigned.example, expired.example, unknown.example,
      alert.example, plain.example, cut.example, swallow.example, refuse.example, drop.example,
      reject.example, noise.example, null.example, loop.example, inside.example, text.example,
      gone.example, broken.lab, silent.lab, refused.lab]
    ports: [tcp/80, tcp/443]
  - {service: ftp, to: [ftp.example, full.example, noise.example], ports: [tcp/20, tcp/21]}
  - {service: many, to: many.example, ports: tcp/443}
  - {service: wild, to: "*.wild.example", ports: [tcp/443, udp/443]}
  - {service: old, to: old.example, ports: tcp/443, retired: true}
  - {service: over, to: over.example, ports: tcp/443, until: 2020-01-01}
  - {service: mirror, name: by address, to: $(at4 second), ports: [tcp/443, tcp/8080-9090]}
  - {service: mirror, name: unknown, to: $(at4 ftp), ports: [tcp/443]}
  - {service: ldap, to: $NET4.0/24, ports: tcp/389}
  - {service: smtp, to: any, ports: tcp/25}
EOF
lab_daemon
lab_mark
probe 1 --json
web=$(at4 web)
web6=$(at6 web)
probe_expect <<EOF
resolvers 53/udp works: direct - $(at4 resolver) ok - -
resolvers 53/tcp works: direct - $(at4 resolver) ok - -
good.example 80/tcp works: direct A $web ok 200 -
good.example 443/tcp works: direct A $web ok - -
both.example 80/tcp works: direct A $web ok 200 -, direct AAAA $web6 ok 200 -
both.example 443/tcp works: direct A $web ok - -, direct AAAA $web6 ok - -
alias.example 443/tcp works: direct A $web ok - -
nowhere.example 443/tcp works: direct A $web ok - -, direct AAAA 2001:db8:dead::1 no-route - -
profile/192.0.2.250 9/tcp fails: direct - 192.0.2.250 no-route - -
missing.example 80/tcp works: direct A $web ok 404 -
moved.example 80/tcp works: direct A $web ok 302 -
mirror/by-address 443/tcp works: direct - $(at4 second) ok - -
ftp.example 21/tcp works: direct A $(at4 ftp) ok 220 -, direct AAAA $(at6 ftp) ok 220 -
text.example 80/tcp fails: direct A, AAAA - no-address - -
gone.example 80/tcp fails: direct A, AAAA - nxdomain - -
broken.lab 80/tcp fails: direct A, AAAA - servfail - -
silent.lab 80/tcp fails: direct A, AAAA - no-answer - -
refused.lab 80/tcp fails: direct A, AAAA - dns-refused - -
null.example 443/tcp fails: direct A 0.0.0.0 unlisted - -
loop.example 443/tcp fails: direct A 127.0.0.1 unlisted - -
inside.example 443/tcp fails: direct A 10.99.0.1 unlisted - -
refuse.example 80/tcp fails: direct A $(at4 refuse) refused - -, direct AAAA $(at6 refuse) refused - -
reject.example 80/tcp fails: direct A $(at4 reject) unreachable - -, direct AAAA $(at6 reject) unreachable - -
drop.example 80/tcp fails: direct A $(at4 drop) timeout - -, direct AAAA $(at6 drop) timeout - -
drop.example 443/tcp fails: direct A $(at4 drop) timeout - -, direct AAAA $(at6 drop) timeout - -
swallow.example 80/tcp fails: direct A $(at4 swallow) timeout - -, direct AAAA $(at6 swallow) timeout - -
swallow.example 443/tcp fails: direct A $(at4 swallow) timeout - -, direct AAAA $(at6 swallow) timeout - -
cut.example 80/tcp fails: direct A $(at4 cut) reset - -, direct AAAA $(at6 cut) reset - -
cut.example 443/tcp fails: direct A $(at4 cut) reset - -, direct AAAA $(at6 cut) reset - -
busy.example 80/tcp fails: direct A $web http 503 -
busy.example 443/tcp fails: direct A $web certificate - name
forbidden.example 80/tcp fails: direct A $web http 403 -
selfsigned.example 443/tcp fails: direct A $web certificate - self-signed
expired.example 443/tcp fails: direct A $web certificate - expired
unknown.example 443/tcp fails: direct A $web certificate - issuer
mirror/unknown 443/tcp fails: direct - $(at4 ftp) certificate - issuer
alert.example 443/tcp fails: direct A $web tls - -
plain.example 443/tcp fails: direct A $(at4 plain) tls - -, direct AAAA $(at6 plain) tls - -
noise.example 80/tcp fails: direct A $(at4 noise) protocol - -, direct AAAA $(at6 noise) protocol - -
noise.example 21/tcp fails: direct A $(at4 noise) timeout - -, direct AAAA $(at6 noise) timeout - -
full.example 21/tcp fails: direct A $(at4 full) ftp 421 -
ftp.example 20/tcp not-probed:
*.wild.example 443/tcp not-probed:
*.wild.example 443/udp not-probed:
old.example 443/tcp not-probed:
over.example 443/tcp
mirror/by-address 8080/tcp not-probed:
ldap/$NET4.0/24 389/tcp not-probed:
any 25/tcp not-probed:
EOF
probe_said moved.example 80 "redirects to portal.example"
probe_said drop.example 443 "connecting"
probe_said swallow.example 80 "connected, but no answer"
probe_said swallow.example 443 "connected, but no handshake"
probe_said noise.example 21 "connected, but no greeting"
probe_said alert.example 443 "unrecognized name"
probe_said inside.example 443 "private space"
lab_assert_eq "a name of many addresses: tried, timed out, left" "$(jq -c '.targets[] |
	select(.endpoint == "many.example") | .attempts | [length, (map(select(.outcome == "timeout")) |
	length), (.[-1] | .outcome + ": " + .detail)]' "$LAB_TMP/probe")" '[17,16,"not-probed: 4 more addresses"]'
lab_assert_eq "a chain is told" "$(jq -r '[.targets[] | select(.endpoint == "alias.example") |
	.attempts[].canonical] | unique | join(" ")' "$LAB_TMP/probe")" good.example
lab_assert_eq "a certificate is told" "$(jq -r '.targets[] | select(.endpoint == "selfsigned.example" and
	.port == 443) | .attempts[0].certificate | [.subject, .issuer, .names] | join("; ")' "$LAB_TMP/probe")" \
	"CN = selfsigned.example; CN = selfsigned.example; DNS:selfsigned.example"
lab_assert_eq "its end is told" "$(jq -r '.targets[] | select(.endpoint == "selfsigned.example" and
	.port == 443) | .attempts[0].certificate.until' "$LAB_TMP/probe")" \
	"$(date -u -d "$(openssl x509 -in "$LAB_TMP/selfsigned.pem" -noout -enddate | cut -d= -f2)" +%FT%T.000Z)"
lab_assert_eq "the sum" "$(jq -c '[.works, .fails, .not_probed] == [("works", "fails", "not-probed") as $state |
	[.targets[] | select(.state == $state)] | length]' "$LAB_TMP/probe")" true
lab_assert_eq "what web servers are asked" "$(grep -o '^[A-Z]* good.example .*' "$LAB_TMP/web.log" | sort -u)" \
	"HEAD good.example / mewatch"

# The daemon saw all of it, and no more than the policy allows.
dialled=$(jq '[.targets[].attempts[] | select(.address and (.outcome | IN("unlisted", "no-route") | not))] |
	length' "$LAB_TMP/probe")
lab_assert "the daemon sees the probe" [ "$(lab_delta attempts_total)" -ge "$dialled" ]
for verdict in violation unresolved; do
	lab_assert_eq "$verdict of the probe" "$(lab_delta "connections_total{verdict=\"$verdict\"}")" 0
done
for address in 0.0.0.0 127.0.0.1 10.99.0.1 192.0.2.250 2001:db8:dead::1; do
	lab_assert_eq "flows to $address" "$(lab_flows ".dst == \"$address\"")" ""
done
board() {
	lab_api /v1/endpoints | jq -r '.endpoints[] | select(.endpoint == ("good.example", "refuse.example")) |
		.endpoint + " " + .state' | sort | paste -sd' '
}
lab_settle "the endpoint board says so too" "good.example good refuse.example failing" board

# --- parts of it

probe 1 --json A.WILD.example. old.example
probe_expect <<EOF
a.wild.example 443/tcp works: direct A $web ok - -
a.wild.example 443/udp not-probed:
old.example 443/tcp fails: direct A, AAAA - nxdomain - -
EOF
lab_assert_eq "no more than that" "$(jq '.targets | length' "$LAB_TMP/probe")" 3
# The address is in a prefix, and so `any` is not asked; the other one is anybody's.
probe 1 --json $(at4 ftp) 203.0.113.25
probe_expect <<EOF
mirror/unknown 443/tcp fails: direct - $(at4 ftp) certificate - issuer
ldap/$NET4.0/24 389/tcp works: direct - $(at4 ftp) ok - -
any 25/tcp fails: direct - 203.0.113.25 no-route - -
EOF
probe 0 '*.wild.example' ldap/$NET4.0/24 good.example
lab_assert_eq "the table" "$(sed 's/  */ /g; s/ [0-9]* 200$/ MS 200/; s/ [0-9]* good, until [-0-9]*,/ MS good,/' \
	"$LAB_TMP/probe")" "ENDPOINT SERVICE PORT RESOLVED ADDRESS OUTCOME MS DETAIL
good.example web tcp/80 A $web ok MS 200
good.example web tcp/443 A $web ok MS good, issuer CN = Lab Authority
not probed:
 *.wild.example: tcp/443 udp/443: a wildcard cannot be probed itself: name one that it covers
 ldap/$NET4.0/24: tcp/389: a prefix: name an address in it
2 work, 0 do not, 3 not probed"
for arguments in unlisted.example over.example "--timeout 5" "--timeout 1h" --nothing "--profile nothing"; do
	probe 2 $arguments
	lab_assert_eq "mewatch probe $arguments: on standard output" "$(<"$LAB_TMP/probe")" ""
done
lab_stop

# --- through a proxy; of the resolvers the first one is silent

probe_policy() {
	lab_policy <<-EOF
		resolvers: [$(at4 drop), $(at4 resolver)]
		proxy: $1
		allow:
		  - {service: dns, to: resolvers, ports: udp/53}
		  - {service: web, to: [good.example, busy.example, drop.example, gone.example], ports: [tcp/80, tcp/443]}
		  - {service: ftp, to: ftp.example, ports: tcp/21}
	EOF
}

probe_policy proxy.example:3128
probe 1 --json
drop="direct A $(at4 drop) timeout - -, direct AAAA $(at6 drop) timeout - -"
probe_expect <<EOF
proxy.example 3128/tcp works: direct A $(at4 proxy) ok - -
good.example 80/tcp works: direct A $web ok 200 -, proxy - - ok 200 -
good.example 443/tcp works: direct A $web ok - -, proxy - - ok - -
drop.example 80/tcp works: $drop, proxy - - ok 200 -
drop.example 443/tcp works: $drop, proxy - - ok - -
busy.example 80/tcp fails: direct A $web http 503 -, proxy - - http 403 -
busy.example 443/tcp fails: direct A $web certificate - name, proxy - - proxy 403 -
ftp.example 21/tcp works: direct A $(at4 ftp) ok 220 -, direct AAAA $(at6 ftp) ok 220 -
EOF
lab_assert_eq "a silent resolver and another" "$(jq -r '[.targets[] | select(.endpoint == "resolvers") |
	.attempts[] | .address, .outcome] | join(" ")' "$LAB_TMP/probe")" \
	"$(at4 drop) no-answer $(at4 resolver) ok"
for proxy in $(at4 refuse):3128 "Connection refused" $(at4 drop):3128 "the proxy does not answer" \
	gone.example:3128 "the proxy has no address"; do
	case $proxy in
	*:*) probe_policy $proxy && probe 1 --json good.example ;;
	*) lab_assert_eq "a proxy that is no use" "$(jq -r '[.targets[].attempts[] | select(.via == "proxy") |
		.outcome + ": " + .detail] | unique | join(", ")' "$LAB_TMP/probe")" "proxy: $proxy" ;;
	esac
done
