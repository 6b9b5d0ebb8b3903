/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_DNS_H
#define METOP_DNS_H

/* What /v1/dns says, as the rows of the view DNS. */
#include "metop/rows.h"

/* The parts of the view. */
enum me_dns_part {
	ME_DNS_CATEGORIES,
	ME_DNS_ZONES,
	ME_DNS_CAUSES,
	ME_DNS_ANSWERS,
};

/*
 * Reads the answer as me_answer_tree() gives it: categories, zones that were asked, causes that are
 * not 0, and answers, each in the daemon's order and all but the first below a heading. 0 or -ENOMEM.
 */
int me_dns_read(const struct me_rows *tree, struct me_rows **ret_rows);

#endif
