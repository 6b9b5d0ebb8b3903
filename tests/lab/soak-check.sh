# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# The night of a soak: what everybody did in the day, and what mewatch has of it: metrics, flows,
# endpoints, events, history and report. All of it is exact.

SOAK_BASE=$LAB_TMP/base.prom # what was counted until the hooks were detached last
: >"$SOAK_BASE"

# sum_counters FILE FILE: series by series.
sum_counters() {
	awk '$1 ~ /_total(\{|$)/ { sum[$1] += $2 } END { for (series in sum) printf "%s %.0f\n", series, sum[series] }' "$@"
}

# --- the truth of the loads

# tuples SET: what is in it, as `SOURCE SPORT DPORT`.
tuples() {
	nft -j list set inet soak $1 | jq -r '.nftables[].set.elem[]?.concat | map(tostring) | join(" ")'
}

# truth_collect: of the clients of each endpoint what they did, as far as it came to the gateway, in
# $soak_dir/of.ENDPOINT: a line each attempt; of datagrams one each pair of ports.
truth_collect() {
	local name

	{
		tuples seen4
		tuples seen6
		tuples muted
	} >"$soak_dir/came"
	for name in streams rough strange late datagrams mute; do
		cat "$soak_dir/truth.$name"* 2>/dev/null | awk -v came="$soak_dir/came" '
			BEGIN {
				while ((getline line <came) > 0)
					seen[line]
			}
			$1 == "tcp" && ($2 " " $3 " " $5) in seen
			$1 == "udp" && ($6 == "answered" || ($2 " " $3 " " $5) in seen) {
				key = $1 " " $2 " " $3 " " $4 " " $5 " " $6
				sent[key] += $7
				received[key] += $8
			}
			END { for (key in sent) print key, sent[key], received[key] }' >"$soak_dir/of.$name"
	done
	awk '{ for (i = 1; i <= NF; i++) if (split($i, pair, "=") == 2) sum[pair[1]] += pair[2] }
		END { print sum["attempts"] + 0, sum["sent"] + 0, sum["received"] + 0 }' "$soak_dir/relay.load" >"$soak_dir/of.relay"
}

# truly NAME [CONDITION [FIELD]]: how many attempts of it awk's condition holds for, or the sum of a field.
truly() {
	awk "(${2:-1}) { n += ${3:+\$}${3:-1} } END { printf \"%d\n\", n }" "$soak_dir/of.$1"
}

metric() {
	lab_change "$1"
}

# --- by the mail hosts, and by the loads

# ended: since the mark, but for the service of a violation.
ended() {
	day_connections | awk '
		$3 == "violation" { $2 = "-" }
		{ n[$1 " " $2 " " $3 " " $4] += $5 }
		END { for (end in n) print end, n[end] }' | sort
}

# to_end: the same of the truth.
to_end() {
	local service reason n

	{
		for service in updates smtp time proxy; do
			echo "transit $service allowed none ${day[$service]-0}"
		done
		echo "transit ftp allowed none $((${day[ftp]-0} + ${day[ftp.data]-0}))"
		echo "transit dns allowed none $(day_asked)"
		echo "transit lab allowed none $(($(truly streams) + $(truly rough) + $(truly datagrams) + $(truly mute)))"
		echo "transit - violation unlisted-port $(($(truly strange) + $(truly late)))"
		for reason in "${!day[@]}"; do
			case $reason in
			violation.*) echo "transit - violation ${reason#*.} ${day[$reason]}" ;;
			esac
		done
		echo "host updates allowed none ${day[proxied]-0}"
		echo "host relay allowed none $(cut -d' ' -f1 "$soak_dir/of.relay")"
		echo "host local local none $(day_asked '10\.10\.0\.1')"
	} | awk '
		$5 { n[$1 " " $2 " " $3 " " $4] += $5 }
		END { for (end in n) print end, n[end] }' | sort
}

# check_endpoint NAME LOAD: its counters, and what became of its attempts.
check_endpoint() {
	local of="endpoint=\"lab/$1\",service=\"lab\"" outcome n=7 direction

	lab_assert_eq "$1: attempts" "$(metric "endpoint_attempts_total{$of}")" "$(truly $1)"
	for outcome in established refused timeout unreachable aborted answered unanswered; do
		lab_assert_eq "$1: $outcome" "$(metric "endpoint_connections_total{$of,outcome=\"$outcome\"}")" \
			"$(truly $1 "\$6 == \"$outcome\"")"
	done
	lab_assert_eq "$1: resets" "$(metric "endpoint_resets_total{$of}")" "$(truly $1 '$10 == "server-reset"')"
	for direction in sent received; do
		[ $1 = mute ] || lab_assert_eq "$1: bytes $direction" \
			"$(metric "endpoint_bytes_total{$of,direction=\"$direction\"}")" "$(truly $1 1 $n)"
		n=$((n + 1))
	done
}

