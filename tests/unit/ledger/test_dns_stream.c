/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/dns_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../../seed.h"
#include "base/cleanup.h"

#define CLIENT 1000u /* sequence numbers of the first bytes */
#define SERVER 0xfffffff0u
#define SECOND 1000000000ull

#define _cleanup_streams_ _cleanup_(me_dns_streams_free)

/* --- Messages ------------------------------------------------------------------------------------ */

struct bytes {
	size_t length;
	uint8_t data[300000];
};

static void put16(struct bytes *b, uint32_t value)
{
	b->data[b->length++] = (uint8_t)(value >> 8);
	b->data[b->length++] = (uint8_t)value;
}

/* Adds a message with its length before it: a question, and `n` addresses for it. */
static void put_message(struct bytes *b, uint16_t id, uint16_t flags, const char *name,
			uint16_t type, uint32_t n)
{
	size_t start = b->length, length;

	put16(b, 0);
	put16(b, id);
	put16(b, flags);
	put16(b, 1);
	put16(b, n);
	put16(b, 0);
	put16(b, 0);
	while (*name) {
		size_t label = strcspn(name, ".");

		b->data[b->length++] = (uint8_t)label;
		memcpy(b->data + b->length, name, label);
		b->length += label;
		name += label + (name[label] == '.');
	}
	b->data[b->length++] = 0;
	put16(b, type);
	put16(b, ME_DNS_IN);
	for (uint32_t i = 0; i < n; i++) {
		put16(b, 0xc000 | ME_DNS_HEADER);
		put16(b, ME_DNS_A);
		put16(b, ME_DNS_IN);
		put16(b, 0);
		put16(b, 60);
		put16(b, 4);
		put16(b, 0xc633);
		put16(b, i);
	}
	length = b->length - start - 2;
	b->data[start] = (uint8_t)(length >> 8);
	b->data[start + 1] = (uint8_t)length;
}

static struct bytes *query(uint16_t id, const char *name)
{
	static struct bytes b;

	b.length = 0;
	put_message(&b, id, 0x0100, name, ME_DNS_A, 0);
	return &b;
}

static struct bytes *answer(uint16_t id, const char *name, uint32_t n)
{
	static struct bytes b;

	b.length = 0;
	put_message(&b, id, 0x8180, name, ME_DNS_A, n);
	return &b;
}

/* --- Who takes what was found -------------------------------------------------------------------- */

enum { EVENTS = 70000 };

/* 'q' query, 'a' answer, or the cause of a refusal. */
struct event {
	char kind;
	uint8_t cause;
	uint16_t id, connection;
	uint32_t addresses;
};

struct sink {
	size_t n;
	struct event events[EVENTS];
	struct me_payload head; /* of the last */
	char name[ME_NAME_TEXT_MAX];
};

static void note(struct sink *sink, struct event event)
{
	assert_true(sink->n < EVENTS);
	sink->events[sink->n++] = event;
}

static void on_query(void *data, const struct me_payload *head, const struct me_dns *dns)
{
	struct sink *sink = data;

	assert_true(head->flags & ME_PAYLOAD_SENT);
	sink->head = *head;
	me_name_to_text(&dns->chain[0].name, sink->name);
	note(sink, (struct event){.kind = 'q',
				  .id = dns->id,
				  .connection = (uint16_t)head->key.opener.cookie});
}

static void on_answer(void *data, const struct me_payload *head, const uint8_t *message,
		      size_t length, struct me_dns *dns)
{
	struct sink *sink = data;

	assert_false(head->flags & ME_PAYLOAD_SENT);
	assert_int_equal(message[0] << 8 | message[1], dns->id);
	assert_int_equal(dns->malformed, 0);
	assert_true(length >= dns->body + dns->n_addresses * 16);
	sink->head = *head;
	me_name_to_text(&dns->chain[0].name, sink->name);
	note(sink, (struct event){.kind = 'a',
				  .id = dns->id,
				  .connection = (uint16_t)head->key.opener.cookie,
				  .addresses = dns->n_addresses});
}

static void on_refused(void *data, enum me_refused cause)
{
	note(data, (struct event){.kind = 'r', .cause = (uint8_t)cause});
}

static struct sink *sink_empty(void)
{
	static struct sink sink;

	sink.n = 0;
	return &sink;
}

