/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of other versions and of something else, and files that are damaged. */
#include "tests/unit/store/fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/resource.h>
#include <signal.h>
#include "store/file.h"
#include "store/schema.h"
#include "tests/seed.h"

static int setup(void **state)
{
	struct world *world = malloc(sizeof(*world));

	world_new(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	world_free(world);
	free(world);
	return 0;
}

static void exec(const char *path, const char *sql)
{
	_cleanup_(me_db_closep) struct me_db *db = NULL;

	assert_int_equal(me_db_open(path, true, &db), 0);
	assert_int_equal(me_db_exec(db, sql), 0);
}

static uint64_t number(const char *path, const char *sql)
{
	_cleanup_(me_db_closep) struct me_db *db = NULL;
	uint64_t n = 0;

	assert_int_equal(me_db_open(path, true, &db), 0);
	assert_int_equal(me_db_number(db, sql, &n), 0);
	return n;
}

static size_t count_aside(const struct world *world)
{
	char pattern[128];
	glob_t found;
	size_t n = 0;

	snprintf(pattern, sizeof(pattern), "%s.corrupt-*Z", world->path);
	if (!glob(pattern, 0, NULL, &found)) {
		n = found.gl_pathc;
		globfree(&found);
	}
	return n;
}

static void test_new_file(void **state)
{
	struct world *world = *state;
	struct stat st;

	world_up(world);
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_WRITING);
	assert_true(me_history_status(world->history)->bytes > 0);
	assert_in_range(me_history_status(world->history)->cached, 1, 9 << 20);
	assert_true(world_stop(world));
	assert_int_equal(stat(world->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(number(world->path, "PRAGMA user_version"), ME_SCHEMA_VERSION);
	assert_int_equal(number(world->path, "PRAGMA auto_vacuum"), 2);
}

static void test_earlier_version(void **state)
{
	struct world *world = *state;
	_cleanup_strbuf_ struct me_strbuf why = {0};
	struct me_past *past;

	exec(world->path, "PRAGMA auto_vacuum = INCREMENTAL");
	exec(world->path, me_schema_step(0));
	exec(world->path, "PRAGMA application_id = 1835366243; PRAGMA user_version = 1;"
			  "INSERT INTO meta VALUES ('attachment', '1800000000-1');"
			  "INSERT INTO series VALUES (7, 'attempts', 'host', '', '', '', '');"
			  "INSERT INTO folded VALUES (7, 5);"
			  "INSERT INTO minutes VALUES (29999990, 7, 0, 5);");
	/* A reader leaves it to the daemon, and says so. */
	assert_int_equal(me_past_open(world->folder, &why, &past), -EPROTO);
	assert_non_null(strstr(why.data, "earlier version (1"));
	world->resumed = true;
	world_allow(world, 12);
	world_up(world);
	world_begin(world);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, 12);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).late, 7);
	assert_true(world_stop(world));
	assert_int_equal(number(world->path, "PRAGMA user_version"), ME_SCHEMA_VERSION);
	assert_int_equal(
		number(world->path, "SELECT count(*) FROM counts WHERE metric = 'attempts'"), 2);
}

/* Every step by itself leads to the same as all of them. */
static void test_each_step(void **state)
{
	struct world *world = *state;
	_cleanup_(me_db_closep) struct me_db *db = NULL;
	_cleanup_strbuf_ struct me_strbuf why = {0};

	for (int version = 0; version < ME_SCHEMA_VERSION; version++) {
		char mark[64];

		exec(world->path, me_schema_step(version));
		snprintf(mark, sizeof(mark),
			 "PRAGMA application_id = 1835366243;"
			 "PRAGMA user_version = %d",
			 version + 1);
		exec(world->path, mark);
	}
	assert_int_equal(me_history_file_open(world->path, &db, &why), 0);
}

static void assert_refused(struct world *world, const char *words)
{
	world_up(world);
	world_allow(world, 3);
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_REFUSED);
	assert_non_null(strstr(me_history_status(world->history)->why, words));
	for (int i = 0; i < 5; i++) {
		world_pass(world, 60);
		assert_false(world_round(world));
	}
	assert_false(world_stop(world));
	assert_int_equal(count_aside(world), 0);
}

static void test_later_version(void **state)
{
	struct world *world = *state;
	_cleanup_strbuf_ struct me_strbuf why = {0};
	struct me_past *past;

	world_up(world);
	world_begin(world);
	assert_true(world_stop(world));
	exec(world->path, "PRAGMA user_version = 3");
	assert_refused(world, "of a later version (3, this program knows 2)");
	assert_int_equal(number(world->path, "PRAGMA user_version"), 3);
	assert_int_equal(me_past_open(world->folder, &why, &past), -EPROTO);
	assert_non_null(strstr(why.data, "later version"));
	/* Once it is put right, a reload is enough. */
	world_up(world);
	world_begin(world);
	exec(world->path, "PRAGMA user_version = 2");
	me_history_set(world->history, true, &world->bounds);
	world_begin(world);
	world_agrees(world);
}

