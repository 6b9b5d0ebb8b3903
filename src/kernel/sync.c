/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon writes for the programs: the policy's two slots, own addresses, stable ids. */
#include "kernel/internal.h"

#include <errno.h>
#include "base/cleanup.h"
#include "mewatch/mode.h"
#include "policy/compile.h"

#define ME_BATCH 8192u

/* One of the policy's maps: what its inner map is like, and where the image has its elements. */
struct me_part {
	const char *name;
	struct bpf_map *outer;
	enum bpf_map_type type;
	uint32_t flags;
	size_t n;
	const char *elements;
	size_t stride;
	const char *keys; /* of the first element; NULL: the elements' index */
	size_t key_size;
	const char *values; /* of the first element */
	size_t value_size;
};

#define ME_PARTS 9

static void list_parts(const struct me_kernel *kernel, const struct me_image *image,
		       struct me_part parts[ME_PARTS])
{
	/* An empty list is NULL; then there is no first element either. */
	static const struct me_image_address no_address;
	static const struct me_image_prefix no_prefix;
	const struct me_image_address *address = image->addresses ? image->addresses : &no_address;
	const struct me_image_prefix *prefix = image->prefixes ? image->prefixes : &no_prefix;
	const struct me_image_name_entry *name = image->name_entries;
	static const struct me_image_host no_host;
	static const struct me_image_mac no_mac;
	const struct me_image_host *host = image->hosts ? image->hosts : &no_host;
	const struct me_image_mac *mac = image->macs ? image->macs : &no_mac;
	const struct me_part all[ME_PARTS] = {
		{"me_addresses", kernel->bpf->maps.me_addresses, BPF_MAP_TYPE_HASH, 0,
		 image->n_addresses, (const char *)address, sizeof(*address),
		 (const char *)&address->address, sizeof(address->address),
		 (const char *)&address->dest, sizeof(address->dest)},
		{"me_prefixes", kernel->bpf->maps.me_prefixes, BPF_MAP_TYPE_LPM_TRIE,
		 BPF_F_NO_PREALLOC, image->n_prefixes, (const char *)prefix, sizeof(*prefix),
		 (const char *)&prefix->prefix, sizeof(prefix->prefix), (const char *)&prefix->dest,
		 sizeof(prefix->dest)},
		{"me_tables", kernel->bpf->maps.me_tables, BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP,
		 (size_t)image->head->rows * image->head->columns, (const char *)image->table,
		 sizeof(*image->table), NULL, sizeof(uint32_t), (const char *)image->table,
		 sizeof(*image->table)},
		{"me_entries", kernel->bpf->maps.me_entries, BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP,
		 image->head->entries, (const char *)image->entries, sizeof(*image->entries), NULL,
		 sizeof(uint32_t), (const char *)image->entries, sizeof(*image->entries)},
		{"me_rows", kernel->bpf->maps.me_rows, BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP,
		 image->n_endpoint_rows, (const char *)image->endpoint_rows,
		 sizeof(*image->endpoint_rows), NULL, sizeof(uint32_t),
		 (const char *)image->endpoint_rows, sizeof(*image->endpoint_rows)},
		{"me_names", kernel->bpf->maps.me_names, BPF_MAP_TYPE_HASH, 0,
		 image->n_name_entries, (const char *)name, sizeof(*name),
		 (const char *)&name->hash, sizeof(name->hash), (const char *)&name->entry,
		 sizeof(name->entry)},
		{"me_hosts", kernel->bpf->maps.me_hosts, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC,
		 image->n_hosts, (const char *)host, sizeof(*host), (const char *)&host->prefix,
		 sizeof(host->prefix), (const char *)&host->number, sizeof(host->number)},
		{"me_macs", kernel->bpf->maps.me_macs, BPF_MAP_TYPE_HASH, 0, image->n_macs,
		 (const char *)mac, sizeof(*mac), (const char *)&mac->mac, sizeof(mac->mac),
		 (const char *)&mac->number, sizeof(mac->number)},
		{"me_heads", kernel->bpf->maps.me_heads, BPF_MAP_TYPE_ARRAY, 0, 1,
		 (const char *)image->head, sizeof(*image->head), NULL, sizeof(uint32_t),
		 (const char *)image->head, sizeof(*image->head)},
	};

