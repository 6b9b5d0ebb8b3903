/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters, flows and sockets of an older layout, moved into this one. */
#include <errno.h>
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "bpf/handover.skel.h"
#include "kernel/handover.h"
#include "kernel/older.h"

#define READ_SIZE 65536
/* A walk may miss a socket beside one that closes; what was carried is in the next one no more. */
#define SOCK_WALKS 3

/* --- The programs ------------------------------------------------------------------------------- */

/* Puts a map of the old layout under a name of our own. One that it does not have stays empty. */
static int reuse_old(const struct me_older *older, struct bpf_map *map, const char *name)
{
	_cleanup_close_ int fd = me_old_open(older->folder, name, NULL);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return bpf_map__reuse_fd(map, fd);
}

static int reuse_maps(struct me_older *older)
{
	struct handover_bpf *bpf = older->programs;
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, bpf->obj) {
		const struct bpf_map *host =
			bpf_object__find_map_by_name(older->kernel->bpf->obj, bpf_map__name(map));

		if (!host || bpf_map__is_internal(map))
			continue;
		err = bpf_map__reuse_fd(map, bpf_map__fd(host));
		if (err)
			return err;
	}
	err = reuse_old(older, bpf->maps.me_old_cells, "me_cells");
	if (!err)
		err = reuse_old(older, bpf->maps.me_old_dns_counts, "me_dns_counts");
	if (!err)
		err = reuse_old(older, bpf->maps.me_old_totals, "me_totals");
	if (!err)
		err = reuse_old(older, bpf->maps.me_old_socks, "me_socks");
	return err;
}

static int load(struct me_older *older)
{
	struct handover_bpf *bpf;
	int err;

	if (older->programs)
		return 0;
	bpf = older->programs = handover_bpf__open();
	if (!bpf)
		return -errno;
	err = reuse_maps(older);
	bpf->rodata->me_old_sock_size = bpf_map__value_size(bpf->maps.me_old_socks);
	return err ? err : handover_bpf__load(bpf);
}

void me_carry_unload(struct me_older *older)
{
	handover_bpf__destroy(older->programs);
	older->programs = NULL;
}

/* --- Sockets ------------------------------------------------------------------------------------ */

/* Runs an iterator over the old socket storage; what it writes is added to `out`. */
static int walk_socks(const struct me_older *older, const struct bpf_program *program,
		      struct me_strbuf *out)
{
	union bpf_iter_link_info info = {
		.map = {.map_fd = bpf_map__fd(older->programs->maps.me_old_socks)},
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(program, &opts);
	_cleanup_free_ char *buffer = malloc(READ_SIZE);
	_cleanup_close_ int fd = -1;
	ssize_t n = 0;

