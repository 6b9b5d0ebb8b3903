/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/schema.h"

#include <assert.h>
#include "base/cleanup.h"

/* Pages that become free go back to the file system in small steps: PRAGMA incremental_vacuum. */
static const char tables[] =
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE series (id INTEGER PRIMARY KEY, metric TEXT NOT NULL, vantage TEXT NOT NULL,"
	" service TEXT NOT NULL, endpoint TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL,"
	" UNIQUE (metric, endpoint, service, vantage, kind, detail));"
	"CREATE TABLE folded (series INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
	"CREATE TABLE minutes (minute INTEGER NOT NULL, series INTEGER NOT NULL,"
	" late INTEGER NOT NULL, count INTEGER NOT NULL,"
	" PRIMARY KEY (minute, series, late)) WITHOUT ROWID;"
	"CREATE TABLE violations (id INTEGER PRIMARY KEY, minute INTEGER NOT NULL,"
	" late INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, state TEXT NOT NULL,"
	" vantage TEXT NOT NULL, service TEXT NOT NULL, reason TEXT NOT NULL, proto INTEGER NOT NULL,"
	" dst TEXT NOT NULL, port INTEGER NOT NULL, name TEXT NOT NULL, host TEXT NOT NULL,"
	" exe TEXT NOT NULL, event TEXT NOT NULL, retracts TEXT NOT NULL, count INTEGER NOT NULL);"
	"CREATE INDEX violations_minute ON violations (minute);"
	"CREATE TABLE events (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, event TEXT NOT NULL,"
	" type TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, service TEXT NOT NULL,"
	" endpoint TEXT NOT NULL, outcome TEXT NOT NULL, vantage TEXT NOT NULL, host TEXT NOT NULL,"
	" exe TEXT NOT NULL, proto INTEGER NOT NULL, dst TEXT NOT NULL, port INTEGER NOT NULL,"
	" name TEXT NOT NULL, count INTEGER NOT NULL, detail TEXT NOT NULL);"
	"CREATE INDEX events_ts ON events (ts);"
	"CREATE TABLE spans (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL,"
	" object TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, number INTEGER NOT NULL,"
	" since INTEGER NOT NULL, until INTEGER);"
	"CREATE INDEX spans_until ON spans (until);";

/* For people with the sqlite3 shell. */
static const char views[] =
	"CREATE VIEW counts AS SELECT datetime(minute * 60, 'unixepoch') AS time, metric, vantage,"
	" service, endpoint, kind, detail, late, count FROM minutes JOIN series ON id = series;"
	"CREATE VIEW gaps AS SELECT datetime(since / 1000000000, 'unixepoch') AS since,"
	" datetime(until / 1000000000, 'unixepoch') AS until, state, detail FROM spans"
	" WHERE kind = 'gap';";

static const char *const steps[] = {tables, views};
_Static_assert(ME_ARRAY_SIZE(steps) == ME_SCHEMA_VERSION, "a step for each version");

const char *me_schema_step(int version)
{
	assert(version >= 0 && version < ME_SCHEMA_VERSION);
	return steps[version];
}