static struct me_dns_streams *streams_new(struct sink *sink)
{
	struct me_dns_stream_sink to = {
		.data = sink, .query = on_query, .answer = on_answer, .refused = on_refused};
	struct me_dns_streams *streams = me_dns_streams_new(&to);

	assert_non_null(streams);
	return streams;
}

/* The next event is this one. */
static void next_is(const struct sink *sink, size_t *at, char kind, uint32_t value)
{
	const struct event *e = &sink->events[*at];

	assert_true(*at < sink->n);
	assert_int_equal(e->kind, kind);
	assert_int_equal(kind == 'r' ? e->cause : e->id, value);
	(*at)++;
}

/* --- Segments ------------------------------------------------------------------------------------ */

static uint64_t now_ns = SECOND;

/* In a copy of its size, so that a look behind it is seen. */
static int put(struct me_dns_streams *streams, uint64_t connection, uint16_t flags, uint32_t seq,
	       uint32_t ack, const uint8_t *data, size_t n)
{
	_cleanup_free_ uint8_t *copy = malloc(n);
	struct me_payload head = {.id = 1,
				  .ts_ns = now_ns,
				  .kind = ME_RECORD_STREAM,
				  .length = (uint32_t)n,
				  .key = {.opener.cookie = connection,
					  .peer = me_addr_v4(ME_NET32(0xc0000201u)),
					  .port = 53,
					  .proto = 6},
				  .seq = seq,
				  .ack = ack,
				  .flags = flags};

	assert_true(copy || !n);
	if (n)
		memcpy(copy, data, n);
	return me_dns_streams_put(streams, &head, copy);
}

static void send_part(struct me_dns_streams *streams, const struct bytes *b, size_t from,
		      size_t until)
{
	assert_int_equal(put(streams, 1, ME_PAYLOAD_SENT, CLIENT + (uint32_t)from, SERVER,
			     b->data + from, until - from),
			 0);
}

static void receive_part(struct me_dns_streams *streams, const struct bytes *b, size_t from,
			 size_t until)
{
	assert_int_equal(
		put(streams, 1, 0, SERVER + (uint32_t)from, SERVER, b->data + from, until - from),
		0);
}

static void tells_queries_and_answers(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	struct bytes *b = query(7, "Update.GFI.com");
	size_t at = 0;

	(void)state;
	now_ns = 5 * SECOND;
	send_part(streams, b, 0, b->length);
	next_is(sink, &at, 'q', 7);
	assert_string_equal(sink->name, "update.gfi.com");
	assert_int_equal(sink->head.seq, CLIENT);
	now_ns = 6 * SECOND;
	/* Upper case or lower, it is the same question. */
	b = answer(7, "uPDATE.gfi.COM", 3);
	receive_part(streams, b, 0, b->length);
	next_is(sink, &at, 'a', 7);
	assert_string_equal(sink->name, "update.gfi.com");
	assert_int_equal(sink->events[at - 1].addresses, 3);
	assert_int_equal(sink->head.ts_ns, 6 * SECOND);
	assert_int_equal(sink->n, at);
	assert_int_equal(me_dns_streams_count(streams), 1);
}

static void messages_are_cut_anywhere(void **state)
{
	static struct bytes asked, answered;

	(void)state;
	asked.length = answered.length = 0;
	for (uint16_t id = 1; id <= 3; id++) {
		put_message(&asked, id, 0x0100, "a.example", ME_DNS_A, 0);
		put_message(&answered, id, 0x8180, "a.example", ME_DNS_A, id);
	}
	/* All in one segment, and byte by byte. */
	for (size_t step = 1; step <= answered.length; step++) {
		struct sink *sink = sink_empty();
		_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
		size_t at = 0;

		for (size_t n = 0; n < asked.length; n += step)
			send_part(streams, &asked, n,
				  n + step < asked.length ? n + step : asked.length);
		for (size_t n = 0; n < answered.length; n += step)
			receive_part(streams, &answered, n,
				     n + step < answered.length ? n + step : answered.length);
		for (uint16_t id = 1; id <= 3; id++)
			next_is(sink, &at, 'q', id);
		for (uint16_t id = 1; id <= 3; id++) {
			assert_int_equal(sink->events[at].addresses, id);
			next_is(sink, &at, 'a', id);
		}
		assert_int_equal(sink->n, at);
	}
}

