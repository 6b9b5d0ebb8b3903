/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include "metop/format.h"
#include "metop/health.h"

#define MAP_FULL_PERCENT 90 /* from here on a map is told as filling up */

static const char *text_of(const struct me_row *row, const char *name)
{
	const char *text = me_row_text(row, name);

	return text ? text : "";
}

static bool in_section(const struct me_row *row, const char *section)
{
	return !strcmp(text_of(row, "section"), section);
}

static uint64_t natural(double number)
{
	return number > 0 ? (uint64_t)number : 0;
}

static uint64_t value_of(const struct me_rows *tree, const char *key)
{
	const struct me_row *row = me_rows_find(tree, key, NULL);

	return row ? natural(me_row_number(row, "value")) : 0;
}

static void copy_text(const struct me_rows *tree, const char *key, char out[ME_HEALTH_TEXT])
{
	const struct me_row *row = me_rows_find(tree, key, NULL);

	snprintf(out, ME_HEALTH_TEXT, "%s", row ? text_of(row, "value") : "");
}

static uint64_t sum_of(const struct me_rows *tree, const char *section)
{
	double sum = 0;

	for (size_t i = 0; i < tree->n; i++) {
		if (in_section(&tree->rows[i], section))
			sum += me_row_number(&tree->rows[i], "value");
	}
	return natural(sum);
}

static bool is_yes(const struct me_row *row, const char *name)
{
	return !strcmp(text_of(row, name), "yes");
}

static void read_numbers(const struct me_rows *tree, struct me_health *health)
{
	const struct me_row *row;

	copy_text(tree, "version", health->version);
	copy_text(tree, "policy.profile", health->profile);
	copy_text(tree, "policy.generation", health->generation);
	copy_text(tree, "mode.mode", health->mode);
	copy_text(tree, "mode.until", health->until);
	row = me_rows_find(tree, "mode.enforcing", NULL);
	health->enforcing = row && is_yes(row, "value");
	health->ts_ns = tree->ts_ns;
	health->uptime_s = value_of(tree, "uptime_s");
	health->attempts = sum_of(tree, "attempts");
	health->bytes = sum_of(tree, "bytes");
	health->allowed = value_of(tree, "verdicts.allowed");
	health->local = value_of(tree, "verdicts.local");
	health->violation = value_of(tree, "verdicts.violation");
	health->unresolved = value_of(tree, "verdicts.unresolved");
	health->pending = value_of(tree, "pending");
	health->lost = sum_of(tree, "events_lost");
	for (size_t i = 0; i < tree->n; i++) {
		row = &tree->rows[i];
		health->problems += in_section(row, "problems");
		if (!in_section(row, "attached"))
			continue;
		health->hooks_total++;
		health->hooks_ok += is_yes(row, "ok");
	}
}

static void add(struct me_rows *rows, const struct me_row *from, const char *state,
		const char *section, const char *item, const char *value)
{
	me_rows_begin(rows);
	me_rows_set_key(rows, from->key);
	if (*state)
		me_rows_add_text(rows, "state", state);
	me_rows_add_text(rows, "section", section);
	me_rows_add_text(rows, "item", item);
	me_rows_add_text(rows, "value", value);
}

static void add_hook(struct me_rows *rows, const struct me_row *from)
{
	bool ok = is_yes(from, "ok");
	char value[ME_HEALTH_TEXT];

	snprintf(value, sizeof(value), "%s %s", ok ? "on" : "not attached to",
		 text_of(from, "target"));
	add(rows, from, ok ? "ok" : "failed", "hook", text_of(from, "hook"), value);
}

static void add_map(struct me_rows *rows, const struct me_row *from)
{
	double entries = me_row_number(from, "entries"), capacity = me_row_number(from, "capacity");
	double percent = capacity > 0 ? entries * 100 / capacity : 0;
	char used[ME_FORMAT_LEN], room[ME_FORMAT_LEN], value[3 * ME_FORMAT_LEN];

	me_format_count(natural(entries), used);
	me_format_count(natural(capacity), room);
	snprintf(value, sizeof(value), "%s of %s (%.0f %%)", used, room, percent);
	add(rows, from, percent >= MAP_FULL_PERCENT ? "notice" : "", "maps", text_of(from, "map"),
	    value);
}

/* A mail host seen in transit. */
static void add_host(struct me_rows *rows, const struct me_row *from)
{
	double violations = me_row_number(from, "violations");
	char value[ME_HEALTH_TEXT];

	snprintf(value, sizeof(value), "%.0f attempts, %.0f violations, %.0f DNS answers%s%s",
		 me_row_number(from, "attempts"), violations, me_row_number(from, "answers"),
		 *text_of(from, "mac") ? ", " : "", text_of(from, "mac"));
	add(rows, from, violations > 0 ? "notice" : "", "host", text_of(from, "address"), value);
}

/* Sections in which anything but 0 asks for attention. */
static const char *state_of(const struct me_row *row)
{
	static const char *const wanted_zero[] = {"events_lost", "flow_overflow", "findings",
						  "blind_spots"};

	for (size_t i = 0; i < ME_ARRAY_SIZE(wanted_zero); i++) {
		if (in_section(row, wanted_zero[i]) && me_row_number(row, "value") > 0)
			return "notice";
	}
	if (!strcmp(row->key, "policy.last_error") && *text_of(row, "value"))
		return "problem";
	return "";
}

static void add_plain(struct me_rows *rows, const struct me_row *from)
{
	const char *value = text_of(from, "value"), *section = text_of(from, "section");
	char count[ME_FORMAT_LEN];

	/* Counters are told in full, with thousands apart; the pid is a name. */
	if (me_row_number(from, "value") > 0 && strcmp(section, "pid")) {
		me_format_count(natural(me_row_number(from, "value")), count);
		value = count;
	}
	add(rows, from, state_of(from), section, text_of(from, "item"), value);
}

int me_health_read(const struct me_rows *tree, struct me_health *ret_health,
		   struct me_rows **ret_rows)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();
	struct me_health health = {0};

	if (!rows)
		return -ENOMEM;
	read_numbers(tree, &health);
	for (size_t i = 0; i < tree->n; i++) {
		if (in_section(&tree->rows[i], "problems"))
			add(rows, &tree->rows[i], "problem", "problem", "",
			    text_of(&tree->rows[i], "value"));
	}
	for (size_t i = 0; i < tree->n; i++) {
		const struct me_row *row = &tree->rows[i];

		if (in_section(row, "attached"))
			add_hook(rows, row);
		else if (in_section(row, "maps"))
			add_map(rows, row);
		else if (in_section(row, "hosts"))
			add_host(rows, row);
		else if (!in_section(row, "problems"))
			add_plain(rows, row);
	}
	if (rows->err)
		return rows->err;
	rows->ts_ns = tree->ts_ns;
	rows->total = rows->matched = rows->n;
	*ret_health = health;
	*ret_rows = me_steal_ptr(&rows);
	return 0;
}

int me_health_rows(const struct me_rows *tree, struct me_rows **ret_rows)
{
	struct me_health health;

	return me_health_read(tree, &health, ret_rows);
}

double me_health_attempt_rate(const struct me_health *now, const struct me_health *before)
{
	if (!before->ts_ns || now->ts_ns <= before->ts_ns || now->attempts < before->attempts)
		return -1;
	return (double)(now->attempts - before->attempts) * 1e9 /
	       (double)(now->ts_ns - before->ts_ns);
}
