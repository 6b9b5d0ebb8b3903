/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/cgroup.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/stat.h>
#include "base/cleanup.h"
#include "kernel/mounts.h"

/* A group of this test's own, "/mewatch-PID", and the hierarchy. */
struct fixture {
	char *mount;
	char top[64];
	struct me_cgroups *cgroups;
};

static void make(const struct fixture *f, const char *path)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s%s%s", f->mount, f->top, path);
	assert_int_equal(mkdir(name, 0755), 0);
}

static void take_away(const struct fixture *f, const char *path)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s%s%s", f->mount, f->top, path);
	assert_int_equal(rmdir(name), 0);
}

static uint64_t id_of(const struct fixture *f, const char *path)
{
	char name[4096];
	uint64_t id;
	int fd;

	snprintf(name, sizeof(name), "%s%s", f->top, path);
	assert_int_equal(me_cgroup_open(f->cgroups, name, &fd, &id), 0);
	close(fd);
	return id;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *why;

	assert_int_equal(me_mounts_cgroup2(&f->mount, &why), 0);
	assert_int_equal(me_cgroups_new(f->mount, &f->cgroups), 0);
	snprintf(f->top, sizeof(f->top), "/mewatch-%d", getpid());
	make(f, "");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	take_away(f, "");
	me_cgroups_free(&f->cgroups);
	free(f->mount);
	free(f);
	return 0;
}

static void opens_by_any_form_of_the_path(void **state)
{
	struct fixture *f = *state;
	char below[4096];
	uint64_t id, same;
	struct stat st, expected;
	int fd;

	assert_int_equal(me_cgroup_open(f->cgroups, f->top, &fd, &id), 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	snprintf(below, sizeof(below), "%s%s", f->mount, f->top);
	assert_int_equal(stat(below, &expected), 0);
	assert_true(st.st_ino == expected.st_ino && st.st_dev == expected.st_dev);
	assert_true(id == expected.st_ino); /* on 64-bit kernels the id is the inode number */
	assert_int_equal(me_cgroup_open(f->cgroups, below, &fd, &same), 0);
	close(fd);
	assert_true(same == id);

	assert_int_equal(me_cgroup_open(f->cgroups, "/", &fd, &same), 0);
	close(fd);
	assert_true(same != id);
	assert_int_equal(me_cgroup_open(f->cgroups, f->mount, &fd, &id), 0);
	close(fd);
	assert_true(same == id);
}

static void says_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	struct me_cgroups *none = NULL;
	uint64_t id = 7;
	int fd = -7;

	assert_int_equal(me_cgroup_open(f->cgroups, "/mewatch-none", &fd, &id), -ENOENT);
	assert_int_equal(me_cgroup_open(f->cgroups, "/cgroup.procs", &fd, &id), -ENOTDIR);
	assert_int_equal(me_cgroup_open(f->cgroups, "system.slice", &fd, &id), -EINVAL);
	assert_int_equal(me_cgroup_open(f->cgroups, "", &fd, &id), -EINVAL);
	assert_int_equal(me_cgroup_open(f->cgroups, "/../..", &fd, &id), -EINVAL);
	assert_int_equal(fd, -7);
	assert_int_equal(id, 7);
	assert_int_equal(me_cgroups_new("/proc", &none), -EMEDIUMTYPE);
	assert_int_equal(me_cgroups_new("/nowhere", &none), -ENOENT);
	assert_null(none);
	me_cgroups_free(&none);
}

static void writes_paths_in_one_form(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *in, *out;
	} table[] = {
		{"/", "/"},           {"///", "/"},
		{"/a", "/a"},         {"//a//b///", "/a/b"},
		{"/a.b", "/a.b"},     {"/..a/b..", "/..a/b.."},
		{"/a/...", "/a/..."}, {"/.", NULL},
		{"/a/.", NULL},       {"/a/../b", NULL},
		{"a", NULL},          {"", NULL},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(table); i++) {
		char *out = NULL;
		int r = me_cgroup_normalize(f->cgroups, table[i].in, &out);

		assert_int_equal(r, table[i].out ? 0 : -EINVAL);
		if (table[i].out)
			assert_string_equal(out, table[i].out);
		free(out);
	}
}

