# SPDX-License-Identifier: GPL-2.0-only
# Rounds -> medians, differences and budgets (DESIGN.md section 8), as a table or as JSON lines.
# Input: `pair` and `inherited` lines (pairs.sh), `fact` lines (scale.sh).

function sort(a, n,    i, j, v) {
	for (i = 2; i <= n; i++) {
		v = a[i]
		for (j = i - 1; j > 0 && a[j] > v; j--)
			a[j + 1] = a[j]
		a[j + 1] = v
	}
}

function median(a, n) {
	sort(a, n)
	return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}

# Median over the cycles of (mode - what stands for nothing), or "" if it was not run.
function difference(row, mode,    c, n, d) {
	for (c = 0; c < cycles[row]; c++)
		if ((row, mode, c) in ns)
			d[++n] = ns[row, mode, c] - (ns[row, "none", c] + ns[row, "again", c]) / 2
	return n ? median(d, n) : ""
}

function nothing(row,    c, d) {
	for (c = 0; c < cycles[row]; c++)
		d[c + 1] = ns[row, "none", c]
	return median(d, cycles[row])
}

# How far the second half of nothing is from the first, in percent.
function deviation(row,    c, d) {
	for (c = 0; c < cycles[row]; c++)
		d[c + 1] = 100 * (ns[row, "again", c] / ns[row, "none", c] - 1)
	return median(d, cycles[row])
}

function magnitude(x) {
	return x < 0 ? -x : x
}

# "ok" or by how much the bound is missed.
function against(value, relation, bound,    met) {
	met = relation == "<=" ? value <= bound : relation == ">=" ? value >= bound : value == bound
	if (met)
		return "ok"
	if (relation == "=" || bound <= 0)
		return sprintf("off by %.0f", value - bound)
	return sprintf("%s by %.0f %%", relation == "<=" ? "over" : "under", 100 * magnitude(value / bound - 1))
}

function budget(text, value, bound) {
	budgets = budgets (budgets == "" ? "" : "; ") text ": " against(value, "<=", bound)
}

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

function cell(value, format) {
	return value == "" ? sprintf(" %9s", "-") : sprintf(" " format, value)
}

function json_number(name, value) {
	return value == "" ? "" : sprintf(", \"%s\": %.2f", name, value)
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

function print_fact(text,    f, n, verdict) {
	n = split(text, f, "|")
	verdict = n == 6 ? against(f[3] + 0, f[5], f[6] + 0) : ""
	if (format == "json")
		printf "{\"fact\": \"%s\", \"value\": %s, \"unit\": \"%s\", \"budget\": \"%s\"}\n", f[2], f[3], f[4], \
			n == 6 ? f[5] " " f[6] ": " verdict : ""
	else
		printf "%-60s %12s %-11s %s\n", f[2], f[3], f[4], n == 6 ? f[5] " " f[6] ": " verdict : ""
}

BEGIN {
	n_modes = split("armed empty set dynamic mewatch", modes, " ")
}

$1 == "pair" {
	row = $2 SUBSEP $3 SUBSEP $4
	if (!(row in cycles))
		rows[++n_rows] = row
	ns[row, $5, $6] = $7
	if ($6 + 1 > cycles[row])
		cycles[row] = $6 + 1
}

$1 == "inherited" && $3 > inherited[$2] {
	inherited[$2] = $3
}

/^fact\|/ {
	facts[++n_facts] = $0
}

END {
	for (r = 1; r <= n_rows; r++)
		print_row(rows[r])
	if (n_facts && format != "json")
		print ""
	for (r = 1; r <= n_facts; r++)
		print_fact(facts[r])
}
