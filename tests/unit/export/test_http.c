/* SPDX-License-Identifier: GPL-2.0-only */
/* Real sockets, friendly and hostile clients; the server runs in this process, in its own loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "world.h"
#include "../../seed.h"
#include "base/text.h"
#include "export/api.h"

#define DEADLINE_NS (20 * ME_NS_PER_S)
#define ANSWER_MAX (1u << 20)

struct fixture {
	struct world *world;
	struct me_api api;
	struct me_http *http;
	char folder[32], path[64], tcp[32];
	uint64_t skew_ns; /* added to the server's clock */
};

static const struct me_status *status(void *data)
{
	return &((struct world *)data)->status;
}

/* A port that is free now. */
static void pick_port(char address[32])
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(any);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&any, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	snprintf(address, 32, "127.0.0.1:%u", ntohs(any.sin_port));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	_cleanup_strbuf_ struct me_strbuf error = {0};

	f->world = world_new(50);
	f->api = (struct me_api){.ledger = f->world->ledger, .data = f->world, .status = status};
	snprintf(f->folder, sizeof(f->folder), "/tmp/mewatch-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->folder);
	assert_int_equal(me_http_new(me_api_answer, &f->api, &f->http), 0);
	assert_int_equal(me_http_listen_unix(f->http, ME_HTTP_API, f->path, &error), 0);
	do {
		pick_port(f->tcp);
		me_strbuf_free(&error);
	} while (me_http_listen_tcp(f->http, ME_HTTP_METRICS, f->tcp, &error) == -EADDRINUSE);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	me_http_free(&f->http);
	assert_int_equal(access(f->path, F_OK), -1);
	rmdir(f->folder);
	world_free(f->world);
	free(f);
	return 0;
}

