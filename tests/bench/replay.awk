# SPDX-License-Identifier: GPL-2.0-only
# Readings of captures (replay.sh) -> packets a second, as a table or as JSON lines. After rounds.awk.

# There are no pairs here.
function print_row(row) {
}

function rate(kind, program,    c, n, d) {
	for (c = 0; c < cycles[kind]; c++)
		if ((kind, program, c) in cpu)
			d[++n] = packets[kind] / cpu[kind, program, c]
	return n ? median(d, n) : ""
}

# The median of how many times as many packets a second mewatch reads, cycle by cycle.
function times(kind, program,    c, n, d) {
	for (c = 0; c < cycles[kind]; c++)
		if ((kind, program, c) in cpu)
			d[++n] = cpu[kind, program, c] / cpu[kind, "mewatch", c]
	return n ? median(d, n) : ""
}

function seconds(kind,    c, d) {
	for (c = 0; c < cycles[kind]; c++)
		d[c + 1] = real[kind, "mewatch", c]
	return median(d, cycles[kind])
}

$1 == "read" {
	if (!($2 in packets))
		kinds[++n_kinds] = $2
	packets[$2] = $3
	bytes[$2] = $4
	cpu[$2, $5, $6] = $7 + $8
	real[$2, $5, $6] = $9
	if ($6 + 1 > cycles[$2])
		cycles[$2] = $6 + 1
}

END {
	if (format != "json") {
		printf "\nReplaying captures; packets a second of CPU, medians of %d\n", cycles[kinds[1]]
		printf "%-8s %9s %6s %11s %8s %11s %11s %11s %9s\n", "capture", "packets", "MB", "mewatch", "again", \
			"--json", "tshark", "capinfos", "1 GB in"
	}
	for (k = 1; k <= n_kinds; k++) {
		kind = kinds[k]
		again = 100 * (times(kind, "again") - 1)
		gb = seconds(kind) * 1e9 / bytes[kind]
		if (format == "json")
			printf "{\"capture\": \"%s\", \"packets\": %d, \"bytes\": %d%s%s%s%s%s%s%s%s}\n", kind, \
				packets[kind], bytes[kind], json_number("mewatch_pps", rate(kind, "mewatch")), \
				json_number("again_percent", again), json_number("json_pps", rate(kind, "json")), \
				json_number("tshark_pps", rate(kind, "tshark")), \
				json_number("capinfos_pps", rate(kind, "capinfos")), \
				json_number("times_tshark", times(kind, "tshark")), \
				json_number("times_capinfos", times(kind, "capinfos")), json_number("gigabyte_s", gb)
		else
			printf "%-8s %9d %6d %11d %+7.1f%% %11d%s%s %7.1f s  %s\n", kind, packets[kind], \
				bytes[kind] / 1e6, rate(kind, "mewatch"), again, rate(kind, "json"), \
				cell(rate(kind, "tshark"), "%11d"), cell(rate(kind, "capinfos"), "%11d"), gb, \
				times(kind, "tshark") == "" ? "" : sprintf("%.1f times tshark, %.2f times capinfos", \
				times(kind, "tshark"), times(kind, "capinfos"))
	}
}
