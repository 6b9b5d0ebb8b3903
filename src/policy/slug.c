/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Letters in lower case, digits and "._*:-/" stay; whatever lies between becomes one "-". */
const char *me_rule_slug(struct me_reader *reader, const char *service, const char *what)
{
	size_t length = strlen(service);
	char *slug = me_read_alloc(reader, length + 1 + strlen(what) + 1, 1);
	bool gap = false;

	if (!slug)
		return NULL;
	memcpy(slug, service, length);
	slug[length++] = '/';
	for (const char *c = what; *c; c++) {
		char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;

		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._*:-/", lower)) {
			gap = true;
			continue;
		}
		if (gap && slug[length - 1] != '/')
			slug[length++] = '-';
		gap = false;
		slug[length++] = lower;
	}
	return slug;
}

/* By slug; equal ones in the order of the rules. */
static int compare(const void *left, const void *right)
{
	const struct me_rule *a = *(const struct me_rule *const *)left;
	const struct me_rule *b = *(const struct me_rule *const *)right;
	int order = strcmp(a->slug, b->slug);

	return order ? order : a < b ? -1 : a > b;
}

int me_rules_name_apart(struct me_reader *reader, struct me_rule *rules, size_t n)
{
	_cleanup_free_ struct me_rule **sorted = calloc(n + 1, sizeof(struct me_rule *));
	const char *slug = NULL;
	unsigned int same = 1;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &rules[i];
	qsort(sorted, n, sizeof(struct me_rule *), compare);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *numbered = NULL;

		if (!slug || strcmp(slug, sorted[i]->slug) != 0) {
			slug = sorted[i]->slug;
			same = 1;
			continue;
		}
		/* "#" is in no other slug: this one cannot meet another. */
		if (asprintf(&numbered, "%s#%u", slug, ++same) < 0) {
			numbered = NULL;
			return -ENOMEM;
		}
		sorted[i]->slug = me_read_copy(reader, numbered, strlen(numbered));
		if (!sorted[i]->slug)
			return -ENOMEM;
	}
	return 0;
}
