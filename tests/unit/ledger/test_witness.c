/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/witness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../../seed.h"
#include "base/cleanup.h"

#define SECOND 1000000000ull
#define HEAD "GET /incav2/avira?x HTTP/1.1\r\nHost: meupdate.gfi.com\r\n\r\n"

#define _cleanup_witness_ _cleanup_(me_witness_free)

static uint64_t now_ns = SECOND;

/* In a copy of its size, so that a look behind it is seen; over a filled pattern. */
static enum me_claim_kind put_bytes(struct me_witness *witness, uint64_t flow, uint16_t port,
				    uint32_t seq, const void *data, size_t n, struct me_claim *ret)
{
	_cleanup_free_ uint8_t *copy = malloc(n);
	struct me_payload head = {.ts_ns = now_ns,
				  .kind = ME_RECORD_FIRST,
				  .length = (uint32_t)n,
				  .key = {.opener.cookie = flow, .port = port, .proto = 6},
				  .seq = seq,
				  .flags = ME_PAYLOAD_SENT};
	struct me_request asked;
	enum me_claim_kind kind;

	assert_true(copy || !n);
	if (n)
		memcpy(copy, data, n);
	memset(ret, 0xa5, sizeof(*ret));
	kind = me_witness_put(witness, &head, copy, ret, &asked);
	assert_int_equal(kind, ret->kind);
	if (kind != ME_CLAIM_NAME)
		assert_int_equal(ret->name_length | ret->name[0], 0);
	if (kind == ME_CLAIM_MORE)
		assert_int_equal(ret->path_length | ret->path[0] | ret->ech, 0);
	return kind;
}

/* A segment of flow `flow` to port 80; what it claims. */
static const char *put(struct me_witness *witness, uint64_t flow, uint32_t seq, const char *text)
{
	static struct me_claim claim;

	switch (put_bytes(witness, flow, 80, seq, text, strlen(text), &claim)) {
	case ME_CLAIM_MORE:
		return "more";
	case ME_CLAIM_NONE:
		return "none";
	default:
		return claim.name;
	}
}

static uint8_t *number(uint8_t *at, int bytes, size_t value)
{
	while (bytes--)
		*at++ = (uint8_t)(value >> 8 * bytes);
	return at;
}

/* A ClientHello with the name behind `padding` bytes of another extension. How long it is. */
static size_t hello(const char *name, size_t padding, uint8_t *out)
{
	size_t n = strlen(name), extensions = 4 + padding + 9 + n;
	size_t message = 2 + 32 + 1 + 4 + 2 + 2 + extensions;
	uint8_t *at = out;

	at = number(at, 3, 0x160301);
	at = number(at, 2, 4 + message);
	at = number(at, 1, 1);
	at = number(at, 3, message);
	at = number(at, 2, 0x0303);
	for (int i = 0; i < 32; i++)
		*at++ = (uint8_t)i;
	at = number(at, 1, 0);
	at = number(at, 4, 0x00021301);
	at = number(at, 2, 0x0100);
	at = number(at, 2, extensions);
	at = number(at, 2, 21);
	at = number(at, 2, padding);
	memset(at, 0, padding);
	at += padding;
	at = number(at, 2, 0);
	at = number(at, 2, 5 + n);
	at = number(at, 2, 3 + n);
	at = number(at, 1, 0);
	at = number(at, 2, n);
	memcpy(at, name, n);
	return (size_t)(at - out) + n;
}

/* --- The rules ----------------------------------------------------------------------------------- */

static void one_segment_decides(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();
	uint8_t bytes[2000];
	struct me_claim claim;
	size_t n;

	(void)state;
	assert_int_equal(put_bytes(witness, 1, 80, 77, HEAD, strlen(HEAD), &claim), ME_CLAIM_NAME);
	assert_string_equal(claim.name, "meupdate.gfi.com");
	assert_string_equal(claim.path, "/incav2/avira");
	n = hello("cdnupdate.gfi.com", 10, bytes);
	assert_int_equal(put_bytes(witness, 2, 443, 77, bytes, n, &claim), ME_CLAIM_NAME);
	assert_string_equal(claim.name, "cdnupdate.gfi.com");
	/* The port of the key says what is expected. */
	assert_int_equal(put_bytes(witness, 3, 443, 77, HEAD, strlen(HEAD), &claim), ME_CLAIM_NONE);
	assert_int_equal(put_bytes(witness, 4, 25, 77, HEAD, strlen(HEAD), &claim), ME_CLAIM_NONE);
	assert_string_equal(put(witness, 5, 77, "\1\2\3\4"), "none");
	assert_int_equal(me_witness_count(witness), 0);
	assert_int_equal(me_witness_lost(witness), 0);
}

