/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_MPTCP_H
#define MEWATCH_SELFTEST_MPTCP_H

/*
 * Further subflows of MPTCP, which the kernel opens by itself, in the network namespace that the thread is
 * in. Each returns 0 or a negative errno; -ENOENT: the kernel has no MPTCP.
 */
#include <stdbool.h>
#include <stdint.h>

/* One further subflow of a connection, to or from an address that the other side announces. */
int me_mptcp_allow(void);
/*
 * That address and no other is announced to who connects: 16 bytes, or 4; with that port, on which the
 * kernel then listens, or 0: the same. NULL: none is.
 */
int me_mptcp_announce(const void *address, bool v6, uint16_t port);

#endif
