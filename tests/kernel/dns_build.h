/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_DNS_BUILD_H
#define MEWATCH_TESTS_KERNEL_DNS_BUILD_H

/* DNS messages for the tests, piece by piece. */
#include <stddef.h>
#include <stdint.h>
#include "mewatch/dns.h"

#define BUILD_ANSWER 0x8180u /* flags of an ordinary answer */

struct dns_build {
	uint8_t data[8192];
	size_t length;
};

/* Begins with the header and one question of class IN; `name` is text. */
void dns_begin(struct dns_build *build, uint16_t id, uint16_t flags, const char *name,
	       uint16_t type);
/* Adds a record to the answer section. `owner` NULL: a pointer to the question. */
void dns_address(struct dns_build *build, const char *owner, const char *address, uint32_t ttl);
void dns_cname(struct dns_build *build, const char *owner, const char *target, uint32_t ttl);

#endif
