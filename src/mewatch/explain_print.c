/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/explained.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "policy/policy.h"

#define SHOWN 512 /* bytes of a path or a rule's name in the output */

static const char *shown(const char *text, char out[SHOWN])
{
	me_text_escape(out, SHOWN, text, strlen(text));
	return out;
}

/* "updates/engines (site.yaml:12)" */
static void add_rule(struct me_strbuf *out, const struct me_rule *rule)
{
	char slug[SHOWN], file[SHOWN];

	me_strbuf_addf(out, "%s (%s:%u)", shown(rule->slug, slug), shown(rule->at.file, file),
		       rule->at.line);
}

static void add_verdict(struct me_strbuf *out, const struct me_judgement *judgement)
{
	me_strbuf_adds(out, me_verdict_label(judgement->verdict));
	if (judgement->reason)
		me_strbuf_addf(out, " (%s)", me_reason_label(judgement->reason));
}

/* Whether the verdict needs a DNS answer: the name decides, and something else did before. */
static bool needs_answer(const struct me_explanation *e)
{
	return *e->query.name && e->judgement.endpoint != e->before.endpoint;
}

/* --- What is known ------------------------------------------------------------------------------ */

static void add_known(struct me_strbuf *out, const struct me_query *query,
		      const struct me_known_name *known)
{
	me_strbuf_addf(out, "  known     %s", *query->name ? known->address : known->name);
	if (known->target)
		me_strbuf_addf(out, " (%s)", known->target);
	me_strbuf_addf(out, ", from %s, since %s, until %s", known->server, known->since,
		       known->until);
	if (known->evidence != ME_EVIDENCE_LEARNED)
		me_strbuf_addf(out, ", %s",
			       known->evidence == ME_EVIDENCE_STALE ? "stale" : "over");
	me_strbuf_addc(out, '\n');
}

static void add_all_known(struct me_strbuf *out, const struct me_explained *explained)
{
	const struct me_known_names *known = &explained->known;
	const struct me_query *query = &explained->explanation.query;
	char socket[SHOWN];

	if (known->err)
		me_strbuf_addf(out, "  known     not asked: no daemon answers on %s (%s)\n",
			       shown(known->socket, socket), strerror(-known->err));
	else if (!known->n)
		me_strbuf_addf(out, "  known     nothing: the daemon has seen no DNS answer %s\n",
			       *query->name ? "for the name" : "that gave the address");
	for (size_t i = 0; i < known->n; i++)
		add_known(out, query, &known->list[i]);
	if (known->matched > known->n)
		me_strbuf_addf(out, "  and %llu more\n",
			       (unsigned long long)(known->matched - known->n));
}

/* --- Text --------------------------------------------------------------------------------------- */

/* Why the verdict is what it is, of an address that is allowed by a name: which one. */
static void add_why(struct me_strbuf *out, const struct me_explained *explained)
{
	if (explained->by)
		me_strbuf_addf(out, "a DNS answer gave the address to %s%s; ",
			       explained->named.query.name,
			       explained->by->evidence == ME_EVIDENCE_STALE
				       ? " (past its life, inside the grace)"
				       : "");
	me_explain_why(me_explained_last(explained), explained->policy, out);
}

/* What holds while no answer was seen; whether there is something to say. */
static bool add_before(struct me_strbuf *out, const struct me_explained *explained)
{
	const struct me_explanation *e = &explained->explanation;

	if (explained->by) {
		add_verdict(out, &e->judgement);
		me_strbuf_adds(out, ": ");
		me_explain_why(e, explained->policy, out);
		return true;
	}
	if (!needs_answer(e))
		return false;
	add_verdict(out, &e->before);
	me_strbuf_adds(out, ": ");
	me_explain_before(e, explained->policy, out);
	return true;
}

static void add_rule_lines(struct me_strbuf *out, const struct me_explanation *e)
{
	me_strbuf_adds(out, "  rule      ");
	add_rule(out, e->rule);
	me_strbuf_addf(out, "\n  endpoint  %s\n  evidence  %s\n", e->endpoint,
		       me_evidence_label(e->judgement.evidence));
}

/* "enforce, by updates/engines (site.yaml:12): denied" */
static void add_mode(struct me_strbuf *out, const struct me_explained *explained)
{
	static const char *const what[] = {
		[ME_ACTION_NONE] = "not denied",
		[ME_ACTION_WOULD_DENY] = "would be denied (shadow)",
		[ME_ACTION_DENIED] = "denied",
	};
	const struct me_explained_mode *mode = &explained->mode;

	me_strbuf_addf(out, "\n  mode      %s, ", me_mode_label(mode->mode));
	if (mode->said) {
		me_strbuf_adds(out, "as the daemon was told");
	} else if (mode->by) {
		me_strbuf_adds(out, "by ");
		add_rule(out, mode->by);
	} else {
		me_strbuf_adds(out, "by the policy");
	}
	me_strbuf_addf(out, ": %s", what[mode->action]);
	if (me_explained_last(explained)->judgement.verdict != ME_VIOLATION)
		me_strbuf_adds(out, mode->action == ME_ACTION_NONE
					    ? " while it is pending"
					    : " until an answer for the name was seen");
}

/* From where it is judged. */
static const char *whose(enum me_vantage vantage)
{
	return vantage == ME_TRANSIT ? "a mail host behind this machine"
				     : "a process of this machine";
}

