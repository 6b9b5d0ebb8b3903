/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_DOCTOR_H
#define MEWATCH_MEWATCH_DOCTOR_H

/* What the checks of `mewatch doctor` share. Each check says one line or more. */
#include <stdbool.h>
#include <stddef.h>
#include "policy/policy.h"

/* X(constant, label, mark) */
#define ME_HEALTHS(X)                                                                              \
	X(ME_HEALTH_GOOD, "good", '+')                                                             \
	X(ME_HEALTH_WARNING, "warning", '-')                                                       \
	X(ME_HEALTH_FAILURE, "failure", '!')

enum me_health {
#define ME_HEALTH_CONSTANT(constant, label, mark) constant,
	ME_HEALTHS(ME_HEALTH_CONSTANT)
#undef ME_HEALTH_CONSTANT
};

/* X(name, function): the checks, in the order in which they run. */
#define ME_DOCTOR_CHECKS(X)                                                                        \
	X(capabilities, me_doctor_capabilities)                                                    \
	X(programs, me_doctor_programs)                                                            \
	X(lockdown, me_doctor_lockdown)                                                            \
	X(unprivileged, me_doctor_unprivileged)                                                    \
	X(limits, me_doctor_limits)                                                                \
	X(namespaces, me_doctor_namespaces)                                                        \
	X(pins, me_doctor_pins)                                                                    \
	X(attached, me_doctor_attached)                                                            \
	X(policy, me_doctor_policy)                                                                \
	X(cgroups, me_doctor_cgroups)                                                              \
	X(outside, me_doctor_outside)                                                              \
	X(interfaces, me_doctor_interfaces)                                                        \
	X(offload, me_doctor_offload)                                                              \
	X(resolvers, me_doctor_resolvers)                                                          \
	X(nsswitch, me_doctor_nsswitch)                                                            \
	X(clock, me_doctor_clock)                                                                  \
	X(state, me_doctor_state)                                                                  \
	X(run, me_doctor_run)

#define ME_DOCTOR_LINES_MAX 512 /* beyond them lines are counted, no more */

struct me_doctor_line {
	const char *check;
	enum me_health health;
	char *text;
	const char *remedy; /* what to do, of static lifetime; "": nothing */
};

struct me_doctor {
	const char *pins, *state, *socket; /* of the daemon */
	const struct me_policy *policy;    /* NULL: it cannot be used */
	const char *policy_path;           /* or NULL: the built-in one */
	size_t policy_errors;
	const char *const *cgroups; /* what is watched: the options', else the policy's */
	size_t n_cgroups;
	const char *const *interfaces;
	size_t n_interfaces;
	const char *check; /* that runs now */
	struct me_doctor_line line[ME_DOCTOR_LINES_MAX];
	size_t n, dropped, count[ME_HEALTH_FAILURE + 1];
	bool lacking; /* the kernel cannot do it */
	bool failed;  /* out of memory */
};

/*
 * Adds a line. `remedy`, of static lifetime, is what to do about it; NULL: nothing. Text from outside is made safe
 * here; nothing else has to.
 */
void me_doctor_say(struct me_doctor *doctor, enum me_health health, const char *remedy,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

#define ME_DOCTOR_DECLARE(name, function) void function(struct me_doctor *doctor);
ME_DOCTOR_CHECKS(ME_DOCTOR_DECLARE)
#undef ME_DOCTOR_DECLARE

/* doctor_print.c: standard output. 0 or a negative errno. */
int me_doctor_print(const struct me_doctor *doctor);
int me_doctor_print_json(const struct me_doctor *doctor);

#endif
