/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel/kernel.h over the programs that were compiled for the host: what the daemon asks of the kernel
 * side, as far as it is asked of the transit vantage. A program that is linked with it reads packets of a
 * capture where the daemon reads maps of the kernel, and is otherwise the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mewatch/mode.h"
#include "kernel/kernel.h"
#include "replay/program.h"

struct me_kernel {
	struct me_program_maps maps;
	void *kept;
	void *kept_each;
	int (*ring_fn)(const struct me_record *record, void *userdata);
	me_payload_fn *payload_fn;
	void *ring_data;
};

static const uint32_t zero;

static void *first(struct me_map *array)
{
	return me_map_lookup(array, &zero);
}

static struct me_control *control_of(const struct me_kernel *kernel)
{
	return first(kernel->maps.me_control);
}

int me_kernel_open(const struct me_kernel_options *options, struct me_kernel **ret_kernel,
		   struct me_why *why)
{
	const struct me_program_sizes sizes = {.flows = options->flows,
					       .endpoints = options->endpoints,
					       .learned = options->learned};
	struct me_kernel *kernel = calloc(1, sizeof(*kernel));

	if (kernel) {
		kernel->kept = calloc(1, options->kept_size);
		kernel->kept_each = calloc(options->endpoints, options->each_size);
	}
	if (!kernel || !kernel->kept || !kernel->kept_each ||
	    me_program_open(&sizes, &kernel->maps)) {
		me_kernel_close(&kernel);
		snprintf(why->text, sizeof(why->text), "out of memory");
		return -ENOMEM;
	}
	*ret_kernel = kernel;
	return 0;
}

void me_kernel_close(struct me_kernel **kernel)
{
	struct me_kernel *k = *kernel;

	if (!k)
		return;
	me_program_close(&k->maps);
	free(k->kept);
	free(k->kept_each);
	free(k);
	*kernel = NULL;
}

void *me_kernel_kept(const struct me_kernel *kernel)
{
	return kernel->kept;
}

void *me_kernel_kept_each(const struct me_kernel *kernel)
{
	return kernel->kept_each;
}

struct me_endpoint_counts *me_kernel_endpoints(const struct me_kernel *kernel, uint32_t *ret_n)
{
	*ret_n = me_map_capacity(kernel->maps.me_endpoints);
	return first(kernel->maps.me_endpoints);
}

/* --- The policy --------------------------------------------------------------------------------- */

uint32_t me_kernel_generation(const struct me_kernel *kernel)
{
	return control_of(kernel)->generation;
}

int me_kernel_policy(struct me_kernel *kernel, const struct me_image *image, struct me_why *why)
{
	int err = me_program_policy(&kernel->maps, image);

	if (err)
		snprintf(why->text, sizeof(why->text), "out of memory");
	return err;
}

/* What was captured has passed: that it is denied is at most told. */
void me_kernel_mode(struct me_kernel *kernel, const struct me_kernel_mode *mode)
{
	struct me_control *control = control_of(kernel);

	control->until_ns = mode->until_ns;
	control->strict_ns = mode->strict_ns;
	control->said = mode->said;
	control->most = mode->most < ME_MODE_SHADOW ? mode->most : ME_MODE_SHADOW;
}

enum me_mode me_kernel_mode_now(const struct me_kernel *kernel, uint32_t mode, uint64_t now_ns)
{
	return me_mode_now(control_of(kernel), mode, now_ns);
}

/* The daemon of a replay is there at every packet, however much later that is. */
void me_kernel_lease(struct me_kernel *kernel, uint64_t until_ns)
{
	control_of(kernel)->lease_ns = UINT64_MAX;
}

/* Nothing is cut: there is no socket. */
void me_kernel_cut_begin(struct me_kernel *kernel)
{
}

void me_kernel_uncut(struct me_kernel *kernel)
{
}

void me_kernel_recursive(struct me_kernel *kernel, uint64_t cgroup)
{
	control_of(kernel)->recursive = cgroup;
}

/* Nothing outlives a replay: ids need no place. */
int me_kernel_id_put(struct me_kernel *kernel, const struct me_id_key *key, uint32_t id)
{
	return 0;
}

int me_kernel_id_each(struct me_kernel *kernel,
		      int (*fn)(const struct me_id_key *key, uint32_t id, void *userdata),
		      void *userdata)
{
	return 0;
}

/* --- Counters ----------------------------------------------------------------------------------- */

int me_kernel_counters(struct me_kernel *kernel, uint32_t services, uint64_t *cells,
		       uint64_t *totals)
{
	memcpy(cells, first(kernel->maps.me_cells), ME_CELL_COUNT * sizeof(*cells));
	memcpy(totals, first(kernel->maps.me_totals), ME_TOTALS_ALL * sizeof(*totals));
	return 0;
}

