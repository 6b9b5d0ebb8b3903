/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/steps.h"

#include <stdlib.h>

struct me_steps {
	uint32_t max;
	uint64_t n; /* that ever came: the next one's place is this modulo max */
	struct me_step step[];
};

const char *me_step_label(enum me_step_kind kind)
{
#define ME_PICK_LABEL(p, constant, label, help) label,
	static const char *const text[] = {ME_STEP_LIST(ME_PICK_LABEL, )};
#undef ME_PICK_LABEL

	return kind < ME_STEP_COUNT ? text[kind] : "?";
}

struct me_steps *me_steps_new(uint32_t max)
{
	struct me_steps *steps = calloc(1, sizeof(*steps) + max * sizeof(*steps->step));

	if (steps)
		steps->max = max;
	return steps;
}

void me_steps_free(struct me_steps **steps)
{
	free(*steps);
	*steps = NULL;
}

void me_steps_add(struct me_steps *steps, struct me_step step)
{
	steps->step[steps->n++ % steps->max] = step;
}

bool me_steps_next(const struct me_steps *steps, uint64_t owner, uint64_t *cursor,
		   struct me_step *ret_step)
{
	uint64_t oldest = me_steps_forgotten(steps);

	for (uint64_t at = *cursor < oldest ? oldest : *cursor; at < steps->n; at++) {
		const struct me_step *step = &steps->step[at % steps->max];

		if (step->owner != owner)
			continue;
		*cursor = at + 1;
		*ret_step = *step;
		return true;
	}
	return false;
}

uint64_t me_steps_forgotten(const struct me_steps *steps)
{
	return steps->n > steps->max ? steps->n - steps->max : 0;
}
