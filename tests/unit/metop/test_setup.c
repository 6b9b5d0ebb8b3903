/* SPDX-License-Identifier: GPL-2.0-only */
/* What is kept of the live view, in a folder of its own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "metop/setup.h"

static char folder[] = "/tmp/metop-setup.XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '.') + 1, "XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const inside[] = {"/a/mewatch/metoprc", "/a/mewatch", "/a", "/rc",
					     "/link"};
	char path[256];

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(inside); i++) {
		snprintf(path, sizeof(path), "%s%s", folder, inside[i]);
		if (unlink(path) < 0)
			rmdir(path);
	}
	return rmdir(folder);
}

static char *path_of(const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s%s", folder, name) > 0);
	return path;
}

static void write_text(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_of(name);

	assert_int_equal(me_file_write_atomic(path, text, strlen(text), 0644), 0);
}

static void text_is(const char *name, const char *wanted)
{
	_cleanup_free_ char *path = path_of(name), *text = NULL;
	size_t len;

	assert_int_equal(me_file_read(path, 2 * ME_SETUP_MAX, &text, &len), 0);
	assert_string_equal(text, wanted);
}

static void read_setup(struct me_setup *setup, const char *name, const char *problem)
{
	_cleanup_strbuf_ struct me_strbuf said = {0};

	assert_int_equal(me_setup_read(setup, name ? path_of(name) : NULL, &said), 0);
	if (!problem && said.len)
		fail_msg("%s", said.data);
	if (problem && (!said.len || !strstr(said.data, problem)))
		fail_msg("'%s' is not in '%s'", problem, said.len ? said.data : "");
	setup->start = setup->read;
}

static void test_round(void **state)
{
	struct me_setup setup;
	struct me_settings now;
	struct stat st;
	_cleanup_free_ char *path = path_of("/a/mewatch/metoprc");

	(void)state;
	read_setup(&setup, "/a/mewatch/metoprc", NULL);
	now = setup.read;
	assert_int_equal(now.view, ME_VIEW_ENDPOINTS);
	/* Nothing changed: nothing written, not even a folder. */
	assert_int_equal(me_setup_write(&setup, &now, false), 0);
	assert_int_equal(access(path, F_OK), -1);

	now.tree = ME_TREE_ORIGIN;
	now.addresses = true;
	now.closed = false;
	now.interval_ns = 2500000000ull;
	now.colours = ME_COLOURS_256;
	now.view = ME_VIEW_DNS;
	now.order[ME_VIEW_FLOWS][0] =
		(struct me_order){me_view_column(&me_views[ME_VIEW_FLOWS], "RECV"), false};
	assert_int_equal(me_setup_write(&setup, &now, false), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(me_setup_write(&setup, &now, false), 0);
	me_setup_free(&setup);

	read_setup(&setup, "/a/mewatch/metoprc", NULL);
	assert_int_equal(setup.read.tree, ME_TREE_ORIGIN);
	assert_true(setup.read.addresses);
	assert_false(setup.read.closed);
	assert_false(setup.read.ascii);
	assert_int_equal(setup.read.interval_ns, 2500000000ull);
	assert_int_equal(setup.read.colours, ME_COLOURS_256);
	assert_int_equal(setup.read.view, ME_VIEW_DNS);
	assert_memory_equal(&setup.read.order, &now.order, sizeof(now.order));
	me_setup_free(&setup);
	me_setup_free(&setup);
}

/* Only what was changed: neither a --option nor what another line says. */
static void test_what_is_written(void **state)
{
	struct me_setup setup;
	struct me_settings now;

	(void)state;
	write_text("/rc", "# mine\nversion=1\n future = of it \ninterval=5s\nfuture.2=x\n\n");
	read_setup(&setup, "/rc", NULL);
	assert_int_equal(setup.read.interval_ns, 5000000000ull);
	setup.start.interval_ns = 1000000000ull; /* --interval 1s */
	now = setup.start;
	assert_int_equal(me_setup_write(&setup, &now, false), 0);
	text_is("/rc", "# mine\nversion=1\n future = of it \ninterval=5s\nfuture.2=x\n\n");
	now.ascii = true;
	assert_int_equal(me_setup_write(&setup, &now, false), 1);
	me_setup_free(&setup);

	read_setup(&setup, "/rc", NULL);
	assert_true(setup.read.ascii);
	assert_int_equal(setup.read.interval_ns, 5000000000ull);
	/* But all of it, where that is asked for. */
	setup.start.addresses = true;
	now = setup.start;
	assert_int_equal(me_setup_write(&setup, &now, false), 0);
	assert_int_equal(me_setup_write(&setup, &now, true), 1);
	assert_true(setup.read.addresses);
	assert_int_equal(me_setup_write(&setup, &now, true), 0);
	assert_string_equal(setup.unknown.data, "# mine\nfuture = of it\nfuture.2=x\n\n");
	me_setup_free(&setup);
}

