/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_PORTS_H
#define MEWATCH_POLICY_PORTS_H

/* `ports:`: tcp|udp|udplite|sctp with a port, low-high or a star, icmp, icmp6, proto/N. */
#include "policy/read.h"

#define ME_PORTS_LEN 24 /* "udplite/65535-65535" and a NUL */

/* A list of ports, or one; 1 to ME_POLICY_PORTS_MAX of them. */
bool me_read_ports(struct me_reader *reader, const struct me_node *node,
		   struct me_ports **ret_ports, size_t *ret_n);

/* Writes the ports as the policy does: "tcp/443", "tcp/1000-1023", "icmp". */
void me_ports_format(const struct me_ports *ports, char out[ME_PORTS_LEN]);

/* Whether each port of `b` is one of `a`'s. */
bool me_ports_cover(const struct me_ports *a, size_t n_a, const struct me_ports *b, size_t n_b);

/* Whether one of the ports is (proto, port). */
bool me_ports_have(const struct me_ports *ports, size_t n, uint8_t proto, uint16_t port);

#endif
