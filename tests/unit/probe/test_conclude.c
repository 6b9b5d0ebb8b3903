/* SPDX-License-Identifier: GPL-2.0-only */
/* What the end of a connection means: the outcome, what is said of it, and certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "base/cleanup.h"
#include "probe/conclude.h"
#include "probe/greeting.h"

static void outcomes(void **state)
{
	static const struct {
		enum me_probe_method method;
		const char *proxy;
		struct me_dial_end end;
		enum me_probe_outcome outcome;
		int status;
		const char *detail;
	} cases[] = {
		{ME_PROBE_BY_HTTP, NULL, {.status = 200}, ME_PROBE_OK, 200, ""},
		{ME_PROBE_BY_HTTP, NULL, {.status = 399}, ME_PROBE_OK, 399, ""},
		{ME_PROBE_BY_HTTP, NULL, {.status = 400}, ME_PROBE_HTTP, 400, ""},
		{ME_PROBE_BY_HTTP, NULL, {.status = 403}, ME_PROBE_HTTP, 403, ""},
		{ME_PROBE_BY_HTTP, NULL, {.status = 404}, ME_PROBE_OK, 404, ""},
		{ME_PROBE_BY_HTTP, NULL, {.status = 405}, ME_PROBE_OK, 405, ""},
		{ME_PROBE_BY_HTTP, NULL, {.status = 503}, ME_PROBE_HTTP, 503, ""},
		{ME_PROBE_BY_HTTP,
		 NULL,
		 {.status = 302, .redirect = "b.example"},
		 ME_PROBE_OK,
		 302,
		 "redirects to b.example"},
		{ME_PROBE_BY_HTTP,
		 NULL,
		 {.status = 301, .redirect = "a.example"},
		 ME_PROBE_OK,
		 301,
		 ""},
		{ME_PROBE_BY_TLS, NULL, {.kind = ME_END_DONE}, ME_PROBE_OK, 0, ""},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_CONNECTION, .error = ECONNREFUSED},
		 ME_PROBE_REFUSED,
		 0,
		 ""},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_CONNECTION, .error = EHOSTUNREACH},
		 ME_PROBE_UNREACHABLE,
		 0,
		 "host unreachable, or prohibited"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_CONNECTION, .error = EACCES},
		 ME_PROBE_UNREACHABLE,
		 0,
		 "administratively prohibited"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_CONNECTION, .error = ENETUNREACH},
		 ME_PROBE_UNREACHABLE,
		 0,
		 "network unreachable"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_CONNECTION, .error = ETIMEDOUT},
		 ME_PROBE_TIMEOUT,
		 0,
		 "connecting"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_CONNECTION, .error = EPERM},
		 ME_PROBE_DENIED,
		 0,
		 "Operation not permitted"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_CONNECTION, .error = EMFILE},
		 ME_PROBE_INTERNAL,
		 0,
		 "Too many open files"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_CONNECTION, .said = "no idea"},
		 ME_PROBE_UNREACHABLE,
		 0,
		 "no idea"},
		{ME_PROBE_BY_TLS,
		 "192.0.2.1:3128",
		 {ME_END_NO_CONNECTION, .error = ECONNREFUSED},
		 ME_PROBE_PROXY,
		 0,
		 "Connection refused"},
		{ME_PROBE_BY_CONNECT,
		 NULL,
		 {.kind = ME_END_TIMEOUT},
		 ME_PROBE_TIMEOUT,
		 0,
		 "connecting"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_TIMEOUT, .connected = true},
		 ME_PROBE_TIMEOUT,
		 0,
		 "connected, but no handshake"},
		{ME_PROBE_BY_HTTP,
		 NULL,
		 {ME_END_TIMEOUT, .connected = true},
		 ME_PROBE_TIMEOUT,
		 0,
		 "connected, but no answer"},
		{ME_PROBE_BY_FTP,
		 NULL,
		 {ME_END_TIMEOUT, .connected = true},
		 ME_PROBE_TIMEOUT,
		 0,
		 "connected, but no greeting"},
		{ME_PROBE_BY_TLS,
		 "192.0.2.1:3128",
		 {.kind = ME_END_TIMEOUT},
		 ME_PROBE_PROXY,
		 0,
		 "the proxy does not answer"},
		{ME_PROBE_BY_TLS,
		 "192.0.2.1:3128",
		 {ME_END_TIMEOUT, .connected = true},
		 ME_PROBE_TIMEOUT,
		 0,
		 "connected, but no answer of the proxy"},
		{ME_PROBE_BY_TLS,
		 "192.0.2.1:3128",
		 {ME_END_TIMEOUT, .connected = true, .proxy_status = 200},
		 ME_PROBE_TIMEOUT,
		 0,
		 "connected, but no handshake"},
		{ME_PROBE_BY_TLS,
		 "192.0.2.1:3128",
		 {ME_END_CUT, .proxy_status = 403, .said = "x"},
		 ME_PROBE_PROXY,
		 403,
		 ""},
		{ME_PROBE_BY_HTTP, NULL, {ME_END_CUT, .said = "cut"}, ME_PROBE_RESET, 0, "cut"},
		{ME_PROBE_BY_FTP,
		 NULL,
		 {ME_END_CUT, .said = "cut"},
		 ME_PROBE_RESET,
		 0,
		 "no greeting"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_HANDSHAKE, .said = "error:1:SSL routines::an alert"},
		 ME_PROBE_TLS,
		 0,
		 "an alert"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_HANDSHAKE, .said = "nothing::"},
		 ME_PROBE_TLS,
		 0,
		 "nothing::"},
		{ME_PROBE_BY_TLS,
		 NULL,
		 {ME_END_NO_HANDSHAKE, .said = "x", .error = ECONNRESET},
		 ME_PROBE_RESET,
		 0,
		 "in the handshake"},
		{ME_PROBE_BY_HTTP,
		 NULL,
		 {ME_END_NONSENSE, .said = "HTTP/0.9"},
		 ME_PROBE_PROTOCOL,
		 0,
		 "HTTP/0.9"},
		{ME_PROBE_BY_HTTP,
		 NULL,
		 {ME_END_INTERNAL, .said = "memory"},
		 ME_PROBE_INTERNAL,
		 0,
		 "memory"},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		struct me_dial dial = {
			.name = "a.example", .method = cases[i].method, .proxy = cases[i].proxy};

		me_dial_conclude(&dial, &cases[i].end);
		assert_int_equal(dial.outcome, cases[i].outcome);
		assert_int_equal(dial.status, cases[i].status);
		assert_string_equal(dial.detail, cases[i].detail);
		assert_int_equal(me_probe_is_bad(dial.outcome), dial.outcome != ME_PROBE_OK);
	}
}

static void greeted(void **state)
{
	static const struct {
		int code;
		enum me_probe_outcome outcome;
		int status;
	} cases[] = {
		{220, ME_PROBE_OK, 220},
		{120, ME_PROBE_FTP, 120},
		{421, ME_PROBE_FTP, 421},
		{-EPROTO, ME_PROBE_PROTOCOL, 0},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		struct me_dial dial = {.method = ME_PROBE_BY_FTP};

		me_dial_greeted(&dial, cases[i].code);
		assert_int_equal(dial.outcome, cases[i].outcome);
		assert_int_equal(dial.status, cases[i].status);
	}
}

/* Each is read a byte more at a time: nothing is said before the last line is whole. */
static void greetings(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{"220 welcome\r\n", 220},
		{"220 \n", 220},
		{"421 too many\r\n", 421},
		{"220-one\r\n220-two\r\n220 three\r\n", 220},
		{"220-one\r\n 220 not yet\r\n230 nor this\r\n220 three\r\n", 220},
		{"220-one\r\n\r\n220-\r\n220 \r\n", 220},
		{"SSH-2.0-OpenSSH\r\n", -EPROTO},
		{"HTTP/1.1 400 Bad Request\r\n", -EPROTO},
		{"\r\n", -EPROTO},
		{"220\r\n", -EPROTO},
		{"2200 x\r\n", -EPROTO},
		{"020 x\r\n", -EPROTO},
		{"620 x\r\n", -EPROTO},
		{"2x0 x\r\n", -EPROTO},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		size_t length = strlen(cases[i].text);

		for (size_t n = 0; n < length; n++)
			assert_int_equal(me_greeting_read(cases[i].text, n), 0);
		assert_int_equal(me_greeting_read(cases[i].text, length), cases[i].code);
	}
}

