/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_SOURCE_H
#define METOP_SOURCE_H

/* Where the daemon is, and what to tell people when it is not. */
#include "base/strbuf.h"

#define ME_SOURCE_SOCKET "/run/mewatch/mewatch.sock"

struct me_source {
	const char *socket; /* path of the Unix socket; NULL when there is a URL */
	const char *url;    /* http:// or https://, with host and port */
};

/* Why there is no answer, and what can be done about it: a line each, to be shown escaped. */
struct me_trouble {
	struct me_strbuf what;
	struct me_strbuf remedy;
};

void me_trouble_free(struct me_trouble *trouble);

/*
 * Makes a line of a failed connection: `error` is the errno of connect(2), 0 if it is not known, and
 * `detail` what the library said. Looks at the socket to tell its owner and mode.
 */
void me_trouble_explain(struct me_trouble *trouble, const struct me_source *source, int error,
			const char *detail);

/* The same for a daemon that is there but says nothing in time. */
void me_trouble_silent(struct me_trouble *trouble, const struct me_source *source,
		       unsigned int seconds);

#endif
