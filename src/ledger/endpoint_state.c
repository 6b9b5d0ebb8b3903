/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/endpoint_state.h"

const char *me_failure_label(enum me_failure failure)
{
#define ME_PICK_LABEL(p, constant, label, help) label,
	static const char *const text[] = {ME_FAILURE_LIST(ME_PICK_LABEL, )};
#undef ME_PICK_LABEL

	/* It may come from a block that outlived its daemon, and whatever happened to it. */
	return (unsigned int)failure < ME_FAILURE_COUNT ? text[failure] : "?";
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t dns_failures(const struct me_endpoint_counts *counts, bool wildcard)
{
	uint64_t sum = 0;

	/* Under a wildcard a name that does not exist says nothing of those that do. */
	for (unsigned int i = 0; i < ME_DNS_FAILURE_COUNT; i++)
		if (!wildcard || i != ME_DNS_FAILED_NXDOMAIN)
			sum += counts->dns_failures[i];
	return sum;
}

static uint32_t count_of(const struct me_endpoint_kept *kept,
			 const struct me_endpoint_counts *counts, bool wildcard,
			 enum me_failure failure)
{
	switch (failure) {
	case ME_FAILURE_REFUSED:
		return (uint32_t)counts->outcome[ME_OUTCOME_REFUSED];
	case ME_FAILURE_TIMEOUT:
		return (uint32_t)counts->outcome[ME_OUTCOME_TIMEOUT];
	case ME_FAILURE_UNREACHABLE:
		return kept->unreachable;
	case ME_FAILURE_UNANSWERED:
		return (uint32_t)counts->outcome[ME_OUTCOME_UNANSWERED];
	case ME_FAILURE_RESET:
		return kept->unheard;
	case ME_FAILURE_HTTP_ERROR:
		return (uint32_t)counts->http_errors;
	case ME_FAILURE_TLS_ALERT:
		return (uint32_t)counts->tls_alerts;
	case ME_FAILURE_DNS:
		return (uint32_t)dns_failures(counts, wildcard);
	default:
		return 0;
	}
}

/* The last kind of failure that there are more of than at the last reading, or NONE. */
static enum me_failure news(struct me_endpoint_kept *kept, const struct me_endpoint_counts *counts,
			    bool wildcard)
{
	enum me_failure found = ME_FAILURE_NONE;

	for (enum me_failure i = ME_FAILURE_COUNT - 1; i > ME_FAILURE_NONE; i--) {
		uint32_t count = count_of(kept, counts, wildcard, i);

		/* During a handover a count is low until the old one is carried over. */
		if ((int32_t)(count - kept->failures[i]) <= 0)
			continue;
		found = i;
		kept->failures[i] = count;
	}
	return found;
}

void me_endpoint_read(struct me_endpoint_kept *kept, const struct me_endpoint_counts *counts,
		      const struct me_endpoint_entry *entry, uint64_t now_ns)
{
	uint64_t attempt = later(counts->last_attempt_ns, kept->proxied_try_ns);
	uint64_t success = later(counts->last_success_ns, kept->proxied_ns);
	enum me_failure failure = news(kept, counts, entry->wildcard);
	bool is_old = !(kept->flags & ME_ENDPOINT_READ) && attempt < kept->since_ns;

	kept->flags |= ME_ENDPOINT_READ;
	if (success > kept->success_ns) {
		kept->success_ns = success;
		kept->failed_ns = 0;
		kept->failure = ME_FAILURE_NONE;
		kept->flags &= ~ME_ENDPOINT_OVERDUE_BEFORE;
	}
	/* A question for a name is no attempt yet, so it has no time of its own. */
	if (!failure || is_old || (failure != ME_FAILURE_DNS && attempt <= success))
		return;
	if (!kept->failed_ns)
		kept->failed_ns = now_ns;
	kept->failure = failure;
}

bool me_endpoint_is_failing(const struct me_endpoint_kept *kept, uint64_t now_ns)
{
	return kept->failed_ns && now_ns - kept->failed_ns >= ME_ENDPOINT_SETTLE_NS;
}

uint64_t me_endpoint_due(const struct me_endpoint_kept *kept, const struct me_endpoint_entry *entry)
{
	return entry->expect_ns ? later(kept->success_ns, kept->since_ns) + entry->expect_ns : 0;
}

static bool is_overdue(const struct me_endpoint_kept *kept, const struct me_endpoint_entry *entry,
		       uint64_t now_ns)
{
	if (!entry->expect_ns)
		return false;
	return kept->flags & ME_ENDPOINT_OVERDUE_BEFORE || now_ns > me_endpoint_due(kept, entry);
}

enum me_endpoint_state me_endpoint_state(const struct me_endpoint_kept *kept,
					 const struct me_endpoint_entry *entry, uint64_t now_ns)
{
	if (!entry->rule)
		return ME_ENDPOINT_GONE;
	if (entry->retired)
		return ME_ENDPOINT_RETIRED;
	if (is_overdue(kept, entry, now_ns))
		return ME_ENDPOINT_OVERDUE;
	if (me_endpoint_is_failing(kept, now_ns))
		return ME_ENDPOINT_FAILING;
	return kept->success_ns || kept->before_s ? ME_ENDPOINT_GOOD : ME_ENDPOINT_NEVER;
}
