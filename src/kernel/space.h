/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_SPACE_H
#define MEWATCH_KERNEL_SPACE_H

/*
 * One network namespace that is watched: a netlink socket that lives in it, hears of changed
 * addresses and is the way into it, and the addresses it is known to have.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mewatch/abi.h"

enum me_netns_event {
	ME_NETNS_ADDRESS_ADDED,
	ME_NETNS_ADDRESS_REMOVED,
	ME_NETNS_KNOWN, /* all addresses it had when it was found have been told */
	ME_NETNS_GONE,  /* all its addresses were told as removed; should it come back, it is new */
};

/* `own->address` means something only with the first two. */
typedef void (*me_netns_fn)(enum me_netns_event event, const struct me_own_key *own,
			    void *userdata);

struct me_space;

/*
 * Subscribes in the namespace that `path` opens; nothing is told yet. `cookie` says which one is
 * expected there, 0 is any. 0, -ENOENT: gone, or another one; -ENOMEM, -EPERM, -EMFILE.
 */
int me_space_open(const char *path, uint64_t cookie, me_netns_fn fn, void *userdata,
		  struct me_space **ret_space);

/* Lets go of it: the first tells the addresses as removed and the namespace as gone. */
void me_space_close(struct me_space **space);
void me_space_free(struct me_space **space);

/*
 * Dumps the addresses and tells what changed, the first time also ME_NETNS_KNOWN. 0 or a negative
 * errno, after which me_space_is_stale() is true until a sync succeeds.
 */
int me_space_sync(struct me_space *space);
bool me_space_is_stale(const struct me_space *space);

uint64_t me_space_cookie(const struct me_space *space);
uint64_t me_space_inode(const struct me_space *space); /* in nsfs */
int me_space_fd(const struct me_space *space);         /* readable: the addresses changed */
size_t me_space_refused(const struct me_space *space); /* addresses beyond ME_OWN_MAX */

/* A descriptor of the namespace itself, for the caller to close. 0 or -EMFILE, -EPERM. */
int me_space_enter_fd(const struct me_space *space, int *ret_fd);

/*
 * Whether a process holds a TCP or UDP socket of it. True when in doubt: to let go of a namespace
 * that is in use would turn its own addresses into strangers.
 */
bool me_space_holds_sockets(const struct me_space *space);

#endif
