/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon reads: counters, flows, the ring, processes. */
#include "kernel/internal.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "kernel/handover.h"

#define ME_FLOW_BATCH 4096u

/* Reads `n` cells from `first` on to their place in kernel->percpu. */
static int read_cells(struct me_kernel *kernel, uint32_t first, uint32_t n)
{
	_cleanup_free_ uint32_t *keys = malloc(n * sizeof(*keys));
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t count = n, before = first - 1, out;

	if (!keys)
		return -ENOMEM;
	/* It begins behind the key that is given. */
	if (bpf_map_lookup_batch(bpf_map__fd(kernel->bpf->maps.me_cells), first ? &before : NULL,
				 &out, keys, kernel->percpu + first * kernel->n_cpus, &count,
				 &opts) &&
	    errno != ENOENT)
		return -errno;
	return count == n ? 0 : -EIO;
}

static uint64_t sum_percpu(const struct me_kernel *kernel, uint32_t index)
{
	const uint64_t *value = kernel->percpu + index * kernel->n_cpus;
	uint64_t sum = 0;

	for (size_t cpu = 0; cpu < kernel->n_cpus; cpu++)
		sum += value[cpu];
	return sum;
}

/* Whether cells of this index end what others opened. */
static bool cell_ends(uint32_t index)
{
	uint32_t kind = index / ME_CELL_ENDS % ME_CELL_KINDS;

	return kind == ME_CELL_VIA || kind == ME_CELL_SHED;
}

/* One vantage's cells, of the kinds that end others or of the rest. */
static int read_vantage(struct me_kernel *kernel, uint32_t vantage, uint32_t services, bool ends,
			uint64_t *cells)
{
	uint32_t first = me_cell(vantage, 0, 0, 0), end = me_cell(vantage, services, 0, 0);
	int err = read_cells(kernel, first, end - first);

	for (uint32_t i = first; i < end && !err; i++)
		if (cell_ends(i) == ends)
			cells[i] = sum_percpu(kernel, i);
	return err;
}

int me_kernel_counters(struct me_kernel *kernel, uint32_t services, uint64_t *cells,
		       uint64_t *totals)
{
	int err = 0;

	memset(cells, 0, ME_CELL_COUNT * sizeof(*cells));
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t vantage = 0; vantage < ME_VANTAGE_KERNEL_COUNT && !err; vantage++)
			err = read_vantage(kernel, vantage, services, !pass, cells);
	if (err)
		return err;
	for (uint32_t i = 0; i < ME_TOTALS_ALL; i++) {
		if (bpf_map_lookup_elem(bpf_map__fd(kernel->bpf->maps.me_totals), &i,
					kernel->percpu))
			return -errno;
		totals[i] = sum_percpu(kernel, 0);
	}
	return 0;
}

/* Runs an iterator's program over everything: it writes nothing, so the read ends at the end. */
static int run_iterator(const struct bpf_link *link)
{
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(link));
	char nothing[64];
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, nothing, sizeof(nothing));
	while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	return n < 0 ? -errno : 0;
}

int me_kernel_sync(struct me_kernel *kernel)
{
	return run_iterator(kernel->sync);
}

int me_kernel_sync_streams(struct me_kernel *kernel)
{
	return run_iterator(kernel->sync_streams);
}

int me_kernel_flows_each(struct me_kernel *kernel,
			 int (*fn)(const struct me_flow_key *key, const struct me_flow *flow,
				   void *userdata),
			 void *userdata)
{
	_cleanup_free_ struct me_flow_key *keys = calloc(ME_FLOW_BATCH, sizeof(*keys));
	_cleanup_free_ struct me_flow *flows = calloc(ME_FLOW_BATCH, sizeof(*flows));
	int fd = bpf_map__fd(kernel->bpf->maps.me_flows);
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t at, *from = NULL;
	int err = 0, last = 0;

	if (!keys || !flows)
		return -ENOMEM;
	while (!err && !last) {
		uint32_t count = ME_FLOW_BATCH;

		if (bpf_map_lookup_batch(fd, from, &at, keys, flows, &count, &opts))
			last = errno;
		if (last && last != ENOENT)
			return -last;
		from = &at;
		for (uint32_t i = 0; i < count && !err; i++)
			err = fn(&keys[i], &flows[i], userdata);
	}
	return err;
}

/* Packets change flows without a word, so that each has to be looked at each time. */
int me_kernel_flows_changed(struct me_kernel *kernel, uint64_t now_ns,
			    int (*fn)(const struct me_flow_key *key, const struct me_flow *flow,
				      void *userdata),
			    void *userdata)
{
	return me_kernel_flows_each(kernel, fn, userdata);
}

void me_kernel_flow_rest(struct me_kernel *kernel, const struct me_flow_key *key, uint64_t until_ns)
{
}

int me_kernel_flow_put(struct me_kernel *kernel, const struct me_flow_key *key,
		       const struct me_flow *flow)
{
	return bpf_map_update_elem(bpf_map__fd(kernel->bpf->maps.me_flows), key, flow, BPF_ANY)
		       ? -errno
		       : 0;
}

bool me_kernel_flow_get(struct me_kernel *kernel, const struct me_flow_key *key,
			struct me_flow *ret_flow)
{
	return !bpf_map_lookup_elem(bpf_map__fd(kernel->bpf->maps.me_flows), key, ret_flow);
}

int me_program_run(const struct bpf_program *program, void *argument, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = argument, .ctx_size_in = size);

	return bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
}

