/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/endpoint.h"

#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "base/text.h"

static const char *const keywords[] = {
	[ME_TO_ANY] = "any",     [ME_TO_LOCAL] = "local", [ME_TO_RESOLVERS] = "resolvers",
	[ME_TO_PROXY] = "proxy", [ME_TO_PEERS] = "peers",
};

const char *me_to_keyword(enum me_to_kind kind)
{
	return keywords[kind];
}

static bool is_text(struct me_reader *reader, const struct me_node *node, const char *expected)
{
	if (!node)
		return false;
	if (node->kind == ME_NODE_SCALAR && node->count)
		return true;
	me_read_unexpected(reader, node, "wrong-type", expected);
	return false;
}

/* Digits and dots: no name looks like that. */
static bool looks_like_v4(const char *text)
{
	return text[0] != '.' && text[strspn(text, "0123456789.")] == '\0';
}

bool me_read_address(struct me_reader *reader, const struct me_node *node,
		     struct me_addr *ret_address)
{
	if (!is_text(reader, node, "an address"))
		return false;
	if (me_inet_parse(node->text, ret_address->byte) == 0)
		return true;
	if (looks_like_v4(node->text))
		me_read_unexpected(reader, node, "bad-address",
				   "an IPv4 address: four numbers from 0 to 255");
	else if (strchr(node->text, '%'))
		me_read_unexpected(reader, node, "bad-address", "an address without a zone (`%`)");
	else if (strchr(node->text, '/'))
		me_read_unexpected(reader, node, "bad-address", "one address, not a prefix");
	else
		me_read_unexpected(reader, node, "bad-address", "an address");
	return false;
}

static struct me_addr masked(const struct me_addr *address, unsigned int bits)
{
	struct me_addr m = *address;

	for (unsigned int i = 0; i < sizeof(m.byte); i++) {
		unsigned int keep = bits > 8 * i ? bits - 8 * i : 0;

		if (keep < 8)
			m.byte[i] &= (uint8_t)(0xff00u >> keep);
	}
	return m;
}

static bool read_bits(struct me_reader *reader, const struct me_node *node, const char *slash,
		      const struct me_addr *address, bool v4, uint8_t *ret_bits)
{
	struct me_addr network;
	char text[ME_INET_LEN];
	uint64_t bits;

	if (!me_text_parse_u64(slash + 1, 0, v4 ? 32 : 128, &bits)) {
		me_read_unexpected(reader, node, "bad-prefix",
				   v4 ? "a prefix length from /0 to /32"
				      : "a prefix length from /0 to /128");
		return false;
	}
	network = masked(address, (unsigned int)bits + (v4 ? 96 : 0));
	if (!me_addr_equal(&network, address)) {
		char found[ME_FOUND_LEN];

		me_inet_format(network.byte, text);
		me_read_error(reader, node, "host-bits",
			      "%s has host bits set, expected `%s/%llu` (or the address alone)",
			      me_read_found(node, found), text, (unsigned long long)bits);
		return false;
	}
	*ret_bits = (uint8_t)(bits + (v4 ? 96 : 0));
	return true;
}

bool me_read_prefix(struct me_reader *reader, const struct me_node *node,
		    struct me_addr *ret_address, uint8_t *ret_bits)
{
	char text[ME_INET_LEN] = "";
	const char *slash;
	struct me_addr address;

	if (!is_text(reader, node, "an address or a prefix"))
		return false;
	slash = strchr(node->text, '/');
	if (!slash) {
		if (!me_read_address(reader, node, ret_address))
			return false;
		*ret_bits = 128;
		return true;
	}
	if ((size_t)(slash - node->text) < sizeof(text))
		memcpy(text, node->text, (size_t)(slash - node->text));
	if (me_inet_parse(text, address.byte) < 0) {
		me_read_unexpected(reader, node, "bad-prefix",
				   strstr(node->text, "//")
					   ? "a host name without `scheme://` and path"
					   : "ADDRESS/BITS before the `/`");
		return false;
	}
	/* How it is written says which family is meant: ::ffff:0:0/96 is IPv6 notation. */
	if (!read_bits(reader, node, slash, &address, !strchr(text, ':'), ret_bits))
		return false;
	*ret_address = address;
	return true;
}

const char *me_name_fault(const char *name)
{
	const char *label = name, *end = name;

	for (const char *c = name;; c++) {
		if ((unsigned char)*c >= 0x80)
			return "a name in ASCII: write an international name in punycode (`xn--…`)";
		if (*c == '*')
			return "a `*` only at the start: `*.name` stands for exactly one label, "
			       "`**.name` for one or more";
		if (*c && *c != '.') {
			if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", *c))
				return "a name of letters, digits, `-`, `_` and dots";
			continue;
		}
		end = c;
		if (end == label)
			return "a name without empty labels";
		if (end - label > (long)ME_LABEL_MAX)
			return "labels of at most 63 bytes";
		if (*label == '-' || end[-1] == '-')
			return "labels that neither begin nor end with `-`";
		if (!*c)
			break;
		label = c + 1;
	}
	if (strspn(label, "0123456789") == (size_t)(end - label))
		return "a name whose last label is no number";
	return NULL;
}

/*
 * Checks and copies a name; `skip` bytes of wildcard come before it and are kept in *ret_text. A
 * wildcard that leaves no room for a label would stand for nothing.
 */
