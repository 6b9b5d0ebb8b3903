/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_OPTIONS_H
#define METOP_OPTIONS_H

/* The command line. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "metop/source.h"
#include "metop/view.h"

#define ME_INTERVAL_MIN_NS 100000000ull     /* 100 ms */
#define ME_INTERVAL_MAX_NS 3600000000000ull /* an hour */

enum me_mode { ME_MODE_LIVE, ME_MODE_ONCE, ME_MODE_JSON, ME_MODE_HELP, ME_MODE_VERSION };

struct me_options {
	enum me_mode mode;
	struct me_source source;
	enum me_view_id view;
	const char *filter; /* "": none */
	bool sorts;         /* --sort was given */
	size_t sort;        /* column of the view */
	bool desc;
	uint32_t limit; /* rows of --once and --json */
	uint64_t interval_ns;
	bool color; /* not taken from the command line: NO_COLOR */
};

/* Reads it; texts stay those of argv. 0, or -EINVAL with what is wrong in *ret_problem. */
int me_options_parse(int argc, char **argv, struct me_options *ret_options,
		     struct me_strbuf *ret_problem);

/* What --help says: options, views, columns and keys, out of their tables. */
void me_options_help(FILE *out);

#endif
