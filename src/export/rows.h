/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_ROWS_H
#define MEWATCH_EXPORT_ROWS_H

/*
 * The rows that the API lists, each kind as a table of fields. A row is what me_rows_next() gives:
 * an item of the ledger together with the ledger.
 */
#include "export/filter.h"
#include "export/json.h"
#include "ledger/ledger.h"

struct me_answer;

/* Parameters of a list as they stand in the request; NULL: not given. */
struct me_query {
	const char *limit, *offset, *sort, *desc, *filter;
	const char *address, *name; /* exact, for rows that know them */
	const char *around;         /* the id of a row that is to be among them */
	const char *group, *unfold; /* for flows */
	const char *since;          /* for violations */
	const char *set, *span;     /* of /v1/mode; `for` is called span here */
};

struct me_item {
	const struct me_ledger *ledger;
	union {
		const struct me_ledger_flow *flow;
		const struct me_group *group;
		const struct me_endpoint *endpoint;
		const struct me_answer *answer;
	};
};

struct me_rows {
	const char *path; /* of the API below /v1/ */
	const char *list; /* the key of the rows in the answer */
	struct me_fields fields;
	const char *sort;    /* the default */
	uint64_t descending; /* a bit for each field: largest first by default */
	bool identified;     /* by a field … */
	unsigned int identity;
	bool grouped; /* where that is asked for */

	/*
	 * What next() walks over, the caller's to free(); NULL where it is the ledger. 0, -ENOMEM, or
	 * -EINVAL with one line in `error`.
	 */
	int (*open)(const struct me_ledger *ledger, const struct me_query *query,
		    struct me_strbuf *error, void **ret_items);

	/* Goes through the rows: start with *cursor 0, until false. */
	bool (*next)(const struct me_ledger *ledger, const void *items, size_t *cursor,
		     struct me_item *ret_row);

	/* Members beyond the fields, of a row and of the answer; or NULL. */
	void (*more_of_row)(const struct me_item *row, struct me_json *object);
	void (*more_of_list)(const struct me_ledger *ledger, const struct me_query *query,
			     struct me_json *object);
};

extern const struct me_rows me_rows_flows;
extern const struct me_rows me_rows_endpoints;
extern const struct me_rows me_rows_violations;
extern const struct me_rows me_rows_dns;

#endif
