/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/uses_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "policy/uses.h"

#define FILE_MAX (512u << 20)

static int file_path(const char *state, char **ret_path)
{
	if (asprintf(ret_path, "%s/%s", state, ME_USES_FILE) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* 0, -EINVAL (it is none) or -ENOMEM. */
static int read_line(const char *line, size_t length, struct me_uses *uses)
{
	json_t *object = json_loadb(line, length, 0, NULL);
	json_int_t since, attempt, success;
	const char *service, *endpoint, *failing = NULL;
	int overdue = 0;
	int err = -EINVAL;

	if (object &&
	    !json_unpack(object, "{s:s, s:s, s:I, s:I, s:I, s?b, s?s}", "service", &service,
			 "endpoint", &endpoint, "since", &since, "attempt", &attempt, "success",
			 &success, "overdue", &overdue, "failing", &failing) &&
	    since > 0 && attempt >= 0 && success >= 0)
		err = me_uses_add(uses, &(struct me_use){
						.service = service,
						.endpoint = endpoint,
						.since_ns = (uint64_t)since,
						.attempt_ns = (uint64_t)attempt,
						.success_ns = (uint64_t)success,
						.overdue = overdue,
						.failing = failing,
					});
	json_decref(object);
	return err;
}

int me_uses_read(const char *state, struct me_uses *ret_uses, size_t *ret_damaged)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_uses_ struct me_uses uses = {0};
	size_t length, damaged = 0;
	int err = file_path(state, &path);

	if (!err)
		err = me_file_read(path, FILE_MAX, &text, &length);
	if (err)
		return err;
	for (char *line = text; line < text + length;) {
		size_t size = strcspn(line, "\n");

		err = read_line(line, size, &uses);
		if (err == -ENOMEM)
			return err;
		damaged += err != 0;
		line += size + 1;
	}
	me_uses_sort(&uses);
	*ret_uses = uses;
	*ret_damaged = damaged;
	uses = (struct me_uses){0};
	return 0;
}

static int add_line(const struct me_use *use, struct me_strbuf *out)
{
	json_t *object =
		json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:s*}", "service", use->service,
			  "endpoint", use->endpoint, "since", (json_int_t)use->since_ns, "attempt",
			  (json_int_t)use->attempt_ns, "success", (json_int_t)use->success_ns,
			  "overdue", use->overdue, "failing", use->failing);
	_cleanup_free_ char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!line)
		return -ENOMEM;
	me_strbuf_adds(out, line);
	me_strbuf_addc(out, '\n');
	return out->err;
}

int me_uses_write(const char *state, const struct me_uses *uses)
{
	_cleanup_strbuf_ struct me_strbuf out = {0};
	_cleanup_free_ char *path = NULL;
	int err = file_path(state, &path);

	for (size_t i = 0; !err && i < uses->n; i++)
		err = add_line(&uses->list[i], &out);
	if (err)
		return err;
	return me_file_write_atomic(path, out.data ? out.data : "", out.len, 0640);
}
