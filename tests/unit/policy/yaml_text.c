/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "policy/lint.h"
#include "yaml_text.h"

struct me_policy *load_good(const char *text)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	struct me_policy *policy = NULL;
	int err = me_policy_parse(SITE, text, strlen(text), NULL, &diagnostics, &policy);

	for (size_t i = 0; i < diagnostics.count; i++)
		print_error("%s:%u:%u: %s\n", diagnostics.list[i].at.file,
			    diagnostics.list[i].at.line, diagnostics.list[i].at.column,
			    diagnostics.list[i].text);
	assert_int_equal(err, 0);
	assert_int_equal(diagnostics.errors, 0);
	assert_non_null(policy);
	return policy;
}

void list_diagnostics(struct me_diagnostics *diagnostics, enum me_severity severity,
		      struct me_strbuf *out)
{
	me_diagnostics_sort(diagnostics);
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct me_diagnostic *d = &diagnostics->list[i];

		if (d->severity != severity || !d->at.file || strcmp(d->at.file, SITE) != 0)
			continue;
		me_strbuf_addf(out, "%u:%u %s\n", d->at.line, d->at.column, d->kind);
		/* One line, whatever was in the file. */
		for (const char *c = d->text; *c; c++)
			assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
	}
	me_strbuf_adds(out, "");
	assert_int_equal(out->err, 0);
}

void assert_errors(const char *text, size_t size, const char *expected)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_strbuf_ struct me_strbuf found = {0};
	struct me_policy *policy = NULL;

	assert_int_equal(me_policy_parse(SITE, text, size, NULL, &diagnostics, &policy), -EINVAL);
	assert_null(policy);
	list_diagnostics(&diagnostics, ME_ERROR, &found);
	assert_string_equal(found.data ? found.data : "", expected);
}

void assert_lint(const char *text, uint64_t now_epoch_ns, const char *findings, const char *notes)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load_good(text);
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_strbuf_ struct me_strbuf found = {0}, noted = {0};

	assert_int_equal(me_lint(policy, now_epoch_ns, &diagnostics), 0);
	list_diagnostics(&diagnostics, ME_FINDING, &found);
	assert_string_equal(found.data ? found.data : "", findings);
	list_diagnostics(&diagnostics, ME_NOTE, &noted);
	assert_string_equal(noted.data ? noted.data : "", notes);
}

const struct me_rule *find_rule(const struct me_policy *policy, const char *slug)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		if (!strcmp(policy->rules[i].slug, slug))
			return &policy->rules[i];
	}
	fail_msg("no rule `%s`", slug);
	return NULL;
}