int me_kernel_flow_take(struct me_kernel *kernel, const struct me_flow_key *key, uint64_t id,
			struct me_flow *ret_flow)
{
	struct me_take take = {.key = *key, .id = id};
	int err = me_program_run(kernel->bpf->progs.me_take, &take, sizeof(take));

	if (!err)
		err = take.result;
	if (!err && ret_flow)
		*ret_flow = take.flow;
	return err;
}

int me_kernel_settle(struct me_kernel *kernel, struct me_settle *settle)
{
	int err = me_program_run(kernel->bpf->progs.me_settle, settle, sizeof(*settle));

	return err ? err : settle->result;
}

int me_kernel_ring(struct me_kernel *kernel,
		   int (*fn)(const struct me_record *record, void *userdata),
		   me_payload_fn *payload_fn, void *userdata)
{
	int older, n;

	kernel->ring_fn = fn;
	kernel->payload_fn = payload_fn;
	kernel->ring_data = userdata;
	older = me_handover_ring(kernel);
	if (older < 0)
		return older;
	n = ring_buffer__consume(kernel->ring);
	return n < 0 ? n : n + older;
}

bool me_kernel_proc(struct me_kernel *kernel, const struct me_proc_key *key,
		    struct me_proc *ret_proc)
{
	return !bpf_map_lookup_elem(bpf_map__fd(kernel->bpf->maps.me_procs), key, ret_proc);
}

int me_kernel_proc_put(struct me_kernel *kernel, const struct me_proc_key *key,
		       const struct me_proc *proc)
{
	return bpf_map_update_elem(bpf_map__fd(kernel->bpf->maps.me_procs), key, proc, BPF_ANY)
		       ? -errno
		       : 0;
}

int me_kernel_procs_expire(struct me_kernel *kernel, uint64_t before_ns)
{
	int fd = bpf_map__fd(kernel->bpf->maps.me_procs);
	struct me_proc_key key, next;
	bool more = !bpf_map_get_next_key(fd, NULL, &next);

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (key.start_ns < before_ns && kill(key.tgid, 0) && errno == ESRCH)
			bpf_map_delete_elem(fd, &key);
	}
	return 0;
}

int me_kernel_ftp_expire(struct me_kernel *kernel, uint64_t now_ns)
{
	int announced = bpf_map__fd(kernel->bpf->maps.me_ftp_announced);
	int controls = bpf_map__fd(kernel->bpf->maps.me_ftp_controls);
	struct me_ftp_announced port;
	struct me_ftp_control control;
	struct me_ftp_key key, next;
	bool more;

	more = !bpf_map_get_next_key(announced, NULL, &next);
	while (more) {
		key = next;
		more = !bpf_map_get_next_key(announced, &key, &next);
		if (!bpf_map_lookup_elem(announced, &key, &port) && port.until_ns < now_ns)
			bpf_map_delete_elem(announced, &key);
	}
	more = !bpf_map_get_next_key(controls, NULL, &next);
	while (more) {
		key = next;
		more = !bpf_map_get_next_key(controls, &key, &next);
		if (!bpf_map_lookup_elem(controls, &key, &control) &&
		    !me_kernel_flow_get(kernel, &control.flow, &(struct me_flow){}))
			bpf_map_delete_elem(controls, &key);
	}
	return 0;
}

/* How many entries a hash has: there is no better way than to count its keys. */
static uint64_t count_entries(const struct bpf_map *map)
{
	_cleanup_free_ char *key = malloc(bpf_map__key_size(map));
	uint64_t n = 0;

	if (!key || bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		return 0;
	do
		n++;
	while (n < bpf_map__max_entries(map) && !bpf_map_get_next_key(bpf_map__fd(map), key, key));
	return n;
}

/* A map of the transit vantage, if that is loaded. */
static const struct bpf_map *of_transit(const struct me_kernel *kernel, size_t offset)
{
	return kernel->transit ? *(struct bpf_map *const *)((const char *)kernel->transit + offset)
			       : NULL;
}

int me_kernel_levels(struct me_kernel *kernel, struct me_map_level levels[ME_MAP_LEVELS])
{
	const struct bpf_map *const maps[ME_MAP_LEVELS] = {
		kernel->bpf->maps.me_flows,
		kernel->bpf->maps.me_procs,
		kernel->bpf->maps.me_own,
		kernel->bpf->maps.me_netns,
		kernel->bpf->maps.me_registry,
		kernel->bpf->maps.me_learned,
		kernel->bpf->maps.me_queries,
		kernel->bpf->maps.me_aliases,
		of_transit(kernel, offsetof(struct transit_bpf, maps.me_host_table)),
		of_transit(kernel, offsetof(struct transit_bpf, maps.me_fragments)),
	};
	static const char *const names[ME_MAP_LEVELS] = {
		"flows",   "processes", "own_addresses", "namespaces", "ids",
		"learned", "queries",   "aliases",       "hosts",      "fragments"};

	for (size_t i = 0; i < ME_MAP_LEVELS; i++) {
		levels[i] = (struct me_map_level){.map = names[i]};
		if (!maps[i])
			continue;
		levels[i].entries = maps[i] == kernel->bpf->maps.me_learned
					    ? me_kernel_learned_count(kernel)
					    : count_entries(maps[i]);
		levels[i].capacity = bpf_map__max_entries(maps[i]);
	}
	return 0;
}
