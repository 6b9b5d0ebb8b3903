# SPDX-License-Identifier: GPL-2.0-only
# Rounds -> medians, differences and budgets (DESIGN.md section 8), as a table or as JSON lines.
# Input: `pair` and `inherited` lines (pairs.sh), `fact` lines (scale.sh). After rounds.awk.

# The row that a workload about names is shown beside: the same packets, and none of them a witness. It
# comes before.
function beside(workload) {
	return workload ~ /^dns-/ ? "udp-echo" : workload == "tcp-first" ? "tcp-other" : ""
}

# What the row adds to the one it is shown beside.
function compare(list, other, kind) {
	if ((list, other, kind) in valid)
		budgets = sprintf("%s %+.0f ns", other, cost["mewatch"] - costs[list, other, kind])
	else
		budgets = "void: " other " is"
}

# The budgets of a row; `cost` holds what each mode added.
function judge(list, workload, kind, again,    small) {
	budgets = ""
	if (inherited[list]) {
		budgets = "void: " inherited[list] " programs of others on a parent cgroup"
		return
	}
	if (list == "bare")
		return
	if (magnitude(again) > (workload ~ /^tcp/ ? 6 : 2)) {
		budgets = "void: nothing against nothing is off"
		return
	}
	if (cost["mewatch"] == "") {
		budgets = "mewatch: not built"
		return
	}
	valid[list, workload, kind] = 1
	if (beside(workload) != "")
		compare(list, beside(workload), kind)
	if (workload !~ /^(udp-connect|udp-send|tcp-near|tcp-far)$/)
		return
	if (workload == "udp-connect" && kind != "stranger") {
		small = kind == "known" ? 40 : 180
		budget("<= empty + " small " ns", cost["mewatch"], cost["empty"] + small)
	}
	if (cost["set"] != "" && (workload ~ /^tcp/ || kind == "known"))
		ratio("nft set", 1.25, cost["set"])
	if (cost["dynamic"] != "" && (workload ~ /^tcp/ || kind == "new"))
		ratio("dynamic set", workload ~ /^tcp/ ? 0.8 : 0.6, cost["dynamic"])
	if ((list == 1000000 || list == "prefixes") && kind != "stranger" && (10, workload, kind) in costs) {
		small = costs[10, workload, kind]
		if (kind == "new")
			budget("<= list of 10 + " (list == "prefixes" ? 1500 : 300) " ns", cost["mewatch"],
				small + (list == "prefixes" ? 1500 : 300))
		else
			budget("<= list of 10 (+ 2 % of the call)", cost["mewatch"], small + 0.02 * base)
	}
}

function ratio(peer, factor, added) {
	if (added <= 0) {
		budgets = budgets (budgets == "" ? "" : "; ") peer ": void, it costs less than can be told"
		return
	}
	budget(sprintf("<= %.2f %s: %.2f (%.2f but for armed)", factor, peer, cost["mewatch"] / added,
		(cost["mewatch"] - armed) / added), cost["mewatch"], factor * added)
}

function print_row(row,    k, again, i, line) {
	split(row, k, SUBSEP)
	base = nothing(row)
	again = deviation(row)
	armed = difference("bare" SUBSEP k[2] SUBSEP k[3], "armed")
	for (i = 1; i <= n_modes; i++)
		cost[modes[i]] = difference(row, modes[i])
	# Programs on the hooks are paid for by everybody first: `nothing` of a list has that in it.
	cost["armed"] = armed
	if (k[1] == "bare")
		cost["empty"] = difference(row, "bare-empty")
	else {
		cost["empty"] += armed
		if (cost["mewatch"] != "")
			cost["mewatch"] += armed
	}
	judge(k[1], k[2], k[3], again)
	costs[k[1], k[2], k[3]] = cost["mewatch"]

	if (format == "json") {
		line = sprintf("{\"list\": \"%s\", \"workload\": \"%s\", \"kind\": \"%s\"", k[1], k[2], k[3])
		line = line json_number("nothing_ns", base) json_number("again_percent", again)
		for (i = 1; i <= n_modes; i++)
			line = line json_number(modes[i] "_ns", cost[modes[i]])
		print line ", \"budget\": \"" budgets "\"}"
		return
	}
	if (k[1] != shown) {
		shown = k[1]
		printf "\n%s\n", shown == "bare" ? "No daemon; nanoseconds of CPU an operation, and what each adds" : \
			shown == "prefixes" ? "A list of 1000000 prefixes" : "A list of " shown " addresses"
		printf "%-12s %-9s %9s %8s %9s %9s %9s %9s %9s  %s\n", "workload", "kind", "nothing", "again", \
			"armed", "empty", "nft set", "dynamic", "mewatch", "budget"
	}
	line = sprintf("%-12s %-9s %9.1f %+7.2f%%", k[2], k[3], base, again)
	for (i = 1; i <= n_modes; i++)
		line = line cell(cost[modes[i]], "%+9.1f")
	print line (budgets == "" ? "" : "  " budgets)
}

BEGIN {
	n_modes = split("armed empty set dynamic mewatch", modes, " ")
}

$1 == "inherited" && $3 > inherited[$2] {
	inherited[$2] = $3
}
