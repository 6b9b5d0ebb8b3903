/* SPDX-License-Identifier: GPL-2.0-only */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/compile.h"
#include "policy/compile_blame.h"
#include "policy/compile_destinations.h"
#include "policy/compile_hosts.h"
#include "policy/compile_names.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"

static void describe_head(struct me_image *image, const struct me_policy *policy)
{
	struct me_head *head = image->head;

	head->mode = policy->mode;
	head->refuse = policy->refuse;
	head->proxy_port = policy->has_proxy ? policy->proxy_port : 0;
	head->udp_idle_ns = policy->limits.udp_idle_ns;
	head->pending_ns = policy->limits.pending_ns;
	head->grace_ns = policy->limits.grace_ns;
	head->ftp_ns = policy->limits.ftp_ns;
	head->flags |= (image->n_addresses ? ME_HEAD_ADDRESSES : 0) |
		       (image->n_prefixes ? ME_HEAD_PREFIXES : 0) |
		       (image->n_macs ? ME_HEAD_MACS : 0) |
		       (policy->strict_names ? ME_HEAD_STRICT : 0);
	for (uint32_t rank = 1; rank < head->entries; rank++) {
		if (image->entries[rank].match <= ME_MATCH_SUBTREE)
			head->flags |= ME_HEAD_NAMES;
		else if (image->entries[rank].match == ME_MATCH_ANY)
			head->flags |= ME_HEAD_ANY;
	}
}

/* Who the resolver is that asks any server. */
static int describe_recursive(struct me_head *head, const struct me_policy *policy,
			      struct me_diagnostics *diagnostics)
{
	const struct me_resolvers *resolvers = &policy->resolvers;
	size_t length = resolvers->recursive_exe ? strlen(resolvers->recursive_exe) : 0;

	if (resolvers->kind != ME_RESOLVERS_RECURSIVE)
		return 0;
	head->flags |= ME_HEAD_RECURSIVE;
	if (length >= sizeof(head->recursive_exe)) {
		me_diagnostics_add(diagnostics, ME_ERROR, &resolvers->at, "long-path",
				   "the program's path has %zu bytes, %zu at the most", length,
				   sizeof(head->recursive_exe) - 1);
		return -EINVAL;
	}
	if (length)
		memcpy(head->recursive_exe, resolvers->recursive_exe, length);
	return 0;
}

static int fill_table(const struct me_policy *policy, const struct me_entries *entries,
		      const struct me_cover *cover, struct me_diagnostics *diagnostics,
		      struct me_rows *rows, struct me_image *image)
{
	int r = me_rows_start(rows, policy, entries, cover);

	if (r == 0)
		r = me_compile_endpoints(entries, rows, image);
	if (r == 0)
		r = me_compile_destinations(entries, rows, image);
	if (r == 0 && rows->full) {
		uint64_t classes = ME_ROW_FIRST;

		for (size_t i = 0; i < policy->n_rules; i++)
			classes += rows->shares[i];
		me_compile_blame(diagnostics, policy, rows->shares, "destination classes",
				 "too-many-classes",
				 "%llu destination classes times %u port classes are more than "
				 "%u cells",
				 (unsigned long long)classes, cover->columns, ME_CELLS_MAX);
		return -EINVAL;
	}
	if (r < 0)
		return r;
	image->head->rows = rows->count;
	image->table = me_rows_steal(rows);
	return 0;
}

/* The steps that the entries feed. They move into the image at the end. */
static int build(const struct me_policy *policy, const struct me_environment *environment,
		 struct me_registry *registry, struct me_diagnostics *diagnostics,
		 struct me_entries *entries, struct me_image *image)
{
	struct me_cover cover = {0};
	struct me_rows rows = {0};
	int r = me_compile_columns(policy, environment->now_epoch_ns, entries, diagnostics,
				   image->head, &cover);

	if (r == 0)
		r = fill_table(policy, entries, &cover, diagnostics, &rows, image);
	if (r == 0)
		r = me_compile_names(policy, entries, registry, diagnostics, image);
	if (r == 0)
		r = me_compile_hosts(policy, image);
	if (r == 0)
		r = describe_recursive(image->head, policy, diagnostics);
	if (r == 0) {
		image->head->entries = entries->count;
		image->entries = me_steal_ptr(&entries->list);
		image->sources = me_steal_ptr(&entries->sources);
		describe_head(image, policy);
	}
	me_rows_free(&rows);
	me_cover_free(&cover);
	return r;
}

int me_compile(const struct me_policy *policy, const struct me_environment *environment,
	       struct me_registry *registry, uint32_t generation,
	       struct me_diagnostics *diagnostics, struct me_image **ret_image)
{
	_cleanup_(me_image_freep) struct me_image *image = calloc(1, sizeof(*image));
	struct me_entries entries = {0};
	int r = -ENOMEM;

	assert(generation);
	if (image)
		image->head = calloc(1, sizeof(*image->head));
	if (image && image->head) {
		image->head->generation = generation;
		r = me_compile_entries(policy, environment, registry, diagnostics, &entries);
	}
	if (r == 0)
		r = build(policy, environment, registry, diagnostics, &entries, image);
	if (r == 0)
		*ret_image = me_steal_ptr(&image);
	me_entries_free(&entries);
	return r;
}
