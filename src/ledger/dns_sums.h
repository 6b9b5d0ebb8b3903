/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_DNS_SUMS_H
#define MEWATCH_LEDGER_DNS_SUMS_H

/* Sums over the counters of DNS (abi.h, me_dns_queries() …): `counts` is an array of ME_DNS_COUNTS. */
#include <stdint.h>
#include "mewatch/abi.h"

uint64_t me_dns_sum_queries(const uint64_t *counts);
uint64_t me_dns_sum_responses(const uint64_t *counts);

/* What was not learned, for whatever cause. */
uint64_t me_dns_sum_refusals(const uint64_t *counts);

#endif
