/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_INTERFACE_H
#define MEWATCH_KERNEL_INTERFACE_H

/*
 * One interface of the calling thread's network namespace with a program in each direction, by tcx or
 * by clsact, and its pins (interface_pins.h). The programs go on without the daemon. Each step of what
 * is done here leaves a state that the next start can go on from.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Attaches programs[egress] to both directions, or exchanges the programs that are attached, without a
 * gap. At an exchange they become the first again where another has put himself in front: between one
 * system call and the next a packet is counted twice then. Programs that are attached already stay in
 * their place.
 *
 * 0; -ENODEV: no such interface; -EBUSY, -ENOSPC: as me_clsact_make() and me_clsact_attach(); others.
 * After an error what was attached before is attached still; if nothing was, nothing is.
 */
int me_interface_attach(const char *pins, uint32_t index, const int programs[2], bool tcx);

/* Whether one direction is attached, and no other program before it, as far as can be told. */
void me_interface_state(const char *pins, uint32_t index, bool egress, bool *ret_alive,
			bool *ret_first);

/*
 * Detaches and unpins; the qdisc goes if it was made here and nothing else is on it. 0 or the first
 * errno; then the pin of what could not be detached stays.
 */
int me_interface_remove(const char *pins, uint32_t index);

/* Removes all but the `n` in `wanted`. 0 or the first errno. */
int me_interface_prune(const char *pins, const uint32_t *wanted, size_t n);

#endif
