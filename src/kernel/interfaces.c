/* SPDX-License-Identifier: GPL-2.0-only */
/* The attachments to interfaces, made those that are wanted. */
#include "kernel/internal.h"

#include <errno.h>
#include <net/if.h>
#include "base/cleanup.h"
#include "kernel/handover.h"
#include "kernel/interface.h"
#include "kernel/tcx.h"

static int attach(const struct me_kernel *kernel, const struct me_interface *interface, bool tcx)
{
	const int programs[2] = {
		me_transit_program(kernel, false, interface->ethernet),
		me_transit_program(kernel, true, interface->ethernet),
	};

	return me_interface_attach(kernel->pins, interface->index, programs, tcx);
}

static bool any_raw(const struct me_interface *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!list[i].ethernet)
			return true;
	return false;
}

static int explain(struct me_why *why, uint32_t index, int err)
{
	char name[IF_NAMESIZE];

	if (!if_indextoname(index, name))
		snprintf(name, sizeof(name), "%u", index);
	return me_why(why, err, "interface %s: cannot be attached to: %s", name,
		      err == -EBUSY    ? "its ingress qdisc is in the way; make it a clsact qdisc"
		      : err == -ENOSPC ? "its tc filters leave no priority for another one"
				       : strerror(-err));
}

int me_kernel_watch_interfaces(struct me_kernel *kernel, const struct me_interface *list, size_t n,
			       struct me_why *why)
{
	_cleanup_free_ uint32_t *wanted = calloc(n + 1, sizeof(*wanted));
	bool tcx = !kernel->clsact && me_tcx_supported();
	int first =
		wanted ? me_handover_prepare(kernel, why) : me_why(why, -ENOMEM, "out of memory");

	if (!first && n)
		first = me_transit_load(kernel, any_raw(list, n), why);
	if (first)
		return first;
	for (size_t i = 0; i < n; i++) {
		int err = attach(kernel, &list[i], tcx);

		wanted[i] = list[i].index;
		if (err && err != -ENODEV && !first)
			first = explain(why, list[i].index, err);
	}
	if (first)
		return first;
	first = me_interface_prune(kernel->pins, wanted, n);
	return first ? me_why(why, first, "%s: interfaces cannot be detached from: %s",
			      kernel->pins, strerror(-first))
		     : 0;
}
