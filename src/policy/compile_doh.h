/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_COMPILE_DOH_H
#define MEWATCH_POLICY_COMPILE_DOH_H

/*
 * Addresses of large public resolvers that answer DNS over HTTPS, as their operators publish them;
 * ends with NULL. Only addresses that serve nothing else belong here: HTTPS to them is taken for DNS.
 */
extern const char *const me_doh_resolvers[];

#endif
