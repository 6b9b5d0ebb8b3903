# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# Each row of the vendor's documents, by each profile, at both vantages (tests/vendor_rows.h): a real
# client speaks to a real server, and the flow gets the verdict of the table. Names are asked of the
# configured resolver first, half of them for IPv4 and half for IPv6.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/replay-lib.sh"

resolver=192.0.2.53 peer=192.0.2.11 own=192.0.2.10 # as the table has them
remoting="8013 8015 8021 9090 9091 9093 9095 9096 61000"
"$LAB_BIN/vendor_rows" >"$LAB_TMP/rows" || lab_die "no table"

# The names of the table, each with an address of its own.
declare -A address_of=()
names_of_the_table() {
	local name n=100

	for name in $(cut -f3 "$LAB_TMP/rows" | grep '[a-z]$' | grep -v : | sort -u); do
		n=$((n + 1))
		[ $((n % 2)) = 0 ] && address_of[$name]=$GATEWAY_NET4.$n || address_of[$name]=$GATEWAY_NET6:$n
	done
}
names_of_the_table

gateway_records() {
	local name

	for name in "${!address_of[@]}"; do
		echo "host-record=$name,${address_of[$name]},60"
	done
	echo "host-record=mx.customer1.example,$(gateway_at4 mx1),60" # gateway_names asks for it
}

# The internet has each address of the table; the resolver is the one that is there already.
internet_has_all() {
	local address

	for address in "${address_of[@]}" $(cut -f3 "$LAB_TMP/rows" | grep -v '[g-z]' | sort -u); do
		case $address in
		127.* | ::1 | "$own") ;;
		*:*) gateway_at internet ip address replace $address/128 dev eth0 nodad ;;
		*) gateway_at internet ip address replace $address/32 dev eth0 ;;
		esac
	done
	gateway_at internet nft -f - <<-RULES || lab_die "no resolver"
		table ip vendor {
			chain resolver {
				type nat hook prerouting priority dstnat
				ip daddr $resolver udp dport 53 dnat to $(gateway_at4 resolver)
				ip daddr $resolver tcp dport { 53, 853 } dnat to $(gateway_at4 resolver)
			}
		}
	RULES
	ip address add $own/32 dev lo
}

servers() {
	local port specs="tcp/20 tcp/389 tcp/636 tcp/8080 udp/123 udp/389 udp/443"

	gateway_names
	gateway_web
	gateway_ftp
	for port in 25 587; do
		gateway_start internet aiosmtpd -n -l 0.0.0.0:$port -c aiosmtpd.handlers.Sink
	done
	: >"$LAB_TMP/there"
	: >"$LAB_TMP/here"
	gateway_start internet "$LAB_BIN/sink" $specs tcp/${remoting// / tcp/} >"$LAB_TMP/there"
	gateway_start gateway "$LAB_BIN/sink" tcp/${remoting// / tcp/} >"$LAB_TMP/here"
	lab_wait 'grep -q ready "$LAB_TMP/there" && grep -q ready "$LAB_TMP/here"' || lab_die "no servers"
	lab_wait 'gateway_at internet curl -s -o /dev/null smtp://127.0.0.1:587' || lab_die "no SMTP"
}

# as VANTAGE COMMAND…: on the mail host, or as a watched process of the gateway.
as() {
	if [ "$1" = transit ]; then
		gateway_at mail "${@:2}"
	else
		lab_in_cgroup "${@:2}"
	fi >/dev/null 2>&1
}

# fetch VANTAGE SCHEME TO ADDRESS PORT
fetch() {
	local to=$3 known="--resolve $3:$5:$4"

	case $3 in *:*) to="[$3]" known= ;; esac
	as $1 curl -sk -o /dev/null --max-time 3 $known "$2://$to:$5/rules.bin"
}

# visit VANTAGE TO PORT PROTO: a client of that protocol.
visit() {
	local address=${address_of[$2]-$2} ask="dig +tries=1 +time=1 support.gfi.com"

	case $3/$4 in
	53/tcp) as $1 $ask +tcp @$address ;;
	853/tcp) as $1 $ask +tls @$address ;;
	*/udp) as $1 $ask -p $3 @$address ;;
	21/tcp) as $1 curl -s --max-time 3 --resolve "$2:21:$address" "ftp://$2/version.txt" ;;
	25/tcp | 587/tcp) as $1 curl -s --max-time 3 "smtp://$address:$3" ;;
	443/tcp) fetch $1 https $2 $address $3 ;;
	*) fetch $1 http $2 $address $3 ;;
	esac
	return 0
}