	memcpy(parts, all, sizeof(all));
}

/* Copies elements first..first+count-1 apart into keys and values. */
static void split_part(const struct me_part *part, size_t first, uint32_t count, char *keys,
		       char *values)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = first + i;

		memcpy(keys + i * part->key_size,
		       part->keys ? part->keys + index * part->stride : (const char *)&index,
		       part->key_size);
		memcpy(values + i * part->value_size, part->values + index * part->stride,
		       part->value_size);
	}
}

static int fill_part(const struct me_part *part, int fd)
{
	size_t batch = part->n < ME_BATCH ? part->n : ME_BATCH;
	_cleanup_free_ char *keys = malloc(batch * part->key_size + 1);
	_cleanup_free_ char *values = malloc(batch * part->value_size + 1);
	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	if (!keys || !values)
		return -ENOMEM;
	for (size_t done = 0; done < part->n;) {
		uint32_t count = part->n - done < batch ? part->n - done : batch;

		split_part(part, done, count, keys, values);
		if (bpf_map_update_batch(fd, keys, values, &count, &opts))
			return -errno;
		done += count;
	}
	return 0;
}

/* Makes the part's inner map, fills it and puts it into `slot`. */
static int load_part(const struct me_part *part, uint32_t slot)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = part->flags);
	_cleanup_close_ int fd = bpf_map_create(part->type, part->name, part->key_size,
						part->value_size, part->n ? part->n : 1, &opts);
	int err;

	if (fd < 0)
		return -errno;
	err = fill_part(part, fd);
	if (!err && bpf_map_update_elem(bpf_map__fd(part->outer), &slot, &fd, BPF_ANY))
		err = -errno;
	return err;
}

uint32_t me_kernel_generation(const struct me_kernel *kernel)
{
	return kernel->control->generation;
}

int me_kernel_policy(struct me_kernel *kernel, const struct me_image *image, struct me_why *why)
{
	struct me_control next = {.active = !kernel->control->active,
				  .generation = image->head->generation};
	struct me_part parts[ME_PARTS];
	uint32_t old = !next.active;
	uint64_t word;
	int err;

	list_parts(kernel, image, parts);
	for (size_t i = 0; i < ME_PARTS; i++) {
		err = load_part(&parts[i], next.active);
		if (err)
			return me_why(why, err, "the policy cannot be loaded: map %s: %s",
				      parts[i].name, strerror(-err));
	}
	__atomic_store_n(&kernel->control->udp_idle_ns, image->head->udp_idle_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&kernel->control->proxy, image->head->proxy_port, __ATOMIC_RELAXED);
	memcpy(&word, &next, sizeof(word));
	__atomic_store_n((uint64_t *)kernel->control, word, __ATOMIC_RELEASE);

	/*
	 * A change of an outer map returns when no running program can hold what was there (the
	 * kernel's maybe_wait_bpf_programs()). The first of these waits for programs that still use
	 * the old slot's index; only the later ones, whose maps nobody reads, take memory back.
	 */
	err = load_part(&parts[ME_PARTS - 1], next.active);
	for (size_t i = 0; i < ME_PARTS; i++)
		bpf_map_delete_elem(bpf_map__fd(parts[i].outer), &old);
	return err ? me_why(why, err, "the policy cannot be loaded: %s", strerror(-err)) : 0;
}

