/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/rows.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/inet.h"
#include "export/views.h"
#include "ledger/answers.h"

/* constant, name, largest first */
#define FIELD_LIST(X)                                                                              \
	X(NAME, "name", 0)                                                                         \
	X(ADDRESS, "address", 0)                                                                   \
	X(TARGET, "target", 0)                                                                     \
	X(SERVER, "server", 0)                                                                     \
	X(SINCE, "since", 1)                                                                       \
	X(LAST, "last", 1)                                                                         \
	X(UNTIL, "until", 1)                                                                       \
	X(COUNT, "count", 1)

#define PICK_CONSTANT(constant, name, descending) F_##constant,
#define PICK_NAME(constant, name, descending) name,
#define PICK_BIT(constant, name, descending) | (uint64_t)descending << F_##constant
enum { FIELD_LIST(PICK_CONSTANT) F_END };

static const char *const names[] = {FIELD_LIST(PICK_NAME)};

static struct me_value get(const void *item, unsigned int field)
{
	const struct me_item *row = item;
	const struct me_answer *answer = row->answer;

	switch (field) {
	case F_NAME:
		return me_value_name(answer->name);
	case F_ADDRESS:
		return me_value_address(&answer->address);
	case F_TARGET:
		return me_value_name(answer->target);
	case F_SERVER:
		return me_value_address(&answer->server);
	case F_SINCE:
		return me_value_time(me_ledger_epoch(row->ledger, answer->since_ns));
	case F_LAST:
		return me_value_time(me_ledger_epoch(row->ledger, answer->last_ns));
	case F_UNTIL:
		return me_value_time(me_ledger_epoch(row->ledger, answer->until_ns));
	default:
		return me_value_number(answer->count);
	}
}

/* --- Which answers ------------------------------------------------------------------------------ */

struct items {
	bool by_address, by_name;
	struct me_addr address;
	char name[ME_NAME_TEXT_MAX]; /* lower case, without a trailing dot */
};

static int set_name(struct items *items, const char *name, struct me_strbuf *error)
{
	size_t len = strlen(name);

	if (len >= sizeof(items->name))
		return me_view_invalid(error, "name", name, "a DNS name");
	if (name[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len; i++)
		items->name[i] = (char)tolower((unsigned char)name[i]);
	items->by_name = true;
	return 0;
}

static int set_items(struct items *items, const struct me_query *query, struct me_strbuf *error)
{
	const char *address = query->address, *name = query->name;

	if (address && *address) {
		if (me_inet_parse(address, items->address.byte) < 0)
			return me_view_invalid(error, "address", address,
					       "an IPv4 or IPv6 address");
		items->by_address = true;
	}
	return name && *name ? set_name(items, name, error) : 0;
}

static int open_items(const struct me_ledger *ledger, const struct me_query *query,
		      struct me_strbuf *error, void **ret_items)
{
	struct items *items = calloc(1, sizeof(*items));
	int r = items ? set_items(items, query, error) : -ENOMEM;

	(void)ledger;
	if (r < 0)
		free(items);
	else
		*ret_items = items;
	return r;
}

static const struct me_answer *next_answer(const struct me_answers *answers,
					   const struct items *items, size_t *cursor)
{
	if (items->by_address)
		return me_answers_of_address(answers, &items->address, cursor);
	if (items->by_name)
		return me_answers_of_name(answers, items->name, cursor);
	return me_answers_next(answers, cursor);
}

static bool next(const struct me_ledger *ledger, const void *items, size_t *cursor,
		 struct me_item *ret_row)
{
	const struct items *which = items;
	const struct me_answer *answer;

	do
		answer = next_answer(me_ledger_answers(ledger), which, cursor);
	while (answer && which->by_name && strcmp(answer->name, which->name));
	*ret_row = (struct me_item){.ledger = ledger, .answer = answer};
	return answer;
}

/* --- What stands before them -------------------------------------------------------------------- */

static struct me_json *categories(const struct me_ledger *ledger)
{
	const uint64_t *counts = me_ledger_dns_counts(ledger);
	struct me_json *array = me_json_array();

	for (uint32_t category = 0; category < ME_DNS_CATEGORY_COUNT; category++) {
		_cleanup_json_ struct me_json *object = me_json_object();
		_cleanup_json_ struct me_json *responses = me_json_object();

		me_json_set_text(object, "category", me_dns_category_label(category));
		me_json_set_number(object, "queries", counts[me_dns_queries(category)]);
		for (uint32_t rcode = 0; rcode < ME_RCODE_COUNT; rcode++)
			me_json_set_number(responses, me_rcode_label(rcode),
					   counts[me_dns_responses(category, rcode)]);
		me_json_set_child(object, "responses", &responses);
		me_json_append(array, &object);
	}
	return array;
}

static struct me_json *refused(const struct me_ledger *ledger)
{
	const uint64_t *counts = me_ledger_dns_counts(ledger);
	struct me_json *object = me_json_object();

	for (uint32_t cause = 0; cause < ME_REFUSED_COUNT; cause++)
		me_json_set_number(object, me_refused_label(cause), counts[me_dns_refusals(cause)]);
	return object;
}

static int compare_zones(const void *a, const void *b, void *counts)
{
	const struct me_zone_counts *all = counts;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (all[x].queries != all[y].queries)
		return all[x].queries < all[y].queries ? 1 : -1;
	return (x > y) - (x < y);
}

/* The zones of the policies since attach, those with the most queries first. */
static struct me_json *zones(const struct me_ledger *ledger)
{
	const struct me_names *texts = me_ledger_names(ledger);
	struct me_json *array = me_json_array();
	uint32_t ids[ME_ZONES_MAX], count = 0, n;
	const struct me_zone_counts *all = me_ledger_zones(ledger, &n);

	for (uint32_t id = 1; id < n; id++)
		if (texts->zone(texts->data, id))
			ids[count++] = id;
	qsort_r(ids, count, sizeof(*ids), compare_zones, (void *)all);
	for (uint32_t i = 0; i < count; i++) {
		const struct me_zone_counts *zone = &all[ids[i]];
		_cleanup_json_ struct me_json *object = me_json_object();

		me_json_set(object, "zone", me_value_name(texts->zone(texts->data, ids[i])));
		me_json_set_number(object, "queries", zone->queries);
		me_json_set_number(object, "answers", zone->answers);
		me_json_set_number(object, "listed", zone->listed);
		me_json_set_number(object, "refusals", zone->refusals);
		me_json_append(array, &object);
	}
	return array;
}

static void more_of_list(const struct me_ledger *ledger, const struct me_query *query,
			 struct me_json *object)
{
	_cleanup_json_ struct me_json *part = NULL;

	(void)query;
	me_json_set_number(object, "learned", me_ledger_learned(ledger));
	part = categories(ledger);
	me_json_set_child(object, "categories", &part);
	part = refused(ledger);
	me_json_set_child(object, "refused", &part);
	part = zones(ledger);
	me_json_set_child(object, "zones", &part);
}

const struct me_rows me_rows_dns = {
	.path = "dns",
	.list = "answers",
	.fields = {names, F_END, get},
	.sort = "last",
	.descending = 0 FIELD_LIST(PICK_BIT),
	.open = open_items,
	.next = next,
	.more_of_list = more_of_list,
};
