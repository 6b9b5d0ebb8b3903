# SPDX-License-Identifier: GPL-2.0-only
# Rounds of forwarding (transit.sh) -> medians, differences and budgets (DESIGN.md section 8), as a table
# or as JSON lines. After rounds.awk.

# Before anything is attached: whether all lanes are alike, which is what the others rest on. `armed`
# counts if it is more than what they differ by anyway.
function judge_bare(workload, bound,    i, off, most) {
	for (i = 2; i <= n_modes; i++) {
		off = magnitude(cost[modes[i]])
		if (off > most)
			most = off
		if (100 * off / base > bound)
			budgets = budgets sprintf("%slane %s is off by %.1f %%", budgets == "" ? "" : "; ", modes[i],
				100 * off / base)
	}
	armed[workload] = cost["armed"] > most ? cost["armed"] : 0
	if (budgets == "")
		budgets = "lanes differ by <= " bound " %: ok"
}

function judge(phase, workload, again,    bound) {
	budgets = ""
	bound = workload ~ /^tcp/ ? 6 : 2
	if (phase == "bare")
		judge_bare(workload, bound)
	else if (magnitude(again) > bound)
		budgets = "void: nothing against nothing is off"
	else if (cost["mewatch"] == "")
		budgets = "mewatch: not built"
	else if (cost["dynamic"] <= 0)
		budgets = "void: dynamic set costs less than can be told"
	else
		budget(sprintf("<= 0.75 dynamic set: %.2f (nft set %.2f)", cost["mewatch"] / cost["dynamic"],
			cost["set"] > 0 ? cost["mewatch"] / cost["set"] : 0), cost["mewatch"], 0.75 * cost["dynamic"])
}

function print_row(row,    k, again, i, line) {
	split(row, k, SUBSEP)
	base = nothing(row)
	again = deviation(row)
	for (i = 1; i <= n_modes; i++)
		cost[modes[i]] = difference(row, modes[i])
	# A program on any device is paid for by all first: `nothing` has that in it.
	if (k[1] != "bare") {
		cost["armed"] = armed[k[2]]
		cost["empty"] += armed[k[2]]
		if (cost["mewatch"] != "")
			cost["mewatch"] += armed[k[2]]
	}
	judge(k[1], k[2], again)

	if (format == "json") {
		line = sprintf("{\"phase\": \"%s\", \"workload\": \"%s\", \"flows\": %d", k[1], k[2], k[3])
		line = line json_number("nothing_ns", base) json_number("again_percent", again)
		for (i = 1; i <= n_modes; i++)
			line = line json_number(modes[i] "_ns", cost[modes[i]])
		print line ", \"budget\": \"" budgets "\"}"
		return
	}
	if (k[1] k[3] != shown) {
		shown = k[1] k[3]
		printf "\nForwarding, %d flows: %s\n", k[3], k[1] == "bare" ? \
			"nothing in any lane; nanoseconds of CPU an operation, and how lanes differ" : \
			"nanoseconds of CPU an operation, and what each adds"
		printf "%-12s %9s %8s", "workload", "nothing", "again"
		for (i = 1; i <= n_modes; i++)
			printf " %9s", modes[i]
		print "  budget"
	}
	line = sprintf("%-12s %9.1f %+7.2f%%", k[2], base, again)
	for (i = 1; i <= n_modes; i++)
		line = line cell(cost[modes[i]], "%+9.1f")
	print line "  " budgets
}

BEGIN {
	n_modes = split("armed empty set dynamic conntrack softflowd mewatch", modes, " ")
}
