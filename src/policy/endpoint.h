/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_ENDPOINT_H
#define MEWATCH_POLICY_ENDPOINT_H

/* Names, addresses, prefixes and keywords: everything that says where a flow goes. */
#include "policy/read.h"

#define ME_HOSTNAME_MAX (ME_NAME_MAX - 2) /* bytes of a name as text, without a trailing dot */
#define ME_LABEL_MAX 63u

/* The keyword of a `to:` kind ("any"), or NULL for the kinds that are none. */
const char *me_to_keyword(enum me_to_kind kind);

/* One destination as `to:`, `remove:` and `entry:` write it. Counts against the reader's limits. */
bool me_read_to(struct me_reader *reader, const struct me_node *node, struct me_to *ret_to);

/* One address. */
bool me_read_address(struct me_reader *reader, const struct me_node *node,
		     struct me_addr *ret_address);

/* An address or a prefix; `bits` counts in the mapped form, 128 for one address. */
bool me_read_prefix(struct me_reader *reader, const struct me_node *node,
		    struct me_addr *ret_address, uint8_t *ret_bits);

/* What is expected instead of such a name, or NULL. It is in lower case and has no trailing dot. */
const char *me_name_fault(const char *name);

/* A name without a wildcard, in lower case. */
bool me_read_name(struct me_reader *reader, const struct me_node *node, const char **ret_name);

/* "192.0.2.1:3128", "[2001:db8::1]:3128" or "proxy.example:3128". */
bool me_read_hostport(struct me_reader *reader, const struct me_node *node, struct me_to *ret_host,
		      uint16_t *ret_port);

#endif
