# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2086
#
# The report, as JSON in $REPORT_JSON, number by number against the metrics in $REPORT_METRICS.

REPORT_METRICS=$LAB_TMP/metrics.prom
REPORT_JSON=$LAB_TMP/report.json

# report_counters NAME LABEL…: counters of /metrics that are not zero, as `LABEL… VALUE`, those alone that
# have a label given with its value.
report_counters() {
	local name=$1

	shift
	awk -v name="mewatch_${name}_total" -v labels="$*" '
		index($1, name "{") == 1 && $NF > 0 {
			n = split(labels, want, " ")
			key = ""
			for (i = 1; i <= n; i++)
				if (want[i] ~ /=/) {
					if (!index($0, want[i]))
						next
				} else if (match($0, want[i] "=\"[^\"]*\""))
					key = key substr($0, RSTART + length(want[i]) + 2, RLENGTH - length(want[i]) - 3) " "
			sum[key] += $NF
		}
		END { for (key in sum) print key sum[key] }' "$REPORT_METRICS" | LC_ALL=C sort
}

# report_told FILTER: the same of the report; the filter gives arrays of labels and a number.
report_told() {
	jq -r "$1 | select(.[-1] > 0) | map(tostring) | join(\" \")" "$REPORT_JSON" |
		awk '{ n = $NF; $NF = ""; sum[$0] += n } END { for (key in sum) print key sum[key] }' | LC_ALL=C sort
}

# report_row LABEL COUNTERS FILTER
report_row() {
	lab_assert_eq "$1" "$(report_told "$3")" "$(report_counters $2)"
}

# report_same: all that both of them have.
report_same() {
	local verdicts='("allowed", "local", "violation", "unresolved")'
	local outcomes='("established", "refused", "timeout", "unreachable", "aborted", "answered", "unanswered")'
	local rcodes='("noerror", "formerr", "servfail", "nxdomain", "notimp", "refused", "other")'

	report_row "flows" "connections vantage service verdict" \
		".services[] | . as \$row | $verdicts | [\$row.vantage, \$row.service, ., \$row[.]]"
	report_row "flows over time" "connections verdict" \
		".timeline[] | . as \$row | $verdicts | [., \$row[.]]"
	lab_assert_eq "violations" "$(report_told '.violations_by_reason[] | [.reason, .confirmed]')" \
		"$(report_counters violations reason 'state="confirmed"')"
	report_row "endpoints" "endpoint_attempts service endpoint" '.endpoints[] | [.service, .endpoint, .attempts]'
	report_row "outcomes" "endpoint_connections service endpoint outcome" \
		".endpoints[] | . as \$row | $outcomes | [\$row.service, \$row.endpoint, ., \$row[.]]"
	report_row "bytes" "endpoint_bytes service endpoint direction" \
		'.endpoints[] | [.service, .endpoint, "sent", .bytes_sent], [.service, .endpoint, "received", .bytes_received]'
	report_row "blind spots" "blind_spots kind" '.losses[] | select(.what == "blind spot") | [.kind, .count]'
	report_row "findings" "findings kind" '.findings[] | [.kind, .count]'
	report_row "DNS queries" "dns_queries category" '.dns[] | [.category, .queries]'
	report_row "DNS responses" "dns_responses category rcode" \
		".dns[] | . as \$row | $rcodes | [\$row.category, ., \$row[.]]"
	report_row "refusals" "dnsbl_refusals zone" '.dnsbl_refusals[] | [.zone, .refusals]'
	report_row "FTP data" "ftp_data_connections mode evidence" '.ftp[] | [.mode, .evidence, .count]'
}
