/* SPDX-License-Identifier: GPL-2.0-only */
/* What a client asks a proxy for, as curl, browsers and the malicious write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../seed.h"
#include "base/cleanup.h"
#include "mewatch/request.h"

/* The request of exactly these bytes, so that a look behind them is seen; over a filled pattern. */
static struct me_request parse(const void *bytes, size_t n)
{
	_cleanup_free_ uint8_t *copy = malloc(n);
	struct me_request request;

	assert_true(copy || !n);
	if (n)
		memcpy(copy, bytes, n);
	memset(&request, 0xa5, sizeof(request));
	me_request_parse(copy, (uint32_t)n, &request);
	return request;
}

/* "GET http://a.example:80/path", by what was read; "more", "none". */
static const char *show(const struct me_request *r)
{
	static const char *const schemes[] = {"http", "https", "ftp"};
	static char out[2048];

	if (r->kind == ME_REQUEST_MORE || r->kind == ME_REQUEST_NONE) {
		struct me_request empty = {.kind = r->kind};

		assert_memory_equal(r, &empty, sizeof(empty));
		return r->kind == ME_REQUEST_MORE ? "more" : "none";
	}
	assert_int_equal(strlen(r->path), r->path_length);
	snprintf(out, sizeof(out), "%s%s %s%s%s:%u%s", r->method, r->named ? "" : "!",
		 r->kind == ME_REQUEST_ABSOLUTE ? schemes[r->scheme] : "",
		 r->kind == ME_REQUEST_ABSOLUTE ? "://" : "", r->host, r->port, r->path);
	return out;
}

static const struct {
	const char *line; /* without its end */
	const char *want;
} lines[] = {
	{"CONNECT meupdate.gfi.com:443 HTTP/1.1", "CONNECT meupdate.gfi.com:443"},
	{"CONNECT MEUPDATE.gfi.COM.:443 HTTP/1.0", "CONNECT meupdate.gfi.com:443"},
	{"CONNECT 192.0.2.1:65535 HTTP/1.1", "CONNECT! 192.0.2.1:65535"},
	{"CONNECT [2001:DB8::1]:443 HTTP/1.1", "CONNECT! 2001:db8::1:443"},
	{"CONNECT [::ffff:192.0.2.1]:443 HTTP/1.1", "CONNECT! ::ffff:192.0.2.1:443"},
	{"CONNECT 2130706433:80 HTTP/1.1", "CONNECT! 2130706433:80"},
	{"CONNECT 0x7f.1:80 HTTP/1.1", "CONNECT! 0x7f.1:80"},
	{"CONNECT user:secret@a.example:443 HTTP/1.1", "CONNECT a.example:443"},
	{"CONNECT a.example HTTP/1.1", "none"},
	{"CONNECT a.example: HTTP/1.1", "none"},
	{"CONNECT a.example:0 HTTP/1.1", "none"},
	{"CONNECT a.example:65536 HTTP/1.1", "none"},
	{"CONNECT a.example:99999999999999999999 HTTP/1.1", "none"},
	{"CONNECT :443 HTTP/1.1", "none"},
	{"CONNECT []:443 HTTP/1.1", "none"},
	{"CONNECT [fe80::1%25eth0]:443 HTTP/1.1", "none"},
	{"CONNECT [2001:db8::1:443 HTTP/1.1", "none"},
	{"CONNECT [0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:443 HTTP/1.1", "none"},
	{"CONNECT a.example:443/x HTTP/1.1", "none"},
	{"CONNECT a..example:443 HTTP/1.1", "none"},
	{"CONNECT /x HTTP/1.1", "none"},
	{"CONNECT  a.example:443 HTTP/1.1", "none"},
	{"CONNECT a.example:443 HTTP/2.0", "none"},
	{"connect a.example:443 HTTP/1.1", "none"}, /* methods have a case */
	{"CONNECTED http://a.example HTTP/1.1", "CONNECTED http://a.example:80"},
	{"GET http://meupdate.gfi.com/incav2/avira?key=1#x HTTP/1.1",
	 "GET http://meupdate.gfi.com:80/incav2/avira"},
	{"GET HTTP://Meupdate.GFI.com HTTP/1.1", "GET http://meupdate.gfi.com:80"},
	{"GET http://a.example?q HTTP/1.1", "GET http://a.example:80"},
	{"GET http://a.example:8080/ HTTP/1.1", "GET http://a.example:8080/"},
	{"GET http://a.example:/ HTTP/1.1", "GET http://a.example:80/"},
	{"POST https://a.example/p HTTP/1.1", "POST https://a.example:443/p"},
	{"GET ftp://ftp.gfisoftware.com/version.txt HTTP/1.1",
	 "GET ftp://ftp.gfisoftware.com:21/version.txt"},
	{"GET ftp://u:p@ftp.gfisoftware.com/a@b HTTP/1.1", "GET ftp://ftp.gfisoftware.com:21/a@b"},
	{"GET http://listed.example@a.example/ HTTP/1.1", "GET http://a.example:80/"},
	{"GET http://a@b@a.example/ HTTP/1.1", "GET http://a.example:80/"},
	{"GET http://a.example/\xc3\xa9 HTTP/1.1", "GET http://a.example:80/\xc3\xa9"},
	{"GET http://[2001:db8::1]/x HTTP/1.1", "GET! http://2001:db8::1:80/x"},
	{"GET http://[2001:db8::1]:8080/x HTTP/1.1", "GET! http://2001:db8::1:8080/x"},
	{"GET http://192.0.2.1/x HTTP/1.1", "GET! http://192.0.2.1:80/x"},
	{"GET http:///x HTTP/1.1", "none"},
	{"GET http:/a.example/ HTTP/1.1", "none"},
	{"GET ws://a.example/ HTTP/1.1", "none"},
	{"GET httpss://a.example/ HTTP/1.1", "none"},
	{"GET htt://a.example/ HTTP/1.1", "none"},
	{"GET ht-p://a.example/ HTTP/1.1", "none"},
	{"GET http://a.example/ ", "none"},
	{"GET /rules.bin HTTP/1.1", "none"},
	{"OPTIONS * HTTP/1.1", "none"},
	{"PRI * HTTP/2.0", "none"},
	{"GET", "none"},
	{" CONNECT a.example:443 HTTP/1.1", "none"},
	{"\x16\x03\x01", "none"},
};

