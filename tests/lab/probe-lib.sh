# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# The far side of the probe's scenario: names, web and FTP servers and a proxy that work, and as many
# that are in the way: really so, by what they are told or by a packet filter before them. Names below
# `example` are of the far side's addresses of the same name.
. "$LAB_DIR/lib.sh"

NET4=198.51.100
NET6=2001:db8:51:
# Who is on the far side, as the last number of both addresses.
declare -A WHO=([web]=10 [ftp]=11 [resolver]=53 [second]=54 [proxy]=60 [plain]=61 [cut]=62 [swallow]=63
	[refuse]=64 [drop]=65 [reject]=66 [full]=67 [noise]=68)

at4() {
	echo $NET4.${WHO[$1]}
}

at6() {
	echo $NET6:${WHO[$1]}
}

probe_network() {
	local who

	lab_need nginx openssl dnsmasq unbound vsftpd squid nft dig
	lab_network
	for who in proxy plain cut swallow refuse drop reject full noise; do
		lab_far ip address add $(at4 $who)/24 dev far0
		lab_far ip address add $(at6 $who)/64 dev far0 nodad
	done
	for who in {101..120}; do
		lab_far ip address add $NET4.$who/24 dev far0
	done
}

# --- certificates

# probe_sign NAME NAMES OPTION…: NAME.pem and NAME.key, by the authority of the moment.
probe_sign() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1.example" \
		-keyout "$LAB_TMP/$1.key" -out "$LAB_TMP/$1.csr" 2>/dev/null &&
		openssl x509 -req -in "$LAB_TMP/$1.csr" -CA "$LAB_TMP/ca.pem" -CAkey "$LAB_TMP/ca.key" \
			-extfile <(echo "subjectAltName=$2") -out "$LAB_TMP/$1.pem" "${@:3}" 2>/dev/null ||
		lab_die "no certificate for $1"
}

# probe_authority NAME CN: NAME.pem and NAME.key, for which nobody vouches but itself.
probe_authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$2" \
		-addext "subjectAltName=DNS:$2" -keyout "$LAB_TMP/$1.key" -out "$LAB_TMP/$1.pem" \
		2>/dev/null || lab_die "no authority $2"
}

# The first authority is in $LAB_TMP/trusted.pem, the second one nowhere.
probe_certificates() {
	local name names=

	for name in good both alias nowhere drop a.wild; do
		names+=,DNS:$name.example
	done
	probe_authority ca "Lab Authority"
	cp "$LAB_TMP/ca.pem" "$LAB_TMP/trusted.pem"
	probe_sign good "${names#,}" -days 30
	probe_sign other DNS:other.example -days 30
	probe_sign expired DNS:expired.example -days -1
	probe_authority selfsigned selfsigned.example
	probe_authority ca "Unknown Authority"
	probe_sign unknown DNS:unknown.example -days 30
}

# --- servers

# probe_site "NAME…" CERTIFICATE DIRECTIVE…: as nginx takes it.
probe_site() {
	echo "server { listen 80; listen [::]:80; listen 443 ssl; listen [::]:443 ssl; server_name $1;"
	echo "ssl_certificate $LAB_TMP/$2.pem; ssl_certificate_key $LAB_TMP/$2.key; ${*:3} }"
}

