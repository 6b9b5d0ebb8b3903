/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../seed.h"
#include "base/cleanup.h"

#define LABEL63 "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"
#define NAME253                                                                                    \
	LABEL63 "." LABEL63 "." LABEL63 "."                                                        \
		"abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwx"

/* --- Both ------------------------------------------------------------------------------------ */

/* What is true of every claim, whatever was read. */
static void check_claim(const struct me_claim *claim)
{
	assert_int_equal(claim->name_length, strnlen(claim->name, sizeof(claim->name)));
	assert_int_equal(claim->path_length, strnlen(claim->path, sizeof(claim->path)));
	assert_true(claim->name_length < sizeof(claim->name));
	assert_true(claim->path_length < sizeof(claim->path));
	assert_int_equal(claim->name_length != 0, claim->kind == ME_CLAIM_NAME);
	for (size_t i = claim->name_length; i < sizeof(claim->name); i++)
		assert_int_equal(claim->name[i], 0);
	for (size_t i = claim->path_length; i < sizeof(claim->path); i++)
		assert_int_equal(claim->path[i], 0);
	assert_in_range(claim->kind, ME_CLAIM_MORE, ME_CLAIM_NAME);
	assert_in_range(claim->ech, 0, 1);
	if (claim->kind == ME_CLAIM_MORE)
		assert_int_equal(claim->ech | claim->path_length, 0);
}

/* The claim of exactly these bytes, so that a look behind them is seen; over a filled pattern. */
static struct me_claim parse(uint16_t port, const void *bytes, size_t n)
{
	_cleanup_free_ uint8_t *copy = malloc(n);
	struct me_claim claim;

	assert_true(copy || !n);
	if (n)
		memcpy(copy, bytes, n);
	memset(&claim, 0xa5, sizeof(claim));
	me_claim_parse(port, copy, (uint32_t)n, &claim);
	check_claim(&claim);
	return claim;
}

/* --- TLS ------------------------------------------------------------------------------------- */

struct bytes {
	size_t n;
	uint8_t data[64 * 1024];
};

static void add(struct bytes *b, const void *data, size_t n)
{
	assert_true(b->n + n <= sizeof(b->data));
	memcpy(b->data + b->n, data, n);
	b->n += n;
}

static void add_number(struct bytes *b, uint32_t number, int size)
{
	while (size--)
		add(b, &(uint8_t){(uint8_t)(number >> 8 * size)}, 1);
}

static void add_filler(struct bytes *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_number(b, (uint32_t)(i * 7 + 22), 1);
}

/* What a ClientHello is made of; the parts that are 0 or NULL are left out. */
struct hello {
	uint16_t version;
	bool bare;      /* ends after the compression methods */
	bool tls13;     /* supported_versions and key_share */
	size_t share;   /* bytes of the key share */
	bool grease;    /* at the front and at the back, RFC 8701 */
	bool name_last; /* server_name comes last, not first */
	const char *name;
	size_t name_length; /* 0: strlen(name) */
	const char *server_name;
	size_t server_name_length; /* of the whole extension, instead of `name` */
	bool twice;                /* server_name */
	bool ech;
	uint8_t ech_type;
	bool ech_empty;
};

static void add_extension(struct bytes *b, uint16_t type, const struct bytes *content)
{
	add_number(b, type, 2);
	add_number(b, (uint32_t)content->n, 2);
	add(b, content->data, content->n);
}

static void add_server_name(struct bytes *b, const struct hello *h)
{
	static struct bytes content;

	content.n = 0;
	if (h->server_name) {
		add(&content, h->server_name, h->server_name_length);
	} else if (h->name) {
		size_t n = h->name_length ? h->name_length : strlen(h->name);

		add_number(&content, (uint32_t)n + 3, 2);
		add_number(&content, 0, 1);
		add_number(&content, (uint32_t)n, 2);
		add(&content, h->name, n);
	} else {
		return;
	}
	add_extension(b, 0, &content);
	if (h->twice)
		add_extension(b, 0, &content);
}

