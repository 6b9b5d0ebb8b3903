/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/command.h"

#include <errno.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/in6.h>
#include "base/log.h"
#include "base/text.h"
#include "mewatch/here.h"
#include "policy/diagnostics.h"
#include "policy/explain.h"
#include "policy/registry.h"

#define SHOWN 512 /* bytes of a path or a rule's name in the output */

static const char usage[] =
	"usage: mewatch explain [-c FILE] [--json] DEST\n"
	"DEST is NAME:PORT/PROTOCOL, IPv4:PORT/PROTOCOL, [IPv6]:PORT/PROTOCOL or "
	"ADDRESS/icmp; tcp without PROTOCOL\n";

static const char *shown(const char *text, char out[SHOWN])
{
	me_text_escape(out, SHOWN, text, strlen(text));
	return out;
}

/* Whether the address is one of this network namespace. -errno if they cannot be listed. */
static int is_own(const struct me_addr *address)
{
	struct ifaddrs *all;
	int own = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *a = all; a && !own; a = a->ifa_next) {
		struct me_addr one;

		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET) {
			const struct sockaddr_in *in = (const void *)a->ifa_addr;

			one = me_addr_v4(in->sin_addr.s_addr);
		} else if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET6) {
			const struct sockaddr_in6 *in6 = (const void *)a->ifa_addr;

			memcpy(one.byte, &in6->sin6_addr, sizeof(one.byte));
		} else {
			continue;
		}
		own = me_addr_equal(&one, address);
	}
	freeifaddrs(all);
	return own;
}

/* Everything that an answer is made of. */
struct session {
	struct me_diagnostics diagnostics;
	struct me_policy *policy;
	struct me_registry *registry;
	struct me_image *image;
	struct me_explanation explanation;
};

static void session_end(struct session *session)
{
	me_image_free(&session->image);
	me_registry_free(&session->registry);
	me_policy_free(&session->policy);
	me_diagnostics_clear(&session->diagnostics);
}

static int explain(struct session *session, const struct me_here_request *request,
		   const struct me_query *query)
{
	struct me_here here;
	int own = *query->name ? 0 : is_own(&query->address);
	int err = own < 0 ? own : 0;

	me_here_read(&here);
	if (!err)
		err = me_policy_load(request->path, NULL, &session->diagnostics, &session->policy);
	if (!err) {
		session->registry = me_registry_new();
		err = session->registry ? 0 : -ENOMEM;
	}
	if (!err)
		err = me_compile(session->policy, &here.environment, session->registry, 1,
				 &session->diagnostics, &session->image);
	if (!err)
		err = me_explain(session->policy, &here.environment, session->image,
				 session->registry, query, own, &session->explanation);
	return err;
}

