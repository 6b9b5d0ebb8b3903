/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_NETWORK_H
#define MEWATCH_SELFTEST_NETWORK_H

/*
 * The network of the self-test: three network namespaces without a name, which go with who holds them.
 *
 *	mail                   gateway                    far
 *	eth0 ------------ lan0         wan0 ------------ eth0    and all of ME_FAR4, ME_FAR6
 *	192.0.2.10      192.0.2.1   198.51.100.1       198.51.100.2
 *	2001:db8:2::10  …:2::1      2001:db8:51::1     …:51::2
 *
 * Nothing is asked for that is not in the kernel: no command, no file but those of /proc/sys.
 */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include <stdbool.h>
#include <stdint.h>
#include "kernel/kernel.h"
#include "mewatch/address.h"

#define ME_MAIL4 "192.0.2.10"
#define ME_MAIL6 "2001:db8:2::10"
#define ME_MAIL4_TUN "192.0.2.77" /* of a device that a path makes there */
#define ME_LISTED4                                                                                 \
	"198.18.0.0/16" /* half of the far side is for listed destinations, half for others */
#define ME_LISTED6 "2001:db8:18::/48"
#define ME_STATION "02:6d:65:00:00:01" /* of lan0: where mail sends its packets */

struct me_network {
	int mail, gateway, far; /* descriptors of the namespaces */
};

/*
 * Makes it; the calling thread is in `gateway` afterwards. 0, or an errno with one line in *why. To be
 * freed either way: me_network_free() closes the descriptors.
 */
int me_network_make(struct me_network *ret_network, struct me_why *why);
void me_network_free(struct me_network *network);

/*
 * The calling thread, which is in `mail`, goes into a new namespace, whose only interface is above eth0 of
 * `mail` (macvlan) and has the addresses 192.0.2.`number` and 2001:db8:2::`number`. It goes with the
 * thread. 0 or an errno; -EOPNOTSUPP: the kernel has no such interfaces.
 */
int me_network_child(uint8_t number);

/*
 * The `n`th address of the far side, of 0 to 65535, listed or not. Two that differ by the bit ME_TWIN are
 * twins: one destination of two addresses.
 */
struct me_addr me_network_address(bool v6, bool listed, uint16_t n);
#define ME_TWIN 1u
/* Whether these are one address, or twins. */
bool me_network_twins(const struct me_addr *a, const struct me_addr *b);

#endif
