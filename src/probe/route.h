/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_ROUTE_H
#define MEWATCH_PROBE_ROUTE_H

#include <stdbool.h>
#include "mewatch/address.h"

/* Whether this machine has a way to the address: a route and an address of its own. Sends nothing. */
bool me_route_exists(const struct me_addr *address);

#endif
