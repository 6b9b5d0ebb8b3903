/* SPDX-License-Identifier: GPL-2.0-only */
/* What lines of an FTP control channel say, as servers and clients write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/inet.h"
#include "mewatch/ftp.h"

struct line {
	const char *text;
	uint32_t says;
	uint16_t port;
	const char *address;
};

static const struct line received[] = {
	{"227 Entering Passive Mode (203,0,113,10,195,149).\r\n", ME_FTP_PASSIVE, 50069,
	 "203.0.113.10"},
	{"227 Entering Passive Mode (0,0,0,0,4,1)\r\n", ME_FTP_PASSIVE, 1025, "0.0.0.0"},
	{"227 =203,0,113,10,0,99\n", ME_FTP_PASSIVE, 99, "203.0.113.10"},
	{"227 Try 5, then 203,0,113,10,1,0 or so\r\n", ME_FTP_PASSIVE, 256, "203.0.113.10"},
	{"227 203,0,113,10,1,0", 0, 0, NULL}, /* it may go on */
	{"227 Entering Passive Mode (203,0,113,10,195).\r\n", 0, 0, NULL},
	{"227 Entering Passive Mode (203,0,113,256,195,149).\r\n", 0, 0, NULL},
	{"227 Entering Passive Mode (203,0,113,0010,195,149).\r\n", 0, 0, NULL},
	{"227-Entering Passive Mode (203,0,113,10,195,149).\r\n", 0, 0, NULL},
	{"2270 (203,0,113,10,195,149)\r\n", 0, 0, NULL},
	{" 227 (203,0,113,10,195,149)\r\n", 0, 0, NULL},
	{"229 Entering Extended Passive Mode (|||6446|)\r\n", ME_FTP_EXTENDED, 6446, NULL},
	{"229 ok (!!!65535!)\r\n", ME_FTP_EXTENDED, 65535, NULL},
	{"229 ok (|||65536|)\r\n", 0, 0, NULL},
	{"229 ok (||||)\r\n", 0, 0, NULL},
	{"229 ok (|||12a|)\r\n", 0, 0, NULL},
	{"229 ok |||12|\r\n", 0, 0, NULL},
	{"234 AUTH TLS successful\r\n", ME_FTP_TLS, 0, NULL},
	{"220-Welcome\r\n227 is no reply of ours\r\n220 ready\r\n", 0, 0, NULL},
	{"200 ok\r\n229 x (|||7|)\r\n", ME_FTP_EXTENDED, 7, NULL},
	{"PORT 10,0,0,1,4,0\r\n", 0, 0, NULL}, /* not the server's to say */
	{"", 0, 0, NULL},
};

static const struct line sent[] = {
	{"PORT 10,0,0,1,4,0\r\n", ME_FTP_ACTIVE, 1024, "10.0.0.1"},
	{"port 10,0,0,1,4,0\r\n", ME_FTP_ACTIVE, 1024, "10.0.0.1"},
	{"EPRT |1|10.0.0.1|6275|\r\n", ME_FTP_EXT_ACTIVE, 6275, NULL},
	{"EPRT |2|2001:db8::1|5282|\r\n", ME_FTP_EXT_ACTIVE, 5282, NULL},
	{"EPRT |2|2001:db8::1|\r\n", 0, 0, NULL},
	{"EPRT 6275\r\n", 0, 0, NULL},
	{"AUTH TLS\r\n", 0, 0, NULL}, /* the server has yet to agree */
	{"USER 227 (1,2,3,4,5,6)\r\n", 0, 0, NULL},
	{"PORTS 10,0,0,1,4,0\r\n", 0, 0, NULL},
	{"227 Entering Passive Mode (203,0,113,10,195,149).\r\n", 0, 0, NULL},
};

static void expect(const struct line *lines, size_t n, uint32_t by_client)
{
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(lines[i].text);
		_cleanup_free_ uint8_t *exact = malloc(length + 1);
		struct me_ftp ftp;
		char address[ME_INET_LEN];

		assert_non_null(exact);
		memcpy(exact, lines[i].text, length);
		memset(&ftp, 0xa5, sizeof(ftp));
		me_ftp_read(exact, (uint32_t)length, by_client, &ftp);
		if (ftp.says != lines[i].says || ftp.port != lines[i].port)
			print_error("%s: %u, port %u\n", lines[i].text, ftp.says, ftp.port);
		assert_int_equal(ftp.says, lines[i].says);
		assert_int_equal(ftp.port, lines[i].port);
		if (!lines[i].address)
			continue;
		me_inet_format(ftp.address.byte, address);
		assert_string_equal(address, lines[i].address);
	}
}

static void the_server_says(void **state)
{
	expect(received, ME_ARRAY_SIZE(received), 0);
}

static void the_client_says(void **state)
{
	expect(sent, ME_ARRAY_SIZE(sent), 1);
}

/* Cut anywhere, a line says what it says whole, or nothing. */
static void a_part_says_nothing_else(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(received); i++) {
		size_t length = strlen(received[i].text);

		for (size_t n = 0; n <= length; n++) {
			_cleanup_free_ uint8_t *exact = malloc(n + 1);
			struct me_ftp ftp;

			assert_non_null(exact);
			memcpy(exact, received[i].text, n);
			me_ftp_read(exact, (uint32_t)n, 0, &ftp);
			if (ftp.says && ftp.port)
				assert_int_equal(ftp.port, received[i].port);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_says),
		cmocka_unit_test(the_client_says),
		cmocka_unit_test(a_part_says_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
