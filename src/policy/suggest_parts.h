/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_SUGGEST_PARTS_H
#define MEWATCH_POLICY_SUGGEST_PARTS_H

/* What the parts of me_suggest() share. */
#include "policy/suggest.h"

/* Whether the client said a name: then an address may be allowed, and the flow a mismatch still. */
bool me_offence_is_said(const struct me_offence *offence);

/* Whether a rule for this name, which is one of the offence's, would allow it. */
bool me_offence_serves(const struct me_offence *offence, const struct me_offence_name *name);

/* Whether it has the name, and a rule for it would allow it. */
bool me_offence_has_name(const struct me_offence *offence, const char *name);

/* Makes one of several where one does; `gone` has room for each suggestion and is all false. */
void me_suggest_fewer(struct me_suggestions *suggestions, const struct me_offence *offences,
		      size_t n, bool *gone);

#endif
