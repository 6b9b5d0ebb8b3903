/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_SWEEPS_H
#define MEWATCH_MEWATCH_SWEEPS_H

/*
 * What no hook sees and is therefore looked for every few seconds: packet sockets, and sockets that
 * were born outside the watched cgroups and are held inside. Each counts once, over restarts too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct me_daemon;
struct me_netns;
struct me_sweeps;

#define ME_SWEPT_KEPT 1024u /* remembered over a restart */

/* In the block that outlives the daemon. */
struct me_swept {
	uint64_t count;
	uint64_t cookie[ME_SWEPT_KEPT]; /* of the last ones: number n at n % ME_SWEPT_KEPT */
};

/* Whether the socket is remembered as counted. */
bool me_swept_known(const struct me_swept *swept, uint64_t cookie);
/* Counts a socket; false: it was counted before. A kill in between leaves it to be counted again. */
bool me_swept_count(struct me_swept *swept, uint64_t cookie);

/* NULL without memory. */
struct me_sweeps *me_sweeps_new(struct me_daemon *daemon);
void me_sweeps_free(struct me_sweeps **sweeps);

/* Once a round. Problems are logged. */
void me_sweeps_round(struct me_sweeps *sweeps, const struct me_netns *netns);
/* At once, whatever it costs. */
void me_sweeps_now(struct me_sweeps *sweeps, const struct me_netns *netns);

struct me_sweeps_stats {
	size_t outside_open;      /* sockets from outside that are held inside now */
	uint64_t outside_refused; /* looks at sockets that had to be left out for want of room */
	uint64_t packet_refused;
	const char *last_outside; /* who holds the last one found, escaped; "" before the first */
};

struct me_sweeps_stats me_sweeps_stats(const struct me_sweeps *sweeps);

#endif
