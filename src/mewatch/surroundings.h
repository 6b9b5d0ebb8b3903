/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_SURROUNDINGS_H
#define MEWATCH_MEWATCH_SURROUNDINGS_H

/*
 * The surroundings of the host vantage: network namespaces with their own addresses (told to the
 * programs), flows that were open before the start, sockets that no hook sees.
 */
#include <stdbool.h>
#include <stdint.h>
#include "kernel/kernel.h"
#include "kernel/netns.h"
#include "mewatch/sweeps.h"

struct me_daemon;
struct me_surroundings;

/*
 * Before anything is attached: finds the namespaces and tells the programs their addresses; what an
 * earlier daemon told and does not hold any more is taken back. 0 or a negative errno. Freed with
 * me_surroundings_free().
 */
int me_surroundings_new(struct me_daemon *daemon, struct me_surroundings **ret_surroundings);
void me_surroundings_free(struct me_surroundings **surroundings);

/* Readable when me_surroundings_dispatch() has something to do. */
int me_surroundings_fd(const struct me_surroundings *surroundings);
void me_surroundings_dispatch(struct me_surroundings *surroundings);

/* A namespace that a record told of: its addresses are read now. */
void me_surroundings_meet(struct me_surroundings *surroundings, const struct me_origin *origin);

/* ME_FACT_OWN, ME_FACT_OWN_UNKNOWN or 0. */
uint8_t me_surroundings_facts(const struct me_surroundings *surroundings, uint64_t netns,
			      const struct me_addr *address);

/* Brings the flows of TCP sockets up to date, in every namespace. */
void me_surroundings_sync(struct me_surroundings *surroundings);
/* When that worked last for a namespace, CLOCK_MONOTONIC; 0: never, or it is not known. */
uint64_t me_surroundings_synced(const struct me_surroundings *surroundings, uint64_t netns);

/*
 * After an attachment, and now and then: finds the flows that were open before it in cgroups that are
 * watched now and were not before. Next to nothing where they are the same. Problems are logged.
 */
void me_surroundings_survey(struct me_surroundings *surroundings);

/* When a policy came into force: looks for who listens on its remoting ports (mewatch/remoting.h). */
void me_surroundings_listeners(struct me_surroundings *surroundings);

/* Once a round: looks for what no hook sees (mewatch/sweeps.h). */
void me_surroundings_sweep(struct me_surroundings *surroundings);
/* The same at once. */
void me_surroundings_sweep_now(struct me_surroundings *surroundings);

/* What was refused and lost, for the status. */
struct me_netns_stats me_surroundings_netns(const struct me_surroundings *surroundings);
struct me_sweeps_stats me_surroundings_sweeps(const struct me_surroundings *surroundings);

#endif