# What came of the datagrams to nobody the packet filter has counted.
muted() {
	nft -j list counter inet soak mute | jq ".nftables[].counter.packets? // empty | . * $SOAK_MUTE"
}

check_relay() {
	local of='endpoint="relay",service="relay"'

	of=$(sed -n 's/^mewatch_endpoint_attempts_total{\(endpoint="[^"]*",service="relay"\)} .*/\1/p' "$LAB_TMP/now")
	lab_assert_eq "relay" "$(metric "endpoint_attempts_total{$of}") $(
		metric "endpoint_bytes_total{$of,direction=\"sent\"}") $(
		metric "endpoint_bytes_total{$of,direction=\"received\"}")" "$(<"$soak_dir/of.relay")"
}

# --- what else is counted

# told: the violations that events stand for, since the mark.
told() {
	tail -c +$((soak_events_before + 1)) "$LAB_EVENTS" | jq -s 'map(select(.state == "confirmed") | .count // 1) | add // 0'
}

# check_would_deny: those of them that are told one by one say whether they would be denied; an aggregate does
# not, so the others are up to as many as it stands for.
check_would_deny() {
	local single merged counted

	read -r single merged < <(tail -c +$((soak_events_before + 1)) "$LAB_EVENTS" | jq -rs 'map(select(.state == "confirmed")) |
		"\(map(select(.action == "would-deny")) | length) \(map(select(.event == "aggregate").count) | add // 0)"')
	counted=$(metric shadow_denied_total)
	lab_assert "events of what would be denied: $single, in aggregates at most $merged; counted $counted" \
		[ $single -le $counted -a $counted -le $((single + merged)) ]
}

twice_told() {
	tail -c +$((soak_events_before + 1)) "$LAB_EVENTS" | jq -r 'select(.event == "violation").id' | sort | uniq -d | head -n 3
}

# check_flows: of each flow that is listed somebody says that he made it.
check_flows() {
	lab_flows '.vantage == "transit" and .direction == "out" and .verdict == "allowed" and
		.service == "lab" and .proto == "tcp"' | jq -r '[.proto,
		.src, .sport, .dst, .dport, .outcome, .bytes_sent, .bytes_received] | map(tostring) | join(" ")' |
		sort -u >"$LAB_TMP/seen"
	cat "$soak_dir"/of.{streams,rough} | cut -d' ' -f1-8 >>"$LAB_TMP/ever"
	lab_assert_eq "flows that nobody made" "$(grep -vxFf "$LAB_TMP/ever" "$LAB_TMP/seen" | head -n 5)" ""
}

# endpoint_rows, endpoint_series: attempts, bytes and outcomes of each, as the API and as the metrics have them.
endpoint_rows() {
	lab_api '/v1/endpoints?limit=100000' | jq -r '.endpoints[] | . as $row |
		"\(.service) \(.endpoint) attempts \(.attempts)", "\(.service) \(.endpoint) sent \(.bytes_sent)",
		"\(.service) \(.endpoint) received \(.bytes_received)",
		(.outcomes | to_entries[] | "\($row.service) \($row.endpoint) \(.key) \(.value)")' | grep -v ' 0$' | sort
}

endpoint_series() {
	sed -n 's/^mewatch_endpoint_\(attempts\|bytes\|connections\)_total{endpoint="\([^"]*\)",service="\([^"]*\)"\(,[a-z]*="\([a-z]*\)"\|\)} /\3 \2 \1\5 /p' \
		"$LAB_TMP/now" | sed 's/ \(bytes\|connections\)\([a-z]* [0-9]*\)$/ \2/' | grep -v ' 0$' | sort
}

# check_history: it has what was counted since the beginning, over all that happened, and so has the report.
check_history() {
	lab_settle "history" "" history_differs
	lab_assert_eq "history: violations one by one" \
		"$(history_query "SELECT sum(count) FROM violations WHERE state = 'confirmed'")" \
		"$(lab_sum 'violations_total{state="confirmed"}' <"$REPORT_METRICS")"
	lab_assert_eq "history: not recorded" \
		"$(history_query "SELECT count(*) FROM spans WHERE kind = 'gap' AND state = 'unrecorded'")" 0
	"$LAB_BUILD/mewatch" report --state "$LAB_STATE" --format json -o "$REPORT_JSON" 2>>"$LAB_LOG"
	lab_assert_eq "report: exit code" $? 1
	report_same
}

# What is told may be counted later than what it is about: both sides are read anew.
history_differs() {
	lab_scrape >"$LAB_TMP/now"
	sum_counters "$SOAK_BASE" "$LAB_TMP/now" >"$REPORT_METRICS"
	history_counters <"$REPORT_METRICS" >"$LAB_TMP/counters"
	history_booked >"$LAB_TMP/booked"
	diff "$LAB_TMP/counters" "$LAB_TMP/booked" | head -n 5
}

# --- the night

# Whatever has no end of its own has one now; the daemon that finds out may be killed. soak_night [kill]
soak_night() {
	soak_idle=500ms
	soak_policy
	soak_reload ok
	if [ "${1-}" = kill ]; then
		lab_kill
		lab_daemon
	fi
	lab_settle "night: nothing is open" 0 lab_metric 'map_entries{map="flows"}'
	soak_idle=1h
	soak_policy
	soak_reload ok
}

# soak_check: everything that was counted since day_open.
soak_check() {
	local violations name

	lab_settle "nothing is pending" 0 lab_metric pending_flows
	lab_settle "connections" "$(to_end)" ended
	lab_assert_eq "endpoints" "$(day_endpoints_differ)" ""
	lab_assert_eq "attempts" "$(metric attempts_total)" "$(to_end | awk '{ n += $5 } END { print n }')"
	violations=$(to_end | awk '$3 == "violation" { n += $5 } END { print n }')
	for name in provisional:$violations confirmed:$violations retracted:0; do
		lab_assert_eq "violations ${name%:*}" "$(metric "violations_total{state=\"${name%:*}\"}")" ${name#*:}
	done
	for name in streams rough datagrams mute; do
		check_endpoint $name
	done
	lab_assert_eq "mute: bytes" \
		"$(metric 'endpoint_bytes_total{endpoint="lab/mute",service="lab",direction="sent"}')" "$(muted)"
	check_relay
	lab_assert_eq "DNS queries" "$(queries_since)" "$(day_queries)"
	lab_assert_eq "refused by a block list" "$(metric 'dnsbl_refusals_total{zone="dbl.spamhaus.org"}')" \
		"$(day_names_log | grep -c 'query\[A\] .*dbl.spamhaus.org')"
	lab_settle "finding blocklist-refuses" "$(metric 'dnsbl_refusals_total')" \
		lab_delta 'findings_total{kind="blocklist-refuses"}'
	lab_assert_eq "FTP data" \
		"$(metric 'ftp_data_connections_total{mode="passive",evidence="announced"}')" "${day[ftp.data]-0}"
	for name in inbound-remoting same-mac-other-address; do
		lab_assert_eq "finding $name" "$(metric "findings_total{kind=\"$name\"}")" "${day[finding.$name]-0}"
	done
	lab_assert_eq "one sided, lost, no room, strays, under way before" "$(metric one_sided_flows_total) $(
		metric events_lost_total) $(metric flow_overflow_total) $(metric preexisting_flows_total)" "0 0 0 0"
	lab_assert_eq "denied" "$(metric denied_total)" 0
	lab_assert_eq "reloads" "$(lab_sum 'policy_reloads_total{result="ok"}' <"$LAB_TMP/now") $(
		lab_sum 'policy_reloads_total{result="failed"}' <"$LAB_TMP/now")" "$soak_reloads_ok $soak_reloads_failed"
	lab_wait "[ \$(told) = $violations ]" 25 # what is not told one by one is told every 10 s
	check_would_deny
	lab_assert_eq "events told twice" "$(twice_told)" ""
	lab_assert_eq "the API against the metrics" "$(diff <(endpoint_rows) <(endpoint_series) | head -n 5)" ""
	lab_assert_eq "problems" "$(lab_api /v1/health | jq -c .problems)" "[]"
	check_flows
	check_history
	lab_assert_sums "in all"
}

# queries_since: what day_queries says, by the metrics since the mark.
queries_since() {
	local category

	for category in $(sed -n 's/^mewatch_dns_queries_total{category="\(.*\)"} .*/\1/p' "$LAB_TMP/now"); do
		echo "$category $(metric "dns_queries_total{category=\"$category\"}")"
	done | awk '$2' | sort
}
