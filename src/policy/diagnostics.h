/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_DIAGNOSTICS_H
#define MEWATCH_POLICY_DIAGNOSTICS_H

/* What is wrong with a policy, all of it in one run, each with its place. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/cleanup.h"
#include "policy/policy.h"

enum me_severity {
	ME_NOTE,    /* worth knowing; exit 0 */
	ME_FINDING, /* the linter's; exit 1 */
	ME_ERROR,   /* cannot be used; exit 2 */
};

struct me_diagnostic {
	enum me_severity severity;
	struct me_place at; /* file NULL: no place; a copy owned by the list */
	const char *kind;   /* a stable word: "unknown-key", "host-bits", "shadowed" … ; static */
	const char *text;   /* what was found and what was expected, one line; owned by the list */
};

struct me_diagnostics {
	struct me_diagnostic *list;
	size_t count;
	size_t errors;   /* dropped ones included */
	size_t findings; /* dropped ones included */
	size_t dropped;  /* beyond ME_POLICY_ERRORS_MAX, or without memory */
};

/*
 * Adds one. It counts in `errors` or `findings` in any case, and in `dropped` beyond the limit or
 * without memory. `at` may be NULL; its line 0 means the whole file.
 */
void me_diagnostics_add(struct me_diagnostics *diagnostics, enum me_severity severity,
			const struct me_place *at, const char *kind, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void me_diagnostics_addv(struct me_diagnostics *diagnostics, enum me_severity severity,
			 const struct me_place *at, const char *kind, const char *format,
			 va_list arguments) __attribute__((format(printf, 5, 0)));

/* Whether no further one would be told: costly suggestions are not worth making any more. */
bool me_diagnostics_full(const struct me_diagnostics *diagnostics);

/* Orders them by file, line and column; the order of adding decides between equals. */
void me_diagnostics_sort(struct me_diagnostics *diagnostics);

/* "error", "finding" or "note". */
const char *me_severity_label(enum me_severity severity);

/* Releases what the list holds; it may be used again. */
void me_diagnostics_clear(struct me_diagnostics *diagnostics);
#define _cleanup_diagnostics_ _cleanup_(me_diagnostics_clear)

#endif
