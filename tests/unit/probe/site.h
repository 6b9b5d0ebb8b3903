/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_PROBE_SITE_H
#define TESTS_PROBE_SITE_H

/* Policies for the tests of the probe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"

/* Loads a site file; fails the test if it has errors. The caller frees the policy. */
static inline struct me_policy *load_site(const char *text)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	struct me_policy *policy = NULL;
	int err = me_policy_parse("site.yaml", text, strlen(text), "mailessentials-14",
				  &diagnostics, &policy);

	for (size_t i = 0; err && i < diagnostics.count; i++)
		print_message("%u: %s\n", diagnostics.list[i].at.line, diagnostics.list[i].text);
	assert_int_equal(err, 0);
	return policy;
}

static inline struct me_addr address_of(const char *text)
{
	struct me_addr address;

	assert_int_equal(me_inet_parse(text, address.byte), 0);
	return address;
}

#endif
