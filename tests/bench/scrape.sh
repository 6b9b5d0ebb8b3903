# SPDX-License-Identifier: GPL-2.0-only
# What a scrape costs, with many endpoints. Sourced by `run`; prints facts like scale.sh, whose fact() it
# uses. The peer is nginx with the same text as a file.

SCRAPES=101
SCRAPE_SERIES=10000
SCRAPE_ENDPOINTS=500 # which have 20 series each

# A policy with names, each of which is an endpoint.
write_scrape_policy() {
	cat <<-POLICY
		version: 1
		resolvers: [192.0.2.1]
		allow:
		  - service: bench
		    ports: tcp/443
		    to:
	POLICY
	seq -f '      - host%.0f.bench.example' $SCRAPE_ENDPOINTS
}

# scrapes URL FILE: one after the other over one connection; the text into the file, and the median of
# the milliseconds of a scrape in MEDIAN, the greatest in GREATEST.
scrapes() {
	local urls=() i

	for ((i = 0; i < SCRAPES; i++)); do
		urls+=(-o "$2" "$1")
	done
	read -r MEDIAN GREATEST < <(curl --silent --fail --max-time 10 -w '%{time_total}\n' "${urls[@]}" |
		sort -g | awk '{ t[NR] = $1 * 1000 }
			END { if (NR) printf "%.2f %.2f\n", t[int((NR + 1) / 2)], t[NR] }')
	[[ -n ${MEDIAN:-} ]] || die "no answer from $1"
}

serve_files() {
	cat >"$WORK/nginx.conf" <<-CONF
		daemon off;
		user root;
		pid $WORK/nginx.pid;
		error_log stderr;
		events {}
		http {
			access_log off;
			keepalive_requests 1000000;
			client_body_temp_path $WORK;
			proxy_temp_path $WORK;
			fastcgi_temp_path $WORK;
			uwsgi_temp_path $WORK;
			scgi_temp_path $WORK;
			server { listen 127.0.0.1:9816; root $WORK/www; }
		}
	CONF
	nginx -e stderr -c "$WORK/nginx.conf" 2>"$WORK/nginx.log" &
	HOLDERS+=($!)
	wait_until 10 curl --silent --fail -o /dev/null http://127.0.0.1:9816/metrics ||
		die "nginx does not answer: $(tail -n 1 "$WORK/nginx.log")"
}

bench_scrape() {
	local series cpu

	if ! have_daemon; then
		fact "scrape: build/mewatch is not built" 0 rows
		return
	fi
	mkdir "$WORK/www"
	start_daemon_on write_scrape_policy
	cpu=$(daemon_cpu)
	scrapes http://127.0.0.1:9815/metrics "$WORK/www/metrics"
	cpu=$(awk -v a="$cpu" -v b="$(daemon_cpu)" -v n=$SCRAPES 'BEGIN { printf "%.2f", (b - a) * 1000 / n }')
	series=$(grep -vc '^#' "$WORK/www/metrics")
	fact "scrape: series" "$series" series ">=" $SCRAPE_SERIES
	fact "scrape: bytes" "$(stat -c %s "$WORK/www/metrics")" bytes
	fact "scrape: median of $SCRAPES" "$MEDIAN" ms "<=" 50
	fact "scrape: the slowest of them" "$GREATEST" ms
	fact "scrape: CPU of the daemon, each" "$cpu" ms
	stop_daemon
	serve_files
	scrapes http://127.0.0.1:9816/metrics "$WORK/scraped"
	cmp -s "$WORK/scraped" "$WORK/www/metrics" || die "nginx served something else"
	fact "the same text, a file by nginx: median" "$MEDIAN" ms
	fact "the same text, a file by nginx: the slowest" "$GREATEST" ms
}
