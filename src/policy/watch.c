/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/settings.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include "policy/endpoint.h"
#include "policy/hosts.h"

static bool read_path(struct me_reader *reader, const struct me_node *node, const char **ret_path)
{
	const char *path;

	if (!me_read_text(reader, node, "an absolute path", ME_POLICY_TEXT_MAX, &path))
		return false;
	if (path[0] != '/' || strstr(path, "/../") ||
	    (strlen(path) >= 3 && !strcmp(path + strlen(path) - 3, "/.."))) {
		me_read_unexpected(reader, node, "bad-path",
				   "a path that begins with `/` and has no `..` in it");
		return false;
	}
	*ret_path = path;
	return true;
}

void me_read_paths(struct me_reader *reader, const struct me_node *node, const char ***ret_paths,
		   size_t *ret_n)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;
	const char **paths;
	size_t n = 0;

	if (!node)
		return;
	paths = me_read_alloc(reader, items.left, sizeof(*paths));
	if (!paths)
		return;
	while ((item = me_items_next(&items))) {
		if (read_path(reader, item, &paths[n]))
			n++;
	}
	*ret_paths = paths;
	*ret_n = n;
}

void me_read_addresses(struct me_reader *reader, const struct me_node *node,
		       struct me_addr **ret_addresses, size_t *ret_n)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;
	struct me_addr *addresses;
	size_t n = 0;

	if (!node)
		return;
	addresses = me_read_alloc(reader, items.left, sizeof(*addresses));
	if (!addresses)
		return;
	while ((item = me_items_next(&items))) {
		if (me_read_address(reader, item, &addresses[n]))
			n++;
	}
	*ret_addresses = addresses;
	*ret_n = n;
}

/* A device name is what the kernel takes (dev_valid_name), and nothing a shell would split. */
static bool read_interface(struct me_reader *reader, const struct me_node *node,
			   const char **ret_interface)
{
	static const char expected[] = "an interface name: at most 15 bytes, no `/`, `:` or space";
	const char *name;

	if (!me_read_text(reader, node, expected, ME_POLICY_TEXT_MAX, &name))
		return false;
	if (strlen(name) >= IF_NAMESIZE || strpbrk(name, "/: \t") || !strcmp(name, ".") ||
	    !strcmp(name, "..")) {
		me_read_unexpected(reader, node, "bad-interface", expected);
		return false;
	}
	*ret_interface = name;
	return true;
}

/* Whether it is among those read so far, which is a finding: once is enough. */
static bool is_known(struct me_reader *reader, const struct me_node *node,
		     const struct me_policy *policy, const char *name)
{
	struct me_place at = me_read_place(reader, node);

	for (size_t i = 0; i < policy->n_interfaces; i++) {
		unsigned int line = policy->interfaces_at[i].line;

		if (strcmp(policy->interfaces[i], name) != 0)
			continue;
		if (line)
			me_diagnostics_add(reader->diagnostics, ME_FINDING, &at, "redundant",
					   "`%s` is named already at line %u", name, line);
		else
			me_diagnostics_add(reader->diagnostics, ME_FINDING, &at, "redundant",
					   "`%s` is named already", name);
		return true;
	}
	return false;
}

static void read_interfaces(struct me_reader *reader, const struct me_node *node,
			    struct me_policy *policy)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;
	size_t seen = 0;

	policy->interfaces = me_read_alloc(reader, items.left, sizeof(*policy->interfaces));
	policy->interfaces_at = me_read_alloc(reader, items.left, sizeof(*policy->interfaces_at));
	if (!policy->interfaces || !policy->interfaces_at)
		return;
	while ((item = me_items_next(&items))) {
		size_t n = policy->n_interfaces;

		if (!me_read_within(reader, item, &seen, ME_POLICY_INTERFACES_MAX, "interfaces") ||
		    !read_interface(reader, item, &policy->interfaces[n]) ||
		    is_known(reader, item, policy, policy->interfaces[n]))
			continue;
		policy->interfaces_at[n] = me_read_place(reader, item);
		policy->n_interfaces++;
	}
}

static void forget(struct me_policy *policy)
{
	policy->n_cgroups = policy->n_interfaces = policy->n_hosts = 0;
	policy->watch_whole = false;
}

void me_read_watch(struct me_reader *reader, const struct me_node *node, struct me_policy *policy)
{
	static const char *const keys[] = {"cgroups", "interfaces", "hosts"};
	const struct me_node *v[ME_ARRAY_SIZE(keys)];

	if (!me_read_map(reader, node, "`watch`", keys, ME_ARRAY_SIZE(keys), v))
		return;
	policy->watch_at = me_read_place(reader, node);
	forget(policy);
	me_read_paths(reader, v[0], &policy->cgroups, &policy->n_cgroups);
	read_interfaces(reader, v[1], policy);
	me_read_hosts(reader, v[2], policy);
	if (me_read_items(v[1]).left && !me_read_items(v[2]).left)
		me_read_error(
			reader, v[1], "missing-key",
			"interfaces without `hosts:`, expected the addresses of the mail hosts "
			"whose packets pass there");
}

void me_watch_whole(struct me_reader *reader, struct me_policy *policy)
{
	if (policy->n_cgroups || policy->n_interfaces)
		return;
	policy->cgroups = me_read_alloc(reader, 1, sizeof(*policy->cgroups));
	if (!policy->cgroups)
		return;
	policy->cgroups[0] = "/";
	policy->n_cgroups = 1;
	policy->watch_whole = true;
}

/* The arguments of an option as the list that a policy would have; NULL: there are none. */
static const struct me_node *list_of(struct me_reader *reader, const char *option,
				     const char *const *words, size_t n)
{
	struct me_node *nodes = n ? me_read_alloc(reader, n + 1, sizeof(*nodes)) : NULL;

	if (!nodes)
		return NULL;
	reader->file = option;
	nodes[0] = (struct me_node){.kind = ME_NODE_LIST, .count = (uint32_t)n, .first = &nodes[1]};
	for (size_t i = 0; i < n; i++)
		nodes[i + 1] = (struct me_node){
			.kind = ME_NODE_SCALAR,
			.count = (uint32_t)strlen(words[i]),
			.text = words[i],
			.next = i + 1 < n ? &nodes[i + 2] : NULL,
		};
	return nodes;
}

int me_policy_watch(struct me_policy *policy, const struct me_watch_options *options,
		    struct me_diagnostics *diagnostics)
{
	struct me_reader reader = {.arena = policy->arena, .diagnostics = diagnostics};
	size_t errors = diagnostics->errors;

	if (!options->n_cgroups && !options->n_interfaces && !options->n_hosts)
		return 0;
	policy->watch_at = (struct me_place){0};
	forget(policy);
	me_read_paths(&reader, list_of(&reader, "--cgroup", options->cgroups, options->n_cgroups),
		      &policy->cgroups, &policy->n_cgroups);
	read_interfaces(&reader,
			list_of(&reader, "--interface", options->interfaces, options->n_interfaces),
			policy);
	me_read_hosts(&reader, list_of(&reader, "--host", options->hosts, options->n_hosts),
		      policy);
	me_watch_whole(&reader, policy);
	if (reader.no_memory)
		return -ENOMEM;
	return diagnostics->errors > errors ? -EINVAL : 0;
}
