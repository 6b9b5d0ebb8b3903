/* SPDX-License-Identifier: GPL-2.0-only */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "policy/compile_blame.h"
#include "policy/compile_names.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/registry.h"

/* Where the engine of SpamRazer asks (DOMAIN, "DNS"). */
static const char *const spamrazer_domains[] = {"mailshell.net", "spamrazer.gfi.com"};

/* Names come first in the order of ranks: how many there are. */
static uint32_t count_names(const struct me_entries *entries)
{
	uint32_t n = 0;

	while (n + 1 < entries->count && entries->list[n + 1].match <= ME_MATCH_SUBTREE)
		n++;
	return n;
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* A name entry and its endpoint, to bring entries of one endpoint together. */
struct named {
	uint32_t endpoint;
	uint32_t rank;
};

static int compare_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	if (a->endpoint != b->endpoint)
		return a->endpoint < b->endpoint ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

int me_compile_endpoints(const struct me_entries *entries, struct me_rows *rows,
			 struct me_image *image)
{
	uint32_t n = count_names(entries);
	_cleanup_free_ struct named *named = calloc(n + 1, sizeof(*named));
	_cleanup_free_ uint32_t *ranks = calloc(n + 1, sizeof(*ranks));
	int r = 0;

	if (!named || !ranks)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		named[i] = (struct named){entries->list[i + 1].endpoint, i + 1};
	qsort(named, n, sizeof(*named), compare_named);
	image->n_endpoint_rows = n ? named[n - 1].endpoint + 1 : 1;
	image->endpoint_rows = calloc(image->n_endpoint_rows, sizeof(*image->endpoint_rows));
	if (!image->endpoint_rows)
		return -ENOMEM;
	for (uint32_t i = 0, count; r == 0 && i < n; i += count) {
		uint32_t endpoint = named[i].endpoint;

		for (count = 0; i + count < n && named[i + count].endpoint == endpoint; count++)
			ranks[count] = named[i + count].rank;
		r = me_rows_of_name(rows, ranks, count, &image->endpoint_rows[endpoint]);
	}
	return r;
}

/* --- Name entries ----------------------------------------------------------------------------- */

struct work {
	const struct me_policy *policy;
	const struct me_entries *entries;
	struct me_diagnostics *diagnostics;
	struct me_image *image;
	struct me_table *by_hash; /* hash -> uint32_t: index in the image's name entries */
	uint32_t n;               /* entries of rules: ranks 1 to n */
};

/* The name that an entry stands for: what its `to` says, or the proxy's. */
static const char *name_of(const struct me_policy *policy, const struct me_image_source *source)
{
	const struct me_to *to = &policy->rules[source->rule].to[source->to];

	return to->kind == ME_TO_PROXY ? policy->proxy.name : to->name;
}

static int tell_collision(const struct work *work, const struct me_place *at, const char *text,
			  const struct me_name_entry *known)
{
	struct me_name name = {.length = known->length};
	char other[ME_NAME_TEXT_MAX];

	memcpy(name.wire, known->wire, sizeof(name.wire));
	me_name_to_text(&name, other);
	me_diagnostics_add(work->diagnostics, ME_ERROR, at, "name-collision",
			   "`%s` and `%s` have the same hash, by which names are looked up: one of "
			   "them has to go",
			   text, other);
	return -EINVAL;
}

/* The element of a name, a new one if there is none yet. */
static int get(struct work *work, const char *text, const struct me_place *at,
	       struct me_name_entry **ret_entry)
{
	struct me_image *image = work->image;
	struct me_image_name_entry *element;
	struct me_name name;
	uint64_t hash;
	void *value;
	int r = me_name_from_text(text, &name);

	assert(r == 0); /* the loader takes nothing else for a name */
	hash = me_name_hash(&name, 0);
	r = me_table_put(work->by_hash, &hash, &value);
	if (r < 0)
		return r;
	if (r == 0)
		*(uint32_t *)value = (uint32_t)image->n_name_entries++;
	element = &image->name_entries[*(uint32_t *)value];
	if (r == 0) {
		element->hash = hash;
		element->entry.labels = (uint8_t)name.labels;
		element->entry.length = name.length;
		memcpy(element->entry.wire, name.wire, sizeof(element->entry.wire));
		image->head->name_depths |= 1ull << (name.labels < 63 ? name.labels : 63);
	}
	if (!me_name_is(&name, 0, element->entry.wire, element->entry.length))
		return tell_collision(work, at, text, &element->entry);
	*ret_entry = &element->entry;
	return 0;
}

/* Diagnoses that a name has too many endpoints, naming the rules that they are of. */
static int tell_crowd(const struct work *work, const char *text)
{
	_cleanup_free_ uint32_t *shares = calloc(work->policy->n_rules, sizeof(*shares));

	if (!shares)
		return -ENOMEM;
	for (uint32_t rank = 1; rank <= work->n; rank++) {
		const struct me_image_source *source = &work->entries->sources[rank];

		if (strcmp(name_of(work->policy, source), text) == 0)
			shares[source->rule]++;
	}
	me_compile_blame(
		work->diagnostics, work->policy, shares, "entries", "crowded-name",
		"services that name `%s`, alone or behind `*.` or `**.`, give it more than "
		"%u endpoints",
		text, ME_NAME_ENDPOINTS);
	return -EINVAL;
}

/* Adds the endpoint of `rank`. Ranks come in order, so that the strongest endpoint is the first. */
static int add_endpoint(struct work *work, uint32_t rank)
{
	const struct me_entry *of = &work->entries->list[rank];
	const struct me_image_source *source = &work->entries->sources[rank];
	const char *text = name_of(work->policy, source);
	struct me_name_entry *entry;
	uint32_t i = 0;
	int r = get(work, text, &work->policy->rules[source->rule].to[source->to].at, &entry);

	if (r < 0)
		return r;
	while (i < ME_NAME_ENDPOINTS && entry->endpoint[i] && entry->endpoint[i] != of->endpoint)
		i++;
	if (i == ME_NAME_ENDPOINTS)
		return tell_crowd(work, text);
	entry->endpoint[i] = of->endpoint;
	entry->match[i] = of->match;
	entry->flags[i] |= of->flags & ME_ENTRY_PRIVATE;
	return 0;
}

static int add_zones(struct work *work, struct me_registry *registry, const char *const *zones,
		     size_t n, enum me_dns_category category)
{
	const struct me_place whole = {.file = work->policy->path};
	struct me_name_entry *entry;
	uint32_t id;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = me_registry_id(registry, ME_ID_ZONE, "", zones[i], &id);
		if (r == -ENOSPC) {
			me_diagnostics_add(work->diagnostics, ME_ERROR, &whole, "too-many-zones",
					   "zone `%s` is one more than the %u zones since the "
					   "start of the counts",
					   zones[i], ME_ZONES_MAX - 1);
			return -EINVAL;
		}
		if (r == 0)
			r = get(work, zones[i], &whole, &entry);
		if (r < 0)
			return r;
		entry->zone = id;
		entry->category = (uint8_t)category;
	}
	return r;
}

