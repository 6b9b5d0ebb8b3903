/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "store/schema.h"

#define APPLICATION 0x6d657763 /* PRAGMA application_id of a history: "mewc" */
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

/*
 * A commit is on the disk when it returns (FULL): the writer is a thread of its own, so that nobody
 * waits for it, and after a power failure nothing is missing but what was not written yet. The log
 * of changes is cut back to its usual size after a large one.
 */
static const char settings[] = "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
			       "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304;"
			       "PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;";

int me_history_file_version(struct me_db *db, uint64_t *ret_version, struct me_strbuf *why)
{
	uint64_t application = 0, tables = 0, version = 0;
	int err = me_db_number(db, "PRAGMA application_id", &application);

	if (!err)
		err = me_db_number(db, "PRAGMA user_version", &version);
	if (!err)
		err = me_db_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (err)
		return err;
	if (tables && application != APPLICATION) {
		me_strbuf_adds(why, "it is a database of something else");
		return -EPROTO;
	}
	if (version > ME_SCHEMA_VERSION) {
		me_strbuf_addf(why, "it is of a later version (%" PRIu64 ", this program knows %d)",
			       version, ME_SCHEMA_VERSION);
		return -EPROTO;
	}
	*ret_version = version;
	return 0;
}

/* One step, whole or not at all. */
static int migrate_once(struct me_db *db, uint64_t version)
{
	char mark[64];
	int err = me_db_exec(db, "BEGIN IMMEDIATE");

	snprintf(mark, sizeof(mark), "PRAGMA user_version = %" PRIu64, version + 1);
	if (!err)
		err = me_db_exec(db, me_schema_step((int)version));
	if (!err)
		err = me_db_exec(db, "PRAGMA application_id = " TEXT(APPLICATION));
	if (!err)
		err = me_db_exec(db, mark);
	if (!err)
		err = me_db_exec(db, "COMMIT");
	if (err)
		me_db_undo(db);
	return err;
}

static int check_by(struct me_db *db, const char *pragma, struct me_strbuf *why)
{
	struct me_query *query = me_db_query(db, pragma);
	int r = me_query_step(query);

	if (r == 1 && strcmp(me_query_get_text(query, 0), "ok")) {
		me_strbuf_adds(why, me_query_get_text(query, 0));
		r = -EUCLEAN;
	}
	me_query_reset(query);
	return r < 0 ? r : 0;
}

/* Whether the file has it word for word. */
static int check_one(struct me_db *db, const char *name, const char *sql, struct me_strbuf *why)
{
	struct me_query *query =
		me_db_query(db, "SELECT 1 FROM sqlite_schema WHERE name = ? AND sql = ?");
	int r;

	me_query_text(query, name);
	me_query_text(query, sql);
	r = me_query_step(query);
	me_query_reset(query);
	if (r)
		return r < 0 ? r : 0;
	me_strbuf_addf(why, "its %s is not that of a history", name);
	return -EUCLEAN;
}

/* Tables, indexes and views against those of a history in memory: by words that are damaged, others are meant. */
static int check_schema(struct me_db *db, struct me_strbuf *why)
{
	_cleanup_(me_db_closep) struct me_db *model = NULL;
	struct me_query *query;
	int r = 0, err = me_db_open(":memory:", true, &model);

	for (int version = 0; !err && version < ME_SCHEMA_VERSION; version++)
		err = me_db_exec(model, me_schema_step(version));
	if (err)
		return err;
	query = me_db_query(model, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
	while (!err && (r = me_query_step(query)) > 0)
		err = check_one(db, me_query_get_text(query, 0), me_query_get_text(query, 1), why);
	me_query_reset(query);
	return err ? err : r;
}

/*
 * The pages and rows of all tables; and of the series, which are few, that the index says the same: by it
 * their names are found, and what is booked under a name must be read under it.
 */
static int check(struct me_db *db, struct me_strbuf *why)
{
	int err = check_schema(db, why);

	if (!err)
		err = check_by(db, "PRAGMA quick_check(1)", why);
	return err ? err : check_by(db, "PRAGMA integrity_check(series)", why);
}

static int prepare(struct me_db *db, struct me_strbuf *why)
{
	uint64_t version;
	int err = me_history_file_version(db, &version, why);

	if (!err)
		err = me_db_exec(db, settings);
	for (; !err && version < ME_SCHEMA_VERSION; version++)
		err = migrate_once(db, version);
	if (!err)
		err = check(db, why);
	if (err && !why->len)
		me_strbuf_adds(why, me_db_error(db));
	return err;
}

/* The library takes the mode of what is there, also for the files beside it. */
static int touch(const char *path)
{
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640);

	return fd < 0 ? -errno : 0;
}

int me_history_file_open(const char *path, struct me_db **ret_db, struct me_strbuf *why)
{
	_cleanup_(me_db_closep) struct me_db *db = NULL;
	int err = touch(path);

	if (!err)
		err = me_db_open(path, true, &db);
	if (err)
		me_strbuf_adds(why, strerror(-err));
	else
		err = prepare(db, why);
	if (!err)
		*ret_db = me_steal_ptr(&db);
	return err;
}

/* Of those moved aside the oldest go; their names sort by time. */
static void forget_old(const char *path)
{
	_cleanup_strbuf_ struct me_strbuf pattern = {0};
	glob_t found;

	me_strbuf_addf(&pattern, "%s.corrupt-*Z", path);
	if (pattern.err || glob(pattern.data, 0, NULL, &found))
		return;
	for (size_t i = 0; i + ME_HISTORY_ASIDE_MAX < found.gl_pathc; i++) {
		_cleanup_strbuf_ struct me_strbuf log = {0};

		me_strbuf_addf(&log, "%s-wal", found.gl_pathv[i]);
		unlink(found.gl_pathv[i]);
		unlink(log.data ? log.data : "");
	}
	globfree(&found);
}

int me_history_file_aside(const char *path, struct me_strbuf *ret_aside)
{
	_cleanup_strbuf_ struct me_strbuf log = {0}, log_aside = {0}, index = {0};
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32];

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	me_strbuf_addf(ret_aside, "%s.corrupt-%s", path, stamp);
	me_strbuf_addf(&log, "%s-wal", path);
	me_strbuf_addf(&log_aside, "%s.corrupt-%s-wal", path, stamp);
	me_strbuf_addf(&index, "%s-shm", path);
	if (ret_aside->err || log.err || log_aside.err || index.err)
		return -ENOMEM;
	/* The log belongs to the damaged file and must not meet the new one. */
	if (rename(log.data, log_aside.data) && errno != ENOENT)
		return -errno;
	if (rename(path, ret_aside->data) && errno != ENOENT)
		return -errno;
	unlink(index.data);
	forget_old(path);
	return 0;
}
