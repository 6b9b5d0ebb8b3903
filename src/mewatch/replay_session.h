/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_REPLAY_SESSION_H
#define MEWATCH_MEWATCH_REPLAY_SESSION_H

/*
 * The daemon over a capture: its clock is the packets' and its kernel side is src/replay. Between two
 * packets it makes the rounds that it would have made.
 */
#include "mewatch/daemon.h"
#include "replay/capture.h"

/* A flow that is over, or was open when the capture ended. */
typedef void me_replay_flow_fn(const struct me_ledger *ledger, const struct me_ledger_flow *flow,
			       void *userdata);
/* An address that an answer gave a name. */
typedef void me_replay_answer_fn(const struct me_ledger *ledger, const struct me_answer *answer,
				 void *userdata);

struct me_replay_options {
	const char *policy;  /* path, or NULL: the default if it is there */
	const char *profile; /* or NULL */
	const char **hosts;  /* addresses, prefixes, MAC addresses; none: those of the policy */
	size_t n_hosts;
	const char *events;             /* a file, or NULL */
	me_replay_answer_fn *answer_fn; /* or NULL */
};

struct me_replay_counts {
	uint64_t packets, bytes; /* on the wire */
	uint64_t cut;            /* packets of which not everything was captured */
	uint64_t elsewhere;      /* neither from a mail host nor to one */
	uint64_t backwards;      /* packets older than the one before */
	uint64_t first_ns, last_ns;
	uint64_t findings[ME_FINDING_COUNT];
};

struct me_replay;

/*
 * Begins at `start_ns`, the time of the first packet. 0, or an exit code of the command (logged); to be
 * freed either way.
 */
int me_replay_new(const struct me_replay_options *options, uint64_t start_ns, me_replay_flow_fn *fn,
		  void *userdata, struct me_replay **ret_replay);
void me_replay_free(struct me_replay **replay);

/* Whether there is anybody whose packets are looked for. */
bool me_replay_has_hosts(const struct me_replay *replay);

void me_replay_packet(struct me_replay *replay, const struct me_capture_packet *packet);
/* The capture is over. */
void me_replay_end(struct me_replay *replay);

const struct me_ledger *me_replay_ledger(const struct me_replay *replay);
const struct me_replay_counts *me_replay_counts(const struct me_replay *replay);
/* ME_TOTALS_ALL of them, after the end. */
const uint64_t *me_replay_totals(const struct me_replay *replay);
/* ME_CELL_COUNT of them, after the end. */
const uint64_t *me_replay_cells(const struct me_replay *replay);

#endif
