/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_FUZZ_CHECK_H
#define MEWATCH_TESTS_FUZZ_CHECK_H

/* What has to hold of any input. */
#include <stdio.h>
#include <stdlib.h>

#define check(holds)                                                                               \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);        \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
