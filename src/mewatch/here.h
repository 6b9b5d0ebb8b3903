/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_HERE_H
#define MEWATCH_MEWATCH_HERE_H

/* What the subcommands that read a policy have in common: their options, and this machine. */
#include <stdbool.h>
#include "policy/compile.h"
#include "policy/system.h"

/* The policy to use: `given`, else the default file if it is there, else NULL (the profile alone). */
const char *me_here_policy(const char *given);

struct me_here_request {
	const char *path; /* as me_here_policy() */
	bool json;
	const char *argument; /* the only one, or NULL if none is expected */
	const char *socket;   /* of the daemon */
	const char *state;    /* its folder, or NULL */
	bool transit;
};

/*
 * Reads `[-c FILE] [--json]`, and if an `argument` is expected `[--socket PATH] [--transit] ARGUMENT`,
 * else `[--state DIR]`.
 * -1: go on. Otherwise the exit code: the usage was asked for (ME_EXIT_OK) or something else was given
 * (ME_EXIT_USAGE); `usage` is printed.
 */
int me_here_options(int argc, char **argv, const char *usage, bool argument,
		    struct me_here_request *ret_request);

/* What this machine contributes to a compilation, now. `environment` points into `system`. */
struct me_here {
	struct me_system system;
	struct me_environment environment;
};
void me_here_read(struct me_here *here);

#endif
