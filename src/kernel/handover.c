/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/handover.h"

#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include "base/cleanup.h"
#include "gen/layout.h"
#include "kernel/btfcopy.h"
#include "kernel/older.h"

/* --- Find ------------------------------------------------------------------------------------- */

static bool is_layout(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
	       strcmp(entry->d_name, ME_PIN_LINKS) && strcmp(entry->d_name, ME_PIN_NEW) &&
	       strcmp(entry->d_name, ME_LAYOUT_ID);
}

/* Whether an array of counters has the meaning that it has here. */
static int check_counters(const struct me_older *older, const struct bpf_map *map,
			  struct me_why *why)
{
	struct bpf_map_info info;
	_cleanup_close_ int fd = me_old_open(older->folder, bpf_map__name(map), &info);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return me_why(why, fd, "%s/%s: %s", older->folder, bpf_map__name(map),
			      strerror(-fd));
	if (info.max_entries == bpf_map__max_entries(map))
		return 0;
	return me_why(
		why, -EPROTO,
		"%s: the counters of another version, which cannot be taken over; run: mewatch "
		"detach --pins %s",
		older->folder, older->kernel->pins);
}

static int add_older(struct me_kernel *kernel, const char *name, struct me_why *why)
{
	struct me_older *older = calloc(1, sizeof(*older));
	int err;

	if (!older)
		return me_why(why, -ENOMEM, "out of memory");
	older->kernel = kernel;
	older->next = kernel->older;
	kernel->older = older;
	kernel->handed = true;
	err = me_pin_path(older->folder, kernel->pins, name, NULL);
	if (err)
		return me_why(why, err, "--pins: the path is too long");
	err = check_counters(older, kernel->bpf->maps.me_cells, why);
	return err ? err : check_counters(older, kernel->bpf->maps.me_totals, why);
}

int me_handover_find(struct me_kernel *kernel, struct me_why *why)
{
	DIR *dir = opendir(kernel->pins);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return me_why(why, -errno, "%s: %m", kernel->pins);
	while (!err && (entry = readdir(dir)))
		if (is_layout(entry))
			err = add_older(kernel, entry->d_name, why);
	closedir(dir);
	return err;
}

uint32_t me_handover_entries(const struct me_kernel *kernel, const struct bpf_map *map,
			     uint32_t wanted)
{
	for (const struct me_older *older = kernel->older; older; older = older->next) {
		struct bpf_map_info info;
		_cleanup_close_ int fd = me_old_open(older->folder, bpf_map__name(map), &info);

		if (fd >= 0 && info.max_entries > wanted)
			wanted = info.max_entries;
	}
	return wanted;
}

/* --- The switch ------------------------------------------------------------------------------- */

int me_handover_prepare(struct me_kernel *kernel, struct me_why *why)
{
	for (struct me_older *older = kernel->older; older; older = older->next) {
		int err = older->finished ? 0 : me_carry_prepare(older);

		if (err)
			return me_why(why, err, "%s: cannot be taken over: %s", older->folder,
				      strerror(-err));
	}
	return 0;
}

/*
 * Waits until no program runs that was there before: a change of an outer map returns when none can
 * hold what was in it (the kernel's maybe_wait_bpf_programs()). The spare slot is nobody's.
 */
static int wait_for_programs(const struct me_kernel *kernel)
{
	_cleanup_close_ int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "me_heads", sizeof(uint32_t),
						   sizeof(struct me_head), 1, NULL);
	int outer = bpf_map__fd(kernel->bpf->maps.me_heads);
	uint32_t spare = !kernel->control->active;

	if (inner < 0 || bpf_map_update_elem(outer, &spare, &inner, BPF_ANY) ||
	    bpf_map_delete_elem(outer, &spare))
		return -errno;
	return 0;
}

static int take_record(void *userdata, void *data, size_t size)
{
	const struct me_older *older = userdata;
	struct me_record record;

	/* What an answer said was learned when it passed. */
	if (size < me_btfcopy_from_size(older->record) ||
	    ((const struct me_payload *)data)->kind >= ME_RECORD_ANSWER)
		return 0;
	me_btfcopy_run(older->record, data, &record);
	return older->kernel->ring_fn(&record, older->kernel->ring_data);
}

/* The copy for records: the ring has no types of its own, so those of the flow table serve. */
static int type_records(struct me_older *older)
{
	_cleanup_(me_old_map_close) struct me_old_map flows;
	int err = me_old_map_open(older->folder, older->kernel->bpf->maps.me_flows, &flows);
	int from, to;

	if (err)
		return err;
	from = btf__find_by_name_kind(flows.btf, "me_record", BTF_KIND_STRUCT);
	to = btf__find_by_name_kind(flows.into_btf, "me_record", BTF_KIND_STRUCT);
	if (from < 0 || to < 0)
		return -ENOENT;
	return me_btfcopy_new(flows.btf, from, flows.into_btf, to, &older->record);
}

/* Opens the old ring. One whose records have no known form is left unread. */
static int open_ring(struct me_older *older)
{
	_cleanup_close_ int fd = me_old_open(older->folder, "me_ring", NULL);
	int err = fd < 0 ? fd : type_records(older);

	if (err)
		return err == -ENOENT ? 0 : err;
	older->ring = ring_buffer__new(fd, take_record, older, NULL);
	return older->ring ? 0 : -errno;
}

int me_handover_finish(struct me_kernel *kernel, struct me_why *why)
{
	int err = kernel->older ? wait_for_programs(kernel) : 0;

	for (struct me_older *older = kernel->older; older && !err; older = older->next) {
		if (older->finished)
			continue;
		err = me_carry_finish(older);
		if (!err)
			err = open_ring(older);
		if (!err)
			older->finished = true;
	}
	return err ? me_why(why, err, "%s: what another version left cannot be taken over: %s",
			    kernel->pins, strerror(-err))
		   : 0;
}

/* --- The ring, and the end -------------------------------------------------------------------- */

static void free_older(struct me_older *older)
{
	me_carry_unload(older);
	ring_buffer__free(older->ring);
	me_btfcopy_free(&older->record);
	free(older);
}

int me_handover_ring(struct me_kernel *kernel)
{
	int sum = 0;

	while (kernel->older && kernel->older->finished) {
		struct me_older *older = kernel->older;
		int n = older->ring ? ring_buffer__consume(older->ring) : 0;

		if (n < 0)
			return n;
		sum += n;
		kernel->older = older->next;
		me_pin_remove(older->folder);
		free_older(older);
	}
	return sum;
}

void me_handover_free(struct me_kernel *kernel)
{
	while (kernel->older) {
		struct me_older *older = kernel->older;

		kernel->older = older->next;
		free_older(older);
	}
}
