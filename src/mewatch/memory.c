/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/memory.h"

#include <malloc.h>
#include "export/http.h"
#include "export/views.h"
#include "ledger/answers.h"
#include "ledger/intern.h"
#include "kernel/kernel.h"
#include "mewatch/daemon.h"
#include "policy/compile.h"
#include "policy/policy.h"

/*
 * README.md has these numbers too. They are rounded up from the sizes of what is kept; the tests fill
 * everything and see that it fits.
 */

/* Program and libraries, counters, groups, what waits for the history, its cache, fixed tables. */
#define FIXED (96ull << 20)
/* A flow that is listed, open or closed: itself, its places in lists and index. */
#define EACH_FLOW 320ull
/* Of an answer, besides its names. */
#define EACH_ANSWER 256ull
/* Of a learned address, while all of them are looked through. */
#define EACH_LEARNED 64ull
/* Counts twice, states, what is kept of it, and its lines in a scrape. */
#define EACH_ENDPOINT 4096ull
/* A name or an address in the policy as written and as compiled, twice while it is loaded again. */
#define EACH_ENTRY 512ull
/* Texts of flows and groups, of answers, and of what waits for the history. */
#define TEXTS 3ull

uint64_t me_memory_most(const struct me_memory_bounds *bounds)
{
	return FIXED + TEXTS * ME_INTERN_BYTES_MAX + ME_ANSWERS_MAX * EACH_ANSWER +
	       ME_HTTP_UNREAD_MAX + ME_VIEW_BYTES_MAX + 2 * bounds->flows * EACH_FLOW +
	       bounds->learned * EACH_LEARNED + bounds->endpoints * EACH_ENDPOINT +
	       bounds->entries * EACH_ENTRY;
}

uint64_t me_memory_of(const struct me_daemon *daemon)
{
	const struct me_image *image = daemon->image;
	const struct me_memory_bounds bounds = {
		.flows = me_kernel_flows_max(daemon->kernel),
		.learned = daemon->policy->limits.learned,
		.endpoints = me_registry_count(daemon->registry, ME_ID_ENDPOINT),
		.entries = image->n_addresses + image->n_prefixes + image->n_name_entries +
			   image->n_hosts + image->n_macs,
	};

	return me_memory_most(&bounds);
}

void me_memory_trim(void)
{
	malloc_trim(0);
}
