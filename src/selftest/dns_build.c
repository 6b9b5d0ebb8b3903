/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/dns_build.h"
#include <assert.h>
#include <string.h>
#include "base/inet.h"

static void put(struct me_dns_build *build, const void *bytes, size_t n)
{
	assert(build->length + n <= sizeof(build->data));
	memcpy(build->data + build->length, bytes, n);
	build->length += n;
}

static void put16(struct me_dns_build *build, uint16_t value)
{
	put(build, (uint8_t[]){value >> 8, value & 0xff}, 2);
}

static void put_name(struct me_dns_build *build, const char *text)
{
	for (const char *at = text; *at;) {
		uint8_t length = (uint8_t)strcspn(at, ".");

		put(build, &length, 1);
		put(build, at, length);
		at += length + (at[length] == '.');
	}
	put(build, "", 1);
}

void me_dns_build(struct me_dns_build *build, uint16_t id, uint16_t flags, const char *name,
		  uint16_t type)
{
	build->length = 0;
	put16(build, id);
	put16(build, flags);
	put16(build, 1);
	put(build, "\0\0\0\0\0", 6);
	put_name(build, name);
	put16(build, type);
	put16(build, ME_DNS_IN);
}

static void begin_record(struct me_dns_build *build, const char *owner, uint16_t type, uint32_t ttl)
{
	if (!++build->data[7])
		build->data[6]++;
	if (owner)
		put_name(build, owner);
	else
		put16(build, 0xc000 | ME_DNS_HEADER);
	put16(build, type);
	put16(build, ME_DNS_IN);
	put16(build, ttl >> 16);
	put16(build, ttl & 0xffff);
}

void me_dns_build_address(struct me_dns_build *build, const char *owner, const char *address,
			  uint32_t ttl)
{
	struct me_addr parsed;
	int v4 = !strchr(address, ':');

	if (me_inet_parse(address, parsed.byte))
		assert(!"an address");
	begin_record(build, owner, v4 ? ME_DNS_A : ME_DNS_AAAA, ttl);
	put16(build, v4 ? 4 : 16);
	put(build, parsed.byte + (v4 ? 12 : 0), v4 ? 4 : 16);
}

void me_dns_build_cname(struct me_dns_build *build, const char *owner, const char *target,
			uint32_t ttl)
{
	size_t at;

	begin_record(build, owner, ME_DNS_CNAME, ttl);
	at = build->length;
	put16(build, 0);
	put_name(build, target);
	build->data[at] = (uint8_t)((build->length - at - 2) >> 8);
	build->data[at + 1] = (uint8_t)(build->length - at - 2);
}
