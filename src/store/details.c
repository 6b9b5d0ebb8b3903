/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/details.h"

#include <string.h>
#include "base/clock.h"
#include "base/inet.h"
#include "base/table.h"
#include "ledger/intern.h"

#define DAY_NS (24ull * 3600 * ME_NS_PER_S)

/* Only the final stages. */
enum stage { CONFIRMED, RETRACTED, STAGES };

struct group_key {
	struct me_addr dst;
	struct me_addr host;
	uint64_t flow;      /* of a retraction: each stands for itself */
	uint32_t exe, name; /* me_intern_text() */
	uint16_t service, port;
	uint8_t vantage, reason, stage, proto;
	uint32_t uncounted;
	uint32_t zero;
};

struct group {
	uint64_t first_ns, last_ns; /* epoch */
	uint64_t count;
	uint64_t flow; /* id of the last */
};

struct me_details {
	struct me_intern *intern;
	struct me_table *groups; /* struct group_key -> struct group */
	uint64_t counted[ME_VANTAGE_KERNEL_COUNT][ME_SERVICES_MAX][ME_REASON_COUNT][STAGES];
	uint64_t day, rows;
	uint64_t dropped;
};

struct me_details *me_details_new(void)
{
	struct me_details *details = calloc(1, sizeof(*details));

	if (!details)
		return NULL;
	details->intern = me_intern_new();
	details->groups =
		me_table_new(sizeof(struct group_key), sizeof(struct group), ME_HISTORY_GROUPS_MAX);
	if (!details->intern || !details->groups)
		me_details_free(&details);
	return details;
}

void me_details_free(struct me_details **details)
{
	if (!*details)
		return;
	me_table_free(&(*details)->groups);
	me_intern_free(&(*details)->intern);
	free(*details);
	*details = NULL;
}

void me_details_start(struct me_details *details, uint64_t now_ns, uint64_t rows)
{
	details->day = now_ns / DAY_NS;
	details->rows = rows;
}

static struct group_key key_of(struct me_details *details, const struct me_ledger *ledger,
			       const struct me_detail *detail)
{
	const struct me_flow_key *flow = detail->key;
	const struct me_ledger_flow *known = me_ledger_find(ledger, detail->flow->id);
	struct group_key key = {
		.dst = flow->peer,
		.flow = detail->stage == ME_STAGE_RETRACTED ? detail->flow->id : 0,
		.service = detail->flow->service,
		.port = flow->port,
		.vantage = flow->vantage,
		.reason = detail->flow->state.reason,
		.stage = detail->stage == ME_STAGE_RETRACTED ? RETRACTED : CONFIRMED,
		.proto = flow->proto,
		.uncounted = detail->uncounted,
	};

	if (flow->vantage != ME_HOST)
		key.host = flow->opener.address;
	if (!known)
		return key;
	key.name =
		me_intern_get(details->intern, me_ledger_text(ledger, known->text[ME_TEXT_NAME]));
	key.exe = me_intern_get(details->intern, me_ledger_text(ledger, known->text[ME_TEXT_EXE]));
	return key;
}

static void forget_texts(struct me_details *details, const struct group_key *key)
{
	me_intern_put(details->intern, key->exe);
	me_intern_put(details->intern, key->name);
}

void me_details_add(struct me_details *details, const struct me_ledger *ledger,
		    const struct me_detail *detail)
{
	struct group_key key = key_of(details, ledger, detail);
	uint64_t began_ns = me_ledger_epoch(ledger, detail->flow->first_ns);
	struct group *group;
	void *value;
	int r = me_table_put(details->groups, &key, &value);

	if (r)
		forget_texts(details, &key);
	if (r < 0) {
		details->dropped++;
		return;
	}
	group = value;
	if (!group->first_ns || began_ns < group->first_ns)
		group->first_ns = began_ns;
	if (began_ns >= group->last_ns) {
		group->last_ns = began_ns;
		group->flow = detail->flow->id;
	}
	group->count++;
}

void me_details_forget(struct me_details *details)
{
	const void *key;

	for (size_t cursor = 0; me_table_next(details->groups, &cursor, &key, NULL);) {
		forget_texts(details, key);
		me_table_remove(details->groups, key);
	}
}

void me_details_counted(struct me_details *details, uint32_t vantage, uint32_t service,
			uint32_t reason, enum me_stage stage, uint64_t n)
{
	details->counted[vantage][service][reason]
			[stage == ME_STAGE_RETRACTED ? RETRACTED : CONFIRMED] += n;
}

