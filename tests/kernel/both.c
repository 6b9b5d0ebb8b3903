/* SPDX-License-Identifier: GPL-2.0-only */
#include "both.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/clock.h"
#include "policy/compile.h"

#define TAKE_TRIES 100

struct both *both_begin(struct transit *transit, uint32_t flows)
{
	struct me_program_sizes sizes = {.flows = flows, .learned = 256};
	struct both *both = calloc(1, sizeof(*both));

	assert_non_null(both);
	both->kernel = transit;
	me_kernel_endpoints(transit->kernel, &sizes.endpoints);
	assert_int_equal(me_program_open(&sizes, &both->host), 0);
	both_policy(both);
	return both;
}

void both_policy(struct both *both)
{
	assert_int_equal(me_program_policy(&both->host, both->kernel->image), 0);
}

void both_end(struct both **both)
{
	me_program_close(&(*both)->host);
	free(*both);
	*both = NULL;
}

void both_pass(struct both *both, const uint8_t *frame, size_t size,
	       const struct me_program_packet *packet)
{
	struct me_program_packet one = *packet;

	one.interface = both->kernel->interface;
	if (transit_run(both->kernel, packet->sent, frame, size)) {
		both->refused++;
		return;
	}
	me_program_time(me_clock_now(CLOCK_MONOTONIC));
	me_program_packet(&one);
	both->frames++;
}

/* --- What is the same --------------------------------------------------------------------------- */

/* Times and ids are each side's own. */
static void strip(struct me_flow *flow)
{
	flow->id = flow->first_ns = flow->last_ns = flow->seen_ns = 0;
	flow->wire.syn_ns = flow->wire.gap_ns = 0;
	flow->closed_ns = !!flow->closed_ns;
}

static int look_at_flow(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct both *both = userdata;
	const struct me_flow *found;
	struct me_flow here = *flow, there;
	struct me_flow_key moved = *key;

	/* What tells flows that were set aside apart is of their ids. */
	if (key->earlier)
		return 0;
	found = me_map_lookup(both->host.me_flows, &moved);
	assert_non_null(found);
	there = *found;
	strip(&here);
	strip(&there);
	assert_memory_equal(&here, &there, sizeof(here));
	return 0;
}

