/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_PROBE_H
#define MEWATCH_PROBE_PROBE_H

/*
 * Whether the endpoints of a policy work from here. First all names are resolved, by the policy's own
 * resolvers; then every address is dialled, also through the policy's proxy. Nothing is contacted
 * that the policy does not allow.
 */
#include "probe/dial.h"
#include "probe/gate.h"
#include "probe/plan.h"
#include "probe/resolve.h"

#define ME_PROBE_PROXY_LEN 64

/* A way to a target, and what came of it. */
struct me_probe_row {
	const struct me_probe_target *target;
	const char
		*record; /* "A" or "AAAA": what gave the address, or did not; NULL: no question */
	const char *canonical; /* of the answer; NULL: the name itself */
	bool has_address;      /* dial.address is one */
	struct me_dial dial;
};

/* What is to be said of a target, of all its rows. */
enum me_probe_state { ME_PROBE_WORKS, ME_PROBE_FAILS, ME_PROBE_UNKNOWN, ME_PROBE_STATES };

struct me_probe {
	/* In; borrowed */
	const struct me_policy *policy;
	const struct me_gate *gate;
	const struct me_probe_plan *plan;
	const struct me_probe_servers *resolvers; /* at most ME_LOOKUP_SERVERS_MAX are asked */
	uint64_t timeout_ns;                      /* of each step */
	/* Out */
	struct me_probe_row *rows; /* in the order of the plan */
	size_t n_rows;
	size_t states[ME_PROBE_STATES]; /* how many targets */

	struct me_lookup *lookups;
	size_t n_lookups;
	char proxy[ME_PROBE_PROXY_LEN]; /* its address and port; "" if there is none to be used */
};

/* 0, -ENOMEM or -EIO (a library cannot be used). Whatever it returns, it is to be freed. */
int me_probe_run(struct me_probe *probe);
void me_probe_free(struct me_probe *probe);

/*
 * The state of the target that begins at row `first`; *ret_next is the first row of the next one. Where
 * there is a way through the proxy, that decides.
 */
enum me_probe_state me_probe_state(const struct me_probe_row *rows, size_t n_rows, size_t first,
				   size_t *ret_next);

#endif
