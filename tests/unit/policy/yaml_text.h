/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_POLICY_YAML_TEXT_H
#define TESTS_POLICY_YAML_TEXT_H

/* Policies as text, and what is said of them, for the tests of the language. */
#include "base/strbuf.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"

#define SITE "site.yaml"

/* Loads a site file called SITE; fails the test if it has errors. The caller frees the policy. */
struct me_policy *load_good(const char *text);

/*
 * The diagnostics of a severity in SITE as "LINE:COLUMN KIND" lines, in order.
 */
void list_diagnostics(struct me_diagnostics *diagnostics, enum me_severity severity,
		      struct me_strbuf *out);

/* Loads `text` and fails the test unless its errors are exactly `expected`, in that form. */
void assert_errors(const char *text, size_t size, const char *expected);

/* Loads and lints `text` at `now`; fails unless findings and notes of SITE are exactly these. */
void assert_lint(const char *text, uint64_t now_epoch_ns, const char *findings, const char *notes);

/* The rule with this slug; fails the test if there is none. */
const struct me_rule *find_rule(const struct me_policy *policy, const char *slug);

#endif
