/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_FILE_H
#define MEWATCH_STORE_FILE_H

/* The file of the history: opened, made, brought to the present schema, checked; moved aside. */
#include <stdbool.h>
#include "base/strbuf.h"
#include "store/db.h"

/* Files that were moved aside and are kept: the newest. */
#define ME_HISTORY_ASIDE_MAX 3u

/*
 * Opens the file for writing, makes it where there is none, and brings it to ME_SCHEMA_VERSION. What it holds is
 * checked (PRAGMA quick_check), which takes as long as reading it. -EPROTO: of a later version, or not
 * a history; -EUCLEAN: damaged; or a negative errno of store/db.h. `why` gets it in words.
 */
int me_history_file_open(const char *path, struct me_db **ret_db, struct me_strbuf *why);

/* The version of the file's schema, which is a history. 0, -EPROTO, or a negative errno. */
int me_history_file_version(struct me_db *db, uint64_t *ret_version, struct me_strbuf *why);

/*
 * Renames it, and what belongs to it, to "history.db.corrupt-<time>"; of those only the newest stay.
 * `ret_aside` gets the new path. 0 or a negative errno.
 */
int me_history_file_aside(const char *path, struct me_strbuf *ret_aside);

#endif
