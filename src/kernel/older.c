/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/older.h"

#include <bpf/btf.h>
#include <errno.h>
#include "base/cleanup.h"
#include "kernel/btfcopy.h"

static int describe(int fd, struct bpf_map_info *ret_info)
{
	uint32_t length = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return bpf_obj_get_info_by_fd(fd, ret_info, &length) ? -errno : 0;
}

int me_old_open(const char *folder, const char *name, struct bpf_map_info *ret_info)
{
	_cleanup_close_ int fd = -1;
	char path[ME_PIN_PATH_MAX];
	int err = me_pin_path(path, folder, name, NULL);

	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	err = ret_info ? describe(fd, ret_info) : 0;
	return err ? err : me_steal_fd(&fd);
}

/* The types that a map was made with. */
static int load_types(const struct bpf_map_info *info, struct btf **ret_btf)
{
	if (!info->btf_id || !info->btf_value_type_id)
		return -EOPNOTSUPP;
	*ret_btf = btf__load_from_kernel_by_id(info->btf_id);
	return *ret_btf ? 0 : -errno;
}

static int make_room(struct me_old_map *map)
{
	map->old_key = calloc(1, me_btfcopy_from_size(map->keys));
	map->key = calloc(1, me_btfcopy_to_size(map->keys));
	map->old_value = calloc(1, me_btfcopy_from_size(map->values));
	map->value = calloc(1, me_btfcopy_to_size(map->values));
	return map->old_key && map->key && map->old_value && map->value ? 0 : -ENOMEM;
}

int me_old_map_open(const char *folder, const struct bpf_map *into, struct me_old_map *ret_map)
{
	struct bpf_map_info old, new;
	int err;

	*ret_map = (struct me_old_map){.fd = me_old_open(folder, bpf_map__name(into), &old),
				       .into = bpf_map__fd(into)};
	if (ret_map->fd < 0)
		return ret_map->fd;
	err = describe(ret_map->into, &new);
	if (!err)
		err = load_types(&old, &ret_map->btf);
	if (!err)
		err = load_types(&new, &ret_map->into_btf);
	if (err)
		return err;
	ret_map->value_size = old.value_size;
	err = me_btfcopy_new(ret_map->btf, old.btf_key_type_id, ret_map->into_btf,
			     new.btf_key_type_id, &ret_map->keys);
	if (!err)
		err = me_btfcopy_new(ret_map->btf, old.btf_value_type_id, ret_map->into_btf,
				     new.btf_value_type_id, &ret_map->values);
	return err ? err : make_room(ret_map);
}

void me_old_map_close(struct me_old_map *map)
{
	me_closep(&map->fd);
	btf__free(map->btf);
	btf__free(map->into_btf);
	me_btfcopy_free(&map->keys);
	me_btfcopy_free(&map->values);
	free(map->old_key);
	free(map->key);
	free(map->old_value);
	free(map->value);
}

void me_old_map_convert(struct me_old_map *map, const void *old_value)
{
	me_btfcopy_run(map->values, old_value, map->value);
}

int me_old_map_read(struct me_old_map *map, const void *old_key)
{
	if (bpf_map_lookup_elem(map->fd, old_key, map->old_value))
		return -errno;
	me_btfcopy_run(map->keys, old_key, map->key);
	me_old_map_convert(map, map->old_value);
	return 0;
}

int me_old_map_each(struct me_old_map *map, int (*fn)(struct me_old_map *map, void *userdata),
		    void *userdata)
{
	_cleanup_free_ void *next = malloc(me_btfcopy_from_size(map->keys));
	bool more = next && !bpf_map_get_next_key(map->fd, NULL, next);
	int err = next ? 0 : -ENOMEM;

	while (more && !err) {
		memcpy(map->old_key, next, me_btfcopy_from_size(map->keys));
		more = !bpf_map_get_next_key(map->fd, map->old_key, next);
		if (!me_old_map_read(map, map->old_key))
			err = fn(map, userdata);
	}
	return err;
}