static void segments_are_put_together(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();
	static uint8_t bytes[4000];
	struct me_claim claim;
	size_t n = hello("sn92.mailshell.net", 1700, bytes);

	(void)state;
	assert_int_equal(put_bytes(witness, 1, 443, 0xffffff00u, bytes, 1400, &claim),
			 ME_CLAIM_MORE);
	assert_string_equal(put(witness, 2, 5, "GET / HTTP/1.1\r\nHo"), "more");
	assert_string_equal(put(witness, 3, 5, "GET / HTTP/1.1\r\nHost: b\r"), "more");
	assert_int_equal(me_witness_count(witness), 3);
	assert_int_equal(
		put_bytes(witness, 1, 443, 0xffffff00u + 1400, bytes + 1400, n - 1400, &claim),
		ME_CLAIM_NAME);
	assert_string_equal(claim.name, "sn92.mailshell.net");
	assert_string_equal(put(witness, 2, 23, "st: a.example\r\n"), "a.example");
	assert_string_equal(put(witness, 3, 29, "\nx"), "b");
	assert_int_equal(me_witness_count(witness), 0);

	/* The third comes before the second, and the first once more. */
	assert_string_equal(put(witness, 4, 0, "GET / HT"), "more");
	assert_string_equal(put(witness, 4, 19, "t: c.example\r\n"), "more");
	assert_string_equal(put(witness, 4, 0, "GET / HT"), "more");
	assert_string_equal(put(witness, 4, 8, "TP/1.1\r\nHos"), "c.example");
}

static void other_segments_say_nothing(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();
	struct me_payload head = {.length = 4, .key.port = 80};
	struct me_request asked;
	struct me_claim claim;

	(void)state;
	/* Received, and empty. */
	assert_int_equal(me_witness_put(witness, &head, (const uint8_t *)"HTTP", &claim, &asked),
			 ME_CLAIM_MORE);
	assert_string_equal(put(witness, 1, 0, ""), "more");
	assert_int_equal(me_witness_count(witness), 0);
}

/* A segment to the proxy, on a port of its own; what is asked of it, and named. */
static const char *asked_of_proxy(struct me_witness *witness, uint64_t flow, uint32_t seq,
				  const char *text)
{
	struct me_payload head = {.ts_ns = now_ns,
				  .kind = ME_RECORD_FIRST,
				  .length = (uint32_t)strlen(text),
				  .key = {.opener.cookie = flow, .port = 3128, .proto = 6},
				  .seq = seq,
				  .flags = ME_PAYLOAD_SENT | ME_PAYLOAD_PROXY};
	struct me_request asked;
	struct me_claim claim;
	static char says[sizeof(asked.host) + sizeof(claim.name) + sizeof(claim.path) + 32];

	if (!me_witness_put(witness, &head, (const uint8_t *)text, &claim, &asked))
		return "more";
	snprintf(says, sizeof(says), "%d %s:%u %s%s", asked.kind, asked.host, asked.port,
		 claim.name, claim.path);
	return says;
}

static void a_proxy_is_asked(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();

	(void)state;
	assert_string_equal(asked_of_proxy(witness, 1, 0, "CONNECT a.example:443 HTTP/1.1\r\n"),
			    "2 a.example:443 a.example");
	assert_string_equal(asked_of_proxy(witness, 2, 0, "GET http://a.exam"), "more");
	assert_string_equal(asked_of_proxy(witness, 2, 17, "ple/x?y HTTP/1.1\r\nHost: b\r\n"),
			    "3 a.example:80 a.example/x");
	assert_string_equal(asked_of_proxy(witness, 2, 47, "GET http://b.example/ HTTP/1.1\r\n"),
			    "more"); /* once for a flow */
	/* An address is no name. */
	assert_string_equal(asked_of_proxy(witness, 3, 0, "CONNECT [2001:db8::1]:44"), "more");
	assert_string_equal(asked_of_proxy(witness, 3, 24, "3 HTTP/1.1\r\n"), "2 2001:db8::1:443 ");
	/* What is no request to a proxy is for the proxy itself. */
	assert_string_equal(asked_of_proxy(witness, 4, 0, "GET /x HTTP/1.1\r\n"), "more");
	assert_string_equal(asked_of_proxy(witness, 4, 17, "Host: p.example:3128\r\n\r\n"),
			    "1 :0 p.example/x");
	/* Never more than is told. */
	for (uint32_t i = 0; i < ME_FIRST_SEGMENTS - 1; i++)
		assert_string_equal(asked_of_proxy(witness, 5, i, "C"), "more");
	assert_string_equal(asked_of_proxy(witness, 5, ME_FIRST_SEGMENTS - 1, "C"), "1 :0 ");
}

