/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_FILTER_H
#define MEWATCH_EXPORT_FILTER_H

/* The filter language of the API (tools/dist/api.md, "Terms of filter"). */
#include <stdbool.h>
#include <stddef.h>
#include "base/strbuf.h"
#include "export/value.h"

#define ME_FILTER_MAX 512u /* bytes of a filter */
#define ME_FILTER_TERMS_MAX 16u

/* The fields of one kind of rows. */
struct me_fields {
	const char *const *names;
	size_t count;
	struct me_value (*get)(const void *row, unsigned int field);
};

struct me_filter;

/*
 * Reads a filter for rows with these fields, which are borrowed. A term about fields that the rows
 * do not have holds for none. 0, -ENOMEM, or -EINVAL with one line in `error`.
 */
int me_filter_new(const char *text, const struct me_fields *fields, struct me_strbuf *error,
		  struct me_filter **ret_filter);
void me_filter_free(struct me_filter **filter);
ME_DEFINE_CLEANUP(struct me_filter *, me_filter_free)

bool me_filter_matches(const struct me_filter *filter, const void *row);

#endif
