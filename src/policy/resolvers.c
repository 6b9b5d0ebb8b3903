/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/settings.h"

#include <string.h>
#include "policy/endpoint.h"

static bool read_stub(struct me_reader *reader, const struct me_node *node,
		      struct me_resolver *resolver)
{
	static const char *const keys[] = {"stub", "upstream"};
	const struct me_node *v[ME_ARRAY_SIZE(keys)];

	if (!me_read_map(reader, node, "a resolver", keys, ME_ARRAY_SIZE(keys), v))
		return false;
	if (!v[0])
		me_read_missing(reader, node, "stub", "the address of the local stub");
	if (!me_read_items(v[1]).left)
		me_read_missing(reader, node, "upstream", "the addresses that the stub asks");
	resolver->stub = true;
	me_read_addresses(reader, v[1], &resolver->upstream, &resolver->n_upstream);
	return me_read_address(reader, v[0], &resolver->address);
}

static void read_list(struct me_reader *reader, const struct me_node *node,
		      struct me_resolvers *resolvers)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;

	if (!items.left)
		me_read_unexpected(reader, node, "wrong-type",
				   "at least one resolver, or `system`");
	resolvers->kind = ME_RESOLVERS_LIST;
	resolvers->n_list = 0;
	resolvers->list = me_read_alloc(reader, items.left, sizeof(*resolvers->list));
	if (!resolvers->list)
		return;
	while ((item = me_items_next(&items))) {
		struct me_resolver *resolver = &resolvers->list[resolvers->n_list];

		if (item->kind == ME_NODE_MAP ? read_stub(reader, item, resolver)
					      : me_read_address(reader, item, &resolver->address))
			resolvers->n_list++;
	}
}

static void read_recursive(struct me_reader *reader, const struct me_node *node,
			   struct me_resolvers *resolvers)
{
	static const char *const outer[] = {"recursive"};
	static const char *const keys[] = {"cgroup", "exe"};
	const struct me_node *inner, *path, *v[ME_ARRAY_SIZE(keys)];
	const char **paths = NULL;
	size_t n = 0;

	if (!me_read_map(reader, node, "`resolvers`", outer, 1, &inner))
		return;
	if (!inner)
		me_read_missing(reader, node, "recursive", "`{recursive: {cgroup: PATH}}`");
	if (!me_read_map(reader, inner, "`recursive`", keys, ME_ARRAY_SIZE(keys), v))
		return;
	if (!v[0] == !v[1]) {
		me_read_error(reader, inner, v[0] ? "duplicate-key" : "missing-key",
			      "%s, expected one of `cgroup:` and `exe:`",
			      v[0] ? "both" : "neither");
		return;
	}
	resolvers->kind = ME_RESOLVERS_RECURSIVE;
	path = v[0] ? v[0] : v[1];
	me_read_paths(reader, path, &paths, &n);
	if (me_read_items(path).left != 1)
		me_read_unexpected(reader, path, "wrong-type", "one path");
	if (n == 1)
		*(v[0] ? &resolvers->recursive_cgroup : &resolvers->recursive_exe) = paths[0];
}

void me_read_resolvers(struct me_reader *reader, const struct me_node *node,
		       struct me_resolvers *resolvers)
{
	if (!node)
		return;
	*resolvers = (struct me_resolvers){.at = me_read_place(reader, node)};
	if (node->kind == ME_NODE_SCALAR && !strcmp(node->text, "system"))
		return;
	if (node->kind == ME_NODE_MAP)
		read_recursive(reader, node, resolvers);
	else if (node->kind == ME_NODE_SCALAR && !strchr(node->text, '.') &&
		 !strchr(node->text, ':'))
		me_read_unexpected(reader, node, "unknown-word",
				   "`system`, a list of addresses or {recursive: …}");
	else
		read_list(reader, node, resolvers);
}