int me_explained_print(const struct me_explained *explained)
{
	const struct me_explanation *e = me_explained_last(explained);
	_cleanup_strbuf_ struct me_strbuf out = {0}, before = {0};
	char text[ME_QUERY_LEN];

	me_query_format(&explained->explanation.query, text);
	me_strbuf_addf(&out, "%s: ", text);
	add_verdict(&out, &e->judgement);
	if (needs_answer(&explained->explanation))
		me_strbuf_adds(&out, " once an answer for the name was seen");
	me_strbuf_addf(&out, "\n  vantage   %s: %s\n  service   %s\n",
		       me_vantage_label(explained->vantage), whose(explained->vantage), e->service);
	if (e->rule)
		add_rule_lines(&out, e);
	me_strbuf_adds(&out, "  why       ");
	add_why(&out, explained);
	if (add_before(&before, explained) && !before.err)
		me_strbuf_addf(&out, "\n  before    %s", before.data);
	if (explained->mode.applies)
		add_mode(&out, explained);
	me_strbuf_addc(&out, '\n');
	for (size_t i = 0; i < e->n_others; i++) {
		me_strbuf_adds(&out, "  also      ");
		add_rule(&out, e->others[i].rule);
		me_strbuf_adds(&out, ": ");
		me_explain_other(e, explained->policy, &e->others[i], &out);
		me_strbuf_addc(&out, '\n');
	}
	if (e->n_untold)
		me_strbuf_addf(&out, "  and %zu more\n", e->n_untold);
	add_all_known(&out, explained);
	if (!out.err)
		fputs(out.data, stdout);
	return out.err;
}

/* --- JSON --------------------------------------------------------------------------------------- */

/* A text that may hold any byte; NULL becomes null. */
static json_t *json_text(const char *text)
{
	char safe[SHOWN];

	return text ? json_string(shown(text, safe)) : json_null();
}

static json_t *json_place(const struct me_rule *rule)
{
	char file[SHOWN];

	return rule ? json_sprintf("%s:%u", shown(rule->at.file, file), rule->at.line)
		    : json_null();
}

static json_t *json_strbuf(struct me_strbuf *text)
{
	json_t *json = text->err ? NULL : json_string(text->data);

	me_strbuf_free(text);
	return json;
}

static json_t *json_other(const struct me_explained *explained, const struct me_explanation *e,
			  const struct me_other *other)
{
	struct me_strbuf why = {0};

	me_explain_other(e, explained->policy, other, &why);
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "role", me_role_label(other->role), "rule",
			 json_text(other->rule->slug), "at", json_place(other->rule), "to",
			 json_text(other->to->text), "why", json_strbuf(&why));
}

static json_t *json_before(const struct me_explained *explained)
{
	const struct me_explanation *e = &explained->explanation;
	const struct me_judgement *before = explained->by ? &e->judgement : &e->before;
	struct me_strbuf why = {0};

	if (explained->by)
		me_explain_why(e, explained->policy, &why);
	else if (*e->query.name)
		me_explain_before(e, explained->policy, &why);
	else
		return json_null();
	return json_pack("{s:s, s:s, s:o}", "verdict", me_verdict_label(before->verdict), "reason",
			 me_reason_label(before->reason), "why", json_strbuf(&why));
}

static json_t *json_known(const struct me_known_name *known)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s}", "name", known->name, "address",
			 known->address, "server", known->server, "since", known->since, "until",
			 known->until, "target", known->target, "evidence",
			 me_evidence_label(known->evidence));
}

/* null: nobody was asked. */
static json_t *json_all_known(const struct me_known_names *known)
{
	json_t *array = known->err ? json_null() : json_array();

	for (size_t i = 0; i < known->n; i++)
		if (json_array_append_new(array, json_known(&known->list[i]))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

int me_explained_print_json(const struct me_explained *explained)
{
	const struct me_explanation *e = me_explained_last(explained);
	json_t *others = json_array(), *root;
	struct me_strbuf why = {0};
	char text[ME_QUERY_LEN];
	int err = 0;

	me_query_format(&explained->explanation.query, text);
	add_why(&why, explained);
	for (size_t i = 0; i < e->n_others; i++)
		err |= json_array_append_new(others, json_other(explained, e, &e->others[i]));
	root = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:I, "
		"s:o, s:s, s:o, s:s}",
		"destination", text, "vantage", me_vantage_label(explained->vantage), "verdict",
		me_verdict_label(e->judgement.verdict), "reason",
		me_reason_label(e->judgement.reason), "service", e->service, "rule",
		json_text(e->rule ? e->rule->slug : NULL), "at", json_place(e->rule), "endpoint",
		json_text(e->endpoint), "evidence", me_evidence_label(e->judgement.evidence),
		"retired", e->rule && e->rule->retired, "why", json_strbuf(&why), "before",
		json_before(explained), "also", others, "untold", (json_int_t)e->n_untold, "known",
		json_all_known(&explained->known), "mode", me_mode_label(explained->mode.mode),
		"mode_rule", json_text(explained->mode.by ? explained->mode.by->slug : NULL),
		"action", me_action_label(explained->mode.action));
	if (!root || err || json_dumpf(root, stdout, JSON_INDENT(2)) < 0)
		err = -ENOMEM;
	else
		putchar('\n');
	json_decref(root);
	return err;
}
