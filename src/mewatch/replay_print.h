/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_REPLAY_PRINT_H
#define MEWATCH_MEWATCH_REPLAY_PRINT_H

/* What a replay prints: flows as they end, as lines or as JSON, and a summary. */
#include "mewatch/replay_session.h"

enum me_replay_form { ME_REPLAY_TEXT, ME_REPLAY_JSON, ME_REPLAY_NOTHING };

struct me_replay_printer {
	enum me_replay_form form;
	uint64_t flows;
	uint64_t verdicts[ME_VERDICT_COUNT]; /* of flows that mail hosts opened */
	uint64_t reasons[ME_REASON_COUNT];   /* of the violations among them */
	uint64_t directions[ME_DIRECTION_COUNT];
};

/* `userdata` is a struct me_replay_printer. */
me_replay_flow_fn me_replay_print_flow;
me_replay_answer_fn me_replay_print_answer;

void me_replay_print_summary(const struct me_replay_printer *printer,
			     const struct me_replay *replay);

#endif
