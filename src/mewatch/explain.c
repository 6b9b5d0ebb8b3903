/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/command.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/in6.h>
#include "base/log.h"
#include "base/text.h"
#include "mewatch/explained.h"
#include "mewatch/here.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/registry.h"

#define SHOWN 512 /* bytes of a path in the output */

static const char usage[] =
	"usage: mewatch explain [-c FILE] [--socket PATH] [--transit] [--json] DEST\n"
	"--transit asks for a mail host behind this machine, which is meant anyway where the policy\n"
	"watches interfaces only.\n"
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
	struct me_here here;
	struct me_diagnostics diagnostics;
	struct me_policy *policy;
	struct me_registry *registry;
	struct me_image *image;
	struct me_explained explained;
};

static void session_end(struct session *session)
{
	me_known_names_free(&session->explained.known);
	me_image_free(&session->image);
	me_registry_free(&session->registry);
	me_policy_free(&session->policy);
	me_diagnostics_clear(&session->diagnostics);
}

static int explain_query(const struct session *session, const struct me_query *query, uint8_t flags,
			 struct me_explanation *ret_explanation)
{
	return me_explain(session->policy, &session->here.environment, session->image,
			  session->registry, query, flags, ret_explanation);
}

static int compile(struct session *session, const char *path)
{
	int err = me_policy_load(path, NULL, &session->diagnostics, &session->policy);

	me_here_read(&session->here);
	if (err)
		return err;
	session->registry = me_registry_new();
	if (!session->registry)
		return -ENOMEM;
	return me_compile(session->policy, &session->here.environment, session->registry, 1,
			  &session->diagnostics, &session->image);
}

/* Judges an address again, by the names that the daemon has learned for it. */
static int apply_names(struct session *session)
{
	struct me_explained *explained = &session->explained;
	struct me_explanation *e = &explained->explanation;
	struct me_query named = e->query;
	struct me_judgement judgement;
	int err;

	if (*e->query.name || e->judgement.service == ME_SERVICE_LINK || !explained->known.n)
		return 0;
	me_known_names_judge(&explained->known, session->image, &e->query, e->flags, &judgement,
			     &explained->by);
	if (!explained->by) {
		/* Another reason, perhaps: what it was learned for is not allowed on this port. */
		if (!judgement.endpoint)
			e->judgement = judgement;
		return 0;
	}
	snprintf(named.name, sizeof(named.name), "%s", explained->by->name);
	err = explain_query(session, &named, e->flags & (uint8_t)~ME_FACT_OWN, &explained->named);
	explained->named.judgement.evidence = judgement.evidence;
	return err;
}

/* Where nothing of this machine is watched, it is asked for those behind it. */
static enum me_vantage choose_vantage(const struct me_policy *policy, bool transit)
{
	return transit || (policy->n_interfaces && !policy->n_cgroups) ? ME_TRANSIT : ME_HOST;
}

/*
 * What the judge is told besides: flags of me_facts, or a negative errno. On the wire nobody knows
 * which program asks, so the recursive resolver may be any that asks.
 */
static int find_flags(const struct me_policy *policy, enum me_vantage vantage,
		      const struct me_query *query)
{
	bool recursive = policy->resolvers.kind == ME_RESOLVERS_RECURSIVE && query->port == 53;
	int own;

	if (vantage == ME_TRANSIT)
		return (int)(ME_FACT_WIRE | (recursive ? ME_FACT_RECURSIVE : 0));
	if (*query->name)
		return 0;
	own = is_own(&query->address);
	return own > 0 ? (int)ME_FACT_OWN : own;
}

static int explain(struct session *session, const struct me_here_request *request,
		   const struct me_query *query)
{
	struct me_explained *explained = &session->explained;
	int err = compile(session, request->path);
	int flags;

	if (err)
		return err;
	explained->vantage = choose_vantage(session->policy, request->transit);
	flags = find_flags(session->policy, explained->vantage, query);
	if (flags < 0)
		return flags;
	err = explain_query(session, query, (uint8_t)flags, &explained->explanation);
	if (!err)
		err = me_known_names_ask(request->socket, query, session->policy->limits.grace_ns,
					 session->here.environment.now_epoch_ns, &explained->known);
	if (!err)
		err = apply_names(session);
	explained->policy = session->policy;
	if (!err)
		me_explain_mode(explained, session->here.environment.now_epoch_ns);
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

/* mewatch explain: the verdict on one destination, which rule decides, and why. */
int me_cmd_explain(int argc, char **argv)
{
	_cleanup_(session_end) struct session session = {0};
	struct me_here_request request;
	int code = me_here_options(argc, argv, usage, true, &request);
	const struct me_explained *explained = &session.explained;
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
		err = request.json ? me_explained_print_json(explained)
				   : me_explained_print(explained);
	if (err) {
		log_failure(&session, err);
		return ME_EXIT_USAGE;
	}
	return me_explained_last(explained)->judgement.verdict <= ME_LOCAL ? ME_EXIT_OK
									   : ME_EXIT_FINDINGS;
}
