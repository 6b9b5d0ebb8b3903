/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/probed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "policy/ports.h"

#define CELL 640u /* bytes of a cell; what is longer is cut off */
#define RIGHT_ALIGNED COLUMN_MS

enum column {
	COLUMN_ENDPOINT,
	COLUMN_SERVICE,
	COLUMN_PORT,
	COLUMN_RESOLVED,
	COLUMN_ADDRESS,
	COLUMN_VIA,
	COLUMN_OUTCOME,
	COLUMN_MS,
	COLUMN_DETAIL, /* the last one, of any width */
	COLUMNS,
};

static const char *const headings[COLUMNS] = {"ENDPOINT", "SERVICE", "PORT", "RESOLVED", "ADDRESS",
					      "VIA",      "OUTCOME", "MS",   "DETAIL"};

/* --- Cells -------------------------------------------------------------------------------------- */

/* What was asked for, and where the name led. */
static void format_resolved(const struct me_probe_row *row, char out[CELL])
{
	snprintf(out, CELL, "%s%s%s", row->record ?: "-", row->canonical ? " " : "",
		 row->canonical ?: "");
}

static void format_outcome(const struct me_dial *dial, char out[CELL])
{
	bool said = dial->outcome == ME_PROBE_HTTP || dial->outcome == ME_PROBE_FTP ||
		    dial->outcome == ME_PROBE_PROXY;

	if (said && dial->status)
		snprintf(out, CELL, "%s %d", me_probe_outcome_label(dial->outcome), dial->status);
	else
		snprintf(out, CELL, "%s", me_probe_outcome_label(dial->outcome));
}

/* Adds what a certificate says, if there is one. */
static void add_certificate(const struct me_certificate *certificate, struct me_strbuf *out)
{
	struct tm tm;
	char day[16];

	if (!*certificate->subject && !*certificate->issuer)
		return;
	if (certificate->problem == ME_CERTIFICATE_NAME)
		me_strbuf_addf(out, "for %s", certificate->names);
	else if (certificate->problem)
		me_strbuf_adds(out, me_certificate_label(certificate->problem));
	else if (certificate->unchecked)
		me_strbuf_adds(out, "not checked, no authorities here");
	else
		me_strbuf_adds(out, "good");
	if (certificate->expires != -1 && gmtime_r(&certificate->expires, &tm) &&
	    strftime(day, sizeof(day), "%Y-%m-%d", &tm))
		me_strbuf_addf(out, ", until %s", day);
	me_strbuf_addf(out, ", issuer %s", certificate->issuer);
}

static int format_detail(const struct me_dial *dial, char out[CELL])
{
	_cleanup_strbuf_ struct me_strbuf text = {0};

	if (dial->outcome == ME_PROBE_OK && dial->status)
		me_strbuf_addf(&text, "%d", dial->status);
	add_certificate(&dial->certificate, &text);
	if (*dial->detail)
		me_strbuf_addf(&text, "%s%s", text.len ? ", " : "", dial->detail);
	if (text.data)
		me_text_escape(out, CELL, text.data, text.len);
	return text.err;
}

/* Whether there is a time that it took. */
static bool was_tried(enum me_probe_outcome outcome)
{
	return outcome != ME_PROBE_NOT_PROBED && outcome != ME_PROBE_NO_ROUTE &&
	       outcome != ME_PROBE_UNLISTED;
}

static int format_cell(const struct me_probe_row *row, enum column column, char out[CELL])
{
	const struct me_probe_target *target = row->target;
	char address[ME_INET_LEN], ports[ME_PORTS_LEN];

	*out = '\0';
	switch (column) {
	case COLUMN_ENDPOINT:
		me_text_escape(out, CELL, target->name ?: target->endpoint,
			       strlen(target->name ?: target->endpoint));
		break;
	case COLUMN_SERVICE:
		me_text_escape(out, CELL, target->rule->service, strlen(target->rule->service));
		break;
	case COLUMN_PORT:
		me_ports_format(&target->ports, ports);
		snprintf(out, CELL, "%s", ports);
		break;
	case COLUMN_RESOLVED:
		format_resolved(row, out);
		break;
	case COLUMN_ADDRESS:
		me_inet_format(row->dial.address.byte, address);
		snprintf(out, CELL, "%s", row->has_address ? address : "-");
		break;
	case COLUMN_VIA:
		snprintf(out, CELL, "%s", row->dial.proxy ? "proxy" : "direct");
		break;
	case COLUMN_OUTCOME:
		format_outcome(&row->dial, out);
		break;
	case COLUMN_MS:
		if (was_tried(row->dial.outcome))
			snprintf(out, CELL, "%u", row->dial.ms);
		else
			snprintf(out, CELL, "-");
		break;
	case COLUMN_DETAIL:
		return format_detail(&row->dial, out);
	case COLUMNS:
		break;
	}
	return 0;
}

