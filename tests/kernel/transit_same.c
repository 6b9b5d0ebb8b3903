/* SPDX-License-Identifier: GPL-2.0-only */
#include "transit_same.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include "base/cleanup.h"
#include "transit.h"
#include "transit_model.h"

#define ETHERNET 14
#define TIMES 2      /* that a frame passes */
#define DRAINED 4096 /* frames after which the ring is read */

void transit_same_begin(struct transit_same *same, struct transit *transit)
{
	if (!same->model)
		same->model = malloc(sizeof(*same->model));
	assert_non_null(same->model);
	same->transit = transit;
	same->flows = transit_map(transit, "me_flows");
	same->fragments = transit_map(transit, "me_fragments");
	same->frames = same->allowed = same->refused = 0;
	transit_mark(transit);
	model_begin(same->model, transit->image);
}

void transit_same_end(struct transit_same *same)
{
	free(same->model);
	same->model = NULL;
}

/* --- What is left of a frame --------------------------------------------------------------------- */

static void same_number(const char *what, uint64_t seen, uint64_t expected)
{
	if (seen != expected)
		fail_msg("%s: %llu, expected %llu", what, (unsigned long long)seen,
			 (unsigned long long)expected);
}

#define SAME(field) same_number(#field, seen->field, expected->field)

static void same_flow(const struct me_flow *seen, const struct me_flow *expected)
{
	SAME(state.verdict);
	SAME(state.reason);
	SAME(state.evidence);
	SAME(state.flags);
	SAME(generation);
	SAME(endpoint);
	SAME(rule);
	SAME(service);
	SAME(sport);
	SAME(outcome);
	SAME(direction);
	SAME(flags);
	SAME(bytes_sent);
	SAME(bytes_received);
	SAME(packets_sent);
	SAME(packets_received);
	SAME(wire_bytes_sent);
	SAME(wire_bytes_received);
	SAME(wire.errors);
	for (int i = 0; i < 2; i++) {
		SAME(wire.side[i].isn);
		SAME(wire.side[i].next);
		SAME(wire.side[i].fin);
		SAME(wire.side[i].is);
	}
}

static void same_fragment(const struct me_fragment *seen, const struct me_fragment *expected)
{
	SAME(packets);
	SAME(payload);
	SAME(wire);
	SAME(sport);
	SAME(dport);
	SAME(number);
	SAME(known);
}

#undef SAME

/* Takes an entry out of a map. */
static void take(int map, const void *key, void *value, const char *what)
{
	if (bpf_map_lookup_and_delete_elem(map, key, value))
		fail_msg("there is no such %s", what);
}

enum me_verdict transit_same_left(struct transit_same *same, const struct model_frame *frame,
				  unsigned int times)
{
	struct me_fragment fragment;
	struct model_result result;
	struct me_flow flow;

	if (++same->frames % DRAINED == 0)
		transit_ring_skip(same->transit);
	model_pass(same->model, frame, times, &result);
	if (result.is_fragment) {
		take(same->fragments, &result.fragment_key, &fragment, "fragment");
		same_fragment(&fragment, &result.fragment);
	}
	if (!result.is_flow)
		return ME_VERDICT_COUNT;
	take(same->flows, &result.key, &flow, "flow");
	same_flow(&flow, &result.flow);
	same->allowed += flow.state.verdict == ME_ALLOWED;
	return flow.state.verdict;
}

enum me_verdict transit_same_run(struct transit_same *same, bool sent, const uint8_t *frame,
				 size_t size)
{
	struct model_frame of = {.byte = frame + ETHERNET,
				 .size = size - ETHERNET,
				 .protocol = (uint16_t)(frame[12] << 8 | frame[13]),
				 .sent = sent};
	static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	int err;

	of.mac = me_mac(frame + (sent ? 6 : 0));
	of.broadcast = !memcmp(frame, everybody, sizeof(everybody));
	err = transit_run_often(same->transit, sent, frame, size, TIMES);
	if (err == -EINVAL) {
		same->refused++;
		return ME_VERDICT_COUNT;
	}
	assert_int_equal(err, 0);
	return transit_same_left(same, &of, TIMES);
}

/* --- What was counted ----------------------------------------------------------------------------- */

static bool same_sum(const char *what, size_t index, uint64_t seen, uint64_t expected)
{
	if (seen != expected)
		print_error("%s %zu: %llu, expected %llu\n", what, index, (unsigned long long)seen,
			    (unsigned long long)expected);
	return seen == expected;
}

static bool same_hosts(struct transit_same *same)
{
	int map = transit_map(same->transit, "me_host_table");
	struct model *model = same->model;
	bool all = same_sum("mail hosts", 0, transit_entries(same->transit, "me_host_table"),
			    model->n_hosts);

	for (size_t i = 0; i < model->n_hosts; i++) {
		const struct me_host_counts *expected = &model->hosts[i].counts;
		struct me_host_counts seen = {};

		bpf_map_lookup_elem(map, &model->hosts[i].address, &seen);
		all &= same_sum("attempts of host", i, seen.attempts, expected->attempts);
		all &= same_sum("violations of host", i, seen.violations, expected->violations);
		all &= same_sum("number of host", i, seen.number, expected->number);
		all &= same_sum("MAC of host", i, seen.mac, expected->mac);
	}
	return all;
}

bool transit_same_sums(struct transit_same *same)
{
	struct host_counts seen = transit_counts(same->transit);
	bool all = same_hosts(same);

	all &= same_sum("flows", 0, transit_entries(same->transit, "me_flows"), 0);
	all &= same_sum("fragments", 0, transit_entries(same->transit, "me_fragments"), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(seen.total); i++)
		all &= same_sum("total", i, seen.total[i], same->model->totals[i]);
	for (uint32_t i = me_cell(1, 0, 0, 0); i < ME_CELL_COUNT; i++)
		all &= same_sum("cell", i, same->transit->cells[i] - same->transit->marked_cells[i],
				same->model->cells[i]);
	return all;
}

void transit_same_report(const struct transit_same *same)
{
	printf("%llu frames, of which %llu made an allowed flow; %llu were too short to be run\n",
	       (unsigned long long)same->frames, (unsigned long long)same->allowed,
	       (unsigned long long)same->refused);
}