static void it_has_to_be_said_soon(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();
	static char text[ME_FIRST_BYTES + 100];
	struct me_claim claim;
	uint32_t seq;

	(void)state;
	/* The fourth segment is the last that is told. */
	for (seq = 0; seq + 1 < ME_FIRST_SEGMENTS; seq++)
		assert_string_equal(put(witness, 1, seq, "G"), "more");
	assert_string_equal(put(witness, 1, seq, "G"), "none");
	for (seq = 0; seq + 1 < ME_FIRST_SEGMENTS; seq++)
		assert_string_equal(put(witness, 2, 0, "GET / HTTP/1.1\r\n"), "more");
	assert_string_equal(put(witness, 2, 16, "Host: a\r\n\r\n"), "a");

	/* 4096 bytes are enough, in one segment, in several, and of a longer one. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "GET /", 5);
	assert_int_equal(put_bytes(witness, 3, 80, 9, text, ME_FIRST_BYTES - 1, &claim),
			 ME_CLAIM_MORE);
	assert_int_equal(put_bytes(witness, 3, 80, 9 + ME_FIRST_BYTES - 1, text, 1, &claim),
			 ME_CLAIM_NONE);
	assert_int_equal(put_bytes(witness, 4, 80, 9, text, sizeof(text), &claim), ME_CLAIM_NONE);
	assert_int_equal(put_bytes(witness, 5, 80, 9, text, 4000, &claim), ME_CLAIM_MORE);
	assert_int_equal(put_bytes(witness, 5, 80, 4009, text + 9, 90, &claim), ME_CLAIM_MORE);
	assert_int_equal(put_bytes(witness, 5, 80, 4099, text + 9, 90, &claim), ME_CLAIM_NONE);
	/* With the last of them. */
	memcpy(text + ME_FIRST_BYTES - 22, " HTTP/1.0\r\nHost: a.b\r\n", 22);
	assert_int_equal(put_bytes(witness, 6, 80, 9, text, sizeof(text), &claim), ME_CLAIM_NAME);
	assert_string_equal(claim.name, "a.b");
	memcpy(text + ME_FIRST_BYTES - 21, " HTTP/1.0\r\nHost: a.b\r\n", 22);
	assert_int_equal(put_bytes(witness, 7, 80, 9, text, sizeof(text), &claim), ME_CLAIM_NONE);
	assert_int_equal(me_witness_count(witness), 0);
	assert_int_equal(me_witness_lost(witness), 0);
}

/* Nothing that is sent again after the decision is taken for a beginning. */
static void what_is_decided_stays_so(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();

	(void)state;
	assert_string_equal(put(witness, 1, 100, "POST / HTTP/1.1\r\nHost: a\r\n\r\n"), "a");
	assert_string_equal(put(witness, 1, 128, "GET / HTTP/1.1\r\nHost: b\r\n\r\n"), "more");
	assert_string_equal(put(witness, 1, 100, "POST / HTTP/1.1\r\nHost: a\r\n\r\n"), "more");
	assert_string_equal(put(witness, 1, 117, "Host: a\r\n\r\n"), "more");
	assert_string_equal(put(witness, 2, 100, "\1\2"), "none");
	assert_string_equal(put(witness, 2, 102, "GET / HTTP/1.1\r\nHost: b\r\n\r\n"), "more");
	assert_string_equal(put(witness, 2, 70000, "GET / HTTP/1.1\r\nHost: b\r\n\r\n"), "more");
	assert_string_equal(put(witness, 2, 99u - 70000, "GET / HTTP/1.1\r\nHost: b\r\n\r\n"),
			    "more");
	assert_int_equal(me_witness_count(witness), 0);
}