static void test_lines(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		static const char *const ends[] = {"\r\n", "\n", "\r\nHost: other.example\r\n\r\n"};

		for (size_t e = 0; e < ME_ARRAY_SIZE(ends); e++) {
			char text[512];
			struct me_request request;

			snprintf(text, sizeof(text), "%s%s", lines[i].line, ends[e]);
			request = parse(text, strlen(text));
			if (strcmp(show(&request), lines[i].want))
				fail_msg("%s: %s", lines[i].line, show(&request));
		}
	}
}

/* Wherever it is cut, it says that more is needed, or what it says of the whole. */
static void test_cuts(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		char text[512];
		size_t decided = strlen(lines[i].line);

		snprintf(text, sizeof(text), "%s\r\n", lines[i].line);
		for (size_t n = 0; n < strlen(text); n++) {
			struct me_request request = parse(text, n);
			const char *says = show(&request);

			if (strcmp(says, "more") && strcmp(says, lines[i].want))
				fail_msg("%zu bytes of %s: %s", n, lines[i].line, says);
			/* Nothing but the end of the line makes it a request. */
			if (n <= decided && strcmp(says, "more") && strcmp(says, "none"))
				fail_msg("%zu bytes of %s: %s", n, lines[i].line, says);
		}
	}
	assert_string_equal(show(&(struct me_request){0}), "more");
}

static void test_bounds(void **state)
{
	char text[4096];
	struct me_request request;
	char label[64] = "";

	/* A path is cut, its request is none the less one. */
	snprintf(text, sizeof(text), "GET http://a.example/%02000d HTTP/1.1\r\n", 0);
	request = parse(text, strlen(text));
	assert_int_equal(request.kind, ME_REQUEST_ABSOLUTE);
	assert_int_equal(request.path_length, ME_CLAIM_PATH_MAX - 1);
	/* The longest name, and one byte more. */
	memset(label, 'a', 63);
	snprintf(text, sizeof(text), "CONNECT %s.%s.%s.%.61s:1 HTTP/1.1\r\n", label, label, label,
		 label);
	request = parse(text, strlen(text));
	assert_int_equal(strlen(request.host), 253);
	snprintf(text, sizeof(text), "CONNECT %s.%s.%s.%.62s:1 HTTP/1.1\r\n", label, label, label,
		 label);
	request = parse(text, strlen(text));
	assert_int_equal(request.kind, ME_REQUEST_NONE);
	/* So with methods. */
	snprintf(text, sizeof(text), "%.32s http://a.example HTTP/1.1\r\n", label);
	request = parse(text, strlen(text));
	assert_int_equal(strlen(request.method), 32);
	snprintf(text, sizeof(text), "%.33s http://a.example HTTP/1.1\r\n", label);
	request = parse(text, strlen(text));
	assert_int_equal(request.kind, ME_REQUEST_NONE);
}

/* A byte of a request changed, anywhere: never out of bounds, and never another host by half. */
static void test_mutations(void **state)
{
	uint64_t seed = me_seed();

	for (int i = 0; i < 200000; i++) {
		size_t which = me_seed_next(&seed) % ME_ARRAY_SIZE(lines);
		char text[512];
		struct me_request request;
		size_t n;

		snprintf(text, sizeof(text), "%s\r\n", lines[which].line);
		n = strlen(text);
		text[me_seed_next(&seed) % n] = (char)me_seed_next(&seed);
		request = parse(text, n);
		show(&request);
		if (request.kind >= ME_REQUEST_CONNECT) {
			assert_true(request.port && *request.host && *request.method);
			assert_null(strpbrk(request.host, "@/?# []%"));
			assert_null(strpbrk(request.path, "?# "));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