static int add_spamrazer(struct work *work)
{
	const struct me_place whole = {.file = work->policy->path};
	struct me_name_entry *entry;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ME_ARRAY_SIZE(spamrazer_domains); i++) {
		r = get(work, spamrazer_domains[i], &whole, &entry);
		if (r == 0 && entry->category == ME_DNS_OTHER)
			entry->category = ME_DNS_SPAMRAZER;
	}
	return r;
}

static int compare_hash(const void *left, const void *right)
{
	const struct me_image_name_entry *a = left, *b = right;

	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

/* A zone that is of both kinds is one of domains: whatever is asked there is no name to learn. */
static int fill(struct work *work, struct me_registry *registry)
{
	const struct me_policy *policy = work->policy;
	int r = 0;

	for (uint32_t rank = 1; r == 0 && rank <= work->n; rank++)
		r = add_endpoint(work, rank);
	if (r == 0)
		r = add_zones(work, registry, policy->ip_zones, policy->n_ip_zones,
			      ME_DNS_IP_DNSBL);
	if (r == 0)
		r = add_zones(work, registry, policy->uri_zones, policy->n_uri_zones,
			      ME_DNS_URI_DNSBL);
	return r < 0 ? r : add_spamrazer(work);
}

int me_compile_names(const struct me_policy *policy, const struct me_entries *entries,
		     struct me_registry *registry, struct me_diagnostics *diagnostics,
		     struct me_image *image)
{
	struct work work = {
		.policy = policy,
		.entries = entries,
		.diagnostics = diagnostics,
		.image = image,
		.by_hash = me_table_new(sizeof(uint64_t), sizeof(uint32_t), 0),
		.n = count_names(entries),
	};
	size_t most = work.n + policy->n_ip_zones + policy->n_uri_zones +
		      ME_ARRAY_SIZE(spamrazer_domains);
	struct me_image_name_entry *shrunk;
	int r = -ENOMEM;

	image->name_entries = calloc(most, sizeof(*image->name_entries));
	if (image->name_entries && work.by_hash)
		r = fill(&work, registry);
	me_table_free(&work.by_hash);
	if (r < 0)
		return r;
	shrunk = reallocarray(image->name_entries, image->n_name_entries, sizeof(*shrunk));
	if (shrunk)
		image->name_entries = shrunk;
	qsort(image->name_entries, image->n_name_entries, sizeof(*image->name_entries),
	      compare_hash);
	return 0;
}
