# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# What a day (day-lib.sh) is held against: the flows, queries and endpoints that were seen of it. Whatever
# compares with a mark takes the scrape in $LAB_TMP/now.

# day_connections: what ended since the mark, as `VANTAGE SERVICE VERDICT REASON COUNT` lines; scrapes.
day_connections() {
	lab_scrape >"$LAB_TMP/now"
	awk '/^mewatch_connections_total/ {
			gsub(/^[^{]*\{|\}/, " ")
			gsub(/vantage=|service=|verdict=|reason=|"/, "")
			gsub(/,/, " ")
			n[$1 " " $2 " " $3 " " $4] += FILENAME ~ /now$/ ? $NF : -$NF
		}
		END { for (end in n) if (n[end]) print end, n[end] }' "$LAB_TMP/mark" "$LAB_TMP/now" | sort
}

# day_flows_differ: in what the flows that the clients told of are not as they should be: allowed, under
# their rule, and, where the client counts them, with their bytes.
day_flows_differ() {
	lab_flows '.vantage == "transit" and .direction == "out"' | jq -r '[.src, .sport, .dst, .dport, .verdict,
		.service, .endpoint, .outcome, .bytes_sent, .bytes_received] | map(tostring) | join(" ")' >"$LAB_TMP/seen"
	awk '
		NR == FNR {
			seen[$0]
			NF = 8
			seen[$0 " - -"]
			next
		}
		{
			want = $4 " " $5 " " $6 " " $7 " allowed " $2 " " $3 " " $8 " " $9 " " $10
			if (!(want in seen))
				print "no flow: " want
		}' "$LAB_TMP/seen" "$DAY_FLOWS" | head -n 5
}

# day_endpoints_differ: in what the attempts of endpoints since the mark are not those of the clients.
day_endpoints_differ() {
	local n service endpoint want saw

	while read -r n service endpoint; do
		want=$((n + ${day[proxied.$endpoint]-0} + ${day[blind.$endpoint]-0} + ${day[data.$service]-0}))
		saw=$(lab_change "endpoint_attempts_total{endpoint=\"$endpoint\",service=\"$service\"}")
		[ "$saw" = $want ] || echo "$service, $endpoint: $saw attempts, expected $want"
	done < <(cut -d' ' -f2,3 "$DAY_FLOWS" | sort | uniq -c)
}

# day_queries_seen: what day_queries says, as the metrics have it.
day_queries_seen() {
	lab_scrape | sed -n 's/^mewatch_dns_queries_total{category="\(.*\)"} /\1 /p' | awk '$2' | sort
}