static void log_failure(const struct session *session, int err)
{
	for (size_t i = 0; i < session->diagnostics.count; i++) {
		const struct me_diagnostic *d = &session->diagnostics.list[i];
		char file[SHOWN];

		if (d->severity != ME_ERROR)
			continue;
		if (d->at.line)
			me_log_error("%s:%u:%u: %s", shown(d->at.file, file), d->at.line,
				     d->at.column, d->text);
		else
			me_log_error("%s", d->text);
	}
	if (!session->diagnostics.errors)
		me_log_error("cannot explain: %s", strerror(-err));
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

static int print_text(const struct session *session)
{
	const struct me_explanation *e = &session->explanation;
	_cleanup_strbuf_ struct me_strbuf out = {0};
	char text[ME_QUERY_LEN];

	me_query_format(&e->query, text);
	me_strbuf_addf(&out, "%s: ", text);
	add_verdict(&out, &e->judgement);
	if (*e->query.name && e->judgement.endpoint != e->before.endpoint)
		me_strbuf_adds(&out, " once an answer for the name was seen");
	me_strbuf_addf(&out, "\n  service   %s\n", e->service);
	if (e->rule) {
		me_strbuf_adds(&out, "  rule      ");
		add_rule(&out, e->rule);
		me_strbuf_addf(&out, "\n  endpoint  %s\n  evidence  %s\n", e->endpoint,
			       me_evidence_label(e->judgement.evidence));
	}
	me_strbuf_adds(&out, "  why       ");
	me_explain_why(e, session->policy, &out);
	if (*e->query.name && e->judgement.endpoint != e->before.endpoint) {
		me_strbuf_adds(&out, "\n  before    ");
		add_verdict(&out, &e->before);
		me_strbuf_adds(&out, ": ");
		me_explain_before(e, session->policy, &out);
	}
	me_strbuf_addc(&out, '\n');
	for (size_t i = 0; i < e->n_others; i++) {
		me_strbuf_adds(&out, "  also      ");
		add_rule(&out, e->others[i].rule);
		me_strbuf_adds(&out, ": ");
		me_explain_other(e, session->policy, &e->others[i], &out);
		me_strbuf_addc(&out, '\n');
	}
	if (e->n_untold)
		me_strbuf_addf(&out, "  and %zu more\n", e->n_untold);
	if (!out.err)
		fputs(out.data, stdout);
	return out.err;
}

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

static json_t *json_other(const struct session *session, const struct me_other *other)
{
	struct me_strbuf why = {0};

	me_explain_other(&session->explanation, session->policy, other, &why);
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "role", me_role_label(other->role), "rule",
			 json_text(other->rule->slug), "at", json_place(other->rule), "to",
			 json_text(other->to->text), "why", json_strbuf(&why));
}

static json_t *json_before(const struct session *session)
{
	const struct me_explanation *e = &session->explanation;
	struct me_strbuf why = {0};

	if (!*e->query.name)
		return json_null();
	me_explain_before(e, session->policy, &why);
	return json_pack("{s:s, s:s, s:o}", "verdict", me_verdict_label(e->before.verdict),
			 "reason", me_reason_label(e->before.reason), "why", json_strbuf(&why));
}

static int print_json(const struct session *session)
{
	const struct me_explanation *e = &session->explanation;
	json_t *others = json_array(), *root;
	struct me_strbuf why = {0};
	char text[ME_QUERY_LEN];
	int err = 0;

	me_query_format(&e->query, text);
	me_explain_why(e, session->policy, &why);
	for (size_t i = 0; i < e->n_others; i++)
		err |= json_array_append_new(others, json_other(session, &e->others[i]));
	root = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:I}",
			 "destination", text, "verdict", me_verdict_label(e->judgement.verdict),
			 "reason", me_reason_label(e->judgement.reason), "service", e->service,
			 "rule", json_text(e->rule ? e->rule->slug : NULL), "at",
			 json_place(e->rule), "endpoint", json_text(e->endpoint), "evidence",
			 me_evidence_label(e->judgement.evidence), "retired",
			 e->rule && e->rule->retired, "why", json_strbuf(&why), "before",
			 json_before(session), "also", others, "untold", (json_int_t)e->n_untold);
	if (!root || err || json_dumpf(root, stdout, JSON_INDENT(2)) < 0)
		err = -ENOMEM;
	else
		putchar('\n');
	json_decref(root);
	return err;
}

/* mewatch explain: the verdict on one destination, which rule decides, and why. */
int me_cmd_explain(int argc, char **argv)
{
	_cleanup_(session_end) struct session session = {0};
	struct me_here_request request;
	int code = me_here_options(argc, argv, usage, true, &request);
	struct me_query query;
	const char *expected;
	char destination[SHOWN];
	int err;

	if (code >= 0)
		return code;
	if (me_query_parse(request.argument, &query, &expected) < 0) {
		me_log_error("`%s`: expected %s", shown(request.argument, destination), expected);
		return ME_EXIT_USAGE;
	}
	err = explain(&session, &request, &query);
	if (!err)
		err = request.json ? print_json(&session) : print_text(&session);
	if (err) {
		log_failure(&session, err);
		return ME_EXIT_USAGE;
	}
	return session.explanation.judgement.verdict <= ME_LOCAL ? ME_EXIT_OK : ME_EXIT_FINDINGS;
}
