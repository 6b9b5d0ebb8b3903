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
	free(i->endpoint_rows);
	free(i->name_entries);
	free(i->hosts);
	free(i->macs);
	free(i);
	*image = NULL;
}

static int compare_address(const void *key, const void *element)
{
	const struct me_image_address *address = element;

	return memcmp(key, &address->address, sizeof(address->address));
}

/*
 * Where the search for the longest prefix around an address begins: the last of the `n` prefixes that
 * does not come after the address, or ME_NO_PREFIX. If the address does not lie in it, it may in
 * those around it, from the inside out, and in no other. Elements have `size` bytes, begin with a
 * struct me_prefix and are sorted by it.
 */
static uint32_t innermost(const void *prefixes, size_t n, size_t size,
			  const struct me_addr *address)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const struct me_prefix *prefix =
			(const void *)((const char *)prefixes + middle * size);

		if (memcmp(prefix->address, address, sizeof(prefix->address)) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from ? (uint32_t)from - 1 : ME_NO_PREFIX;
}

static bool lies_in(const struct me_addr *address, const struct me_prefix *prefix)
{
	struct me_addr net;

	memcpy(&net, prefix->address, sizeof(net));
	return me_addr_in(address, &net, prefix->bits);
}

static const struct me_image_prefix *longest_prefix(const struct me_image *image,
						    const struct me_addr *address)
{
	uint32_t at =
		innermost(image->prefixes, image->n_prefixes, sizeof(*image->prefixes), address);

	while (at != ME_NO_PREFIX && !lies_in(address, &image->prefixes[at].prefix))
		at = image->prefixes[at].around;
	return at == ME_NO_PREFIX ? NULL : &image->prefixes[at];
}

uint32_t me_image_host(const struct me_image *image, const struct me_addr *address)
{
	uint32_t at = innermost(image->hosts, image->n_hosts, sizeof(*image->hosts), address);

	while (at != ME_NO_PREFIX && !lies_in(address, &image->hosts[at].prefix))
		at = image->hosts[at].around;
	return at == ME_NO_PREFIX ? 0 : image->hosts[at].number;
}

static int compare_mac(const void *key, const void *element)
{
	const struct me_image_mac *mac = element;
	const uint64_t *asked = key;

	return *asked < mac->mac ? -1 : *asked > mac->mac;
}

uint32_t me_image_mac(const struct me_image *image, uint64_t mac)
{
	const struct me_image_mac *found = NULL;

	if (image->n_macs)
		found = bsearch(&mac, image->macs, image->n_macs, sizeof(*image->macs),
				compare_mac);
	return found ? found->number : 0;
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

static uint32_t rank_at(const struct me_image *image, uint32_t row, uint32_t column)
{
	return image->table[(size_t)row * image->head->columns + column];
}

/* Folds what was learned for the destination into the rank that it has without. */
static uint32_t fold_learned(const struct me_image *image, uint32_t column, uint32_t rank,
			     const struct me_learned_endpoint *learned, size_t n,
			     struct me_found *found)
{
	bool strict = image->head->flags & ME_HEAD_STRICT;

	for (size_t i = 0; i < n; i++) {
		uint32_t endpoint = learned[i].endpoint;
		uint32_t row =
			endpoint < image->n_endpoint_rows ? image->endpoint_rows[endpoint] : 0;
		bool claimed = learned[i].evidence == ME_EVIDENCE_CLAIMED;

		if (!row || (claimed && strict))
			continue;
		found->learned |= !claimed && learned[i].evidence != ME_EVIDENCE_NONE;
		rank = me_judge_fold(rank, rank_at(image, row, column), learned[i].evidence,
				     &found->evidence);
	}
	return rank;
}

uint32_t me_image_judge_as(const struct me_image *image, const struct me_facts *facts,
			   enum me_addr_kind kind, const struct me_dest *dest,
			   const struct me_learned_endpoint *learned, size_t n_learned,
			   struct me_judgement *ret_judgement)
{
	const struct me_head *head = image->head;
	uint32_t column = head->slot[me_slot(facts->proto, facts->dport)];
	uint32_t rank = rank_at(image, me_judge_row(kind, facts->flags, dest), column);
	struct me_found found = {.head = head, .column = &head->column[column], .dest = dest};

	if (me_judge_is_recursive(kind, facts->flags))
		rank = me_judge_better(rank, rank_at(image, ME_ROW_RECURSIVE, column));
	if (!me_judge_is_local(kind, facts->flags))
		rank = fold_learned(image, column, rank, learned, n_learned, &found);
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
