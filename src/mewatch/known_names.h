/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_KNOWN_NAMES_H
#define MEWATCH_MEWATCH_KNOWN_NAMES_H

/* What a running daemon has seen DNS answers say of a destination, and what the judge makes of it. */
#include <stddef.h>
#include "policy/explain.h"

/* A pair of a name and an address. Texts are as the API gives them: escaped, printable ASCII. */
struct me_known_name {
	const char *name, *target, *address, *server; /* `target` may be NULL */
	const char *since, *until;                    /* RFC 3339, to the millisecond, UTC */
	enum me_evidence evidence;                    /* LEARNED, STALE, or NONE: too old */
};

struct me_known_names {
	const char *socket;
	int err; /* 0, or a negative errno: nobody answered there */
	struct me_known_name *list;
	size_t n;
	uint64_t matched; /* how many the daemon knows */
	void *answer;     /* what holds the texts */
};

/*
 * Asks the daemon at `socket` (borrowed) for the names of the address, or the addresses of the name,
 * that `query` has. `grace_ns` and `now_epoch_ns` say what they are worth. 0 also if nobody answers,
 * see `err`; -ENOMEM.
 */
int me_known_names_ask(const char *socket, const struct me_query *query, uint64_t grace_ns,
		       uint64_t now_epoch_ns, struct me_known_names *ret_known);
void me_known_names_free(struct me_known_names *known);

/*
 * Judges the address of `query` as the daemon would with these names; `flags` are those of me_facts.
 * *ret_name is the first of those that decide, NULL if none does.
 */
void me_known_names_judge(const struct me_known_names *known, const struct me_image *image,
			  const struct me_query *query, uint8_t flags,
			  struct me_judgement *ret_judgement,
			  const struct me_known_name **ret_name);

#endif
