/* SPDX-License-Identifier: GPL-2.0-only */
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
#include "mewatch/spool.h"

struct seen {
	uint64_t first, last, n;
	size_t bytes;
};

static void see(const struct me_payload *head, const uint8_t *bytes, void *userdata)
{
	struct seen *seen = userdata;

	for (uint32_t i = 0; i < head->length; i++)
		assert_int_equal(bytes[i], (uint8_t)(head->id + i));
	if (!seen->n++)
		seen->first = head->id;
	else
		assert_int_equal(head->id, seen->last + 1);
	seen->last = head->id;
	seen->bytes += head->length;
}

static void put(struct me_spool *spool, uint64_t id, uint32_t length)
{
	struct me_payload head = {.id = id, .ts_ns = id * 10, .length = length};
	uint8_t bytes[70000];

	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(id + i);
	me_spool_put(spool, &head, bytes);
}

static int setup(void **state)
{
	static char path[] = "/tmp/mewatch-spool-XXXXXX";

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	close(mkstemp(path));
	*state = path;
	return 0;
}

static int teardown(void **state)
{
	return unlink(*state);
}

static void the_next_one_reads_what_was_kept(void **state)
{
	struct me_spool *spool;
	struct seen seen = {0};

	assert_int_equal(me_spool_open(*state, 7, &spool), 0);
	for (uint64_t id = 1; id <= 5; id++)
		put(spool, id, (uint32_t)id);
	me_spool_close(&spool);
	assert_int_equal(me_spool_open(*state, 7, &spool), 0);
	me_spool_each(spool, 0, see, &seen);
	assert_int_equal(seen.n, 5);
	assert_int_equal(seen.bytes, 15);
	seen = (struct seen){0};
	me_spool_each(spool, 30, see, &seen);
	assert_int_equal(seen.first, 3);
	me_spool_close(&spool);
}

static void another_epoch_begins_anew(void **state)
{
	struct me_spool *spool;
	struct seen seen = {0};

	assert_int_equal(me_spool_open(*state, 7, &spool), 0);
	put(spool, 1, 10);
	me_spool_close(&spool);
	assert_int_equal(me_spool_open(*state, 8, &spool), 0);
	me_spool_each(spool, 0, see, &seen);
	assert_int_equal(seen.n, 0);
	me_spool_close(&spool);
}

/* However much is put: the last ones are there, in order, and at least half of the room's worth. */
static void the_oldest_leave(void **state)
{
	struct me_spool *spool;
	struct seen seen = {0};

	assert_int_equal(me_spool_open(*state, 7, &spool), 0);
	for (uint64_t id = 1; id <= 1000; id++)
		put(spool, id, ME_MESSAGE_MAX);
	me_spool_each(spool, 0, see, &seen);
	assert_int_equal(seen.last, 1000);
	assert_true(seen.bytes >= ME_SPOOL_HALF - 2 * ME_MESSAGE_ROOM);
	assert_true(seen.bytes <= 2 * ME_SPOOL_HALF);
	me_spool_close(&spool);
}

/* Two turns later nothing of it is left in the file. */
static void what_is_over_is_wiped(void **state)
{
	struct me_spool *spool;
	struct seen seen = {0};
	FILE *file = fopen(*state, "r");
	int c;

	assert_int_equal(me_spool_open(*state, 7, &spool), 0);
	put(spool, 1, 100);
	me_spool_turn(spool);
	put(spool, 2, 100);
	me_spool_each(spool, 0, see, &seen);
	assert_int_equal(seen.n, 2);
	me_spool_turn(spool);
	seen = (struct seen){0};
	me_spool_each(spool, 0, see, &seen);
	assert_int_equal(seen.n, 1);
	me_spool_turn(spool);
	me_spool_close(&spool);
	assert_non_null(file);
	assert_int_equal(fseek(file, 24, SEEK_SET), 0);
	while ((c = getc(file)) != EOF)
		assert_int_equal(c, 0);
	fclose(file);
}

static void what_is_damaged_ends_it(void **state)
{
	struct me_spool *spool;
	struct seen seen = {0};
	FILE *file;

	assert_int_equal(me_spool_open(*state, 7, &spool), 0);
	put(spool, 1, 100);
	put(spool, 2, 100);
	me_spool_close(&spool);
	file = fopen(*state, "r+");
	assert_non_null(file);
	/* The length of the second. */
	assert_int_equal(fseek(file,
			       24 + 8 * ((sizeof(struct me_payload) + 100 + 7) / 8) +
				       (long)offsetof(struct me_payload, length),
			       SEEK_SET),
			 0);
	assert_int_equal(fwrite("\xff\xff\xff\xff", 1, 4, file), 4);
	fclose(file);
	assert_int_equal(me_spool_open(*state, 7, &spool), 0);
	me_spool_each(spool, 0, see, &seen);
	assert_int_equal(seen.n, 1);
	me_spool_close(&spool);
}

/* How much of a half is used, of which the next one would go on. */
static void where_it_ends_is_damaged(void **state)
{
	const uint32_t used = UINT32_MAX - 15;
	struct me_spool *spool;
	struct seen seen = {0};
	FILE *file;

	for (int half = 0; half < 2; half++) {
		assert_int_equal(me_spool_open(*state, 7, &spool), 0);
		me_spool_close(&spool);
		file = fopen(*state, "r+");
		assert_non_null(file);
		assert_int_equal(fseek(file, 12 + 4 * half, SEEK_SET), 0);
		assert_int_equal(fwrite(&used, sizeof(used), 1, file), 1);
		fclose(file);
		assert_int_equal(me_spool_open(*state, 7, &spool), 0);
		put(spool, 1, 100);
		me_spool_turn(spool);
		put(spool, 2, 100);
		seen = (struct seen){0};
		me_spool_each(spool, 0, see, &seen);
		assert_int_equal(seen.n, 2);
		me_spool_close(&spool);
	}
}

/* Memory of a file that has no room on its disk is no memory: whoever touches it is killed. */
static void has_its_room(void **state)
{
	struct me_spool *spool;
	struct stat file;

	assert_int_equal(unlink(*state), 0);
	assert_int_equal(me_spool_open(*state, 7, &spool), 0);
	assert_int_equal(stat(*state, &file), 0);
	assert_true(file.st_blocks * 512 >= file.st_size);
	me_spool_close(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_next_one_reads_what_was_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(another_epoch_begins_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(the_oldest_leave, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_over_is_wiped, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_damaged_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(where_it_ends_is_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(has_its_room, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