/* In transit the same addresses and ports come again. */
static void another_connection_begins_anew(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();

	(void)state;
	assert_string_equal(put(witness, 1, 100, HEAD), "meupdate.gfi.com");
	assert_string_equal(put(witness, 1, 200000000, "GET / HTTP/1.1\r\nHo"), "more");
	assert_string_equal(put(witness, 1, 3000000000, "GET / HTTP/1.1\r\nHost: "), "more");
	assert_int_equal(me_witness_count(witness), 1);
	assert_string_equal(put(witness, 1, 3000000022, "b.example\r\n"), "b.example");
	assert_int_equal(me_witness_count(witness), 0);
	assert_int_equal(me_witness_lost(witness), 0);
}

static void flows_are_bounded(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();
	uint64_t flow;

	(void)state;
	for (flow = 1; flow <= ME_WITNESS_FLOWS_MAX; flow++) {
		assert_string_equal(put(witness, flow, 1, "GET / HTTP/1.1\r\n"), "more");
		/* Those from 5 to 8 are decided. */
		if (flow >= 5 && flow <= 8)
			assert_string_equal(put(witness, flow, 17, "\r\n"), "none");
	}
	assert_int_equal(me_witness_count(witness), ME_WITNESS_FLOWS_MAX - 4);
	/* They make room first, and are not missed. */
	for (; flow <= ME_WITNESS_FLOWS_MAX + 4; flow++)
		assert_string_equal(put(witness, flow, 1, "GET / HTTP/1.1\r\n"), "more");
	assert_int_equal(me_witness_count(witness), ME_WITNESS_FLOWS_MAX);
	assert_int_equal(me_witness_lost(witness), 0);
	/* Then the oldest, though it was heard of again. */
	assert_string_equal(put(witness, 1, 17, "Ho"), "more");
	assert_string_equal(put(witness, flow, 1, "GET / HTTP/1.1\r\n"), "more");
	assert_int_equal(me_witness_lost(witness), 1);
	assert_int_equal(me_witness_count(witness), ME_WITNESS_FLOWS_MAX);
	assert_string_equal(put(witness, 2, 17, "Host: a\r\n"), "a");
	assert_string_equal(put(witness, flow, 17, "Host: b\r\n"), "b");
	assert_string_equal(put(witness, 4, 17, "Host: c\r\n"), "c");
	assert_int_equal(me_witness_lost(witness), 1);
}

static void flows_expire(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();

	(void)state;
	for (uint64_t flow = 1; flow <= 10; flow++) {
		now_ns = flow * SECOND;
		assert_string_equal(put(witness, flow, 1, "GET / HTTP/1.1\r\n"), "more");
	}
	now_ns = 20 * SECOND;
	assert_string_equal(put(witness, 1, 17, "\r\n"), "none"); /* the decision counts */
	assert_string_equal(put(witness, 2, 17, "Ho"), "more");   /* the first segment counts */
	me_witness_expire(witness, 2 * SECOND);
	assert_int_equal(me_witness_count(witness), 9);
	me_witness_expire(witness, 5 * SECOND);
	assert_int_equal(me_witness_count(witness), 6);
	assert_string_equal(put(witness, 1, 17, HEAD), "more");
	assert_string_equal(put(witness, 5, 17, "Host: a\r\n"), "a");
	me_witness_expire(witness, 20 * SECOND);
	assert_int_equal(me_witness_count(witness), 0);
	assert_string_equal(put(witness, 1, 17, HEAD), "more");
	me_witness_expire(witness, 20 * SECOND + 1);
	assert_string_equal(put(witness, 1, 17, HEAD), "meupdate.gfi.com");
	assert_int_equal(me_witness_lost(witness), 0);
}

static void nothing_is_freed_twice(void **state)
{
	struct me_witness *witness = me_witness_new();

	(void)state;
	assert_string_equal(put(witness, 1, 1, "GET"), "more");
	assert_string_equal(put(witness, 2, 1, HEAD), "meupdate.gfi.com");
	me_witness_free(&witness);
	assert_null(witness);
	me_witness_free(&witness);
}

/* --- At random ----------------------------------------------------------------------------------- */

enum { FLOWS = 40 };

struct first {
	uint64_t id;
	uint8_t bytes[6000];
	size_t length, at, n;
	struct {
		size_t from, until;
	} pieces[8];
	uint16_t port;
	uint32_t seq;
	bool decided;
};

static uint32_t below(uint64_t *random, size_t n)
{
	return (uint32_t)(me_seed_next(random) % n);
}

