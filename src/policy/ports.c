/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/ports.h"

#include <linux/in6.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"

/* Protocols by name; the first four have ports. */
static const struct protocol {
	const char *name;
	uint8_t proto;
} protocols[] = {
	{"tcp", IPPROTO_TCP},   {"udp", IPPROTO_UDP},   {"udplite", IPPROTO_UDPLITE},
	{"sctp", IPPROTO_SCTP}, {"icmp", IPPROTO_ICMP}, {"icmp6", IPPROTO_ICMPV6},
};

#define EXPECTED_PORTS "`tcp/25`, `udp/53`, `tcp/1000-1023`, `tcp/*`, `icmp`, `icmp6` or `proto/50`"

static const struct protocol *by_number(uint8_t proto)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(protocols); i++) {
		if (protocols[i].proto == proto)
			return &protocols[i];
	}
	return NULL;
}

static const struct protocol *by_name(const char *name)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(protocols); i++) {
		if (!strcmp(protocols[i].name, name))
			return &protocols[i];
	}
	return NULL;
}

/* "53", "1000-1023" or "*". */
static bool parse_range(char *text, struct me_ports *ports)
{
	char *dash = strchr(text, '-');
	uint64_t low, high;

	if (!strcmp(text, "*")) {
		ports->low = 0;
		ports->high = UINT16_MAX;
		return true;
	}
	if (dash)
		*dash = '\0';
	if (!me_text_parse_u64(text, 1, UINT16_MAX, &low) ||
	    !me_text_parse_u64(dash ? dash + 1 : text, low, UINT16_MAX, &high))
		return false;
	ports->low = (uint16_t)low;
	ports->high = (uint16_t)high;
	return true;
}

static void tell_unknown_protocol(struct me_reader *reader, const struct me_node *node,
				  const char *word, const char *rest)
{
	static const char *const words[] = {"tcp",  "udp",   "udplite", "sctp",
					    "icmp", "icmp6", "proto"};
	char expected[160];
	const char *near = NULL;

	if (rest && by_name(rest) && strspn(word, "0123456789-*") == strlen(word))
		snprintf(expected, sizeof(expected), "the protocol first: `%s/%s`", rest, word);
	else if (strspn(word, "0123456789-") == strlen(word) && !rest)
		snprintf(expected, sizeof(expected), "a protocol before the port: `tcp/%s`", word);
	else if (!me_diagnostics_full(reader->diagnostics) &&
		 (near = me_text_nearest(word, words, ME_ARRAY_SIZE(words))))
		snprintf(expected, sizeof(expected), EXPECTED_PORTS "; did you mean `%s`?", near);
	else
		snprintf(expected, sizeof(expected), EXPECTED_PORTS);
	me_read_unexpected(reader, node, "bad-port", expected);
}

static bool read_number(struct me_reader *reader, const struct me_node *node, const char *text,
			struct me_ports *ret_ports)
{
	const struct protocol *known;
	char expected[64];
	uint64_t number;

	if (!me_text_parse_u64(text, 0, UINT8_MAX, &number)) {
		me_read_unexpected(reader, node, "bad-port", "a protocol number from 0 to 255");
		return false;
	}
	known = by_number((uint8_t)number);
	if (known && me_proto_has_ports(known->proto)) {
		snprintf(expected, sizeof(expected), "`%s/*` for this protocol", known->name);
		me_read_unexpected(reader, node, "bad-port", expected);
		return false;
	}
	*ret_ports = (struct me_ports){.proto = (uint8_t)number};
	return true;
}

static bool read_one(struct me_reader *reader, const struct me_node *node,
		     struct me_ports *ret_ports)
{
	const struct protocol *protocol;
	struct me_ports ports = {0};
	char word[32], *rest;

	if (node->kind != ME_NODE_SCALAR || !node->count || node->count >= sizeof(word)) {
		me_read_unexpected(reader, node, "bad-port", EXPECTED_PORTS);
		return false;
	}
	memcpy(word, node->text, node->count + 1);
	rest = strchr(word, '/');
	if (rest)
		*rest++ = '\0';
	if (rest && !strcmp(word, "proto"))
		return read_number(reader, node, rest, ret_ports);
	protocol = by_name(word);
	if (!protocol) {
		tell_unknown_protocol(reader, node, word, rest);
		return false;
	}
	ports.proto = protocol->proto;
	if (me_proto_has_ports(ports.proto) ? !rest || !parse_range(rest, &ports) : rest != NULL) {
		me_read_unexpected(reader, node, "bad-port",
				   me_proto_has_ports(ports.proto)
					   ? "a port from 1 to 65535, LOW-HIGH or `*` after the `/`"
					   : "no port with this protocol");
		return false;
	}
	*ret_ports = ports;
	return true;
}

bool me_read_ports(struct me_reader *reader, const struct me_node *node,
		   struct me_ports **ret_ports, size_t *ret_n)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;
	struct me_ports *ports;
	bool good = true;
	size_t n = 0;

	if (!node)
		return false;
	if (!items.left) {
		me_read_unexpected(reader, node, "wrong-type", "at least one port");
		return false;
	}
	if (items.left > ME_POLICY_PORTS_MAX) {
		me_read_error(reader, node, "limit", "%zu ports in one rule, expected at most %u",
			      items.left, ME_POLICY_PORTS_MAX);
		return false;
	}
	ports = me_read_alloc(reader, items.left, sizeof(*ports));
	if (!ports)
		return false;
	while ((item = me_items_next(&items)))
		good &= read_one(reader, item, &ports[n++]);
	if (!good)
		return false;
	*ret_ports = ports;
	*ret_n = n;
	return true;
}

void me_ports_format(const struct me_ports *ports, char out[ME_PORTS_LEN])
{
	const struct protocol *protocol = by_number(ports->proto);

	if (!protocol)
		snprintf(out, ME_PORTS_LEN, "proto/%u", ports->proto);
	else if (!me_proto_has_ports(ports->proto))
		snprintf(out, ME_PORTS_LEN, "%s", protocol->name);
	else if (!ports->low && ports->high == UINT16_MAX)
		snprintf(out, ME_PORTS_LEN, "%s/*", protocol->name);
	else if (ports->low == ports->high)
		snprintf(out, ME_PORTS_LEN, "%s/%u", protocol->name, ports->low);
	else
		snprintf(out, ME_PORTS_LEN, "%s/%u-%u", protocol->name, ports->low, ports->high);
}

bool me_ports_cover(const struct me_ports *a, size_t n_a, const struct me_ports *b, size_t n_b)
{
	for (size_t i = 0; i < n_b; i++) {
		size_t j = 0;

		while (j < n_a &&
		       (a[j].proto != b[i].proto || a[j].low > b[i].low || a[j].high < b[i].high))
			j++;
		if (j == n_a)
			return false;
	}
	return true;
}

bool me_ports_have(const struct me_ports *ports, size_t n, uint8_t proto, uint16_t port)
{
	const struct me_ports one = {proto, port, port};

	return me_ports_cover(ports, n, &one, 1);
}
