/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_EXPLAINED_H
#define MEWATCH_MEWATCH_EXPLAINED_H

/* What `mewatch explain` found out, and how it says it. */
#include "mewatch/known_names.h"
#include "mewatch/mode.h"
#include "policy/explain.h"

/* What would be done about it. */
struct me_explained_mode {
	bool applies; /* it is no matter of a violation otherwise */
	enum me_mode mode;
	enum me_action action;
	const struct me_rule *by; /* whose mode it is, unless it was said; NULL: the policy's */
	bool said;                /* to the daemon */
};

struct me_explained {
	const struct me_policy *policy;
	enum me_vantage vantage;           /* from where it is judged: ME_HOST or ME_TRANSIT */
	struct me_explanation explanation; /* by the policy alone */
	struct me_known_names known;

	/* The known name by which the address is allowed, and what the policy says of it; or NULL. */
	const struct me_known_name *by;
	struct me_explanation named;
	struct me_explained_mode mode;
};

/* What holds: the explanation of the name that decides, else that of the destination. */
static inline const struct me_explanation *me_explained_last(const struct me_explained *explained)
{
	return explained->by ? &explained->named : &explained->explanation;
}

/* Fills in the mode, when the rest is known. Asks the daemon what it was told. */
void me_explain_mode(struct me_explained *explained, uint64_t now_epoch_ns);

/* Prints it, as text or as one JSON object. 0 or -ENOMEM. */
int me_explained_print(const struct me_explained *explained);
int me_explained_print_json(const struct me_explained *explained);

#endif
