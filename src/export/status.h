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

/* A bound, or something that could not be had, and how often that was met. */
struct me_limit_hits {
	const char *limit; /* the label of mewatch_limits_hit_total */
	uint64_t hits;
	const char *what;   /* was met, for people: follows the number */
	const char *advice; /* or NULL: it needs nobody */
};

/* What is done about violations. */
struct me_mode_status {
	int mode;              /* enum me_mode: where no rule has its own */
	int said;              /* instead of the policy's; -1: nothing was said */
	uint64_t until_ns;     /* epoch: the end of that; 0: there is none */
	bool enforcing;        /* some violations are denied */
	bool keep;             /* also while the daemon is down */
	unsigned int rules[3]; /* with each mode of their own */
};

struct me_policy_status {
	const char *profile;
	const char *path; /* or NULL: only the profile */
	const char *sha256;
	uint32_t generation;
	uint64_t loaded_ns;     /* epoch */
	const char *last_error; /* of the last reload; NULL if it worked */
};

/* The history. */
struct me_history_view {
	const char *state; /* "writing" … */
	const char *path;
	const char *why;   /* it cannot be written, escaped; or NULL */
	const char *aside; /* where a damaged file is now; or NULL */
	bool off;          /* the policy wants none */
	bool writing;
	uint64_t bytes, cached, rows;
	uint64_t oldest_ns, written_ns; /* epoch; 0: nothing yet */
	uint64_t errors;
};

struct me_status {
	const char *version;
	pid_t pid;
	uint64_t started_ns; /* epoch */
	uint64_t now_ns;     /* epoch */
	uint64_t uptime_ns;  /* of a clock that is not set, unlike the two above */
	struct me_policy_status policy;
	struct me_mode_status mode;
	const struct me_attached *attached;
	size_t n_attached;
	const struct me_map_fill *maps;
	size_t n_maps;
	const struct me_limit_hits *limits;
	size_t n_limits;
	uint64_t memory_most,
		memory_kernel; /* bytes: of the daemon, and of its maps, at the most */
	const struct me_history_view *history; /* or NULL */
	const char *const *problems;           /* one line each; what is from outside is escaped */
	size_t n_problems;
};

#endif