# visits PROFILE VANTAGE…: the names first, then whatever that profile has a row for.
visits() {
	local name to port proto vantage running=0

	for name in "${!address_of[@]}"; do
		case ${address_of[$name]} in
		*:*) as $2 dig +tries=2 +time=2 @$resolver AAAA "$name" ;;
		*) as $2 dig +tries=2 +time=2 @$resolver A "$name" ;;
		esac
	done
	while IFS=$'\t' read -r _ _ to port proto vantage _; do
		case " ${*:2} " in *" $vantage "*) ;; *) continue ;; esac
		visit $2 $to $port $proto &
		running=$((running + 1))
		[ $((running % 6)) != 0 ] || wait
	done < <(awk -F'\t' -v profile="$1" '$1 == profile' "$LAB_TMP/rows")
	wait
}

# What is wrong: lines of the table for which there is no such flow, or another one as well.
compare() {
	local name

	for name in "${!address_of[@]}"; do
		echo "$name ${address_of[$name]}"
	done >"$LAB_TMP/names"
	lab_flows ".first >= \"$2\"" | jq -r '[.vantage, .dst, .dport, .proto, .service,
		(if .verdict == "violation" then .reason else .verdict end)] | join(" ")' | sort -u >"$LAB_TMP/seen"
	awk -v profile="$1" -v names="$LAB_TMP/names" -v seen="$LAB_TMP/seen" -F'\t' '
		BEGIN {
			while ((getline line <names) > 0) {
				split(line, word, " ")
				address[word[1]] = word[2]
			}
			while ((getline line <seen) > 0) {
				split(line, word, " ")
				key = word[1] " " word[2] " " word[3] " " word[4]
				also = key in got ? got[key] ", " : ""
				got[key] = also word[5] " " word[6]
			}
		}
		$1 == profile {
			key = ($6 == "transit" ? "transit" : "host") " " ($3 in address ? address[$3] : $3) " " $4 " " $5
			want = $8
			sub(/^\?/, "", want)
			sub(/^retired$/, "allowed", want)
			lines++
			if (got[key] != $7 " " want)
				print $2 ": " $3 " " $4 "/" $5 " (" key "): " got[key] ", not " $7 " " want
		}
		END { print lines " lines" }' "$LAB_TMP/rows"
}

gateway_network nat=off
internet_has_all
servers
first=1
for profile in $(cut -f1 "$LAB_TMP/rows" | uniq); do
	cat >"$LAB_POLICY" <<-POLICY
		version: 1
		profile: $profile
		resolvers: $resolver
		peers: $peer
		limits: {pending: 300ms, warmup: 0s}
		watch:
		  interfaces: [$GATEWAY_LAN]
		  hosts: [$GATEWAY_MAIL4, "$GATEWAY_MAIL6"]
		  cgroups: [$LAB_WATCHED_PATH]
	POLICY
	if [ -n "$first" ]; then
		replay_begin
		lab_daemon
	else
		lab_reload ok
	fi
	begun=$(date -u +%FT%T.%3NZ)
	lab_mark
	visits $profile transit &
	visitors=$!
	visits $profile host own &
	wait $visitors $!
	lab_settle "$profile: pending" 0 lab_metric pending_flows
	lab_settle "$profile" "$(cut -f1 "$LAB_TMP/rows" | grep -cx $profile) lines" compare $profile "$begun"
	lab_settle "$profile: retired entries that were used" \
		"$(cut -f1,8 "$LAB_TMP/rows" | grep -cx "$profile	retired")" \
		lab_delta 'findings_total{kind="retired-used"}'
	lab_assert_sums "$profile"
	if [ -n "$first" ]; then
		replay_same "$profile"
		replay_end
	fi
	first=
done
