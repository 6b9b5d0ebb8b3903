/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_API_H
#define MEWATCH_EXPORT_API_H

/* Which path is answered by what. */
#include "export/http.h"

struct me_api {
	const struct me_ledger *ledger;
	void *data;

	/* The status as of now; borrowed until the answer is written. */
	const struct me_status *(*status)(void *data);
	/* This mode for so long (0: until something else is said); -1: the policy's again. */
	void (*say)(void *data, int mode, uint64_t for_ns);
};

/* The answerer for me_http_new(), with a struct me_api as its data. */
unsigned int me_api_answer(void *api, const struct me_http_request *request, struct me_strbuf *body,
			   const char **type);

#endif
