# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# A day of a MailEssentials host, compressed, by real clients: what arrives is looked up (SPF, block
# lists, SpamRazer), what leaves goes to mail exchangers, engines and rules are updated, and on demand
# the host misbehaves. What was done is written down as the ground truth:
#
#	$LAB_TMP/day.flows   a line each connection whose ports the client tells, the first eight fields being
#	                     HOST SERVICE ENDPOINT SRC SPORT DST DPORT OUTCOME; then SENT RECEIVED, or `- -`
#	$LAB_TMP/day.callbacks   a line each connection that an FTP server makes to the mail host
#	day[KEY]             how many of everything; day_truth writes them as key=value lines
#
# The resolvers' logs have every query.

DAY_FLOWS=$LAB_TMP/day.flows
DAY_CALLBACKS=$LAB_TMP/day.callbacks
DAY_MESSAGE=$LAB_TMP/day.message
DAY_TELL="%{local_ip} %{local_port} %{remote_ip} %{remote_port} established"
DAY_TELL+=" %{size_request} %{size_upload} %{size_header} %{size_download}"
DAY_NIBBLES=6.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.9.0.0.8.b.d.0.1.0.0.2 # of a stranger, backwards
declare -A day=()
day_hour_now=0

# day_policy [LIMITS [RULES]]: the vendor's default list, what the site adds to it, and whom it watches.
day_policy() {
	gateway_policy <<-EOF
		resolvers: [$GATEWAY_LAN4, $GATEWAY_DC4, $(gateway_at4 resolver), "$(gateway_at6 resolver)"]
		proxy: $GATEWAY_PROXY
		limits: {warmup: 0s, ${1:-udp_idle: 1h}}
		allow:
		  - service: smtp
		    name: outbound mail
		    to: any
		    ports: [tcp/25, tcp/587]
		  - service: time
		    to: time.windows.com
		    ports: udp/123
		${2-}
	EOF
}

# day_count KEY [N]
day_count() {
	day[$1]=$((${day[$1]-0} + ${2-1}))
}

# day_on COMMAND…: on the mail host whose hour it is.
day_on() {
	gateway_at "${day_host:-mail}" "$@"
}

# day_source 4|6: its address.
day_source() {
	gateway_source "${day_host:-mail}" $1
}

# --- what arrives is looked up

# day_ask CATEGORY NAME TYPE …: all of them in one run of dig.
day_ask() {
	: >"$LAB_TMP/questions"
	while [ $# -gt 0 ]; do
		echo "$2 $3" >>"$LAB_TMP/questions"
		day_count "queries.$1"
		shift 3
	done
	day_on dig +noall +tries=1 +time=5 -f "$LAB_TMP/questions" >>"$LAB_TMP/dig.log" ||
		lab_fail "dig: $(<"$LAB_TMP/questions")"
}

# day_message N: the lookups of one message, the sender being one of two customers or the stranger.
day_message() {
	local customer=customer$(($1 % 2 + 1)).example last=$((26 + $1 % 2 * 40)) zone
	local -a questions=(spf $customer TXT spf _spf.$customer TXT other $customer MX
		spamrazer m$1.r.mailshell.net TXT ip-dnsbl $DAY_NIBBLES.zen.spamhaus.org A)

	for zone in zen.spamhaus.org bl.spamcop.net; do
		questions+=(ip-dnsbl $last.113.0.203.$zone A)
	done
	for zone in multi.surbl.org dbl.spamhaus.org multi.uribl.com; do
		questions+=(uri-dnsbl $GATEWAY_TRACKER.$zone A)
	done
	day_ask "${questions[@]}"
}

# --- what leaves

# day_fetch SERVICE ENDPOINT 4|6 URL [OPTION]…: with curl, which tells its ports.
day_fetch() {
	local service=$1 endpoint=$2 family=$3 line

	shift 3
	if ! line=$(day_on curl -sS "-$family" --max-time $((20 * LAB_PATIENCE)) --cacert "$LAB_TMP/cert.pem" \
		-o "$LAB_TMP/fetched" -w "$DAY_TELL" "$@" 2>&1); then
		lab_fail "curl $*: $line"
		return
	fi
	awk -v head="${day_host:-mail} $service $endpoint" -v url="$1" '{
		$1 = head " " $1
		sent = $6 + $7
		received = $8 + $9
		NF = 5
		# of plain HTTP alone curl counts every byte
		print $0, url ~ /^http:/ && service != "proxy" ? sent " " received : "- -"
	}' <<<"$line" >>"$DAY_FLOWS"
	day_count $service
}

