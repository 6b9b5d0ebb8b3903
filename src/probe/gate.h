/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_GATE_H
#define MEWATCH_PROBE_GATE_H

/*
 * Whether something may be contacted: the judge says so, by the policy as the daemon compiles it. So a
 * probe makes no flow that would be a violation.
 */
#include "policy/compile.h"
#include "policy/policy.h"

struct me_gate;

/* 0, -EINVAL (diagnosed) or -ENOMEM. */
int me_gate_new(const struct me_policy *policy, const struct me_environment *environment,
		struct me_diagnostics *diagnostics, struct me_gate **ret_gate);
void me_gate_free(struct me_gate **gate);
ME_DEFINE_CLEANUP(struct me_gate *, me_gate_free)

/*
 * Whether the policy lets flows to this address and port out, if a DNS answer gave the address to
 * `name` (NULL: nobody asked). Port in host order. Otherwise *ret_why says why not, a static text.
 */
bool me_gate_allows(const struct me_gate *gate, const char *name, const struct me_addr *address,
		    uint8_t proto, uint16_t port, const char **ret_why);

#endif
