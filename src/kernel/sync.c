/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon writes for the programs: the policy's two slots, own addresses, stable ids. */
#include "kernel/internal.h"

#include <errno.h>
#include "base/cleanup.h"
#include "mewatch/mode.h"
#include "policy/compile.h"
#include "policy/parts.h"

#define ME_BATCH 8192u

static struct bpf_map *outer_of(const struct me_kernel *kernel, const struct me_image_part *part)
{
	return bpf_object__find_map_by_name(kernel->bpf->obj, part->map);
}

/* Copies elements first..first+count-1 apart into keys and values. */
static void split_part(const struct me_image_part *part, size_t first, uint32_t count, char *keys,
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

static int fill_part(const struct me_image_part *part, int fd)
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
static int load_part(const struct me_kernel *kernel, const struct me_image_part *part,
		     uint32_t slot)
{
	static const struct {
		enum bpf_map_type type;
		uint32_t flags;
	} kinds[] = {
		[ME_PART_FIXED] = {BPF_MAP_TYPE_ARRAY, 0},
		[ME_PART_ARRAY] = {BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP},
		[ME_PART_HASH] = {BPF_MAP_TYPE_HASH, 0},
		[ME_PART_PREFIXES] = {BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC},
	};
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = kinds[part->kind].flags);
	_cleanup_close_ int fd = bpf_map_create(kinds[part->kind].type, part->map, part->key_size,
						part->value_size, part->n ? part->n : 1, &opts);
	int err;

	if (fd < 0)
		return -errno;
	err = fill_part(part, fd);
	if (!err && bpf_map_update_elem(bpf_map__fd(outer_of(kernel, part)), &slot, &fd, BPF_ANY))
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
	struct me_image_part parts[ME_IMAGE_PARTS];
	uint32_t old = !next.active;
	uint64_t word;
	int err;

	me_image_parts(image, parts);
	for (size_t i = 0; i < ME_IMAGE_PARTS; i++) {
		err = load_part(kernel, &parts[i], next.active);
		if (err)
			return me_why(why, err, "the policy cannot be loaded: map %s: %s",
				      parts[i].map, strerror(-err));
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
	err = load_part(kernel, &parts[ME_IMAGE_PARTS - 1], next.active);
	for (size_t i = 0; i < ME_IMAGE_PARTS; i++)
		bpf_map_delete_elem(bpf_map__fd(outer_of(kernel, &parts[i])), &old);
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

static void cut_change(struct me_kernel *kernel, uint32_t from, uint32_t to)
{
	__atomic_compare_exchange_n(&kernel->control->cut, &from, to, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
}

void me_kernel_cut_begin(struct me_kernel *kernel)
{
	cut_change(kernel, ME_CUT_NEW, ME_CUT_SEEN);
}

void me_kernel_uncut(struct me_kernel *kernel)
{
	cut_change(kernel, ME_CUT_SEEN, ME_CUT_NONE);
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
