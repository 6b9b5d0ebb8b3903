/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_GATEWAY_H
#define MEWATCH_TESTS_KERNEL_GATEWAY_H

/*
 * A gateway and a host behind it: the test in a network namespace of its own with the interface lan0,
 * its other end eth0 in another one. Both exchange packets that programs of tc.bpf.c count, and pins
 * have a folder of their own. All of it goes away with the test, whichever way that ends.
 */
#include <stdbool.h>
#include <stdint.h>
#include "world.h"

struct tc_bpf;

struct gateway {
	struct world host;
	uint32_t lan; /* index of lan0 */
	int here, there;
	struct tc_bpf *variant[2];
	char pins[64];
};

struct gateway *gateway_begin(const char *name);
void gateway_end(struct gateway **gateway);

/* Makes or removes the veth pair; without it there is no exchange. */
void gateway_plug(struct gateway *gateway);
void gateway_unplug(struct gateway *gateway);

/* The programs of a variant, by `egress`, and the one after which no other one runs. */
void gateway_programs(const struct gateway *gateway, int variant, int programs[2]);
int gateway_end_program(const struct gateway *gateway);
uint32_t gateway_program_id(int program);

/* So many packets each way, one after the other. False: one got lost. From any thread. */
bool gateway_exchange(const struct gateway *gateway, uint64_t n);

/* What was counted since the last time: [variant][egress]. */
struct gateway_counts {
	uint64_t of[2][2];
};
struct gateway_counts gateway_counts(const struct gateway *gateway);

/* Exchanges some packets; they must be counted once each way, by this variant; -1: by none. */
void gateway_expect(const struct gateway *gateway, int variant);

/* Runs a command here, quietly. False: it failed. */
bool gateway_try(const char *command);

#endif