void me_kernel_mode(struct me_kernel *kernel, const struct me_kernel_mode *mode)
{
	struct me_control *control = kernel->control;

	if (control->strict_ns == mode->strict_ns && control->until_ns == mode->until_ns &&
	    control->said == mode->said && control->most == mode->most)
		return;
	/* In between less may be done than before and after, not more. */
	__atomic_store_n(&control->most, ME_MODE_MONITOR, __ATOMIC_SEQ_CST);
	__atomic_store_n(&control->strict_ns, mode->strict_ns, __ATOMIC_SEQ_CST);
	__atomic_store_n(&control->until_ns, mode->until_ns, __ATOMIC_SEQ_CST);
	__atomic_store_n(&control->said, mode->said, __ATOMIC_SEQ_CST);
	__atomic_store_n(&control->most, mode->most, __ATOMIC_SEQ_CST);
}

enum me_mode me_kernel_mode_now(const struct me_kernel *kernel, uint32_t mode, uint64_t now_ns)
{
	return me_mode_now(kernel->control, mode, now_ns);
}

void me_kernel_lease(struct me_kernel *kernel, uint64_t until_ns)
{
	__atomic_store_n(&kernel->control->lease_ns, until_ns, __ATOMIC_RELAXED);
}

void me_kernel_uncut(struct me_kernel *kernel)
{
	__atomic_store_n(&kernel->control->cut, 0, __ATOMIC_RELAXED);
}

int me_kernel_own(struct me_kernel *kernel, const struct me_own_key *own, bool present)
{
	int fd = bpf_map__fd(kernel->bpf->maps.me_own);
	uint32_t one = 1;

	if (present)
		return bpf_map_update_elem(fd, own, &one, BPF_ANY) ? -errno : 0;
	return bpf_map_delete_elem(fd, own) && errno != ENOENT ? -errno : 0;
}

int me_kernel_netns(struct me_kernel *kernel, uint64_t cookie, bool known)
{
	int fd = bpf_map__fd(kernel->bpf->maps.me_netns);
	uint32_t one = 1;

	if (known)
		return bpf_map_update_elem(fd, &cookie, &one, BPF_ANY) ? -errno : 0;
	return bpf_map_delete_elem(fd, &cookie) && errno != ENOENT ? -errno : 0;
}

void me_kernel_home(struct me_kernel *kernel, uint64_t cookie)
{
	__atomic_store_n(&kernel->control->home, cookie, __ATOMIC_RELAXED);
}

int me_kernel_own_each(struct me_kernel *kernel,
		       void (*fn)(const struct me_own_key *own, void *userdata), void *userdata)
{
	int fd = bpf_map__fd(kernel->bpf->maps.me_own);
	struct me_own_key key, next;
	bool more = !bpf_map_get_next_key(fd, NULL, &next);

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(fd, &key, &next);
		fn(&key, userdata);
	}
	return errno == ENOENT ? 0 : -errno;
}

int me_kernel_netns_each(struct me_kernel *kernel, void (*fn)(uint64_t cookie, void *userdata),
			 void *userdata)
{
	int fd = bpf_map__fd(kernel->bpf->maps.me_netns);
	uint64_t cookie, next;
	bool more = !bpf_map_get_next_key(fd, NULL, &next);

	while (more) {
		cookie = next;
		more = !bpf_map_get_next_key(fd, &cookie, &next);
		fn(cookie, userdata);
	}
	return errno == ENOENT ? 0 : -errno;
}

int me_kernel_id_put(struct me_kernel *kernel, const struct me_id_key *key, uint32_t id)
{
	int fd = bpf_map__fd(kernel->bpf->maps.me_registry);

	return bpf_map_update_elem(fd, key, &id, BPF_ANY) ? -errno : 0;
}

int me_kernel_id_each(struct me_kernel *kernel,
		      int (*fn)(const struct me_id_key *key, uint32_t id, void *userdata),
		      void *userdata)
{
	int fd = bpf_map__fd(kernel->bpf->maps.me_registry);
	struct me_id_key key, *previous = NULL;
	int err = 0;

	while (!err && !bpf_map_get_next_key(fd, previous, &key)) {
		uint32_t id;

		previous = &key;
		if (!bpf_map_lookup_elem(fd, &key, &id))
			err = fn(&key, id, userdata);
	}
	return err;
}
