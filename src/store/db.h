/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_DB_H
#define MEWATCH_STORE_DB_H

/*
 * SQLite, as far as the history needs it; nothing else knows of the library. Functions that can fail give
 * a negative errno: -ENOSPC no room, -EUCLEAN the file is damaged or is none, -EBUSY, -EROFS, -ENOENT it
 * cannot be opened, -ENOMEM, -EIO for anything else.
 */
#include <stdbool.h>
#include <stdint.h>
#include "base/cleanup.h"

struct me_db;
struct me_query;

/* Opens the file, for writing also makes it. What the library says of a failure: me_db_error(). */
int me_db_open(const char *path, bool writes, struct me_db **ret_db);
void me_db_close(struct me_db **db);
ME_DEFINE_CLEANUP(struct me_db *, me_db_close)

/* The last error in words; valid until the next one. */
const char *me_db_error(const struct me_db *db);

/* Runs statements that give no rows, or none that matter. */
int me_db_exec(struct me_db *db, const char *sql);

/* Takes back what the transaction has done, if there is one. */
void me_db_undo(struct me_db *db);

/* How many rows the last statement inserted, changed or deleted, and the id of the last inserted. */
uint64_t me_db_changes(const struct me_db *db);
uint64_t me_db_inserted(const struct me_db *db);

/* Bytes of memory that its pages take; 0 if that is not known. */
uint64_t me_db_cached(struct me_db *db);

/*
 * The statement `sql`, which stays where it is: prepared once for each connection. One that cannot be
 * prepared says so at its first step. At most ME_DB_QUERIES_MAX different ones.
 */
#define ME_DB_QUERIES_MAX 48u
struct me_query *me_db_query(struct me_db *db, const char *sql);

/* The next parameter, from the first on. Texts are borrowed until the last row. */
void me_query_number(struct me_query *query, uint64_t number);
void me_query_text(struct me_query *query, const char *text);
void me_query_null(struct me_query *query);

/*
 * 1: a row; 0: no more, and -errno: it may be used again, from its first parameter on. A query whose
 * rows are not all wanted is ended by me_query_reset().
 */
int me_query_step(struct me_query *query);
void me_query_reset(struct me_query *query);

/* Column `column` of the row, from 0; a text is never NULL, and valid until the next step. */
uint64_t me_query_get_number(struct me_query *query, int column);
const char *me_query_get_text(struct me_query *query, int column);
bool me_query_is_null(struct me_query *query, int column);

/* The one number that `sql` gives; 0 for no row, and for NULL. */
int me_db_number(struct me_db *db, const char *sql, uint64_t *ret_number);

#endif
