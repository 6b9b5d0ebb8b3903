/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_BUILTIN_H
#define MEWATCH_POLICY_BUILTIN_H

/* The vendor profiles of vendor/gfi, which the build puts into the program. */
#include <stddef.h>

struct me_builtin_profile {
	const char *name; /* "mailessentials-2015" */
	const char *file; /* what diagnostics and `at` call it: "mailessentials-2015.yaml" */
	const char *text;
	size_t size;
};

extern const struct me_builtin_profile me_builtin_profiles[];
extern const size_t me_n_builtin_profiles;

#endif
