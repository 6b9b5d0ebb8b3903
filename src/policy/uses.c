/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/uses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"

static int compare_names(const struct me_use *use, const char *service, const char *endpoint)
{
	int order = strcmp(use->service, service);

	return order ? order : strcmp(use->endpoint, endpoint);
}

static int compare(const void *left, const void *right)
{
	const struct me_use *other = right;

	return compare_names(left, other->service, other->endpoint);
}

static int reserve(struct me_uses *uses)
{
	size_t capacity = uses->capacity ? 2 * uses->capacity : 64;
	struct me_use *list;

	if (uses->n < uses->capacity)
		return 0;
	list = reallocarray(uses->list, capacity, sizeof(*list));
	if (!list)
		return -ENOMEM;
	uses->list = list;
	uses->capacity = capacity;
	return 0;
}

int me_uses_add(struct me_uses *uses, const struct me_use *use)
{
	_cleanup_free_ char *service = strdup(use->service);
	_cleanup_free_ char *endpoint = strdup(use->endpoint);
	_cleanup_free_ char *failing = use->failing ? strdup(use->failing) : NULL;

	if (!service || !endpoint || (use->failing && !failing) || reserve(uses))
		return -ENOMEM;
	uses->list[uses->n] = *use;
	uses->list[uses->n].service = me_steal_ptr(&service);
	uses->list[uses->n].endpoint = me_steal_ptr(&endpoint);
	uses->list[uses->n].failing = me_steal_ptr(&failing);
	uses->n++;
	return 0;
}

void me_uses_sort(struct me_uses *uses)
{
	if (uses->n)
		qsort(uses->list, uses->n, sizeof(*uses->list), compare);
}

const struct me_use *me_uses_find(const struct me_uses *uses, const char *service,
				  const char *endpoint)
{
	size_t from = 0, to = uses->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = compare_names(&uses->list[middle], service, endpoint);

		if (!order)
			return &uses->list[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

void me_uses_merge(struct me_uses *uses, const struct me_uses *older)
{
	for (size_t i = 0; i < uses->n; i++) {
		struct me_use *use = &uses->list[i];
		const struct me_use *before = me_uses_find(older, use->service, use->endpoint);

		if (!before)
			continue;
		if (before->since_ns < use->since_ns)
			use->since_ns = before->since_ns;
		if (before->attempt_ns > use->attempt_ns)
			use->attempt_ns = before->attempt_ns;
		if (before->success_ns > use->success_ns)
			use->success_ns = before->success_ns;
	}
}

void me_uses_clear(struct me_uses *uses)
{
	for (size_t i = 0; i < uses->n; i++) {
		free((void *)uses->list[i].service);
		free((void *)uses->list[i].endpoint);
		free((void *)uses->list[i].failing);
	}
	free(uses->list);
	*uses = (struct me_uses){0};
}
