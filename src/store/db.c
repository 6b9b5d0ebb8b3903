/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

/* A reader waits no longer for the moment in which a file is made or put in order. */
#define BUSY_MS 2000
#define ERROR_LEN 256u

struct me_query {
	struct me_db *db;
	const char *sql;
	sqlite3_stmt *statement;
	int bound;
	int err; /* of a parameter */
};

struct me_db {
	sqlite3 *sqlite;
	bool writes;
	struct me_query queries[ME_DB_QUERIES_MAX];
	size_t n;
	char error[ERROR_LEN];
	/* Stands for a statement that could not be prepared, and says why. */
	struct me_query failed;
};

static int error_of_code(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	/* The program's own statements are right: these say that the file has other tables or rows. */
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return -EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

/* The error, whose words are kept: what is done about it has words of its own. */
static int error_of(struct me_db *db, int code)
{
	int err = error_of_code(code);

	/* It was opened for writing: that it may not be written is what its head says. */
	if (err == -EROFS && db->writes && sqlite3_extended_errcode(db->sqlite) == SQLITE_READONLY)
		err = -EUCLEAN;
	if (err)
		snprintf(db->error, sizeof(db->error), "%s", sqlite3_errmsg(db->sqlite));
	return err;
}

int me_db_open(const char *path, bool writes, struct me_db **ret_db)
{
	_cleanup_(me_db_closep) struct me_db *db = calloc(1, sizeof(*db));
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	int code;

	if (!db)
		return -ENOMEM;
	flags |= writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	code = sqlite3_open_v2(path, &db->sqlite, flags, NULL);
	if (code != SQLITE_OK) {
		int system = db->sqlite ? sqlite3_system_errno(db->sqlite) : 0;

		return system ? -system : error_of_code(code);
	}
	if (writes && sqlite3_db_readonly(db->sqlite, "main") == 1)
		return -EROFS;
	db->writes = writes;
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	/* What a damaged or hostile file says is taken for data, not for instructions. */
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	*ret_db = me_steal_ptr(&db);
	return 0;
}

void me_db_close(struct me_db **db)
{
	struct me_db *d = *db;

	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		sqlite3_finalize(d->queries[i].statement);
	sqlite3_close(d->sqlite);
	free(d);
	*db = NULL;
}

const char *me_db_error(const struct me_db *db)
{
	return db->error;
}

int me_db_exec(struct me_db *db, const char *sql)
{
	return error_of(db, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

void me_db_undo(struct me_db *db)
{
	/* The library may have done it already. */
	if (!sqlite3_get_autocommit(db->sqlite))
		sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

uint64_t me_db_changes(const struct me_db *db)
{
	return (uint64_t)sqlite3_changes64(db->sqlite);
}

uint64_t me_db_inserted(const struct me_db *db)
{
	return (uint64_t)sqlite3_last_insert_rowid(db->sqlite);
}

uint64_t me_db_cached(struct me_db *db)
{
	int now = 0, most;

	sqlite3_db_status(db->sqlite, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0);
	return now;
}

struct me_query *me_db_query(struct me_db *db, const char *sql)
{
	struct me_query *query;
	int code;

	for (size_t i = 0; i < db->n; i++)
		if (db->queries[i].sql == sql)
			return &db->queries[i];
	assert(db->n < ME_DB_QUERIES_MAX);
	query = &db->queries[db->n];
	*query = (struct me_query){.db = db, .sql = sql};
	code = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &query->statement,
				  NULL);
	if (code != SQLITE_OK) {
		db->failed.err = error_of(db, code);
		return &db->failed;
	}
	db->n++;
	return query;
}

static void note(struct me_query *query, int code)
{
	if (!query->err)
		query->err = error_of(query->db, code);
}

/* The library's numbers have a sign: what is larger stands for "ever". */
void me_query_number(struct me_query *query, uint64_t number)
{
	sqlite3_int64 bound = number < INT64_MAX ? (sqlite3_int64)number : INT64_MAX;

	if (query->statement)
		note(query, sqlite3_bind_int64(query->statement, ++query->bound, bound));
}

void me_query_text(struct me_query *query, const char *text)
{
	if (query->statement)
		note(query, sqlite3_bind_text(query->statement, ++query->bound, text ? text : "",
					      -1, SQLITE_STATIC));
}

void me_query_null(struct me_query *query)
{
	if (query->statement)
		note(query, sqlite3_bind_null(query->statement, ++query->bound));
}

void me_query_reset(struct me_query *query)
{
	if (!query->statement)
		return;
	sqlite3_reset(query->statement);
	query->bound = 0;
	query->err = 0;
}

int me_query_step(struct me_query *query)
{
	int err = query->err;
	int code;

	if (!query->statement)
		return err;
	code = err ? SQLITE_DONE : sqlite3_step(query->statement);
	if (code == SQLITE_ROW)
		return 1;
	if (!err)
		err = error_of(query->db, code);
	me_query_reset(query);
	return err;
}

uint64_t me_query_get_number(struct me_query *query, int column)
{
	return (uint64_t)sqlite3_column_int64(query->statement, column);
}

const char *me_query_get_text(struct me_query *query, int column)
{
	const unsigned char *text = sqlite3_column_text(query->statement, column);

	return text ? (const char *)text : "";
}

bool me_query_is_null(struct me_query *query, int column)
{
	return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

int me_db_number(struct me_db *db, const char *sql, uint64_t *ret_number)
{
	struct me_query *query = me_db_query(db, sql);
	int r = me_query_step(query);

	if (r < 0)
		return r;
	*ret_number = r ? me_query_get_number(query, 0) : 0;
	if (r)
		me_query_reset(query);
	return 0;
}
