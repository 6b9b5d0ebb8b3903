/* SPDX-License-Identifier: GPL-2.0-only */
/* Many who ask for much at once: answers that nobody takes are bounded, and no answer holds up the caller for long. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "export/http.h"

#define DEADLINE_NS (20 * ME_NS_PER_S)
#define LARGE_BYTES (4u << 20)
#define LONG_NS (2 * ME_HTTP_TURN_NS) /* that an answer takes */
#define LARGE "/v1/large?limit=100000"
#define LONG "/v1/long?limit=100000"

struct crowd {
	struct me_http *http;
	char folder[32], path[64];
	unsigned int answered;
	char last[32];
};

/* A large answer, a long one, and any other. */
static unsigned int answer(void *data, const struct me_http_request *request,
			   struct me_strbuf *body, const char **type)
{
	static char large[LARGE_BYTES];
	struct crowd *crowd = data;
	uint64_t began = me_clock_now(CLOCK_MONOTONIC);

	(void)type;
	crowd->answered++;
	snprintf(crowd->last, sizeof(crowd->last), "%s", request->path);
	memset(large, 'x', sizeof(large));
	if (!strcmp(request->path, "/v1/large"))
		me_strbuf_add(body, large, sizeof(large));
	while (!strcmp(request->path, "/v1/long") &&
	       me_clock_now(CLOCK_MONOTONIC) - began < LONG_NS)
		;
	me_strbuf_adds(body, "the end\n");
	return 200;
}

static int setup(void **state)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	_cleanup_strbuf_ struct me_strbuf error = {0};

	snprintf(crowd->folder, sizeof(crowd->folder), "/tmp/mewatch-XXXXXX");
	assert_non_null(mkdtemp(crowd->folder));
	snprintf(crowd->path, sizeof(crowd->path), "%s/sock", crowd->folder);
	assert_int_equal(me_http_new(answer, crowd, &crowd->http), 0);
	assert_int_equal(me_http_listen_unix(crowd->http, ME_HTTP_API, crowd->path, &error), 0);
	*state = crowd;
	return 0;
}

static int teardown(void **state)
{
	struct crowd *crowd = *state;

	me_http_free(&crowd->http);
	rmdir(crowd->folder);
	free(crowd);
	return 0;
}

static int dial(const struct crowd *crowd, const char *target)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	_cleanup_strbuf_ struct me_strbuf request = {0};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(where.sun_path, sizeof(where.sun_path), "%s", crowd->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	me_strbuf_addf(&request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target);
	assert_int_equal(send(fd, request.data, request.len, MSG_NOSIGNAL), request.len);
	return fd;
}

static void serve_at(struct crowd *crowd, uint64_t later_ns)
{
	struct pollfd pollfd = {.fd = me_http_fd(crowd->http), .events = POLLIN};
	int timeout = me_http_timeout(crowd->http);

	poll(&pollfd, 1, timeout < 0 || timeout > 5 ? 5 : timeout);
	me_http_run(crowd->http, me_clock_now(CLOCK_MONOTONIC) + later_ns);
}

static void serve_until(struct crowd *crowd, unsigned int answered)
{
	uint64_t deadline = me_clock_now(CLOCK_MONOTONIC) + DEADLINE_NS;

	while (crowd->answered < answered && me_clock_now(CLOCK_MONOTONIC) < deadline)
		serve_at(crowd, 0);
	assert_int_equal(crowd->answered, answered);
}

/* Takes all that comes on the connection; whether it was the whole answer. */
static bool take(struct crowd *crowd, int fd)
{
	uint64_t deadline = me_clock_now(CLOCK_MONOTONIC) + DEADLINE_NS;
	static char bytes[65536 + 1];
	char last[9] = "";
	ssize_t n = -1;

	while (n && me_clock_now(CLOCK_MONOTONIC) < deadline) {
		n = recv(fd, bytes, sizeof(bytes) - 1, 0);
		if (n >= 8)
			memcpy(last, bytes + n - 8, 8);
		if (n < 0)
			serve_at(crowd, 0);
	}
	close(fd);
	return !strcmp(last, "the end\n");
}

/* Who takes nothing of a large answer makes room for those who ask later. */
static void test_unread(void **state)
{
	struct crowd *crowd = *state;
	const unsigned int fit = ME_HTTP_UNREAD_MAX / LARGE_BYTES, n = 2 * fit;
	unsigned int whole = 0;
	int fds[ME_HTTP_CONNECTIONS];

	assert_true(n < ME_HTTP_CONNECTIONS);
	for (unsigned int i = 0; i < n; i++) {
		fds[i] = dial(crowd, LARGE);
		serve_until(crowd, i + 1);
	}
	for (int i = 0; i < 20; i++)
		serve_at(crowd, 0);
	assert_true(take(crowd, fds[n - 1])); /* who came last was not the one */
	for (unsigned int i = 0; i < n - 1; i++)
		whole += take(crowd, fds[i]);
	assert_in_range(whole, fit - 1, fit);
	assert_int_equal(me_http_cut(crowd->http), n - 1 - whole);
}

/* What was taken is no longer in the way. */
static void test_read(void **state)
{
	struct crowd *crowd = *state;

	for (unsigned int i = 0; i < 3 * ME_HTTP_UNREAD_MAX / LARGE_BYTES; i++)
		assert_true(take(crowd, dial(crowd, LARGE)));
}

/* After a long answer the caller has its turn; who asks for little need not wait for who asks for much. */
static void test_long(void **state)
{
	struct crowd *crowd = *state;
	int fds[10], quick;

	for (size_t i = 0; i < ME_ARRAY_SIZE(fds); i++)
		fds[i] = dial(crowd, LONG);
	serve_until(crowd, 1);
	quick = dial(crowd, "/v1/quick");
	for (unsigned int i = 0; i < 3 && strcmp(crowd->last, "/v1/quick"); i++) {
		unsigned int before = crowd->answered;

		serve_at(crowd, 0);
		assert_in_range(crowd->answered - before, 0, 2);
	}
	assert_string_equal(crowd->last, "/v1/quick");
	assert_true(take(crowd, quick));
	for (size_t i = 0; i < ME_ARRAY_SIZE(fds); i++)
		assert_true(take(crowd, fds[i]));
	assert_int_equal(crowd->answered, ME_ARRAY_SIZE(fds) + 1);
}

/* Who waits for an answer waits no longer than for anything else; and an end with some that wait is one. */
static void test_long_wait(void **state)
{
	struct crowd *crowd = *state;
	int fds[5];

	for (size_t i = 0; i < ME_ARRAY_SIZE(fds); i++)
		fds[i] = dial(crowd, LONG);
	serve_until(crowd, 1);
	for (int i = 0; i < 20; i++)
		serve_at(crowd, ME_HTTP_REQUEST_NS + ME_NS_PER_S);
	for (size_t i = 1; i < ME_ARRAY_SIZE(fds); i++)
		assert_false(take(crowd, fds[i]));
	assert_int_equal(crowd->answered, 1);
	close(fds[0]);
	for (size_t i = 0; i < ME_ARRAY_SIZE(fds); i++)
		fds[i] = dial(crowd, LONG);
	serve_until(crowd, 2);
	me_http_free(&crowd->http);
	for (size_t i = 0; i < ME_ARRAY_SIZE(fds); i++)
		close(fds[i]);
	assert_int_equal(me_http_new(answer, crowd, &crowd->http), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_unread),
		TEST(test_read),
		TEST(test_long),
		TEST(test_long_wait),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