static void add_extensions(struct bytes *b, const struct hello *h)
{
	static const struct bytes empty, groups = {6, {0, 4, 0x11, 0xec, 0, 0x1d}},
					 alpn = {5, {0, 3, 2, 'h', '2'}},
					 versions = {5, {4, 3, 4, 3, 3}}, one = {1, {0}};
	static struct bytes content;

	if (h->grease)
		add_extension(b, 0x0a0a, &empty);
	if (!h->name_last)
		add_server_name(b, h);
	add_extension(b, 10, &groups);
	add_extension(b, 16, &alpn);
	if (h->tls13) {
		add_extension(b, 43, &versions);
		content.n = 0;
		add_number(&content, (uint32_t)h->share + 4, 2);
		add_number(&content, 0x11ec, 2); /* X25519MLKEM768 */
		add_number(&content, (uint32_t)h->share, 2);
		add_filler(&content, h->share);
		add_extension(b, 51, &content);
	}
	if (h->ech) {
		content.n = 0;
		if (!h->ech_empty) {
			add_number(&content, h->ech_type, 1);
			add_number(&content, 0x00010001, 4);
			add_number(&content, 9, 1);
			add_number(&content, 32, 2);
			add_filler(&content, 32);
			add_number(&content, 144, 2);
			add_filler(&content, 144);
		}
		add_extension(b, 0xfe0d, &content);
	}
	if (h->name_last)
		add_server_name(b, h);
	if (h->grease)
		add_extension(b, 0xfafa, &one);
}

/* The handshake message (RFC 8446, 4.1.2). */
static const struct bytes *message_of(const struct hello *h)
{
	static struct bytes message, body, extensions;

	message.n = body.n = extensions.n = 0;
	add_number(&body, h->version ? h->version : 0x0303, 2);
	add_filler(&body, 32);
	add_number(&body, h->tls13 ? 32 : 0, 1);
	add_filler(&body, h->tls13 ? 32 : 0);
	add_number(&body, h->grease ? 6 : 4, 2);
	if (h->grease)
		add_number(&body, 0x1a1a, 2);
	add_number(&body, 0x1301c02f, 4);
	add_number(&body, 0x0100, 2);
	if (!h->bare) {
		add_extensions(&extensions, h);
		add_number(&body, (uint32_t)extensions.n, 2);
		add(&body, extensions.data, extensions.n);
	}
	add_number(&message, 1, 1);
	add_number(&message, (uint32_t)body.n, 3);
	add(&message, body.data, body.n);
	return &message;
}

static void add_record(struct bytes *b, uint8_t type, const uint8_t *data, size_t n)
{
	add_number(b, type, 1);
	add_number(b, 0x0301, 2);
	add_number(b, (uint32_t)n, 2);
	add(b, data, n);
}

/* The message in records of `size` bytes, after a first one of `first`. */
static const struct bytes *records_of(const struct bytes *message, size_t first, size_t size)
{
	static struct bytes records;
	size_t at = 0;

	records.n = 0;
	while (at < message->n) {
		size_t n = at ? size : first;

		if (n > message->n - at)
			n = message->n - at;
		add_record(&records, 22, message->data + at, n);
		at += n;
	}
	return &records;
}

static const struct bytes *bytes_of(const struct hello *h)
{
	return records_of(message_of(h), 16384, 16384);
}

static void expect(const struct bytes *b, enum me_claim_kind kind, const char *name, bool ech)
{
	struct me_claim claim = parse(443, b->data, b->n);

	if (claim.kind != kind || strcmp(claim.name, name) || claim.ech != ech)
		fail_msg("kind %d, name %s, ech %d; not %d, %s, %d", claim.kind, claim.name,
			 claim.ech, kind, name, ech);
	assert_int_equal(claim.path_length, 0);
}

#define EXPECT_HELLO(kind, name_, ech_, ...)                                                       \
	expect(bytes_of(&(struct hello){__VA_ARGS__}), kind, name_, ech_)

/* Hellos that are whole, as many clients send them. */
static const struct hello whole[] = {
	{.name = "update.example.com"},
	{.version = 0x0301, .name = "update.example.com"},
	{.tls13 = true, .share = 32, .name = "update.example.com"},
	{.tls13 = true, .share = 1216, .grease = true, .name = "update.example.com"},
	{.tls13 = true, .share = 1800, .grease = true, .name_last = true, .name = "a.example"},
	{.tls13 = true, .share = 1216, .ech = true, .name = "outer.example.com"},
	{.tls13 = true, .share = 32, .ech = true, .name_last = true, .name = "outer.example.com"},
	{.tls13 = true, .share = 32, .ech = true},
	{.tls13 = true, .share = 1216},
	{.bare = true},
};