int me_kernel_dns(struct me_kernel *kernel, uint64_t *counts)
{
	memcpy(counts, first(kernel->maps.me_dns_counts), ME_DNS_COUNTS * sizeof(*counts));
	return 0;
}

const struct me_zone_counts *me_kernel_zones(const struct me_kernel *kernel)
{
	return first(kernel->maps.me_zones);
}

void me_kernel_zone_add(struct me_kernel *kernel, uint32_t zone, const struct me_zone_counts *more)
{
	struct me_zone_counts *counts = me_map_lookup(kernel->maps.me_zones, &zone);

	if (!zone || !counts)
		return;
	counts->queries += more->queries;
	counts->answers += more->answers;
	counts->listed += more->listed;
	counts->refusals += more->refusals;
}

/* --- Flows -------------------------------------------------------------------------------------- */

/* There are no sockets here. */
int me_kernel_sync(struct me_kernel *kernel)
{
	return 0;
}

int me_kernel_sync_passing(struct me_kernel *kernel)
{
	me_sync_passing(NULL);
	return 0;
}

/* `fn` gets the flow itself: what it does to it, it sees. */
int me_kernel_flows_each(struct me_kernel *kernel,
			 int (*fn)(const struct me_flow_key *key, const struct me_flow *flow,
				   void *userdata),
			 void *userdata)
{
	struct me_map_cursor cursor = {};
	const void *key;
	void *flow;
	int err = 0;

	while (!err && me_map_next(kernel->maps.me_flows, &cursor, &key, &flow))
		err = fn(key, flow, userdata);
	return err;
}

int me_kernel_flows_changed(struct me_kernel *kernel, uint64_t now_ns,
			    int (*fn)(const struct me_flow_key *key, const struct me_flow *flow,
				      void *userdata),
			    void *userdata)
{
	struct me_map_cursor cursor = {};
	const void *key;
	void *value;
	int err = 0;

	me_map_wake(kernel->maps.me_flows, now_ns);
	while (!err && me_map_next_changed(kernel->maps.me_flows, &cursor, &key, &value)) {
		struct me_flow_key copy = *(const struct me_flow_key *)key;
		struct me_flow flow = *(const struct me_flow *)value;

		err = fn(&copy, &flow, userdata);
	}
	return err;
}

void me_kernel_flow_rest(struct me_kernel *kernel, const struct me_flow_key *key, uint64_t until_ns)
{
	me_map_rest(kernel->maps.me_flows, key, until_ns);
}

int me_kernel_flow_take(struct me_kernel *kernel, const struct me_flow_key *key, uint64_t id,
			struct me_flow *ret_flow)
{
	struct me_take take = {.key = *key, .id = id};

	me_take(&take);
	if (!take.result && ret_flow)
		*ret_flow = take.flow;
	return take.result;
}

bool me_kernel_flow_get(struct me_kernel *kernel, const struct me_flow_key *key,
			struct me_flow *ret_flow)
{
	const struct me_flow *flow = me_map_lookup(kernel->maps.me_flows, key);

	if (flow)
		*ret_flow = *flow;
	return flow;
}

int me_kernel_settle(struct me_kernel *kernel, struct me_settle *settle)
{
	me_settle(settle);
	return settle->result;
}

int me_kernel_hosts_each(struct me_kernel *kernel, me_host_fn *fn, void *userdata)
{
	struct me_map_cursor cursor = {};
	const void *address;
	void *counts;
	int err = 0;

	while (!err && me_map_next(kernel->maps.me_host_table, &cursor, &address, &counts))
		err = fn(address, counts, userdata);
	return err;
}

static int take_record(void *userdata, void *data, size_t size)
{
	const struct me_kernel *kernel = userdata;
	const struct me_payload *head = data;

	if (head->kind < ME_RECORD_ANSWER)
		return kernel->ring_fn(data, kernel->ring_data);
	return kernel->payload_fn
		       ? kernel->payload_fn(head, (const uint8_t *)(head + 1), kernel->ring_data)
		       : 0;
}

int me_kernel_ring(struct me_kernel *kernel,
		   int (*fn)(const struct me_record *record, void *userdata),
		   me_payload_fn *payload_fn, void *userdata)
{
	kernel->ring_fn = fn;
	kernel->payload_fn = payload_fn;
	kernel->ring_data = userdata;
	return me_map_consume(kernel->maps.me_ring, take_record, kernel);
}

/* --- Names -------------------------------------------------------------------------------------- */

bool me_kernel_learned(struct me_kernel *kernel, const struct me_addr *address,
		       struct me_learned *ret_learned)
{
	const struct me_learned *learned = me_map_lookup(kernel->maps.me_learned, address);

	if (learned)
		*ret_learned = *learned;
	return learned;
}

int me_kernel_learn(struct me_kernel *kernel, struct me_learn *learn)
{
	return me_learn_one(learn);
}

int me_kernel_forget(struct me_kernel *kernel, struct me_forget *forget)
{
	return me_forget_one(forget);
}

