/* SPDX-License-Identifier: GPL-2.0-only */
/* What `mewatch doctor` found, as text and as JSON. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include "mewatch/doctor.h"

static const struct {
	const char *label;
	char mark;
} healths[] = {
#define ME_HEALTH_ROW(constant, text, sign) [constant] = {text, sign},
	ME_HEALTHS(ME_HEALTH_ROW)
#undef ME_HEALTH_ROW
};

/* Columns: mark, check, text; the remedy below the text. */
int me_doctor_print(const struct me_doctor *doctor)
{
	size_t warnings = doctor->count[ME_HEALTH_WARNING];
	size_t failures = doctor->count[ME_HEALTH_FAILURE];

	for (size_t i = 0; i < doctor->n; i++) {
		const struct me_doctor_line *line = &doctor->line[i];

		printf("%c %-12s  %s\n", healths[line->health].mark, line->check, line->text);
		if (*line->remedy)
			printf("%16s-> %s\n", "", line->remedy);
	}
	if (doctor->dropped)
		printf("and %zu more\n", doctor->dropped);
	printf("%zu good, %zu warning%s, %zu failure%s\n", doctor->count[ME_HEALTH_GOOD], warnings,
	       warnings == 1 ? "" : "s", failures, failures == 1 ? "" : "s");
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

int me_doctor_print_json(const struct me_doctor *doctor)
{
	json_t *list = json_array(), *root;
	int err = 0;

	for (size_t i = 0; i < doctor->n && !err; i++) {
		const struct me_doctor_line *line = &doctor->line[i];

		err = json_array_append_new(list,
					    json_pack("{s:s, s:s, s:s, s:s}", "check", line->check,
						      "result", healths[line->health].label, "text",
						      line->text, "remedy", line->remedy));
	}
	root = json_pack("{s:o, s:I, s:I, s:I, s:I}", "checks", list, "good",
			 (json_int_t)doctor->count[ME_HEALTH_GOOD], "warnings",
			 (json_int_t)doctor->count[ME_HEALTH_WARNING], "failures",
			 (json_int_t)doctor->count[ME_HEALTH_FAILURE], "dropped",
			 (json_int_t)doctor->dropped);
	if (err || !root) {
		json_decref(root);
		return -ENOMEM;
	}
	err = json_dumpf(root, stdout, JSON_INDENT(2));
	json_decref(root);
	putchar('\n');
	return err || fflush(stdout) ? -EIO : 0;
}
