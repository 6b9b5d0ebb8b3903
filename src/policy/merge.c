/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "policy/endpoint.h"

/* One destination of one rule of the profile, and what the site file says of it. */
struct entry {
	const char *text;
	const struct me_node *removed;
	const struct me_node *overridden;
};

struct entries {
	struct entry *all;     /* in the order of the rules */
	struct entry **sorted; /* by text */
	size_t n;
};

static int compare(const void *left, const void *right)
{
	const struct entry *a = *(const struct entry *const *)left;
	const struct entry *b = *(const struct entry *const *)right;

	return strcmp(a->text, b->text);
}

static void entries_free(struct entries *entries)
{
	free(entries->all);
	free(entries->sorted);
}

static int entries_fill(struct entries *entries, const struct me_rules *profile)
{
	size_t n = 0;

	for (size_t i = 0; i < profile->n; i++)
		n += profile->list[i].n_to;
	entries->all = calloc(n + 1, sizeof(*entries->all));
	entries->sorted = calloc(n + 1, sizeof(struct entry *));
	if (!entries->all || !entries->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < profile->n; i++) {
		for (size_t j = 0; j < profile->list[i].n_to; j++) {
			entries->all[entries->n].text = profile->list[i].to[j].text;
			entries->sorted[entries->n] = &entries->all[entries->n];
			entries->n++;
		}
	}
	qsort(entries->sorted, entries->n, sizeof(struct entry *), compare);
	return 0;
}

/* The first of the sorted entries that is not before `text`. */
static size_t lower_bound(const struct entries *entries, const char *text)
{
	size_t low = 0, high = entries->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(entries->sorted[middle]->text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void tell_unknown(struct me_reader *reader, const struct me_node *node, const char *text,
			 const struct entries *entries)
{
	_cleanup_free_ const char **texts = calloc(entries->n + 1, sizeof(*texts));
	const char *near = NULL;

	if (texts && !me_diagnostics_full(reader->diagnostics)) {
		for (size_t i = 0; i < entries->n; i++)
			texts[i] = entries->all[i].text;
		near = me_text_nearest(text, texts, entries->n);
	}
	if (near)
		me_read_error(reader, node, "unknown-entry",
			      "`%s` is no entry of the profile; did you mean `%s`?", text, near);
	else
		me_read_error(reader, node, "unknown-entry",
			      "`%s` is no entry of the profile, expected one that "
			      "`mewatch profiles NAME` lists",
			      text);
}

/* Marks every entry with this text. */
static void mark(struct me_reader *reader, const struct me_node *node, const char *text,
		 const struct entries *entries, bool removed)
{
	size_t i = lower_bound(entries, text);

	if (i == entries->n || strcmp(entries->sorted[i]->text, text) != 0) {
		tell_unknown(reader, node, text, entries);
		return;
	}
	for (; i < entries->n && !strcmp(entries->sorted[i]->text, text); i++) {
		struct entry *entry = entries->sorted[i];
		const struct me_node *first = entry->removed ? entry->removed : entry->overridden;

		if (first) {
			me_read_error(reader, node, "duplicate-entry",
				      "`%s` a second time, first at line %u", text, first->line);
			return;
		}
		*(removed ? &entry->removed : &entry->overridden) = node;
	}
}

static void mark_all(struct me_reader *reader, const struct me_sections *site,
		     const struct entries *entries)
{
	struct me_items removals = me_read_items(site->remove);
	struct me_items overrides = me_read_items(site->override);
	const struct me_node *item;
	struct me_to to;

	while ((item = me_items_next(&removals))) {
		if (me_read_to(reader, item, &to))
			mark(reader, item, to.text, entries, true);
	}
	while ((item = me_items_next(&overrides))) {
		struct me_rule trial = {0};

		if (me_read_entry(reader, item, "an entry of `override`", &to, &trial))
			mark(reader, item, to.text, entries, false);
	}
}

static int add_overridden(struct me_reader *reader, const struct me_rule *rule,
			  const struct me_node *node, const struct me_to *to,
			  struct me_rules *merged)
{
	struct me_rule own = *rule;
	struct me_to again;

	own.name = NULL;
	own.at = me_read_place(reader, node);
	own.n_to = 1;
	own.to = me_read_alloc(reader, 1, sizeof(*own.to));
	if (!own.to)
		return -ENOMEM;
	*own.to = *to;
	own.slug = me_rule_slug(reader, own.service, to->text);
	if (!own.slug)
		return -ENOMEM;
	/* Read without a complaint once, it reads the same again. */
	me_read_entry(reader, node, "an entry of `override`", &again, &own);
	return me_rules_add(merged, &own);
}

static int merge_rule(struct me_reader *reader, struct me_rule *rule, const struct entry *entries,
		      struct me_rules *merged)
{
	size_t n_to = rule->n_to, kept = 0;
	int err;

	for (size_t i = 0; i < n_to; i++) {
		if (entries[i].overridden) {
			err = add_overridden(reader, rule, entries[i].overridden, &rule->to[i],
					     merged);
			if (err)
				return err;
		} else if (!entries[i].removed) {
			rule->to[kept++] = rule->to[i];
		}
	}
	rule->n_to = kept;
	return kept ? me_rules_add(merged, rule) : 0;
}

int me_merge(struct me_reader *reader, const struct me_sections *site, struct me_rules *profile,
	     struct me_rules *merged)
{
	_cleanup_(entries_free) struct entries entries = {0};
	const struct entry *next;
	int err;

	err = entries_fill(&entries, profile);
	if (err)
		return err;
	mark_all(reader, site, &entries);
	next = entries.all;
	for (size_t i = 0; i < profile->n; i++) {
		size_t n_to = profile->list[i].n_to;

		err = merge_rule(reader, &profile->list[i], next, merged);
		if (err)
			return err;
		next += n_to;
	}
	return 0;
}
