/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_DNS_USE_H
#define MEWATCH_DNS_USE_H

/* What a query is for, and what of its answer may be learned. */
#include "mewatch/dns.h"

struct me_dns_labels {
	const struct me_name *name;
	__u32 at;
	__u32 fitting; /* labels that fit so far */
};

static inline __u8 me_name_byte(const struct me_name *name, __u32 at)
{
	ME_HIDE(at);
	return name->wire[at & (ME_NAME_ROOM - 1)];
}

static inline long me_dns_nibble_step(__u32 index, void *context)
{
	struct me_dns_labels *labels = context;
	const struct me_name *name = labels->name;
	__u8 byte;

	if (!name || me_name_byte(name, 2 * index) != 1)
		return 1;
	byte = me_name_byte(name, 2 * index + 1);
	if ((byte < '0' || byte > '9') && (byte < 'a' || byte > 'f'))
		return 1;
	labels->fitting++;
	return 0;
}

/* A label of one to three digits, at most 255. */
static inline long me_dns_octet_step(__u32 index, void *context)
{
	struct me_dns_labels *labels = context;
	const struct me_name *name = labels->name;
	__u32 digits, value = 0, other = 0;

	(void)index;
	if (!name)
		return 1;
	digits = me_name_byte(name, labels->at);
	for (__u32 i = 1; i <= 3; i++) {
		__u32 digit = me_name_byte(name, labels->at + i) - (__u32)'0';

		if (i > digits)
			continue;
		other |= digit > 9;
		value = 10 * value + digit;
	}
	if (!digits || digits > 3 || other || value > 255)
		return 1;
	labels->at += digits + 1;
	labels->fitting++;
	return 0;
}

/* The octets or nibbles that are written before a block list's zone: 4, 32, or 0 (RFC 5782). */
static inline __u32 me_dns_reversed(const struct me_name *name)
{
	struct me_dns_labels nibbles = {.name = name, .fitting = me_loop_begin(0)};
	struct me_dns_labels octets = {
		.name = name, .at = me_loop_begin(0), .fitting = me_loop_begin(0)};

	me_loop(32, me_dns_nibble_step, &nibbles, 0);
	if (nibbles.fitting == 32)
		return 32;
	me_loop(4, me_dns_octet_step, &octets, 0);
	return octets.fitting == 4 ? 4 : 0;
}

/* Whether the name ends in `arpa`: there reversed addresses ask for names. */
static inline int me_dns_is_arpa(const struct me_name *name)
{
	__u32 at = name->length - 6u;

	if (name->length < 6)
		return 0;
	ME_HIDE(at);
	at &= ME_NAME_ROOM - 1;
	if (at > ME_NAME_ROOM - 6)
		return 0;
	return name->wire[at] == 4 && name->wire[at + 1] == 'a' && name->wire[at + 2] == 'r' &&
	       name->wire[at + 3] == 'p' && name->wire[at + 4] == 'a';
}

/* Whether the label at `at` is a service's own (`_dmarc`, `_domainkey` …), not SPF's (`_spf…`). */
static inline int me_dns_is_other_label(const struct me_name *name, __u32 at)
{
	__u32 first = 0;

	for (__u32 i = 1; i <= 4; i++)
		first = first << 8 | me_name_byte(name, at + i);
	return first >> 24 == '_' && first != 0x5f737066u /* _spf */ &&
	       first != 0x5f6e6574u /* _net, as in _netblocks */;
}

/* The category of a query for `name` and `type`; `named` is what the policy says of the name. */
static inline enum me_dns_category me_dns_category(const struct me_name *name, __u16 type,
						   const struct me_named *named)
{
	__u32 reversed = me_dns_reversed(name);

	if (named->category == ME_DNS_URI_DNSBL || named->category == ME_DNS_SPAMRAZER)
		return named->category;
	if (reversed && name->labels > reversed + 1 && !me_dns_is_arpa(name))
		return ME_DNS_IP_DNSBL;
	if (type != ME_DNS_TXT && type != ME_DNS_SPF_TYPE)
		return ME_DNS_OTHER;
	/* What lies behind the name's end is not looked at. */
	if ((name->labels > 0 && me_dns_is_other_label(name, 0)) ||
	    (name->labels > 1 && me_dns_is_other_label(name, name->wire[0] + 1u)))
		return ME_DNS_OTHER;
	return ME_DNS_SPF;
}

/* Whether queries of this kind ask block lists, whose answers are no addresses of anybody. */
static inline int me_dns_is_dnsbl(__u8 category)
{
	return category == ME_DNS_IP_DNSBL || category == ME_DNS_URI_DNSBL;
}

/*
 * Whether answers for such a name may have addresses of somebody: not those of a block list of the
 * policy, nor what only looks like a question to one, unless an endpoint is called so.
 */
static inline int me_dns_has_addresses(__u8 category, const struct me_named *named)
{
	return !me_dns_is_dnsbl(category) || (named->n && !named->zone);
}

/* Whether a question of this type is one for addresses. */
static inline int me_dns_asks_address(__u16 type)
{
	return type == ME_DNS_A || type == ME_DNS_AAAA;
}

/*
 * The failure of a question for addresses that was answered with this code, enum me_rcode; or
 * ME_DNS_FAILURE_COUNT: it is none. A name without addresses of one family is ordinary.
 */
static inline enum me_dns_failure me_dns_failure(__u16 type, enum me_rcode rcode)
{
	if (!me_dns_asks_address(type) || rcode == ME_RCODE_NOERROR)
		return ME_DNS_FAILURE_COUNT;
	if (rcode == ME_RCODE_NXDOMAIN)
		return ME_DNS_FAILED_NXDOMAIN;
	return rcode == ME_RCODE_SERVFAIL ? ME_DNS_FAILED_SERVFAIL : ME_DNS_FAILED_OTHER;
}

/* --- What may be learned ------------------------------------------------------------------------ */

/* RFC 1918, RFC 6598, RFC 4193. */
static inline int me_dns_is_private(const struct me_addr *a)
{
	__u32 v4 = ME_NET32(a->word[3]);

	if (!me_addr_is_v4(a))
		return (a->byte[0] & 0xfe) == 0xfc;
	return v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 || v4 >> 22 == 0x191;
}

/*
 * Whether an address may be learned for an endpoint with these flags (ME_ENTRY_PRIVATE).
 * ME_REFUSED_COUNT: yes; else why not.
 */
static inline enum me_refused me_dns_refused(const struct me_addr *address, __u8 flags)
{
	if (me_addr_kind(address) != ME_ADDR_GLOBAL)
		return ME_REFUSED_SPECIAL;
	if (me_dns_is_private(address) && !(flags & ME_ENTRY_PRIVATE))
		return ME_REFUSED_PRIVATE;
	return ME_REFUSED_COUNT;
}

#endif
