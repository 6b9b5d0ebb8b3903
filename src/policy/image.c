/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>
#include "policy/compile.h"

void me_image_free(struct me_image **image)
{
	struct me_image *i = *image;

	if (!i)
		return;
	free(i->head);
	free(i->addresses);
	free(i->prefixes);
	free(i->table);
	free(i->entries);
	free(i->sources);
	free(i->names);
	free(i->text);
	free(i);
	*image = NULL;
}

static int compare_address(const void *key, const void *element)
{
	const struct me_image_address *address = element;

	return memcmp(key, &address->address, sizeof(address->address));
}

/*
 * The longest prefix around an address: the last one that does not come after the address in the
 * order of the array lies in it, or is it.
 */
static const struct me_image_prefix *longest_prefix(const struct me_image *image,
						    const struct me_addr *address)
{
	size_t from = 0, to = image->n_prefixes;
	uint32_t at;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (memcmp(image->prefixes[middle].prefix.address, address, 16) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	for (at = from ? (uint32_t)from - 1 : ME_NO_PREFIX; at != ME_NO_PREFIX;
	     at = image->prefixes[at].around) {
		struct me_addr net;

		memcpy(&net, image->prefixes[at].prefix.address, sizeof(net));
		if (me_addr_in(address, &net, image->prefixes[at].prefix.bits))
			return &image->prefixes[at];
	}
	return NULL;
}

const struct me_dest *me_image_lookup(const struct me_image *image, const struct me_addr *address)
{
	const struct me_image_address *exact = NULL;
	const struct me_image_prefix *prefix;

	if (image->n_addresses)
		exact = bsearch(address, image->addresses, image->n_addresses,
				sizeof(*image->addresses), compare_address);
	if (exact)
		return &exact->dest;
	prefix = longest_prefix(image, address);
	return prefix ? &prefix->dest : NULL;
}

static int compare_endpoint(const void *key, const void *element)
{
	const uint32_t *endpoint = key;
	const struct me_image_name *name = element;

	return *endpoint < name->endpoint ? -1 : *endpoint > name->endpoint;
}

const struct me_image_name *me_image_name(const struct me_image *image, uint32_t endpoint)
{
	if (!image->n_names)
		return NULL;
	return bsearch(&endpoint, image->names, image->n_names, sizeof(*image->names),
		       compare_endpoint);
}

bool me_image_name_covers(const struct me_image_name *endpoint, const char *name)
{
	size_t length = strlen(name), suffix = strlen(endpoint->name);
	const char *dot;

	if (endpoint->match == ME_MATCH_NAME)
		return strcmp(name, endpoint->name) == 0;
	if (length <= suffix + 1 || strcmp(name + length - suffix, endpoint->name) != 0)
		return false;
	dot = name + length - suffix - 1;
	return *dot == '.' &&
	       (endpoint->match == ME_MATCH_SUBTREE || memchr(name, '.', length) == dot);
}

uint32_t me_image_judge_as(const struct me_image *image, const struct me_facts *facts,
			   enum me_addr_kind kind, const struct me_dest *dest,
			   const struct me_learned_endpoint *learned, size_t n_learned,
			   struct me_judgement *ret_judgement)
{
	const struct me_head *head = image->head;
	uint32_t column = head->slot[me_slot(facts->proto, facts->dport)];
	uint32_t row = me_judge_row(kind, facts->flags, dest);
	uint32_t rank = image->table[(size_t)row * head->columns + column];
	struct me_found found = {.head = head, .column = &head->column[column], .dest = dest};

	for (size_t i = 0; i < n_learned && row != ME_ROW_LOCAL; i++) {
		const struct me_image_name *name = me_image_name(image, learned[i].endpoint);
		uint32_t better;

		if (!name)
			continue;
		found.learned = 1;
		better = me_judge_better(rank,
					 image->table[(size_t)name->row * head->columns + column]);
		if (better != rank)
			found.evidence = learned[i].evidence;
		rank = better;
	}
	if (rank)
		found.entry = &image->entries[rank];
	me_judge(facts, kind, &found, ret_judgement);
	return rank;
}

void me_image_judge(const struct me_image *image, const struct me_facts *facts,
		    const struct me_learned_endpoint *learned, size_t n_learned,
		    struct me_judgement *ret_judgement)
{
	me_image_judge_as(image, facts, me_addr_kind(&facts->dst),
			  me_image_lookup(image, &facts->dst), learned, n_learned, ret_judgement);
}
