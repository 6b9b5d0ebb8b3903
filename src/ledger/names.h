/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_NAMES_H
#define MEWATCH_LEDGER_NAMES_H

/*
 * Texts for ids, from those who know them (the policy's registry, the kernel side). Each returns
 * NULL for what it does not know. Texts of policy ids stay valid as long as the ledger; those of
 * processes and cgroups until the next call.
 */
#include <stdint.h>
#include "mewatch/abi.h"

struct me_names {
	void *data; /* passed to each */
	const char *(*service)(void *data, uint32_t id);
	const char *(*endpoint)(void *data, uint32_t id);
	const char *(*endpoint_service)(void *data, uint32_t id);
	const char *(*rule)(void *data, uint32_t id);  /* the slug */
	const char *(*place)(void *data, uint32_t id); /* file:line of the rule */
	const char *(*zone)(void *data, uint32_t id);  /* of block lists */
	const char *(*exe)(void *data, const struct me_proc_key *proc);
	const char *(*cgroup)(void *data, uint64_t id); /* the path */
};

#endif