static void hello_names_whom_it_asks_for(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(whole); i++) {
		const struct hello *h = &whole[i];

		expect(bytes_of(h), h->name ? ME_CLAIM_NAME : ME_CLAIM_NONE, h->name ? h->name : "",
		       h->ech);
	}
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, .bare = true, .version = 0x0300);
	EXPECT_HELLO(ME_CLAIM_NAME, "upper.example.com", false, .name = "UPPER.Example.COM");
	EXPECT_HELLO(ME_CLAIM_NAME, "a.example", false, .name = "a.example", .version = 0x0304);
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, .name = "a.example", .version = 0x0203);
}

static void hello_is_not_known_before_its_end(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(whole); i++) {
		const struct bytes *b = bytes_of(&whole[i]);

		for (size_t n = 0; n < b->n; n++)
			assert_int_equal(parse(443, b->data, n).kind, ME_CLAIM_MORE);
	}
}

static void hello_may_be_cut_into_records_anywhere(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(whole); i++) {
		const struct hello *h = &whole[i];
		const struct bytes *message = message_of(h);

		for (size_t first = 1; first < message->n; first++)
			expect(records_of(message, first, 16384),
			       h->name ? ME_CLAIM_NAME : ME_CLAIM_NONE, h->name ? h->name : "",
			       h->ech);
	}
}

static void hello_may_come_a_byte_a_record(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(whole); i++) {
		const struct hello *h = &whole[i];
		const struct bytes *b = records_of(message_of(h), 1, 1);

		expect(b, h->name ? ME_CLAIM_NAME : ME_CLAIM_NONE, h->name ? h->name : "", h->ech);
		for (size_t n = 0; n < b->n; n++)
			assert_int_equal(parse(443, b->data, n).kind, ME_CLAIM_MORE);
	}
}

static void hello_ends_where_it_says(void **state)
{
	static struct bytes b;

	b = *bytes_of(&whole[3]);
	add_record(&b, 23, (const uint8_t *)"early data", 10);
	expect(&b, ME_CLAIM_NAME, "update.example.com", false);

	/* Another message in the same record. */
	b = *message_of(&whole[3]);
	add(&b, "\x14\0\0", 3);
	expect(records_of(&b, 16384, 16384), ME_CLAIM_NAME, "update.example.com", false);

	/* A byte after the extensions, inside the message. */
	b = *message_of(&whole[3]);
	add_number(&b, 0, 1);
	b.data[3]++;
	expect(records_of(&b, 16384, 16384), ME_CLAIM_NONE, "", false);
}

static void hello_hides_another(void **state)
{
	EXPECT_HELLO(ME_CLAIM_NAME, "a.example", true, .name = "a.example", .ech = true);
	EXPECT_HELLO(ME_CLAIM_NONE, "", true, .ech = true);
	EXPECT_HELLO(ME_CLAIM_NAME, "a.example", false, .name = "a.example", .ech = true,
		     .ech_type = 1);
	EXPECT_HELLO(ME_CLAIM_NAME, "a.example", false, .name = "a.example", .ech = true,
		     .ech_empty = true);
}

/* Host names, in a hello and in a Host line. */
static const struct {
	const char *written;
	const char *name; /* NULL: it is none */
} names[] = {
	{"a", "a"},
	{"a.example", "a.example"},
	{"A-1.eXample", "a-1.example"},
	{"_dmarc.a_b.example", "_dmarc.a_b.example"},
	{"xn--mnchen-3ya.example", "xn--mnchen-3ya.example"},
	{"1.2.3.example", "1.2.3.example"},
	{"1.2.3.4a", "1.2.3.4a"},
	{"0xg", "0xg"},
	{"bxff", "bxff"},
	{"a.exff", "a.exff"},
	{"a.example.", "a.example"},
	{NAME253, NAME253},
	{NAME253 ".", NAME253},
	{LABEL63 ".example", LABEL63 ".example"},
	{".", NULL},
	{"..", NULL},
	{".a.example", NULL},
	{"a..example", NULL},
	{"a.example..", NULL},
	{"a example", NULL},
	{"a.example/", NULL},
	{"*.example", NULL},
	{"m\xc3\xbcnchen.example", NULL},
	{"a\x01.example", NULL},
	{"a" LABEL63 ".example", NULL},
	{NAME253 "a", NULL},
	{NAME253 ".a", NULL},
	{LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, NULL},
	{"192.0.2.1", NULL},
	{"192.0.2.1.", NULL},
	{"127.1", NULL},
	{"2130706433", NULL},
	{"0x7f000001", NULL},
	{"a.0x", NULL},
	{"0X7F.1", NULL},
	{"127.0.0.0xA", NULL},
	{"a.example.7", NULL},
	{"::1", NULL},
	{"2001:db8::1", NULL},
	{"[2001:db8::1]", NULL},
	{"fe80::1%eth0", NULL},
};