/* The row for what was counted, with no more than that. */
static struct me_batch_violation *add_row(struct me_batch *batch, const struct me_ledger *ledger,
					  uint32_t service, uint32_t reason, enum stage stage)
{
	const struct me_names *names = me_ledger_names(ledger);
	struct me_batch_violation *row = me_batch_violation(batch);

	row->state = me_batch_put(batch, me_stage_label(stage == RETRACTED ? ME_STAGE_RETRACTED
									   : ME_STAGE_CONFIRMED));
	row->service = me_batch_put(batch, names->service(names->data, service));
	row->reason = me_batch_put(batch, me_reason_label(reason));
	row->first_ns = row->last_ns = batch->now_ns;
	return row;
}

/* The ids of the events that told the last of them (me_event_id()). */
static void write_ids(const struct me_ledger *ledger, const struct group_key *key,
		      const struct group *group, struct me_batch *batch,
		      struct me_batch_violation *row)
{
	const struct me_kept *kept = me_ledger_kept(ledger);
	bool retracted = key->stage == RETRACTED;
	char id[ME_EVENT_ID_LEN];

	me_event_id(kept, group->flow, retracted ? ME_STAGE_RETRACTED : ME_STAGE_CONFIRMED, id);
	row->event = me_batch_put(batch, id);
	if (!retracted)
		return;
	me_event_id(kept, group->flow, ME_STAGE_PROVISIONAL, id);
	row->retracts = me_batch_put(batch, id);
}

static void write_group(const struct me_details *details, const struct me_ledger *ledger,
			const struct group_key *key, const struct group *group, uint64_t count,
			struct me_batch *batch)
{
	struct me_batch_violation *row =
		add_row(batch, ledger, key->service, key->reason, key->stage);
	char text[ME_INET_LEN];

	row->vantage = me_batch_put(batch, me_vantage_label(key->vantage));
	me_inet_format(key->dst.byte, text);
	row->dst = me_batch_put(batch, text);
	if (key->vantage != ME_HOST) {
		me_inet_format(key->host.byte, text);
		row->host = me_batch_put(batch, text);
	}
	row->exe = me_batch_put(batch, me_intern_text(details->intern, key->exe));
	row->name = me_batch_put(batch, me_intern_text(details->intern, key->name));
	row->proto = key->proto;
	row->port = key->port;
	write_ids(ledger, key, group, batch, row);
	row->first_ns = group->first_ns;
	row->last_ns = group->last_ns;
	row->count = count;
}

/* As much of the group as was counted. True: none of it is left. */
static bool take_group(struct me_details *details, const struct me_ledger *ledger,
		       const struct group_key *key, struct group *group, struct me_batch *batch)
{
	uint32_t vantage = key->stage == RETRACTED ? ME_HOST : key->vantage;
	uint64_t *counted = &details->counted[vantage][key->service][key->reason][key->stage];
	uint64_t n = key->uncounted || group->count < *counted ? group->count : *counted;

	if (!n)
		return false;
	if (details->rows >= ME_HISTORY_DETAILS_DAY) {
		details->dropped += n;
		group->count -= n;
		return !group->count;
	}
	details->rows++;
	write_group(details, ledger, key, group, key->uncounted ? 0 : n, batch);
	if (!key->uncounted)
		*counted -= n;
	group->count -= n;
	return !group->count;
}

/* What was counted and is in no group. */
static void take_rest(struct me_details *details, const struct me_ledger *ledger, uint32_t vantage,
		      uint32_t service, struct me_batch *batch)
{
	for (uint32_t reason = 0; reason < ME_REASON_COUNT; reason++) {
		for (unsigned int stage = 0; stage < STAGES; stage++) {
			uint64_t *counted = &details->counted[vantage][service][reason][stage];
			struct me_batch_violation *row;

			if (!*counted)
				continue;
			row = add_row(batch, ledger, service, reason, stage);
			if (stage == CONFIRMED)
				row->vantage = me_batch_put(batch, me_vantage_label(vantage));
			row->count = *counted;
			*counted = 0;
		}
	}
}

void me_details_take(struct me_details *details, const struct me_ledger *ledger,
		     struct me_batch *batch)
{
	uint64_t day = batch->now_ns / DAY_NS;
	const void *key;
	void *group;

	if (day != details->day)
		me_details_start(details, batch->now_ns, 0);
	for (size_t cursor = 0; me_table_next(details->groups, &cursor, &key, &group);) {
		if (!take_group(details, ledger, key, group, batch))
			continue;
		forget_texts(details, key);
		me_table_remove(details->groups, key);
	}
	for (uint32_t vantage = 0; vantage < ME_VANTAGE_KERNEL_COUNT; vantage++)
		for (uint32_t service = 0; service < ME_SERVICES_MAX; service++)
			take_rest(details, ledger, vantage, service, batch);
}

uint64_t me_details_dropped(const struct me_details *details)
{
	return details->dropped;
}