static void a_greeting_without_an_end(void **state)
{
	char text[ME_GREETING_MAX];

	memset(text, 'x', sizeof(text));
	memcpy(text, "220-", 4);
	assert_int_equal(me_greeting_read(text, sizeof(text) - 1), 0);
	assert_int_equal(me_greeting_read(text, sizeof(text)), -EPROTO);
}

static void certificates(void **state)
{
	enum { THEN = 1000, NOW = 2000, LATER = 3000 };
	static const struct {
		struct me_certificate certificate;
		enum me_trust trust;
		bool named;
		enum me_certificate_problem problem;
	} cases[] = {
		{{"a", "b", .starts = THEN, .expires = LATER}, ME_TRUST_ALL, true, 0},
		{{"a", "b", .starts = THEN, .expires = LATER},
		 ME_TRUST_CHAIN,
		 true,
		 ME_CERTIFICATE_NAME},
		{{"a", "b", .starts = THEN, .expires = LATER}, ME_TRUST_CHAIN, false, 0},
		{{"a", "b", .starts = THEN, .expires = LATER},
		 ME_TRUST_NONE,
		 true,
		 ME_CERTIFICATE_ISSUER},
		{{"a", "a", .starts = THEN, .expires = LATER},
		 ME_TRUST_NONE,
		 true,
		 ME_CERTIFICATE_SELF_SIGNED},
		{{"a", "a", .starts = THEN, .expires = THEN},
		 ME_TRUST_NONE,
		 true,
		 ME_CERTIFICATE_EXPIRED},
		{{"a", "b", .starts = LATER, .expires = LATER},
		 ME_TRUST_NONE,
		 false,
		 ME_CERTIFICATE_EARLY},
		{{"a", "b", .starts = -1, .expires = -1},
		 ME_TRUST_NONE,
		 true,
		 ME_CERTIFICATE_ISSUER},
		{{"a", "a", .starts = THEN, .expires = LATER, .unchecked = true},
		 ME_TRUST_NONE,
		 true,
		 0},
		{{"a", "a", .starts = THEN, .expires = THEN, .unchecked = true},
		 ME_TRUST_NONE,
		 true,
		 ME_CERTIFICATE_EXPIRED},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		struct me_dial dial = {.method = ME_PROBE_BY_TLS};
		const struct me_dial_end done = {0};

		dial.certificate = cases[i].certificate;
		dial.certificate.problem = me_certificate_problem(&dial.certificate, cases[i].trust,
								  cases[i].named, NOW);
		assert_int_equal(dial.certificate.problem, cases[i].problem);
		me_dial_conclude(&dial, &done);
		assert_int_equal(dial.outcome,
				 cases[i].problem ? ME_PROBE_CERTIFICATE : ME_PROBE_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes),     cmocka_unit_test(greeted),
		cmocka_unit_test(greetings),    cmocka_unit_test(a_greeting_without_an_end),
		cmocka_unit_test(certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
