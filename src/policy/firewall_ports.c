/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include "policy/firewall_parts.h"

/* Protocols with ports, by the names that nft has for their headers. */
static const struct {
	uint8_t proto;
	const char *name;
} with_ports[] = {
	{IPPROTO_TCP, "tcp"},
	{IPPROTO_UDP, "udp"},
	{IPPROTO_UDPLITE, "udplite"},
	{IPPROTO_SCTP, "sctp"},
};

static int compare(const void *left, const void *right)
{
	const struct me_ports *a = left, *b = right;

	return a->low < b->low ? -1 : a->low > b->low;
}

/* Ranges of one protocol, in order and without overlaps, which nft refuses; how many are left. */
static size_t merge(struct me_ports *ranges, size_t n)
{
	size_t kept = 0;

	qsort(ranges, n, sizeof(*ranges), compare);
	for (size_t i = 0; i < n; i++) {
		if (kept && ranges[i].low <= ranges[kept - 1].high + 1u) {
			if (ranges[i].high > ranges[kept - 1].high)
				ranges[kept - 1].high = ranges[i].high;
		} else {
			ranges[kept++] = ranges[i];
		}
	}
	return kept;
}

static void print_ranges(struct me_strbuf *out, const char *name, uint8_t proto,
			 const struct me_ports *ranges, size_t n)
{
	if (n == 1 && ranges[0].low == 0 && ranges[0].high == 65535) {
		me_strbuf_addf(out, "meta l4proto %u", proto);
		return;
	}
	me_strbuf_addf(out, "%s dport {", name);
	for (size_t i = 0; i < n; i++) {
		me_strbuf_addf(out, "%s %u", i ? "," : "", ranges[i].low);
		if (ranges[i].high != ranges[i].low)
			me_strbuf_addf(out, "-%u", ranges[i].high);
	}
	me_strbuf_adds(out, " }");
}

/* The protocols that have no ports, each once. */
static void print_others(struct me_strbuf *out, const struct me_ports *ports, size_t n)
{
	bool seen[256] = {false};

	for (size_t i = 0; i < n; i++) {
		if (me_proto_has_ports(ports[i].proto) || seen[ports[i].proto])
			continue;
		me_strbuf_addf(out, "%s %u", out->len ? "," : "meta l4proto {", ports[i].proto);
		seen[ports[i].proto] = true;
	}
	if (out->len)
		me_strbuf_adds(out, " }");
}

void me_firewall_ports(const struct me_ports *ports, size_t n,
		       struct me_strbuf matches[ME_FIREWALL_MATCHES])
{
	struct me_ports ranges[ME_POLICY_PORTS_MAX];

	for (size_t p = 0; p < ME_ARRAY_SIZE(with_ports); p++) {
		size_t count = 0;

		for (size_t i = 0; i < n && count < ME_POLICY_PORTS_MAX; i++) {
			if (ports[i].proto == with_ports[p].proto)
				ranges[count++] = ports[i];
		}
		count = merge(ranges, count);
		if (count)
			print_ranges(&matches[p], with_ports[p].name, with_ports[p].proto, ranges,
				     count);
	}
	print_others(&matches[ME_FIREWALL_MATCHES - 1], ports, n);
}