/* The largest answers, one behind the other, in the largest segments. */
static void messages_may_be_large(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	static struct bytes b;
	size_t at = 0;

	(void)state;
	b.length = 0;
	for (uint16_t id = 1; id <= 4; id++)
		put_message(&b, id, 0x0100, "a.example", ME_DNS_A, 0);
	send_part(streams, &b, 0, b.length);
	b.length = 0;
	for (uint16_t id = 1; id <= 4; id++) {
		size_t start = b.length;

		put_message(&b, id, 0x8180, "a.example", ME_DNS_A, 250);
		b.length = start + 2 + ME_MESSAGE_MAX;
		b.data[start] = b.data[start + 1] = 0xff;
	}
	for (size_t n = 0; n < b.length; n += 65000)
		receive_part(streams, &b, n, n + 65000 < b.length ? n + 65000 : b.length);
	for (uint16_t id = 1; id <= 4; id++)
		next_is(sink, &at, 'q', id);
	for (uint16_t id = 1; id <= 4; id++) {
		assert_int_equal(sink->events[at].addresses, 250);
		next_is(sink, &at, 'a', id);
	}
	assert_int_equal(sink->n, at);
	assert_int_equal(me_dns_streams_broken(streams), 0);
}

static void refuses_what_was_not_asked(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	static struct bytes b;
	size_t at = 0;

	(void)state;
	b.length = 0;
	put_message(&b, 7, 0x0100, "a.example", ME_DNS_A, 0);
	put_message(&b, 8, 0x0100, "b.example", ME_DNS_A, 0);
	send_part(streams, &b, 0, b.length);
	next_is(sink, &at, 'q', 7);
	next_is(sink, &at, 'q', 8);
	/* Another connection has asked nothing. */
	b.length = 0;
	put_message(&b, 7, 0x8180, "a.example", ME_DNS_A, 1);
	assert_int_equal(put(streams, 2, 0, SERVER, SERVER, b.data, b.length), 0);
	next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED);
	b.length = 0;
	put_message(&b, 9, 0x8180, "a.example", ME_DNS_A, 1);    /* wrong id */
	put_message(&b, 7, 0x8180, "b.example", ME_DNS_A, 1);    /* wrong name */
	put_message(&b, 7, 0x8180, "a.example", ME_DNS_AAAA, 0); /* wrong type */
	put_message(&b, 7, 0x8180, "a.exampl", ME_DNS_A, 1);
	put_message(&b, 7, 0x0100, "a.example", ME_DNS_A, 0); /* no answer: passed over */
	put_message(&b, 7, 0x8180, "a.example", ME_DNS_A, 1);
	put_message(&b, 7, 0x8180, "a.example", ME_DNS_A, 1); /* once more */
	put_message(&b, 8, 0x8183, "b.example", ME_DNS_A, 0);
	receive_part(streams, &b, 0, b.length);
	for (int i = 0; i < 4; i++)
		next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED);
	next_is(sink, &at, 'a', 7);
	next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED);
	next_is(sink, &at, 'a', 8);
	assert_int_equal(sink->n, at);
}

static void refuses_what_cannot_be_read(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	static struct bytes b;
	size_t at = 0;

	(void)state;
	b.length = 0;
	put16(&b, 0);
	put16(&b, 3);
	b.data[b.length++] = 1;
	put16(&b, 2);
	put_message(&b, 1, 0x2900, "a.example", ME_DNS_A, 0); /* an update */
	put_message(&b, 2, 0x8180, "a.example", ME_DNS_A, 0); /* an answer: passed over */
	put_message(&b, 3, 0x0100, "a.example", ME_DNS_A, 0);
	send_part(streams, &b, 0, b.length);
	for (int i = 0; i < 3; i++)
		next_is(sink, &at, 'r', ME_REFUSED_MALFORMED);
	next_is(sink, &at, 'q', 3);
	b.length = 0;
	put16(&b, 12);
	b.length += 12; /* no question: zeros */
	put16(&b, 0);
	put_message(&b, 3, 0x8180, "a.example", ME_DNS_A, 1);
	receive_part(streams, &b, 0, b.length);
	next_is(sink, &at, 'r', ME_REFUSED_MALFORMED);
	next_is(sink, &at, 'r', ME_REFUSED_MALFORMED);
	next_is(sink, &at, 'a', 3);
	assert_int_equal(sink->n, at);
}

