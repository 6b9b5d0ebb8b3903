/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_OWN_H
#define MEWATCH_KERNEL_OWN_H

/*
 * The own addresses of one network namespace. Loopback addresses are left out: their bits alone say
 * that they are local.
 */
#include <stdbool.h>
#include <stddef.h>
#include "mewatch/address.h"

#define ME_OWN_MAX 4096 /* addresses of one namespace; what is beyond is counted, not kept */

struct me_own;

/* An address appeared (`added`) or went. */
typedef void (*me_own_fn)(const struct me_addr *address, bool added, void *userdata);

/* An empty set; NULL without memory. The free tells nobody. */
struct me_own *me_own_new(void);
void me_own_free(struct me_own **own);

/*
 * Asks the kernel for the addresses of the namespace `ns_fd` and tells the difference to what is
 * known. On an error the set may have gained addresses, and has lost none.
 * 0, -EAGAIN if the addresses never held still, -ENOMEM, or an errno of me_netlink_open/dump().
 */
int me_own_sync(struct me_own *own, int ns_fd, me_own_fn fn, void *userdata);

/* Empties the set and tells each address as gone. */
void me_own_clear(struct me_own *own, me_own_fn fn, void *userdata);

/* Addresses that the last sync found no room for. */
size_t me_own_refused(const struct me_own *own);

#endif
