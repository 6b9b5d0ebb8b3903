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
#include "mewatch/name.h"

struct me_policy;
struct me_registry;
struct me_diagnostics;

/* What the machine contributes: `resolvers: system` and the like. Arrays are borrowed. */
struct me_environment {
	const struct me_addr *resolvers; /* what `resolvers: system` means here */
	size_t n_resolvers;
	const struct me_addr *upstream; /* whom a stub among these asks */
	size_t n_upstream;
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

/* A mail host of the transit vantage. `number` is its place in policy->hosts, from 1. */
struct me_image_host {
	struct me_prefix prefix;
	uint32_t number;
	uint32_t around; /* index of the longest prefix that contains it, or ME_NO_PREFIX */
};

struct me_image_mac {
	uint64_t mac; /* me_mac() */
	uint32_t number;
};

/* Which rule an entry comes from: indices into policy->rules and its `to`. */
struct me_image_source {
	uint32_t rule;
	uint32_t to; /* the first of them, where addresses or prefixes share the entry */
};

/* What the policy says of a name; the key is its hash. */
struct me_image_name_entry {
	uint64_t hash;
	struct me_name_entry entry;
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
	uint32_t *endpoint_rows;         /* endpoint id -> row; 0: no name of this policy */
	uint32_t n_endpoint_rows;
	struct me_image_name_entry *name_entries; /* sorted by hash, unique */
	size_t n_name_entries;
	struct me_image_host *hosts; /* sorted by (address, bits), unique */
	size_t n_hosts;
	struct me_image_mac *macs; /* sorted, unique */
	size_t n_macs;
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

/* The number of the mail host with the longest prefix around the address; 0: it is none. */
uint32_t me_image_host(const struct me_image *image, const struct me_addr *address);

/* The number of the mail host with this MAC address, as me_mac() has it; 0: it is none. */
uint32_t me_image_mac(const struct me_image *image, uint64_t mac);

/* What the policy says of a name: the endpoints that cover it, and the block list it is asked in. */
void me_image_names_find(const struct me_image *image, const struct me_name *name,
			 struct me_named *ret_named);

/*
 * The lookups of the judge on the host: what the BPF programs do with maps, on an image.
 * `learned` are endpoint ids known for the address with their evidence, in any order; NULL when
 * none. Ids that are no name of this image are passed over, and so is a mere claim under
 * `strict_names`.
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