static void test_something_else(void **state)
{
	struct world *world = *state;

	exec(world->path, "CREATE TABLE cookies (a)");
	assert_refused(world, "something else");
	assert_int_equal(number(world->path, "SELECT count(*) FROM cookies"), 0);
}

static void write_file(const char *path, const char *bytes, size_t n, off_t at)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
}

static void test_no_database(void **state)
{
	struct world *world = *state;
	static const char text[] =
		"this is a letter, and longer than what the library looks at first, "
		"which is the head of the file: one hundred bytes of it.";

	write_file(world->path, text, sizeof(text), 0);
	world_up(world);
	world_allow(world, 3);
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->asides, 1);
	assert_int_equal(count_aside(world), 1);
	world_agrees(world);
}

static void test_asides_are_bounded(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 5; i++) {
		char old[128];

		snprintf(old, sizeof(old), "%s.corrupt-2026010%dT000000Z", world->path, i);
		write_file(old, "x", 1, 0);
	}
	write_file(world->path, "not a database, and no head of one either", 41, 0);
	world_up(world);
	world_begin(world);
	assert_int_equal(count_aside(world), ME_HISTORY_ASIDE_MAX);
}

static void test_not_to_be_opened(void **state)
{
	struct world *world = *state;

	assert_int_equal(mkdir(world->path, 0700), 0);
	world_up(world);
	world_allow(world, 3);
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_FAILING);
	assert_string_equal(me_history_status(world->history)->why, strerror(EISDIR));
	assert_true(me_history_status(world->history)->errors >= 1);
	assert_int_equal(rmdir(world->path), 0);
	world_pass(world, 11);
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_WRITING);
	world_agrees(world);
}

static void test_link(void **state)
{
	struct world *world = *state;

	assert_int_equal(symlink("/dev/null", world->path), 0);
	world_up(world);
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_FAILING);
	assert_string_equal(me_history_status(world->history)->why, strerror(ELOOP));
}

static void test_removed(void **state)
{
	struct world *world = *state;

	world_up(world);
	world_allow(world, 3);
	world_begin(world);
	unlink(world->path);
	world_pass(world, 10);
	world_allow(world, 4);
	world_round(world); /* finds it gone */
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->removals, 1);
	assert_int_equal(world_spans(world, ME_SPAN_GAP, NULL, "unrecorded").n, 1);
	world_pass(world, 10);
	world_allow(world, 5);
	assert_true(world_round(world));
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count, 5);
}

/* Something with many pages. */
static void fill(struct world *world)
{
	world_up(world);
	world_begin(world);
	for (int i = 0; i < 30; i++) {
		world_pass(world, 10);
		world_allow(world, 5);
		for (uint32_t j = 0; j < 40; j++)
			world_violate(world, 0xc6330000 + 40 * (uint32_t)i + j, true);
		assert_true(world_round(world));
	}
	assert_true(world_stop(world));
}

static uint64_t attempts(const struct world *world)
{
	_cleanup_(me_past_freep) struct me_past *past = NULL;
	struct sum sum = {.series = ME_SERIES_ATTEMPTS};

	if (me_past_open(world->folder, NULL, &past) ||
	    me_past_counts(past, WORLD_EVER, 0, ME_SERIES_ATTEMPTS, sum_count, &sum))
		return UINT64_MAX;
	return sum.count;
}

/* A damaged file: the daemon writes on, in this one or in a new one, and loses nothing from here on. */
static void goes_on(struct world *world)
{
	uint64_t before;

	world_up(world);
	world_begin(world);
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_WRITING);
	before = attempts(world);
	world_pass(world, 10);
	world_allow(world, 9);
	world_round(world);
	world_begin(world); /* what a write has found damaged is opened anew */
	world_pass(world, 10);
	world_allow(world, 9);
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_WRITING);
	if (before != UINT64_MAX && me_history_status(world->history)->errors == 0)
		assert_int_equal(attempts(world), before + 18);
	world_stop(world);
}

/* A whole file, to be damaged over and over. */
struct good {
	char *bytes;
	size_t n;
};

static void good_free(struct good *good)
{
	free(good->bytes);
}

static void good_new(struct world *world, struct good *ret_good)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fill(world);
	assert_int_equal(stat(world->path, &st), 0);
	*ret_good = (struct good){malloc((size_t)st.st_size), (size_t)st.st_size};
	fd = open(world->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, ret_good->bytes, ret_good->n), st.st_size);
}

static void good_put(struct world *world, const struct good *good)
{
	unlink(world->path);
	write_file(world->path, good->bytes, good->n, 0);
}

static void test_random_damage(void **state)
{
	struct world *world = *state;
	uint64_t seed = me_seed();
	_cleanup_(good_free) struct good good = {0};
	char path[128];
	unsigned int aside = 0;

	good_new(world, &good);
	for (int round = 0; round < 60; round++) {
		unsigned int n = 1 + me_seed_next(&seed) % 64;

		good_put(world, &good);
		for (unsigned int i = 0; i < n; i++) {
			char byte = (char)me_seed_next(&seed);

			write_file(world->path, &byte, 1, (off_t)(me_seed_next(&seed) % good.n));
		}
		if (round % 4 == 3)
			assert_int_equal(
				truncate(world->path, (off_t)(me_seed_next(&seed) % good.n)), 0);
		/* What the head says of versions is not damage but another version. */
		write_file(world->path, good.bytes + 60, 12, 60);
		goes_on(world);
		aside += count_aside(world) > 0;
	}
	assert_true(aside > 0);
	snprintf(path, sizeof(path), "%s-wal", world->path);
	assert_int_equal(access(path, F_OK), -1);
}

