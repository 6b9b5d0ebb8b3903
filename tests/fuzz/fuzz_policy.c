/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes are a policy or errors, never harm; what is accepted can be linted. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "policy/lint.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct me_policy *policy)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];

		if (!rule->service || !rule->slug || !rule->n_to || !rule->n_ports ||
		    !rule->at.file)
			abort();
		for (size_t j = 0; j < rule->n_to; j++) {
			if (!rule->to[j].text || rule->to[j].bits > 128)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	int err;

	/* The profile is asked for, so that no input makes the fuzzer read files. */
	err = me_policy_parse("fuzz.yaml", (const char *)data, size, ME_POLICY_PROFILE_DEFAULT,
			      &diagnostics, &policy);
	if (!err != (policy != NULL) || (err && !diagnostics.errors))
		abort();
	if (policy) {
		check_accepted(policy);
		me_lint(policy, 0, &diagnostics);
	}
	return 0;
}
