/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_HOSTS_H
#define MEWATCH_POLICY_COMPILE_HOSTS_H

/* The mail hosts of the transit vantage, by prefix and by MAC address. */
#include "policy/compile.h"

/* Fills the image's hosts and macs; one that is named twice has its first number. 0 or -ENOMEM. */
int me_compile_hosts(const struct me_policy *policy, struct me_image *image);

#endif