# day_engines: plain HTTP, one path an engine.
day_engines() {
	local engine

	for engine in $GATEWAY_ENGINES; do
		day_fetch updates meupdate.gfi.com $1 "http://meupdate.gfi.com/incav2/$engine/update.bin"
	done
}

day_updates() {
	local name

	for name in meupdate cdnupdate cdnpatches support spamrazer; do
		day_fetch updates $name.gfi.com $1 "https://$name.gfi.com/rules.bin"
	done
	day_fetch updates '*.mailshell.net' $1 "https://sn92.mailshell.net/rules.bin"
	day_fetch updates '*.rules.mailshell.net' $1 "https://db.rules.mailshell.net/rules.bin"
}

# day_version: the version check by FTP, passive and active. A data connection of curl's is not in
# day.flows, and one of active mode is no attempt of ours.
day_version() {
	local url=ftp://ftp.gfisoftware.com/version.txt passive

	day_fetch ftp ftp.gfisoftware.com 4 $url
	day_fetch ftp ftp.gfisoftware.com 4 $url --disable-epsv
	day_fetch ftp ftp.gfisoftware.com 6 $url
	day_count ftp.data 3
	day_fetch ftp ftp.gfisoftware.com 6 $url --ftp-port -
	gateway_at6 ftp >>"$DAY_CALLBACKS"
	for passive in yes no; do
		[ $passive = yes ] || gateway_follows_ftp || continue
		day_on lftp -c "set net:max-retries 1; set net:timeout 5; set dns:order inet; set ftp:passive-mode $passive
			open ftp.gfisoftware.com && cat version.txt" >>"$LAB_TMP/lftp.log" 2>&1 ||
			lab_fail "lftp: $(tail -n 1 "$LAB_TMP/lftp.log")"
		day_count ftp
		day_count blind.ftp.gfisoftware.com # of unknown ports
		case $passive in
		yes) day_count ftp.data ;;
		no) gateway_at4 ftp >>"$DAY_CALLBACKS" ;;
		esac
	done
}

