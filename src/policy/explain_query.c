/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/in6.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "base/text.h"
#include "policy/explain.h"
#include "policy/policy.h"
#include "policy/ports.h"

#define EXPECTED "NAME:PORT/PROTOCOL, IPv4:PORT/PROTOCOL or [IPv6]:PORT/PROTOCOL"

static bool read_proto(const char *text, uint8_t *ret_proto)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} known[] = {
		{"tcp", IPPROTO_TCP},   {"udp", IPPROTO_UDP},   {"udplite", IPPROTO_UDPLITE},
		{"sctp", IPPROTO_SCTP}, {"icmp", IPPROTO_ICMP}, {"icmp6", IPPROTO_ICMPV6},
	};
	uint64_t number;

	for (size_t i = 0; i < ME_ARRAY_SIZE(known); i++) {
		if (strcmp(text, known[i].name) == 0) {
			*ret_proto = known[i].proto;
			return true;
		}
	}
	if (!me_text_parse_u64(text, 0, 255, &number))
		return false;
	*ret_proto = (uint8_t)number;
	return true;
}

/* Lowers the name and drops a trailing dot; false if it cannot be a host name. */
static bool read_name(char *text, char out[ME_QUERY_NAME_LEN])
{
	size_t length = strlen(text);
	struct me_name name;

	if (length && text[length - 1] == '.')
		text[--length] = '\0';
	if (me_name_from_text(text, &name) < 0)
		return false;
	for (size_t i = 0; i <= length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c && !isalnum(c) && !strchr("-_.", c))
			return false;
		out[i] = (char)tolower(c);
	}
	return true;
}

/* "192.0.2.1", "2001:db8::1" or "[2001:db8::1]". */
static bool read_address(char *text, struct me_addr *ret_address)
{
	size_t length = strlen(text);

	if (*text == '[' && text[length - 1] == ']' && strchr(text, ':')) {
		text[length - 1] = '\0';
		text++;
	}
	return me_inet_parse(text, ret_address->byte) == 0;
}

static const char *read_host(char *host, struct me_query *query)
{
	uint64_t port;
	char *colon;

	if (!me_proto_has_ports(query->proto)) {
		if (read_address(host, &query->address) || read_name(host, query->name))
			return NULL;
		return "ADDRESS/PROTOCOL or NAME/PROTOCOL: this protocol has no ports";
	}
	if (me_inet_parse_hostport(host, query->address.byte, &query->port) == 0)
		return NULL;
	if (*host == '[')
		return "[IPv6]:PORT, a port from 0 to 65535";
	colon = strchr(host, ':');
	if (colon && strchr(colon + 1, ':'))
		return "an IPv6 address in brackets before the port: [2001:db8::1]:443/tcp";
	if (!colon)
		return "a port: " EXPECTED;
	*colon = '\0';
	if (!me_text_parse_u64(colon + 1, 0, 65535, &port))
		return "a port from 0 to 65535";
	query->port = (uint16_t)port;
	if (!host[strspn(host, "0123456789.")])
		return "four numbers from 0 to 255 in an IPv4 address";
	return read_name(host, query->name) ? NULL
					    : "a host name of letters, digits, `-`, `_` and dots";
}

int me_query_parse(const char *text, struct me_query *ret_query, const char **ret_expected)
{
	struct me_query query = {.proto = IPPROTO_TCP};
	char host[ME_QUERY_LEN];
	const char *expected = NULL;
	char *slash;

	if (strlen(text) >= sizeof(host))
		expected = "a name of at most 253 bytes";
	else
		snprintf(host, sizeof(host), "%s", text);
	slash = expected ? NULL : strchr(host, '/');
	if (slash) {
		*slash++ = '\0';
		if (!read_proto(slash, &query.proto))
			expected = "tcp, udp, udplite, sctp, icmp, icmp6 or a number from 0 to 255 "
				   "as the protocol";
	}
	if (!expected)
		expected = read_host(host, &query);
	if (expected) {
		*ret_expected = expected;
		return -EINVAL;
	}
	*ret_query = query;
	return 0;
}

void me_query_format(const struct me_query *query, char out[ME_QUERY_LEN])
{
	const struct me_ports ports = {query->proto, query->port, query->port};
	bool v6 = !*query->name && !me_addr_is_v4(&query->address);
	const char *host = query->name;
	char address[ME_INET_LEN], text[ME_PORTS_LEN];
	size_t word;

	if (!*query->name) {
		me_inet_format(query->address.byte, address);
		host = address;
	}
	me_ports_format(&ports, text);
	word = strcspn(text, "/");
	if (!me_proto_has_ports(query->proto))
		snprintf(out, ME_QUERY_LEN, "%s/%s", host,
			 strncmp(text, "proto/", 6) == 0 ? text + 6 : text);
	else
		snprintf(out, ME_QUERY_LEN, v6 ? "[%s]:%u/%.*s" : "%s:%u/%.*s", host, query->port,
			 (int)word, text);
}
