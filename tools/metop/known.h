/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_KNOWN_H
#define METOP_KNOWN_H

/* The names that DNS answers gave to the address of a row, for its detail. */
#include "base/strbuf.h"
#include "metop/rows.h"

#define ME_KNOWN_LIMIT 64       /* names of one address that are asked for */
#define ME_KNOWN_ADDRESS_LEN 64 /* the longest address and a NUL, and more */

struct me_known {
	char address[ME_KNOWN_ADDRESS_LEN]; /* that is asked about; "": none */
	struct me_rows *rows;               /* NULL: no answer yet */
};

/* Forgets everything. */
void me_known_clear(struct me_known *known);

/* The address whose names belong to the row (may be NULL); "": none. */
const char *me_known_address(const struct me_row *row);

/* Begins to be about `address`. Appends the path that asks for its names. */
void me_known_ask(struct me_known *known, const char *address, struct me_strbuf *path);

/* Takes the answer in. 0, -EBADMSG or -ENOMEM, and what was known stays. */
int me_known_take(struct me_known *known, const char *body, size_t len);

/*
 * The row with a field more for each name, as the only row of *ret_rows; as it is while nothing is
 * known about its address. 0 or -ENOMEM.
 */
int me_known_row(const struct me_known *known, const struct me_row *row, struct me_rows **ret_rows);

#endif
