# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# What a mail host talks to, as real servers: on the internet name servers, the vendor's web and FTP
# servers, mail exchangers and time; on the gateway a resolver and a proxy; on the segment a directory
# server, which resolves too. Each with its own configuration and log in the temporary directory.

GATEWAY_VENDOR="meupdate.gfi.com update.gfi.com update.gfisoftware.com support.gfi.com
	spamrazer.gfi.com db11.spamcatcher.net sn92.mailshell.net db.rules.mailshell.net
	cdnupdate.gfi.com cdnpatches.gfi.com"
GATEWAY_TRACKER=tracker.example # a stranger, with a name and a certificate
# GATEWAY_NAMES_CONF: what the resolver of the gateway is told besides, a file
GATEWAY_PROXY=$GATEWAY_LAN4:3128
GATEWAY_ENGINES="kaspersky88 avira avx sophos cyren trojandb"

# gateway_records: the zones of the internet, as dnsmasq takes them.
gateway_records() {
	local name at ttl=60

	record() {
		echo "host-record=$1,$(gateway_at4 $2),$(gateway_at6 $2),${3:-$ttl}"
	}
	for name in meupdate update support spamrazer; do
		record $name.gfi.com web
	done
	record update.gfisoftware.com web
	record db11.spamcatcher.net web
	record ftp.gfisoftware.com ftp
	for name in sn92.mailshell.net db.rules.mailshell.net; do
		record $name mailshell 1
	done
	for at in cdn1 cdn2; do
		record edge.cdn.example $at 5
	done
	echo "cname=cdnupdate.gfi.com,edge.cdn.example,60"
	echo "cname=cdnpatches.gfi.com,edge.cdn.example,60"
	record $GATEWAY_TRACKER stranger
	record shared.example cdn1 # a stranger on an address of the vendor's
	record time.windows.com time
	for name in 1 2; do
		record mx.customer$name.example mx$name
		record www.customer$name.example stranger
		cat <<-EOF
			mx-host=customer$name.example,mx.customer$name.example,10
			txt-record=customer$name.example,v=spf1 include:_spf.customer$name.example -all
			txt-record=_spf.customer$name.example,v=spf1 ip4:$GATEWAY_NET4.0/24 -all
		EOF
	done
	echo "host-record=proxy.corp.example,$GATEWAY_LAN4,$GATEWAY_LAN6,$ttl"
	# block lists: the stranger is on all of them, and one of them refuses to serve this resolver
	cat <<-EOF
		local=/zen.spamhaus.org/bl.spamcop.net/dbl.spamhaus.org/multi.surbl.org/multi.uribl.com/mailshell.net/
		host-record=66.113.0.203.zen.spamhaus.org,127.0.0.2,60
		host-record=66.113.0.203.bl.spamcop.net,127.0.0.2,60
		host-record=$GATEWAY_TRACKER.multi.surbl.org,127.0.0.8,60
		host-record=$GATEWAY_TRACKER.dbl.spamhaus.org,127.255.255.254,60
		txt-record=verdict.r.mailshell.net,spam
		auth-ttl=60
		local-ttl=60
	EOF
	# more than fits a datagram of 1,232 bytes
	for name in {1..9}; do
		echo "txt-record=large.example,$(printf "%0.s$name" {1..200})"
	done
}

# gateway_dnsmasq NAME LOG OPTION…: dnsmasq on that host.
gateway_dnsmasq() {
	gateway_start "$1" dnsmasq --keep-in-foreground --pid-file --user=root --no-resolv --no-hosts \
		--bind-interfaces --log-queries=extra --log-facility="$LAB_TMP/$2" --edns-packet-max=1232 \
		"${@:3}"
}

# gateway_names: on the internet the authority for all zones, the resolver that asks it, and the same
# as a stranger's, also by DNS over TLS; on the gateway and the directory server those that ask it.
gateway_names() {
	local upstream

	lab_need dnsmasq unbound dig
	upstream=$(gateway_at4 resolver)
	gateway_records >"$LAB_TMP/records"
	gateway_dnsmasq internet authority.log --conf-file="$LAB_TMP/records" --local=// --cache-size=0 \
		--listen-address="$(gateway_at4 authority)"
	gateway_certificate
	cat >"$LAB_TMP/resolver.conf" <<-EOF
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
		  tls-service-key: "$LAB_TMP/key.pem"
		  tls-service-pem: "$LAB_TMP/cert.pem"
	EOF
	for who in resolver stranger; do
		for port in 53 853; do
			echo "  interface: $(gateway_at4 $who)@$port"
			echo "  interface: $(gateway_at6 $who)@$port"
		done
	done >>"$LAB_TMP/resolver.conf"
	printf 'forward-zone:\n  name: "."\n  forward-addr: %s\n' "$(gateway_at4 authority)" >>"$LAB_TMP/resolver.conf"
	gateway_start internet unbound -d -c "$LAB_TMP/resolver.conf" >"$LAB_TMP/resolver.log" 2>&1
	gateway_resolver
	gateway_dnsmasq dc dc.log --conf-file=/dev/null --server=$upstream \
		--listen-address=127.0.0.1,$GATEWAY_DC4 --host-record=dc1.corp.example,$GATEWAY_DC4
	gateway_answers mail $GATEWAY_LAN4
	gateway_answers mail2 $GATEWAY_DC4
}