int me_kernel_learned_each(struct me_kernel *kernel,
			   int (*fn)(const struct me_addr *address,
				     const struct me_learned *learned, void *userdata),
			   void *userdata)
{
	struct me_map_cursor cursor = {};
	const void *key;
	void *value;
	int err = 0;

	while (!err && me_map_next(kernel->maps.me_learned, &cursor, &key, &value)) {
		struct me_addr address = *(const struct me_addr *)key;
		struct me_learned learned = *(const struct me_learned *)value;

		err = fn(&address, &learned, userdata);
	}
	return err;
}

uint64_t me_kernel_learned_count(struct me_kernel *kernel)
{
	return me_map_count(kernel->maps.me_learned);
}

void me_kernel_dns_failed(struct me_kernel *kernel, const struct me_named *named,
			  enum me_dns_failure failure)
{
	for (uint32_t i = 0; i < named->n && failure < ME_DNS_FAILURE_COUNT; i++) {
		struct me_endpoint_counts *counts =
			me_map_lookup(kernel->maps.me_endpoints, &named->endpoint[i]);

		if (counts)
			counts->dns_failures[failure]++;
	}
}

bool me_kernel_alias(struct me_kernel *kernel, uint64_t hash, struct me_alias *ret_alias)
{
	const struct me_alias *alias = me_map_lookup(kernel->maps.me_aliases, &hash);

	if (alias)
		*ret_alias = *alias;
	return alias;
}

int me_kernel_alias_put(struct me_kernel *kernel, const struct me_alias *alias)
{
	uint64_t hash = me_name_hash(&alias->name, 0);

	return me_map_update(kernel->maps.me_aliases, &hash, alias, 0);
}

/* Programs are known of sockets only. */
bool me_kernel_proc(struct me_kernel *kernel, const struct me_proc_key *key,
		    struct me_proc *ret_proc)
{
	return false;
}

/* --- What time does ----------------------------------------------------------------------------- */

/* Removes the elements of a hash whose value begins with a time before `before_ns`; `fn` may be NULL. */
static void expire(struct me_map *map, uint64_t before_ns,
		   void (*fn)(const void *key, const void *value, void *userdata), void *userdata)
{
	struct me_map_cursor cursor = {};
	const void *key;
	void *value;

	while (me_map_next(map, &cursor, &key, &value)) {
		uint64_t time;

		memcpy(&time, value, sizeof(time));
		if (time >= before_ns)
			continue;
		if (fn)
			fn(key, value, userdata);
		me_map_delete(map, key);
	}
}

int me_kernel_queries_expire(struct me_kernel *kernel, uint64_t now_ns,
			     void (*fn)(const void *key, const void *query, void *userdata),
			     void *userdata)
{
	expire(kernel->maps.me_queries, now_ns > ME_QUERY_NS ? now_ns - ME_QUERY_NS : 0, fn,
	       userdata);
	expire(kernel->maps.me_aliases, now_ns, NULL, NULL);
	return 0;
}

int me_kernel_fragments_expire(struct me_kernel *kernel, uint64_t now_ns)
{
	struct me_map_cursor cursor = {};
	const void *key;
	void *value;

	while (me_map_next(kernel->maps.me_fragments, &cursor, &key, &value)) {
		const struct me_fragment *fragment = value;
		struct me_orphan orphan = {.key = *(const struct me_fragment_key *)key};

		if (fragment->first_ns + ME_FRAGMENT_NS < now_ns)
			me_orphan(&orphan);
	}
	return 0;
}

int me_kernel_ftp_expire(struct me_kernel *kernel, uint64_t now_ns)
{
	struct me_map_cursor cursor = {};
	const void *key;
	void *value;

	expire(kernel->maps.me_ftp_announced, now_ns, NULL, NULL);
	while (me_map_next(kernel->maps.me_ftp_controls, &cursor, &key, &value)) {
		const struct me_ftp_control *control = value;

		if (!me_map_lookup(kernel->maps.me_flows, &control->flow))
			me_map_delete(kernel->maps.me_ftp_controls, key);
	}
	return 0;
}

int me_kernel_levels(struct me_kernel *kernel, struct me_map_level levels[ME_MAP_LEVELS])
{
	const struct me_program_maps *m = &kernel->maps;
	const struct {
		const char *name;
		const struct me_map *map;
	} known[] = {
		{"flows", m->me_flows},      {"learned", m->me_learned},
		{"queries", m->me_queries},  {"aliases", m->me_aliases},
		{"hosts", m->me_host_table}, {"fragments", m->me_fragments},
	};

	memset(levels, 0, ME_MAP_LEVELS * sizeof(*levels));
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		levels[i] = (struct me_map_level){.map = known[i].name,
						  .entries = me_map_count(known[i].map),
						  .capacity = me_map_capacity(known[i].map)};
	return 0;
}