static void hello_name_is_a_host_name(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(names); i++)
		EXPECT_HELLO(names[i].name ? ME_CLAIM_NAME : ME_CLAIM_NONE,
			     names[i].name ? names[i].name : "", false, .name = names[i].written);
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, .name = "a\0b.example", .name_length = 11);
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, .name = "a.example:443");
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, .name = " a.example");
	/* Every byte that is none of a name's. */
	for (unsigned int c = 0; c < 256; c++) {
		char name[] = {'x', (char)c, 'y'}, lower[] = {'x', (char)c, 'y', '\0'};
		bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z') || (c && c < 128 && strchr("-_.", (int)c));

		if (c >= 'A' && c <= 'Z')
			lower[1] = (char)(c - 'A' + 'a');
		EXPECT_HELLO(good ? ME_CLAIM_NAME : ME_CLAIM_NONE, good ? lower : "", false,
			     .name = name, .name_length = 3);
	}
}

static void hello_list_of_names(void **state)
{
#define LIST(bytes) .server_name = (bytes), .server_name_length = sizeof(bytes) - 1
	EXPECT_HELLO(ME_CLAIM_NAME, "a.b", false, LIST("\0\6\0\0\3a.b"));
	EXPECT_HELLO(ME_CLAIM_NAME, "a.b", false, LIST("\0\14\7\0\3xyz\0\0\3a.b"));
	EXPECT_HELLO(ME_CLAIM_NAME, "a.b", false, LIST("\0\14\0\0\3a.b\7\0\3xyz"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\6\7\0\3xyz"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\14\0\0\3a.b\0\0\3a.b"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST(""));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\0"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\2\0\0"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\3\0\0\0"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\5\0\0\3a.b"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\7\0\0\3a.b"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\6\0\0\4a.b"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\6\0\0\2a.b"));
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, LIST("\0\7\0\0\3a.b\0"));
#undef LIST
	EXPECT_HELLO(ME_CLAIM_NONE, "", false, .name = "a.example", .twice = true);
}

/* A byte of the plain hello set to something that cannot be: decided with that field. */
static void hello_with_wrong_lengths(void **state)
{
	enum { RECORD = 0, MESSAGE = 5, BODY = 9, SESSION = BODY + 34, SUITES = SESSION + 1 };
	static const struct {
		size_t at;
		uint8_t byte;
		size_t decided; /* this many bytes decide; 0: all of them */
	} wrong[] = {
		{RECORD, 21, 1},
		{RECORD, 23, 1},
		{RECORD, 0x80, 1},
		{RECORD + 1, 2, 2},
		{RECORD + 1, 0xfe, 2},
		{RECORD + 3, 0x41, 5},
		{MESSAGE, 0, 6},
		{MESSAGE, 2, 6},
		{BODY, 2, BODY + 1},
		{BODY, 0xfe, BODY + 1},
		{SESSION, 33, SESSION + 1},
		{SUITES + 1, 0, SUITES + 2},
		{SUITES + 1, 3, SUITES + 2},
		{SUITES + 6, 0, SUITES + 7},
		{SUITES + 8, 1, SUITES + 10}, /* of all extensions */
		{SUITES + 9, 0, SUITES + 10},
		{MESSAGE + 3, 30, BODY + 30}, /* the message ends inside the random */
		{MESSAGE + 3, 2, BODY + 2},
		{SUITES + 12, 0x20, SUITES + 14}, /* of the first extension */
	};
	const struct hello plain = {.name = "update.example.com"};

	for (size_t i = 0; i < ME_ARRAY_SIZE(wrong); i++) {
		struct bytes b = *bytes_of(&plain);

		b.data[wrong[i].at] = wrong[i].byte;
		for (size_t n = 0; n <= b.n; n++) {
			enum me_claim_kind kind = parse(443, b.data, n).kind;

			if (kind != (n < wrong[i].decided ? ME_CLAIM_MORE : ME_CLAIM_NONE))
				fail_msg("line %zu: kind %d of %zu bytes", i, kind, n);
		}
	}
}

