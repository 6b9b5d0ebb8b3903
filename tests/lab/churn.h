/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_CHURN_H
#define MEWATCH_LAB_CHURN_H

/* What the programs of the churn share: the numbers of DNS messages. */
#include <arpa/nameser.h>
#include <resolv.h>
#include "lab.h"

#define CHURN_NAME_LEN 96
#define CHURN_DNS_HEADER 12u
#define CHURN_DNS_MAX 65535u

static inline unsigned int churn_get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static inline void churn_put16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

#endif
