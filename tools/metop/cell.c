/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "metop/format.h"
#include "metop/trend.h"
#include "metop/view.h"

/* A mark for what came since the user looked. */
static void new_text(const struct me_column *column, const struct me_row *row,
		     const struct me_look_at *look, char *out)
{
	bool new = me_row_number(row, column->fields[0]) > (double)look->seen_serial;

	snprintf(out, ME_CELL_LEN, "%s", new ? "*" : "");
}

const char *me_column_first(const struct me_column *column, const struct me_row *row)
{
	for (size_t i = 0; i < ME_COLUMN_FIELDS && column->fields[i]; i++) {
		const char *text = me_row_text(row, column->fields[i]);

		/* "none" is a reason and an outcome: it says as much as nothing. */
		if (text && *text && strcmp(text, "none"))
			return text;
	}
	return "";
}

static void port_text(const struct me_column *column, const struct me_row *row, char *out)
{
	const char *port = me_row_text(row, column->fields[0]);
	const char *proto = me_row_text(row, column->fields[1]);

	snprintf(out, ME_CELL_LEN, "%s%s%s", port ? port : "", port && proto ? "/" : "",
		 proto ? proto : "");
}

static void process_text(const struct me_column *column, const struct me_row *row, char *out)
{
	const char *name = me_row_text(row, column->fields[0]);
	const char *pid = me_row_text(row, column->fields[1]);

	if (!name && !pid)
		for (size_t i = 2; i < ME_COLUMN_FIELDS && column->fields[i] && !name; i++)
			name = me_row_text(row, column->fields[i]);
	snprintf(out, ME_CELL_LEN, "%s%s%s", name ? name : "", name && pid ? " " : "",
		 pid ? pid : "");
}

static void age_text(const struct me_column *column, const struct me_row *row, uint64_t now_ns,
		     char *out)
{
	const char *text = me_row_text(row, column->fields[0]);
	uint64_t then;

	*out = '\0';
	if (text && !me_format_parse_time(text, &then))
		me_format_age(then < now_ns ? (now_ns - then) / ME_NS_PER_S : 0, out);
}

static void left_text(const struct me_column *column, const struct me_row *row, uint64_t now_ns,
		      char *out)
{
	const char *text = me_row_text(row, column->fields[0]);
	uint64_t then;

	*out = '\0';
	if (!text || me_format_parse_time(text, &then))
		return;
	if (then > now_ns)
		me_format_age((then - now_ns) / ME_NS_PER_S, out);
	else
		snprintf(out, ME_CELL_LEN, "over");
}

static void sum_text(const struct me_column *column, const struct me_row *row, char *out)
{
	double sum = -1;

	for (size_t i = 0; i < ME_COLUMN_FIELDS && column->fields[i]; i++) {
		const struct me_field *field = me_row_field(row, column->fields[i]);

		if (field)
			sum = (sum < 0 ? 0 : sum) + field->number;
	}
	me_format_quantity(sum, out);
}

static void share_text(const struct me_column *column, const struct me_row *row, char *out)
{
	size_t length = strlen(column->fields[0]);
	const struct me_field *largest = NULL;
	double sum = 0;

	*out = '\0';
	for (size_t i = 0; i < row->n_fields; i++) {
		const struct me_field *field = &row->fields[i];

		if (strncmp(field->name, column->fields[0], length) || field->name[length] != '.')
			continue;
		sum += field->number;
		if (!largest || field->number > largest->number)
			largest = field;
	}
	if (sum > 0)
		snprintf(out, ME_CELL_LEN, "%s %.0f%%", largest->name + length + 1,
			 100 * largest->number / sum);
}

static void rate_text(const struct me_column *column, const struct me_row *row, char *out)
{
	/* The daemon's own where it has one: then the order is that of what is shown. */
	const struct me_field *field =
		column->fields[0] ? me_row_field(row, column->fields[0]) : NULL;

	me_format_rate(field ? field->number : row->rate[column->rate], out);
}

