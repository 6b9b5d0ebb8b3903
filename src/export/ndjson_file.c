/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "export/ndjson.h"

#define PATIENCE_MS 200       /* for a reader that was keeping up until now */
#define LINE_MAX_BYTES 65536u /* of the line that a kill may have torn */

struct me_ndjson {
	const struct me_ledger *ledger;
	char *path;      /* NULL: nowhere */
	int fd;          /* -1: nowhere */
	bool is_regular; /* so that its end can be looked at and cut off */
	bool torn;       /* a line was begun and not ended */
	bool stalled;    /* the reader of the pipe did not keep up */
	struct me_strbuf line;
};

ME_DEFINE_CLEANUP(struct me_ndjson *, me_ndjson_close)

static int open_path(const char *path, int *ret_fd, bool *ret_is_regular, bool *ret_torn)
{
	_cleanup_close_ int fd =
		strcmp(path, "-")
			? open(path,
			       O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
			       0640)
			: fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	struct stat st;
	char last = '\n';

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* Standard output may be a file that was not opened to be read, or not to be appended to. */
	*ret_is_regular = S_ISREG(st.st_mode) && strcmp(path, "-");
	if (*ret_is_regular && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) < 0)
		return -errno;
	*ret_torn = last != '\n';
	*ret_fd = me_steal_fd(&fd);
	return 0;
}

int me_ndjson_open(const char *path, const struct me_ledger *ledger, struct me_ndjson **ret_ndjson)
{
	_cleanup_(me_ndjson_closep) struct me_ndjson *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->ledger = ledger;
	n->fd = -1;
	if (path) {
		n->path = strdup(path);
		if (!n->path)
			return -ENOMEM;
		r = open_path(path, &n->fd, &n->is_regular, &n->torn);
		if (r < 0)
			return r;
	}
	*ret_ndjson = me_steal_ptr(&n);
	return 0;
}

void me_ndjson_close(struct me_ndjson **ndjson)
{
	struct me_ndjson *n = *ndjson;

	if (!n)
		return;
	me_closep(&n->fd);
	me_strbuf_free(&n->line);
	free(n->path);
	free(n);
	*ndjson = NULL;
}

int me_ndjson_reopen(struct me_ndjson *ndjson)
{
	bool is_regular, torn;
	int fd, r;

	if (!ndjson->path)
		return 0;
	r = open_path(ndjson->path, &fd, &is_regular, &torn);
	if (r < 0)
		return r;
	close(ndjson->fd);
	ndjson->fd = fd;
	ndjson->is_regular = is_regular;
	ndjson->torn = torn;
	return 0;
}

/* Whether the pipe takes something now; only a reader that was keeping up is waited for. */
static bool has_room(struct me_ndjson *ndjson)
{
	struct pollfd pollfd = {.fd = ndjson->fd, .events = POLLOUT};
	int n = poll(&pollfd, 1, ndjson->stalled ? 0 : PATIENCE_MS);

	ndjson->stalled = n == 0;
	return n > 0;
}

static int write_all(struct me_ndjson *ndjson, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n;

		if (!ndjson->is_regular && !has_room(ndjson)) {
			errno = EAGAIN;
			break;
		}
		/* poll(2) promises room for that much in a pipe, so the write does not block. */
		n = write(ndjson->fd, bytes + done,
			  ndjson->is_regular || len - done < PIPE_BUF ? len - done : PIPE_BUF);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == len)
		return 0;
	ndjson->torn |= done > 0;
	return errno ? -errno : -EIO;
}

static int write_event(void *data, const struct me_event *event)
{
	struct me_ndjson *ndjson = data;
	struct me_strbuf *line = &ndjson->line;
	off_t begin;
	int r;

	if (ndjson->fd < 0)
		return 0;
	line->len = 0;
	line->err = 0;
	if (ndjson->torn)
		me_strbuf_addc(line, '\n');
	r = me_ndjson_format(event, ndjson->ledger, line);
	if (r < 0)
		return r;
	begin = ndjson->is_regular ? lseek(ndjson->fd, 0, SEEK_END) : -1;
	errno = 0;
	r = write_all(ndjson, line->data, line->len);
	if (r == 0)
		ndjson->torn = false;
	else if (ndjson->torn && begin >= 0 && ftruncate(ndjson->fd, begin) == 0)
		ndjson->torn = line->data[0] == '\n';
	return r;
}

static void mark(void *data, struct me_event_mark *ret_mark)
{
	struct me_ndjson *ndjson = data;
	struct stat st;

	*ret_mark = (struct me_event_mark){0};
	if (!ndjson->is_regular || fstat(ndjson->fd, &st) < 0)
		return;
	ret_mark->device = st.st_dev;
	ret_mark->inode = st.st_ino;
	ret_mark->offset = (uint64_t)st.st_size;
}

/*
 * The daemon is the only writer, so what stands behind the mark is the line or a part of it. In
 * another file than that of the mark nothing can be found: logrotate came between.
 */
static int check(void *data, const struct me_event_mark *wanted, const char *id)
{
	struct me_ndjson *ndjson = data;
	struct me_event_mark now;
	_cleanup_free_ char *tail = NULL;
	char needle[ME_EVENT_ID_LEN + 8];
	const char *line;
	ssize_t n;

	if (!ndjson->is_regular)
		return -ENOTSUP;
	mark(data, &now);
	if (now.device != wanted->device || now.inode != wanted->inode ||
	    now.offset <= wanted->offset)
		return 0;
	tail = malloc(LINE_MAX_BYTES + 1);
	if (!tail)
		return -ENOTSUP;
	n = pread(ndjson->fd, tail, LINE_MAX_BYTES, (off_t)wanted->offset);
	if (n < 0)
		return -ENOTSUP;
	tail[n] = '\0';
	snprintf(needle, sizeof(needle), "\"id\":\"%s\"", id);
	/* A first newline ended what was torn before. */
	line = tail + (tail[0] == '\n');
	if (strchr(line, '\n'))
		return strstr(line, needle) ? 1 : 0;
	if (ftruncate(ndjson->fd, (off_t)wanted->offset) == 0)
		ndjson->torn = line > tail;
	return 0;
}

struct me_event_sink me_ndjson_sink(struct me_ndjson *ndjson)
{
	return (struct me_event_sink){
		.data = ndjson, .write = write_event, .mark = mark, .check = check};
}
