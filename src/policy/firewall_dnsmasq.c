/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>
#include "policy/firewall_parts.h"

/* Of one entry: the name, or what its wildcard stands before. */
struct named {
	const char *base;
	uint32_t rank;
};

static int compare_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	int order = strcmp(a->base, b->base);

	return order ? order : a->rank < b->rank ? -1 : a->rank > b->rank;
}

static size_t find(const struct named *names, size_t n, const char *base)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (strcmp(names[middle].base, base) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void add_sets(struct me_strbuf *out, uint32_t rank, bool *first)
{
	me_strbuf_addf(out, "%s4#inet#mewatch#e%u_4,6#inet#mewatch#e%u_6", *first ? "" : ",", rank,
		       rank);
	*first = false;
}

/*
 * dnsmasq takes the line with the longest domain, and that one alone: with its own entries it names
 * the wildcards above it which cover the domain itself.
 */
static void print_domain(struct me_firewall *f, const struct named *names, size_t n, size_t at)
{
	const char *base = names[at].base, *suffix = base;
	bool first = true;

	me_strbuf_addf(f->out, "nftset=/%s/", base);
	for (; at < n && !strcmp(names[at].base, base); at++)
		add_sets(f->out, names[at].rank, &first);
	for (unsigned int labels = 1; (suffix = strchr(suffix, '.')); labels++) {
		suffix++;
		for (size_t i = find(names, n, suffix); i < n && !strcmp(names[i].base, suffix);
		     i++) {
			uint8_t match = f->entries.list[names[i].rank].match;

			if (match == ME_MATCH_SUBTREE ||
			    (match == ME_MATCH_WILDCARD && labels == 1))
				add_sets(f->out, names[i].rank, &first);
		}
	}
	me_strbuf_adds(f->out, "\n");
}

static void print_domains(struct me_firewall *f, struct named *names)
{
	size_t n = 0;

	for (uint32_t rank = 1; rank < f->entries.count; rank++) {
		const struct me_to *to = me_firewall_to(f, rank);

		if (me_firewall_is_name(f, rank))
			names[n++] = (struct named){
				to->kind == ME_TO_PROXY ? f->policy->proxy.name : to->name, rank};
	}
	qsort(names, n, sizeof(*names), compare_named);
	for (size_t i = 0; i < n; i++) {
		if (!i || strcmp(names[i - 1].base, names[i].base))
			print_domain(f, names, n, i);
	}
}

int me_firewall_dnsmasq(const struct me_policy *policy, const struct me_environment *environment,
			struct me_diagnostics *diagnostics, struct me_strbuf *out)
{
	struct me_firewall f = {.policy = policy, .out = out};
	_cleanup_free_ struct named *names = NULL;
	int err = me_firewall_begin(&f, environment, diagnostics);

	if (!err) {
		names = calloc(f.entries.count + 1, sizeof(*names));
		err = names ? 0 : -ENOMEM;
	}
	if (!err) {
		me_strbuf_adds(
			out,
			"# The domain of a line stands for itself and for everything below it, which is more than a\n"
			"# name, or the one label of `*.`, means in the policy. Whoever wants it as narrow lists the\n"
			"# names themselves instead of the wildcard, and gives what lies below them a line with a set\n"
			"# of its own.\n");
		print_domains(&f, names);
		err = out->err;
	}
	me_firewall_end(&f);
	return err;
}