/* The name of a program and then its folder: what is cut is the less telling end. */
static void program_text(const char *exe, char out[ME_CELL_LEN])
{
	const char *slash = strrchr(exe, '/');

	if (slash && slash[1])
		snprintf(out, ME_CELL_LEN, "%s (%.*s)", slash + 1,
			 (int)(slash > exe ? slash - exe : 1), exe);
	else
		snprintf(out, ME_CELL_LEN, "%s", exe);
}

/* "[+] curl (/usr/bin)": as trees of processes are shown. */
static void group_text(const struct me_column *column, const struct me_row *row, char *out)
{
	const char *unfolded = me_row_text(row, "unfolded"), *by = me_row_text(row, "by");
	const char *exe = me_row_text(row, "exe"), *service = me_row_text(row, "service");
	char label[ME_CELL_LEN];

	snprintf(label, sizeof(label), "%s", me_column_first(column, row));
	if (exe)
		program_text(exe, label);
	else if (!*label && by && !strcmp(by, "endpoint"))
		snprintf(label, sizeof(label), "%s: no endpoint", service ? service : "unknown");
	snprintf(out, ME_CELL_LEN, "[%c] %.1000s", unfolded && !strcmp(unfolded, "yes") ? '-' : '+',
		 *label ? label : "unknown");
}

static void count_text(const struct me_column *column, const struct me_row *row, char *out)
{
	const struct me_field *field = me_row_field(row, column->fields[0]);
	char number[ME_FORMAT_LEN];
	size_t length;

	*out = '\0';
	if (!field || !(field->number > 0))
		return;
	me_format_quantity(field->number, number);
	/* One is not many: "1 flow". */
	length = strlen(field->name);
	length -= field->number == 1 && field->name[length - 1] == 's';
	snprintf(out, ME_CELL_LEN, "%s %.*s", number, (int)length, field->name);
}

static void name_text(const struct me_column *column, const struct me_row *row,
		      const struct me_look_at *look, char *out)
{
	const char *address =
		look->addresses && column->address ? me_row_text(row, column->address) : NULL;
	/* A flow of a group stands below it. */
	bool below = column->address && me_row_field(row, "of");

	snprintf(out, ME_CELL_LEN, "%s%s", below ? "    " : "",
		 address ? address : me_column_first(column, row));
}

void me_column_text(const struct me_column *column, const struct me_row *row,
		    const struct me_look_at *look, char out[ME_CELL_LEN])
{
	enum me_style style;
	const char *text;

	switch (column->kind) {
	case ME_COLUMN_TEXT:
		name_text(column, row, look, out);
		break;
	case ME_COLUMN_NEW:
		new_text(column, row, look, out);
		break;
	case ME_COLUMN_GROUP:
		group_text(column, row, out);
		break;
	case ME_COLUMN_COUNT:
		count_text(column, row, out);
		break;
	case ME_COLUMN_MARK:
		text = me_column_first(column, row);
		snprintf(out, ME_CELL_LEN, "%c %s", me_view_mark(text, &style), text);
		break;
	case ME_COLUMN_SIGN:
		snprintf(out, ME_CELL_LEN, "%c",
			 me_view_mark(me_column_first(column, row), &style));
		break;
	case ME_COLUMN_PORT:
		port_text(column, row, out);
		break;
	case ME_COLUMN_PROCESS:
		process_text(column, row, out);
		break;
	case ME_COLUMN_QUANTITY:
		sum_text(column, row, out);
		break;
	case ME_COLUMN_AGE:
		age_text(column, row, look->now_ns, out);
		break;
	case ME_COLUMN_LEFT:
		left_text(column, row, look->now_ns, out);
		break;
	case ME_COLUMN_RATE:
		rate_text(column, row, out);
		break;
	case ME_COLUMN_TREND:
		text = me_row_text(row, column->fields[0]);
		me_trend_text(text ? text : "", out);
		break;
	case ME_COLUMN_SHARE:
		share_text(column, row, out);
		break;
	}
}