	if (link)
		fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		n = -errno;
	bpf_link__destroy(link);
	if (fd < 0 || !buffer)
		return n ? n : -ENOMEM;
	do {
		n = read(fd, buffer, READ_SIZE);
		if (n > 0)
			me_strbuf_add(out, buffer, n);
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	return n < 0 ? -errno : out->err;
}

/*
 * Converts the storage, of some sockets at a time, and lets a program give it to them. `dump` has
 * cookie and old storage of each socket, one after the other.
 */
static int give_socks(const struct me_older *older, const struct me_strbuf *dump)
{
	size_t step = sizeof(uint64_t) + older->programs->rodata->me_old_sock_size;
	int carried = bpf_map__fd(older->programs->maps.me_carried_socks);
	_cleanup_(me_old_map_close) struct me_old_map map;
	_cleanup_strbuf_ struct me_strbuf nothing = {};
	int err = me_old_map_open(older->folder, older->kernel->bpf->maps.me_socks, &map);

	for (size_t from = 0, to = 0; from < dump->len && !err; from = to) {
		for (; to < dump->len && to - from < ME_CARRY_SOCKS * step && !err; to += step) {
			const char *cookie = dump->data + to;

			me_old_map_convert(&map, cookie + sizeof(uint64_t));
			if (bpf_map_update_elem(carried, cookie, map.value, BPF_ANY))
				err = -errno;
		}
		if (!err)
			err = walk_socks(older, older->programs->progs.me_carry_socks, &nothing);
		for (size_t at = from; at < to; at += step)
			bpf_map_delete_elem(carried, dump->data + at);
	}
	return err == -ENOENT ? 0 : err;
}

static int carry_socks(const struct me_older *older)
{
	bool more = true;
	int err = 0;

	for (int i = 0; i < SOCK_WALKS && more && !err; i++) {
		_cleanup_strbuf_ struct me_strbuf dump = {};

		err = walk_socks(older, older->programs->progs.me_dump_socks, &dump);
		if (!err)
			err = give_socks(older, &dump);
		more = dump.len > 0;
	}
	return err;
}

/* --- Flows -------------------------------------------------------------------------------------- */

/*
 * Gives the flow just read its place in the table: its verdict holds from here on, what it counted
 * follows when the old programs are out of the way (me_carry_one).
 */
static int place_flow(const struct me_old_map *map)
{
	const struct me_flow_key *key = map->key;
	struct me_flow flow = *(const struct me_flow *)map->value;

	if (key->proto != IPPROTO_TCP) {
		flow.bytes_sent = flow.packets_sent = flow.wire_bytes_sent = 0;
		flow.bytes_received = flow.packets_received = flow.wire_bytes_received = 0;
	}
	/* What its endpoint has of it was counted there. */
	flow.credited_sent = flow.endpoint ? flow.bytes_sent : 0;
	flow.credited_received = flow.endpoint ? flow.bytes_received : 0;
	flow.flags &= ~(ME_FLOW_CARRIED | ME_FLOW_OUTCOME | ME_FLOW_RESETS);
	if (flow.outcome)
		flow.flags |= ME_FLOW_CARRIED | (flow.endpoint ? ME_FLOW_OUTCOME : 0);
	if (flow.endpoint && (flow.flags & ME_FLOW_RESET))
		flow.flags |= ME_FLOW_RESETS;
	if (flow.state.verdict == ME_PENDING && !flow.state.flags)
		flow.state.flags = ME_STATE_TOLD; /* by now, or in a layout without the flag */
	if (!bpf_map_update_elem(map->into, key, &flow, BPF_NOEXIST) || errno == EEXIST ||
	    errno == E2BIG || errno == ENOMEM)
		return 0;
	return -errno;
}

static int prepare_flow(struct me_old_map *map, void *userdata)
{
	const struct me_flow *flow = map->value;

	return flow->flags & ME_FLOW_CLOSED ? 0 : place_flow(map);
}

static int finish_flow(struct me_old_map *map, void *userdata)
{
	const struct me_older *older = userdata;
	struct me_carry_flow carry;
	int err = place_flow(map);

	if (err)
		return err;
	memcpy(&carry.key, map->key, sizeof(carry.key));
	memcpy(&carry.flow, map->value, sizeof(carry.flow));
	err = me_program_run(older->programs->progs.me_carry_one, &carry, sizeof(carry));
	if (!err)
		bpf_map_delete_elem(map->fd, map->old_key);
	return err;
}

static int each_flow(struct me_older *older, int (*fn)(struct me_old_map *map, void *userdata))
{
	_cleanup_(me_old_map_close) struct me_old_map map;
	int err = me_old_map_open(older->folder, older->kernel->bpf->maps.me_flows, &map);

	if (!err)
		err = me_old_map_each(&map, fn, older);
	return err == -ENOENT ? 0 : err;
}

/* --- Counters ----------------------------------------------------------------------------------- */

static int carry_counters(const struct bpf_map *old, const struct bpf_program *program)
{
	struct me_carry_counter counter;
	int err = 0;

	for (counter.index = 0; counter.index < bpf_map__max_entries(old) && !err; counter.index++)
		err = me_program_run(program, &counter, sizeof(counter));
	return err;
}

static void add(__u64 *to, __u64 value)
{
	__atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}

static void later(__u64 *to, __u64 value)
{
	if (value > __atomic_load_n(to, __ATOMIC_RELAXED))
		__atomic_store_n(to, value, __ATOMIC_RELAXED);
}

static int carry_endpoint(struct me_old_map *map, void *userdata)
{
	const struct me_kernel *kernel = userdata;
	const struct me_endpoint_counts *old = map->value;
	_cleanup_free_ void *zero = calloc(1, map->value_size);
	uint32_t id = *(const uint32_t *)map->key;
	struct me_endpoint_counts *new;

	if (!zero)
		return -ENOMEM;
	if (id >= kernel->n_endpoints || !memcmp(map->old_value, zero, map->value_size))
		return 0;
	new = &kernel->endpoints[id];
	add(&new->attempts, old->attempts);
	for (size_t i = 0; i < ME_OUTCOME_COUNT; i++)
		add(&new->outcome[i], old->outcome[i]);
	add(&new->resets, old->resets);
	add(&new->bytes_sent, old->bytes_sent);
	add(&new->bytes_received, old->bytes_received);
	add(&new->retired_used, old->retired_used);
	add(&new->http_errors, old->http_errors);
	add(&new->tls_alerts, old->tls_alerts);
	for (size_t i = 0; i < ME_DNS_FAILURE_COUNT; i++)
		add(&new->dns_failures[i], old->dns_failures[i]);
	later(&new->last_attempt_ns, old->last_attempt_ns);
	later(&new->last_success_ns, old->last_success_ns);
	return bpf_map_update_elem(map->fd, map->old_key, zero, BPF_ANY) ? -errno : 0;
}

/* --- Names -------------------------------------------------------------------------------------- */

static int carry_zone(struct me_old_map *map, void *userdata)
{
	struct me_kernel *kernel = userdata;
	_cleanup_free_ void *zero = calloc(1, map->value_size);
	uint32_t id = *(const uint32_t *)map->key;

	if (!zero)
		return -ENOMEM;
	if (id >= ME_ZONES_MAX || !memcmp(map->old_value, zero, map->value_size))
		return 0;
	me_kernel_zone_add(kernel, id, map->value);
	return bpf_map_update_elem(map->fd, map->old_key, zero, BPF_ANY) ? -errno : 0;
}

/* One address that was learned there: each of its endpoints is learned here. */
static int carry_learned(struct me_old_map *map, void *userdata)
{
	struct me_kernel *kernel = userdata;
	const struct me_learned *old = map->value;

	for (size_t i = 0; i < ME_NAME_ENDPOINTS; i++) {
		struct me_learn learn = {.expires_ns = old->slot[i].expires_ns,
					 .stale_ns = old->slot[i].stale_ns,
					 .endpoint = old->slot[i].endpoint};

		memcpy(&learn.address, map->key, sizeof(learn.address));
		if (learn.endpoint && learn.endpoint != ME_LEARNED_LOCKED)
			me_kernel_learn(kernel, &learn);
	}
	return 0;
}

static int carry_map(const struct me_older *older, const struct bpf_map *into,
		     int (*fn)(struct me_old_map *map, void *userdata))
{
	_cleanup_(me_old_map_close) struct me_old_map map;
	int err = me_old_map_open(older->folder, into, &map);

	if (!err)
		err = me_old_map_each(&map, fn, older->kernel);
	return err == -ENOENT ? 0 : err;
}

static int carry_names(const struct me_older *older)
{
	const struct host_bpf *bpf = older->kernel->bpf;
	int err = carry_map(older, bpf->maps.me_learned, carry_learned);

	return err ? err : carry_map(older, bpf->maps.me_zones, carry_zone);
}

/* --- The steps ---------------------------------------------------------------------------------- */

int me_carry_prepare(struct me_older *older)
{
	int err = load(older);

	return err ? err : each_flow(older, prepare_flow);
}

/* Flows before sockets: what the sockets still hold is added to the flows. */
int me_carry_finish(struct me_older *older)
{
	const struct handover_bpf *bpf = older->programs;
	int err = each_flow(older, finish_flow);

	if (!err)
		err = carry_socks(older);
	if (!err)
		err = carry_counters(bpf->maps.me_old_cells, bpf->progs.me_carry_cell);
	if (!err)
		err = carry_counters(bpf->maps.me_old_totals, bpf->progs.me_carry_total);
	if (!err)
		err = carry_counters(bpf->maps.me_old_dns_counts, bpf->progs.me_carry_dns);
	if (!err)
		err = carry_map(older, older->kernel->bpf->maps.me_endpoints, carry_endpoint);
	if (!err)
		err = carry_names(older);
	me_carry_unload(older);
	return err;
}
