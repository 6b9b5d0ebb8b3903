/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_OLDER_H
#define MEWATCH_TESTS_KERNEL_OLDER_H

/*
 * A daemon of another layout, which is no longer there: programs and maps of tests/kernel/older.bpf.c,
 * attached and pinned as it would have left them, judging by the policy of the test.
 */
#include "host.h"

#define OLDER_LAYOUT "0123456789abcdef"

struct older;

struct older_options {
	uint32_t cells;   /* of me_cells; 0: as many as there are now */
	uint32_t flows;   /* of me_flows; likewise */
	bool interrupted; /* this layout's maps are there as well: it had begun to take over */
};

/* Puts it in the place of host->kernel, which is closed and forgotten. */
struct older *older_begin(struct host *host, const struct older_options *options);
void older_free(struct older **older);

/* A map of its own, by name. */
int older_map(const struct older *older, const char *name);

/* The ids of its flows by their keys. */
struct older_flows {
	struct me_flow_key key[64];
	uint64_t id[64];
	size_t n;
};

void older_note_flows(const struct older *older, struct older_flows *ret_flows);

/* Opens this layout on what it left and puts the policy in force: host->kernel again. */
void older_reopen(struct host *host);
/* And attaches it. */
void older_switch(struct host *host);

/* Fails unless there is one program of this layout at each hook. */
void older_expect_attached(const struct host *host);

/* Whether a folder or pin is there below the pins of the test. */
bool older_pinned(const struct host *host, const char *name);

#endif
