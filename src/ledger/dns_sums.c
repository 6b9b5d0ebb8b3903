/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/dns_sums.h"

uint64_t me_dns_sum_queries(const uint64_t *counts)
{
	uint64_t sum = 0;

	for (uint32_t category = 0; category < ME_DNS_CATEGORY_COUNT; category++)
		sum += counts[me_dns_queries(category)];
	return sum;
}

uint64_t me_dns_sum_responses(const uint64_t *counts)
{
	uint64_t sum = 0;

	for (uint32_t category = 0; category < ME_DNS_CATEGORY_COUNT; category++)
		for (uint32_t rcode = 0; rcode < ME_RCODE_COUNT; rcode++)
			sum += counts[me_dns_responses(category, rcode)];
	return sum;
}

uint64_t me_dns_sum_refusals(const uint64_t *counts)
{
	uint64_t sum = 0;

	for (uint32_t cause = 0; cause < ME_REFUSED_COUNT; cause++)
		sum += counts[me_dns_refusals(cause)];
	return sum;
}
