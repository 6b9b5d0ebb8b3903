/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_SUGGEST_H
#define MEWATCH_POLICY_SUGGEST_H

/*
 * The smallest set of site rules that would allow what was seen and is not allowed: names before
 * addresses, and nothing that a rule should not allow at all.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/strbuf.h"
#include "mewatch/address.h"
#include "mewatch/name.h"
#include "mewatch/types.h"

#define ME_SUGGEST_NAMES_MAX 8u    /* names of one destination that are looked at */
#define ME_SUGGEST_WILDCARD_MIN 3u /* names seen that make a wildcard */
#define ME_SUGGEST_ANY_MIN 3u      /* destinations without a name that make `any` */

/* Who told a name. */
#define ME_WITNESS_DNS 1u    /* an answer gave it the address */
#define ME_WITNESS_CLIENT 2u /* SNI or Host */

struct me_offence_name {
	char name[ME_NAME_ROOM]; /* as me_suggest_name() made it */
	uint8_t witnesses;
};

/* Violations of one kind. Texts are borrowed. */
struct me_offence {
	struct me_addr dst;
	uint16_t dport;
	uint8_t proto;
	enum me_reason reason;
	const char *service;      /* of the port */
	const char *first, *last; /* RFC 3339 */
	uint64_t count;
	struct me_offence_name names[ME_SUGGEST_NAMES_MAX];
	size_t n_names;
};

enum me_suggestion_kind {
	ME_SUGGEST_NAME,
	ME_SUGGEST_WILDCARD,
	ME_SUGGEST_ADDRESS,
	ME_SUGGEST_ANY
};

struct me_suggestion {
	enum me_suggestion_kind kind;
	char to[ME_NAME_ROOM + 2];
};

#define ME_NOT_SUGGESTED SIZE_MAX

struct me_suggestions {
	struct me_suggestion *list;
	size_t n;
	size_t *of; /* of each offence: which suggestion allows it, or ME_NOT_SUGGESTED */
};

/* Adds a name to the offence, or a witness to one it has; false if it cannot be a name in a policy. */
bool me_suggest_name(struct me_offence *offence, const char *name, uint8_t witness);

/* Suggests; `any` lets it use that word. 0 or -ENOMEM. The caller frees what is in *ret_suggestions. */
int me_suggest(const struct me_offence *offences, size_t n, bool any,
	       struct me_suggestions *ret_suggestions);
void me_suggestions_free(struct me_suggestions *suggestions);

/* Why such a violation is never suggested; NULL: it may be. */
const char *me_suggest_refused(const struct me_offence *offence);

/* What belongs to suggestion `at`, appended as the policy writes it. */
void me_suggest_ports(const struct me_suggestions *suggestions, size_t at,
		      const struct me_offence *offences, size_t n, struct me_strbuf *out);
/* What speaks against it, in words, separated by "; ". */
void me_suggest_risks(const struct me_suggestions *suggestions, size_t at,
		      const struct me_offence *offences, size_t n, struct me_strbuf *out);
/* Whether a name leads into private space. */
bool me_suggest_private(const struct me_suggestions *suggestions, size_t at,
			const struct me_offence *offences, size_t n);
/* The service that its first port has, or one for ports that nobody knows. */
const char *me_suggest_service(const struct me_suggestions *suggestions, size_t at,
			       const struct me_offence *offences, size_t n);

/* Appends all of it as a policy, with what speaks for and against each rule as comments. */
void me_suggest_print(const struct me_suggestions *suggestions, const struct me_offence *offences,
		      size_t n, struct me_strbuf *out);

#endif
