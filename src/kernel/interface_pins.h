/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_INTERFACE_PINS_H
#define MEWATCH_KERNEL_INTERFACE_PINS_H

/*
 * What is pinned in PINS/links for an interface:
 *
 *	tc_ingress@<ifindex>    with tcx the link; with clsact the program, whose id then says which
 *	tc_egress@<ifindex>     filter is ours
 *	…@<ifindex>+            the same of what is about to take its place
 *	clsact@<ifindex>        a symbolic link to nothing: the qdisc was made here
 */
#include <stdbool.h>
#include <stdint.h>
#include "kernel/internal.h"

/* The names of the hooks, by `egress`. */
extern const char *const me_interface_hooks[2];
#define ME_INTERFACE_QDISC "clsact"

/* Whether the pin `name` is an interface's; *ret_hook is the name of its hook, NULL of the other two. */
bool me_interface_pin(const char *name, uint32_t *ret_index, const char **ret_hook);

/* The path of such a pin; `end` is "" or "+". 0 or -ENAMETOOLONG. */
int me_interface_path(char out[ME_PIN_PATH_MAX], const char *pins, const char *what, uint32_t index,
		      const char *end);

#endif
