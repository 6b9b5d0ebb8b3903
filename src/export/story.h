/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_STORY_H
#define MEWATCH_EXPORT_STORY_H

/*
 * The story of one row: everything that is known to have happened to it, in the order of time. Nothing
 * is kept for it; it is told from the times that the ledger has anyway, from its steps
 * (ledger/steps.h), from DNS answers and from the flows that belong to it.
 */
#include "base/strbuf.h"
#include "export/rows.h"
#include "export/status.h"
#include "export/value.h"

#define ME_STORY_STEPS_MAX 128u /* of one story; what does not fit is counted */
#define ME_STORY_FLOWS 10u      /* the latest flows of an endpoint, or of a group */
#define ME_STORY_ANSWERS 16u    /* the latest answers that gave an address, or for a name */

/* What a step of a story is: "step" in the answer. Those of ME_STEP_LIST but `settled` are more. */
#define ME_STORY_LIST(X, p)                                                                        \
	X(p, ANSWER, "answer", "a DNS answer: the name and its address")                           \
	X(p, OPENED, "opened", "its first packet, or the call that made it")                       \
	X(p, VERDICT, "verdict", "what the judge said")                                            \
	X(p, CONTROL, "control", "the FTP control connection that it belongs to")                  \
	X(p, REQUEST, "request", "what the proxy was asked for")                                   \
	X(p, UPSTREAM, "upstream", "the flow that the proxy opened for it")                        \
	X(p, RETRACTED, "retracted", "the violation that was told early is taken back")            \
	X(p, RELOAD, "reload", "a policy came into force")                                         \
	X(p, LAST, "last", "its last packet so far")                                               \
	X(p, CLOSED, "closed", "its end")                                                          \
	X(p, LISTED, "listed", "the policy has it since then")                                     \
	X(p, FLOW, "flow", "one of its latest flows")                                              \
	X(p, FAILED, "failed", "the first failure since it worked last")                           \
	X(p, WORKED, "worked", "its last success")                                                 \
	X(p, DUE, "due", "overdue from then on, if it does not work before")                       \
	X(p, FIRST, "first", "the first violation of this kind")

#define ME_PICK_STORY(p, constant, label, help) p##constant,
enum me_story_kind { ME_STORY_LIST(ME_PICK_STORY, ME_STORY_) ME_STORY_KINDS };
#undef ME_PICK_STORY

struct me_story;

/*
 * Appends the story at `path` below /v1/: "flows/ID", "endpoints/SERVICE/ENDPOINT" or "violations/ID"
 * of any event of the group. 0, -ENOENT (nothing is known of it), -ENOTTY (no such path) or -ENOMEM.
 */
int me_story_write(const struct me_ledger *ledger, const struct me_status *status, const char *path,
		   struct me_strbuf *out);

/*
 * For those who tell: a step at `epoch_ns`, nanoseconds since the epoch (0: never, and nothing is
 * told). What is appended to the result is its text, in which everything from outside is escaped.
 */
struct me_strbuf *me_story_step(struct me_story *story, uint64_t epoch_ns, const char *step);
struct me_strbuf *me_story_tell(struct me_story *story, uint64_t epoch_ns, enum me_story_kind kind);
/* The step that was begun last is about this flow. */
void me_story_about_flow(struct me_story *story, uint64_t flow);

/* Appends `before` and the value, escaped; nothing where there is none. */
void me_story_say(struct me_strbuf *text, const char *before, struct me_value value);
/* "192.0.2.1:443/tcp", without a port where there is none. */
void me_story_say_place(struct me_strbuf *text, const char *before, const struct me_addr *address,
			uint16_t port, uint8_t proto);

const struct me_ledger *me_story_ledger(const struct me_story *story);
const struct me_status *me_story_status(const struct me_story *story);

/* Answers that gave `address`, or, where that is NULL, for `name`; none after `until_ns` (0: no end). */
void me_story_answers(struct me_story *story, const struct me_addr *address, const char *name,
		      uint64_t until_ns);

/* The stories themselves. */
void me_story_of_flow(struct me_story *story, const struct me_ledger_flow *flow);
void me_story_of_endpoint(struct me_story *story, const struct me_endpoint *endpoint);
void me_story_of_group(struct me_story *story, const struct me_group *group);

#endif