static void a_query_waits_for_a_while(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	static struct bytes asked, b;
	size_t at = 0;

	(void)state;
	now_ns = 100 * SECOND;
	asked.length = b.length = 0;
	put_message(&asked, 1, 0x0100, "a.example", ME_DNS_A, 0);
	put_message(&asked, 2, 0x0100, "a.example", ME_DNS_A, 0);
	put_message(&asked, 1, 0x0100, "a.example", ME_DNS_A, 0); /* sent once more */
	send_part(streams, &asked, 0, asked.length);
	for (size_t i = 0; i < 3; i++)
		next_is(sink, &at, 'q', i == 1 ? 2 : 1);
	now_ns += ME_QUERY_NS;
	put_message(&b, 1, 0x8180, "a.example", ME_DNS_A, 1);
	put_message(&b, 1, 0x8180, "a.example", ME_DNS_A, 1);
	receive_part(streams, &b, 0, b.length);
	next_is(sink, &at, 'a', 1);
	next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED); /* there was one query, sent twice */
	now_ns++;
	put_message(&b, 2, 0x8180, "a.example", ME_DNS_A, 1);
	receive_part(streams, &b, b.length / 3 * 2, b.length);
	next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED);
	assert_int_equal(sink->n, at);
}

static void open_queries_are_bounded(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	static struct bytes asked, b;
	size_t at = 0, sent;

	(void)state;
	now_ns = 100 * SECOND;
	asked.length = b.length = 0;
	for (uint16_t id = 0; id < ME_DNS_STREAM_QUERIES_MAX + 2; id++)
		put_message(&asked, id, 0x0100, "a.example", ME_DNS_A, 0);
	put_message(&asked, 5, 0x0100, "a.example", ME_DNS_A, 0); /* known, needs no room */
	send_part(streams, &asked, 0, asked.length);
	sent = asked.length;
	for (uint16_t id = 0; id < ME_DNS_STREAM_QUERIES_MAX; id++)
		next_is(sink, &at, 'q', id);
	for (uint16_t id = 0; id < 2; id++) {
		next_is(sink, &at, 'r', ME_REFUSED_QUERIES_FULL);
		next_is(sink, &at, 'q', ME_DNS_STREAM_QUERIES_MAX + id);
	}
	next_is(sink, &at, 'q', 5);
	put_message(&b, ME_DNS_STREAM_QUERIES_MAX, 0x8180, "a.example", ME_DNS_A, 1);
	put_message(&b, 5, 0x8180, "a.example", ME_DNS_A, 1);
	receive_part(streams, &b, 0, b.length);
	next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED);
	next_is(sink, &at, 'a', 5);
	/* One place is free again; and all, when those that wait have waited too long. */
	put_message(&asked, 500, 0x0100, "a.example", ME_DNS_A, 0);
	put_message(&asked, 501, 0x0100, "a.example", ME_DNS_A, 0);
	send_part(streams, &asked, sent, asked.length);
	sent = asked.length;
	next_is(sink, &at, 'q', 500);
	next_is(sink, &at, 'r', ME_REFUSED_QUERIES_FULL);
	next_is(sink, &at, 'q', 501);
	now_ns += ME_QUERY_NS + 1;
	for (uint16_t id = 600; id < 600 + ME_DNS_STREAM_QUERIES_MAX; id++)
		put_message(&asked, id, 0x0100, "a.example", ME_DNS_A, 0);
	send_part(streams, &asked, sent, asked.length);
	for (uint16_t id = 600; id < 600 + ME_DNS_STREAM_QUERIES_MAX; id++)
		next_is(sink, &at, 'q', id);
	assert_int_equal(sink->n, at);
}

/* --- Where the streams begin --------------------------------------------------------------------- */

static void segments_come_late_and_twice(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	struct bytes *b = query(7, "a.example");
	size_t at = 0;

	(void)state;
	send_part(streams, b, 0, 5);
	send_part(streams, b, 20, b->length);
	send_part(streams, b, 0, 10);
	send_part(streams, b, 8, 21);
	next_is(sink, &at, 'q', 7);
	send_part(streams, b, 0, b->length);
	b = answer(7, "a.example", 2);
	/* Its sequence numbers wrap; the end comes first. */
	receive_part(streams, b, 20, b->length);
	receive_part(streams, b, 0, 0);
	receive_part(streams, b, 10, 30);
	assert_int_equal(sink->n, at);
	receive_part(streams, b, 0, 11);
	next_is(sink, &at, 'a', 7);
	receive_part(streams, b, 0, b->length);
	receive_part(streams, b, 20, b->length);
	assert_int_equal(sink->n, at);
}

