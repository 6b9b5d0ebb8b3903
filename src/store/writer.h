/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_WRITER_H
#define MEWATCH_STORE_WRITER_H

/*
 * The thread that reads and writes the file, so that nobody waits for a disk. It does one job at a time; what
 * the job uses and gives belongs to the thread until me_writer_done() says that it is done.
 */
#include <stdbool.h>
#include <stdint.h>
#include "base/strbuf.h"
#include "store/batch.h"
#include "store/left.h"
#include "store/prune.h"

enum me_writer_job {
	ME_WRITER_OPEN, /* open or make the file, and read what was left; a damaged one is moved aside */
	ME_WRITER_WRITE, /* write the batch, then prune */
	ME_WRITER_PRUNE,
};

struct me_writer;

/* What a job is told, and what it tells. */
struct me_writer_work {
	enum me_writer_job job;
	uint64_t now_ns; /* epoch */
	const char *version;
	struct me_history_bounds bounds;
	struct me_batch batch; /* of WRITE; its new ids are filled in */

	int err; /* 0 or a negative errno; -ESTALE: another file stands in the place of the one that is open */
	struct me_strbuf why;   /* in words, unless it is what the errno says */
	struct me_strbuf aside; /* OPEN: where the damaged file is now; "": there was none */
	struct me_left left;    /* OPEN: the caller's to free */
	struct me_history_extent extent;
	uint64_t minutes;   /* rows of that table */
	uint64_t log_bytes; /* size of the file of changes beside it */
	uint64_t cached;    /* bytes of memory that its pages take */
	uint64_t took_ns;   /* how long it took */
	bool more;          /* there is more to prune */
};

/* For the file at `path`. NULL without memory, or without a thread. */
struct me_writer *me_writer_new(const char *path);

/*
 * Ends the thread, when it is done. One that is not within `patience_ns` (a disk that does not answer) is left
 * to the end of the process, with its memory; false.
 */
bool me_writer_free(struct me_writer **writer, uint64_t patience_ns);

/* The work, while none is done. */
struct me_writer_work *me_writer_work(struct me_writer *writer);

/* Begins with the job. */
void me_writer_start(struct me_writer *writer);

/* Whether no job is being done; waits for so long at the most. */
bool me_writer_done(struct me_writer *writer, uint64_t patience_ns);

#endif