static void remembers_the_path_of_a_group_that_went(void **state)
{
	struct fixture *f = *state;
	char expected[128];
	uint64_t seen, unseen;

	make(f, "/seen");
	make(f, "/unseen");
	seen = id_of(f, "/seen");
	unseen = id_of(f, "/unseen");
	snprintf(expected, sizeof(expected), "%s/seen", f->top);
	assert_string_equal(me_cgroup_path(f->cgroups, seen), expected);
	take_away(f, "/seen");
	take_away(f, "/unseen");
	assert_string_equal(me_cgroup_path(f->cgroups, seen), expected);
	assert_string_equal(me_cgroup_path(f->cgroups, unseen), ME_CGROUP_UNKNOWN);
	assert_string_equal(me_cgroup_path(f->cgroups, 0), ME_CGROUP_UNKNOWN);
	assert_string_equal(me_cgroup_path(f->cgroups, UINT64_MAX), ME_CGROUP_UNKNOWN);

	/* One of the same name made later is another one. */
	make(f, "/seen");
	assert_true(id_of(f, "/seen") != seen);
	assert_string_equal(me_cgroup_path(f->cgroups, id_of(f, "/seen")), expected);
	take_away(f, "/seen");
}

static void knows_the_root(void **state)
{
	struct fixture *f = *state;
	uint64_t id;
	int fd;

	assert_int_equal(me_cgroup_open(f->cgroups, "/", &fd, &id), 0);
	close(fd);
	assert_string_equal(me_cgroup_path(f->cgroups, id), "/");
}

/* One group more than the cache holds: each is found all the same, before and after. */
static void forgets_when_the_cache_is_full(void **state)
{
	struct fixture *f = *state;
	enum { N = ME_CGROUP_CACHE_MAX + 1 };
	_cleanup_free_ uint64_t *id = calloc(N, sizeof(*id));
	char path[32], expected[128];

	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		make(f, path);
		id[i] = id_of(f, path);
		assert_string_not_equal(me_cgroup_path(f->cgroups, id[i]), ME_CGROUP_UNKNOWN);
	}
	for (int i = 0; i < N; i++) {
		snprintf(expected, sizeof(expected), "%s/%d", f->top, i);
		assert_string_equal(me_cgroup_path(f->cgroups, id[i]), expected);
	}
	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		take_away(f, path);
	}
}

static void keeps_the_topmost(void **state)
{
	static const struct {
		const char *in[6], *out[6];
	} table[] = {
		{{NULL}, {NULL}},
		{{"/a"}, {"/a"}},
		{{"/a", "/a"}, {"/a"}},
		{{"/a/b", "/a", "/a/b/c"}, {"/a"}},
		{{"/ab", "/a", "/a-b"}, {"/ab", "/a", "/a-b"}},
		{{"/b/c", "/a/x", "/b", "/a/x/y"}, {"/a/x", "/b"}},
		{{"/a", "/", "/b"}, {"/"}},
		{{"/", "/"}, {"/"}},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(table); i++) {
		char *paths[ME_ARRAY_SIZE(table[i].in)] = {0};
		size_t n = 0, left;

		for (; table[i].in[n]; n++)
			paths[n] = strdup(table[i].in[n]);
		left = me_cgroup_reduce(paths, n);
		for (size_t j = 0; j < left; j++) {
			assert_non_null(table[i].out[j]);
			assert_string_equal(paths[j], table[i].out[j]);
			free(paths[j]);
		}
		assert_null(table[i].out[left]);
	}
}

static void tells_what_lies_below(void **state)
{
	struct fixture *f = *state;
	char sibling[80];
	const char *top[] = {"/mewatch-none", f->top}, *root[] = {"/"};
	const char *other[] = {sibling};
	uint64_t id;

	snprintf(sibling, sizeof(sibling), "%.*s", (int)strlen(f->top) - 1, f->top);
	make(f, "/in");
	id = id_of(f, "/in");
	assert_true(me_cgroup_is_below(f->cgroups, id, top, 2));
	assert_true(me_cgroup_is_below(f->cgroups, id_of(f, ""), top, 2));
	assert_true(me_cgroup_is_below(f->cgroups, id, root, 1));
	assert_false(me_cgroup_is_below(f->cgroups, id, top, 1));
	assert_false(me_cgroup_is_below(f->cgroups, id, other, 1));
	assert_false(me_cgroup_is_below(f->cgroups, id, NULL, 0));
	take_away(f, "/in");
	/* A group that nobody knows is below the root, whatever it was. */
	assert_true(me_cgroup_is_below(f->cgroups, UINT64_MAX, root, 1));
	assert_false(me_cgroup_is_below(f->cgroups, UINT64_MAX, top, 2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_by_any_form_of_the_path),
		TEST(says_what_is_wrong),
		TEST(writes_paths_in_one_form),
		TEST(remembers_the_path_of_a_group_that_went),
		TEST(knows_the_root),
		TEST(forgets_when_the_cache_is_full),
		cmocka_unit_test(keeps_the_topmost),
		TEST(tells_what_lies_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
