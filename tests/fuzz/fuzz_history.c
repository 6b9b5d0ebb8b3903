/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any history that somebody has damaged: the daemon writes on, in this file or in a new one, or says why not;
 * reports tell what can be read, or say why not. The first byte says what the rest is (enum what).
 */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include "report/report.h"
#include "tests/fuzz/check.h"
#include "tests/unit/store/fixture.h"

#define SINCE WORLD_START
#define SPOT 5u /* bytes of a damaged spot: where, how, and what */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum what {
	SPOTS, /* damaged spots of a whole file: a place in it (3 bytes), a length, a byte to repeat */
	CUT, /* the same, after the first three bytes: where it is cut off */
	FILE_ITSELF,
	LOG, /* spots of the log of changes that a kill left */
	SQL, /* statements of somebody who means no good, after which it is closed */
	WHAT_COUNT
};

struct bytes {
	char *data;
	size_t size;
};

static struct bytes good, good_log; /* the file alone; and the log beside an older one */
static struct bytes older;
static struct world world, before; /* as the last daemon left it */
static char log_path[128];

static void read_bytes(const char *path, struct bytes *ret_bytes)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	check(fd >= 0 && !fstat(fd, &st));
	*ret_bytes = (struct bytes){malloc((size_t)st.st_size), (size_t)st.st_size};
	check(read(fd, ret_bytes->data, ret_bytes->size) == st.st_size);
}

static void write_bytes(const char *path, const void *data, size_t size)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
}

static void live(unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++) {
		world_pass(&world, 25);
		world_allow(&world, 3);
		world_violate(&world, 0xc6336400 + i, i % 2);
		world_round(&world);
	}
}

static void remove_folder(void)
{
	world_free(&world);
}

/* In memory: nothing of it has to outlive anybody. */
static void make_folder(void)
{
	world_new(&world);
	rmdir(world.folder);
	snprintf(world.folder, sizeof(world.folder), "/dev/shm/me_store_XXXXXX");
	check(mkdtemp(world.folder));
	snprintf(world.path, sizeof(world.path), "%s/%s", world.folder, ME_HISTORY_FILE);
	snprintf(log_path, sizeof(log_path), "%s-wal", world.path);
	atexit(remove_folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	make_folder();
	world_up(&world);
	world_begin(&world);
	live(12);
	check(world_stop(&world));
	read_bytes(world.path, &older);
	world_up(&world);
	world_begin(&world);
	live(12);
	read_bytes(log_path, &good_log);
	check(world_stop(&world));
	read_bytes(world.path, &good);
	before = world;
	return 0;
}

/* --- The damage ---------------------------------------------------------------------------------- */

static uint32_t read_place(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}

/* A damaged copy. */
static struct bytes damage(const struct bytes *whole, const uint8_t *data, size_t size)
{
	struct bytes copy = {malloc(whole->size), whole->size};

	memcpy(copy.data, whole->data, copy.size);
	for (; size >= SPOT; data += SPOT, size -= SPOT) {
		size_t place = read_place(data) % copy.size, n = data[3];

		n = n < copy.size - place ? n : copy.size - place;
		memset(copy.data + place, data[4], n ? n : 1);
	}
	return copy;
}

static void put_sql(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *sql = strndup((const char *)data, size);
	_cleanup_(me_db_closep) struct me_db *db = NULL;

	write_bytes(world.path, good.data, good.size);
	/* Only statements that change what is there: none may open other files or take for ever. */
	if (strcasestr(sql, "attach") || strcasestr(sql, "recursive") ||
	    strcasestr(sql, "vacuum") || strcasestr(sql, "load") || strcasestr(sql, "blob") ||
	    strcasestr(sql, "join"))
		return;
	check(!me_db_open(world.path, true, &db));
	me_db_exec(db, sql);
}

static void put(const uint8_t *data, size_t size)
{
	enum what what = size ? data[0] % WHAT_COUNT : SPOTS;
	struct bytes copy = {0};

	data += size > 0;
	size -= size > 0;
	switch (what) {
	case SPOTS:
		copy = damage(&good, data, size);
		write_bytes(world.path, copy.data, copy.size);
		break;
	case CUT:
		if (size < 3)
			return;
		copy = damage(&good, data + 3, size - 3);
		write_bytes(world.path, copy.data, read_place(data) % copy.size);
		break;
	case LOG:
		copy = damage(&good_log, data, size);
		write_bytes(world.path, older.data, older.size);
		write_bytes(log_path, copy.data, copy.size);
		break;
	case SQL:
		put_sql(data, size);
		break;
	default:
		write_bytes(world.path, data, size);
	}
	free(copy.data);
}

/* --- Who reads it -------------------------------------------------------------------------------- */

static void read_report(void)
{
	static int (*const forms[])(const struct me_document *document, struct me_strbuf *out) = {
		me_report_text, me_report_csv, me_report_html, me_report_json};
	_cleanup_(me_past_freep) struct me_past *past = NULL;
	_cleanup_(me_document_freep) struct me_document *document = NULL;
	_cleanup_strbuf_ struct me_strbuf why = {0};
	const struct me_period period = {SINCE, SINCE + 3600 * ME_NS_PER_S};

	if (me_past_open(world.folder, &why, &past)) {
		check(why.len);
		return;
	}
	if (me_report_read(past, &period, "1.0", &document))
		return;
	for (size_t i = 0; i < ME_ARRAY_SIZE(forms); i++) {
		_cleanup_strbuf_ struct me_strbuf out = {0};

		check(!forms[i](document, &out) && out.len);
		if (forms[i] == me_report_json) {
			json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);

			check(json_is_object(root));
			json_decref(root);
		}
	}
}

static void go_on(void)
{
	const struct me_history_status *status;

	world_up(&world);
	world_begin(&world);
	live(2);
	world_begin(&world); /* what a write has found damaged is opened anew */
	world_pass(&world, 11);
	world_begin(&world);
	status = me_history_status(world.history);
	check(status->state == ME_HISTORY_WRITING || status->state == ME_HISTORY_REFUSED);
	check(status->state == ME_HISTORY_WRITING || *status->why);
	world_stop(&world);
}

static int is_old(const struct dirent *entry)
{
	return strncmp(entry->d_name, ".", 1) != 0;
}

static void clean(void)
{
	struct dirent **names;
	int n = scandir(world.folder, &names, is_old, NULL);

	check(n >= 0);
	while (n--) {
		char path[sizeof(world.folder) + 256];

		snprintf(path, sizeof(path), "%s/%s", world.folder, names[n]->d_name);
		unlink(path);
		free(names[n]);
	}
	free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	clean();
	world = before;
	put(data, size);
	read_report();
	go_on();
	read_report();
	return 0;
}
