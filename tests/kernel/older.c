/* SPDX-License-Identifier: GPL-2.0-only */
#include "older.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/stat.h>
#include "base/cleanup.h"
#include "gen/layout.h"
#include "kernel/internal.h"
#include "tests/kernel/older.skel.h"

#define PATH_ROOM 1024

struct older {
	struct older_bpf *bpf;
};

/* The policy and the namespaces are as this layout has them; the rest is its own. */
static const char *const shared[] = {"me_control", "me_heads",   "me_addresses", "me_prefixes",
				     "me_tables",  "me_entries", "me_netns",     "me_own"};

static void path_of(const struct host *host, const char *folder, const char *name,
		    char out[PATH_ROOM])
{
	snprintf(out, PATH_ROOM, "%s/%s%s%s", host->pins, folder, *name ? "/" : "", name);
}

static void share_maps(const struct host *host, struct older_bpf *bpf)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(shared); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(bpf->obj, shared[i]);
		_cleanup_close_ int fd = -1;
		char path[PATH_ROOM];

		path_of(host, ME_LAYOUT_ID, shared[i], path);
		fd = bpf_obj_get(path);
		assert_true(fd >= 0);
		assert_int_equal(bpf_map__reuse_fd(map, fd), 0);
	}
}

static void pin_maps(const struct host *host, struct older_bpf *bpf)
{
	struct bpf_map *map;
	char path[PATH_ROOM];

	path_of(host, OLDER_LAYOUT, "", path);
	assert_int_equal(mkdir(path, 0700), 0);
	bpf_object__for_each_map(map, bpf->obj) {
		if (bpf_map__is_internal(map))
			continue;
		path_of(host, OLDER_LAYOUT, bpf_map__name(map), path);
		assert_int_equal(bpf_obj_pin(bpf_map__fd(map), path), 0);
	}
}

/* Calls `fn` for each name in a folder below the pins. */
static size_t each_name(const struct host *host, const char *folder,
			void (*fn)(const char *path, const char *name, void *userdata),
			void *userdata)
{
	struct dirent *entry;
	char path[PATH_ROOM];
	size_t n = 0;
	DIR *dir;

	path_of(host, folder, "", path);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		path_of(host, folder, entry->d_name, path);
		fn(path, entry->d_name, userdata);
		n++;
	}
	closedir(dir);
	return n;
}

/* Puts the older program into a link; its pin is called after the hook. */
static void take_link(const char *path, const char *name, void *userdata)
{
	const struct older_bpf *bpf = userdata;
	_cleanup_close_ int fd = bpf_obj_get(path);
	const struct bpf_program *program;
	char called[32];
	int hook = strcspn(name, "@");

	if (!strncmp(name, "sock_ops@", 9))
		snprintf(called, sizeof(called), "me_sockops");
	else
		snprintf(called, sizeof(called), "me_%.*s", hook, name);
	program = bpf_object__find_program_by_name(bpf->obj, called);
	assert_non_null(program);
	assert_true(fd >= 0);
	assert_int_equal(bpf_link_update(fd, bpf_program__fd(program), NULL), 0);
}

static void remove_pin(const char *path, const char *name, void *userdata)
{
	assert_int_equal(unlink(path), 0);
}

struct older *older_begin(struct host *host, const struct older_options *options)
{
	struct older *older = calloc(1, sizeof(*older));
	char path[PATH_ROOM];
	uint32_t n;

	assert_non_null(older);
	older->bpf = older_bpf__open();
	assert_non_null(older->bpf);
	me_kernel_endpoints(host->kernel, &n);
	bpf_map__set_max_entries(older->bpf->maps.me_flows,
				 options->flows ? options->flows : host->options.flows);
	bpf_map__set_max_entries(older->bpf->maps.me_endpoints, n);
	bpf_map__set_value_size(older->bpf->maps.me_kept, host->options.kept_size);
	bpf_map__set_value_size(older->bpf->maps.me_kept_each, host->options.each_size);
	bpf_map__set_max_entries(older->bpf->maps.me_kept_each, n);
	if (options->cells)
		bpf_map__set_max_entries(older->bpf->maps.me_cells, options->cells);
	share_maps(host, older->bpf);
	assert_int_equal(older_bpf__load(older->bpf), 0);
	pin_maps(host, older->bpf);
	assert_true(each_name(host, "links", take_link, older->bpf) > 0);

	me_kernel_close(&host->kernel);
	if (options->interrupted)
		return older;
	each_name(host, ME_LAYOUT_ID, remove_pin, NULL);
	path_of(host, ME_LAYOUT_ID, "", path);
	assert_int_equal(rmdir(path), 0);
	return older;
}

void older_free(struct older **older)
{
	if (!*older)
		return;
	older_bpf__destroy((*older)->bpf);
	free(*older);
	*older = NULL;
}

int older_map(const struct older *older, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(older->bpf->obj, name);

	assert_true(fd >= 0);
	return fd;
}

void older_note_flows(const struct older *older, struct older_flows *ret_flows)
{
	int fd = older_map(older, "me_flows");
	struct me_flow_key *previous = NULL;
	uint64_t value[64];

	ret_flows->n = 0;
	while (!bpf_map_get_next_key(fd, previous, &ret_flows->key[ret_flows->n])) {
		previous = &ret_flows->key[ret_flows->n];
		assert_int_equal(bpf_map_lookup_elem(fd, previous, value), 0);
		ret_flows->id[ret_flows->n++] = value[older->bpf->rodata->older_flow_id / 8];
		assert_true(ret_flows->n < ME_ARRAY_SIZE(ret_flows->id));
	}
}

void older_reopen(struct host *host)
{
	struct me_why why = {};

	if (me_kernel_open(&host->options, &host->kernel, &why))
		fail_msg("%s", why.text);
	assert_string_equal(why.text, "");
	assert_true(me_kernel_resumed(host->kernel));
	host_again(host);
	assert_int_equal(me_kernel_netns(host->kernel, host->world.cookie, true), 0);
}

void older_switch(struct host *host)
{
	_cleanup_close_ int fd = -1;
	struct me_why why = {};
	char path[8192];

	snprintf(path, sizeof(path), "%s%s", host->mount, host->group);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (me_kernel_watch(host->kernel, &host->group_id, &fd, 1, &why))
		fail_msg("%s", why.text);
}

void older_expect_attached(const struct host *host)
{
	_cleanup_close_ int fd = -1;
	char path[8192];

	snprintf(path, sizeof(path), "%s%s", host->mount, host->group);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < ME_HOOKS; i++) {
		struct bpf_program *const *program =
			(const void *)((const char *)host->kernel->bpf + me_hooks[i].program);
		struct bpf_prog_info info = {};
		uint32_t ids[4], n = ME_ARRAY_SIZE(ids), length = sizeof(info);

		assert_int_equal(bpf_prog_query(fd, me_hooks[i].type, 0, NULL, ids, &n), 0);
		assert_int_equal(n, 1);
		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(*program), &info, &length),
				 0);
		assert_int_equal(ids[0], info.id);
	}
}

bool older_pinned(const struct host *host, const char *name)
{
	char path[PATH_ROOM];

	path_of(host, name, "", path);
	return !access(path, F_OK);
}
