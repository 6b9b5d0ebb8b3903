/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TEST_KERNEL_NAMES_CASE_H
#define MEWATCH_TEST_KERNEL_NAMES_CASE_H

/* What the test program reads of a message behind an Ethernet header. */
#include "mewatch/dns_use.h"

#define NAMES_HEADER 14

struct names_case {
	struct me_dns dns;
	struct me_dns blank; /* never written */
	struct me_named named;
	__u32 length;
	__u32 unreadable;
	__u32 category;
	__u32 zero;
};

#endif
