# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The history in the state folder, against the metrics.
lab_need sqlite3

HISTORY_DB=$LAB_STATE/history.db

# history_query SQL
history_query() {
	sqlite3 -batch -noheader "file:$HISTORY_DB?mode=ro" "$1"
}

# name, values of labels in order, value: of lines NAME VALUE LABEL… on standard input.
history_in_order() {
	awk '{
		for (i = 3; i <= NF; i++)
			for (j = i + 1; j <= NF; j++)
				if ($j < $i) {
					swap = $i
					$i = $j
					$j = swap
				}
		print
	}' | sort
}

# Counters of /metrics on standard input that are not zero.
history_counters() {
	awk '
		$1 ~ /^mewatch_.*_total/ && $NF > 0 && $1 !~ /_(limits_hit|history_errors)_total/ {
			n = split($1, part, "\"")
			name = part[1]
			sub(/^mewatch_/, "", name)
			sub(/_total.*/, "", name)
			labels = ""
			for (i = 2; i <= n; i += 2)
				labels = labels " " part[i]
			print name, $NF labels
		}' | history_in_order
}

# The same of the history.
history_booked() {
	history_query "SELECT metric || ' ' || sum(count) || ' ' || vantage || ' ' || service || ' ' || endpoint ||
		' ' || kind || ' ' || detail FROM minutes JOIN series ON id = series GROUP BY series" |
		awk '{ $1 = $1; print }' | history_in_order
}
