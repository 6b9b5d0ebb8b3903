/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_OPTIONS_H
#define METOP_OPTIONS_H

/* The command line. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "metop/settings.h"
#include "metop/source.h"

enum me_mode { ME_MODE_LIVE, ME_MODE_ONCE, ME_MODE_JSON, ME_MODE_HELP, ME_MODE_VERSION };

struct me_options {
	enum me_mode mode;
	struct me_source source;
	bool views; /* --view was given; else the view is that of --once and --json */
	enum me_view_id view;
	const char *filter; /* "": none */
	bool sorts;         /* --sort was given */
	struct me_order order;
	uint32_t limit;       /* rows of --once and --json */
	uint64_t interval_ns; /* 0: not given */
	bool colours_given;   /* --color was */
	enum me_colours colours;
	bool ascii;
	bool no_rc; /* the setup is neither read nor kept */
};

/* Reads it; texts stay those of argv. 0, or -EINVAL with what is wrong in *ret_problem. */
int me_options_parse(int argc, char **argv, struct me_options *ret_options,
		     struct me_strbuf *ret_problem);

/* What the command line says of the live view goes before what was kept of it. */
void me_options_apply(const struct me_options *options, struct me_settings *settings);

/* What --help says: options, views, columns and keys, out of their tables. */
void me_options_help(FILE *out);

#endif
