/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_EXPLAINED_H
#define MEWATCH_MEWATCH_EXPLAINED_H

/* What `mewatch explain` found out, and how it says it. */
#include "mewatch/known_names.h"
#include "policy/explain.h"

struct me_explained {
	const struct me_policy *policy;
	enum me_vantage vantage;           /* from where it is judged: ME_HOST or ME_TRANSIT */
	struct me_explanation explanation; /* by the policy alone */
	struct me_known_names known;

	/* The known name by which the address is allowed, and what the policy says of it; or NULL. */
	const struct me_known_name *by;
	struct me_explanation named;
};

/* What holds: the explanation of the name that decides, else that of the destination. */
static inline const struct me_explanation *me_explained_last(const struct me_explained *explained)
{
	return explained->by ? &explained->named : &explained->explanation;
}

/* Prints it, as text or as one JSON object. 0 or -ENOMEM. */
int me_explained_print(const struct me_explained *explained);
int me_explained_print_json(const struct me_explained *explained);

#endif
