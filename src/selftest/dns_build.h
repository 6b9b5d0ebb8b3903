/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_DNS_BUILD_H
#define MEWATCH_SELFTEST_DNS_BUILD_H

/* DNS messages, piece by piece. What is said wrong, or too much for one message, is a mistake of the program. */
#include <stddef.h>
#include <stdint.h>
#include "mewatch/dns.h"

#define ME_DNS_BUILD_ANSWER 0x8180u /* flags of an ordinary answer */

struct me_dns_build {
	uint8_t data[8192];
	size_t length;
};

/* Begins with the header and one question of class IN; `name` is text. */
void me_dns_build(struct me_dns_build *build, uint16_t id, uint16_t flags, const char *name,
		  uint16_t type);
/* Adds a record to the answer section. `owner` NULL: a pointer to the question. */
void me_dns_build_address(struct me_dns_build *build, const char *owner, const char *address,
			  uint32_t ttl);
void me_dns_build_cname(struct me_dns_build *build, const char *owner, const char *target,
			uint32_t ttl);

#endif
