/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/zones.h"

#include <errno.h>
#include <string.h>
#include "policy/arena.h"

/* Lists of addresses: asked with the octets or nibbles reversed (RFC 5782, section 2.1). */
static const char *const ip_zones[] = {
	"zen.spamhaus.org",
	"sbl.spamhaus.org",
	"xbl.spamhaus.org",
	"pbl.spamhaus.org",
	"sbl-xbl.spamhaus.org",
	"bl.spamcop.net",
	"b.barracudacentral.org",
	"psbl.surriel.com",
	"cbl.abuseat.org",
	"dnsbl.sorbs.net",
	"dnsbl-1.uceprotect.net",
	"dnsbl-2.uceprotect.net",
	"dnsbl-3.uceprotect.net",
	"ix.dnsbl.manitu.net",
	"bl.mailspike.net",
	"list.dnswl.org",
	"hostkarma.junkemailfilter.com",
	"bl.score.senderscore.com",
};

/* Lists of domains (RFC 5782, section 3). */
static const char *const uri_zones[] = {
	"dbl.spamhaus.org",
	"multi.surbl.org",
	"multi.uribl.com",
	"black.uribl.com",
	"grey.uribl.com",
	"red.uribl.com",
	"uribl.spameatingmonkey.net",
	"dbl.nordspam.com",
	"rhsbl.sorbs.net",
	"dbl.suomispam.net",
};

static int put(struct me_arena *arena, const char *const *zones, size_t n, const char ***ret_zones,
	       size_t *ret_n)
{
	const char **copy = me_arena_alloc(arena, n, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, zones, n * sizeof(*copy));
	*ret_zones = copy;
	*ret_n = n;
	return 0;
}

int me_zones_default(struct me_policy *policy)
{
	int err = put(policy->arena, ip_zones, ME_ARRAY_SIZE(ip_zones), &policy->ip_zones,
		      &policy->n_ip_zones);

	return err ? err
		   : put(policy->arena, uri_zones, ME_ARRAY_SIZE(uri_zones), &policy->uri_zones,
			 &policy->n_uri_zones);
}