/* What is wrong is named with its line, and the rest holds. */
static void test_problems(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{"version=1\ntree=oak\nascii=yes\n",
		 ":2: 'tree=oak', off, origin or endpoint was expected"},
		{"ascii=yes\nview=all\n", ":2: 'view=all', the name of a view"},
		{"ascii=yes\ninterval=1ms", ":2: 'interval=1ms', a time from 100ms to 1h"},
		{"ascii=yes\n\n\ncolor=\n", ":4: 'color=', auto, always, never, 8 or 256"},
		{"ascii=yes\nclosed=maybe\ntree=oak\n", ":2: 'closed=maybe', yes or no"},
		{"ascii=yes\nsort.flows=LAST\n", ":2: 'sort.flows=LAST', a column"},
		{"ascii=yes\nsort.flows=NOTHING:asc\n", ":2: 'sort.flows=NOTHING:asc', a column"},
		{"ascii=yes\nnonsense\n", ":2: 'nonsense', KEY=VALUE"},
	};
	struct me_setup setup;

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		struct me_settings wanted;

		write_text("/rc", cases[i].text);
		read_setup(&setup, "/rc", cases[i].problem);
		me_settings_default(&wanted);
		wanted.ascii = true;
		assert_memory_equal(&setup.read.order, &wanted.order, sizeof(wanted.order));
		assert_true(setup.read.ascii);
		assert_int_equal(setup.read.view, wanted.view);
		assert_int_equal(setup.read.interval_ns, wanted.interval_ns);
		me_setup_free(&setup);
	}
}

/* What is not ours to change stays as it is. */
static void test_closed(void **state)
{
	struct me_setup setup;
	struct me_settings now;
	_cleanup_free_ char *huge = malloc(ME_SETUP_MAX + 2);

	(void)state;
	memset(huge, '#', ME_SETUP_MAX + 1);
	huge[ME_SETUP_MAX + 1] = '\0';
	for (int i = 0; i < 2; i++) {
		write_text("/rc", i ? huge : "ascii=yes\nversion=2\nascii=yes\n");
		read_setup(&setup, "/rc", i ? "File too large" : ":2: 'version=2', version=1");
		assert_false(setup.read.ascii);
		now = setup.read;
		now.ascii = true;
		assert_int_equal(me_setup_write(&setup, &now, false), 0);
		text_is("/rc", i ? huge : "ascii=yes\nversion=2\nascii=yes\n");
		me_setup_free(&setup);
	}
	read_setup(&setup, NULL, NULL);
	assert_int_equal(me_setup_write(&setup, &now, false), 0);
	me_setup_free(&setup);
}

static void test_link(void **state)
{
	_cleanup_free_ char *link = path_of("/link"), *target = path_of("/rc");
	struct me_setup setup;
	struct me_settings now;
	struct stat st;

	(void)state;
	write_text("/rc", "version=1\n");
	assert_int_equal(symlink(target, link), 0);
	read_setup(&setup, "/link", NULL);
	now = setup.read;
	now.addresses = true;
	assert_int_equal(me_setup_write(&setup, &now, false), 1);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	me_setup_free(&setup);
	read_setup(&setup, "/rc", NULL);
	assert_true(setup.read.addresses);
	me_setup_free(&setup);
}

/* A disk that is full, or a folder that is not ours. */
static void test_cannot(void **state)
{
	struct me_setup setup;
	struct me_settings now;

	(void)state;
	assert_int_equal(me_setup_read(&setup, strdup("/proc/nowhere/mewatch/metoprc"),
				       &(struct me_strbuf){0}),
			 0);
	now = setup.read;
	now.addresses = true;
	for (int i = 0; i < 2; i++) /* it is tried again */
		assert_true(me_setup_write(&setup, &now, false) < 0);
	me_setup_free(&setup);
}

static void test_path(void **state)
{
	static const struct {
		const char *config, *home, *path;
	} cases[] = {
		{"/c", "/h", "/c/mewatch/metoprc"},
		{NULL, "/h", "/h/.config/mewatch/metoprc"},
		{"", "/h", "/h/.config/mewatch/metoprc"},
		{"c", "/h", "/h/.config/mewatch/metoprc"},
		{NULL, "h", NULL},
		{NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = NULL;

		unsetenv("XDG_CONFIG_HOME");
		unsetenv("HOME");
		if (cases[i].config)
			setenv("XDG_CONFIG_HOME", cases[i].config, 1);
		if (cases[i].home)
			setenv("HOME", cases[i].home, 1);
		path = me_setup_path();
		assert_int_equal(!path, !cases[i].path);
		if (path)
			assert_string_equal(path, cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_what_is_written, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_problems, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_closed, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_link, make_folder, remove_folder),
		cmocka_unit_test(test_cannot),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
