/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy/endpoint.h"

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

/* Frames come neither from a group nor from nobody: such an address would stand for any of them. */
static bool take_mac(struct me_reader *reader, const struct me_node *node,
		     struct me_watch_host *ret_host)
{
	if (!me_mac(ret_host->mac) || (ret_host->mac[0] & 1)) {
		me_read_unexpected(reader, node, "bad-mac",
				   "the MAC address of one host, not of a group, and not zero");
		return false;
	}
	ret_host->is_mac = true;
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
	return take_mac(reader, mac, ret_host);
}

/* A MAC address by itself is no IPv6 address: that has eight groups, or `::`. */
static bool read_host(struct me_reader *reader, const struct me_node *node,
		      struct me_watch_host *ret_host)
{
	ret_host->at = me_read_place(reader, node);
	if (node->kind == ME_NODE_MAP)
		return read_mac(reader, node, ret_host);
	if (node->kind == ME_NODE_SCALAR && parse_mac(node->text, ret_host->mac))
		return take_mac(reader, node, ret_host);
	return me_read_prefix(reader, node, &ret_host->address, &ret_host->bits);
}

void me_read_hosts(struct me_reader *reader, const struct me_node *node, struct me_policy *policy)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;
	size_t seen = 0;

	policy->hosts = me_read_alloc(reader, items.left, sizeof(*policy->hosts));
	if (!policy->hosts)
		return;
	while ((item = me_items_next(&items))) {
		struct me_watch_host host = {0};

		if (me_read_within(reader, item, &seen, ME_POLICY_HOSTS_MAX, "hosts") &&
		    read_host(reader, item, &host))
			policy->hosts[policy->n_hosts++] = host;
	}
}

void me_host_format(const struct me_watch_host *host, char out[ME_HOST_LEN])
{
	const uint8_t *mac = host->mac;
	unsigned int bits = host->bits;
	size_t length;

	if (host->is_mac) {
		snprintf(out, ME_HOST_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
			 mac[3], mac[4], mac[5]);
		return;
	}
	me_inet_format(host->address.byte, out);
	length = strlen(out);
	if (me_addr_is_v4(&host->address) && bits >= 96 && bits < 128)
		snprintf(out + length, ME_HOST_LEN - length, "/%u", bits - 96);
	else if (bits < 128)
		snprintf(out + length, ME_HOST_LEN - length, "/%u", bits);
}

/* Their order, but for equal ones. */
static int compare_hosts(const struct me_watch_host *a, const struct me_watch_host *b)
{
	uint64_t mac_a = me_mac(a->mac), mac_b = me_mac(b->mac);
	int order;

	if (a->is_mac != b->is_mac)
		return a->is_mac ? 1 : -1;
	if (a->is_mac)
		return mac_a < mac_b ? -1 : mac_a > mac_b;
	order = memcmp(a->address.byte, b->address.byte, sizeof(a->address.byte));
	return order ? order : a->bits < b->bits ? -1 : a->bits > b->bits;
}

static int compare(const void *left, const void *right)
{
	const struct me_watch_host *a = *(const struct me_watch_host *const *)left;
	const struct me_watch_host *b = *(const struct me_watch_host *const *)right;
	int order = compare_hosts(a, b);

	return order ? order : a < b ? -1 : a > b;
}

int me_hosts_sort(const struct me_policy *policy, const struct me_watch_host ***ret_hosts)
{
	const struct me_watch_host **hosts = calloc(policy->n_hosts + 1, sizeof(*hosts));

	if (!hosts)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_hosts; i++)
		hosts[i] = &policy->hosts[i];
	qsort(hosts, policy->n_hosts, sizeof(*hosts), compare);
	*ret_hosts = hosts;
	return 0;
}

bool me_host_same(const struct me_watch_host *a, const struct me_watch_host *b)
{
	return !compare_hosts(a, b);
}

bool me_host_in(const struct me_watch_host *host, const struct me_watch_host *outer)
{
	return !host->is_mac && !outer->is_mac && host->bits >= outer->bits &&
	       me_addr_in(&host->address, &outer->address, outer->bits);
}