/* All but times. */
static void compare_endpoints(struct both *both)
{
	uint32_t n;
	const struct me_endpoint_counts *here = me_kernel_endpoints(both->kernel->kernel, &n);

	for (uint32_t i = 0; i < n; i++) {
		const struct me_endpoint_counts *twin = me_map_lookup(both->host.me_endpoints, &i);
		struct me_endpoint_counts a = here[i], b;

		assert_non_null(twin);
		b = *twin;
		a.last_attempt_ns = !!a.last_attempt_ns;
		b.last_attempt_ns = !!b.last_attempt_ns;
		a.last_success_ns = !!a.last_success_ns;
		b.last_success_ns = !!b.last_success_ns;
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

void both_compare(struct both *both)
{
	const uint32_t zero = 0;
	uint64_t totals[ME_TOTALS_ALL], dns[ME_DNS_COUNTS];

	assert_int_equal(me_kernel_flows_each(both->kernel->kernel, look_at_flow, both), 0);
	assert_int_equal(transit_entries(both->kernel, "me_flows"),
			 me_map_count(both->host.me_flows));
	assert_int_equal(transit_entries(both->kernel, "me_learned"),
			 me_map_count(both->host.me_learned));
	assert_int_equal(transit_entries(both->kernel, "me_queries"),
			 me_map_count(both->host.me_queries));
	assert_int_equal(transit_entries(both->kernel, "me_aliases"),
			 me_map_count(both->host.me_aliases));
	assert_int_equal(transit_entries(both->kernel, "me_fragments"),
			 me_map_count(both->host.me_fragments));
	assert_int_equal(transit_entries(both->kernel, "me_host_table"),
			 me_map_count(both->host.me_host_table));
	assert_int_equal(transit_entries(both->kernel, "me_ftp_announced"),
			 me_map_count(both->host.me_ftp_announced));
	assert_int_equal(me_kernel_counters(both->kernel->kernel, ME_SERVICES_MAX,
					    both->kernel->cells, totals),
			 0);
	assert_memory_equal(both->kernel->cells, me_map_lookup(both->host.me_cells, &zero),
			    ME_CELL_COUNT * sizeof(uint64_t));
	assert_memory_equal(totals, me_map_lookup(both->host.me_totals, &zero), sizeof(totals));
	assert_int_equal(me_kernel_dns(both->kernel->kernel, dns), 0);
	assert_memory_equal(dns, me_map_lookup(both->host.me_dns_counts, &zero), sizeof(dns));
	compare_endpoints(both);
}

/* A record without its times and ids, as text. */
static void describe(const void *data, char out[64])
{
	const struct me_record *record = data;
	const struct me_payload *payload = data;

	if (record->kind < ME_RECORD_ANSWER)
		snprintf(out, 64, "%u %u %u %u %u>%u %08x", record->kind, record->what,
			 record->key.proto, record->flow.direction, record->key.sport,
			 record->key.port, record->flow.state.word);
	else
		snprintf(out, 64, "%u %u %u>%u %u", payload->kind, payload->flags,
			 payload->key.sport, payload->key.port, payload->length);
}

static int keep(struct both *both, int side, const void *data)
{
	if (both->n[side] < BOTH_MESSAGES)
		describe(data, both->message[side][both->n[side]]);
	both->n[side]++;
	return 0;
}

static int keep_host(void *userdata, void *data, size_t size)
{
	return keep(userdata, 1, data);
}

static int keep_record(const struct me_record *record, void *userdata)
{
	return keep(userdata, 0, record);
}

static int keep_payload(const struct me_payload *head, const uint8_t *bytes, void *userdata)
{
	return keep(userdata, 0, head);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* `sorted`: whoever told them went through a hash. */
void both_compare_records(struct both *both, bool sorted)
{
	both->n[0] = both->n[1] = 0;
	assert_true(me_map_consume(both->host.me_ring, keep_host, both) >= 0);
	assert_true(me_kernel_ring(both->kernel->kernel, keep_record, keep_payload, both) >= 0);
	assert_int_equal(both->n[0], both->n[1]);
	assert_true(both->n[0] <= BOTH_MESSAGES);
	for (int side = 0; side < 2 && sorted; side++)
		qsort(both->message[side], both->n[side], sizeof(both->message[side][0]), by_text);
	for (size_t i = 0; i < both->n[0]; i++)
		assert_string_equal(both->message[0][i], both->message[1][i]);
}

/* --- What time does ------------------------------------------------------------------------------ */

/* As if the time of all fragments were over. */
void both_expire_fragments(struct both *both)
{
	struct me_map_cursor cursor = {};
	const void *key;
	void *value;

	assert_int_equal(me_kernel_fragments_expire(both->kernel->kernel, UINT64_MAX), 0);
	while (me_map_next(both->host.me_fragments, &cursor, &key, &value)) {
		struct me_orphan orphan = {.key = *(const struct me_fragment_key *)key};

		me_orphan(&orphan);
	}
	both_compare_records(both, true);
	both->orphans += both->n[0];
}

static void settle(struct both *both, const struct me_flow_key *key, uint64_t here, uint64_t there,
		   struct me_settle *what)
{
	struct me_settle other = *what;

	what->key = other.key = *key;
	what->id = here;
	other.id = there;
	me_kernel_settle(both->kernel->kernel, what);
	me_settle(&other);
	assert_int_equal(what->result, other.result);
}

/* Pending flows get a verdict, those from an even port one and the others the other; then all end. */
static int settle_flow(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct me_settle verdict = {
		.now_ns = flow->last_ns,
		.what = ME_SETTLE_VERDICT,
		.generation = flow->generation,
		.service = flow->service,
		.state = {.verdict = ME_VIOLATION, .reason = ME_REASON_UNLISTED_DESTINATION}};
	struct me_settle end = {.now_ns = flow->last_ns, .what = ME_SETTLE_END};
	struct me_flow_key moved = *key;
	struct both *both = userdata;
	const struct me_flow *found = me_map_lookup(both->host.me_flows, &moved);

	if (key->earlier)
		return 0;
	assert_non_null(found);
	if (key->sport % 2) {
		verdict.state =
			(union me_state){.verdict = ME_ALLOWED, .evidence = ME_EVIDENCE_CLAIMED};
		verdict.endpoint = verdict.rule = 1;
	}
	settle(both, key, flow->id, found->id, &verdict);
	settle(both, key, flow->id, found->id, &end);
	return 0;
}

static int take_flow(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct both *both = userdata;
	struct me_take take = {.key = *key};
	const struct me_flow *found = me_map_lookup(both->host.me_flows, &take.key);
	struct me_flow last;

	assert_int_equal(me_kernel_flow_take(both->kernel->kernel, key, flow->id, &last), 0);
	if (key->earlier)
		return 0;
	assert_non_null(found);
	take.id = found->id;
	me_take(&take);
	assert_int_equal(take.result, 0);
	strip(&last);
	strip(&take.flow);
	assert_memory_equal(&last, &take.flow, sizeof(last));
	return 0;
}

/* A walk may pass over what is there when something is taken out. What was set aside is left on the host. */
static void take_flows(struct both *both)
{
	struct me_map_cursor cursor = {};
	const void *key;
	void *flow;

	for (int i = 0; i < TAKE_TRIES && transit_entries(both->kernel, "me_flows"); i++)
		assert_int_equal(me_kernel_flows_each(both->kernel->kernel, take_flow, both), 0);
	while (me_map_next(both->host.me_flows, &cursor, &key, &flow)) {
		struct me_take take = {.key = *(const struct me_flow_key *)key,
				       .id = ((const struct me_flow *)flow)->id};

		assert_int_not_equal(take.key.earlier, 0);
		me_take(&take);
	}
	both_compare(both);
	assert_int_equal(me_map_count(both->host.me_flows), 0);
}

void both_finish(struct both *both)
{
	assert_int_equal(me_kernel_sync_passing(both->kernel->kernel), 0);
	me_sync_passing(NULL);
	assert_int_equal(me_kernel_flows_each(both->kernel->kernel, settle_flow, both), 0);
	both_compare(both);
	both_compare_records(both, false);
	both_expire_fragments(both);
	take_flows(both);
}
