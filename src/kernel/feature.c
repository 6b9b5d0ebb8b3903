/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/feature.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "gen/layout.h"
#include "kernel/internal.h"
#include "kernel/needs.h"
#include "kernel/netlink.h"

#define PROGRAMS_MAX 64 /* that a hook can have: BPF_CGROUP_MAX_PROGS, include/linux/bpf-cgroup.h */
#define TRIED_ENTRIES 64

static void host_free(struct host_bpf **bpf)
{
	host_bpf__destroy(*bpf);
}

static void transit_free(struct transit_bpf **bpf)
{
	transit_bpf__destroy(*bpf);
}

/* --- Loading ------------------------------------------------------------------------------------ */

static size_t count_programs(const struct bpf_object *object)
{
	struct bpf_program *program;
	size_t n = 0;

	bpf_object__for_each_program(program, object)
		n++;
	return n;
}

/* The tables as small as they may be, the types and flags as they are. */
static void size_maps(struct host_bpf *bpf)
{
	bpf_map__set_max_entries(bpf->maps.me_flows, TRIED_ENTRIES);
	bpf_map__set_max_entries(bpf->maps.me_endpoints, TRIED_ENTRIES);
	bpf_map__set_max_entries(bpf->maps.me_learned, TRIED_ENTRIES);
	bpf_map__set_max_entries(bpf->maps.me_kept_each, TRIED_ENTRIES);
	bpf_map__set_value_size(bpf->maps.me_kept, sizeof(uint64_t));
	bpf_map__set_value_size(bpf->maps.me_kept_each, sizeof(uint64_t));
}

int me_feature_load(size_t *ret_programs, struct me_why *why)
{
	_cleanup_(host_free) struct host_bpf *host = NULL;
	_cleanup_(transit_free) struct transit_bpf *transit = NULL;
	int err;

	me_load_quiet();
	if (!me_file_exists("/sys/kernel/btf/vmlinux"))
		return me_why(why, -ENOSYS, "/sys/kernel/btf/vmlinux: this kernel has no BTF");
	host = host_bpf__open();
	if (!host)
		return me_load_failed(why, -errno, "the BPF object");
	size_maps(host);
	err = host_bpf__load(host);
	if (err)
		return me_needs_refused(why, err, "the programs of the host vantage");
	transit = transit_bpf__open();
	if (!transit)
		return me_load_failed(why, -errno, "the BPF object of the transit vantage");
	err = me_share_maps(transit->obj, host->obj, why);
	if (err)
		return err;
	err = transit_bpf__load(transit);
	if (err)
		return me_needs_refused(why, err, "the programs of the transit vantage");
	*ret_programs = count_programs(host->obj) + count_programs(transit->obj);
	return 0;
}

/* --- Who else is there -------------------------------------------------------------------------- */

/* The program of our own link, 0 if there is none. */
static uint32_t own_program(const char *pins, const struct me_hook *hook, uint64_t id)
{
	_cleanup_close_ int fd = -1;
	struct bpf_link_info info = {};
	char path[ME_PIN_PATH_MAX], name[64];
	uint32_t length = sizeof(info);

	snprintf(name, sizeof(name), "%s@%llu", hook->name, (unsigned long long)id);
	if (me_pin_path(path, pins, ME_PIN_LINKS, name))
		return 0;
	fd = bpf_obj_get(path);
	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.prog_id;
}

static void get_name(uint32_t id, char out[16])
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	*out = '\0';
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &length))
		snprintf(out, 16, "%s", info.name);
}

/* Programs of the group itself run first, in the order of their coming; then those of the groups above. */
static int foreign_of_hook(const struct me_hook *hook, int cgroup, uint32_t own,
			   int (*fn)(const struct me_foreign *foreign, void *userdata),
			   void *userdata)
{
	uint32_t ids[PROGRAMS_MAX] = {}, n = PROGRAMS_MAX, n_own = 0, flags = 0, place;
	int r = 0;

	if (bpf_prog_query(cgroup, hook->type, 0, &flags, NULL, &n_own) && errno != ENOSPC)
		return -errno;
	if (bpf_prog_query(cgroup, hook->type, BPF_F_QUERY_EFFECTIVE, NULL, ids, &n))
		return -errno;
	place = n_own; /* behind those, if it is not there yet */
	for (uint32_t i = 0; i < n && i < PROGRAMS_MAX; i++)
		if (ids[i] == own)
			place = i;
	for (uint32_t i = 0; !r && i < n && i < PROGRAMS_MAX; i++) {
		struct me_foreign foreign = {.hook = hook->name, .id = ids[i], .before = i < place};

		if (ids[i] == own)
			continue;
		get_name(ids[i], foreign.name);
		r = fn(&foreign, userdata);
	}
	return r;
}

int me_feature_foreign(const char *pins, int cgroup, uint64_t id,
		       int (*fn)(const struct me_foreign *foreign, void *userdata), void *userdata,
		       const char **ret_hook)
{
	int r = 0;

	for (size_t i = 0; !r && i < ME_HOOKS; i++) {
		r = foreign_of_hook(&me_hooks[i], cgroup, own_program(pins, &me_hooks[i], id), fn,
				    userdata);
		if (r < 0)
			*ret_hook = me_hooks[i].name;
	}
	return r;
}

int me_feature_xdp(uint32_t interface, bool *ret_attached)
{
	uint32_t id = 0;
	int err = bpf_xdp_query_id((int)interface, 0, &id);

	if (!err)
		*ret_attached = id != 0;
	return err;
}

static int count_offloaded(const struct nlmsghdr *message, void *userdata)
{
	size_t *n = userdata;

	for (const struct nlattr *a = me_netlink_first(message, sizeof(struct nfgenmsg)); a;
	     a = me_netlink_next(message, a)) {
		uint32_t flags; /* big endian */

		if ((a->nla_type & NLA_TYPE_MASK) == NFTA_FLOWTABLE_FLAGS &&
		    me_netlink_get(a, &flags, sizeof(flags)))
			*n += !!(be32toh(flags) & NFT_FLOWTABLE_HW_OFFLOAD);
	}
	return 0;
}

int me_feature_offload(size_t *ret_n)
{
	const struct nfgenmsg all = {.nfgen_family = NFPROTO_UNSPEC};
	_cleanup_close_ int fd = -1;
	size_t n = 0;
	int err = me_netlink_open(-1, NETLINK_NETFILTER, 0, &fd);

	if (!err)
		err = me_netlink_dump(fd, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETFLOWTABLE, &all,
				      sizeof(all), count_offloaded, &n);
	if (!err)
		*ret_n = n;
	return err;
}

int me_feature_older(const char *pins, size_t *ret_n)
{
	DIR *dir = opendir(pins);
	struct dirent *entry;
	size_t n = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.' && strcmp(entry->d_name, ME_PIN_LINKS) &&
		     strcmp(entry->d_name, ME_PIN_NEW) && strcmp(entry->d_name, ME_LAYOUT_ID);
	closedir(dir);
	*ret_n = n;
	return 0;
}