# Who asks for no site gets a TLS alert, and on `plain` no TLS at all.
probe_web() {
	mkdir -p "$LAB_TMP/nginx" "$LAB_TMP/www"
	echo works >"$LAB_TMP/www/index.html"
	{
		cat <<-EOF
			daemon off;
			user root;
			pid $LAB_TMP/nginx/pid;
			error_log $LAB_TMP/nginx/error.log;
			events {}
			http {
				log_format probe '\$request_method \$host \$request_uri \$http_user_agent';
				access_log $LAB_TMP/web.log probe;
				client_body_temp_path $LAB_TMP/nginx;
				proxy_temp_path $LAB_TMP/nginx;
				fastcgi_temp_path $LAB_TMP/nginx;
				uwsgi_temp_path $LAB_TMP/nginx;
				scgi_temp_path $LAB_TMP/nginx;
				root $LAB_TMP/www;
				server { listen $(at4 plain):443; listen [$(at6 plain)]:443; }
				server { listen $(at4 second):443 ssl;
					ssl_certificate $LAB_TMP/good.pem; ssl_certificate_key $LAB_TMP/good.key; }
				server { listen $(at4 ftp):443 ssl;
					ssl_certificate $LAB_TMP/unknown.pem; ssl_certificate_key $LAB_TMP/unknown.key; }
				server { listen 443 ssl default_server; listen [::]:443 ssl default_server;
					ssl_reject_handshake on; }
		EOF
		probe_site "good.example both.example alias.example nowhere.example drop.example a.wild.example" good
		probe_site busy.example other "return 503;"
		probe_site missing.example other "return 404;"
		probe_site forbidden.example other "return 403;"
		probe_site moved.example other "return 302 http://portal.example/blocked;"
		probe_site selfsigned.example selfsigned
		probe_site expired.example expired
		probe_site unknown.example unknown
		echo "}"
	} >"$LAB_TMP/nginx.conf"
	"${lab_there[@]}" nginx -e "$LAB_TMP/nginx/error.log" -c "$LAB_TMP/nginx.conf" &
	lab_wait 'lab_far curl -s -o /dev/null "http://$(at4 web)/"' || lab_die "no nginx"
}

# The resolver, and a second one behind it: it fails for one zone and is silent about another.
probe_resolvers() {
	local name

	{
		for name in good busy missing forbidden moved selfsigned expired unknown alert a.wild; do
			echo "host-record=$name.example,$(at4 web)"
		done
		for name in ftp plain cut swallow refuse drop reject noise; do
			echo "host-record=$name.example,$(at4 $name),$(at6 $name)"
		done
		for name in full proxy; do
			echo "host-record=$name.example,$(at4 $name)"
		done
		echo "host-record=both.example,$(at4 web),$(at6 web)"
		echo "cname=alias.example,good.example"
		echo "host-record=nowhere.example,$(at4 web),2001:db8:dead::1"
		echo "host-record=null.example,0.0.0.0"
		echo "host-record=loop.example,127.0.0.1"
		echo "host-record=inside.example,10.99.0.1"
		echo "txt-record=text.example,nothing else"
		echo "local=/example/"
		echo "server=/broken.lab/silent.lab/$(at4 second)"
		for name in {101..120}; do
			echo "host-record=many.example,$NET4.$name"
		done
	} >"$LAB_TMP/dnsmasq.conf"
	"${lab_there[@]}" dnsmasq --keep-in-foreground --conf-file="$LAB_TMP/dnsmasq.conf" --pid-file \
		--user=root --no-resolv --no-hosts --bind-interfaces --listen-address=$(at4 resolver) \
		--log-queries --log-facility="$LAB_TMP/dnsmasq.log" &
	cat >"$LAB_TMP/unbound.conf" <<-EOF
		server:
		  chroot: ""
		  username: ""
		  pidfile: ""
		  directory: "$LAB_TMP"
		  do-daemonize: no
		  use-syslog: no
		  num-threads: 1
		  module-config: "iterator"
		  interface: $(at4 second)
		  access-control: 0.0.0.0/0 allow
		forward-zone:
		  name: "broken.lab"
		  forward-addr: 127.0.0.1@5353 # is never asked: a failure at once
		forward-zone:
		  name: "silent.lab"
		  forward-addr: 203.0.113.1 # no way leads there
	EOF
	lab_far ip route add 203.0.113.1 dev lo
	"${lab_there[@]}" unbound -d -c "$LAB_TMP/unbound.conf" >"$LAB_TMP/unbound.log" 2>&1 &
	lab_wait 'lab_far dig +time=1 +tries=1 +short @$(at4 resolver) good.example | grep -q .' &&
		lab_wait 'lab_far dig +time=5 +tries=1 @$(at4 second) broken.lab | grep -q SERVFAIL' ||
		lab_die "no resolvers"
}

# probe_vsftpd NAME ADDRESS OPTION…
probe_vsftpd() {
	mkdir -p "$LAB_TMP/ftp"
	cat >"$LAB_TMP/$1.conf" <<-EOF
		listen=NO
		listen_ipv6=YES
		listen_address6=$2
		background=NO
		anonymous_enable=YES
		local_enable=NO
		anon_root=$LAB_TMP/ftp
		secure_chroot_dir=$LAB_TMP/ftp
		seccomp_sandbox=NO
		xferlog_enable=YES
		xferlog_std_format=NO
		log_ftp_protocol=YES
		vsftpd_log_file=$LAB_TMP/$1.log
	EOF
	printf '%s\n' "${@:3}" >>"$LAB_TMP/$1.conf"
	"${lab_there[@]}" vsftpd "$LAB_TMP/$1.conf" &
	lab_wait "lab_far ss -Hltn sport = 21 | grep -qF '[$2]:21'" || lab_die "no vsftpd $1"
}

# `full` takes one client at a time, and has it.
probe_ftp() {
	probe_vsftpd ftp ::ffff:$(at4 ftp)
	probe_vsftpd ftp6 $(at6 ftp)
	probe_vsftpd full ::ffff:$(at4 full) max_clients=1
	"${lab_there[@]}" bash -c 'exec 3<>"/dev/tcp/$0/21" && head -n 1 <&3 >"$1" && exec sleep infinity' \
		"$(at4 full)" "$LAB_TMP/full.client" &
	lab_wait 'grep -qs ^220 "$LAB_TMP/full.client"' || lab_die "no client of the full one"
}

probe_proxy() {
	mkdir -p "$LAB_TMP/squid"
	chown proxy: "$LAB_TMP/squid"
	cat >"$LAB_TMP/squid.conf" <<-EOF
		http_port $(at4 proxy):3128
		acl banned dstdomain busy.example
		http_access deny banned
		http_access allow all
		cache deny all
		cache_log $LAB_TMP/squid/cache.log
		access_log stdio:$LAB_TMP/squid/access.log
		pid_filename none
		coredump_dir none
		netdb_filename none
		pinger_enable off
		shutdown_lifetime 0 seconds
		visible_hostname proxy.example
		dns_nameservers $(at4 resolver)
		hosts_file none
	EOF
	"${lab_there[@]}" squid -N -f "$LAB_TMP/squid.conf" >"$LAB_TMP/squid.out" 2>&1 &
	lab_wait 'lab_far curl -s -o /dev/null "http://$(at4 proxy):3128/"' ||
		lab_die "no squid: $(tail -n 3 "$LAB_TMP/squid.out" "$LAB_TMP/squid/cache.log")"
}

# What a packet filter on the way does, to addresses of their own; the far side itself is spared. `cut`
# and `swallow` let a connection come about, and no more. On `noise` the web and FTP servers are swapped.
probe_filter() {
	lab_far nft -f - <<-EOF || lab_die "no packet filter"
		table inet lab {
			chain in {
				type filter hook input priority 0
				iif lo accept
				ip daddr $(at4 refuse) tcp dport { 80, 443 } reject with tcp reset
				ip6 daddr $(at6 refuse) tcp dport { 80, 443 } reject with tcp reset
				ip daddr { $(at4 drop), $NET4.101-$NET4.120 } drop
				ip6 daddr $(at6 drop) meta l4proto tcp drop
				ip daddr $(at4 reject) reject with icmp admin-prohibited
				ip6 daddr $(at6 reject) meta l4proto tcp reject with icmpv6 admin-prohibited
				ip daddr $(at4 swallow) tcp flags psh drop
				ip6 daddr $(at6 swallow) tcp flags psh drop
				ip daddr $(at4 cut) tcp flags psh reject with tcp reset
				ip6 daddr $(at6 cut) tcp flags psh reject with tcp reset
			}
			chain nat {
				type nat hook prerouting priority dstnat
				ip daddr $(at4 noise) tcp dport 21 dnat ip to $(at4 web):80
				ip daddr $(at4 noise) tcp dport 80 dnat ip to $(at4 ftp):21
				ip6 daddr $(at6 noise) tcp dport 21 dnat ip6 to [$(at6 web)]:80
				ip6 daddr $(at6 noise) tcp dport 80 dnat ip6 to [$(at6 ftp)]:21
			}
		}
	EOF
}

# --- the probe

# probe STATUS ARGUMENT…: as a process of the watched cgroup, with the first authority as the system's
# store. What it says is in $LAB_TMP/probe and $LAB_TMP/probe.err; it has to end with that status.
probe() {
	local status

	lab_in_cgroup unshare --mount sh -c \
		'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"' "$LAB_TMP/trusted.pem" \
		"$LAB_BUILD/mewatch" probe -c "$LAB_POLICY" --timeout 2s "${@:2}" >"$LAB_TMP/probe" \
		2>"$LAB_TMP/probe.err"
	status=$?
	lab_assert_eq "mewatch probe ${*:2}: its exit status ($(<"$LAB_TMP/probe.err"))" $status $1
}

# probe_told ENDPOINT PORT PROTO: what the answer says of it: "STATE: VIA RECORD ADDRESS OUTCOME STATUS
# PROBLEM, …", with "-" for what is not there. What was resolved comes in no particular order.
probe_told() {
	jq -r --arg endpoint "$1" --argjson port $2 --arg proto $3 '.targets[] |
		select((.name // .endpoint) == $endpoint and .port == $port and .proto == $proto) |
		.state + ":" + ([.attempts[] | " " + ([.via, .record, .address, .outcome, .status,
			.certificate.problem] | map(. // "-" | tostring) | join(" "))] | sort | join(","))' \
		"$LAB_TMP/probe"
}

# probe_expect: lines "ENDPOINT PORT/PROTO STATE: …" on standard input, each of which it has to say.
probe_expect() {
	local endpoint port told

	while read -r endpoint port told; do
		lab_assert_eq "$endpoint $port" "$(probe_told $endpoint ${port%/*} ${port#*/})" "$told"
	done
}

# probe_said ENDPOINT PORT TEXT: the detail of each attempt has that in it.
probe_said() {
	lab_assert_eq "$1 $2 says '$3'" "$(jq --arg endpoint "$1" --argjson port $2 --arg text "$3" \
		'[.targets[] | select(.endpoint == $endpoint and .port == $port) |
		.attempts[].detail // "" | contains($text)] | length > 0 and all' "$LAB_TMP/probe")" true
}
