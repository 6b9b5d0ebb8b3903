/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/endpoints.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"

struct known {
	struct me_endpoint_counts counts;
	uint64_t failures_at_success; /* failures counted when it last succeeded */
	uint64_t no_route;
	uint64_t expect_ns;
	uint64_t since_ns; /* when the entry came into force: what `expect` counts from at first */
	uint32_t rule;     /* 0: not in the policy */
	bool retired;
	bool counted; /* counts were read at least once */
};

struct me_endpoints {
	struct known *known; /* index: endpoint id */
	uint32_t count;
};

const char *me_endpoint_state_label(enum me_endpoint_state state)
{
#define ME_PICK_LABEL(p, constant, label, help) label,
	static const char *const text[] = {ME_ENDPOINT_STATE_LIST(ME_PICK_LABEL, )};
#undef ME_PICK_LABEL

	return text[state];
}

struct me_endpoints *me_endpoints_new(void)
{
	return calloc(1, sizeof(struct me_endpoints));
}

void me_endpoints_free(struct me_endpoints **endpoints)
{
	if (!*endpoints)
		return;
	free((*endpoints)->known);
	free(*endpoints);
	*endpoints = NULL;
}

static int reserve(struct me_endpoints *endpoints, uint32_t count)
{
	struct known *known;

	if (count <= endpoints->count)
		return 0;
	known = realloc(endpoints->known, count * sizeof(*known));
	if (!known)
		return -ENOMEM;
	memset(known + endpoints->count, 0, (count - endpoints->count) * sizeof(*known));
	endpoints->known = known;
	endpoints->count = count;
	return 0;
}

int me_endpoints_policy(struct me_endpoints *endpoints, const struct me_endpoint_entry *entries,
			size_t n_entries, uint64_t now_ns)
{
	uint32_t count = 0;
	int r;

	for (size_t i = 0; i < n_entries; i++)
		if (entries[i].endpoint >= count)
			count = entries[i].endpoint + 1;
	r = reserve(endpoints, count);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < endpoints->count; i++)
		endpoints->known[i].rule = 0;
	for (size_t i = 0; i < n_entries; i++) {
		struct known *known = &endpoints->known[entries[i].endpoint];

		/* Two rules may share an endpoint: the first decides, unless it is retired. */
		if (known->rule && !known->retired)
			continue;
		if (!known->since_ns)
			known->since_ns = now_ns;
		known->rule = entries[i].rule;
		known->retired = entries[i].retired;
		known->expect_ns = entries[i].expect_ns;
	}
	for (uint32_t i = 0; i < endpoints->count; i++)
		if (!endpoints->known[i].rule)
			endpoints->known[i].since_ns = 0;
	return 0;
}

static uint64_t failures(const struct known *known)
{
	const __u64 *outcome = known->counts.outcome;
	uint64_t sum = outcome[ME_OUTCOME_REFUSED] + outcome[ME_OUTCOME_TIMEOUT] +
		       outcome[ME_OUTCOME_UNREACHABLE] + outcome[ME_OUTCOME_UNANSWERED];

	return sum > known->no_route ? sum - known->no_route : 0;
}

/*
 * An endpoint fails when failures were counted since its last success. What came before this process
 * is judged by its times alone.
 */
static void read_counts(struct known *known, const struct me_endpoint_counts *counts)
{
	bool succeeded = counts->last_success_ns != known->counts.last_success_ns;

	known->counts = *counts;
	if (!known->counted)
		succeeded = counts->last_success_ns >= counts->last_attempt_ns;
	if (succeeded)
		known->failures_at_success = failures(known);
	known->counted = true;
}

int me_endpoints_counts(struct me_endpoints *endpoints, const struct me_endpoint_counts *counts,
			uint32_t n)
{
	int r = reserve(endpoints, n);

	if (r < 0)
		return r;
	for (uint32_t i = 1; i < n; i++)
		read_counts(&endpoints->known[i], &counts[i]);
	return 0;
}

void me_endpoints_no_route(struct me_endpoints *endpoints, uint32_t endpoint)
{
	if (endpoint && endpoint < endpoints->count)
		endpoints->known[endpoint].no_route++;
}

static enum me_endpoint_state state_of(const struct known *known, uint64_t now_ns)
{
	uint64_t success = known->counts.last_success_ns;
	uint64_t since = success ? success : known->since_ns;

	if (!known->rule)
		return ME_ENDPOINT_GONE;
	if (known->retired)
		return ME_ENDPOINT_RETIRED;
	if (known->expect_ns && now_ns > since && now_ns - since > known->expect_ns)
		return ME_ENDPOINT_OVERDUE;
	if (failures(known) > known->failures_at_success)
		return ME_ENDPOINT_FAILING;
	return success ? ME_ENDPOINT_GOOD : ME_ENDPOINT_NEVER;
}

bool me_endpoints_next(const struct me_endpoints *endpoints, uint64_t now_ns, size_t *cursor,
		       struct me_endpoint *ret_endpoint)
{
	while (++*cursor < endpoints->count) {
		const struct known *known = &endpoints->known[*cursor];

		if (!known->rule && !known->counts.attempts)
			continue;
		*ret_endpoint = (struct me_endpoint){
			.id = (uint32_t)*cursor,
			.rule = known->rule,
			.state = state_of(known, now_ns),
			.expect_ns = known->rule ? known->expect_ns : 0,
			.counts = known->counts,
		};
		return true;
	}
	return false;
}
