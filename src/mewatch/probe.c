/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "mewatch/here.h"
#include "mewatch/probed.h"
#include "policy/diagnostics.h"
#include "probe/probe.h"

#define TIMEOUT_DEFAULT (5 * ME_NS_PER_S)
#define TIMEOUT_MIN (100 * ME_NS_PER_MS)
#define TIMEOUT_MAX (60 * ME_NS_PER_S)
#define SHOWN 512 /* bytes of a path or an argument in a message */

static const char usage[] =
	"usage: mewatch probe [-c FILE] [--profile P] [--json] [--timeout 5s] [ENDPOINT…]\n"
	"Tries every endpoint of the policy from here: resolves it, connects, and has a TLS handshake\n"
	"(port 443), an HTTP HEAD (80), an FTP greeting (21). Through the proxy of the policy too.\n"
	"ENDPOINT is one of the policy, or a name or address that an entry of it covers.\n"
	"Exit 0: all work; 1: something does not.\n";

struct request {
	const char *path;    /* or NULL */
	const char *profile; /* or NULL */
	bool json;
	uint64_t timeout_ns;
	const char *const *endpoints;
	size_t n_endpoints;
};

/* Everything that an answer is made of. */
struct session {
	struct me_here here;
	struct me_diagnostics diagnostics;
	struct me_policy *policy;
	struct me_gate *gate;
	struct me_addr resolvers[ME_SYSTEM_RESOLVERS_MAX];
	struct me_probe_servers servers;
	struct me_probe_plan plan;
	struct me_probe probe;
};

static void session_end(struct session *session)
{
	me_probe_free(&session->probe);
	me_probe_plan_free(&session->plan);
	me_gate_free(&session->gate);
	me_policy_free(&session->policy);
	me_diagnostics_clear(&session->diagnostics);
}

static const char *shown(const char *text, char out[SHOWN])
{
	me_text_escape(out, SHOWN, text, strlen(text));
	return out;
}

static void log_errors(const struct me_diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct me_diagnostic *d = &diagnostics->list[i];
		char file[SHOWN];

		if (d->severity != ME_ERROR)
			continue;
		if (d->at.line)
			me_log_error("%s:%u:%u: %s", shown(d->at.file, file), d->at.line,
				     d->at.column, d->text);
		else
			me_log_error("%s", d->text);
	}
}

/* One that the policy lets be asked. */
static void add_resolver(struct session *session, const struct me_addr *address)
{
	const char *why;

	if (session->servers.n < ME_SYSTEM_RESOLVERS_MAX &&
	    me_gate_allows(session->gate, NULL, address, IPPROTO_UDP, 53, &why))
		session->resolvers[session->servers.n++] = *address;
}

/* Whom the programs here ask: a recursive resolver is asked over loopback. */
static void choose_resolvers(struct session *session)
{
	const struct me_resolvers *resolvers = &session->policy->resolvers;
	const struct me_system_list *system = &session->here.system.resolvers;

	session->servers.list = session->resolvers;
	for (size_t i = 0; i < resolvers->n_list; i++)
		add_resolver(session, &resolvers->list[i].address);
	for (size_t i = 0; resolvers->kind != ME_RESOLVERS_LIST && i < system->n; i++)
		add_resolver(session, &system->address[i]);
}

static int read_policy(struct session *session, const struct request *request)
{
	int err = me_policy_load(request->path, request->profile, &session->diagnostics,
				 &session->policy);

	me_here_read(&session->here);
	if (!err)
		err = me_gate_new(session->policy, &session->here.environment,
				  &session->diagnostics, &session->gate);
	if (!err)
		choose_resolvers(session);
	return err;
}

static int plan(struct session *session, const struct request *request)
{
	const char *unknown = "";
	char text[SHOWN];
	int err = me_probe_plan(session->policy, &session->servers,
				session->here.environment.now_epoch_ns, request->endpoints,
				request->n_endpoints, &session->plan, &unknown);

	if (err == -ENOENT)
		me_log_error("`%s`: the policy lists no such endpoint, nor one that covers it",
			     shown(unknown, text));
	else if (err == -E2BIG)
		me_log_error("more than %u endpoints and ports: name those that are meant",
			     ME_PROBE_TARGETS_MAX);
	else if (err)
		me_log_error("cannot probe: %s", strerror(-err));
	return err;
}

static int probe(struct session *session, const struct request *request)
{
	int err = read_policy(session, request);

	if (err) {
		log_errors(&session->diagnostics);
		if (!session->diagnostics.errors)
			me_log_error("cannot probe: %s", strerror(-err));
		return err;
	}
	err = plan(session, request);
	if (err)
		return err;
	session->probe = (struct me_probe){
		.policy = session->policy,
		.gate = session->gate,
		.plan = &session->plan,
		.resolvers = &session->servers,
		.timeout_ns = request->timeout_ns,
	};
	err = me_probe_run(&session->probe);
	if (err)
		me_log_error("cannot probe: %s", strerror(-err));
	return err;
}

static bool read_timeout(const char *text, uint64_t *ret_ns)
{
	char safe[SHOWN];
	uint64_t ns;

	if (me_clock_parse_duration(text, &ns) == 0 && ns >= TIMEOUT_MIN && ns <= TIMEOUT_MAX) {
		*ret_ns = ns;
		return true;
	}
	me_log_error("`%s`: expected a time from 100ms to 60s, such as 5s", shown(text, safe));
	return false;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct request *ret_request)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"profile", required_argument, NULL, 'p'},
		{"timeout", required_argument, NULL, 't'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	struct request request = {.timeout_ns = TIMEOUT_DEFAULT};
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			request.path = optarg;
			break;
		case 'p':
			request.profile = optarg;
			break;
		case 't':
			if (!read_timeout(optarg, &request.timeout_ns))
				return ME_EXIT_USAGE;
			break;
		case 'j':
			request.json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return ME_EXIT_OK;
		default:
			fputs(usage, stderr);
			return ME_EXIT_USAGE;
		}
	}
	request.path = me_here_policy(request.path);
	request.endpoints = (const char *const *)argv + optind;
	request.n_endpoints = (size_t)(argc - optind);
	*ret_request = request;
	return -1;
}

/* mewatch probe: tries every endpoint of the policy from here. */
int me_cmd_probe(int argc, char **argv)
{
	_cleanup_(session_end) struct session session = {0};
	struct request request;
	int err, code = read_options(argc, argv, &request);

	if (code >= 0)
		return code;
	if (probe(&session, &request))
		return ME_EXIT_USAGE;
	err = request.json ? me_probed_print_json(&session.probe) : me_probed_print(&session.probe);
	if (err) {
		me_log_error("cannot write the answer: %s", strerror(-err));
		return ME_EXIT_USAGE;
	}
	return session.probe.states[ME_PROBE_FAILS] ? ME_EXIT_FINDINGS : ME_EXIT_OK;
}