/* Each byte of the head, but those of versions. */
static void test_damaged_head(void **state)
{
	struct world *world = *state;
	_cleanup_(good_free) struct good good = {0};

	good_new(world, &good);
	for (unsigned int i = 0; i < 100; i++) {
		char byte = (char)~good.bytes[i];

		if (i >= 60 && i < 72)
			continue;
		good_put(world, &good);
		write_file(world->path, &byte, 1, i);
		goes_on(world);
	}
}

/* Where `text` stands in the file for the first time. */
static off_t find(const struct good *good, const char *text)
{
	const char *at = memmem(good->bytes, good->n, text, strlen(text));

	assert_non_null(at);
	return at - good->bytes;
}

/* What the file says of its tables is another thing than what is asked of them. */
static void test_damaged_schema(void **state)
{
	static const char *const texts[] = {
		"number INTEGER", "vantage TEXT",        "series INTEGER NOT",  "value)",
		"UNIQUE (metric", "PRIMARY KEY (minute", "PRIMARY KEY, metric", "CREATE TABLE",
		"CREATE INDEX",   "minute * 60",
	};
	struct world *world = *state;
	_cleanup_(good_free) struct good good = {0};

	good_new(world, &good);
	for (unsigned int i = 0; i < ME_ARRAY_SIZE(texts); i++) {
		good_put(world, &good);
		write_file(world->path, "X", 1, find(&good, texts[i]));
		goes_on(world);
	}
}

/* Only a write finds it out, and a look at the file does not see it. */
static void test_damaged_for_writes(void **state)
{
	static const char *const changes[] = {
		"CREATE TRIGGER t AFTER INSERT ON minutes BEGIN SELECT raise(FAIL, 'no'); END",
		"CREATE TRIGGER t AFTER INSERT ON folded BEGIN DELETE FROM no_such_table; END",
	};
	struct world *world = *state;
	_cleanup_(good_free) struct good good = {0};

	good_new(world, &good);
	for (unsigned int i = 0; i < ME_ARRAY_SIZE(changes); i++) {
		good_put(world, &good);
		exec(world->path, changes[i]);
		world_up(world);
		for (int round = 0; round < 4; round++) {
			world_pass(world, 10);
			world_allow(world, 9);
			world_begin(world);
		}
		assert_int_equal(me_history_status(world->history)->asides, 1);
		assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_WRITING);
		world_pass(world, 10);
		world_allow(world, 9);
		assert_true(world_round(world));
		assert_true(attempts(world) >= 9);
		assert_true(world_stop(world));
	}
}

/* A series that is found by its name in the index, and has another one in the table. */
static void test_damaged_name(void **state)
{
	struct world *world = *state;
	_cleanup_(good_free) struct good good = {0};

	good_new(world, &good);
	good_put(world, &good);
	write_file(world->path, "\x1d", 1, find(&good, "attemptshost") + 1);
	goes_on(world);
	assert_int_equal(count_aside(world), 1);
}

/* No room: told, tried again, and booked when there is. */
static void test_full(void **state)
{
	struct world *world = *state;
	struct rlimit before, full = {64 << 10, RLIM_INFINITY};
	struct spans gap;

	world_up(world);
	world_allow(world, 3);
	world_begin(world);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	full.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (int i = 0; i < 20; i++) {
		world_pass(world, 10);
		world_allow(world, 1);
		for (uint32_t j = 0; j < 50; j++)
			world_violate(world, 0xc6330000 + 50 * (uint32_t)i + j, true);
		world_round(world);
	}
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_FAILING);
	assert_true(me_history_status(world->history)->errors > 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	world_pass(world, 10);
	world_begin(world);
	world_begin(world);
	assert_int_equal(me_history_status(world->history)->state, ME_HISTORY_WRITING);
	world_agrees(world);
	gap = world_spans(world, ME_SPAN_GAP, NULL, "unwritten");
	assert_int_equal(gap.n, 1);
	assert_true(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).late > 0);
	/* Also the details, as long as there is room for them in memory. */
	assert_int_equal(world_told(world, WORLD_EVER, "confirmed", "").count, 0);
	assert_true(world_stop(world));
}

/* The daemon ends while nothing can be written: the next one makes up for it. */
static void test_full_at_the_end(void **state)
{
	struct world *world = *state;
	struct rlimit before, full = {1, RLIM_INFINITY};

	world_up(world);
	world_allow(world, 3);
	world_begin(world);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	full.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	world_pass(world, 10);
	world_allow(world, 5);
	assert_false(world_stop(world));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	world_up(world);
	world_begin(world);
	world_agrees(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_new_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_earlier_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_step, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_something_else, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_database, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asides_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_to_be_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_head, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_schema, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_for_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_at_the_end, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