/* What is met in the middle of a connection. */
static void a_connection_may_be_under_way(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	struct bytes *b = answer(6, "a.example", 1);
	size_t at = 0;

	(void)state;
	/* A whole answer, to a query that nobody saw. */
	assert_int_equal(put(streams, 1, 0, 5000, 5000, b->data, b->length), 0);
	next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED);
	/* The end of one: whatever it seems to be, the next query says where it ends. */
	assert_int_equal(put(streams, 1, 0, 6000, 6000, b->data + 9, 12), 0);
	at = sink->n;
	b = query(7, "a.example");
	assert_int_equal(put(streams, 1, ME_PAYLOAD_SENT, CLIENT, 7000, b->data, b->length), 0);
	next_is(sink, &at, 'q', 7);
	b = answer(7, "a.example", 1);
	assert_int_equal(put(streams, 1, 0, 7010, 7000, b->data + 10, b->length - 10), 0);
	assert_int_equal(put(streams, 1, 0, 7000, 7000, b->data, 10), 0);
	next_is(sink, &at, 'a', 7);
	assert_int_equal(sink->n, at);
}

/* The SYN of Fast Open carries the query and acknowledges nothing. */
static void fast_open_acknowledges_nothing(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	struct bytes *b = query(7, "a.example");
	size_t at = 0;

	(void)state;
	assert_int_equal(put(streams, 1, ME_PAYLOAD_SENT, CLIENT, 0, b->data, b->length), 0);
	next_is(sink, &at, 'q', 7);
	b = answer(7, "a.example", 1);
	assert_int_equal(put(streams, 1, 0, SERVER, SERVER, b->data, 10), 0);
	/* The next query comes while the answer does. */
	b = query(8, "a.example");
	assert_int_equal(put(streams, 1, ME_PAYLOAD_SENT, CLIENT + (uint32_t)b->length, SERVER + 10,
			     b->data, b->length),
			 0);
	next_is(sink, &at, 'q', 8);
	b = answer(7, "a.example", 1);
	receive_part(streams, b, 10, b->length);
	next_is(sink, &at, 'a', 7);
	assert_int_equal(sink->n, at);
}

/*
 * Of the answer to a Fast Open the end comes first. The kernel knows where the stream begins; what lies
 * in the midst of a message is no message, whatever it looks like.
 */
static void fast_open_is_answered_out_of_order(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	static struct bytes b;
	size_t at = 0, inner;

	(void)state;
	b.length = 0;
	put_message(&b, 7, 0x0100, "a.example", ME_DNS_A, 0);
	put_message(&b, 8, 0x0100, "b.example", ME_DNS_A, 0);
	assert_int_equal(put(streams, 1, ME_PAYLOAD_SENT, CLIENT, 0, b.data, b.length), 0);
	next_is(sink, &at, 'q', 7);
	next_is(sink, &at, 'q', 8);
	b.length = 0;
	put_message(&b, 7, 0x8180, "a.example", ME_DNS_A, 1);
	inner = b.length;
	put_message(&b, 8, 0x8180, "b.example", ME_DNS_A, 2);
	b.data[1] = (uint8_t)(b.length - 2); /* one message */
	assert_int_equal(put(streams, 1, 0, SERVER + (uint32_t)inner, SERVER, b.data + inner,
			     b.length - inner),
			 0);
	assert_int_equal(sink->n, at);
	assert_int_equal(put(streams, 1, 0, SERVER, SERVER, b.data, inner), 0);
	assert_int_equal(sink->events[at].addresses, 1);
	next_is(sink, &at, 'a', 7);
	assert_int_equal(sink->n, at);
}

