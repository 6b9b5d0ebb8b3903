/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>

struct thing {
	int *freed;
};

static void thing_free(struct thing **thing)
{
	(*(*thing)->freed)++;
	free(*thing);
	*thing = NULL;
}

ME_DEFINE_CLEANUP(struct thing *, thing_free)

static struct thing *thing_new(int *freed)
{
	struct thing *thing = malloc(sizeof(*thing));

	assert_non_null(thing);
	thing->freed = freed;
	return thing;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void frees_at_the_end_of_the_scope(void **state)
{
	int freed = 0;

	{
		_cleanup_(thing_freep) struct thing *thing = thing_new(&freed);
		_cleanup_(thing_freep) struct thing *none = NULL;
		_cleanup_free_ char *memory = malloc(16); /* the leak checker looks on */

		assert_non_null(memory);
		assert_non_null(thing);
		assert_null(none);
		assert_int_equal(freed, 0);
	}
	assert_int_equal(freed, 1);
}

static void steals_a_pointer(void **state)
{
	struct thing *kept;
	int freed = 0;

	{
		_cleanup_(thing_freep) struct thing *thing = thing_new(&freed);

		kept = me_steal_ptr(&thing);
		assert_null(thing);
	}
	assert_int_equal(freed, 0);
	thing_free(&kept);
	assert_int_equal(freed, 1);
}

static void closes_and_steals_descriptors(void **state)
{
	int closed, kept;

	{
		_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		_cleanup_close_ int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
		_cleanup_close_ int none = -1;

		assert_true(fd >= 0 && other >= 0);
		closed = fd;
		kept = me_steal_fd(&other);
		assert_int_equal(other, -1);
		assert_int_equal(none, -1);
	}
	assert_false(is_open(closed));
	assert_true(is_open(kept));
	close(kept);
}

static void closes_streams(void **state)
{
	int fd;

	{
		_cleanup_fclose_ FILE *stream = fopen("/dev/null", "re");
		_cleanup_fclose_ FILE *none = NULL;

		assert_non_null(stream);
		assert_null(none);
		fd = fileno(stream);
		assert_true(is_open(fd));
	}
	assert_false(is_open(fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frees_at_the_end_of_the_scope),
		cmocka_unit_test(steals_a_pointer),
		cmocka_unit_test(closes_and_steals_descriptors),
		cmocka_unit_test(closes_streams),
	};

	return cmocka_run_group_tests_name("cleanup", tests, NULL, NULL);
}