# gateway_resolver: that of the gateway; its pid is in gateway_resolver_pid.
gateway_resolver() {
	gateway_dnsmasq gateway names.log --conf-file="${GATEWAY_NAMES_CONF:-/dev/null}" \
		--server="$(gateway_at4 resolver)" --listen-address=127.0.0.1,$GATEWAY_LAN4,$GATEWAY_LAN6
	gateway_resolver_pid=$gateway_started
}

# gateway_answers NAME SERVER: waits until that resolver answers that host.
gateway_answers() {
	lab_wait "gateway_at $1 dig +time=1 +tries=1 +short @$2 mx.customer1.example | grep -q ." ||
		lab_die "no resolver on $2 for $1"
}

# gateway_certificate: one for all names of the vendor, and one for the stranger; each its own issuer.
gateway_certificate() {
	local name names=DNS:ftp.gfisoftware.com

	lab_need openssl
	for name in $GATEWAY_VENDOR; do
		names+=,DNS:$name
	done
	gateway_sign cert key meupdate.gfi.com $names
	gateway_sign tracker tracker.key $GATEWAY_TRACKER DNS:$GATEWAY_TRACKER,DNS:shared.example
}

gateway_sign() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$3" \
		-addext "subjectAltName=$4" -keyout "$LAB_TMP/$2.pem" -out "$LAB_TMP/$1.pem" 2>/dev/null ||
		lab_die "no certificate"
}

# gateway_web: nginx for all names of the vendor and, by another certificate, for everybody else.
gateway_web() {
	local engine

	lab_need nginx curl
	mkdir -p "$LAB_TMP/nginx"
	for engine in $GATEWAY_ENGINES; do
		mkdir -p "$LAB_TMP/www/incav2/$engine"
		head -c 150000 /dev/zero >"$LAB_TMP/www/incav2/$engine/update.bin"
	done
	head -c 40000 /dev/zero >"$LAB_TMP/www/rules.bin"
	cat >"$LAB_TMP/nginx.conf" <<-EOF
		daemon off;
		user root;
		worker_processes 1;
		pid $LAB_TMP/nginx/pid;
		error_log $LAB_TMP/nginx/error.log;
		events {}
		http {
			log_format bytes '\$scheme \$host \$uri \$status \$remote_addr \$request_length \$bytes_sent';
			access_log $LAB_TMP/web.log bytes;
			client_body_temp_path $LAB_TMP/nginx;
			proxy_temp_path $LAB_TMP/nginx;
			fastcgi_temp_path $LAB_TMP/nginx;
			uwsgi_temp_path $LAB_TMP/nginx;
			scgi_temp_path $LAB_TMP/nginx;
			root $LAB_TMP/www;
			server {
				listen 80 default_server;
				listen [::]:80 default_server;
				listen 443 ssl default_server;
				listen [::]:443 ssl default_server;
				ssl_certificate $LAB_TMP/tracker.pem;
				ssl_certificate_key $LAB_TMP/tracker.key.pem;
			}
			server {
				listen 80;
				listen [::]:80;
				listen 443 ssl;
				listen [::]:443 ssl;
				server_name $GATEWAY_VENDOR;
				ssl_certificate $LAB_TMP/cert.pem;
				ssl_certificate_key $LAB_TMP/key.pem;
			}
		}
	EOF
	gateway_start internet nginx -e "$LAB_TMP/nginx/error.log" -c "$LAB_TMP/nginx.conf"
	lab_wait 'gateway_at internet curl -s -o /dev/null "http://$(gateway_at4 web)/rules.bin"' || lab_die "no nginx"
}

# gateway_ftp: vsftpd, anonymous, passive from announced ports 40000-40099, and active.
gateway_ftp() {
	lab_need vsftpd
	mkdir -p "$LAB_TMP/ftp"
	echo "MailEssentials 21.9 build 20260101" >"$LAB_TMP/ftp/version.txt"
	cat >"$LAB_TMP/vsftpd.conf" <<-EOF
		listen=NO
		listen_ipv6=YES
		background=NO
		anonymous_enable=YES
		local_enable=NO
		anon_root=$LAB_TMP/ftp
		secure_chroot_dir=$LAB_TMP/ftp
		pasv_min_port=40000
		pasv_max_port=40099
		connect_from_port_20=YES
		seccomp_sandbox=NO
		xferlog_enable=YES
		vsftpd_log_file=$LAB_TMP/ftp.log
	EOF
	gateway_start internet vsftpd "$LAB_TMP/vsftpd.conf"
	lab_wait 'gateway_at internet curl -s "ftp://$(gateway_at4 ftp)/version.txt" | grep -q build' || lab_die "no vsftpd"
}

