/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/settings.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "policy/endpoint.h"

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

static void read_interfaces(struct me_reader *reader, const struct me_node *node,
			    struct me_policy *policy)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;

	policy->interfaces = me_read_alloc(reader, items.left, sizeof(*policy->interfaces));
	if (!policy->interfaces)
		return;
	while ((item = me_items_next(&items))) {
		if (read_interface(reader, item, &policy->interfaces[policy->n_interfaces]))
			policy->n_interfaces++;
	}
}

/* "02:00:00:00:00:10": six pairs of hexadecimal digits. */
static bool parse_mac(const char *text, uint8_t ret_mac[6])
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";

	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		const char *high = strchr(digits, text[3 * i]);
		const char *low = strchr(digits, text[3 * i + 1]);

		if (!high || !low || (i < 5 && text[3 * i + 2] != ':'))
			return false;
		ret_mac[i] = (uint8_t)((high - digits) % 16 << 4 | (low - digits) % 16);
	}
	return true;
}

static bool read_mac(struct me_reader *reader, const struct me_node *node,
		     struct me_watch_host *ret_host)
{
	static const char *const keys[] = {"mac"};
	static const char expected[] = "a MAC address in quotes: \"02:00:00:00:00:10\"";
	const struct me_node *mac;

	if (!me_read_map(reader, node, "a host", keys, 1, &mac))
		return false;
	if (!mac) {
		me_read_missing(reader, node, "mac", expected);
		return false;
	}
	if (mac->kind != ME_NODE_SCALAR || !parse_mac(mac->text, ret_host->mac)) {
		me_read_unexpected(reader, mac, "bad-mac", expected);
		return false;
	}
	ret_host->is_mac = true;
	return true;
}

static void read_hosts(struct me_reader *reader, const struct me_node *node,
		       struct me_policy *policy)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;

	policy->hosts = me_read_alloc(reader, items.left, sizeof(*policy->hosts));
	if (!policy->hosts)
		return;
	while ((item = me_items_next(&items))) {
		struct me_watch_host *host = &policy->hosts[policy->n_hosts];

		if (item->kind == ME_NODE_MAP
			    ? read_mac(reader, item, host)
			    : me_read_prefix(reader, item, &host->address, &host->bits))
			policy->n_hosts++;
	}
}

void me_read_watch(struct me_reader *reader, const struct me_node *node, struct me_policy *policy)
{
	static const char *const keys[] = {"cgroups", "interfaces", "hosts"};
	const struct me_node *v[ME_ARRAY_SIZE(keys)];

	if (!me_read_map(reader, node, "`watch`", keys, ME_ARRAY_SIZE(keys), v))
		return;
	policy->watch_at = me_read_place(reader, node);
	policy->n_cgroups = policy->n_interfaces = policy->n_hosts = 0;
	me_read_paths(reader, v[0], &policy->cgroups, &policy->n_cgroups);
	read_interfaces(reader, v[1], policy);
	read_hosts(reader, v[2], policy);
	if (me_read_items(v[1]).left && !me_read_items(v[2]).left)
		me_read_error(
			reader, v[1], "missing-key",
			"interfaces without `hosts:`, expected the addresses of the mail hosts "
			"whose packets pass there");
}
