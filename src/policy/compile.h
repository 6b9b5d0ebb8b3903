/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_H
#define MEWATCH_POLICY_COMPILE_H

/*
 * Rules -> image. Equivalence classes of destinations and of ports, and the rank of the deciding
 * entry for each pair (include/mewatch/image.h says what the parts mean).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "mewatch/image.h"
#include "mewatch/judge.h"

struct me_policy;
struct me_registry;
struct me_diagnostics;

/* What the machine contributes: `resolvers: system` and the like. Arrays are borrowed. */
struct me_environment {
	const struct me_addr *resolvers; /* what `resolvers: system` means here */
	size_t n_resolvers;
	uint64_t now_epoch_ns; /* rules whose `until` has come are left out */
};

struct me_image_address {
	struct me_addr address;
	struct me_dest dest;
};

#define ME_NO_PREFIX UINT32_MAX

struct me_image_prefix {
	struct me_prefix prefix;
	struct me_dest dest;
	uint32_t around; /* index of the longest prefix that contains it, or ME_NO_PREFIX */
};

/* Which rule an entry comes from: indices into policy->rules and its `to`. */
struct me_image_source {
	uint32_t rule;
	uint32_t to; /* the first of them, where addresses or prefixes share the entry */
};

/* A name endpoint: what the learner will match, and its row. Sorted by endpoint id. */
struct me_image_name {
	uint32_t endpoint; /* stable id */
	uint32_t row;
	uint8_t match;    /* ME_MATCH_NAME, _WILDCARD or _SUBTREE */
	uint8_t flags;    /* of the entry: ME_ENTRY_PRIVATE matters to the learner */
	const char *name; /* lower case, without "*." or "**."; owned by the image */
};

struct me_image {
	struct me_head *head;
	struct me_image_address *addresses; /* sorted by address, unique */
	size_t n_addresses;
	struct me_image_prefix *prefixes; /* sorted by (address, bits), unique, folded */
	size_t n_prefixes;
	uint32_t *table;                 /* head->rows * head->columns ranks */
	struct me_entry *entries;        /* head->entries; [0] is unused */
	struct me_image_source *sources; /* of each entry, in the policy that was compiled */
	struct me_image_name *names;
	size_t n_names;
	char *text; /* what the names point into */
};

/*
 * Compiles `policy`; ids come from `registry`, which grows. `generation` is stored in the head.
 * Errors (too many cells, services, endpoints …) go to `diagnostics` with the rules' places.
 * 0, -EINVAL (diagnosed) or -ENOMEM. On success the caller frees *ret_image.
 */
int me_compile(const struct me_policy *policy, const struct me_environment *environment,
	       struct me_registry *registry, uint32_t generation,
	       struct me_diagnostics *diagnostics, struct me_image **ret_image);
void me_image_free(struct me_image **image);
ME_DEFINE_CLEANUP(struct me_image *, me_image_free)

/* What the policy says of a destination: its exact address, else the longest prefix, else NULL. */
const struct me_dest *me_image_lookup(const struct me_image *image, const struct me_addr *address);

/* Whether the endpoint covers `name`, which is in lower case without a trailing dot. */
bool me_image_name_covers(const struct me_image_name *endpoint, const char *name);

/* The name endpoint with this id, or NULL. */
const struct me_image_name *me_image_name(const struct me_image *image, uint32_t endpoint);

/*
 * The lookups of the judge on the host: what the BPF programs do with maps, on an image.
 * `learned` are endpoint ids known for the address with their evidence, strongest evidence first
 * where one is there twice; NULL when none. Ids that are no name of this image are passed over.
 */
struct me_learned_endpoint {
	uint32_t endpoint;
	uint8_t evidence; /* enum me_evidence */
};

void me_image_judge(const struct me_image *image, const struct me_facts *facts,
		    const struct me_learned_endpoint *learned, size_t n_learned,
		    struct me_judgement *ret_judgement);

/*
 * The same for a destination whose lookup was done: `kind` and `dest` are taken instead of what the
 * address would give. Also returns the rank of the deciding entry, 0 for none.
 */
uint32_t me_image_judge_as(const struct me_image *image, const struct me_facts *facts,
			   enum me_addr_kind kind, const struct me_dest *dest,
			   const struct me_learned_endpoint *learned, size_t n_learned,
			   struct me_judgement *ret_judgement);

#endif
