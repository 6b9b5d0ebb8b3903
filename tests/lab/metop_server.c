/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An API that says what files say: metop_server SOCKET|ADDRESS:PORT DIRECTORY
 *
 * GET /v1/NAME answers with NAME.json of the directory, or with NAME?FILTER.json where a request
 * has a filter (or an address) and that file is there. A request for groups is first of all one for
 * NAME.GROUP, with some unfolded for NAME.GROUP+, and one for what is new for NAME.new. An answer that
 * starts with {"error" has status 400. If there is NAME.rows, holding a number, so many rows are made
 * up instead, in the order of their ids, and limit and offset hold. NAME.raw is sent as it is, without
 * a head. While there is a file `slow`, holding a number, an answer takes so many milliseconds, in
 * pieces. Every request is noted in the file `requests`, one line each, decoded.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/inet.h"
#include "base/strbuf.h"
#include "base/text.h"

#define REQUEST_MAX 8192
#define FILE_MAX (64u << 20)
#define PIECES 10 /* of an answer that is sent slowly */

struct request {
	char target[REQUEST_MAX]; /* decoded */
	const char *name;
	const char *filter;
	char kind[REQUEST_MAX]; /* of what is asked: "", ".new", ".origin", ".origin+" */
	uint64_t limit, offset;
};

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void decode(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (*text == '%' && hex(text[1]) >= 0 && hex(text[2]) >= 0) {
			*out++ = (char)(hex(text[1]) << 4 | hex(text[2]));
			text += 2;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

/* Cuts the target into its parts; a filter or an address is the last of them, as metop writes it. */
static void parse(struct request *request)
{
	char *query = strchr(request->target, '?');

	request->name = strrchr(request->target, '/');
	request->name = request->name ? request->name + 1 : request->target;
	request->filter = "";
	request->kind[0] = '\0';
	request->limit = 1000;
	request->offset = 0;
	if (!query)
		return;
	*query++ = '\0';
	for (char *part; (part = strsep(&query, "&"));) {
		if (!strncmp(part, "filter=", 7) || !strncmp(part, "address=", 8)) {
			request->filter = strchr(part, '=') + 1;
			decode(strchr(part, '=') + 1);
		} else if (!strncmp(part, "group=", 6)) {
			snprintf(request->kind, sizeof(request->kind), ".%s", part + 6);
		} else if (!strncmp(part, "unfold=", 7)) {
			strcat(request->kind, "+");
		} else if (!strncmp(part, "since=", 6)) {
			snprintf(request->kind, sizeof(request->kind), ".new");
		} else if (!strncmp(part, "limit=", 6)) {
			me_text_parse_u64(part + 6, 0, UINT32_MAX, &request->limit);
		} else if (!strncmp(part, "offset=", 7)) {
			me_text_parse_u64(part + 7, 0, UINT64_MAX, &request->offset);
		}
	}
}

static void note(const char *directory, const char *target)
{
	_cleanup_fclose_ FILE *log = NULL;
	char line[REQUEST_MAX], path[REQUEST_MAX];

	snprintf(line, sizeof(line), "%s", target);
	decode(line);
	snprintf(path, sizeof(path), "%s/requests", directory);
	log = fopen(path, "ae");
	if (log)
		fprintf(log, "%s\n", line);
}

/* Row `i` has sent 1000 bytes for each second of the clock, so its rate is known: 1.00k. */
static void make_rows(const struct request *request, uint64_t total, struct me_strbuf *body)
{
	uint64_t now_ns = me_clock_now(CLOCK_REALTIME), end = request->offset + request->limit;
	uint64_t sent = now_ns / ME_NS_PER_MS; /* as exact as the text of the time */
	char now[ME_RFC3339_LEN];

	me_clock_rfc3339(now_ns, now);
	me_strbuf_addf(body, "{\"ts\":\"%s\",\"version\":\"1\",\"total\":%" PRIu64, now, total);
	me_strbuf_addf(body, ",\"matched\":%" PRIu64 ",\"%s\":[", total, request->name);
	for (uint64_t i = request->offset; i < end && i < total; i++)
		me_strbuf_addf(
			body,
			"%s{\"id\":\"%" PRIu64 "\",\"state\":\"open\",\"verdict\":\"allowed\","
			"\"evidence\":\"listed\",\"service\":\"smtp\",\"rule\":\"outbound\","
			"\"vantage\":\"host\",\"direction\":\"out\",\"proto\":\"tcp\","
			"\"dst\":\"192.0.2.7\",\"dport\":25,\"name\":\"row%" PRIu64 ".example\","
			"\"first\":\"%s\",\"last\":\"%s\",\"bytes_sent\":%" PRIu64
			",\"bytes_received\":1,\"outcome\":\"established\",\"pid\":7,"
			"\"exe\":\"/usr/sbin/mta\",\"comm\":\"mta\",\"uid\":0,\"cgroup\":\"/\"}",
			i > request->offset ? "," : "", i, i, now, now, sent);
	me_strbuf_adds(body, "]}");
}

static int read_file(const char *directory, const char *name, char **ret_data, size_t *ret_len)
{
	char path[2 * REQUEST_MAX + 256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return me_file_read(path, FILE_MAX, ret_data, ret_len);
}

static void make_body(const char *directory, const struct request *request, struct me_strbuf *body)
{
	_cleanup_free_ char *data = NULL;
	char name[2 * REQUEST_MAX + 16];
	uint64_t rows;
	size_t len;
	int r = -ENOENT;

	snprintf(name, sizeof(name), "%s.rows", request->name);
	if (!read_file(directory, name, &data, &len) &&
	    me_text_parse_u64(data, 0, 1u << 30, &rows)) {
		make_rows(request, rows, body);
		return;
	}
	snprintf(name, sizeof(name), "%s%s.json", request->name, request->kind);
	if (*request->kind)
		r = read_file(directory, name, &data, &len);
	snprintf(name, sizeof(name), "%s?%s.json", request->name, request->filter);
	if (r < 0 && *request->filter)
		r = read_file(directory, name, &data, &len);
	snprintf(name, sizeof(name), "%s.json", request->name);
	if (r < 0)
		r = read_file(directory, name, &data, &len);
	if (r < 0)
		me_strbuf_adds(body, "{\"error\": \"no such path\"}");
	else
		me_strbuf_add(body, data, len);
}

static bool send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* In ten pieces, over so many milliseconds; 0: at once. */
static void send_slowly(int fd, const char *data, size_t len, uint64_t ms)
{
	size_t piece = ms ? len / PIECES + 1 : len;
	const struct timespec pause = {(time_t)(ms / PIECES / 1000),
				       (long)(ms / PIECES % 1000 * ME_NS_PER_MS)};

	while (len) {
		size_t n = piece < len ? piece : len;

		if (!send_all(fd, data, n))
			return;
		data += n;
		len -= n;
		if (ms)
			nanosleep(&pause, NULL);
	}
}

static uint64_t slowness(const char *directory)
{
	_cleanup_free_ char *data = NULL;
	uint64_t ms = 0;
	size_t len;

	if (read_file(directory, "slow", &data, &len) ||
	    !me_text_parse_u64(data, 0, UINT32_MAX, &ms))
		return 0;
	return ms;
}

static void serve(int fd, const char *directory)
{
	_cleanup_free_ char *raw = NULL;
	_cleanup_strbuf_ struct me_strbuf body = {0};
	_cleanup_strbuf_ struct me_strbuf answer = {0};
	struct request request;
	char head[REQUEST_MAX] = {0}, name[REQUEST_MAX + 16];
	size_t len = 0;

	while (len < sizeof(head) - 1 && !strstr(head, "\r\n\r\n")) {
		ssize_t n = read(fd, head + len, sizeof(head) - 1 - len);

		if (n <= 0)
			return;
		len += (size_t)n;
	}
	if (sscanf(head, "GET %8191s", request.target) != 1)
		return;
	note(directory, request.target);
	parse(&request);
	snprintf(name, sizeof(name), "%s.raw", request.name);
	if (!read_file(directory, name, &raw, &len)) {
		send_all(fd, raw, len);
		return;
	}
	make_body(directory, &request, &body);
	if (body.err || !body.data)
		return;
	me_strbuf_addf(&answer, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n",
		       strncmp(body.data, "{\"error\"", 8) ? "200 OK" : "400 Bad Request");
	me_strbuf_addf(&answer, "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.len);
	me_strbuf_add(&answer, body.data, body.len);
	if (!answer.err)
		send_slowly(fd, answer.data, answer.len, slowness(directory));
}

static int listen_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	unlink(path);
	return listener >= 0 && !bind(listener, (struct sockaddr *)&address, sizeof(address))
		       ? listener
		       : -1;
}

static int listen_tcp(const char *where)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	uint16_t port;

	if (me_inet_parse_hostport(where, address.sin6_addr.s6_addr, &port)) {
		errno = EINVAL;
		return -1;
	}
	address.sin6_port = htons(port);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return listener >= 0 && !bind(listener, (struct sockaddr *)&address, sizeof(address))
		       ? listener
		       : -1;
}

int main(int argc, char **argv)
{
	_cleanup_close_ int listener = -1;

	if (argc != 3) {
		fprintf(stderr, "usage: metop_server SOCKET|ADDRESS:PORT DIRECTORY\n");
		return 2;
	}
	listener = *argv[1] == '/' ? listen_unix(argv[1]) : listen_tcp(argv[1]);
	if (listener < 0 || listen(listener, 64) < 0) {
		perror(argv[1]);
		return 1;
	}
	for (;;) {
		_cleanup_close_ int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			serve(fd, argv[2]);
	}
}
