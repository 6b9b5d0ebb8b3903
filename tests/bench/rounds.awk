# SPDX-License-Identifier: GPL-2.0-only
# What report.awk and transit.awk share: `pair` and `fact` lines, arithmetic over rounds, budgets. They
# define print_row(ROW), where ROW is the first three fields of a pair, with SUBSEP between them.

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

function cell(value, format) {
	return value == "" ? sprintf(" %9s", "-") : sprintf(" " format, value)
}

function json_number(name, value) {
	return value == "" ? "" : sprintf(", \"%s\": %.2f", name, value)
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

$1 == "pair" {
	row = $2 SUBSEP $3 SUBSEP $4
	if (!(row in cycles))
		rows[++n_rows] = row
	ns[row, $5, $6] = $7
	if ($6 + 1 > cycles[row])
		cycles[row] = $6 + 1
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
