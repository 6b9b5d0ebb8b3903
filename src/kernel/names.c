/* SPDX-License-Identifier: GPL-2.0-only */
/* What was learned from DNS answers, as the daemon reads and changes it. */
#include "kernel/internal.h"

#include <errno.h>
#include "base/cleanup.h"

#define ME_LEARNED_BATCH 4096u

int me_kernel_dns(struct me_kernel *kernel, uint64_t *counts)
{
	int fd = bpf_map__fd(kernel->bpf->maps.me_dns_counts);

	for (uint32_t i = 0; i < ME_DNS_COUNTS; i++) {
		if (bpf_map_lookup_elem(fd, &i, kernel->percpu))
			return -errno;
		counts[i] = 0;
		for (size_t cpu = 0; cpu < kernel->n_cpus; cpu++)
			counts[i] += kernel->percpu[cpu];
	}
	return 0;
}

const struct me_zone_counts *me_kernel_zones(const struct me_kernel *kernel)
{
	return kernel->zones;
}

void me_kernel_zone_add(struct me_kernel *kernel, uint32_t zone, const struct me_zone_counts *more)
{
	struct me_zone_counts *counts = &kernel->zones[zone];

	if (!zone || zone >= ME_ZONES_MAX)
		return;
	__atomic_fetch_add(&counts->queries, more->queries, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counts->answers, more->answers, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counts->listed, more->listed, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counts->refusals, more->refusals, __ATOMIC_RELAXED);
}

bool me_kernel_learned(struct me_kernel *kernel, const struct me_addr *address,
		       struct me_learned *ret_learned)
{
	return !bpf_map_lookup_elem(bpf_map__fd(kernel->bpf->maps.me_learned), address,
				    ret_learned);
}

int me_kernel_learn(struct me_kernel *kernel, struct me_learn *learn)
{
	return me_program_run(kernel->bpf->progs.me_learn_one, learn, sizeof(*learn));
}

int me_kernel_forget(struct me_kernel *kernel, struct me_forget *forget)
{
	return me_program_run(kernel->bpf->progs.me_forget_one, forget, sizeof(*forget));
}

int me_kernel_learned_each(struct me_kernel *kernel,
			   int (*fn)(const struct me_addr *address,
				     const struct me_learned *learned, void *userdata),
			   void *userdata)
{
	_cleanup_free_ struct me_addr *keys = calloc(ME_LEARNED_BATCH, sizeof(*keys));
	_cleanup_free_ struct me_learned *values = calloc(ME_LEARNED_BATCH, sizeof(*values));
	int fd = bpf_map__fd(kernel->bpf->maps.me_learned);
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t at, *from = NULL;
	int err = 0, last = 0;

	if (!keys || !values)
		return -ENOMEM;
	while (!err && !last) {
		uint32_t count = ME_LEARNED_BATCH;

		if (bpf_map_lookup_batch(fd, from, &at, keys, values, &count, &opts))
			last = errno;
		if (last && last != ENOENT)
			return -last;
		from = &at;
		for (uint32_t i = 0; i < count && !err; i++)
			err = fn(&keys[i], &values[i], userdata);
	}
	return err;
}

/* Removes the entries of a hash whose first 64-bit word, a time, is before `before_ns`; `fn` may be NULL. */
static int expire(const struct bpf_map *map, uint64_t before_ns,
		  void (*fn)(const void *key, const void *value, void *userdata), void *userdata)
{
	_cleanup_free_ char *key = malloc(bpf_map__key_size(map));
	_cleanup_free_ char *next = malloc(bpf_map__key_size(map));
	_cleanup_free_ char *value = malloc(bpf_map__value_size(map));
	int fd = bpf_map__fd(map);
	uint32_t left = bpf_map__max_entries(map);
	bool more;

	if (!key || !next || !value)
		return -ENOMEM;
	more = !bpf_map_get_next_key(fd, NULL, next);
	while (more && left--) {
		uint64_t time;

		memcpy(key, next, bpf_map__key_size(map));
		more = !bpf_map_get_next_key(fd, key, next);
		if (bpf_map_lookup_elem(fd, key, value))
			continue;
		memcpy(&time, value, sizeof(time));
		if (time < before_ns && !bpf_map_delete_elem(fd, key) && fn)
			fn(key, value, userdata);
	}
	return 0;
}

int me_kernel_queries_expire(struct me_kernel *kernel, uint64_t now_ns,
			     void (*fn)(const void *key, const void *query, void *userdata),
			     void *userdata)
{
	int err = expire(kernel->bpf->maps.me_queries,
			 now_ns > ME_QUERY_NS ? now_ns - ME_QUERY_NS : 0, fn, userdata);

	return err ? err : expire(kernel->bpf->maps.me_aliases, now_ns, NULL, NULL);
}

void me_kernel_dns_failed(struct me_kernel *kernel, const struct me_named *named,
			  enum me_dns_failure failure)
{
	for (uint32_t i = 0; i < named->n && failure < ME_DNS_FAILURE_COUNT; i++)
		if (named->endpoint[i] < kernel->n_endpoints)
			__atomic_fetch_add(
				&kernel->endpoints[named->endpoint[i]].dns_failures[failure], 1,
				__ATOMIC_RELAXED);
}

bool me_kernel_alias(struct me_kernel *kernel, uint64_t hash, struct me_alias *ret_alias)
{
	return !bpf_map_lookup_elem(bpf_map__fd(kernel->bpf->maps.me_aliases), &hash, ret_alias);
}

int me_kernel_alias_put(struct me_kernel *kernel, const struct me_alias *alias)
{
	uint64_t hash = me_name_hash(&alias->name, 0);

	return bpf_map_update_elem(bpf_map__fd(kernel->bpf->maps.me_aliases), &hash, alias, BPF_ANY)
		       ? -errno
		       : 0;
}

void me_kernel_recursive(struct me_kernel *kernel, uint64_t cgroup)
{
	__atomic_store_n(&kernel->control->recursive, cgroup, __ATOMIC_RELAXED);
}

uint64_t me_kernel_learned_count(struct me_kernel *kernel)
{
	struct me_rate rate = {};
	uint32_t zero = 0;

	bpf_map_lookup_elem(bpf_map__fd(kernel->bpf->maps.me_rates), &zero, &rate);
	return rate.entries;
}
