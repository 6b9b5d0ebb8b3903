/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/interfaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/kernel.h"
#include "kernel/links.h"
#include "mewatch/daemon.h"
#include "policy/policy.h"

struct wanted {
	char name[IF_NAMESIZE];
	uint32_t index;
	bool up, ethernet, refused;
	uint32_t warned; /* the index that was warned of */
};

struct me_interfaces {
	struct me_daemon *daemon;
	struct me_links *links;
	struct wanted *wanted;
	size_t n;
};

ME_DEFINE_CLEANUP(struct me_interfaces *, me_interfaces_free)

int me_interfaces_new(struct me_daemon *daemon, struct me_interfaces **ret_interfaces)
{
	_cleanup_(me_interfaces_freep) struct me_interfaces *interfaces =
		calloc(1, sizeof(*interfaces));
	int err;

	if (!interfaces)
		return -ENOMEM;
	interfaces->daemon = daemon;
	err = me_links_open(&interfaces->links);
	if (err)
		return err;
	*ret_interfaces = me_steal_ptr(&interfaces);
	return 0;
}

void me_interfaces_free(struct me_interfaces **interfaces)
{
	struct me_interfaces *i = *interfaces;

	if (!i)
		return;
	me_links_free(&i->links);
	free(i->wanted);
	free(i);
	*interfaces = NULL;
}

int me_interfaces_fd(const struct me_interfaces *interfaces)
{
	return me_links_fd(interfaces->links);
}

/* --- Which ones ----------------------------------------------------------------------------------- */

/* The interface of that name, else the one that had it while it is there. */
static void find(const struct me_interfaces *interfaces, struct wanted *wanted)
{
	const struct me_link *link = me_links_by_name(interfaces->links, wanted->name);

	if (!link && wanted->index)
		link = me_links_by_index(interfaces->links, wanted->index);
	wanted->index = link ? link->index : 0;
	wanted->up = link && link->up;
	wanted->ethernet = link && link->ethernet;
	wanted->refused = false;
}

/* Whether a flow would pass one of the first `n` and this one. Its name is in *ret_other. */
static int is_nested(const struct me_interfaces *interfaces, const struct wanted *wanted, size_t n,
		     const char **ret_other)
{
	const struct me_link *links;
	size_t n_links;
	int r = 0;

	links = me_links_table(interfaces->links, &n_links);
	for (size_t i = 0; i < n && r == 0; i++) {
		uint32_t pair[2] = {wanted[i].index, wanted[n].index}, lower, upper;

		if (!pair[0] || !pair[1] || wanted[i].refused)
			continue;
		r = pair[0] == pair[1] ? 1
				       : me_links_nested(links, n_links, pair, 2, &lower, &upper);
		*ret_other = wanted[i].name;
	}
	return r;
}

static void warn_default_route(struct wanted *wanted)
{
	if (!wanted->index || wanted->warned == wanted->index ||
	    me_links_default_route(wanted->index) != 1)
		return;
	wanted->warned = wanted->index;
	me_log_warning("interface %s carries the default route: name the one behind which the mail "
		       "hosts are; packets that were translated are no mail host's",
		       wanted->name);
}

/*
 * Finds all of them. Two that carry the same packets: with `strict` -EINVAL, else the later one is not
 * watched.
 */
static int find_all(struct me_interfaces *interfaces, struct wanted *wanted, size_t n, bool strict)
{
	for (size_t i = 0; i < n; i++) {
		const char *other = NULL;
		int r;

		find(interfaces, &wanted[i]);
		r = is_nested(interfaces, wanted, i, &other);
		if (r < 0)
			return r;
		if (r) {
			me_log(strict ? ME_LOG_ERROR : ME_LOG_WARNING,
			       "interfaces %s and %s: one carries the packets of the other, so that "
			       "each flow would pass both; name one of them",
			       other, wanted[i].name);
			if (strict)
				return -EINVAL;
			wanted[i].refused = true;
		}
		warn_default_route(&wanted[i]);
	}
	return 0;
}

static int attach(struct me_interfaces *interfaces, const struct wanted *wanted, size_t n)
{
	_cleanup_free_ struct me_interface *list = calloc(n + 1, sizeof(*list));
	struct me_why why = {};
	size_t found = 0;
	int err;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (wanted[i].index && !wanted[i].refused)
			list[found++] = (struct me_interface){.index = wanted[i].index,
							      .ethernet = wanted[i].ethernet};
	err = me_kernel_watch_interfaces(interfaces->daemon->kernel, list, found, &why);
	if (err)
		me_log_error("%s", why.text);
	return err;
}

int me_interfaces_watch(struct me_interfaces *interfaces, const struct me_policy *policy)
{
	size_t n = policy->n_interfaces;
	_cleanup_free_ struct wanted *wanted = calloc(n + 1, sizeof(*wanted));
	int err;

	if (!wanted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		strncat(wanted[i].name, policy->interfaces[i], sizeof(wanted[i].name) - 1);
		for (size_t k = 0; k < interfaces->n; k++)
			if (!strcmp(interfaces->wanted[k].name, wanted[i].name))
				wanted[i] = interfaces->wanted[k];
	}
	err = find_all(interfaces, wanted, n, true);
	if (!err)
		err = attach(interfaces, wanted, n);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		if (!wanted[i].index)
			me_log_warning("interface %s: there is none; it is waited for",
				       wanted[i].name);
	free(interfaces->wanted);
	interfaces->wanted = me_steal_ptr(&wanted);
	interfaces->n = n;
	return 0;
}

/* --- What happens to them --------------------------------------------------------------------------- */

static void tell_change(const struct wanted *before, const struct wanted *now)
{
	if (before->index == now->index)
		return;
	if (now->index && !before->index)
		me_log_info("interface %s is there: watched", now->name);
	else if (now->index)
		me_log_info("interface %s is another one now: watched", now->name);
	else
		me_log_warning("interface %s is gone: nothing is seen until it comes back",
			       now->name);
}

void me_interfaces_dispatch(struct me_interfaces *interfaces)
{
	size_t n = interfaces->n;
	_cleanup_free_ struct wanted *now = calloc(n + 1, sizeof(*now));
	int r = now ? me_links_dispatch(interfaces->links) : -ENOMEM;

	if (r < 0)
		me_log_warning("interfaces cannot be followed: %s", strerror(-r));
	if (r <= 0 || !n)
		return;
	memcpy(now, interfaces->wanted, n * sizeof(*now));
	if (find_all(interfaces, now, n, false))
		return;
	/* Also where none has changed: one may have gone and come back with its index. */
	if (attach(interfaces, now, n))
		return;
	for (size_t i = 0; i < n; i++)
		tell_change(&interfaces->wanted[i], &now[i]);
	memcpy(interfaces->wanted, now, n * sizeof(*now));
}

bool me_interfaces_next(const struct me_interfaces *interfaces, size_t *cursor,
			struct me_interface_state *ret_state)
{
	const struct wanted *wanted;

	if (*cursor >= interfaces->n)
		return false;
	wanted = &interfaces->wanted[(*cursor)++];
	*ret_state = (struct me_interface_state){.name = wanted->name,
						 .index = wanted->index,
						 .up = wanted->up,
						 .refused = wanted->refused};
	return true;
}
