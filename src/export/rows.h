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

struct me_item {
	const struct me_ledger *ledger;
	union {
		const struct me_ledger_flow *flow;
		const struct me_group *group;
		const struct me_endpoint *endpoint;
	};
};

struct me_rows {
	const char *path; /* of the API below /v1/, and the key of the list in the answer */
	struct me_fields fields;
	const char *sort;    /* the default */
	uint64_t descending; /* a bit for each field: largest first by default */

	/* What next() walks over, the caller's to free(). 0 or -ENOMEM; NULL where none is needed. */
	int (*open)(const struct me_ledger *ledger, void **ret_items);

	/* Goes through the rows: start with *cursor 0, until false. */
	bool (*next)(const struct me_ledger *ledger, const void *items, size_t *cursor,
		     struct me_item *ret_row);

	/* Members beyond the fields, of a row and of the answer; or NULL. */
	void (*more_of_row)(const struct me_item *row, struct me_json *object);
	void (*more_of_list)(const struct me_ledger *ledger, struct me_json *object);
};

extern const struct me_rows me_rows_flows;
extern const struct me_rows me_rows_endpoints;
extern const struct me_rows me_rows_violations;

#endif
