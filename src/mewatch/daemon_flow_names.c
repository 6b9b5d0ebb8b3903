/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of a flow: those by which its peer was known. What a flow shows in the end depends on answers
 * and packets alone, not on when the flow table was looked at; so a replay shows the same.
 */
#include <string.h>
#include "base/strbuf.h"
#include "ledger/answers.h"
#include "mewatch/daemon.h"
#include "mewatch/wire.h"
#include "policy/compile.h"
#include "policy/policy.h"

/* Names that a flow shows. */
#define NAMES_SHOWN 16u
/* Names of its address that are looked at for it. */
#define NAMES_TRIED 64u

/* Whether the name is one of the flow's endpoint. */
static bool is_of_endpoint(const struct me_daemon *daemon, const char *text, uint32_t endpoint)
{
	struct me_named named;
	struct me_name name;

	if (!endpoint || me_name_from_text(text, &name))
		return false;
	me_image_names_find(daemon->image, &name, &named);
	for (uint32_t i = 0; i < named.n; i++)
		if (named.endpoint[i] == endpoint)
			return true;
	return false;
}

/* When a flow was over, by its packets alone: not by when that was noticed. */
static uint64_t end_of(const struct me_daemon *daemon, const struct me_flow_key *key,
		       const struct me_flow *flow)
{
	uint64_t end;

	if (!(flow->flags & ME_FLOW_CLOSED))
		return UINT64_MAX;
	if (key->vantage == ME_HOST)
		return flow->closed_ns;
	end = flow->last_ns + me_wire_patience(flow, key->proto, &daemon->wire_limits);
	return end < flow->closed_ns ? end : flow->closed_ns;
}

struct known_names {
	const struct me_answer *by_since[NAMES_SHOWN];
	const struct me_answer *by_use[NAMES_SHOWN]; /* the one asked for last comes first */
	size_t n, n_use;
};

/* Those that were known when the flow was opened, the newest first; then those that came, as they came. */
static bool comes_before(const struct me_answer *a, const struct me_answer *b, uint64_t first_ns)
{
	bool a_was_there = a->since_ns <= first_ns, b_was_there = b->since_ns <= first_ns;

	if (a_was_there != b_was_there)
		return a_was_there;
	return a_was_there ? a->since_ns > b->since_ns : a->since_ns < b->since_ns;
}

static void put_known(struct known_names *known, const struct me_answer *answer, uint64_t first_ns)
{
	size_t at = known->n < NAMES_SHOWN ? known->n++ : NAMES_SHOWN;

	if (known->n_use < NAMES_SHOWN)
		known->by_use[known->n_use++] = answer;
	for (; at && comes_before(answer, known->by_since[at - 1], first_ns); at--)
		if (at < NAMES_SHOWN)
			known->by_since[at] = known->by_since[at - 1];
	if (at < NAMES_SHOWN)
		known->by_since[at] = answer;
}

/* The names that the address had until the flow was over. */
static void find_known(const struct me_daemon *daemon, const struct me_flow_key *key,
		       const struct me_flow *flow, struct known_names *ret_known)
{
	const struct me_answers *answers = me_ledger_answers(daemon->ledger);
	uint64_t end = end_of(daemon, key, flow);
	uint64_t alive = end < daemon->now_ns ? end : daemon->now_ns;
	const struct me_answer *answer;
	size_t cursor = 0;

	for (size_t n = 0; n < NAMES_TRIED; n++) {
		answer = me_answers_of_address(answers, &key->peer, &cursor);
		if (!answer)
			break;
		if (answer->since_ns <= end &&
		    answer->until_ns + daemon->policy->limits.grace_ns >= alive)
			put_known(ret_known, answer, flow->first_ns);
	}
}

/* The one of the flow's endpoint, if there is one. */
static const char *pick(const struct me_daemon *daemon, const struct me_answer *const *answers,
			size_t n, uint32_t endpoint)
{
	for (size_t i = 0; i < n; i++)
		if (is_of_endpoint(daemon, answers[i]->name, endpoint))
			return answers[i]->name;
	return n ? answers[0]->name : NULL;
}

/* Whether the flow has a name that is to stay: it was the right one when it was chosen. */
static bool has_name(const struct me_daemon *daemon, const struct me_flow *flow)
{
	const struct me_ledger_flow *before = me_ledger_find(daemon->ledger, flow->id);
	const char *name =
		before ? me_ledger_text(daemon->ledger, before->text[ME_TEXT_NAME]) : NULL;

	return name && (!flow->endpoint || is_of_endpoint(daemon, name, flow->endpoint));
}

bool me_daemon_flow_names(const struct me_daemon *daemon, const struct me_flow_key *key,
			  const struct me_flow *flow, bool told, struct me_strbuf *names,
			  struct me_flow_text *ret_text)
{
	struct known_names known = {};

	*ret_text = (struct me_flow_text){};
	find_known(daemon, key, flow, &known);
	for (size_t i = 0; i < known.n; i++) {
		if (i)
			me_strbuf_addc(names, '\n');
		me_strbuf_adds(names, known.by_since[i]->name);
	}
	if (!known.n || names->err)
		return false;
	if (told)
		ret_text->text[ME_TEXT_NAME] =
			pick(daemon, known.by_use, known.n_use, flow->endpoint);
	else if (!has_name(daemon, flow))
		ret_text->text[ME_TEXT_NAME] =
			pick(daemon, known.by_since, known.n, flow->endpoint);
	ret_text->text[ME_TEXT_NAMES] = names->data;
	return true;
}