# gateway_smtp: takes every message, on port 25 and, for mx1, on 587 and 2525; each is a file below $LAB_TMP/mail4/new
# or mail6/new.
gateway_smtp() {
	local at

	lab_need aiosmtpd
	gateway_start internet aiosmtpd -n -l 0.0.0.0:25 -c aiosmtpd.handlers.Mailbox "$LAB_TMP/mail4"
	gateway_start internet aiosmtpd -n -l :::25 -c aiosmtpd.handlers.Mailbox "$LAB_TMP/mail6"
	gateway_at internet nft -f - <<-EOF || lab_die "no ports for SMTP"
		table inet lab {
			chain ports {
				type nat hook prerouting priority dstnat
				ip daddr $(gateway_at4 mx1) tcp dport { 587, 2525 } dnat ip to $(gateway_at4 mx1):25
				ip6 daddr $(gateway_at6 mx1) tcp dport { 587, 2525 } dnat ip6 to [$(gateway_at6 mx1)]:25
			}
		}
	EOF
	for at in "$(gateway_at4 mx1)" "[$(gateway_at6 mx1)]"; do
		lab_wait "gateway_at internet curl -s -o /dev/null smtp://$at" || lab_die "no SMTP"
	done
}

# gateway_squid NAME LISTEN…: its configuration, in a folder of that name.
gateway_squid() {
	mkdir -p "$LAB_TMP/$1"
	chown proxy: "$LAB_TMP/$1"
	printf 'http_port %s\n' "${@:2}"
	cat <<-EOF
		acl lan src 10.10.0.0/24 2001:db8:10::/64 $GATEWAY_WAN4
		http_access allow lan
		cache deny all
		cache_log $LAB_TMP/$1/cache.log
		access_log stdio:$LAB_TMP/$1/access.log
		pid_filename none
		coredump_dir none
		netdb_filename none
		pinger_enable off
		server_persistent_connections off
		shutdown_lifetime 0 seconds
		visible_hostname proxy.corp.example
		hosts_file none
	EOF
}

# gateway_proxy: squid on the gateway, a process of the watched cgroup. It listens on the LAN, and for
# names it asks the gateway's resolver.
gateway_proxy() {
	lab_need squid
	gateway_squid squid $GATEWAY_PROXY "[$GATEWAY_LAN6]:3128" >"$LAB_TMP/squid.conf"
	echo "dns_nameservers $GATEWAY_LAN4" >>"$LAB_TMP/squid.conf"
	LAB_IN=$LAB_WATCHED lab_in_cgroup squid -N -f "$LAB_TMP/squid.conf" >"$LAB_TMP/squid.out" 2>&1 &
	gateway_proxy_pid=$!
	lab_wait 'gateway_at near curl -s -o /dev/null "http://$GATEWAY_PROXY/"' ||
		lab_die "no squid: $(tail -n 3 "$LAB_TMP/squid.out" "$LAB_TMP/squid/cache.log")"
}

# gateway_far_proxy: squid on the internet, at port 3128 of the truth, which nobody watches.
gateway_far_proxy() {
	local at

	at=$(gateway_at4 truth):3128
	gateway_squid far "$at" >"$LAB_TMP/far.conf"
	cat >>"$LAB_TMP/far.conf" <<-EOF
		dns_nameservers $(gateway_at4 resolver)
		tcp_outgoing_address $(gateway_at4 truth)
	EOF
	gateway_start internet squid -N -n far -f "$LAB_TMP/far.conf" >"$LAB_TMP/far.out" 2>&1
	lab_wait "gateway_at mail curl -s -o /dev/null http://$at/" ||
		lab_die "no squid far away: $(tail -n 3 "$LAB_TMP/far.out" "$LAB_TMP/far/cache.log")"
}

# gateway_echoes: time and whatever else comes by UDP; and the directory server's ports. Nobody answers
# on 20011; 20996 is that of gateway_aborter.
gateway_echoes() {
	: >"$LAB_TMP/echoes"
	: >"$LAB_TMP/directory"
	gateway_start internet "$LAB_BIN/sink" udp/123 udp/443 udp/20000 mute/20011 tcp/20996 >"$LAB_TMP/echoes"
	gateway_start dc "$LAB_BIN/sink" tcp/389 udp/389 tcp/636 >"$LAB_TMP/directory"
	lab_wait 'grep -q ready "$LAB_TMP/echoes" && grep -q ready "$LAB_TMP/directory"' || lab_die "no echo server"
}

gateway_servers() {
	gateway_names
	gateway_web
	gateway_ftp
	gateway_smtp
	gateway_echoes
}