static void make_first(struct first *f, uint64_t id, uint64_t *random)
{
	uint32_t cuts = below(random, ME_FIRST_SEGMENTS), kind = below(random, 8);
	char name[32];

	*f = (struct first){
		.id = id, .port = kind < 4 ? 443 : 80, .seq = (uint32_t)me_seed_next(random)};
	snprintf(name, sizeof(name), "n%u.example", below(random, 1000));
	if (kind < 4)
		f->length = hello(name, below(random, kind ? 2000 : 5000), f->bytes);
	else if (kind < 7)
		f->length = (size_t)snprintf((char *)f->bytes, sizeof(f->bytes),
					     "GET / HTTP/1.1\r\nX: %0*u\r\nHost: %s\r\n",
					     (int)below(random, 5000), 0, name);
	else
		for (f->length = 1 + below(random, 3000); f->n < f->length; f->n++)
			f->bytes[f->n] = (uint8_t)me_seed_next(random);
	f->n = 0;
	/* In pieces; now and then one comes twice, and those behind the first in any order. */
	for (size_t from = 0; from < f->length; f->n++) {
		size_t left = f->length - from, size = f->n < cuts ? 1 + below(random, left) : left;

		f->pieces[f->n].from = from;
		f->pieces[f->n].until = from += size;
	}
	if (f->n < ME_FIRST_SEGMENTS && below(random, 2))
		f->pieces[f->n++] = f->pieces[0];
	for (size_t i = f->n; i-- > 2;) {
		size_t other = 1 + below(random, i);
		__typeof__(f->pieces[0]) moved = f->pieces[i];

		f->pieces[i] = f->pieces[other];
		f->pieces[other] = moved;
	}
}

static void deliver(struct me_witness *witness, struct first *f)
{
	size_t from = f->pieces[f->at].from, until = f->pieces[f->at].until, size = f->length;
	struct me_claim claim, whole;
	enum me_claim_kind kind;

	kind = put_bytes(witness, f->id, f->port, f->seq + (uint32_t)from, f->bytes + from,
			 until - from, &claim);
	f->at++;
	if (f->decided) {
		assert_int_equal(kind, ME_CLAIM_MORE);
		return;
	}
	if (kind == ME_CLAIM_MORE)
		return;
	f->decided = true;
	me_claim_parse(f->port, f->bytes, (uint32_t)(size < ME_FIRST_BYTES ? size : ME_FIRST_BYTES),
		       &whole);
	if (whole.kind == ME_CLAIM_MORE)
		whole.kind = ME_CLAIM_NONE;
	assert_memory_equal(&claim, &whole, sizeof(whole));
}

/* All of it was there. Whether it is decided; what is short and could go on need not be. */
static bool was_decided(const struct first *f)
{
	struct me_claim whole;

	if (f->decided)
		return true;
	me_claim_parse(f->port, f->bytes, (uint32_t)f->length, &whole);
	assert_int_equal(whole.kind, ME_CLAIM_MORE);
	assert_true(f->n < ME_FIRST_SEGMENTS && f->length < ME_FIRST_BYTES);
	return false;
}

static void claims_are_those_of_the_whole(void **state)
{
	_cleanup_witness_ struct me_witness *witness = me_witness_new();
	static struct first flows[FLOWS];
	uint64_t random = me_seed(), id = 0, decided = 0;

	(void)state;
	for (size_t i = 0; i < FLOWS; i++)
		make_first(&flows[i], id++, &random);
	for (int step = 0; step < 20000; step++) {
		struct first *f = &flows[below(&random, FLOWS)];

		if (f->at < f->n) {
			deliver(witness, f);
		} else {
			decided += was_decided(f);
			make_first(f, id++, &random);
		}
	}
	assert_true(decided > 2000);
	assert_int_equal(me_witness_lost(witness), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_segment_decides),
		cmocka_unit_test(segments_are_put_together),
		cmocka_unit_test(other_segments_say_nothing),
		cmocka_unit_test(a_proxy_is_asked),
		cmocka_unit_test(it_has_to_be_said_soon),
		cmocka_unit_test(what_is_decided_stays_so),
		cmocka_unit_test(another_connection_begins_anew),
		cmocka_unit_test(flows_are_bounded),
		cmocka_unit_test(flows_expire),
		cmocka_unit_test(nothing_is_freed_twice),
		cmocka_unit_test(claims_are_those_of_the_whole),
	};

	return cmocka_run_group_tests_name("witness", tests, NULL, NULL);
}
