/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/command.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "base/log.h"
#include "mewatch/offences.h"
#include "policy/suggest.h"

static const char usage[] =
	"usage: mewatch suggest [--socket PATH] [--any] [--json]\n"
	"       mewatch suggest --replay [-c FILE] [--profile P] [--host ADDR]… [--any] [--json] PCAP…\n"
	"Asks the running daemon for its confirmed violations, or finds those of captures, and prints\n"
	"the rules that would allow them, as a policy.\n"
	"\n"
	"      --socket PATH  of the daemon (" ME_DEFAULT_SOCKET ")\n"
	"      --replay       from captures; the other options are those of mewatch replay\n"
	"      --any          suggest `to: any` for ports with many destinations that have no name\n"
	"      --json         the same as one JSON object\n";

static const struct option options[] = {
	{"socket", required_argument, NULL, 's'},
	{"any", no_argument, NULL, 'a'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{},
};

/* What came, and what is said to it. */
struct session {
	const struct me_offences *offences;
	struct me_suggestions suggestions;
};

/* The offences of one suggestion, or those without one. */
static json_t *offences_json(const struct session *session, size_t at)
{
	json_t *list = json_array();

	for (size_t i = 0; i < session->offences->n; i++) {
		const struct me_offence *o = &session->offences->list[i];
		json_t *names = json_array();
		char address[ME_INET_LEN];

		for (size_t j = 0; j < o->n_names; j++)
			json_array_append_new(names, json_string(o->names[j].name));
		me_inet_format(o->dst.byte, address);
		if (session->suggestions.of[i] != at) {
			json_decref(names);
			continue;
		}
		json_array_append_new(
			list, json_pack("{s:s, s:i, s:i, s:s, s:I, s:s, s:s, s:o, s:s?}", "dst",
					address, "dport", (int)o->dport, "proto", (int)o->proto,
					"reason", me_reason_label(o->reason), "count",
					(json_int_t)o->count, "first", o->first, "last", o->last,
					"names", names, "not_because", me_suggest_refused(o)));
	}
	return list;
}

static json_t *suggestion_json(const struct session *session, size_t at)
{
	const struct me_suggestions *s = &session->suggestions;
	_cleanup_strbuf_ struct me_strbuf ports = {0}, risks = {0};

	me_suggest_ports(s, at, session->offences->list, session->offences->n, &ports);
	me_suggest_risks(s, at, session->offences->list, session->offences->n, &risks);
	if (ports.err || risks.err)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:o}", "service",
			 me_suggest_service(s, at, session->offences->list, session->offences->n),
			 "to", s->list[at].to, "ports", ports.data, "private",
			 me_suggest_private(s, at, session->offences->list, session->offences->n),
			 "risk", risks.data, "violations", offences_json(session, at));
}

static int print_json(const struct session *session)
{
	json_t *list = json_array(), *root;
	int err;

	for (size_t at = 0; at < session->suggestions.n; at++)
		json_array_append_new(list, suggestion_json(session, at));
	root = json_pack("{s:o, s:o}", "suggestions", list, "not_suggested",
			 offences_json(session, ME_NOT_SUGGESTED));
	err = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
	json_decref(root);
	putchar('\n');
	return err ? -EIO : 0;
}

static int print(const struct session *session)
{
	_cleanup_strbuf_ struct me_strbuf out = {0};

	me_suggest_print(&session->suggestions, session->offences->list, session->offences->n,
			 &out);
	if (out.err)
		return out.err;
	return fwrite(out.data, 1, out.len, stdout) == out.len && !fflush(stdout) ? 0 : -EIO;
}

int me_suggest_for(const struct me_offences *offences, bool any, bool json)
{
	struct session session = {.offences = offences};
	int err = me_suggest(offences->list, offences->n, any, &session.suggestions);

	if (!err)
		err = json ? print_json(&session) : print(&session);
	me_suggestions_free(&session.suggestions);
	return err;
}

/* Whether it is to be from captures: the options are those of a replay then. */
static bool is_of_replay(char **argv)
{
	for (; *argv; argv++)
		if (!strcmp(*argv, "--replay"))
			return true;
	return false;
}

/* mewatch suggest: the rules that would allow what the daemon has confirmed as violations. */
int me_cmd_suggest(int argc, char **argv)
{
	_cleanup_(me_offences_free) struct me_offences offences = {0};
	const char *socket = ME_DEFAULT_SOCKET;
	bool any = false, json = false;
	int option, err;

	if (is_of_replay(argv))
		return me_cmd_replay(argc, argv);
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 's':
			socket = optarg;
			break;
		case 'a':
			any = true;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return ME_EXIT_OK;
		default:
			return ME_EXIT_USAGE;
		}
	}
	if (argv[optind]) {
		fputs(usage, stderr);
		return ME_EXIT_USAGE;
	}
	err = me_offences_ask(socket, &offences);
	if (!err)
		err = me_suggest_for(&offences, any, json);
	if (err) {
		me_log_error("no suggestions from the daemon on the socket: %s", strerror(-err));
		return ME_EXIT_USAGE;
	}
	return ME_EXIT_OK;
}