# day_proxied: updates through the gateway's proxy, which opens a flow of its own for each.
day_proxied() {
	local name

	for name in http://meupdate.gfi.com https://cdnupdate.gfi.com; do
		day_fetch proxy proxy 4 $name/rules.bin --proxy "http://$GATEWAY_PROXY"
		day_count proxied
		day_count proxied.${name#*//}
	done
}

# day_mail N: a message for one of the two customers, by either family.
day_mail() {
	printf 'From: a@corp.example\r\nTo: b@customer.example\r\nSubject: %d\r\n\r\nHello.\r\n' "$1" >"$DAY_MESSAGE"
	day_fetch smtp any $((4 + $1 % 2 * 2)) "smtp://mx.customer$(($1 / 2 % 2 + 1)).example" \
		--mail-from a@corp.example --mail-rcpt b@customer.example --upload-file "$DAY_MESSAGE"
}

# day_client SERVICE ENDPOINT KIND 4|6 DEST PORT COUNT [OPTION]…: with gateway_client.
day_client() {
	: >"$LAB_TMP/day.client"
	lab_truth day_on "$LAB_BIN/gateway_client" $3 "$(day_source $4)" $5 $6 $7 "${@:8}" truth="$LAB_TMP/day.client"
	lab_assert_eq "$3 $5 $6: failed" "${truth[failed]}" 0
	awk -v head="${day_host:-mail} $1 $2" '{ print head, $2, $3, $4, $5, $6, $7, $8 }' \
		"$LAB_TMP/day.client" >>"$DAY_FLOWS"
	day_count $1 $7
}

day_time() {
	day_client time time.windows.com udp $1 "$(gateway_at$1 time)" 123 1 up=48
}

# day_directory: to the directory server on the segment; the gateway never sees it.
day_directory() {
	lab_truth day_on "$LAB_BIN/paths_tcp" tcp $GATEWAY_DC4 389 1
	lab_assert_eq "directory" "${truth[errno]}" 0
	day_count directory
}

# --- the day

# day_hour MESSAGES: the next hour; both mail hosts work, most of it is the first one's. A proxy is used
# if gateway_proxy made one.
day_hour() {
	local hour=$day_hour_now family=$((4 + day_hour_now % 2 * 2)) i day_host=mail

	day_hour_now=$((hour + 1))
	day_count hours
	for ((i = 0; i < $1; i++)); do
		day_message $i
		[ $((i % 2)) = 1 ] || day_mail $((hour + i))
	done
	day_ask other time.windows.com A other time.windows.com AAAA other large.example TXT
	day_time $family
	day_directory
	[ $((hour % 2)) = 1 ] || day_engines $family
	[ $((hour % 3)) = 1 ] || day_updates $family
	[ $((hour % 4)) != 1 ] || day_version
	[ $((hour % 2)) = 0 ] || [ -z "${gateway_proxy_pid-}" ] || day_proxied
	day_host=mail2
	day_directory
	day_fetch updates meupdate.gfi.com 4 "https://meupdate.gfi.com/rules.bin"
	[ $((hour % 2)) = 1 ] || day_fetch updates meupdate.gfi.com 4 "http://meupdate.gfi.com/incav2/avira/update.bin"
	day_mail $((hour + 1))
}

# --- what was done

# day_begin: what the resolver has logged so far is not of the day.
day_begin() {
	day_names_before=$(wc -l <"$LAB_TMP/names.log")
}

# day_names_log: what the gateway's resolver has logged since day_begin.
day_names_log() {
	tail -n +$((day_names_before + 1)) "$LAB_TMP/names.log"
}

# day_queries: those of watched clients by category: of the mail hosts, and of the proxy on the gateway.
day_queries() {
	day_names_log | sed -n 's/.* query\[\([A-Z]*\)\] \(.*\) from \(.*\)/\1 \2 \3/p' | awk '
		function use(type, name) {
			if (name ~ /(zen\.spamhaus\.org|bl\.spamcop\.net)$/)
				return "ip-dnsbl"
			if (name ~ /(multi\.surbl\.org|dbl\.spamhaus\.org|multi\.uribl\.com)$/)
				return "uri-dnsbl"
			if (name ~ /mailshell\.net$|^spamrazer\.gfi\.com$/)
				return "spamrazer"
			return type == "TXT" ? "spf" : "other"
		}
		$3 ~ /^10\.10\.0\.1[01]?$/ { n[use($1, $2)]++ }
		END { for (u in n) print u, n[u] }' | sort
}

# day_asked [ADDRESS]: from how many sockets the mail hosts, or whoever has that address as a regular
# expression, asked the gateway's resolver.
day_asked() {
	local from=${1:-'10\.10\.0\.1[01]'} own

	# over TCP another process of it logs
	own=$(sed -n 's/.* dnsmasq\(\[[0-9]*\]\): started, .*/\1/p' "$LAB_TMP/names.log" | paste -sd' ')
	day_names_log | sed -n "s|.* dnsmasq\(.*\): [0-9]* \($from/[0-9]*\) query.*|\1 \2|p" |
		awk -v own="$own" '{ print index(own, $1) ? "udp" : $1, $2 }' | sort -u | wc -l
}

# day_truth: the counts, as key=value lines.
day_truth() {
	local key

	for key in "${!day[@]}"; do
		echo "$key=${day[$key]}"
	done | sort
}
