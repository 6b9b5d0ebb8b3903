/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs of the transit vantage: loaded when there is an interface for them. */
#include "kernel/internal.h"
#include "kernel/needs.h"

#include <errno.h>
#include <time.h>
#include "base/cleanup.h"
#include "gen/layout.h"

int me_share_maps(struct bpf_object *object, const struct bpf_object *with, struct me_why *why)
{
	struct bpf_map *map, *theirs;

	bpf_object__for_each_map(map, object) {
		theirs = bpf_map__is_internal(map)
				 ? NULL
				 : bpf_object__find_map_by_name(with, bpf_map__name(map));
		if (theirs && bpf_map__reuse_fd(map, bpf_map__fd(theirs)))
			return me_why(why, -errno, "map %s cannot be shared: %m",
				      bpf_map__name(map));
	}
	return 0;
}

/* The programs for one kind of interface: to verify them all takes a while. */
static void choose(struct transit_bpf *bpf, bool ethernet)
{
	bpf_program__set_autoload(bpf->progs.me_transit_ingress, ethernet);
	bpf_program__set_autoload(bpf->progs.me_transit_egress, ethernet);
	bpf_program__set_autoload(bpf->progs.me_transit_ingress_raw, !ethernet);
	bpf_program__set_autoload(bpf->progs.me_transit_egress_raw, !ethernet);
	bpf_program__set_autoload(bpf->progs.me_sync_passing, ethernet);
	bpf_program__set_autoload(bpf->progs.me_orphan, ethernet);
}

static int load(struct me_kernel *kernel, bool ethernet, struct me_why *why)
{
	struct transit_bpf **bpf = ethernet ? &kernel->transit : &kernel->transit_raw;
	int err;

	*bpf = transit_bpf__open();
	if (!*bpf)
		return me_load_failed(why, -errno, "the BPF object of the transit vantage");
	choose(*bpf, ethernet);
	err = me_share_maps((*bpf)->obj, kernel->bpf->obj, why);
	if (!err && !ethernet)
		err = me_share_maps((*bpf)->obj, kernel->transit->obj, why);
	if (!err)
		err = me_reuse_maps(kernel, (*bpf)->obj, why);
	if (!err) {
		err = transit_bpf__load(*bpf);
		if (err)
			err = me_needs_refused(why, err, "the programs of the transit vantage");
	}
	if (!err)
		return me_pin_maps(kernel, (*bpf)->obj, ME_LAYOUT_ID, why);
	transit_bpf__destroy(*bpf);
	*bpf = NULL;
	return err;
}

int me_transit_load(struct me_kernel *kernel, bool raw, struct me_why *why)
{
	int err = kernel->transit ? 0 : load(kernel, true, why);

	if (!err && raw && !kernel->transit_raw)
		err = load(kernel, false, why);
	return err ? err : me_transit_watched(kernel);
}

int me_transit_program(const struct me_kernel *kernel, bool egress, bool ethernet)
{
	const struct transit_bpf *bpf = ethernet ? kernel->transit : kernel->transit_raw;

	if (!bpf)
		return -ENOENT;
	if (egress)
		return bpf_program__fd(ethernet ? bpf->progs.me_transit_egress
						: bpf->progs.me_transit_egress_raw);
	return bpf_program__fd(ethernet ? bpf->progs.me_transit_ingress
					: bpf->progs.me_transit_ingress_raw);
}

/* Whether `id` is among the cgroups that are watched. */
static bool is_watched(const struct me_kernel *kernel, uint64_t id)
{
	for (size_t i = 0; i < kernel->n_watched; i++)
		if (kernel->watched[i] == id)
			return true;
	return false;
}

int me_transit_watched(struct me_kernel *kernel)
{
	uint64_t key, *previous = NULL, known;
	uint32_t one = 1;
	int fd;

	__atomic_store_n(&kernel->control->watched, kernel->n_watched, __ATOMIC_RELAXED);
	if (!kernel->transit)
		return 0;
	fd = bpf_map__fd(kernel->transit->maps.me_watched);
	for (size_t i = 0; i < kernel->n_watched; i++)
		if (bpf_map_update_elem(fd, &kernel->watched[i], &one, BPF_ANY))
			return -errno;
	while (!bpf_map_get_next_key(fd, previous, &key)) {
		if (is_watched(kernel, key)) {
			known = key;
			previous = &known;
		} else if (bpf_map_delete_elem(fd, &key)) {
			return -errno;
		}
	}
	return 0;
}

int me_kernel_sync_passing(struct me_kernel *kernel)
{
	return kernel->transit ? me_program_run(kernel->transit->progs.me_sync_passing, NULL, 0)
			       : 0;
}

int me_kernel_hosts_each(struct me_kernel *kernel, me_host_fn *fn, void *userdata)
{
	struct me_host_counts counts;
	struct me_addr address, next;
	bool more;
	int fd, err = 0;

	if (!kernel->transit)
		return 0;
	fd = bpf_map__fd(kernel->transit->maps.me_host_table);
	more = !bpf_map_get_next_key(fd, NULL, &next);
	while (more && !err) {
		address = next;
		more = !bpf_map_get_next_key(fd, &address, &next);
		if (!bpf_map_lookup_elem(fd, &address, &counts))
			err = fn(&address, &counts, userdata);
	}
	return err;
}

int me_kernel_fragments_expire(struct me_kernel *kernel, uint64_t now_ns)
{
	struct me_fragment_key next;
	struct me_fragment fragment;
	struct me_orphan orphan;
	bool more;
	int fd, err = 0;

	if (!kernel->transit)
		return 0;
	fd = bpf_map__fd(kernel->transit->maps.me_fragments);
	more = !bpf_map_get_next_key(fd, NULL, &next);
	while (more && !err) {
		orphan.key = next;
		more = !bpf_map_get_next_key(fd, &orphan.key, &next);
		if (!bpf_map_lookup_elem(fd, &orphan.key, &fragment) &&
		    fragment.first_ns + ME_FRAGMENT_NS < now_ns)
			err = me_program_run(kernel->transit->progs.me_orphan, &orphan,
					     sizeof(orphan));
	}
	return err;
}
