/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_SETUP_H
#define METOP_SETUP_H

/*
 * The user's choices from one start to the next: $XDG_CONFIG_HOME/mewatch/metoprc, or below ~/.config;
 * a line KEY=VALUE each, and `version`. Lines that this version does not know are kept.
 */
#include "base/strbuf.h"
#include "metop/settings.h"

#define ME_SETUP_VERSION "1"
#define ME_SETUP_MAX 65536u /* bytes of the file; a longer one is not read, and not written over */

struct me_setup {
	char *path;               /* NULL: there is no place for it, nothing is read or written */
	bool closed;              /* the file is one that must not be written over */
	struct me_strbuf unknown; /* lines to be kept */
	struct me_settings read;  /* what the file said, the defaults where it said nothing */
	struct me_settings start; /* what the live view began with: --option goes before the file */
};

/* Where it is by the environment, for the caller to free(); NULL: nowhere, or no memory. */
char *me_setup_path(void);

/*
 * Reads the file of `path`, which it takes over (NULL: none), into setup->read. No file is an empty
 * one. What is wrong with it is told in `problem`, a sentence with the line, the first one that there
 * is; what is not wrong holds. 0 or -ENOMEM.
 */
int me_setup_read(struct me_setup *setup, char *path, struct me_strbuf *problem);

/*
 * Writes the file, whole or not at all, mode 0600, if something was changed since setup->start; what was
 * not stays as the file said it. With `all` everything as it is now is kept, the command line's too. 1:
 * written, 0: nothing to write, or what went wrong.
 */
int me_setup_write(struct me_setup *setup, const struct me_settings *now, bool all);

void me_setup_free(struct me_setup *setup);

#endif
