/* SPDX-License-Identifier: GPL-2.0-only */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "policy/compile_targets.h"
#include "policy/compile_doh.h"
#include "policy/policy.h"

static int add(struct me_targets *targets, const struct me_addr *address, uint32_t bits,
	       uint32_t entry, uint32_t flags)
{
	if (targets->count == targets->capacity) {
		size_t capacity = targets->capacity ? 2 * targets->capacity : 256;
		struct me_target *grown = reallocarray(targets->list, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		targets->list = grown;
		targets->capacity = capacity;
	}
	targets->list[targets->count++] = (struct me_target){
		.address = *address,
		.entry = entry,
		.bits = (uint8_t)bits,
		.flags = (uint8_t)flags,
	};
	return 0;
}

static int add_all(struct me_targets *targets, const struct me_addr *addresses, size_t n,
		   uint32_t entry, uint32_t flags)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add(targets, &addresses[i], 128, entry, flags);
	return r;
}

static void append(struct me_targets *targets, const struct me_addr *addresses, size_t n)
{
	if (n)
		memcpy(targets->resolvers + targets->n_resolvers, addresses,
		       n * sizeof(*addresses));
	targets->n_resolvers += n;
}

static size_t count_resolvers(const struct me_resolvers *resolvers,
			      const struct me_environment *environment)
{
	size_t n = resolvers->n_list;

	if (resolvers->kind == ME_RESOLVERS_SYSTEM)
		return environment->n_resolvers + environment->n_upstream;
	for (size_t i = 0; i < resolvers->n_list; i++)
		n += resolvers->list[i].n_upstream;
	return n;
}

/* The configured resolvers in one list: a stub and the servers that it asks both are. */
static int gather_resolvers(struct me_targets *targets, const struct me_policy *policy,
			    const struct me_environment *environment)
{
	const struct me_resolvers *resolvers = &policy->resolvers;
	bool system = resolvers->kind == ME_RESOLVERS_SYSTEM;
	size_t n = count_resolvers(resolvers, environment);

	if (!n)
		return 0;
	targets->resolvers = calloc(n, sizeof(*targets->resolvers));
	if (!targets->resolvers)
		return -ENOMEM;
	if (system)
		append(targets, environment->resolvers, environment->n_resolvers);
	for (size_t i = 0; !system && i < resolvers->n_list; i++)
		append(targets, &resolvers->list[i].address, 1);
	targets->n_direct = targets->n_resolvers;
	if (system)
		append(targets, environment->upstream, environment->n_upstream);
	for (size_t i = 0; !system && i < resolvers->n_list; i++)
		append(targets, resolvers->list[i].upstream, resolvers->list[i].n_upstream);
	return 0;
}

static int add_resolvers(struct me_targets *targets)
{
	int r = add_all(targets, targets->resolvers, targets->n_direct, 0,
			ME_DEST_RESOLVER | ME_TARGET_DIRECT);

	if (r == 0 && targets->n_direct < targets->n_resolvers)
		r = add_all(targets, targets->resolvers + targets->n_direct,
			    targets->n_resolvers - targets->n_direct, 0,
			    ME_DEST_RESOLVER | ME_DEST_UPSTREAM);
	return r;
}

/* The ranges that me_addr_kind() does not call global. */
static int add_special(struct me_targets *targets)
{
	static const struct {
		const char *address;
		uint8_t bits;
	} special[] = {
		{"0.0.0.0", 104}, {"127.0.0.0", 104}, {"169.254.0.0", 112}, {"224.0.0.0", 99},
		{"::", 128},      {"::1", 128},       {"fe80::", 10},       {"ff00::", 8},
	};
	struct me_addr address;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ME_ARRAY_SIZE(special); i++) {
		r = me_inet_parse(special[i].address, address.byte);
		assert(r == 0);
		r = add(targets, &address, special[i].bits, 0, ME_TARGET_SPECIAL);
	}
	return r;
}

static int add_doh(struct me_targets *targets)
{
	struct me_addr address;
	int r = 0;

	for (size_t i = 0; r == 0 && me_doh_resolvers[i]; i++) {
		r = me_inet_parse(me_doh_resolvers[i], address.byte);
		assert(r == 0);
		r = add(targets, &address, 128, 0, ME_DEST_DOH);
	}
	return r;
}

int me_targets_start(struct me_targets *targets, const struct me_policy *policy,
		     const struct me_environment *environment)
{
	int r = gather_resolvers(targets, policy, environment);

	targets->peers = policy->peers;
	targets->n_peers = policy->n_peers;
	if (policy->has_proxy && policy->proxy.kind == ME_TO_ADDRESS)
		targets->proxy = &policy->proxy.address;
	if (r == 0)
		r = add_special(targets);
	if (r == 0)
		r = add_doh(targets);
	if (r == 0)
		r = add_resolvers(targets);
	if (r == 0)
		r = add_all(targets, targets->peers, targets->n_peers, 0, ME_DEST_PEER);
	if (r == 0 && targets->proxy)
		r = add(targets, targets->proxy, 128, 0, ME_DEST_PROXY);
	return r;
}

int me_targets_add_to(struct me_targets *targets, const struct me_to *to, uint32_t entry)
{
	switch (to->kind) {
	case ME_TO_ADDRESS:
		return add(targets, &to->address, 128, entry, 0);
	case ME_TO_PREFIX:
		return add(targets, &to->address, to->bits, entry, 0);
	case ME_TO_RESOLVERS:
		return add_all(targets, targets->resolvers, targets->n_resolvers, entry, 0);
	case ME_TO_PEERS:
		return add_all(targets, targets->peers, targets->n_peers, entry, 0);
	case ME_TO_PROXY:
		return targets->proxy ? add(targets, targets->proxy, 128, entry, 0) : 0;
	case ME_TO_NAME:
	case ME_TO_WILDCARD:
	case ME_TO_SUBTREE:
	case ME_TO_ANY:
	case ME_TO_LOCAL:
		break;
	}
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct me_target *a = left, *b = right;
	int order = memcmp(a->address.byte, b->address.byte, sizeof(a->address.byte));

	if (order)
		return order;
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return a->entry < b->entry ? -1 : a->entry > b->entry;
}

void me_targets_sort(struct me_targets *targets)
{
	qsort(targets->list, targets->count, sizeof(*targets->list), compare);
}

void me_targets_free(struct me_targets *targets)
{
	free(targets->list);
	free(targets->resolvers);
	*targets = (struct me_targets){0};
}