static void a_gap_ends_the_connection(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	struct bytes *b = query(7, "a.example");
	uint32_t far = CLIENT + (uint32_t)b->length + ME_DNS_STREAM_WINDOW;
	size_t at = 0;

	(void)state;
	send_part(streams, b, 0, b->length);
	next_is(sink, &at, 'q', 7);
	/* 128 kB were lost. What comes then is not taken; what comes next begins anew. */
	assert_int_equal(put(streams, 1, ME_PAYLOAD_SENT, far, SERVER, b->data, b->length), 0);
	assert_int_equal(me_dns_streams_broken(streams), 1);
	assert_int_equal(me_dns_streams_count(streams), 0);
	assert_int_equal(sink->n, at);
	b = query(8, "a.example");
	assert_int_equal(put(streams, 1, ME_PAYLOAD_SENT, far + (uint32_t)b->length, SERVER,
			     b->data, b->length),
			 0);
	next_is(sink, &at, 'q', 8);
	b = answer(7, "a.example", 1); /* of before */
	receive_part(streams, b, 0, b->length);
	next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED);
	/* Too many pieces that wait. */
	for (uint32_t i = 1; i <= 17; i++)
		assert_int_equal(put(streams, 1, 0, SERVER + 1000 + 10 * i, SERVER, b->data, 5), 0);
	assert_int_equal(me_dns_streams_broken(streams), 2);
	assert_int_equal(me_dns_streams_count(streams), 0);
	assert_int_equal(sink->n, at);
}

/* A segment that reaches too far has a beginning that counts. */
static void the_beginning_of_too_much_is_taken(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	static struct bytes b;
	size_t at = 0;

	(void)state;
	b.length = 0;
	for (uint16_t id = 0; b.length < ME_DNS_STREAM_WINDOW + 100; id++)
		put_message(&b, id, 0x8180, "a.example", ME_DNS_A, 0);
	assert_int_equal(put(streams, 1, 0, SERVER, SERVER, b.data, b.length), 0);
	for (size_t n = 0; n + 29 <= ME_DNS_STREAM_WINDOW; n += 29)
		next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED);
	assert_int_equal(sink->n, at);
	assert_int_equal(me_dns_streams_broken(streams), 1);
}

/* 32,000 messages of no bytes in a segment take no longer than others. */
static void tiny_messages_are_cheap(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	static struct bytes b;

	(void)state;
	memset(b.data, 0, sizeof(b.data));
	b.length = 65000;
	send_part(streams, &b, 0, b.length);
	assert_int_equal(sink->n, 65000 / 2);
}

/* --- Connections --------------------------------------------------------------------------------- */

static void connections_are_bounded(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	struct bytes *b = query(7, "a.example");
	size_t at;

	(void)state;
	for (uint64_t i = 1; i <= ME_DNS_STREAMS_MAX + 10; i++) {
		assert_int_equal(
			put(streams, i, ME_PAYLOAD_SENT, CLIENT, SERVER, b->data, b->length), 0);
		/* The first is used all the time. */
		assert_int_equal(put(streams, 1, ME_PAYLOAD_SENT, CLIENT, SERVER, b->data, 1), 0);
	}
	assert_int_equal(me_dns_streams_count(streams), ME_DNS_STREAMS_MAX);
	assert_int_equal(me_dns_streams_evicted(streams), 10);
	assert_int_equal(me_dns_streams_broken(streams), 0);
	at = sink->n;
	b = answer(7, "a.example", 1);
	assert_int_equal(put(streams, 1, 0, SERVER, SERVER, b->data, b->length), 0);
	next_is(sink, &at, 'a', 7);
	assert_int_equal(put(streams, 2, 0, SERVER, SERVER, b->data, b->length), 0);
	next_is(sink, &at, 'r', ME_REFUSED_UNSOLICITED);
	assert_int_equal(put(streams, 13, 0, SERVER, SERVER, b->data, b->length), 0);
	next_is(sink, &at, 'a', 7);
}

static void idle_connections_leave(void **state)
{
	struct sink *sink = sink_empty();
	_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
	struct bytes *b = query(7, "a.example");

	(void)state;
	for (uint64_t i = 1; i <= 10; i++) {
		now_ns = i * SECOND;
		assert_int_equal(
			put(streams, i, ME_PAYLOAD_SENT, CLIENT, SERVER, b->data, b->length), 0);
	}
	assert_int_equal(put(streams, 2, ME_PAYLOAD_SENT, CLIENT, SERVER, b->data, 1), 0);
	me_dns_streams_expire(streams, SECOND);
	assert_int_equal(me_dns_streams_count(streams), 10);
	me_dns_streams_expire(streams, 5 * SECOND);
	assert_int_equal(me_dns_streams_count(streams), 7); /* 1, 3 and 4 left */
	me_dns_streams_expire(streams, 100 * SECOND);
	assert_int_equal(me_dns_streams_count(streams), 0);
	assert_int_equal(me_dns_streams_evicted(streams), 0);
	assert_int_equal(put(streams, 2, ME_PAYLOAD_SENT, 77, SERVER, b->data, b->length), 0);
	assert_int_equal(sink->n, 11);
}

