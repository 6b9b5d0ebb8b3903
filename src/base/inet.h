/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BASE_INET_H
#define MEWATCH_BASE_INET_H

/* Addresses as text. An address is 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. */
#include <stdint.h>

#define ME_INET_LEN 46 /* the longest IPv6 address and a NUL */

/* Writes the address; a mapped IPv4 address as a dotted quad, others as RFC 5952 has them. */
void me_inet_format(const uint8_t address[16], char out[ME_INET_LEN]);

/* Reads an IPv4 (dotted quad) or IPv6 address without a zone. 0 or -EINVAL. */
int me_inet_parse(const char *text, uint8_t ret_address[16]);

/* Reads "192.0.2.1:53" or "[2001:db8::1]:53"; port 0 is one. The port is in host order. 0 or -EINVAL. */
int me_inet_parse_hostport(const char *text, uint8_t ret_address[16], uint16_t *ret_port);

#endif
