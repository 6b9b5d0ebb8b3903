/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_STATUS_H
#define MEWATCH_EXPORT_STATUS_H

/* What the daemon knows of itself, besides the ledger. Filled by the caller, all borrowed. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct me_attached {
	const char *hook;   /* "connect4" */
	const char *target; /* a cgroup or an interface */
	bool ok;
};

struct me_map_fill {
	const char *map;
	uint64_t entries, capacity;
};

struct me_policy_status {
	const char *profile;
	const char *path; /* or NULL: only the profile */
	const char *sha256;
	uint32_t generation;
	uint64_t loaded_ns;     /* epoch */
	const char *last_error; /* of the last reload; NULL if it worked */
};

struct me_status {
	const char *version;
	pid_t pid;
	uint64_t started_ns; /* epoch */
	uint64_t now_ns;     /* epoch */
	struct me_policy_status policy;
	const struct me_attached *attached;
	size_t n_attached;
	const struct me_map_fill *maps;
	size_t n_maps;
};

#endif
