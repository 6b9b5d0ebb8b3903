/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "store/db.h"
#include "store/file.h"
#include "store/write.h"

struct me_writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool busy; /* the work is the thread's */
	bool ends;

	/* of the thread */
	char *path;
	struct me_strbuf log_path;
	struct me_db *db;
	bool proven;  /* something was written to it since it was opened */
	bool damaged; /* it was opened as whole, and then it was not */
	ino_t inode;
	uint64_t run; /* id of the present run */
	uint64_t minutes;

	struct me_writer_work work;
};

/* --- Jobs, in the thread ------------------------------------------------------------------------ */

static int open_once(struct me_writer *writer, struct me_writer_work *work)
{
	struct stat st;
	int err;

	work->why.len = 0;
	err = me_history_file_open(writer->path, &writer->db, &work->why);
	if (!err)
		err = me_left_read(writer->db, work->now_ns, &work->left);
	if (!err && stat(writer->path, &st))
		err = -errno;
	if (err) {
		if (writer->db && !work->why.len)
			me_strbuf_adds(&work->why, me_db_error(writer->db));
		me_db_close(&writer->db);
		return err;
	}
	writer->inode = st.st_ino;
	writer->proven = false;
	writer->run = 0;
	writer->minutes = work->left.minutes;
	return 0;
}

static int do_open(struct me_writer *writer, struct me_writer_work *work)
{
	int err;

	me_db_close(&writer->db);
	err = writer->damaged ? -EUCLEAN : open_once(writer, work);
	writer->damaged = false;
	if (err != -EUCLEAN)
		return err;
	err = me_history_file_aside(writer->path, &work->aside);
	return err ? err : open_once(writer, work);
}

/* Whether the file is still the one that was opened: somebody may have removed it. */
static bool is_there(const struct me_writer *writer)
{
	struct stat st;

	return !stat(writer->path, &st) && st.st_ino == writer->inode;
}

static int do_prune(struct me_writer *writer, struct me_writer_work *work)
{
	struct stat st;
	int err = me_history_prune(writer->db, &work->bounds, work->now_ns, &writer->minutes,
				   &work->extent, &work->more);

	work->minutes = writer->minutes;
	work->log_bytes = stat(writer->log_path.data, &st) ? 0 : (uint64_t)st.st_size;
	work->cached = me_db_cached(writer->db);
	return err;
}

/* What is found damaged is opened anew and checked; but once that said that it is whole, it is not asked again. */
static int do_write(struct me_writer *writer, struct me_writer_work *work)
{
	int err = me_history_write(writer->db, &work->batch, work->version, &writer->run,
				   &writer->minutes);

	if (err == -EUCLEAN)
		writer->damaged = !writer->proven;
	else if (!err)
		writer->proven = true;
	return err;
}

static int do_job(struct me_writer *writer, struct me_writer_work *work)
{
	int err = 0;

	if (work->job == ME_WRITER_OPEN)
		err = do_open(writer, work);
	else if (!is_there(writer))
		return -ESTALE;
	else if (work->job == ME_WRITER_WRITE)
		err = do_write(writer, work);
	/* What was written stays written, whatever comes of the pruning. */
	if (!err && do_prune(writer, work) == -EUCLEAN)
		err = -EUCLEAN;
	if (err && writer->db && !work->why.len)
		me_strbuf_adds(&work->why, me_db_error(writer->db));
	return err;
}

static void *work_on(void *data)
{
	struct me_writer *writer = data;

	pthread_mutex_lock(&writer->lock);
	for (;;) {
		while (!writer->busy && !writer->ends)
			pthread_cond_wait(&writer->changed, &writer->lock);
		if (!writer->busy)
			break;
		pthread_mutex_unlock(&writer->lock);
		writer->work.took_ns = me_clock_now(CLOCK_MONOTONIC);
		writer->work.err = do_job(writer, &writer->work);
		writer->work.took_ns = me_clock_now(CLOCK_MONOTONIC) - writer->work.took_ns;
		pthread_mutex_lock(&writer->lock);
		writer->busy = false;
		pthread_cond_broadcast(&writer->changed);
	}
	pthread_mutex_unlock(&writer->lock);
	me_db_close(&writer->db);
	return NULL;
}

/* --- The other side ----------------------------------------------------------------------------- */

static void release(struct me_writer *writer)
{
	pthread_mutex_destroy(&writer->lock);
	pthread_cond_destroy(&writer->changed);
	me_left_free(&writer->work.left);
	me_batch_free(&writer->work.batch);
	me_strbuf_free(&writer->work.why);
	me_strbuf_free(&writer->work.aside);
	me_strbuf_free(&writer->log_path);
	free(writer->path);
	free(writer);
}

/* The signals of the process are for its first thread. */
static int start_thread(struct me_writer *writer)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&writer->thread, NULL, work_on, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

struct me_writer *me_writer_new(const char *path)
{
	struct me_writer *writer = calloc(1, sizeof(*writer));
	pthread_condattr_t monotonic;

	if (!writer)
		return NULL;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	writer->path = strdup(path);
	me_strbuf_addf(&writer->log_path, "%s-wal", path);
	if (writer->path && !writer->log_path.err && !start_thread(writer))
		return writer;
	release(writer);
	return NULL;
}

struct me_writer_work *me_writer_work(struct me_writer *writer)
{
	return &writer->work;
}

void me_writer_start(struct me_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->work.why.len = 0;
	writer->busy = true;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
}

bool me_writer_done(struct me_writer *writer, uint64_t patience_ns)
{
	uint64_t end_ns = me_clock_now(CLOCK_MONOTONIC) + patience_ns;
	struct timespec end = {(time_t)(end_ns / ME_NS_PER_S), (long)(end_ns % ME_NS_PER_S)};
	bool done;

	pthread_mutex_lock(&writer->lock);
	while (writer->busy && patience_ns &&
	       pthread_cond_timedwait(&writer->changed, &writer->lock, &end) != ETIMEDOUT)
		;
	done = !writer->busy;
	pthread_mutex_unlock(&writer->lock);
	return done;
}

bool me_writer_free(struct me_writer **writer, uint64_t patience_ns)
{
	struct me_writer *w = *writer;

	*writer = NULL;
	if (!w)
		return true;
	if (!me_writer_done(w, patience_ns)) {
		pthread_detach(w->thread);
		return false;
	}
	pthread_mutex_lock(&w->lock);
	w->ends = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	release(w);
	return true;
}
