/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_OFFENCES_H
#define MEWATCH_MEWATCH_OFFENCES_H

/* The confirmed violations of a daemon or a replay, with the names that its flows say of them. */
#include <jansson.h>
#include <stdbool.h>
#include "policy/suggest.h"

struct me_ledger;

struct me_offences {
	struct me_offence *list;
	size_t n;
	json_t *violations, *flows; /* what holds their texts */
};

/* Asks the daemon at `socket`. 0, -ENOMEM, or what me_ask() says; to be freed after 0. */
int me_offences_ask(const char *socket, struct me_offences *ret_offences);
/* The same of a ledger. 0 or -ENOMEM. */
int me_offences_of(const struct me_ledger *ledger, struct me_offences *ret_offences);
void me_offences_free(struct me_offences *offences);

/* suggest.c: prints the rules that would allow them, `any` and `json` as its options. 0 or a negative errno. */
int me_suggest_for(const struct me_offences *offences, bool any, bool json);

#endif
