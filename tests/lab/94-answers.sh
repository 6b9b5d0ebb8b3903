# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# What endpoints answer, at both vantages: a status of HTTP or an alert of TLS says whether they work, the
# path which anti-virus engine was updated, and the resolver whether their name is there at all. Real nginx,
# dnsmasq and curl; a name server that fails. In the long form also one that says nothing.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/replay-lib.sh"
. "$LAB_DIR/servers.sh"

resolver=$(gateway_at4 resolver) broken=$(gateway_at4 authority)
web=$(gateway_at4 web) modern=$(gateway_at4 cdn1)

# Names that are there, one zone whose names are not, and all others refused.
names() {
	local name

	lab_need dnsmasq dig
	for name in meupdate update support; do
		echo "host-record=$name.gfi.com,$web"
	done >"$LAB_TMP/records"
	echo "host-record=cdnupdate.gfi.com,$modern" >>"$LAB_TMP/records"
	gateway_dnsmasq internet names.log --conf-file="$LAB_TMP/records" --local=/gone.example/ \
		--listen-address=$resolver
	cat >"$LAB_TMP/broken.py" <<-'EOF'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind((sys.argv[1], 53))
		while True:
		    q, who = s.recvfrom(4096)
		    if b"mute" not in q:
		        s.sendto(q[:2] + b"\x81\x82" + q[4:6] + bytes(6) + q[12:], who)
	EOF
	gateway_start internet python3 "$LAB_TMP/broken.py" $broken
	lab_wait 'gateway_at internet dig +time=1 +tries=1 @$resolver meupdate.gfi.com | grep -q NOERROR' &&
		lab_wait 'gateway_at internet dig +noedns +time=1 +tries=1 @$broken x.gone.example | grep -q SERVFAIL' ||
		lab_die "no name servers"
	echo "nameserver $resolver" | tee "$LAB_TMP/resolv.conf" >"$LAB_TMP/resolv.mail"
}

# One server that has some files and is busy with others, one that refuses every name, one too modern.
servers() {
	lab_need nginx openssl curl
	mkdir -p "$LAB_TMP/www/incav2/avira" "$LAB_TMP/nginx"
	head -c 50000 /dev/zero >"$LAB_TMP/www/incav2/avira/update.bin"
	gateway_sign cert key cdnupdate.gfi.com DNS:cdnupdate.gfi.com
	cat >"$LAB_TMP/nginx.conf" <<-EOF
		daemon off;
		user root;
		worker_processes 1;
		pid $LAB_TMP/nginx/pid;
		events {}
		http {
			access_log off;
			client_body_temp_path $LAB_TMP/nginx;
			proxy_temp_path $LAB_TMP/nginx;
			fastcgi_temp_path $LAB_TMP/nginx;
			uwsgi_temp_path $LAB_TMP/nginx;
			scgi_temp_path $LAB_TMP/nginx;
			root $LAB_TMP/www;
			server {
				listen $web:80;
				location /busy { return 503; }
			}
			server {
				listen $web:443 ssl;
				ssl_reject_handshake on;
			}
			server {
				listen $modern:443 ssl;
				ssl_protocols TLSv1.3;
				ssl_certificate $LAB_TMP/cert.pem;
				ssl_certificate_key $LAB_TMP/key.pem;
			}
		}
	EOF
	gateway_start internet nginx -e "$LAB_TMP/nginx/error.log" -c "$LAB_TMP/nginx.conf"
	lab_wait 'gateway_at internet curl -s -o /dev/null "http://$web/incav2/avira/update.bin"' || lab_die "no nginx"
}

# by WHO COMMAND…: the mail host, or a process of the gateway that is watched.
by() {
	if [ "$1" = mail ]; then
		gateway_at mail "${@:2}"
	else
		lab_resolving "${@:2}"
	fi
}

# get WHO URL [OPTION]…
get() {
	by "$1" curl -4 -s -k -o /dev/null "${@:3}" "$2"
}

# answers NAME ANSWER: how many there were.
answers() {
	lab_metric "endpoint_answers_total{endpoint=\"$1\",service=\"updates\",answer=\"$2\"}"
}

# failures CAUSE [NAME]: of questions for names that are not there, or for those that nobody answers.
failures() {
	lab_metric "endpoint_dns_failures_total{endpoint=\"*.${2-gone}.example\",service=\"updates\",cause=\"$1\"}"
}

# success NAME: when it last worked, in seconds.
success() {
	lab_metric "endpoint_last_success_timestamp_seconds{endpoint=\"$1\"}"
}

# said VANTAGE NAME: what flows of that vantage to the endpoint were answered.
said() {
	lab_flows ".vantage == \"$1\" and .endpoint == \"$2\"" | jq -r '.answer // "none"' | sort | paste -sd,
}

gateway_network
names
servers
lab_policy <<-EOF
	watch: {interfaces: [lan0], hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"], cgroups: [$LAB_WATCHED_PATH]}
	resolvers: [$resolver, $broken]
	limits: {warmup: 0s}
	allow:
	  - service: updates
	    to: [meupdate.gfi.com, update.gfi.com, support.gfi.com, cdnupdate.gfi.com, "*.gone.example", "*.refused.example"]
	    ports: [tcp/80, tcp/443]
	  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}
