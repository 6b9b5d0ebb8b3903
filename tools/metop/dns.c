/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include "base/strbuf.h"
#include "metop/dns.h"
#include "metop/format.h"
#include "metop/view.h"

/* Which section of the answer becomes which part, and the fields that say which row it is. */
static const struct {
	const char *section;
	enum me_dns_part part;
	const char *keys[2];
} sections[] = {
	{"categories", ME_DNS_CATEGORIES, {"category"}},
	{"zones", ME_DNS_ZONES, {"zone"}},
	{"refused", ME_DNS_CAUSES, {"cause"}},
	{"answers", ME_DNS_ANSWERS, {"name", "address"}},
};

static const char *text_of(const struct me_row *row, const char *name)
{
	const char *text = me_row_text(row, name);

	return text ? text : "";
}

/* What the row's mark is made of; "": it has none. */
static const char *state_of(const struct me_row *row, enum me_dns_part part, uint64_t now_ns)
{
	uint64_t until;

	if (part == ME_DNS_ZONES && me_row_number(row, "refusals") > 0)
		return "refuses";
	if (part == ME_DNS_ANSWERS && !me_format_parse_time(text_of(row, "until"), &until) &&
	    until <= now_ns)
		return "over";
	return "";
}

static void set_key(struct me_rows *rows, const char *const keys[2])
{
	_cleanup_strbuf_ struct me_strbuf key = {0};
	const struct me_row *row = &rows->rows[rows->n - 1];

	me_strbuf_addf(&key, "%u", row->part);
	for (size_t i = 0; i < 2 && keys[i]; i++)
		me_strbuf_addf(&key, " %s", text_of(row, keys[i]));
	if (key.err)
		rows->err = key.err;
	else
		me_rows_set_key(rows, key.data);
}

/* What never happened is left out: a policy knows block lists by the dozen. */
static bool is_of_interest(const struct me_row *row, enum me_dns_part part)
{
	if (part == ME_DNS_ZONES)
		return me_row_number(row, "queries") > 0 || me_row_number(row, "refusals") > 0;
	return part != ME_DNS_CAUSES || me_row_number(row, "value") > 0;
}

static void add_heading(struct me_rows *rows, enum me_dns_part part)
{
	const struct me_part *about = &me_views[ME_VIEW_DNS].parts[part];

	me_rows_begin(rows);
	me_rows_set_key(rows, about->name);
	me_rows_set_part(rows, (uint8_t)part, true);
	me_rows_add_text(rows, about->name, about->about);
}

/* What says that there are more answers than rows. */
static void add_rest(struct me_rows *rows, const struct me_rows *tree, size_t listed)
{
	const struct me_row *matched = me_rows_find(tree, "matched", NULL);
	double rest = matched ? me_row_number(matched, "value") - (double)listed : 0;
	char count[ME_FORMAT_LEN], text[2 * ME_FORMAT_LEN];

	if (!(rest > 0))
		return;
	me_format_count((uint64_t)rest, count);
	snprintf(text, sizeof(text), "and %s more", count);
	me_rows_begin(rows);
	me_rows_set_part(rows, ME_DNS_ANSWERS, false);
	me_rows_set_key(rows, "rest");
	me_rows_add_text(rows, "name", text);
}

static void add_row(struct me_rows *rows, const struct me_row *from, enum me_dns_part part,
		    uint64_t now_ns)
{
	const char *state = state_of(from, part, now_ns);

	me_rows_begin(rows);
	me_rows_set_part(rows, (uint8_t)part, false);
	if (*state)
		me_rows_add_text(rows, "state", state);
	if (part == ME_DNS_CAUSES) {
		me_rows_add_text(rows, "cause", text_of(from, "item"));
		me_rows_add_number(rows, "count", me_row_number(from, "value"),
				   text_of(from, "value"));
	} else {
		me_rows_add_fields(rows, from, "section");
	}
}

int me_dns_read(const struct me_rows *tree, struct me_rows **ret_rows)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	if (!rows)
		return -ENOMEM;
	for (size_t s = 0; s < ME_ARRAY_SIZE(sections); s++) {
		enum me_dns_part part = sections[s].part;
		size_t before = rows->n + (part != ME_DNS_CATEGORIES);

		for (size_t i = 0; i < tree->n && !rows->err; i++) {
			const struct me_row *from = &tree->rows[i];

			if (strcmp(text_of(from, "section"), sections[s].section) ||
			    !is_of_interest(from, part))
				continue;
			/* Those of the first part are the titles of the screen. */
			if (rows->n < before)
				add_heading(rows, part);
			add_row(rows, from, part, tree->ts_ns);
			if (!rows->err)
				set_key(rows, sections[s].keys);
		}
		if (part == ME_DNS_ANSWERS && rows->n > before)
			add_rest(rows, tree, rows->n - before);
	}
	if (rows->err)
		return rows->err;
	rows->ts_ns = tree->ts_ns;
	rows->total = rows->matched = rows->n;
	*ret_rows = me_steal_ptr(&rows);
	return 0;
}
