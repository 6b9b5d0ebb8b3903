/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/troubles.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "kernel/netns.h"
#include "ledger/answers.h"
#include "ledger/requests.h"
#include "ledger/witness.h"
#include "mewatch/daemon.h"
#include "mewatch/recording.h"
#include "mewatch/surroundings.h"
#include "store/history.h"

#define PROBLEMS_MAX 10u /* as many as there are calls of add() below, and some */
#define PROBLEM_LEN 768u
#define PATH_LEN 512u

/* Label, where the number comes from, what was met, what to do about it. */
#define LIMIT_LIST(X)                                                                              \
	X("socket_storage", totals[ME_TOTAL_STORAGE_FAILED],                                       \
	  "sockets for which no storage could be had", "the machine is short of memory")           \
	X("processes", totals[ME_TOTAL_PROC_OVERFLOW],                                             \
	  "processes for which the process table had no room", "their programs are not named")     \
	X("own_addresses_unknown", totals[ME_TOTAL_OWN_UNKNOWN],                                   \
	  "sends from a network namespace whose addresses were not known yet", NULL)               \
	X("flows_shown", me_ledger_evicted(daemon->ledger),                                        \
	  "open flows that are not shown any more", "they are counted on")                         \
	X("texts", me_ledger_texts_refused(daemon->ledger),                                        \
	  "times that a name, path or program of a flow found no room",                            \
	  "the flow is shown without it")                                                          \
	X("http_connections", http_cut,                                                            \
	  "connections of clients that were ended for want of room, or of time", NULL)             \
	X("flows_before_start", daemon->preexisting_refused,                                       \
	  "flows that were open before the start and are not listed", "they are not judged")       \
	X("address_notices", netns.overruns,                                                       \
	  "notices of changed addresses that the kernel dropped", NULL)                            \
	X("address_lists", netns.sync_failed, "lists of own addresses that could not be read",     \
	  NULL)                                                                                    \
	X("names_remembered", me_answers_evicted(me_ledger_answers(daemon->ledger)),               \
	  "DNS answers that were forgotten before their time", NULL)                               \
	X("first_payloads", me_witness_lost(daemon->witness),                                      \
	  "flows whose client named somebody without being heard", NULL)                           \
	X("proxy_requests", me_requests_evicted(me_ledger_requests(daemon->ledger)),               \
	  "requests to the proxy that were forgotten before its flow was seen", NULL)              \
	X("dns_over_tcp", me_daemon_dns_lost(daemon),                                              \
	  "connections to resolvers that could not be followed", NULL)                             \
	X("packet_sockets", sweeps.packet_refused, "packet sockets that were not looked at",       \
	  "there are too many at a time")                                                          \
	X("held_sockets", sweeps.outside_refused,                                                  \
	  "looks at sockets of watched processes that were left out",                              \
	  "some of these may be from outside the watched cgroups, and their traffic not seen")     \
	X("history_details", history->dropped,                                                     \
	  "violations and events that the history has without details", "they are in its counts")  \
	X("history_counters", history->refused, "counters that the history could not go on with",  \
	  NULL)

#define COUNT_ONE(limit, hits, what, advice) +1
#define LIMITS (0 LIMIT_LIST(COUNT_ONE))

struct me_troubles {
	struct me_limit_hits limits[LIMITS];
	char text[PROBLEMS_MAX][PROBLEM_LEN];
	const char *problems[PROBLEMS_MAX];
	size_t n;
};

struct me_troubles *me_troubles_new(void)
{
	return calloc(1, sizeof(struct me_troubles));
}

void me_troubles_free(struct me_troubles **troubles)
{
	free(*troubles);
	*troubles = NULL;
}

__attribute__((format(printf, 2, 3))) static void add(struct me_troubles *troubles,
						      const char *format, ...)
{
	va_list args;

	if (troubles->n == PROBLEMS_MAX)
		return;
	va_start(args, format);
	vsnprintf(troubles->text[troubles->n], PROBLEM_LEN, format, args);
	va_end(args);
	troubles->problems[troubles->n] = troubles->text[troubles->n];
	troubles->n++;
}

static void add_file(struct me_troubles *troubles, const char *option, const char *path, int err,
		     const char *consequence)
{
	char escaped[PATH_LEN];

	if (!err)
		return;
	me_text_escape(escaped, sizeof(escaped), path, strlen(path));
	add(troubles, "%s %s: %s: %s", option, escaped, strerror(-err), consequence);
}

static void add_history(struct me_troubles *troubles, const struct me_history_status *history)
{
	char words[PATH_LEN];
	bool refused = history->state == ME_HISTORY_REFUSED;

	me_text_escape(words, sizeof(words), history->why, strlen(history->why));
	if (refused || history->state == ME_HISTORY_FAILING)
		add(troubles, "the history is not written: %s; %s", words,
		    refused ? "move the file away and reload"
			    : "what is counted meanwhile will stand in it late");
	if (!*history->aside)
		return;
	me_text_escape(words, sizeof(words), history->aside, strlen(history->aside));
	add(troubles, "a damaged history was moved to %s; the present one is new", words);
}

void me_troubles_read(struct me_troubles *troubles, const struct me_daemon *daemon, int textfile,
		      int events, uint64_t http_cut, struct me_status *status)
{
	const struct me_netns_stats netns = me_surroundings_netns(daemon->surroundings);
	const struct me_sweeps_stats sweeps = me_surroundings_sweeps(daemon->surroundings);
	const uint64_t *totals = me_ledger_totals(daemon->ledger);
	const struct me_history_status *history = me_history_status(me_recording_history(daemon));
#define PICK_LIMIT(limit, hits, what, advice) {limit, hits, what, advice},
	const struct me_limit_hits limits[] = {LIMIT_LIST(PICK_LIMIT)};
#undef PICK_LIMIT

	memcpy(troubles->limits, limits, sizeof(limits));
	troubles->n = 0;
	if (sweeps.outside_open)
		add(troubles,
		    "%zu sockets born outside the watched cgroups are used inside, and what they send "
		    "is not seen (%s)",
		    sweeps.outside_open, sweeps.last_outside);
	if (netns.unwatched)
		add(troubles,
		    "%zu network namespaces are in use and not watched (at most %u are): their own "
		    "addresses are not known",
		    netns.unwatched, ME_NETNS_MAX);
	if (netns.own_refused)
		add(troubles, "%zu own addresses are not known for want of room: they are judged",
		    netns.own_refused);
	add_file(troubles, "--textfile", daemon->options.textfile, textfile,
		 "the metrics there are old");
	add_file(troubles, "--events", daemon->options.events, events,
		 "not opened again, the old file is still written to");
	add_history(troubles, history);
	status->limits = troubles->limits;
	status->n_limits = LIMITS;
	status->problems = troubles->problems;
	status->n_problems = troubles->n;
}