EOF
replay_begin
lab_daemon

n=0
for who in mail gateway; do
	vantage=transit
	[ $who = mail ] || vantage=host
	n=$((n + 1))
	echo "--- $vantage"
	lab_assert "no answer that is an error" get $who http://meupdate.gfi.com/incav2/avira/update.bin
	lab_assert "not found" get $who http://update.gfi.com/incav2/sophos/update.bin
	lab_assert "busy" get $who http://update.gfi.com/busy
	! get $who https://support.gfi.com/ || lab_fail "a handshake that is rejected"
	! get $who https://cdnupdate.gfi.com/ --tls-max 1.2 || lab_fail "an old version"
	for name in a.gone.example b.gone.example; do
		by $who dig +time=1 +tries=1 @$resolver $name >/dev/null
	done
	by $who dig +tcp +time=1 +tries=1 @$resolver c.gone.example >/dev/null
	by $who dig +time=1 +tries=1 @$resolver x.refused.example >/dev/null
	by $who dig +noedns +time=1 +tries=1 @$broken c.gone.example >/dev/null
	by $who dig +noedns +time=1 +tries=1 @$broken c.gone.example TXT >/dev/null # no addresses are asked for
	by $who dig +time=1 +tries=1 @$resolver x.unlisted.example >/dev/null

	lab_settle "$vantage: errors of HTTP" $((2 * n)) answers update.gfi.com http_error
	lab_settle "$vantage: rejected" $n answers support.gfi.com tls_alert
	lab_settle "$vantage: too old" $n answers cdnupdate.gfi.com tls_alert
	lab_settle "$vantage: no such name" $((3 * n)) failures nxdomain
	lab_settle "$vantage: a server that fails" $n failures servfail
	lab_settle "$vantage: a server that does not want to" $n failures other refused
	lab_settle "$vantage: what it said" "http 404,http 503" said $vantage update.gfi.com
	lab_settle "$vantage: what is fine" "http 200" said $vantage meupdate.gfi.com
	lab_settle "$vantage: rejected, by name" "tls alert 112 unrecognized_name" said $vantage support.gfi.com
	lab_settle "$vantage: too old, by name" "tls alert 70 protocol_version" said $vantage cdnupdate.gfi.com
	lab_assert_eq "$vantage: none of it was refused" \
		"$(lab_metric 'endpoint_connections_total{service="updates",outcome="established"}')" $((5 * n))
done

replay_same "answers"
replay_end
replay_agree "answers" SNI Host answers
lab_assert_eq "in all" "$(lab_metric 'endpoint_answers_total{answer="http_error"}') $(lab_metric \
	'endpoint_answers_total{answer="tls_alert"}') $(lab_metric 'endpoint_dns_failures_total')" "4 4 10"
lab_assert "it works" test "$(success meupdate.gfi.com)" -gt 0
for name in update.gfi.com support.gfi.com cdnupdate.gfi.com; do
	lab_assert_eq "$name never did" "$(success $name)" 0
done
lab_assert_eq "the board" "$(lab_api /v1/endpoints | jq -c '[.endpoints[] | select(.endpoint == "update.gfi.com" or
	.endpoint == "*.gone.example") | [.http_errors, .tls_alerts, .dns_failures.nxdomain, .dns_failures.servfail]] | sort')" \
	'[[0,0,6,2],[4,0,0,0]]'

# engines: of what was not found none was updated
engines() {
	lab_api /v1/endpoints | jq -r '[.engines[] | .engine] | join(",")'
}
lab_settle "engines" avira engines
updated=$(lab_metric 'engine_last_update_timestamp_seconds{engine="avira"}')
lab_assert "a moment ago" test $((EPOCHSECONDS - updated)) -lt 60
lab_assert_eq "one series" "$(lab_scrape | grep -c '^mewatch_engine_last_update_timestamp_seconds')" 1
lab_need promtool
lab_scrape | promtool check metrics || lab_fail "promtool"

# All of it is there after a kill; what an endpoint did once is a success from then on.
lab_kill
lab_daemon
lab_assert_eq "after a kill" "$(engines) $(answers update.gfi.com http_error) $(failures nxdomain)" "avira 4 6"
lab_assert_eq "the same time" "$(lab_metric 'engine_last_update_timestamp_seconds{engine="avira"}')" "$updated"
lab_assert "found now" get mail http://update.gfi.com/incav2/avira/update.bin
lab_wait '[ "$(success update.gfi.com)" -gt 0 ]'

[ -z "${LAB_FULL-}" ] || {
	for who in mail gateway; do
		by $who dig +noedns +time=1 +tries=1 @$broken mute.gone.example >/dev/null
	done
	lab_wait '[ "$(failures no_answer)" = 2 ]' 60
	lab_assert_eq "of the others" "$(lab_metric endpoint_dns_failures_total)" 12
}
lab_assert_sums "in all"
