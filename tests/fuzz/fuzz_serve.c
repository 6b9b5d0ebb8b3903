/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes that clients send, in any pieces and on any connections: each is answered with HTTP or closed,
 * in bounded time, and nothing of it stays. The input is a script: a byte that says what is done (struct
 * step), and what is sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "export/api.h"
#include "tests/fuzz/check.h"
#include "tests/unit/export/world.h"

#define CLIENTS 4u
#define FLOWS 5u
#define FDS_MAX 64
#define ROUNDS_MAX 20000 /* of the server, until a client has its end: far more than it takes */
#define ANSWER_MAX (1u << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a client does: which one it is, and what. The byte after it says how many bytes follow. */
enum what {
	SEND,      /* so many bytes of the script */
	SEND_MANY, /* them over and over, up to 64 KiB */
	SHUT,      /* sends nothing more */
	CLOSE,     /* without a word */
	READ,      /* what is there */
	WHAT_COUNT
};

struct client {
	int fd; /* -1: none */
	bool shut;
	size_t len;
	char answer[ANSWER_MAX + 1];
};

static struct client clients[CLIENTS];
static struct world *world;
static struct me_api api;
static struct me_http *http;
static struct sockaddr_un where = {.sun_family = AF_UNIX};
static uint64_t now_ns;

static const struct me_status *status(void *data)
{
	return &((struct world *)data)->status;
}

static void say(void *data, int mode, uint64_t for_ns)
{
}

static void remove_folder(void)
{
	me_http_free(&http);
	*strrchr(where.sun_path, '/') = '\0';
	rmdir(where.sun_path);
}

static unsigned int count_fds(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < FDS_MAX; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	_cleanup_strbuf_ struct me_strbuf error = {0};
	char folder[] = "/tmp/mewatch-fuzz-XXXXXX";

	world = world_new(FLOWS);
	api = (struct me_api){.ledger = world->ledger, .data = world, .status = status, .say = say};
	check(mkdtemp(folder));
	snprintf(where.sun_path, sizeof(where.sun_path), "%s/sock", folder);
	check(!me_http_new(me_api_answer, &api, &http));
	check(!me_http_listen_unix(http, ME_HTTP_API, where.sun_path, &error));
	atexit(remove_folder);
	now_ns = me_clock_now(CLOCK_MONOTONIC);
	for (size_t i = 0; i < CLIENTS; i++)
		clients[i].fd = -1;
	return 0;
}

static void serve(void)
{
	me_http_run(http, now_ns);
}

static void dial(struct client *client)
{
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	client->shut = false;
	client->len = 0;
	check(client->fd >= 0);
	check(!connect(client->fd, (struct sockaddr *)&where, sizeof(where)));
}

/* True: it has its end. */
static bool receive(struct client *client)
{
	for (;;) {
		ssize_t n =
			recv(client->fd, client->answer + client->len, ANSWER_MAX - client->len, 0);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return true;
		if (n < 0)
			return false;
		client->len += (size_t)n;
		check(client->len < ANSWER_MAX);
	}
}

/* --- What was answered --------------------------------------------------------------------------- */

/* The length that the head says; the answer to HEAD has it too, and no body. */
static size_t length_of(const char *head)
{
	const char *field = strcasestr(head, "\r\nContent-Length: ");

	check(field);
	return strtoul(field + strlen("\r\nContent-Length: "), NULL, 10);
}

static bool is_known(unsigned long code)
{
	return code == 200 || (code >= 400 && code < 500) || code == 501 || code == 505;
}

/* Answers one after the other, of which a client that went away in between has a part. */
static void check_answers(struct client *client)
{
	char *at = client->answer, *end = at + client->len;

	*end = '\0';
	while (at < end) {
		char *body = strstr(at, "\r\n\r\n");
		size_t length;

		check(!strncmp(at, "HTTP/1.", 7) && is_known(strtoul(at + 9, NULL, 10)));
		if (!body)
			return;
		*body = '\0';
		length = length_of(at);
		body += 4;
		if (strncmp(body, "HTTP/1.", 7)) /* an answer with a body */
			body += length < (size_t)(end - body) ? length : (size_t)(end - body);
		at = body;
	}
}

static void hang_up(struct client *client)
{
	check_answers(client);
	close(client->fd);
	client->fd = -1;
}

/* --- The script ---------------------------------------------------------------------------------- */

static void send_bytes(struct client *client, const uint8_t *bytes, size_t n, size_t total)
{
	while (n && total) {
		size_t some = n < total ? n : total;

		/* The buffer is full, or the server has had enough: it is left at that. */
		if (client->shut || send(client->fd, bytes, some, MSG_NOSIGNAL) < (ssize_t)some)
			return;
		total -= some;
	}
}

/* One step; how many bytes of the script it took. */
static size_t step(const uint8_t *script, size_t size)
{
	struct client *client = &clients[script[0] % CLIENTS];
	enum what what = script[0] / CLIENTS % WHAT_COUNT;
	size_t n = size > 1 ? script[1] : 0;

	if (client->fd < 0)
		dial(client);
	if (what == SEND || what == SEND_MANY) {
		n = size < n + 2 ? (size > 2 ? size - 2 : 0) : n;
		send_bytes(client, script + 2, n, what == SEND ? n : 65536);
		serve();
		return n + 2;
	}
	if (what == SHUT) {
		client->shut = !shutdown(client->fd, SHUT_WR);
	} else if (what == CLOSE) {
		hang_up(client);
	} else if (receive(client)) {
		hang_up(client);
	}
	serve();
	return 1;
}

/* Whoever waits gets an end: because he said his, or by the time that a request may take. */
static void end(struct client *client)
{
	if (client->fd < 0)
		return;
	if (!shutdown(client->fd, SHUT_WR))
		client->shut = true;
	for (unsigned int i = 0; !receive(client); i++) {
		if (i == ROUNDS_MAX / 2)
			now_ns += ME_HTTP_REQUEST_NS + 1;
		check(i < ROUNDS_MAX);
		serve();
	}
	hang_up(client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int fds = count_fds();

	for (size_t n; size; data += n, size -= n) {
		n = step(data, size);
		n = n < size ? n : size;
	}
	for (size_t i = 0; i < CLIENTS; i++)
		end(&clients[i]);
	/* Those that hung up are noticed in the next rounds. */
	for (unsigned int i = 0; count_fds() != fds; i++) {
		check(i < ROUNDS_MAX);
		serve();
	}
	return 0;
}