static void nothing_is_freed_twice(void **state)
{
	struct me_dns_streams *streams = streams_new(sink_empty());
	struct bytes *b = query(7, "a.example");

	(void)state;
	send_part(streams, b, 0, b->length);
	receive_part(streams, b, 3, 5);
	me_dns_streams_free(&streams);
	assert_null(streams);
	me_dns_streams_free(&streams);
}

/* --- At random ----------------------------------------------------------------------------------- */

enum { CONNECTIONS = 8, ROUNDS = 12, QUERIES = 6, PIECES = 12 };

/* One direction of a connection, and what of it is on its way: pieces, in the order of arrival. */
struct way {
	struct bytes b; /* of this round */
	uint32_t seq;   /* of its first byte */
	size_t n, at;
	struct piece {
		size_t from, until;
	} pieces[3 * PIECES];
};

struct connection {
	struct way sent, received;
	bool fast; /* what it sends acknowledges nothing, as the SYN of Fast Open does */
	size_t n_expected, n_seen;
	struct event expected[ROUNDS * 4 * QUERIES];
};

static uint32_t below(uint64_t *random, size_t n)
{
	return (uint32_t)(me_seed_next(random) % n);
}

static void expect(struct connection *c, char kind, uint16_t id, uint32_t addresses)
{
	c->expected[c->n_expected++] =
		(struct event){.kind = kind, .id = id, .addresses = addresses};
}

/* Cuts the bytes, repeats and mixes the pieces. */
static void cut(struct way *way, bool first_first, uint64_t *random)
{
	size_t from = 0, repeats = below(random, PIECES);

	way->n = way->at = 0;
	while (from < way->b.length) {
		size_t left = way->b.length - from;
		size_t n = way->n == PIECES - 1 ? left : 1 + below(random, left);

		way->pieces[way->n++] = (struct piece){.from = from, .until = from + n};
		from += n;
	}
	while (repeats--) {
		struct piece *again = &way->pieces[way->n++];

		again->from = below(random, way->b.length);
		again->until = again->from + below(random, way->b.length - again->from + 1);
	}
	for (size_t i = way->n; i-- > 1;) {
		size_t other = below(random, i + 1);
		struct piece moved = way->pieces[i];

		way->pieces[i] = way->pieces[other];
		way->pieces[other] = moved;
	}
	/* Only the first segment of all says where the stream begins. */
	for (size_t i = 0; first_first && i < way->n; i++) {
		struct piece moved = way->pieces[i];

		if (moved.from || !moved.until)
			continue;
		way->pieces[i] = way->pieces[0];
		way->pieces[0] = moved;
		break;
	}
}

static void make_round(struct connection *c, uint16_t round, uint64_t *random)
{
	uint32_t n = 1 + below(random, QUERIES);
	char name[32];

	c->sent.seq += (uint32_t)c->sent.b.length;
	c->received.seq += (uint32_t)c->received.b.length;
	c->sent.b.length = c->received.b.length = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint16_t id = (uint16_t)(100 * round + i);

		snprintf(name, sizeof(name), "n%u.example", below(random, 1000));
		put_message(&c->sent.b, id, 0x0100, name, ME_DNS_A, 0);
		expect(c, 'q', id, 0);
		if (below(random, 8) == 0)
			continue;
		/* Some with more than one segment can hold. */
		put_message(&c->received.b, id, 0x8180, name, ME_DNS_A,
			    below(random, i % 2 ? 200 : 4));
	}
	put_message(&c->received.b, 9999, 0x8180, "forged.example", ME_DNS_A, 1);
	/* The answers are expected in their order, without the last. */
	for (size_t at = 0; at < c->received.b.length;) {
		const uint8_t *m = c->received.b.data + at + 2;
		uint16_t id = (uint16_t)(m[0] << 8 | m[1]);

		if (id != 9999)
			expect(c, 'a', id, (uint32_t)m[6] << 8 | m[7]);
		at += 2 + ((size_t)m[-2] << 8 | m[-1]);
	}
	cut(&c->sent, round == 0, random);
	cut(&c->received, false, random);
}

