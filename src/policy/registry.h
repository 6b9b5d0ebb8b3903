/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_REGISTRY_H
#define MEWATCH_POLICY_REGISTRY_H

/*
 * Stable ids. A service, an endpoint of a service and a rule each get a number when they are first
 * seen, which is not reused until detach: counters and records carry it, so a reload moves no count.
 * The kernel side keeps a copy in a pinned map and restores it at start; this module knows no kernel.
 *
 *	kind      service        text
 *	SERVICE   the service    ""
 *	ENDPOINT  the service    what `to:` says: a name, a wildcard, a keyword, or the rule's slug
 *	                         for all addresses and prefixes of one rule
 *	RULE      the service    the rule's slug
 *	ZONE      ""             a zone of block lists
 */
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "mewatch/image.h"

#define ME_RULE_IDS_MAX ME_ENDPOINTS_MAX /* rules since attach; id 0 is "no rule" */

enum me_id_kind { ME_ID_SERVICE, ME_ID_ENDPOINT, ME_ID_RULE, ME_ID_ZONE, ME_ID_KINDS };

struct me_registry;

struct me_id_entry {
	enum me_id_kind kind;
	uint32_t id;
	const char *service; /* owned by the registry */
	const char *text;    /* owned by the registry */
	const char *
		at; /* "file:line" of a rule where it was last defined, or NULL; valid until the next note */
};

/* A registry that knows the services with fixed ids (see image.h). NULL without memory. */
struct me_registry *me_registry_new(void);
void me_registry_free(struct me_registry **registry);
ME_DEFINE_CLEANUP(struct me_registry *, me_registry_free)

/*
 * Finds or assigns the id of (kind, service, text). The text of a service is "". Services stop at
 * ME_SERVICES_MAX, endpoints at ME_ENDPOINTS_MAX, rules at ME_RULE_IDS_MAX and zones at
 * ME_ZONES_MAX: -ENOSPC. 0, -ENOSPC or -ENOMEM.
 */
int me_registry_id(struct me_registry *registry, enum me_id_kind kind, const char *service,
		   const char *text, uint32_t *ret_id);

/* Puts back an id given out earlier. -EEXIST if it contradicts what is there, -EINVAL if out of range. */
int me_registry_restore(struct me_registry *registry, enum me_id_kind kind, const char *service,
			const char *text, uint32_t id);

/* Notes where a rule is defined now; a copy is kept. 0, -ENOENT (no such rule) or -ENOMEM. */
int me_registry_note(struct me_registry *registry, uint32_t rule_id, const char *at);

/* The entry with this id, or NULL. Valid until the registry is freed. */
const struct me_id_entry *me_registry_get(const struct me_registry *registry, enum me_id_kind kind,
					  uint32_t id);

/* How many ids of the kind were given out; ids run from 0 (services) or 1 to count - 1. */
uint32_t me_registry_count(const struct me_registry *registry, enum me_id_kind kind);

#endif