static int dial_unix(const char *path)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(where.sun_path, sizeof(where.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	return fd;
}

static int dial_from(const char *source, const char *address)
{
	struct sockaddr_in where = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(source)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t port;

	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_true(me_text_parse_u64(strchr(address, ':') + 1, 1, 65535, &port));
	where.sin_port = htons((uint16_t)port);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int dial_tcp(const char *address)
{
	return dial_from("127.0.0.1", address);
}

static void serve(struct fixture *f)
{
	struct pollfd pollfd = {.fd = me_http_fd(f->http), .events = POLLIN};
	int timeout = me_http_timeout(f->http);

	poll(&pollfd, 1, timeout < 0 || timeout > 5 ? 5 : timeout);
	me_http_run(f->http, me_clock_now(CLOCK_MONOTONIC) + f->skew_ns);
}

/* Reads until the end of the connection or, if `wanted` is given, until it is there. */
static char *receive(struct fixture *f, int fd, const char *wanted)
{
	uint64_t deadline = me_clock_now(CLOCK_MONOTONIC) + DEADLINE_NS;
	char *text = calloc(1, ANSWER_MAX);
	size_t len = 0;

	while (me_clock_now(CLOCK_MONOTONIC) < deadline) {
		ssize_t n = recv(fd, text + len, ANSWER_MAX - 1 - len, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return text;
		if (n > 0)
			len += (size_t)n;
		if (wanted && strstr(text, wanted))
			return text;
		serve(f);
	}
	fail_msg("no end of: %s", text);
	return text;
}

static char *ask(struct fixture *f, int fd, const char *method, const char *target)
{
	_cleanup_strbuf_ struct me_strbuf request = {0};

	me_strbuf_addf(&request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method,
		       target);
	assert_int_equal(send(fd, request.data, request.len, MSG_NOSIGNAL), request.len);
	return receive(f, fd, NULL);
}

static void expect_answer(struct fixture *f, bool tcp, const char *method, const char *target,
			  const char *status_line, const char *content)
{
	_cleanup_close_ int fd = tcp ? dial_tcp(f->tcp) : dial_unix(f->path);
	_cleanup_free_ char *answer = ask(f, fd, method, target);

	if (strncmp(answer, status_line, strlen(status_line)))
		fail_msg("%s %s: %.60s", method, target, answer);
	if (content && !strstr(answer, content))
		fail_msg("%s %s: no %s in %.600s", method, target, content, answer);
}

static void test_paths(void **state)
{
	struct fixture *f = *state;

	expect_answer(f, false, "GET", "/v1/health", "HTTP/1.1 200", "\"uptime_s\":1000");
	expect_answer(f, false, "GET", "/v1/flows?limit=2", "HTTP/1.1 200", "\"matched\":50");
	expect_answer(f, false, "GET", "/v1/flows?filter=verdict%3Aviolation+-proto%3Audp",
		      "HTTP/1.1 200", "\"matched\":5");
	expect_answer(f, false, "GET", "/v1/endpoints", "HTTP/1.1 200", "meupdate.gfi.com");
	expect_answer(f, false, "GET", "/v1/violations", "HTTP/1.1 200", "\"untold\":0");
	expect_answer(f, false, "GET", "/v1/dns?address=198.51.100.99&limit=1", "HTTP/1.1 200",
		      "\"total\":3,\"matched\":3,\"learned\":17,\"categories\":[{");
	expect_answer(f, false, "GET", "/v1/dns?name=MEUPDATE.gfi.com%2e", "HTTP/1.1 200",
		      "\"matched\":2");
	expect_answer(f, false, "GET", "/v1/dns?address=2001%3Adb8%3A%3A1", "HTTP/1.1 200",
		      "\"answers\":[]}");
	expect_answer(f, false, "GET", "/v1/dns?address=%1b", "HTTP/1.1 400",
		      "{\"error\":\"address: \\\"\\\\x1b\\\"");
	expect_answer(f, false, "GET", "/metrics", "HTTP/1.1 200", "version=0.0.4");
	expect_answer(f, false, "GET", "/v1/flows?limit=x", "HTTP/1.1 400", "{\"error\":\"limit:");
	expect_answer(f, false, "GET", "/v1/flows?filter=e%FFe%3Ax", "HTTP/1.1 200",
		      "\"matched\":0");
	expect_answer(f, false, "GET", "/v1/flows?filter=procs%3Ax", "HTTP/1.1 400",
		      "unknown term \\\"procs:\\\", did you mean \\\"proc:\\\"?");
	expect_answer(f, false, "GET", "/v1/flows?sort=%FF%22", "HTTP/1.1 400",
		      "sort: \\\"\\\\xff\\\\x22\\\"");
	expect_answer(f, false, "GET", "/v1/nothing", "HTTP/1.1 404", "/v1/flows");
	expect_answer(f, false, "GET", "/", "HTTP/1.1 404", "{\"error\":");
}

/* The metrics port has metrics and a page; what it refuses is told in plain text. */
static void test_metrics_port(void **state)
{
	static const char *const headers[] = {
		"Content-Type: text/html; charset=utf-8\r\n",
		"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; ",
		"X-Content-Type-Options: nosniff\r\n",
		"X-Frame-Options: DENY\r\n",
		"Referrer-Policy: no-referrer\r\n",
		"Cache-Control: no-store\r\n",
	};
	static const char *const others[] = {"/v1/flows", "/v1/health", "/index.html",
					     "//",        "/metrics/",  "/<b>"};
	struct fixture *f = *state;
	_cleanup_close_ int fd = dial_tcp(f->tcp);
	_cleanup_free_ char *head = ask(f, fd, "HEAD", "/");

	expect_answer(f, true, "GET", "/metrics", "HTTP/1.1 200", "mewatch_attempts_total");
	expect_answer(f, true, "GET", "/", "HTTP/1.1 200", "<a href=\"/metrics\">");
	expect_answer(f, true, "GET", "/?a=b", "HTTP/1.1 200", "\n</html>\n");
	assert_int_equal(strncmp(head, "HTTP/1.1 200", 12), 0);
	assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
	for (size_t i = 0; i < ME_ARRAY_SIZE(headers); i++)
		if (!strstr(head, headers[i]))
			fail_msg("no %s in %s", headers[i], head);
	for (size_t i = 0; i < ME_ARRAY_SIZE(others); i++) {
		expect_answer(f, true, "GET", others[i], "HTTP/1.1 404",
			      "Content-Type: text/plain; charset=utf-8\r\n");
		expect_answer(f, true, "GET", others[i], "HTTP/1.1 404",
			      "\r\n\r\nthere is / and /metrics\n");
	}
	expect_answer(f, true, "POST", "/", "HTTP/1.1 405", "Allow: GET, HEAD\r\n");
	expect_answer(f, true, "PUT", "/metrics", "HTTP/1.1 405",
		      "\r\n\r\nonly GET and HEAD are answered\n");
}

static void test_methods(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int fd = dial_unix(f->path);
	_cleanup_free_ char *head = ask(f, fd, "HEAD", "/v1/health");

	assert_int_equal(strncmp(head, "HTTP/1.1 200", 12), 0);
	assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
	expect_answer(f, true, "POST", "/metrics", "HTTP/1.1 405", "Allow: GET, HEAD");
	expect_answer(f, false, "POST", "/v1/flows", "HTTP/1.1 405", "only /v1/mode");
	expect_answer(f, false, "DELETE", "/v1/flows", "HTTP/1.1 405", "only GET and HEAD");
	expect_answer(f, false, "BREW", "/metrics", "HTTP/1.1 405", NULL);
}

/* What was said, as the daemon would hear it. */
static void say(void *data, int mode, uint64_t for_ns)
{
	struct world *world = data;

	world->status.mode.mode = mode;
	world->status.mode.until_ns = for_ns;
}

static void test_mode(void **state)
{
	static const struct {
		const char *target, *answer, *content;
		int mode;
		uint64_t for_ns;
	} row[] = {
		{"/v1/mode?set=enforce", "HTTP/1.1 200", "\"mode\":\"enforce\"", ME_MODE_ENFORCE,
		 0},
		{"/v1/mode?set=shadow&for=10m", "HTTP/1.1 200", "\"mode\":\"shadow\"",
		 ME_MODE_SHADOW, 600 * ME_NS_PER_S},
		{"/v1/mode?set=monitor", "HTTP/1.1 200", "\"mode\":\"monitor\"", 0, 0},
		{"/v1/mode?set=policy", "HTTP/1.1 200", NULL, -1, 0},
		{"/v1/mode?set=policy&for=10m", "HTTP/1.1 400", "`for`", 7, 7},
		{"/v1/mode?set=enforce&for=10", "HTTP/1.1 400", "`for`", 7, 7},
		{"/v1/mode?set=enforce&for=0s", "HTTP/1.1 400", "`for`", 7, 7},
		{"/v1/mode?set=deny", "HTTP/1.1 400", "`set`", 7, 7},
		{"/v1/mode", "HTTP/1.1 400", "`set`", 7, 7},
	};
	struct fixture *f = *state;

	f->api.say = say;
	for (size_t i = 0; i < ME_ARRAY_SIZE(row); i++) {
		f->world->status.mode.mode = 7;
		f->world->status.mode.until_ns = 7;
		expect_answer(f, false, "POST", row[i].target, row[i].answer, row[i].content);
		assert_int_equal(f->world->status.mode.mode, row[i].mode);
		assert_int_equal(f->world->status.mode.until_ns, row[i].for_ns);
	}
	f->world->status.mode.mode = 0;
	expect_answer(f, true, "POST", "/v1/mode?set=enforce", "HTTP/1.1 405", NULL);
	expect_answer(f, false, "GET", "/v1/mode?set=enforce", "HTTP/1.1 404", NULL);
	assert_int_equal(f->world->status.mode.mode, 0);
}

/* A body of any size does not get in. */
static void test_post_with_a_body(void **state)
{
	static const char begin[] = "POST /v1/flows HTTP/1.1\r\nHost: x\r\n"
				    "Content-Length: 1000000000000\r\n\r\n0123456789";
	struct fixture *f = *state;
	_cleanup_close_ int fd = dial_unix(f->path);
	_cleanup_free_ char *answer = NULL;

	assert_int_equal(send(fd, begin, strlen(begin), MSG_NOSIGNAL), strlen(begin));
	answer = receive(f, fd, "only GET and HEAD");
	assert_int_equal(strncmp(answer, "HTTP/1.1 405", 12), 0);
}

static void test_huge_header(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int fd = dial_unix(f->path);
	_cleanup_strbuf_ struct me_strbuf request = {0};
	_cleanup_free_ char *answer = NULL;
	size_t sent = 0;

	me_strbuf_adds(&request, "GET /v1/health HTTP/1.1\r\nHost: x\r\nX: ");
	for (unsigned int i = 0; i < 4 * ME_HTTP_REQUEST_MAX; i++)
		me_strbuf_addc(&request, 'x');
	for (int tries = 0; sent < request.len && tries < 1000; tries++) {
		ssize_t n = send(fd, request.data + sent, request.len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		serve(f);
	}
	answer = receive(f, fd, NULL);
	if (*answer && strncmp(answer, "HTTP/1.1 4", 10))
		fail_msg("%.60s", answer);
	expect_answer(f, false, "GET", "/v1/health", "HTTP/1.1 200", NULL);
}

/* No bytes get an answer that says success, and none keep the connection. */
static void test_garbage(void **state)
{
	struct fixture *f = *state;
	unsigned int seed = (unsigned int)me_seed();

	for (int i = 0; i < 50; i++) {
		_cleanup_close_ int fd = dial_unix(f->path);
		_cleanup_free_ char *answer = NULL;
		char bytes[300];

		for (size_t b = 0; b < sizeof(bytes); b++)
			bytes[b] = (char)rand_r(&seed);
		send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		/* It is cut off by its time at the latest. */
		serve(f);
		f->skew_ns += ME_HTTP_REQUEST_NS + ME_NS_PER_S;
		answer = receive(f, fd, NULL);
		assert_int_not_equal(strncmp(answer, "HTTP/1.1 2", 10), 0);
	}
	expect_answer(f, false, "GET", "/v1/health", "HTTP/1.1 200", NULL);
}

/* A client that sends a byte now and then is cut off, and others are served meanwhile. */
static void test_slow_client(void **state)
{
	static const char request[] = "GET /v1/health HTTP/1.1\r\nHost: x\r\n";
	struct fixture *f = *state;
	_cleanup_close_ int fd = dial_unix(f->path);
	_cleanup_free_ char *answer = NULL;

	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(send(fd, &request[i], 1, MSG_NOSIGNAL), 1);
		serve(f);
	}
	expect_answer(f, false, "GET", "/v1/health", "HTTP/1.1 200", NULL);
	f->skew_ns = ME_HTTP_REQUEST_NS + ME_NS_PER_S;
	answer = receive(f, fd, NULL);
	assert_string_equal(answer, "");
}

static bool is_open(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return n < 0 && errno == EAGAIN;
}

/* Many idle connections, by which nobody is kept out: those that waited longest end, at once. */
static void test_many_connections(void **state)
{
	struct fixture *f = *state;
	static int fds[1000];
	size_t open = 0, first = 0;

	for (int tcp = 0; tcp < 2; tcp++) {
		const size_t most = tcp ? ME_HTTP_CONNECTIONS_IP : ME_HTTP_CONNECTIONS;

		for (size_t i = 0; i < ME_ARRAY_SIZE(fds); i++) {
			fds[i] = tcp ? dial_tcp(f->tcp) : dial_unix(f->path);
			serve(f);
			/* Somebody asks in between. */
			if (i % 100 == 99)
				expect_answer(f, tcp, "GET", tcp ? "/metrics" : "/v1/health",
					      "HTTP/1.1 200", NULL);
		}
		for (int i = 0; i < 20; i++)
			serve(f);
		open = first = 0;
		for (size_t i = 0; i < ME_ARRAY_SIZE(fds); i++) {
			open += is_open(fds[i]);
			first += !open;
			close(fds[i]);
		}
		/* The last ones stay, but for the one that made room for who asked. */
		assert_in_range(open, most - 1, most);
		assert_int_equal(first + open, ME_ARRAY_SIZE(fds));
	}
}

/* One address cannot end the connections of another, nor can those of one listener end another's. */
static void test_others_keep_theirs(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int other = dial_from("127.0.0.9", f->tcp), local = dial_unix(f->path);
	int fds[200];

	serve(f);
	for (size_t i = 0; i < ME_ARRAY_SIZE(fds); i++) {
		fds[i] = dial_tcp(f->tcp);
		serve(f);
	}
	for (int i = 0; i < 20; i++)
		serve(f);
	assert_true(is_open(other));
	assert_true(is_open(local));
	for (size_t i = 0; i < ME_ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void test_keep_alive(void **state)
{
	static const char request[] = "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fixture *f = *state;
	_cleanup_close_ int fd = dial_unix(f->path);

	/* Half of what one request may take lies between two: the time counts from the last one. */
	for (int i = 0; i < 5; i++) {
		_cleanup_free_ char *answer = NULL;

		assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
		answer = receive(f, fd, "\"problems\":");
		assert_int_equal(strncmp(answer, "HTTP/1.1 200", 12), 0);
		f->skew_ns += ME_HTTP_REQUEST_NS / 2;
	}
}

static void test_socket_path(void **state)
{
	struct fixture *f = *state;
	char path[80], long_path[200];
	struct stat st;
	_cleanup_close_ int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	_cleanup_strbuf_ struct me_strbuf live = {0}, file = {0}, too_long = {0}, missing = {0};
	struct me_http *other = NULL;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(me_http_new(me_api_answer, &f->api, &other), 0);
	assert_int_equal(me_http_listen_unix(other, ME_HTTP_API, f->path, &live), -EADDRINUSE);
	assert_non_null(strstr(live.data, f->path));
	assert_non_null(strstr(live.data, "is mewatch running?"));

	/* Left behind by a process that was killed. */
	snprintf(path, sizeof(path), "%s/stale", f->folder);
	snprintf(where.sun_path, sizeof(where.sun_path), "%s", path);
	assert_int_equal(bind(stale, (struct sockaddr *)&where, sizeof(where)), 0);
	close(me_steal_fd(&stale));
	assert_int_equal(me_http_listen_unix(other, ME_HTTP_API, path, &live), 0);

	snprintf(path, sizeof(path), "%s/file", f->folder);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(me_http_listen_unix(other, ME_HTTP_API, path, &file), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(me_http_listen_unix(other, ME_HTTP_API, long_path, &too_long),
			 -ENAMETOOLONG);
	assert_non_null(strstr(too_long.data, "1 to 107 bytes"));
	assert_int_equal(me_http_listen_unix(other, ME_HTTP_API, "/nowhere/sock", &missing),
			 -ENOENT);
	assert_non_null(strstr(missing.data, "/nowhere/sock"));
	me_http_free(&other);
}

static void test_tcp_address(void **state)
{
	struct fixture *f = *state;
	_cleanup_strbuf_ struct me_strbuf taken = {0}, bad = {0};

	assert_int_equal(me_http_listen_tcp(f->http, ME_HTTP_METRICS, f->tcp, &taken), -EADDRINUSE);
	assert_non_null(strstr(taken.data, f->tcp));
	assert_int_equal(me_http_listen_tcp(f->http, ME_HTTP_METRICS, "localhost", &bad), -EINVAL);
	assert_non_null(strstr(bad.data, "ADDRESS:PORT"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_paths),
		TEST(test_metrics_port),
		TEST(test_methods),
		TEST(test_mode),
		TEST(test_post_with_a_body),
		TEST(test_huge_header),
		TEST(test_garbage),
		TEST(test_slow_client),
		TEST(test_many_connections),
		TEST(test_others_keep_theirs),
		TEST(test_keep_alive),
		TEST(test_socket_path),
		TEST(test_tcp_address),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
