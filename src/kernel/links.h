/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_LINKS_H
#define MEWATCH_KERNEL_LINKS_H

/*
 * The network interfaces of the calling thread's network namespace, followed by rtnetlink. Whoever is
 * told of a change looks at the table again: a new interface may have the name or the index of one
 * that is gone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <net/if.h>

#define ME_LINKS_MAX 16384

struct me_link {
	uint32_t index;
	char name[IF_NAMESIZE];
	bool up;         /* switched on (IFF_UP), whether or not there is a carrier */
	bool ethernet;   /* frames begin with an Ethernet header; else with the network header */
	uint32_t master; /* the bridge, bond or VRF that it is a port of; 0: none */
	/*
	 * The interface that its packets go through as they are, and which is in this namespace: of a
	 * VLAN or a macvlan the one below, of a veth its other end. 0: none, or it is a tunnel, whose
	 * packets go on inside of others.
	 */
	uint32_t lower;
};

struct me_links;

/* Subscribes and reads the table. 0, -ENOMEM, an errno of netlink. Freed with me_links_free(). */
int me_links_open(struct me_links **ret_links);
void me_links_free(struct me_links **links);

/* Readable when me_links_dispatch() has something to do. */
int me_links_fd(const struct me_links *links);

/*
 * Reads the table again if something has happened, which may be no more than a carrier. 1: it has; 0:
 * nothing; or an errno, after which the table is as it was and the next call reads it again.
 */
int me_links_dispatch(struct me_links *links);

/* The table, by index, until the next call of me_links_dispatch(). */
const struct me_link *me_links_table(const struct me_links *links, size_t *ret_n);
/* One of it, or NULL. */
const struct me_link *me_links_by_name(const struct me_links *links, const char *name);
const struct me_link *me_links_by_index(const struct me_links *links, uint32_t index);

/* The name of an interface now, of one that is gone its index as "#12"; written to `out`. */
const char *me_link_name(uint64_t index, char out[IF_NAMESIZE]);

/* Interfaces beyond ME_LINKS_MAX, which are not in the table. */
size_t me_links_refused(const struct me_links *links);

/*
 * Whether a default route of the main table leaves by this interface, of either family, as one of
 * several, too. 1, 0, or an errno. An interface that is gone has none.
 */
int me_links_default_route(uint32_t index);

/*
 * Finds two of the `n_wanted` interfaces of which one carries the packets of the other: bridge and
 * port, bond and slave, VLAN and parent, over any number of steps. A flow would pass both. `links` is
 * sorted by index. 1: found; 0: none; -ENOMEM.
 */
int me_links_nested(const struct me_link *links, size_t n, const uint32_t *wanted, size_t n_wanted,
		    uint32_t *ret_lower, uint32_t *ret_upper);

#endif