/* Delivers the next piece of the connection's round. False: there is none. */
static bool deliver(struct me_dns_streams *streams, struct connection *c, uint64_t id)
{
	bool sent = c->sent.at < c->sent.n;
	struct way *way = sent ? &c->sent : &c->received;
	const struct piece *p = &way->pieces[way->at];

	if (way->at == way->n)
		return false;
	way->at++;
	assert_int_equal(put(streams, id, sent ? ME_PAYLOAD_SENT : 0, way->seq + (uint32_t)p->from,
			     sent && c->fast ? 0 : c->received.seq, way->b.data + p->from,
			     p->until - p->from),
			 0);
	return true;
}

static void streams_are_what_was_sent(void **state)
{
	static struct connection connections[CONNECTIONS];
	uint64_t random = me_seed();

	(void)state;
	for (int run = 0; run < 30; run++) {
		struct sink *sink = sink_empty();
		_cleanup_streams_ struct me_dns_streams *streams = streams_new(sink);
		size_t refused = 0;

		for (uint64_t i = 0; i < CONNECTIONS; i++) {
			struct connection *c = &connections[i];

			c->n_expected = c->n_seen = c->sent.b.length = c->received.b.length = 0;
			c->fast = i % 4 < 2;
			c->sent.seq = (uint32_t)me_seed_next(&random);
			/* Not 0, which says that nothing was acknowledged. */
			c->received.seq = i % 2 ? (uint32_t)me_seed_next(&random) | 1
						: UINT32_MAX - below(&random, 2000);
		}
		for (uint16_t round = 0; round < ROUNDS; round++) {
			size_t left = CONNECTIONS;

			for (size_t i = 0; i < CONNECTIONS; i++)
				make_round(&connections[i], round, &random);
			while (left) {
				size_t i = below(&random, CONNECTIONS);
				bool some = deliver(streams, &connections[i], i);

				for (left = CONNECTIONS; !some && left; left--)
					if (connections[left - 1].received.at <
					    connections[left - 1].received.n)
						break;
			}
		}
		for (size_t i = 0; i < sink->n; i++) {
			const struct event *e = &sink->events[i];
			struct connection *c = &connections[e->connection];
			const struct event *x = &c->expected[c->n_seen];

			if (e->kind == 'r') {
				assert_int_equal(e->cause, ME_REFUSED_UNSOLICITED);
				refused++;
				continue;
			}
			assert_true(c->n_seen++ < c->n_expected);
			assert_int_equal(e->kind, x->kind);
			assert_int_equal(e->id, x->id);
			assert_int_equal(e->addresses, x->addresses);
		}
		for (size_t i = 0; i < CONNECTIONS; i++)
			assert_int_equal(connections[i].n_seen, connections[i].n_expected);
		assert_int_equal(refused, CONNECTIONS * ROUNDS);
		assert_int_equal(me_dns_streams_broken(streams), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_queries_and_answers),
		cmocka_unit_test(messages_are_cut_anywhere),
		cmocka_unit_test(messages_may_be_large),
		cmocka_unit_test(refuses_what_was_not_asked),
		cmocka_unit_test(refuses_what_cannot_be_read),
		cmocka_unit_test(a_query_waits_for_a_while),
		cmocka_unit_test(open_queries_are_bounded),
		cmocka_unit_test(segments_come_late_and_twice),
		cmocka_unit_test(a_connection_may_be_under_way),
		cmocka_unit_test(fast_open_acknowledges_nothing),
		cmocka_unit_test(fast_open_is_answered_out_of_order),
		cmocka_unit_test(a_gap_ends_the_connection),
		cmocka_unit_test(the_beginning_of_too_much_is_taken),
		cmocka_unit_test(tiny_messages_are_cheap),
		cmocka_unit_test(connections_are_bounded),
		cmocka_unit_test(idle_connections_leave),
		cmocka_unit_test(nothing_is_freed_twice),
		cmocka_unit_test(streams_are_what_was_sent),
	};

	return cmocka_run_group_tests_name("dns_stream", tests, NULL, NULL);
}
