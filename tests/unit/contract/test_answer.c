/* SPDX-License-Identifier: GPL-2.0-only */
/* What endpoints answer first, as servers write it; cut at every byte, each cut in memory of its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mewatch/answer.h"

struct answer {
	const char *bytes;
	size_t length;
	size_t enough; /* bytes from which on it is known */
	uint16_t is;
};

#define HTTP(text, is)                                                                             \
	{                                                                                          \
		text, sizeof(text) - 1, 12, is                                                     \
	}
#define TLS(text, is)                                                                              \
	{                                                                                          \
		text, sizeof(text) - 1, 7, is                                                      \
	}

static const struct answer answers[] = {
	HTTP("HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n", 200),
	HTTP("HTTP/1.0 301 Moved\r\n", 301),
	HTTP("HTTP/1.1 304\r\n", 304),
	HTTP("HTTP/1.1 404 Not Found\r\n", 404),
	HTTP("HTTP/1.1 503", 503),
	HTTP("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n", 100),
	HTTP("HTTP/1.9 999 \r\n", 999),
	HTTP("HTTP/1.1 099 low\r\n", 0),
	HTTP("HTTP/1.1 40x\r\n", 0),
	HTTP("HTTP/1.1  404\r\n", 0),
	HTTP("HTTP/2.0 404 no\r\n", 0),
	HTTP("http/1.1 404 no\r\n", 0),
	HTTP("ICY 200 OK\r\n\r\n", 0),
	HTTP("SSH-2.0-OpenSSH_9.2\r\n", 0),
	HTTP("220 ready\r\n503 503 503\r\n", 0),
	TLS("\x15\x03\x03\0\2\2\x28", ME_ANSWER_ALERT | 40),
	TLS("\x15\x03\x01\0\2\2\x46", ME_ANSWER_ALERT | 70),
	TLS("\x15\x03\x03\0\2\2\x70\x15\x03\x03\0\2\1\0", ME_ANSWER_ALERT | 112),
	TLS("\x15\x03\x00\0\2\2\0", ME_ANSWER_ALERT),
	TLS("\x15\x03\x03\0\2\1\x70", 0),     /* a warning */
	TLS("\x15\x03\x03\0\x1a\2\x28", 0),   /* encrypted */
	TLS("\x15\x02\x03\0\2\2\x28", 0),     /* no version of TLS */
	TLS("\x15\x03\x05\0\2\2\x28", 0),     /* nor that */
	TLS("\x16\x03\x03\0\x7a\2\0\0", 0),   /* a ServerHello */
	TLS("\x14\x03\x03\0\1\1\0\0\0\0", 0), /* a change of cipher */
	{"", 0, 0, 0},
};

/* Exactly so many bytes, so that a look behind them is seen. */
static uint16_t read_cut(const struct answer *answer, size_t length)
{
	_cleanup_free_ uint8_t *copy = malloc(length ? length : 1);

	memcpy(copy, answer->bytes, length);
	return me_answer_read(copy, (uint32_t)length);
}

static void each_is_read(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		assert_int_equal(read_cut(&answers[i], answers[i].length), answers[i].is);
}

static void cut_at_every_byte(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		for (size_t n = 0; n <= answers[i].length; n++)
			assert_int_equal(read_cut(&answers[i], n),
					 n < answers[i].enough ? 0 : answers[i].is);
}

static void which_failed(void **state)
{
	static const struct {
		uint16_t answer;
		bool failed, succeeded;
	} all[] = {
		{0, false, false},
		{100, false, true},
		{200, false, true},
		{399, false, true},
		{400, true, false},
		{999, true, false},
		{ME_ANSWER_ALERT, true, false},
		{ME_ANSWER_ALERT | 255, true, false},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_int_equal(me_answer_failed(all[i].answer), all[i].failed);
		assert_int_equal(me_answer_succeeded(all[i].answer), all[i].succeeded);
	}
}

static void alerts_have_names(void **state)
{
	assert_string_equal(me_alert_label(40), "handshake_failure");
	assert_string_equal(me_alert_label(112), "unrecognized_name");
	assert_null(me_alert_label(255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_read),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(which_failed),
		cmocka_unit_test(alerts_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
