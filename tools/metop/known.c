/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "metop/answer.h"
#include "metop/format.h"
#include "metop/known.h"
#include "metop/query.h"

#define FIELD "known name"

void me_known_clear(struct me_known *known)
{
	me_rows_free(&known->rows);
	known->address[0] = '\0';
}

const char *me_known_address(const struct me_row *row)
{
	const char *address = row ? me_row_text(row, "dst") : NULL;

	return address && strlen(address) < ME_KNOWN_ADDRESS_LEN ? address : "";
}

void me_known_ask(struct me_known *known, const char *address, struct me_strbuf *path)
{
	if (strcmp(address, known->address)) {
		me_rows_free(&known->rows);
		snprintf(known->address, sizeof(known->address), "%s", address);
	}
	me_strbuf_addf(path, "/v1/dns?limit=%d&sort=last&desc=1&address=", ME_KNOWN_LIMIT);
	me_query_add_encoded(path, address);
}

int me_known_take(struct me_known *known, const char *body, size_t len)
{
	struct me_rows *rows;
	int r = me_answer_list(body, len, "answers", NULL, 0, &rows);

	if (r < 0)
		return r;
	me_rows_free(&known->rows);
	known->rows = rows;
	return 0;
}

/* ", WORD 2027-01-01T01:00:00Z": to the second. */
static void add_time(struct me_strbuf *out, const char *word, const char *time)
{
	size_t seconds = time ? strcspn(time, ".Z") : 0;

	if (seconds)
		me_strbuf_addf(out, ", %s %.*sZ", word, (int)seconds, time);
}

static void add_name(struct me_rows *rows, const struct me_row *name, uint64_t now_ns)
{
	_cleanup_strbuf_ struct me_strbuf text = {0};
	const char *server = me_row_text(name, "server"), *until = me_row_text(name, "until");
	const char *shown = me_row_text(name, "name"), *target = me_row_text(name, "target");
	uint64_t end;

	me_strbuf_adds(&text, shown ? shown : "?");
	if (target)
		me_strbuf_addf(&text, " (%s)", target);
	if (server)
		me_strbuf_addf(&text, ", from %s", server);
	add_time(&text, "since", me_row_text(name, "since"));
	add_time(&text, "until", until);
	if (until && !me_format_parse_time(until, &end) && end <= now_ns)
		me_strbuf_adds(&text, ", over");
	if (text.err)
		rows->err = text.err;
	else
		me_rows_add_text(rows, FIELD, text.data);
}

static void add_names(struct me_rows *rows, const struct me_rows *names)
{
	char more[2 * ME_FORMAT_LEN];

	for (size_t i = 0; i < names->n && !rows->err; i++)
		add_name(rows, &names->rows[i], names->ts_ns);
	if (!names->n)
		me_rows_add_text(rows, FIELD, "none: no DNS answer gave this address");
	if (names->matched <= names->n)
		return;
	snprintf(more, sizeof(more), "and %" PRIu64 " more", names->matched - names->n);
	me_rows_add_text(rows, FIELD, more);
}

int me_known_row(const struct me_known *known, const struct me_row *row, struct me_rows **ret_rows)
{
	_cleanup_rows_ struct me_rows *rows = me_rows_new();

	if (!rows)
		return -ENOMEM;
	me_rows_begin(rows);
	me_rows_add_fields(rows, row, "");
	if (known->rows && !strcmp(known->address, me_known_address(row)))
		add_names(rows, known->rows);
	if (rows->err)
		return rows->err;
	*ret_rows = me_steal_ptr(&rows);
	return 0;
}
