/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/diagnostics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool me_diagnostics_full(const struct me_diagnostics *diagnostics)
{
	return diagnostics->count >= ME_POLICY_ERRORS_MAX;
}

static int __attribute__((format(printf, 3, 0)))
fill(struct me_diagnostic *d, const struct me_place *at, const char *format, va_list arguments)
{
	_cleanup_free_ char *file = NULL;
	char *text;

	if (at && at->file) {
		file = strdup(at->file);
		if (!file)
			return -1;
		d->at = *at;
	}
	if (vasprintf(&text, format, arguments) < 0)
		return -1;
	d->text = text;
	d->at.file = me_steal_ptr(&file);
	return 0;
}

void me_diagnostics_addv(struct me_diagnostics *diagnostics, enum me_severity severity,
			 const struct me_place *at, const char *kind, const char *format,
			 va_list arguments)
{
	struct me_diagnostic d = {.severity = severity, .kind = kind};

	diagnostics->errors += severity == ME_ERROR;
	diagnostics->findings += severity == ME_FINDING;
	if (!diagnostics->list)
		diagnostics->list = calloc(ME_POLICY_ERRORS_MAX, sizeof(*diagnostics->list));
	if (!diagnostics->list || me_diagnostics_full(diagnostics) ||
	    fill(&d, at, format, arguments) < 0) {
		diagnostics->dropped++;
		return;
	}
	diagnostics->list[diagnostics->count++] = d;
}

void me_diagnostics_add(struct me_diagnostics *diagnostics, enum me_severity severity,
			const struct me_place *at, const char *kind, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	me_diagnostics_addv(diagnostics, severity, at, kind, format, arguments);
	va_end(arguments);
}

static bool after(const struct me_place *a, const struct me_place *b)
{
	int files = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	if (files)
		return files > 0;
	return a->line != b->line ? a->line > b->line : a->column > b->column;
}

void me_diagnostics_sort(struct me_diagnostics *diagnostics)
{
	/* By insertion: it is stable, and there are ME_POLICY_ERRORS_MAX at the most. */
	for (size_t i = 1; i < diagnostics->count; i++) {
		struct me_diagnostic d = diagnostics->list[i];
		size_t j = i;

		for (; j > 0 && after(&diagnostics->list[j - 1].at, &d.at); j--)
			diagnostics->list[j] = diagnostics->list[j - 1];
		diagnostics->list[j] = d;
	}
}

const char *me_severity_label(enum me_severity severity)
{
	static const char *const label[] = {"note", "finding", "error"};

	return label[severity];
}

void me_diagnostics_clear(struct me_diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->count; i++) {
		free((void *)diagnostics->list[i].at.file);
		free((void *)diagnostics->list[i].text);
	}
	free(diagnostics->list);
	*diagnostics = (struct me_diagnostics){0};
}
