/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_LEFT_H
#define MEWATCH_STORE_LEFT_H

/* What an earlier daemon left in the file: where the next one goes on. */
#include "base/table.h"
#include "store/db.h"

/* Texts as a hash that stands for them: the labels of a series, what a span says. */
struct me_mark {
	uint64_t hash[2];
};

/* The mark of a number and some texts, up to NULL. */
struct me_mark me_mark_of(uint64_t number, ...) __attribute__((sentinel));

struct me_left_series {
	uint64_t id;
	uint64_t value; /* of its counter, as it was booked last */
};

struct me_left {
	char attachment[64]; /* "": the file is new */
	uint64_t last_ns;    /* when it was written last, epoch; 0: never */
	uint64_t details;    /* violations of the present day that have a row of their own */
	uint64_t minutes;    /* rows of that table */
	struct me_table
		*series; /* struct me_mark of number enum me_series -> struct me_left_series */
	struct me_table *spans; /* open ones: struct me_mark of its number and kind -> id */
};

void me_left_free(struct me_left *left);

/* Reads it at `now_ns`, epoch. A run that did not end was killed, and is marked so. 0 or a negative errno. */
int me_left_read(struct me_db *db, uint64_t now_ns, struct me_left *ret_left);

#endif