/* --- The table ---------------------------------------------------------------------------------- */

/* Everything that was tried; what is not probed has a list of its own. */
static bool is_shown(const struct me_probe_row *row)
{
	return row->target->method != ME_PROBE_BY_NONE;
}

static bool has_column(const struct me_probe *probe, enum column column)
{
	return column != COLUMN_VIA || probe->policy->has_proxy;
}

static void print_cell(const char *text, enum column column, int width)
{
	const char *gap = column ? "  " : "";

	if (column != COLUMN_DETAIL)
		printf(column == RIGHT_ALIGNED ? "%s%*s" : "%s%-*s", gap, width, text);
	else
		printf("%s%s\n", *text ? gap : "", text);
}

static int print_row(const struct me_probe *probe, const struct me_probe_row *row,
		     const int width[COLUMNS])
{
	char cell[CELL];
	int err = 0;

	for (int c = 0; c < COLUMNS; c++) {
		if (row)
			err |= format_cell(row, c, cell);
		if (has_column(probe, c))
			print_cell(row ? cell : headings[c], c, width[c]);
	}
	return err;
}

static int print_rows(const struct me_probe *probe)
{
	int width[COLUMNS], err = 0;
	bool any = false;
	char cell[CELL];

	for (int c = 0; c < COLUMNS; c++)
		width[c] = (int)strlen(headings[c]);
	for (size_t i = 0; i < probe->n_rows; i++)
		for (int c = 0; is_shown(&probe->rows[i]) && c < COLUMNS; c++) {
			err |= format_cell(&probe->rows[i], c, cell);
			if ((int)strlen(cell) > width[c])
				width[c] = (int)strlen(cell);
		}
	for (size_t i = 0; i < probe->n_rows; i++) {
		if (!is_shown(&probe->rows[i]))
			continue;
		if (!any)
			print_row(probe, NULL, width);
		any = true;
		err |= print_row(probe, &probe->rows[i], width);
	}
	return err;
}

/* --- What is not probed ------------------------------------------------------------------------- */

static bool same_line(const struct me_probe_target *a, const struct me_probe_target *b)
{
	return a->method == b->method && a->why_not == b->why_not && a->rule == b->rule &&
	       !strcmp(a->endpoint, b->endpoint);
}

static void print_not_probed(const struct me_probe_plan *plan, size_t first)
{
	const struct me_probe_target *target = &plan->targets[first];
	char cell[CELL], ports[ME_PORTS_LEN];

	me_text_escape(cell, sizeof(cell), target->endpoint, strlen(target->endpoint));
	printf("  %s:", cell);
	for (size_t i = first; i < plan->n; i++) {
		if (plan->targets[i].to != target->to || !same_line(&plan->targets[i], target))
			continue;
		me_ports_format(&plan->targets[i].ports, ports);
		printf(" %s", ports);
	}
	printf(": %s\n", target->why_not);
}

/* A line for each entry and reason, with its ports. */
static void print_all_not_probed(const struct me_probe_plan *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->n; i++) {
		bool told = false;

		for (size_t k = 0; k < i && !told; k++)
			told = same_line(&plan->targets[k], &plan->targets[i]);
		if (told || plan->targets[i].method != ME_PROBE_BY_NONE)
			continue;
		if (!any)
			puts("not probed:");
		any = true;
		print_not_probed(plan, i);
	}
}

int me_probed_print(const struct me_probe *probe)
{
	int err = print_rows(probe);

	print_all_not_probed(probe->plan);
	printf("%zu work, %zu do not, %zu not probed\n", probe->states[ME_PROBE_WORKS],
	       probe->states[ME_PROBE_FAILS], probe->states[ME_PROBE_UNKNOWN]);
	if (fflush(stdout) || ferror(stdout))
		return -EIO;
	return err ? -ENOMEM : 0;
}
