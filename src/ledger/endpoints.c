/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/endpoints.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "ledger/endpoint_state.h"
#include "ledger/minutes.h"

#define MINUTE_NS (60 * ME_NS_PER_S)

struct known {
	struct me_endpoint_counts counts;
	struct me_endpoint_entry entry; /* rule 0: not in the policy */
	struct me_minutes *minutes;     /* attempts; NULL until there is one */
	bool counted;                   /* counts were read by this process */
};

struct me_endpoints {
	struct known *known; /* index: endpoint id */
	uint32_t count;
	struct me_endpoint_kept *kept; /* index: endpoint id */
	uint32_t n_kept;
	bool borrowed; /* kept is the caller's, and does not grow */
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
	for (uint32_t i = 0; i < (*endpoints)->count; i++)
		free((*endpoints)->known[i].minutes);
	if (!(*endpoints)->borrowed)
		free((*endpoints)->kept);
	free((*endpoints)->known);
	free(*endpoints);
	*endpoints = NULL;
}

void me_endpoints_keep(struct me_endpoints *endpoints, struct me_endpoint_kept *kept, uint32_t n)
{
	endpoints->kept = kept;
	endpoints->n_kept = n;
	endpoints->borrowed = true;
}

struct me_endpoint_kept *me_endpoints_kept(const struct me_endpoints *endpoints, uint32_t endpoint)
{
	return endpoint && endpoint < endpoints->n_kept ? &endpoints->kept[endpoint] : NULL;
}

static int reserve_kept(struct me_endpoints *endpoints, uint32_t count)
{
	struct me_endpoint_kept *kept;

	if (count <= endpoints->n_kept)
		return 0;
	if (endpoints->borrowed)
		return -ENOSPC;
	kept = realloc(endpoints->kept, count * sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	memset(kept + endpoints->n_kept, 0, (count - endpoints->n_kept) * sizeof(*kept));
	endpoints->kept = kept;
	endpoints->n_kept = count;
	return 0;
}

static int reserve(struct me_endpoints *endpoints, uint32_t count)
{
	struct known *known;
	int r = reserve_kept(endpoints, count);

	if (r < 0 || count <= endpoints->count)
		return r;
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
		endpoints->known[i].entry = (struct me_endpoint_entry){0};
	for (size_t i = 0; i < n_entries; i++) {
		struct me_endpoint_entry *entry = &endpoints->known[entries[i].endpoint].entry;
		uint64_t *since = &endpoints->kept[entries[i].endpoint].since_ns;

		/* Two rules may share an endpoint: the first decides, unless it is retired. */
		if (entry->rule && !entry->retired)
			continue;
		if (!*since)
			*since = now_ns;
		*entry = entries[i];
	}
	for (uint32_t i = 0; i < endpoints->count; i++)
		if (!endpoints->known[i].entry.rule)
			endpoints->kept[i].since_ns = endpoints->kept[i].failed_ns = 0;
	return 0;
}

/* Without memory the trend is empty, which is what is shown. */
static void add_minutes(struct known *known, uint64_t attempts, uint64_t now_ns)
{
	if (!attempts)
		return;
	if (!known->minutes)
		known->minutes = calloc(1, sizeof(*known->minutes));
	if (known->minutes)
		me_minutes_add(known->minutes, now_ns / MINUTE_NS, attempts);
}

int me_endpoints_counts(struct me_endpoints *endpoints, const struct me_endpoint_counts *counts,
			uint32_t n, uint64_t now_ns)
{
	int r = reserve(endpoints, n);

	if (r < 0)
		return r;
	for (uint32_t i = 1; i < n; i++) {
		struct known *known = &endpoints->known[i];

		if (known->counted)
			add_minutes(known, counts[i].attempts - known->counts.attempts, now_ns);
		known->counts = counts[i];
		known->counted = true;
		me_endpoint_read(&endpoints->kept[i], &known->counts, &known->entry, now_ns);
	}
	return 0;
}

bool me_endpoints_next(const struct me_endpoints *endpoints, uint64_t now_ns, size_t *cursor,
		       struct me_endpoint *ret_endpoint)
{
	while (++*cursor < endpoints->count) {
		const struct known *known = &endpoints->known[*cursor];
		const struct me_endpoint_kept *kept = &endpoints->kept[*cursor];
		enum me_endpoint_state state;

		if (!known->entry.rule && !known->counts.attempts)
			continue;
		state = me_endpoint_state(kept, &known->entry, now_ns);
		*ret_endpoint = (struct me_endpoint){
			.id = (uint32_t)*cursor,
			.rule = known->entry.rule,
			.state = state,
			.failing = (state == ME_ENDPOINT_FAILING || state == ME_ENDPOINT_OVERDUE) &&
				   me_endpoint_is_failing(kept, now_ns),
			.expect_ns = known->entry.expect_ns,
			.due_ns = state == ME_ENDPOINT_RETIRED
					  ? 0
					  : me_endpoint_due(kept, &known->entry),
			.attempt_ns = known->counts.last_attempt_ns > kept->proxied_try_ns
					      ? known->counts.last_attempt_ns
					      : kept->proxied_try_ns,
			.counts = known->counts,
			.kept = kept,
			.minutes = known->minutes,
			.minute = now_ns / MINUTE_NS,
		};
		return true;
	}
	return false;
}
