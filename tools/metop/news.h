/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_NEWS_H
#define METOP_NEWS_H

/* Rows of violations that came since the user looked at them last. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/strbuf.h"

struct me_news {
	bool known;     /* an answer came */
	uint64_t seen;  /* serial of the last row that the user has seen */
	uint64_t last;  /* serial of the last row that there is */
	uint64_t count; /* rows that are new */
};

/* Appends the path that asks for them. */
void me_news_path(const struct me_news *news, struct me_strbuf *path);

/*
 * Takes the answer in. What is there at first is not new; after a restart of the daemon, which numbers
 * anew, everything is. 0, -EBADMSG or -ENOMEM.
 */
int me_news_take(struct me_news *news, const char *body, size_t len);

/* All rows up to a serial have been seen. */
void me_news_saw(struct me_news *news, uint64_t serial);

#endif
