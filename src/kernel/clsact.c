/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/clsact.h"
#include <errno.h>
#include <string.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include "base/cleanup.h"
#include "kernel/netlink.h"

/* The filters at one direction of an interface, as they come by in their order. */
struct filters {
	uint32_t program_id; /* of the one that is looked for */
	bool found;
	struct me_clsact_filter filter;
	bool others;    /* some came by */
	bool movable;   /* some that ours could be put in front of */
	uint32_t taken; /* bits of the priorities where ours has no place */
	size_t messages;
};

static struct bpf_tc_hook hook_of(uint32_t interface, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = (int)interface,
		.attach_point = point,
	};
}

static enum bpf_tc_attach_point direction(bool egress)
{
	return egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

/* Asks for what the kernel has of this interface and parent; of other interfaces it may come, too. */
static int dump(uint16_t type, uint32_t interface, uint32_t parent, me_netlink_fn fn,
		void *userdata)
{
	const struct tcmsg body = {.tcm_ifindex = (int)interface, .tcm_parent = parent};
	_cleanup_close_ int fd = -1;
	int err = me_netlink_open(-1, NETLINK_ROUTE, 0, &fd);

	return err ? err : me_netlink_dump(fd, type, &body, sizeof(body), fn, userdata);
}

static bool is_kind(const struct nlattr *attr, const char *kind)
{
	char name[16] = "";

	return me_netlink_get(attr, name, strlen(kind) + 1) && !strcmp(name, kind);
}

/* --- Filters ------------------------------------------------------------------------------------ */

struct filter {
	const struct tcmsg *tcm;
	bool bpf;
	uint32_t chain;
	uint32_t program_id; /* 0: none */
};

static bool parse(const struct nlmsghdr *message, struct filter *ret)
{
	const struct nlattr *options = NULL;

	*ret = (struct filter){.tcm = NLMSG_DATA(message)};
	if (message->nlmsg_type != RTM_NEWTFILTER ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*ret->tcm)))
		return false;
	for (const struct nlattr *a = me_netlink_first(message, sizeof(*ret->tcm)); a;
	     a = me_netlink_next(message, a)) {
		if (a->nla_type == TCA_KIND)
			ret->bpf = is_kind(a, "bpf");
		else if (a->nla_type == TCA_CHAIN)
			me_netlink_get(a, &ret->chain, sizeof(ret->chain));
		else if (a->nla_type == TCA_OPTIONS)
			options = a;
	}
	for (const struct nlattr *a = options && ret->bpf ? me_netlink_inside(options, NULL) : NULL;
	     a; a = me_netlink_inside(options, a))
		if (a->nla_type == TCA_BPF_ID)
			me_netlink_get(a, &ret->program_id, sizeof(ret->program_id));
	return true;
}

/*
 * Each priority begins with a message that has no handle. Only chain 0 is run by itself; but whatever
 * is there is somebody's.
 */
static int see(const struct nlmsghdr *message, void *userdata)
{
	struct filters *filters = userdata;
	struct filter filter;
	uint32_t priority;
	bool room;

	if (!parse(message, &filter))
		return 0;
	filters->messages++;
	if (filter.chain)
		return 0;
	priority = TC_H_MAJ(filter.tcm->tcm_info) >> 16;
	room = filter.bpf && TC_H_MIN(filter.tcm->tcm_info) == htons(ETH_P_ALL);
	if (!room && priority <= ME_CLSACT_PRIORITIES)
		filters->taken |= 1u << priority;
	if (!filter.tcm->tcm_handle)
		return 0;
	if (filters->program_id && filter.program_id == filters->program_id) {
		filters->found = true;
		filters->filter = (struct me_clsact_filter){
			.priority = priority,
			.handle = filter.tcm->tcm_handle,
			.first = !filters->others,
			.behind = filters->movable,
		};
	}
	filters->others = true;
	filters->movable |= room;
	return 0;
}

static int read_filters(uint32_t interface, bool egress, struct filters *filters)
{
	uint32_t minor = egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS;

	return dump(RTM_GETTFILTER, interface, TC_H_MAKE(TC_H_CLSACT, minor), see, filters);
}

int me_clsact_find(uint32_t interface, bool egress, uint32_t program_id,
		   struct me_clsact_filter *ret_filter)
{
	struct filters filters = {.program_id = program_id};
	int err = read_filters(interface, egress, &filters);

	if (err)
		return err;
	if (!filters.found)
		return -ENOENT;
	*ret_filter = filters.filter;
	return 0;
}

int me_clsact_attach(int program, uint32_t interface, bool egress)
{
	const struct bpf_tc_hook hook = hook_of(interface, direction(egress));
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .priority = 1);
	struct filters filters = {};
	int err = read_filters(interface, egress, &filters);

	if (err)
		return err;
	while (filters.taken & 1u << opts.priority)
		opts.priority++;
	if (opts.priority > ME_CLSACT_PRIORITIES)
		return -ENOSPC;
	return bpf_tc_attach(&hook, &opts);
}

int me_clsact_replace(int program, uint32_t interface, bool egress,
		      const struct me_clsact_filter *filter)
{
	const struct bpf_tc_hook hook = hook_of(interface, direction(egress));
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .flags = BPF_TC_F_REPLACE,
		    .priority = filter->priority, .handle = filter->handle);

	return bpf_tc_attach(&hook, &opts);
}

int me_clsact_detach(uint32_t interface, bool egress, const struct me_clsact_filter *filter)
{
	const struct bpf_tc_hook hook = hook_of(interface, direction(egress));
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = filter->priority, .handle = filter->handle);

	return bpf_tc_detach(&hook, &opts);
}

/* --- The qdisc ---------------------------------------------------------------------------------- */

struct qdisc {
	uint32_t interface;
	bool clsact;
};

static int see_qdisc(const struct nlmsghdr *message, void *userdata)
{
	const struct tcmsg *tcm = NLMSG_DATA(message);
	struct qdisc *qdisc = userdata;

	if (message->nlmsg_type != RTM_NEWQDISC ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*tcm)) ||
	    (uint32_t)tcm->tcm_ifindex != qdisc->interface || tcm->tcm_parent != TC_H_CLSACT)
		return 0;
	for (const struct nlattr *a = me_netlink_first(message, sizeof(*tcm)); a;
	     a = me_netlink_next(message, a))
		if (a->nla_type == TCA_KIND)
			qdisc->clsact = is_kind(a, "clsact");
	return 0;
}

int me_clsact_make(uint32_t interface, bool *ret_made)
{
	struct bpf_tc_hook hook = hook_of(interface, BPF_TC_INGRESS);
	struct qdisc qdisc = {.interface = interface};
	int err = bpf_tc_hook_create(&hook);

	if (err && err != -EEXIST)
		return err;
	if (!err) {
		*ret_made = true;
		return 0;
	}
	err = dump(RTM_GETQDISC, interface, 0, see_qdisc, &qdisc);
	if (err)
		return err;
	if (!qdisc.clsact)
		return -EBUSY;
	*ret_made = false;
	return 0;
}

int me_clsact_remove(uint32_t interface)
{
	struct bpf_tc_hook hook = hook_of(interface, BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct filters filters = {};
	int err = read_filters(interface, false, &filters);

	if (!err)
		err = read_filters(interface, true, &filters);
	if (err || filters.messages)
		return err;
	/* It names the kind, so that an ingress qdisc in its place stays. */
	return bpf_tc_hook_destroy(&hook);
}