static void hello_with_wrong_records(void **state)
{
	const struct hello plain = {.name = "update.example.com"};
	const struct bytes *message;
	static struct bytes b;

	/* As large as one may be, and a byte more. */
	for (size_t size = 16384; size <= 16385; size++) {
		const struct hello large = {.tls13 = true, .share = 20000, .name = "a.example"};

		expect(records_of(message_of(&large), size, size),
		       size == 16384 ? ME_CLAIM_NAME : ME_CLAIM_NONE,
		       size == 16384 ? "a.example" : "", false);
	}
	message = message_of(&plain);
	/* One that is empty, one of an alert, one of another version. */
	for (int i = 0; i < 4; i++) {
		b.n = 0;
		add_record(&b, 22, message->data, 20);
		if (i == 0)
			add_record(&b, 22, message->data, 0);
		if (i == 1)
			add_record(&b, 21, (const uint8_t *)"\1\0", 2);
		add_record(&b, 22, message->data + 20, message->n - 20);
		if (i == 2)
			b.data[26] = 4;
		expect(&b, i == 3 ? ME_CLAIM_NAME : ME_CLAIM_NONE,
		       i == 3 ? "update.example.com" : "", false);
	}
}

static void port_says_what_is_looked_for(void **state)
{
	static const char *const not_tls[] = {
		"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n",
		"\x80\x2e\x01\x03\x01\x15",
		"\x15\x03\x01\x02\x02\x28",
	};
	const struct bytes *b = bytes_of(&whole[3]);

	for (size_t i = 0; i < ME_ARRAY_SIZE(not_tls); i++)
		assert_int_equal(parse(443, not_tls[i], strlen(not_tls[i])).kind, ME_CLAIM_NONE);
	assert_int_equal(parse(443, "", 0).kind, ME_CLAIM_MORE);
	assert_int_equal(parse(80, "", 0).kind, ME_CLAIM_MORE);
	assert_int_equal(parse(80, b->data, b->n).kind, ME_CLAIM_NAME);
	assert_int_equal(parse(80, b->data, b->n - 1).kind, ME_CLAIM_MORE);
	assert_int_equal(parse(8443, b->data, b->n).kind, ME_CLAIM_NONE);
	assert_int_equal(parse(0, "", 0).kind, ME_CLAIM_NONE);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static void expect_http(const char *text, enum me_claim_kind kind, const char *name,
			const char *path)
{
	struct me_claim claim = parse(80, text, strlen(text));

	if (claim.kind != kind || strcmp(claim.name, name) || strcmp(claim.path, path))
		fail_msg("%s: kind %d, name %s, path %s", text, claim.kind, claim.name, claim.path);
	assert_int_equal(claim.ech, 0);
}

static void http_names(const char *text, const char *name, const char *path)
{
	expect_http(text, ME_CLAIM_NAME, name, path);
}

static void http_names_nobody(const char *text, const char *path)
{
	expect_http(text, ME_CLAIM_NONE, "", path);
}

/* MORE up to `decisive`, and from there on always the same. */
static void http_is_known_from(const char *text, const char *decisive, enum me_claim_kind kind)
{
	size_t known = (size_t)(strstr(text, decisive) - text) + strlen(decisive);

	for (size_t n = 0; n <= strlen(text); n++) {
		struct me_claim claim = parse(80, text, n);

		if (claim.kind != (n < known ? ME_CLAIM_MORE : kind))
			fail_msg("%s: kind %d of %zu bytes", text, claim.kind, n);
		if (claim.kind == ME_CLAIM_NAME)
			assert_string_equal(claim.name, "a.example");
	}
}

static void http_host_line(void **state)
{
	http_names("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example", "/");
	http_names("POST /x HTTP/1.0\r\nAccept: */*\r\nHost: a.example\r\n\r\nHost: b", "a.example",
		   "/x");
	http_names("PROPFIND-2 / HTTP/1.9\r\nhOsT:A.Example:8080\r\n\r\n", "a.example", "/");
	http_names("GET / HTTP/1.1\r\nHost:\t a.example \t\r\n\r\n", "a.example", "/");
	http_names("GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n", "a.example", "/");
	http_names("GET / HTTP/1.1\nHost: a.example.:65535\n\n", "a.example", "/");
	http_names("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example", "");
	http_names(
		"GET / HTTP/1.1\r\nX: \r\nHostess: b\r\nHos: c\r\nDate: d\r\nHost: a.example\r\n",
		"a.example", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example:65536\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example:80a\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example:999999999999999999999\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example b.example\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: user@a.example\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: http://a.example\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost:\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost : a.example\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\n Host: a.example\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example\rX: y\r\n\r\n", "/");
	for (size_t i = 0; i < ME_ARRAY_SIZE(names); i++) {
		char text[600];

		snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
			 names[i].written);
		expect_http(text, names[i].name ? ME_CLAIM_NAME : ME_CLAIM_NONE,
			    names[i].name ? names[i].name : "", "/");
	}
}

static void http_without_host(void **state)
{
	http_names_nobody("GET /index HTTP/1.0\r\n\r\n", "/index");
	http_names_nobody("GET /index?q HTTP/1.0\n\nHost: a.example\r\n", "/index");
	http_names_nobody("GET /index HTTP/1.1\r\nAccept: */*\r\n\r\n", "/index");
	http_names_nobody("GET /index HTTP/1.1\r\nno field\r\n", "/index");
	http_names_nobody("GET /index HTTP/1.1\r\n: a.example\r\n", "/index");
	http_names_nobody("OPTIONS * HTTP/1.1\r\n\r\n", "");
}

static void http_host_twice(void **state)
{
	http_names("GET / HTTP/1.1\r\nHost: a.example\r\nHost: A.example:80\r\n\r\n", "a.example",
		   "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example\r\nX: y\r\nhost: a.exampl\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example\r\nHost: 192.0.2.1\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\nHost:\r\n\r\n",
			  "/");
	/* As far as is known. */
	http_names("GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example", "a.example", "/");
	http_names("GET / HTTP/1.1\r\nHost: a.example\r\n\r\nHost: b.example\r\n", "a.example",
		   "/");
	http_names("GET / HTTP/1.1\r\nHost: a.example\r\nno field\r\nHost: b.example\r\n",
		   "a.example", "/");
}

static void http_folded_lines(void **state)
{
	http_names("GET / HTTP/1.1\r\nX: y\r\n Host: b.example\r\nHost: a.example\r\n\r\n",
		   "a.example", "/");
	http_names("GET / HTTP/1.1\r\nHost:\r\n\ta.example\r\n\r\n", "a.example", "/");
	http_names("GET / HTTP/1.1\nHost:\n \n a.example\n \n\n", "a.example", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example\r\n b.example\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.\r\n example\r\n\r\n", "/");
	http_names_nobody("GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n b\r\n", "/");
	assert_int_equal(parse(80, "GET / HTTP/1.1\nHost: a\n \0", 26).kind, ME_CLAIM_NONE);
	/* Blanks alone fold nothing into it, and what may still come has not come yet. */
	http_is_known_from("GET / HTTP/1.1\nHost: a.example \n\t\n \nX: y\n\n", "example \n",
			   ME_CLAIM_NAME);
	expect_http("GET / HTTP/1.1\r\nHost:\r\n", ME_CLAIM_MORE, "", "");
	http_names_nobody("GET / HTTP/1.1\r\nHost:\r\nX", "/");
}

static void http_target(void **state)
{
	http_names("GET http://a.example/b/c?d#e HTTP/1.1\r\nHost: b.example\r\n", "a.example",
		   "/b/c");
	http_names("GET HTTPS://A.example:443/ HTTP/1.1\r\n", "a.example", "/");
	http_names("GET ftp://a.example HTTP/1.1\r\n", "a.example", "");
	http_names("GET a+b-c.1://a.example/ HTTP/1.1\r\n", "a.example", "/");
	http_names("GET http://a.example?q=/x HTTP/1.1\r\n", "a.example", "");
	http_names("GET http://a.example#/x HTTP/1.1\r\n", "a.example", "");
	http_names("CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n", "a.example", "");
	http_names("CONNECT a.example HTTP/1.1\r\n", "a.example", "");
	http_names("GET /a/./../%41//b;c=\xff\"<> HTTP/1.1\r\nHost: a.example\r\n", "a.example",
		   "/a/./../%41//b;c=\xff\"<>");
	http_names("GET /#/? HTTP/1.1\r\nHost: a.example\r\n", "a.example", "/");
	http_names("CONNECTS / HTTP/1.1\r\nHost: a.example\r\n", "a.example", "/");
	http_names("connect / HTTP/1.1\r\nHost: a.example\r\n", "a.example", "/");

	http_names_nobody("CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: a.example\r\n", "");
	http_names_nobody("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n", "");
	http_names_nobody("CONNECT /x HTTP/1.1\r\nHost: a.example\r\n", "");
	http_names_nobody("CONNECT a.example:443/x HTTP/1.1\r\n", "");
	http_names_nobody("CONNECT http://a.example/ HTTP/1.1\r\n", "");
	http_names_nobody("GET http://192.0.2.1/x HTTP/1.1\r\nHost: a.example\r\n", "");
	http_names_nobody("GET http://[2001:db8::1]/x HTTP/1.1\r\nHost: a.example\r\n", "");
	http_names_nobody("GET http://user@a.example/ HTTP/1.1\r\n", "");
	http_names_nobody("GET http://user:7@a.example/ HTTP/1.1\r\n", "");
	http_names_nobody("GET http:/a.example/ HTTP/1.1\r\n", "");
	http_names_nobody("GET http:///x HTTP/1.1\r\nHost: a.example\r\n", "");
	http_names_nobody("GET http://:80/x HTTP/1.1\r\nHost: a.example\r\n", "");
	http_names_nobody("GET 1http://a.example/ HTTP/1.1\r\n", "");
	http_names_nobody("GET index.html HTTP/1.1\r\nHost: a.example\r\n", "");
	http_names_nobody("GET ?q HTTP/1.1\r\nHost: a.example\r\n", "");
	http_names_nobody("GET *x HTTP/1.1\r\nHost: a.example\r\n", "");
}

static void http_request_line(void **state)
{
	static const char *const none[] = {
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET /x HTTP/2.0\r\n",
		"GET /x HTTP/0.9\r\n",
		"GET /x HTTP/1.10\r\n",
		"GET /x HTTP/1.\r\n",
		"GET /x http/1.1\r\n",
		"GET /x HTTP/1.1 \r\n",
		"GET /x HTTP/1.1\rX",
		"GET /x\r\n",
		"GET /x \r\n",
		"GET  /x HTTP/1.1\r\n",
		"GET /x  HTTP/1.1\r\n",
		"GET\t/x HTTP/1.1\r\n",
		"GET\r\n",
		"GET /x\x01 HTTP/1.1\r\n",
		"GET /x\x7f HTTP/1.1\r\n",
		" GET /x HTTP/1.1\r\n",
		"\r\nGET /x HTTP/1.1\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n",
		"\x05\x01",
		"\x13"
		"BitTorrent protocol",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567",
		"(",
		"\xff",
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(none); i++)
		http_names_nobody(none[i], "");
	http_names("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456 / HTTP/1.1\r\nHost: a\r\n", "a", "/");
	assert_int_equal(parse(80, "GET /\0 HTTP/1.1\r\n", 17).kind, ME_CLAIM_NONE);
	assert_int_equal(parse(80, "GET / HTTP/1.1\r\0\n", 17).kind, ME_CLAIM_NONE);
	assert_int_equal(parse(80, "\0", 1).kind, ME_CLAIM_NONE);
}

static void http_path_is_cut(void **state)
{
	char text[2048], path[1200];

	for (size_t n = 500; n < 530; n++) {
		struct me_claim claim;

		memset(path, 'x', n);
		path[0] = '/';
		path[n] = '\0';
		snprintf(text, sizeof(text), "GET %s?q HTTP/1.1\r\nHost: a.example\r\n\r\n", path);
		claim = parse(80, text, strlen(text));
		assert_int_equal(claim.kind, ME_CLAIM_NAME);
		assert_int_equal(claim.path_length, n < 511 ? n : 511);
		assert_memory_equal(claim.path, path, claim.path_length);
	}
}

static void http_is_not_known_before(void **state)
{
	http_is_known_from("GET /x?q HTTP/1.1\r\nA: b\r\n c\r\nHost: a.example:80\r\nC: d\r\n\r\nx",
			   ":80\r\n", ME_CLAIM_NAME);
	http_is_known_from("GET / HTTP/1.1\nHost: a.example\n\n", "example\n", ME_CLAIM_NAME);
	http_is_known_from("GET / HTTP/1.1\r\nHost:\r\n a.example\r\nX:y\r\n\r\n", "example\r\n",
			   ME_CLAIM_NAME);
	http_is_known_from("GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", "1.1\r\n",
			   ME_CLAIM_NAME);
	http_is_known_from("CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n", "1.1\r\n",
			   ME_CLAIM_NAME);
	http_is_known_from("GET / HTTP/1.0\r\nAccept: */*\r\n\r\nbody", "\r\n\r\n", ME_CLAIM_NONE);
	http_is_known_from("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", "[", ME_CLAIM_NONE);
	http_is_known_from("GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", "2.1\r\n", ME_CLAIM_NONE);
	http_is_known_from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2", ME_CLAIM_NONE);
	http_is_known_from("GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\nX: y\r\n\r\n",
			   "a.example\r\n", ME_CLAIM_NAME);
}

/* --- At random ------------------------------------------------------------------------------- */

/*
 * What was decided of a prefix stays so with more bytes; but a name that the head of a request gave
 * may be taken back.
 */
static void check_prefixes(uint16_t port, const struct bytes *b)
{
	struct me_claim before = {.kind = ME_CLAIM_MORE};

	for (size_t n = 0; n <= b->n; n += n < 300 ? 1 : 7) {
		struct me_claim claim = parse(port, b->data, n);
		bool taken_back = port == 80 && b->data[0] != 22 && before.kind == ME_CLAIM_NAME &&
				  claim.kind == ME_CLAIM_NONE;

		if (before.kind != ME_CLAIM_MORE && !taken_back)
			assert_memory_equal(&claim, &before, sizeof(claim));
		before = claim;
	}
}

static void mutate(struct bytes *b, uint64_t *random)
{
	static const uint8_t likely[] = {0, 1, 3, 22, 255, '\r', '\n', ' ', ':', '.', '/', 'H'};

	for (uint64_t left = 1 + me_seed_next(random) % 4; left && b->n; left--) {
		size_t at = me_seed_next(random) % b->n, n = 1 + me_seed_next(random) % 8;
		uint64_t value = me_seed_next(random);

		if (n > b->n - at)
			n = b->n - at;
		switch (me_seed_next(random) % 5) {
		case 0:
			b->data[at] = (uint8_t)value;
			break;
		case 1:
			b->data[at] ^= (uint8_t)(1u << value % 8);
			break;
		case 2:
			b->data[at] = likely[value % ME_ARRAY_SIZE(likely)];
			break;
		case 3:
			memmove(b->data + at, b->data + at + n, b->n - at - n);
			b->n -= n;
			break;
		default:
			memmove(b->data + at + n, b->data + at, b->n - at);
			b->n += n;
			break;
		}
	}
}

static void stands_any_mutation(void **state)
{
	static const char *const requests[] = {
		"GET /x?q HTTP/1.1\r\nA: b\r\n c\r\nHost: a.example:80\r\nHost: a.example\r\n\r\n",
		"GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
		"CONNECT a.example:443 HTTP/1.1\nHost: b.example\n\n",
	};
	uint64_t random = me_seed();
	static struct bytes b;

	for (int i = 0; i < 3000; i++) {
		uint64_t which = me_seed_next(&random);

		if (which % 2) {
			const char *text = requests[which / 2 % ME_ARRAY_SIZE(requests)];

			b.n = strlen(text);
			memcpy(b.data, text, b.n);
		} else {
			/* Small ones, so that what decides is hit. */
			struct hello h = whole[which / 2 % ME_ARRAY_SIZE(whole)];
			size_t size = 1 + me_seed_next(&random) % 200;

			h.share = h.share > 32 ? 32 : h.share;
			b = *records_of(message_of(&h), size, size);
		}
		mutate(&b, &random);
		check_prefixes(which % 4 == 0 ? 80 : which % 2 ? 80 : 443, &b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_names_whom_it_asks_for),
		cmocka_unit_test(hello_is_not_known_before_its_end),
		cmocka_unit_test(hello_may_be_cut_into_records_anywhere),
		cmocka_unit_test(hello_may_come_a_byte_a_record),
		cmocka_unit_test(hello_ends_where_it_says),
		cmocka_unit_test(hello_hides_another),
		cmocka_unit_test(hello_name_is_a_host_name),
		cmocka_unit_test(hello_list_of_names),
		cmocka_unit_test(hello_with_wrong_lengths),
		cmocka_unit_test(hello_with_wrong_records),
		cmocka_unit_test(port_says_what_is_looked_for),
		cmocka_unit_test(http_host_line),
		cmocka_unit_test(http_without_host),
		cmocka_unit_test(http_host_twice),
		cmocka_unit_test(http_folded_lines),
		cmocka_unit_test(http_target),
		cmocka_unit_test(http_request_line),
		cmocka_unit_test(http_path_is_cut),
		cmocka_unit_test(http_is_not_known_before),
		cmocka_unit_test(stands_any_mutation),
	};

	return cmocka_run_group_tests_name("hello", tests, NULL, NULL);
}
