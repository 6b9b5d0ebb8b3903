/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whatever the daemon answers those who ask it: `mewatch suggest` and `mewatch explain` say something, or
 * that it makes no sense. The input is the answers, with a line of "--" between.
 */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/strbuf.h"
#include "mewatch/known_names.h"
#include "mewatch/offences.h"
#include "policy/compile.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/registry.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the place of me_ask() (the linker's --wrap). */
int __wrap_me_ask(const char *socket, const char *path, struct me_strbuf *body);

static const char rules[] =
	"version: 1\n"
	"allow:\n"
	"  - {service: updates, name: site, to: [update.example.net, \"*.cdn.example.org\"],\n"
	"     ports: [tcp/443, tcp/80]}\n";

static struct me_image *image;
static const char *answers; /* what was not asked for yet */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	static struct me_policy *policy;
	static struct me_registry *registry;
	const struct me_environment environment = {0};

	registry = me_registry_new();
	check(!me_policy_parse("fuzz.yaml", rules, strlen(rules), ME_POLICY_PROFILE_DEFAULT,
			       &diagnostics, &policy));
	check(!me_compile(policy, &environment, registry, 1, &diagnostics, &image));
	return 0;
}

int __wrap_me_ask(const char *socket, const char *path, struct me_strbuf *body)
{
	const char *end = strstr(answers, "\n--\n");
	size_t n = end ? (size_t)(end - answers) : strlen(answers);

	check(path[0] == '/');
	for (const char *c = path; *c; c++)
		check((uint8_t)*c > ' ' && (uint8_t)*c < 0x7f);
	me_strbuf_add(body, answers, n);
	answers += end ? n + 4 : n;
	return body->err;
}

/* What goes to standard output, for the caller to free(). */
static char *suggest(const struct me_offences *offences, bool any, bool json)
{
	FILE *before = stdout;
	size_t length = 0;
	char *text = NULL;

	stdout = open_memstream(&text, &length);
	check(stdout);
	check(me_suggest_for(offences, any, json) >= 0);
	fclose(stdout);
	stdout = before;
	for (size_t i = 0; i < length; i++)
		check((uint8_t)text[i] >= ' ' || text[i] == '\n' || text[i] == '\t');
	return text;
}

/* What it suggests is a policy, by itself. */
static void check_suggested(const char *text)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	_cleanup_strbuf_ struct me_strbuf whole = {0};

	me_strbuf_adds(&whole, strstr(text, "\nversion:") || !strncmp(text, "version:", 8)
				       ? ""
				       : "version: 1\nallow:\n");
	me_strbuf_adds(&whole, text);
	if (!strstr(text, "- {") && !strstr(text, "- service"))
		return;
	check(!me_policy_parse("suggested.yaml", whole.data, whole.len, ME_POLICY_PROFILE_DEFAULT,
			       &diagnostics, &policy));
}

static void ask_offences(void)
{
	struct me_offences offences = {0};
	int err = me_offences_ask("socket", &offences);

	check(!err || err == -EPROTO);
	for (int any = 0; !err && any < 2; any++) {
		_cleanup_free_ char *text = suggest(&offences, any, false);
		_cleanup_free_ char *object = suggest(&offences, any, true);
		json_t *root = json_loads(object, JSON_REJECT_DUPLICATES, NULL);

		check(root);
		json_decref(root);
		check_suggested(text);
	}
	me_offences_free(&offences);
}

static void ask_names(void)
{
	const struct me_query query = {.name = "update.example.net", .port = 443, .proto = 6};
	const uint64_t now_ns = 1800000000ull * ME_NS_PER_S;
	const struct me_known_name *name = NULL;
	struct me_judgement judgement;
	struct me_known_names known;

	check(!me_known_names_ask("socket", &query, 60 * ME_NS_PER_S, now_ns, &known));
	check(!known.err || !known.n);
	me_known_names_judge(&known, image, &query, 0, &judgement, &name);
	check(!name || (name >= known.list && name < known.list + known.n));
	me_known_names_free(&known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);

	answers = text;
	ask_offences();
	answers = text;
	ask_names();
	return 0;
}
