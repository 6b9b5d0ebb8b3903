/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_STEPS_H
#define MEWATCH_LEDGER_STEPS_H

/*
 * What happened to flows and endpoints while they were known and shows in no time of their own: what
 * the ledger is told anyway and would forget. Bounded: the oldest step makes room, so a flow tells the
 * less of its life the longer ago that was. A flow that is judged at its first packet has no step.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mewatch/abi.h"

#define ME_STEPS_MAX 131072u        /* of flows; 24 bytes each, touched as they come */
#define ME_ENDPOINT_STEPS_MAX 4096u /* of endpoints, which are told rarely */

#define ME_STEP_LIST(X, p)                                                                         \
	X(p, CLAIM, "claim", "the client said whom it wants")                                      \
	X(p, SETTLED, "settled", "the verdict became final after it had waited")                   \
	X(p, FINDING, "finding", "something about it is worth a look, and no verdict")             \
	X(p, OVERDUE, "overdue", "the endpoint has not worked for longer than it may")             \
	X(p, FAILING, "failing", "the endpoint does not work")                                     \
	X(p, RECOVERED, "recovered", "the endpoint works again")

#define ME_PICK_STEP(p, constant, label, help) p##constant,
enum me_step_kind { ME_STEP_LIST(ME_PICK_STEP, ME_STEP_) ME_STEP_COUNT };
#undef ME_PICK_STEP

const char *me_step_label(enum me_step_kind kind);

struct me_step {
	uint64_t ts_ns; /* CLOCK_MONOTONIC */
	uint64_t owner; /* id of the flow, or of the endpoint */
	uint32_t kind;  /* enum me_step_kind */
	/* SETTLED: the state before; FINDING: enum me_finding; of endpoints: enum me_failure */
	union {
		union me_state before;
		uint32_t what;
	};
};
_Static_assert(sizeof(struct me_step) == 24, "a hundred thousand of them are small");

struct me_steps;

/* NULL without memory. */
struct me_steps *me_steps_new(uint32_t max);
void me_steps_free(struct me_steps **steps);

void me_steps_add(struct me_steps *steps, struct me_step step);

/* Those of one owner in the order in which they came: start with *cursor 0. False: no more. */
bool me_steps_next(const struct me_steps *steps, uint64_t owner, uint64_t *cursor,
		   struct me_step *ret_step);

/* Steps that made room for others. */
uint64_t me_steps_forgotten(const struct me_steps *steps);

#endif
