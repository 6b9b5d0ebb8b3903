/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cache of answers over restarts: `names` in the state folder, one JSON object a line, times
 * since the epoch, because CLOCK_MONOTONIC begins anew with the machine.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/inet.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "ledger/answers.h"
#include "mewatch/daemon.h"
#include "policy/policy.h"

#define FILE_NAME "names"
#define FILE_MAX (256u << 20)

static void file_path(const struct me_daemon *daemon, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", daemon->options.state, FILE_NAME);
}

/* A time of the file in CLOCK_MONOTONIC; 0: before this machine started, or in no range. */
static uint64_t time_in(const struct me_daemon *daemon, uint64_t epoch_ns)
{
	uint64_t zero = me_ledger_epoch(daemon->ledger, 1) - 1;

	return epoch_ns > zero ? epoch_ns - zero : 0;
}

static int load_line(struct me_daemon *daemon, const char *line, size_t length)
{
	json_t *object = json_loadb(line, length, 0, NULL);
	const char *name, *target = NULL, *address, *server;
	json_int_t since, last, until, count;
	struct me_answer answer;
	int err = -EINVAL;

	if (object &&
	    !json_unpack(object, "{s:s, s?s, s:s, s:s, s:I, s:I, s:I, s:I}", "name", &name,
			 "target", &target, "address", &address, "server", &server, "since", &since,
			 "last", &last, "until", &until, "count", &count) &&
	    strlen(name) < ME_NAME_TEXT_MAX && !me_inet_parse(address, answer.address.byte) &&
	    !me_inet_parse(server, answer.server.byte)) {
		answer.name = name;
		answer.target = target;
		answer.since_ns = time_in(daemon, (uint64_t)since);
		answer.last_ns = time_in(daemon, (uint64_t)last);
		answer.until_ns = time_in(daemon, (uint64_t)until);
		answer.count = (uint64_t)count;
		err = me_answers_add(me_ledger_answers(daemon->ledger), &answer);
	}
	json_decref(object);
	return err;
}

void me_daemon_names_load(struct me_daemon *daemon)
{
	_cleanup_free_ char *text = NULL;
	char path[4096];
	size_t length, damaged = 0;
	int err;

	if (!daemon->options.state)
		return;
	file_path(daemon, path, sizeof(path));
	err = me_file_read(path, FILE_MAX, &text, &length);
	if (err && err != -ENOENT)
		me_log_warning("%s: the names of before are not known: %s", path, strerror(-err));
	if (err)
		return;
	for (char *line = text; line < text + length;) {
		size_t size = strcspn(line, "\n");

		if (load_line(daemon, line, size))
			damaged++;
		line += size + 1;
	}
	if (damaged)
		me_log_warning("%s: %zu lines are no names and were passed over", path, damaged);
}

static int save_line(const struct me_daemon *daemon, const struct me_answer *answer,
		     struct me_strbuf *out)
{
	const struct me_ledger *ledger = daemon->ledger;
	char address[ME_INET_LEN], server[ME_INET_LEN], *line;
	json_t *object;

	me_inet_format(answer->address.byte, address);
	me_inet_format(answer->server.byte, server);
	object = json_pack("{s:s, s:s*, s:s, s:s, s:I, s:I, s:I, s:I}", "name", answer->name,
			   "target", answer->target, "address", address, "server", server, "since",
			   (json_int_t)me_ledger_epoch(ledger, answer->since_ns), "last",
			   (json_int_t)me_ledger_epoch(ledger, answer->last_ns), "until",
			   (json_int_t)me_ledger_epoch(ledger, answer->until_ns), "count",
			   (json_int_t)answer->count);
	line = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!line)
		return -ENOMEM;
	me_strbuf_adds(out, line);
	me_strbuf_addc(out, '\n');
	free(line);
	return out->err;
}

void me_daemon_names_save(const struct me_daemon *daemon)
{
	const struct me_answers *answers = me_ledger_answers(daemon->ledger);
	_cleanup_strbuf_ struct me_strbuf out = {};
	const struct me_answer *answer;
	char path[4096];
	size_t cursor = 0;
	int err = 0;

	if (!daemon->options.state)
		return;
	while (!err && (answer = me_answers_next(answers, &cursor)))
		err = save_line(daemon, answer, &out);
	file_path(daemon, path, sizeof(path));
	if (!err)
		err = me_file_write_atomic(path, out.data ? out.data : "", out.len, 0640);
	if (err)
		me_log_warning("%s: cannot be written: %s", path, strerror(-err));
}