static bool take_name(struct me_reader *reader, const struct me_node *node, size_t skip,
		      const char **ret_text)
{
	size_t length = node->count, most = ME_HOSTNAME_MAX - (skip ? 2 : 0);
	const char *fault;
	char *text;

	if (length > skip + 1 && node->text[length - 1] == '.')
		length--;
	if (length > most + skip) {
		me_read_unexpected(reader, node, "bad-name",
				   skip ? "a name of at most 251 bytes after the wildcard"
					: "a name of at most 253 bytes");
		return false;
	}
	text = me_arena_copy(reader->arena, node->text, length);
	if (!text) {
		reader->no_memory = true;
		return false;
	}
	for (char *c = text; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	fault = me_name_fault(text + skip);
	if (fault) {
		me_read_unexpected(reader, node,
				   strchr(text + skip, '*') ? "bad-wildcard" : "bad-name", fault);
		return false;
	}
	*ret_text = text;
	return true;
}

bool me_read_name(struct me_reader *reader, const struct me_node *node, const char **ret_name)
{
	return is_text(reader, node, "a name") && take_name(reader, node, 0, ret_name);
}

static bool read_name_to(struct me_reader *reader, const struct me_node *node, struct me_to *to)
{
	size_t skip = 0;

	to->kind = ME_TO_NAME;
	if (!strncmp(node->text, "*.", 2)) {
		to->kind = ME_TO_WILDCARD;
		skip = 2;
	} else if (!strncmp(node->text, "**.", 3)) {
		to->kind = ME_TO_SUBTREE;
		skip = 3;
	}
	if (!me_read_within(reader, node, &reader->names, ME_POLICY_NAMES_MAX, "names") ||
	    !take_name(reader, node, skip, &to->text))
		return false;
	to->name = to->text + skip;
	return true;
}

static bool read_address_to(struct me_reader *reader, const struct me_node *node, struct me_to *to)
{
	char text[ME_INET_LEN + 4];
	size_t length;

	if (!me_read_within(reader, node, &reader->addresses, ME_POLICY_ADDRESSES_MAX,
			    "addresses") ||
	    !me_read_prefix(reader, node, &to->address, &to->bits))
		return false;
	to->kind = to->bits == 128 ? ME_TO_ADDRESS : ME_TO_PREFIX;
	me_inet_format(to->address.byte, text);
	length = strlen(text);
	if (to->kind == ME_TO_PREFIX)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s",
					   strchr(node->text, '/'));
	to->text = me_read_copy(reader, text, length);
	return to->text != NULL;
}

bool me_read_to(struct me_reader *reader, const struct me_node *node, struct me_to *ret_to)
{
	struct me_to to = {0};
	const char *colon;

	if (!is_text(reader, node,
		     "an address, a prefix, a name, `any`, `local`, `resolvers`, "
		     "`proxy` or `peers`"))
		return false;
	to.at = me_read_place(reader, node);
	for (size_t i = ME_TO_ANY; i < ME_ARRAY_SIZE(keywords); i++) {
		if (!strcmp(node->text, keywords[i])) {
			to.kind = (enum me_to_kind)i;
			to.text = keywords[i];
			*ret_to = to;
			return true;
		}
	}
	colon = strchr(node->text, ':');
	if (colon && !strchr(colon + 1, ':') && !strchr(node->text, '/')) {
		me_read_unexpected(reader, node, "bad-name",
				   "a destination without a port: ports go to `ports:`");
		return false;
	}
	if (colon || strchr(node->text, '/') || looks_like_v4(node->text)) {
		if (!read_address_to(reader, node, &to))
			return false;
	} else if (!read_name_to(reader, node, &to)) {
		return false;
	}
	*ret_to = to;
	return true;
}

bool me_read_hostport(struct me_reader *reader, const struct me_node *node, struct me_to *ret_host,
		      uint16_t *ret_port)
{
	static const char expected[] = "HOST:PORT, such as `192.0.2.1:3128`, `[2001:db8::1]:3128` "
				       "or `proxy.example:3128`";
	struct me_to host = {.kind = ME_TO_ADDRESS, .bits = 128};
	struct me_node name;
	char text[ME_INET_LEN];
	const char *colon;
	uint16_t port;
	uint64_t number;

	if (!is_text(reader, node, expected))
		return false;
	host.at = me_read_place(reader, node);
	if (me_inet_parse_hostport(node->text, host.address.byte, &port) == 0 && port) {
		me_inet_format(host.address.byte, text);
		host.text = me_read_copy(reader, text, strlen(text));
	} else {
		colon = strchr(node->text, ':');
		if (!colon || !me_text_parse_u64(colon + 1, 1, UINT16_MAX, &number) ||
		    strspn(node->text, "0123456789.") == (size_t)(colon - node->text)) {
			me_read_unexpected(reader, node, "bad-proxy", expected);
			return false;
		}
		name = *node;
		name.count = (uint32_t)(colon - node->text);
		port = (uint16_t)number;
		host.kind = ME_TO_NAME;
		if (!take_name(reader, &name, 0, &host.text))
			return false;
		host.name = host.text;
	}
	if (!host.text)
		return false;
	*ret_host = host;
	*ret_port = port;
	return true;
}
