/* SPDX-License-Identifier: GPL-2.0-only */
/* What a start copies from another layout before anything is attached. */
#include <errno.h>
#include "base/cleanup.h"
#include "kernel/handover.h"
#include "kernel/older.h"

/*
 * Ids go on this far above the old ones: the old programs give out ids until the links are switched.
 */
#define ID_MARGIN (1ull << 24)

static int copy_entry(struct me_old_map *map, void *userdata)
{
	if (!bpf_map_update_elem(map->into, map->key, map->value, BPF_NOEXIST) || errno == EEXIST ||
	    errno == E2BIG)
		return 0;
	return -errno;
}

/* Copies the entries of a hash that are not there already. */
static int copy_map(const struct me_older *older, const struct bpf_map *into)
{
	_cleanup_(me_old_map_close) struct me_old_map map;
	int err = me_old_map_open(older->folder, into, &map);

	if (!err)
		err = me_old_map_each(&map, copy_entry, NULL);
	return err == -ENOENT ? 0 : err;
}

/*
 * Raises the last id of each CPU. Not where it is well ahead already: then programs of this layout
 * may be running, and what they count must not be overwritten.
 */
static int raise_ids(const struct me_older *older)
{
	int into = bpf_map__fd(older->kernel->bpf->maps.me_ids);
	size_t n = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *old = calloc(n, sizeof(*old));
	_cleanup_free_ uint64_t *new = calloc(n, sizeof(*new));
	_cleanup_close_ int fd = me_old_open(older->folder, "me_ids", NULL);
	uint32_t zero = 0;
	bool behind = false;

	if (!old || !new)
		return -ENOMEM;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (bpf_map_lookup_elem(fd, &zero, old) || bpf_map_lookup_elem(into, &zero, new))
		return -errno;
	for (size_t cpu = 0; cpu < n; cpu++) {
		if (old[cpu] + ID_MARGIN / 2 < new[cpu])
			continue;
		new[cpu] = old[cpu] + ID_MARGIN;
		behind = true;
	}
	return behind && bpf_map_update_elem(into, &zero, new, BPF_ANY) ? -errno : 0;
}

/* Policies count on from the old generation: cached verdicts of old policies hold no longer. */
static int raise_generation(const struct me_older *older)
{
	struct me_control *control = older->kernel->control;
	_cleanup_(me_old_map_close) struct me_old_map map;
	int err = me_old_map_open(older->folder, older->kernel->bpf->maps.me_control, &map);
	const struct me_control *old = map.value;
	uint32_t zero = 0;

	if (!err)
		err = me_old_map_read(&map, &zero);
	if (!err && old->generation > control->generation)
		control->generation = old->generation;
	return err == -ENOENT ? 0 : err;
}

/* Copies the daemon's block. 0, -ENOENT, -EPROTO: it has another size. */
static int copy_kept(const struct me_older *older)
{
	struct me_kernel *kernel = older->kernel;
	_cleanup_free_ void *kept = malloc(kernel->kept_size);
	struct bpf_map_info info;
	_cleanup_close_ int fd = me_old_open(older->folder, "me_kept", &info);
	uint32_t zero = 0;

	if (fd < 0)
		return fd;
	if (!kept)
		return -ENOMEM;
	if (info.value_size != kernel->kept_size)
		return -EPROTO;
	if (bpf_map_lookup_elem(fd, &zero, kept))
		return -errno;
	memcpy(kernel->kept, kept, kernel->kept_size);
	return 0;
}

/* Copies what the daemon has of each endpoint. Results as those of copy_kept(). */
static int copy_kept_each(const struct me_older *older)
{
	struct me_kernel *kernel = older->kernel;
	struct bpf_map_info info;
	_cleanup_close_ int fd = me_old_open(older->folder, "me_kept_each", &info);

	if (fd < 0)
		return fd;
	if (info.value_size != kernel->each_size)
		return -EPROTO;
	for (uint32_t id = 0; id < info.max_entries && id < kernel->n_endpoints; id++)
		if (bpf_map_lookup_elem(fd, &id,
					(char *)kernel->kept_each + id * kernel->each_size))
			return -errno;
	return 0;
}

/* What this layout has from the start on; it is complete once its folder has its name. */
static int begin_fresh(const struct me_older *older, struct me_why *why)
{
	int err = raise_generation(older);

	if (err)
		return err;
	err = copy_kept(older);
	if (err == -EPROTO)
		return me_why(why, 0,
			      "%s: what the daemon of another version kept has another form and "
			      "starts anew: findings and reloads count from 0, violations are told "
			      "again in aggregate",
			      older->folder);
	if (!err)
		err = copy_kept_each(older);
	if (err == -EPROTO)
		return me_why(
			why, 0,
			"%s: what the daemon of another version kept of endpoints has another "
			"form and starts anew: what is overdue is told again",
			older->folder);
	return err == -ENOENT ? 0 : err;
}

/*
 * Where there are several layouts, an earlier handover was cut short; the daemon's blocks are the
 * same then, as nobody tells anything before a handover is done.
 */
int me_handover_begin(struct me_kernel *kernel, struct me_why *why)
{
	for (const struct me_older *older = kernel->older; older; older = older->next) {
		int err = copy_map(older, kernel->bpf->maps.me_registry);

		if (!err)
			err = copy_map(older, kernel->bpf->maps.me_procs);
		if (!err)
			err = copy_map(older, kernel->bpf->maps.me_mptcps);
		if (!err)
			err = raise_ids(older);
		if (!err && !kernel->resumed)
			err = begin_fresh(older, why);
		if (err)
			return me_why(why, err, "%s: cannot be taken over: %s", older->folder,
				      strerror(-err));
	}
	return 0;
}
