/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_ONCE_H
#define METOP_ONCE_H

/* The view printed once: no terminal needed. */
#include <stdio.h>
#include "metop/options.h"
#include "metop/rows.h"

/*
 * Prints a table in `columns` columns, 0: as many as it takes. Rates are left out: they take two
 * looks.
 */
int me_once_print(FILE *out, enum me_view_id view, const struct me_rows *rows, size_t columns);

/*
 * Asks once and prints, as options->mode says. 0; -ENOTCONN with *ret_trouble filled if nobody
 * answers; -EINVAL if the daemon refuses the question, -EBADMSG if the answer makes no sense, both
 * with ret_trouble->what; -EIO if it cannot be written; -ENOMEM.
 */
int me_once(const struct me_options *options, FILE *out, struct me_trouble *ret_trouble);

#endif
