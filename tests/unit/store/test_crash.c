/* SPDX-License-Identifier: GPL-2.0-only */
/* Kills in the middle of a write, power that fails, and whatever else at random. */
#include "tests/unit/store/fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "store/file.h"
#include "tests/seed.h"

/* What outlives the child that is killed. */
struct shared {
	struct world world;
	pid_t child; /* 0: none; its are the ledger and the history of `world` */
	uint64_t flushes;
};

static int setup(void **state)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(shared, MAP_FAILED);
	world_new(&shared->world);
	*state = shared;
	return 0;
}

static void end_child(struct shared *shared)
{
	kill(shared->child, SIGKILL);
	waitpid(shared->child, NULL, 0);
	shared->child = 0;
	shared->world.ledger = NULL;
	shared->world.history = NULL;
}

static int teardown(void **state)
{
	struct shared *shared = *state;

	if (shared->child) /* the test has failed */
		end_child(shared);
	world_free(&shared->world);
	munmap(shared, sizeof(*shared));
	return 0;
}

/* Whatever moment a file shows: what was booked of a counter is what it stands at, and rows add up. */
static void assert_whole(const char *path, uint64_t at_least)
{
	static const char apart[] =
		"SELECT count(*) FROM (SELECT series, sum(count) AS n FROM minutes GROUP BY series) m"
		" LEFT JOIN folded f ON f.series = m.series WHERE n IS NOT value";
	static const char unbooked[] =
		"SELECT count(*) FROM folded WHERE value > 0 AND series NOT IN"
		" (SELECT series FROM minutes)";
	static const char counted[] = "SELECT sum(count) FROM minutes JOIN series ON id = series"
				      " WHERE metric = 'violations' AND kind = 'confirmed'";
	static const char told[] = "SELECT sum(count) FROM violations WHERE state = 'confirmed'";
	static const char attempts[] = "SELECT sum(count) FROM minutes JOIN series ON id = series"
				       " WHERE metric = 'attempts'";
	_cleanup_(me_db_closep) struct me_db *db = NULL;
	_cleanup_strbuf_ struct me_strbuf why = {0};
	uint64_t n = 1, m = 0;

	assert_int_equal(me_history_file_open(path, &db, &why), 0);
	assert_int_equal(me_db_number(db, apart, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(me_db_number(db, unbooked, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(me_db_number(db, counted, &n), 0);
	assert_int_equal(me_db_number(db, told, &m), 0);
	assert_int_equal(n, m);
	assert_int_equal(me_db_number(db, attempts, &n), 0);
	assert_true(n >= at_least);
}

/* A daemon that writes as fast as it can, until it is killed. */
static void start_child(struct shared *shared)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid) {
		shared->child = pid;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	world_up(&shared->world);
	for (uint32_t i = 0;; i++) {
		world_allow(&shared->world, 1 + i % 7);
		for (uint32_t j = 0; j < 1 + i % 40; j++)
			world_violate(&shared->world, 0xc6330000 + i % 2000 + j, j % 5);
		world_pass(&shared->world, 10);
		world_read(&shared->world);
		/* Not waited for: the next counts come while this is written. */
		if (me_history_due(shared->world.history, &shared->world.now))
			me_history_flush(shared->world.history, &shared->world.facts,
					 &shared->world.now);
		if (i % 3 == 0)
			me_history_wait(shared->world.history, &shared->world.now);
		__atomic_add_fetch(&shared->flushes, 1, __ATOMIC_RELAXED);
	}
}

/* Until the child has gone round so often more. */
static void await(struct shared *shared, uint64_t flushes)
{
	uint64_t end = __atomic_load_n(&shared->flushes, __ATOMIC_RELAXED) + flushes;

	while (__atomic_load_n(&shared->flushes, __ATOMIC_RELAXED) < end)
		sched_yield();
}

/* Stops the child, or lets it go on, and waits until it does. */
static void signal_child(const struct shared *shared, int signal)
{
	int status;

	assert_int_equal(kill(shared->child, signal), 0);
	assert_int_equal(waitpid(shared->child, &status, WUNTRACED | WCONTINUED), shared->child);
	assert_true(signal == SIGSTOP ? WIFSTOPPED(status) : WIFCONTINUED(status));
}

static void test_kills(void **state)
{
	struct shared *shared = *state;
	struct world *world = &shared->world;
	uint64_t seed = me_seed();

	/* Before the first write there is nothing that a next one could go on from. */
	world_up(world);
	world_begin(world);
	world_kill(world);
	for (int i = 0; i < 25; i++) {
		unsigned int spins = me_seed_next(&seed) % 4000;

		start_child(shared);
		await(shared, 1 + me_seed_next(&seed) % 30);
		for (volatile unsigned int j = 0; j < spins; j++)
			;
		end_child(shared);
		assert_whole(world->path, 0);
		world_pass(world, 5);
		world_allow(world, 2); /* nobody is there */
		world_up(world);
		world_begin(world);
		world_agrees(world);
		if (i % 2)
			assert_true(world_stop(world));
		else
			world_kill(world);
		assert_whole(world->path, 0);
	}
}

static void copy(const char *from, const char *to, off_t max)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char buffer[65536];
	ssize_t n;

	assert_true(out >= 0);
	if (in < 0) /* no log yet */
		return;
	while (max && (n = read(in, buffer, sizeof(buffer))) > 0) {
		n = n < max ? n : max;
		assert_int_equal(write(out, buffer, (size_t)n), n);
		max -= n;
	}
}

/*
 * How much of the log of changes is on the disk for sure. A commit is when it returns, and nothing is put from
 * the log into the file, nor written over the log's beginning, before. As the index beside it says
 * (https://www.sqlite.org/walformat.html, 2): two copies of a head, at 16 and 64 the frames that are
 * committed, at 14 and 62 the size of a page, at 32 and 80 the salt that the head of the log has at 16.
 */
#define LOG_HEAD 32
#define LOG_FRAME_HEAD 24

static off_t on_disk(const char *log, const char *index)
{
	unsigned char head[96] = {0}, log_head[LOG_HEAD] = {0};
	_cleanup_close_ int log_fd = open(log, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int index_fd = open(index, O_RDONLY | O_CLOEXEC);
	uint32_t frames, page;
	uint16_t size;

	/* While it is changed, and before the log has its new head, all of it may be needed. */
	if (read(index_fd, head, sizeof(head)) != sizeof(head) ||
	    read(log_fd, log_head, sizeof(log_head)) != sizeof(log_head) ||
	    memcmp(head, head + 48, 48) || memcmp(head + 32, log_head + 16, 8))
		return 1 << 30;
	memcpy(&frames, head + 16, sizeof(frames));
	memcpy(&size, head + 14, sizeof(size));
	page = (size & 0xfe00) + ((size & 1u) << 16);
	return LOG_HEAD + (off_t)frames * (LOG_FRAME_HEAD + (off_t)page);
}

/*
 * What a disk has when the power fails: the file, and of the log of changes what was committed. What lies
 * behind that had arrived or not, is missing or rubbish.
 */
static void test_power(void **state)
{
	struct shared *shared = *state;
	struct world *world = &shared->world;
	uint64_t seed = me_seed();
	char log[128], index[128], image[128], image_log[128];

	snprintf(log, sizeof(log), "%s-wal", world->path);
	snprintf(index, sizeof(index), "%s-shm", world->path);
	snprintf(image, sizeof(image), "%s/image", world->folder);
	snprintf(image_log, sizeof(image_log), "%s/image-wal", world->folder);
	start_child(shared);
	await(shared, 20);
	for (int i = 0; i < 30; i++) {
		struct stat st;
		off_t kept;

		await(shared, 1 + me_seed_next(&seed) % 5);
		signal_child(shared, SIGSTOP);
		copy(world->path, image, 1 << 30);
		copy(log, image_log, 1 << 30);
		kept = on_disk(log, index);
		assert_int_equal(stat(image_log, &st), 0);
		if (kept < st.st_size && i % 3) {
			kept += (off_t)(me_seed_next(&seed) % (uint64_t)(st.st_size - kept));
			assert_int_equal(truncate(image_log, kept), 0);
			if (i % 3 == 1) /* the length arrived, the bytes did not */
				assert_int_equal(truncate(image_log, st.st_size), 0);
		}
		signal_child(shared, SIGCONT);
		assert_whole(image, 1);
		unlink(image);
		unlink(image_log);
	}
	end_child(shared);
}

/* --- Anything ----------------------------------------------------------------------------------- */

#define MODEL_MINUTES 4096u

/* What has to stand in the history. */
struct model {
	uint64_t attempts, violations; /* of attachments that are gone */
	uint64_t booked;               /* attempts that are in a minute */
	int64_t set_ns;                /* how far the clock was set since the last round */
	uint64_t minute[MODEL_MINUTES];
};

static void book(struct model *model, const struct world *world)
{
	uint64_t all = model->attempts + me_cells_attempts(world->cells, ME_HOST);

	/* What was counted before the clock was set belongs there. */
	model->minute[(world->now.epoch_ns - (uint64_t)model->set_ns) / ME_NS_PER_S / 60 %
		      MODEL_MINUTES] += all - model->booked;
	model->booked = all;
}

static int check_minute(void *data, const struct me_past_count *count)
{
	struct model *model = data;
	uint64_t *minute = &model->minute[count->start_ns / ME_NS_PER_S / 60 % MODEL_MINUTES];

	assert_int_equal(count->count, *minute);
	*minute = 0;
	return 0;
}

static void restart(struct world *world, struct model *model, uint64_t how)
{
	model->set_ns = 0; /* no round was made in which it would have been seen */
	if (how % 2 == 0) {
		book(model, world);
		assert_true(world_stop(world));
	} else {
		world_kill(world);
	}
	world_pass(world, how % 500);
	if (how % 7 == 0 && how % 2 == 0) { /* after a kill what was not booked would be lost */
		model->attempts += me_cells_attempts(world->cells, ME_HOST);
		model->violations += me_cells_violations_sum(world->cells, ME_STAGE_CONFIRMED);
		world_attach_anew(world);
	} else {
		world_allow(world, how % 3);
	}
	world_up(world);
	world_round(world);
	if (world_round(world))
		book(model, world);
}

static void act(struct world *world, struct model *model, uint64_t *seed)
{
	uint64_t what = me_seed_next(seed) % 100, how = me_seed_next(seed) % 1000;

	if (what < 30) {
		world_allow(world, how % 20);
	} else if (what < 50) {
		world_violate(world, 0xc6336400 + how % 100, how % 4);
	} else if (what < 93) {
		world_pass(world, how % 25);
		if (world_round(world))
			book(model, world);
		model->set_ns = 0;
	} else if (what < 96) {
		world->now.epoch_ns += (how * 4 - 1500) * ME_NS_PER_S;
		model->set_ns += (int64_t)((how * 4 - 1500) * ME_NS_PER_S);
	} else {
		restart(world, model, how);
	}
}

static void test_anything(void **state)
{
	struct shared *shared = *state;
	struct world *world = &shared->world;
	struct model *model = calloc(1, sizeof(*model));
	_cleanup_(me_past_freep) struct me_past *past = NULL;
	uint64_t seed = me_seed();

	world_up(world);
	world_round(world);
	if (world_round(world))
		book(model, world);
	for (int i = 0; i < 1500; i++)
		act(world, model, &seed);
	model->set_ns = 0;
	book(model, world);
	assert_true(world_stop(world));
	past = world_past(world);
	assert_int_equal(me_past_counts(past, WORLD_EVER, 60 * ME_NS_PER_S, ME_SERIES_ATTEMPTS,
					check_minute, model),
			 0);
	for (size_t i = 0; i < MODEL_MINUTES; i++)
		assert_int_equal(model->minute[i], 0);
	assert_int_equal(world_sum(world, WORLD_EVER, ME_SERIES_ATTEMPTS, NULL).count,
			 model->booked);
	assert_int_equal(world_told(world, WORLD_EVER, "confirmed", NULL).count,
			 model->violations +
				 me_cells_violations_sum(world->cells, ME_STAGE_CONFIRMED));
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
		cmocka_unit_test_setup_teardown(test_power, setup, teardown),
		cmocka_unit_test_setup_teardown(test_anything, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
