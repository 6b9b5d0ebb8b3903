/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/fold.h"

#include <errno.h>
#include "store/fold_labels.h"

struct slot {
	uint64_t id;   /* of the series in the file; 0: not known yet */
	uint64_t last; /* as it was booked */
};

struct me_fold {
	struct me_table *index; /* struct me_counter -> slot number */
	struct slot *slots;
	uint32_t n, room;
	const struct me_left *left; /* during the first fold, else NULL */
	enum me_fold_start how;
	uint64_t refused;
	/* of the present fold */
	const struct me_ledger *ledger;
	struct me_details *details;
	struct me_batch *batch;
};

#define FIRST_ROOM 256u

struct me_fold *me_fold_new(void)
{
	struct me_fold *fold = calloc(1, sizeof(*fold));

	if (!fold)
		return NULL;
	fold->index =
		me_table_new(sizeof(struct me_counter), sizeof(uint32_t), ME_HISTORY_SERIES_MAX);
	if (!fold->index)
		me_fold_free(&fold);
	return fold;
}

void me_fold_free(struct me_fold **fold)
{
	if (!*fold)
		return;
	me_table_free(&(*fold)->index);
	free((*fold)->slots);
	free(*fold);
	*fold = NULL;
}

void me_fold_start(struct me_fold *fold, const struct me_left *left, enum me_fold_start how)
{
	const void *counter;

	for (size_t cursor = 0; me_table_next(fold->index, &cursor, &counter, NULL);)
		me_table_remove(fold->index, counter);
	fold->n = 0;
	fold->left = left;
	fold->how = how;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* --- One counter -------------------------------------------------------------------------------- */

static int grow(struct me_fold *fold)
{
	uint32_t room = fold->room ? 2 * fold->room : FIRST_ROOM;
	struct slot *moved = reallocarray(fold->slots, room, sizeof(*moved));

	if (!moved)
		return -ENOMEM;
	fold->slots = moved;
	fold->room = room;
	return 0;
}

/* A counter that is seen for the first time: where it stands in the file. */
static int add_slot(struct me_fold *fold, const struct me_counter *c,
		    const struct me_labels *labels, uint64_t value)
{
	struct slot slot = {.last = fold->left && fold->how == ME_FOLD_LATER ? value : 0};
	int err = fold->n == fold->room ? grow(fold) : 0;

	if (err)
		return err;
	if (fold->left) {
		struct me_mark mark =
			me_mark_of(c->series, or_empty(labels->vantage), or_empty(labels->service),
				   or_empty(labels->endpoint), or_empty(labels->kind),
				   or_empty(labels->detail), NULL);
		const struct me_left_series *left = me_table_get(fold->left->series, &mark);

		slot.id = left ? left->id : 0;
		if (left && fold->how == ME_FOLD_GO_ON)
			slot.last = left->value;
	}
	fold->slots[fold->n++] = slot;
	return 0;
}

static void add_count(struct me_fold *fold, const struct me_counter *c, uint32_t number,
		      uint64_t value, uint64_t grown)
{
	struct me_batch_count *count = me_batch_count(fold->batch);
	struct me_labels labels;

	count->slot = number;
	count->id = fold->slots[number].id;
	count->grown = grown;
	count->value = value;
	count->series = c->series;
	if (count->id)
		return;
	me_labels_of(me_ledger_names(fold->ledger), c, &labels);
	count->vantage = me_batch_put(fold->batch, labels.vantage);
	count->service = me_batch_put(fold->batch, labels.service);
	count->endpoint = me_batch_put(fold->batch, labels.endpoint);
	count->kind = me_batch_put(fold->batch, labels.kind);
	count->detail = me_batch_put(fold->batch, labels.detail);
}

/* Finds the counter, or adds it. A negative errno: it is passed over. */
static int find_slot(struct me_fold *fold, const struct me_counter *c, uint64_t value,
		     uint32_t *ret_number)
{
	struct me_labels labels;
	void *number;
	int r = me_table_put(fold->index, c, &number);

	if (r == 0) {
		*(uint32_t *)number = fold->n;
		me_labels_of(me_ledger_names(fold->ledger), c, &labels);
		r = add_slot(fold, c, &labels, value);
		if (r < 0)
			me_table_remove(fold->index, c);
	}
	if (r < 0)
		return r;
	*ret_number = *(uint32_t *)number;
	return 0;
}

/* Books what the counter has grown, and says how much. */
static uint64_t take(struct me_fold *fold, enum me_series series, uint32_t a, uint32_t b,
		     uint32_t c, uint64_t value)
{
	const struct me_counter counter = {series, a, b, c};
	struct slot *slot;
	uint32_t number, n = fold->n;
	uint64_t grown;

	if (!value)
		return 0;
	if (find_slot(fold, &counter, value, &number)) {
		fold->refused++;
		return 0;
	}
	slot = &fold->slots[number];
	if (value == slot->last && (fold->n == n || fold->how != ME_FOLD_LATER))
		return 0;
	fold->refused += value < slot->last;
	grown = value > slot->last ? value - slot->last : 0;
	slot->last = value;
	add_count(fold, &counter, number, value, grown);
	return grown;
}

/* --- All of them -------------------------------------------------------------------------------- */

static void take_service(struct me_fold *fold, const uint64_t *cells, uint32_t vantage,
			 uint32_t service)
{
	for (uint32_t end = 0; end < ME_VIOLATION + ME_REASON_COUNT; end++) {
		uint64_t n = me_cells_ended(cells, vantage, service, end);
		uint64_t grown = take(fold, ME_SERIES_CONNECTIONS, vantage, service, end, n);

		if (grown && end >= ME_VIOLATION)
			me_details_counted(fold->details, vantage, service, end - ME_VIOLATION,
					   ME_STAGE_CONFIRMED, grown);
	}
	for (uint32_t reason = ME_REASON_NONE + 1; reason < ME_REASON_COUNT; reason++) {
		take(fold, ME_SERIES_DENIED, vantage, service, reason,
		     cells[me_cell(vantage, service, ME_CELL_DENIED, reason)]);
		take(fold, ME_SERIES_SHADOW_DENIED, vantage, service, reason,
		     cells[me_cell(vantage, service, ME_CELL_SHADOWED, reason)]);
	}
}

static void take_violations(struct me_fold *fold, const uint64_t *cells, uint32_t service)
{
	for (uint32_t reason = ME_REASON_NONE + 1; reason < ME_REASON_COUNT; reason++) {
		for (unsigned int stage = 0; stage < ME_STAGE_COUNT; stage++) {
			uint64_t n = 0, grown;

			for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
				n += me_cells_violations(cells, v, service, reason, stage);
			grown = take(fold, ME_SERIES_VIOLATIONS, service, reason, stage, n);
			if (grown && stage == ME_STAGE_RETRACTED)
				me_details_counted(fold->details, ME_HOST, service, reason, stage,
						   grown);
		}
	}
}

static void take_cells(struct me_fold *fold)
{
	const uint64_t *cells = me_ledger_cells(fold->ledger);
	const struct me_names *names = me_ledger_names(fold->ledger);

	for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		take(fold, ME_SERIES_ATTEMPTS, v, 0, 0, me_cells_attempts(cells, v));
	for (uint32_t s = 0; s < ME_SERVICES_MAX; s++) {
		if (!names->service(names->data, s))
			continue;
		for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
			take_service(fold, cells, v, s);
		take_violations(fold, cells, s);
	}
}

static void take_totals(struct me_fold *fold)
{
	const uint64_t *totals = me_ledger_totals(fold->ledger);
	const struct me_kept *kept = me_ledger_kept(fold->ledger);

	for (uint32_t i = 0; i < ME_FINDING_COUNT; i++)
		take(fold, ME_SERIES_FINDINGS, i, 0, 0, kept->findings[i]);
	for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		for (uint32_t verdict = 0; verdict < ME_VERDICT_COUNT; verdict++)
			take(fold, ME_SERIES_PREEXISTING, v, verdict, 0,
			     me_ledger_underway(fold->ledger, v, verdict));
	for (uint32_t i = 0; i < ME_BLIND_COUNT; i++)
		take(fold, ME_SERIES_BLIND_SPOTS, i, 0, 0, totals[ME_TOTAL_BLIND(i)]);
	for (uint32_t i = 0; i < ME_BLIND_PACKET; i++) {
		take(fold, ME_SERIES_SOCKETS_DENIED, i, 0, 0, totals[ME_TOTAL_REFUSED(0, i)]);
		take(fold, ME_SERIES_SOCKETS_SHADOW_DENIED, i, 0, 0,
		     totals[ME_TOTAL_REFUSED(1, i)]);
	}
	for (uint32_t i = 0; i < ME_UNPARSED_COUNT; i++)
		take(fold, ME_SERIES_UNPARSED, i, 0, 0, totals[ME_TOTAL_UNPARSED(i)]);
	for (uint32_t mode = 0; mode < ME_FTP_MODES; mode++)
		for (uint32_t e = 0; e < ME_EVIDENCE_COUNT; e++)
			take(fold, ME_SERIES_FTP, mode, e, 0, totals[ME_TOTAL_FTP(mode, e)]);
	take(fold, ME_SERIES_STRAYS, 0, 0, 0, totals[ME_TOTAL_STRAYS]);
	take(fold, ME_SERIES_ONE_SIDED, 0, 0, 0, totals[ME_TOTAL_ONE_SIDED]);
	take(fold, ME_SERIES_UDP_PROBES, 0, 0, 0, totals[ME_TOTAL_UDP_PROBES]);
	take(fold, ME_SERIES_OVERFLOW, 0, 0, 0, totals[ME_TOTAL_FLOW_OVERFLOW]);
	take(fold, ME_SERIES_EVENTS_LOST, 0, 0, 0, totals[ME_TOTAL_RING_LOST]);
	take(fold, ME_SERIES_EVENTS_LOST, 1, 0, 0, kept->events_lost_file);
	take(fold, ME_SERIES_RELOADS, 0, 0, 0, kept->reloads_ok);
	take(fold, ME_SERIES_RELOADS, 1, 0, 0, kept->reloads_failed);
}

static void take_dns(struct me_fold *fold)
{
	const uint64_t *counts = me_ledger_dns_counts(fold->ledger);
	const struct me_names *names = me_ledger_names(fold->ledger);
	uint32_t n;
	const struct me_zone_counts *zones = me_ledger_zones(fold->ledger, &n);

	for (uint32_t category = 0; category < ME_DNS_CATEGORY_COUNT; category++) {
		take(fold, ME_SERIES_DNS_QUERIES, category, 0, 0, counts[me_dns_queries(category)]);
		for (uint32_t rcode = 0; rcode < ME_RCODE_COUNT; rcode++)
			take(fold, ME_SERIES_DNS_RESPONSES, category, rcode, 0,
			     counts[me_dns_responses(category, rcode)]);
	}
	for (uint32_t cause = 0; cause < ME_REFUSED_COUNT; cause++)
		take(fold, ME_SERIES_NAMES_REFUSED, cause, 0, 0, counts[me_dns_refusals(cause)]);
	for (uint32_t id = 1; id < n; id++)
		if (zones[id].refusals && names->zone(names->data, id))
			take(fold, ME_SERIES_DNSBL_REFUSALS, id, 0, 0, zones[id].refusals);
}

static void take_endpoint(struct me_fold *fold, uint32_t id, const struct me_endpoint_counts *n)
{
	take(fold, ME_SERIES_ENDPOINT_ATTEMPTS, id, 0, 0, n->attempts);
	for (uint32_t i = ME_OUTCOME_NONE + 1; i < ME_OUTCOME_COUNT; i++)
		take(fold, ME_SERIES_ENDPOINT_CONNECTIONS, id, i, 0, n->outcome[i]);
	take(fold, ME_SERIES_ENDPOINT_RESETS, id, 0, 0, n->resets);
	take(fold, ME_SERIES_ENDPOINT_ANSWERS, id, 0, 0, n->http_errors);
	take(fold, ME_SERIES_ENDPOINT_ANSWERS, id, 1, 0, n->tls_alerts);
	for (uint32_t i = 0; i < ME_DNS_FAILURE_COUNT; i++)
		take(fold, ME_SERIES_ENDPOINT_DNS_FAILURES, id, i, 0, n->dns_failures[i]);
	take(fold, ME_SERIES_ENDPOINT_BYTES, id, 0, 0, n->bytes_sent);
	take(fold, ME_SERIES_ENDPOINT_BYTES, id, 1, 0, n->bytes_received);
}

void me_fold_take(struct me_fold *fold, const struct me_ledger *ledger, struct me_details *details,
		  struct me_batch *batch)
{
	struct me_endpoint endpoint;

	fold->ledger = ledger;
	fold->details = details;
	fold->batch = batch;
	take_cells(fold);
	take_totals(fold);
	take_dns(fold);
	for (size_t cursor = 0; me_ledger_next_endpoint(ledger, &cursor, &endpoint);)
		take_endpoint(fold, endpoint.id, &endpoint.counts);
	fold->left = NULL;
	if (fold->how == ME_FOLD_LATER)
		fold->how = ME_FOLD_FRESH; /* what is seen first from now on began at zero */
}

void me_fold_written(struct me_fold *fold, const struct me_batch *batch)
{
	for (size_t i = 0; i < batch->n_counts; i++)
		fold->slots[batch->counts[i].slot].id = batch->counts[i].id;
}

uint64_t me_fold_refused(const struct me_fold *fold)
{
	return fold->refused;
}
