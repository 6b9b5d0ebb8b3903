/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <cmocka.h>
#include "base/cleanup.h"

/* Each test has a directory of its own as the working one. */
static char folder[] = "/tmp/mewatch-test-file.XXXXXX";

static int enter(void **state)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static size_t count_files(void)
{
	DIR *directory = opendir(".");
	size_t n = 0;

	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));)
		n += entry->d_name[0] != '.';
	closedir(directory);
	return n;
}

static int leave(void **state)
{
	DIR *directory = opendir(".");

	for (struct dirent *entry; (entry = readdir(directory));)
		unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	rmdir("folder");
	return chdir("/") || rmdir(folder);
}

static void writes_what_it_reads(void **state)
{
	static const size_t lengths[] = {0, 1, 4095, 4096, 4097, 100000};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lengths); i++) {
		_cleanup_free_ char *in = malloc(lengths[i] + 1), *out = NULL;
		size_t len;

		for (size_t j = 0; j < lengths[i]; j++)
			in[j] = (char)(j * 31);
		assert_int_equal(me_file_write_atomic("file", in, lengths[i], 0644), 0);
		assert_int_equal(me_file_read("file", lengths[i], &out, &len), 0);
		assert_int_equal(len, lengths[i]);
		assert_memory_equal(out, in, len);
		assert_int_equal(out[len], '\0');
		if (lengths[i])
			assert_int_equal(me_file_read("file", lengths[i] - 1, &out, &len), -EFBIG);
	}
	assert_int_equal(count_files(), 1);
}

static void sets_the_mode_whatever_the_umask(void **state)
{
	mode_t before = umask(0777);
	struct stat st;

	assert_int_equal(me_file_write_atomic("file", "x", 1, 0640), 0);
	umask(before);
	assert_int_equal(stat("file", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void a_failed_write_leaves_nothing(void **state)
{
	assert_int_equal(mkdir("folder", 0755), 0);
	assert_int_equal(me_file_write_atomic("folder", "x", 1, 0644), -EISDIR);
	assert_int_equal(me_file_write_atomic("none/file", "x", 1, 0644), -ENOENT);
	assert_int_equal(count_files(), 1);
}

static void refuses_what_is_no_regular_file(void **state)
{
	char *data = NULL;
	size_t len = 4711;

	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(me_file_read("fifo", 100, &data, &len), -EINVAL);
	assert_int_equal(me_file_read("/dev/zero", 100, &data, &len), -EINVAL);
	assert_int_equal(me_file_read(".", 100, &data, &len), -EISDIR);
	assert_int_equal(me_file_read("none", 100, &data, &len), -ENOENT);
	assert_null(data);
	assert_int_equal(len, 4711);
}

static void reads_files_that_do_not_know_their_size(void **state)
{
	_cleanup_free_ char *data = NULL, *none = NULL;
	size_t len;

	assert_int_equal(me_file_read("/proc/self/status", 1 << 20, &data, &len), 0);
	assert_true(len > 0);
	assert_memory_equal(data, "Name:", 5);
	assert_int_equal(me_file_read("/proc/self/status", 10, &none, &len), -EFBIG);
	assert_null(none);
}

static void knows_what_is_there(void **state)
{
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_true(me_file_exists("/proc/self/status"));
	assert_true(me_file_exists("."));
	assert_false(me_file_exists("none"));
	assert_false(me_file_exists("dangling"));
	assert_false(me_file_exists("/proc/self/status/below"));
	unlink("dangling");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)
	const struct CMUnitTest tests[] = {
		TEST(writes_what_it_reads),          TEST(sets_the_mode_whatever_the_umask),
		TEST(a_failed_write_leaves_nothing), TEST(refuses_what_is_no_regular_file),
		TEST(knows_what_is_there),           TEST(reads_files_that_do_not_know_their_size),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
