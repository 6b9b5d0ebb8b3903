# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2016,SC2086
#
# Real servers, each with its own configuration in the temporary directory, on the far side.

# lab_nginx: http and https on the far addresses, with what is in $LAB_TMP/www.
lab_nginx() {
	lab_need nginx openssl
	mkdir -p "$LAB_TMP/www" "$LAB_TMP/nginx"
	head -c 100000 /dev/zero >"$LAB_TMP/www/data"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=updates.example.com -addext subjectAltName=DNS:updates.example.com \
		-keyout "$LAB_TMP/key.pem" -out "$LAB_TMP/cert.pem" 2>/dev/null || lab_die "no certificate"
	cat >"$LAB_TMP/nginx.conf" <<-EOF
		daemon off;
		user root;
		pid $LAB_TMP/nginx/pid;
		error_log $LAB_TMP/nginx/error.log;
		events {}
		http {
			access_log off;
			client_body_temp_path $LAB_TMP/nginx;
			proxy_temp_path $LAB_TMP/nginx;
			fastcgi_temp_path $LAB_TMP/nginx;
			uwsgi_temp_path $LAB_TMP/nginx;
			scgi_temp_path $LAB_TMP/nginx;
			server {
				listen 80;
				listen [::]:80;
				listen 443 ssl;
				listen [::]:443 ssl;
				ssl_certificate $LAB_TMP/cert.pem;
				ssl_certificate_key $LAB_TMP/key.pem;
				root $LAB_TMP/www;
			}
		}
	EOF
	"${lab_there[@]}" nginx -e "$LAB_TMP/nginx/error.log" -c "$LAB_TMP/nginx.conf" &
	lab_wait 'lab_far curl -s -o /dev/null "http://$LAB_LISTED4/data"' || lab_die "no nginx"
}

# lab_dnsmasq: a resolver on 198.51.100.53, and one that nobody configured on .54.
lab_dnsmasq() {
	lab_need dnsmasq dig
	"${lab_there[@]}" dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file --user=root \
		--no-resolv --no-hosts --bind-interfaces --listen-address=198.51.100.53,198.51.100.54 \
		--host-record=updates.example.com,$LAB_LISTED4,$LAB_LISTED6 &
	lab_wait 'lab_far dig +time=1 +tries=1 @198.51.100.53 updates.example.com >/dev/null' ||
		lab_die "no dnsmasq"
	echo "nameserver 198.51.100.53" >"$LAB_TMP/resolv.conf"
}

# lab_resolving COMMAND…: in the watched cgroup, with the lab's resolver in its resolv.conf.
lab_resolving() {
	lab_in_cgroup unshare --mount sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' \
		"$LAB_TMP/resolv.conf" "$@"
}

# lab_prometheus [RULES]: scrapes the daemon every second; answers on 127.0.0.1:9090.
lab_prometheus() {
	lab_need prometheus promtool
	cat >"$LAB_TMP/prometheus.yml" <<-EOF
		global: {scrape_interval: 1s, evaluation_interval: 1s}
		rule_files: [${1-}]
		scrape_configs:
		  - job_name: mewatch
		    static_configs: [{targets: ["$LAB_LISTEN"]}]
	EOF
	prometheus --config.file="$LAB_TMP/prometheus.yml" --storage.tsdb.path="$LAB_TMP/tsdb" \
		--web.listen-address=127.0.0.1:9090 >"$LAB_TMP/prometheus.log" 2>&1 &
	lab_wait 'curl -sf -o /dev/null http://127.0.0.1:9090/-/ready' 30 || lab_die "no prometheus"
}

# lab_query PROMQL: the value, or nothing.
lab_query() {
	curl -sG http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" |
		jq -r '.data.result[0].value[1] // empty'
}
