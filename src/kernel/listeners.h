/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_LISTENERS_H
#define MEWATCH_KERNEL_LISTENERS_H

/*
 * The set of what listens in one network namespace: (protocol, local address, port in host order).
 * It is a table whose keys only these functions know; free it with me_table_free().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/table.h"
#include "mewatch/address.h"

/* An empty set of at most `max` listeners; NULL without memory. */
struct me_table *me_listeners_new(size_t max);

/* 0, also when it was there; -ENOSPC at the bound; -ENOMEM. */
int me_listeners_add(struct me_table *listeners, uint8_t proto, const struct me_addr *address,
		     uint16_t port);

/*
 * Whether something listens on exactly this address, or on every one. A listener on :: is taken to
 * listen on IPv4 as well.
 */
bool me_listeners_have(const struct me_table *listeners, uint8_t proto,
		       const struct me_addr *address, uint16_t port);

#endif
