/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/command.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "policy/compile.h"
#include "mewatch/here.h"
#include "mewatch/uses_file.h"
#include "policy/lint.h"
#include "policy/policy.h"
#include "policy/registry.h"
#include "policy/uses.h"

#define PATH_SHOWN 512 /* bytes of a path in the output */

static const char usage[] =
	"usage: mewatch check [-c FILE] [--state DIR] [--json]\n"
	"With --state, the state folder of a daemon, also says which entries were never used, and which\n"
	"retired ones were.\n";

static const char *shown(const char *path, char out[PATH_SHOWN])
{
	me_text_escape(out, PATH_SHOWN, path, strlen(path));
	return out;
}

static size_t count(const struct me_diagnostics *diagnostics, enum me_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < diagnostics->count; i++)
		n += diagnostics->list[i].severity == severity;
	return n;
}

static void print_text(const struct me_here_request *request, const struct me_policy *policy,
		       const struct me_diagnostics *diagnostics)
{
	char path[PATH_SHOWN];

	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct me_diagnostic *d = &diagnostics->list[i];

		if (d->at.file)
			printf("%s:", shown(d->at.file, path));
		if (d->at.line)
			printf("%u:%u:", d->at.line, d->at.column);
		printf("%s%s: %s\n", d->at.file ? " " : "", me_severity_label(d->severity),
		       d->text);
	}
	if (diagnostics->dropped)
		printf("and %zu more\n", diagnostics->dropped);
	printf("%s: ", request->path ? shown(request->path, path) : "built-in policy");
	if (policy)
		printf("profile %s, %zu rules, ", shown(policy->profile, path), policy->n_rules);
	printf("%zu errors, %zu findings, %zu notes\n", diagnostics->errors, diagnostics->findings,
	       count(diagnostics, ME_NOTE));
}

/* A text that may hold any byte. */
static json_t *text(const char *bytes)
{
	char safe[PATH_SHOWN];

	return bytes ? json_string(shown(bytes, safe)) : json_null();
}

static json_t *diagnostic_json(const struct me_diagnostic *d)
{
	return json_pack("{s:s, s:o, s:i, s:i, s:s, s:s}", "severity",
			 me_severity_label(d->severity), "file", text(d->at.file), "line",
			 (int)d->at.line, "column", (int)d->at.column, "kind", d->kind, "text",
			 d->text);
}

static int print_json(const struct me_here_request *request, const struct me_policy *policy,
		      const struct me_diagnostics *diagnostics)
{
	json_t *list = json_array(), *root;
	int err;

	for (size_t i = 0; i < diagnostics->count; i++)
		json_array_append_new(list, diagnostic_json(&diagnostics->list[i]));
	root = json_pack(
		"{s:o, s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "file", text(request->path),
		"usable", !diagnostics->errors, "profile", text(policy ? policy->profile : NULL),
		"sha256", text(policy ? policy->sha256 : NULL), "rules",
		(json_int_t)(policy ? policy->n_rules : 0), "errors",
		(json_int_t)diagnostics->errors, "findings", (json_int_t)diagnostics->findings,
		"notes", (json_int_t)count(diagnostics, ME_NOTE), "dropped",
		(json_int_t)diagnostics->dropped, "diagnostics", list);
	err = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
	json_decref(root);
	if (err) {
		me_log_error("cannot write the answer");
		return -EIO;
	}
	putchar('\n');
	return 0;
}

/* Whether it fits into an image: limits that only the compiler knows, whatever the resolvers are. */
static int compile(const struct me_policy *policy, uint64_t now, struct me_diagnostics *diagnostics)
{
	const struct me_environment environment = {.now_epoch_ns = now};
	struct me_registry *registry = me_registry_new();
	struct me_image *image = NULL;
	int err = -ENOMEM;

	if (registry)
		err = me_compile(policy, &environment, registry, 1, diagnostics, &image);
	me_image_free(&image);
	me_registry_free(&registry);
	return err;
}

/* What the daemon's state says of the entries. False: it cannot be read, which is logged. */
static bool lint_state(const struct me_policy *policy, const char *state, uint64_t now,
		       struct me_diagnostics *diagnostics)
{
	_cleanup_uses_ struct me_uses uses = {0};
	char path[PATH_SHOWN];
	size_t damaged = 0;
	int err = me_uses_read(state, &uses, &damaged);

	if (err) {
		me_log_error("--state %s: `%s` cannot be read: %s", shown(state, path),
			     ME_USES_FILE, strerror(-err));
		return false;
	}
	if (damaged)
		me_log_warning("--state %s: %zu lines of `%s` were no use and are left out",
			       shown(state, path), damaged, ME_USES_FILE);
	me_lint_uses(policy, &uses, now, diagnostics);
	return true;
}

/* mewatch check: says everything that is wrong or odd in a policy. */
int me_cmd_check(int argc, char **argv)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	uint64_t now = me_clock_now(CLOCK_REALTIME);
	struct me_here_request request;
	int err, code = me_here_options(argc, argv, usage, false, &request);

	if (code >= 0)
		return code;
	err = me_policy_load(request.path, NULL, &diagnostics, &policy);
	if (!err)
		err = compile(policy, now, &diagnostics);
	if (err != -ENOMEM && policy)
		err = me_lint(policy, now, &diagnostics);
	if (err == -ENOMEM) {
		me_log_error("out of memory");
		return ME_EXIT_USAGE;
	}
	if (policy && request.state && !lint_state(policy, request.state, now, &diagnostics))
		return ME_EXIT_USAGE;
	me_diagnostics_sort(&diagnostics);
	if (!request.json)
		print_text(&request, policy, &diagnostics);
	else if (print_json(&request, policy, &diagnostics) < 0)
		return ME_EXIT_USAGE;
	if (diagnostics.errors)
		return ME_EXIT_USAGE;
	return diagnostics.findings ? ME_EXIT_FINDINGS : ME_EXIT_OK;
}
