/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_VIEWS_H
#define MEWATCH_EXPORT_VIEWS_H

/* The answers of /v1 (tools/dist/api.md). */
#include "base/strbuf.h"
#include "export/rows.h"
#include "export/status.h"

#define ME_VIEW_LIMIT 1000u            /* rows by default */
#define ME_VIEW_LIMIT_MAX 100000u      /* rows at the most */
#define ME_VIEW_BYTES_MAX (128u << 20) /* of a list: the rows beyond are left for another request */

/*
 * Appends the answer to a list request. 0, -ENOMEM, or -EINVAL with one line in `error` that says
 * what was wrong and what was expected. `out` may hold a part of the answer on failure.
 */
int me_view_list(const struct me_rows *rows, const struct me_ledger *ledger,
		 const struct me_status *status, const struct me_query *query,
		 struct me_strbuf *out, struct me_strbuf *error);

/*
 * Appends to `error` which parameter is wrong and what was expected: its value is escaped and cut.
 * -EINVAL.
 */
int me_view_invalid(struct me_strbuf *error, const char *what, const char *value,
		    const char *expected);

/* A row as an object with all of its fields; as me_json_object(). */
struct me_json *me_view_row(const struct me_rows *rows, const struct me_item *row);

/* Appends /v1/health. 0 or -ENOMEM. */
int me_view_health(const struct me_ledger *ledger, const struct me_status *status,
		   struct me_strbuf *out);

/* Appends {"error": …}; what came from outside is escaped in `text` already. 0 or -ENOMEM. */
int me_view_error(const char *text, struct me_strbuf *out);

#endif
