/* SPDX-License-Identifier: GPL-2.0-only */
#include "captures.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define PACKET_MAX 2048

struct captures {
	FILE *file;
	char path[64];
	enum captures_link link;
	enum captures_format format;
	const char *host;
	uint32_t snaplen;
	uint64_t now_ns;
};

struct packet {
	uint8_t byte[PACKET_MAX];
	size_t size;
};

static void put(struct packet *p, const void *bytes, size_t size)
{
	assert_true(size <= sizeof(p->byte) - p->size);
	if (size)
		memcpy(p->byte + p->size, bytes, size);
	p->size += size;
}

static void put16(struct packet *p, uint16_t value)
{
	put(p, (uint8_t[]){value >> 8, value}, 2);
}

static void put32(struct packet *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p, value);
}

static void put_zeroes(struct packet *p, size_t size)
{
	while (size--)
		put(p, "", 1);
}

/* --- Files -------------------------------------------------------------------------------------- */

static void write_words(struct captures *c, const uint32_t *words, size_t n)
{
	assert_int_equal(fwrite(words, sizeof(*words), n, c->file), n);
}

struct captures *captures_begin(enum captures_link link, enum captures_format format,
				uint32_t snaplen)
{
	static const uint32_t types[CAPTURES_LINKS] = {1, 1, 101, 113, 276, 0};
	struct captures *c = calloc(1, sizeof(*c));
	const uint32_t magic = format == CAPTURES_NANO ? 0xa1b23c4d : 0xa1b2c3d4;

	assert_non_null(c);
	*c = (struct captures){.link = link,
			       .format = format,
			       .host = CAPTURES_HOST,
			       .snaplen = snaplen ? snaplen : 65535,
			       .now_ns = CAPTURES_START * 1000000000ull};
	snprintf(c->path, sizeof(c->path), "/tmp/mewatch-test-capture-XXXXXX");
	c->file = fdopen(mkstemp(c->path), "w");
	assert_non_null(c->file);
	if (format == CAPTURES_NG) {
		/* a section of unknown length, and an interface */
		write_words(c, (uint32_t[]){0x0a0d0d0a, 28, 0x1a2b3c4d, 1, ~0u, ~0u, 28}, 7);
		write_words(c, (uint32_t[]){1, 20, types[link], c->snaplen, 20}, 5);
	} else {
		write_words(c, (uint32_t[]){magic, 2 | 4 << 16, 0, 0, c->snaplen, types[link]}, 6);
	}
	return c;
}

const char *captures_path(struct captures *c)
{
	if (c->file)
		assert_int_equal(fclose(c->file), 0);
	c->file = NULL;
	return c->path;
}

void captures_end(struct captures **captures)
{
	struct captures *c = *captures;

	captures_path(c);
	unlink(c->path);
	free(c);
	*captures = NULL;
}

void captures_as(struct captures *c, const char *host)
{
	c->host = host;
}

void captures_wait(struct captures *c, uint64_t ms)
{
	c->now_ns += ms * 1000000;
}

void captures_cut(struct captures *c, size_t size)
{
	long end = ftell(c->file);

	fflush(c->file);
	assert_int_equal(ftruncate(fileno(c->file), end - (long)size), 0);
}

static void write_frame(struct captures *c, const struct packet *frame)
{
	uint32_t have = frame->size < c->snaplen ? frame->size : c->snaplen;
	uint32_t padded = (have + 3) & ~3u, size = frame->size;
	uint64_t us = c->now_ns / 1000;

	if (c->format == CAPTURES_NG)
		write_words(c, (uint32_t[]){6, 32 + padded, 0, us >> 32, us, have, size}, 7);
	else
		write_words(c,
			    (uint32_t[]){c->now_ns / 1000000000,
					 c->format == CAPTURES_NANO ? c->now_ns % 1000000000
								    : us % 1000000,
					 have, size},
			    4);
	assert_int_equal(fwrite(frame->byte, 1, have, c->file), have);
	if (c->format != CAPTURES_NG)
		return;
	assert_int_equal(fwrite("\0\0\0", 1, padded - have, c->file), padded - have);
	write_words(c, (uint32_t[]){32 + padded}, 1);
}

/* --- Packets ------------------------------------------------------------------------------------ */

/* What the link has in front of a packet. */
static void put_link(const struct captures *c, bool sent, struct packet *frame)
{
	static const uint8_t host[] = {2, 0, 0, 0, 0, 0x10}, router[] = {2, 0, 0, 0, 0, 1};

	if (c->link == CAPTURES_ETHERNET || c->link == CAPTURES_VLAN) {
		put(frame, sent ? router : host, 6);
		put(frame, sent ? host : router, 6);
		if (c->link == CAPTURES_VLAN)
			put32(frame, 0x81000005);
		put16(frame, 0x0800);
	} else if (c->link == CAPTURES_COOKED) {
		put16(frame, sent ? 4 : 0);
		put_zeroes(frame, 12);
		put16(frame, 0x0800);
	} else if (c->link == CAPTURES_COOKED2) {
		put16(frame, 0x0800);
		put_zeroes(frame, 18);
	} else if (c->link == CAPTURES_NULL) {
		put(frame, (uint8_t[]){2, 0, 0, 0}, 4);
	}
}

static void pass(struct captures *c, bool sent, const char *peer, uint8_t proto,
		 const struct packet *transport)
{
	struct packet frame = {};
	uint8_t host[4], other[4];

	assert_int_equal(inet_pton(AF_INET, c->host, host), 1);
	assert_int_equal(inet_pton(AF_INET, peer, other), 1);
	put_link(c, sent, &frame);
	put16(&frame, 0x4500);
	put16(&frame, 20 + transport->size);
	put32(&frame, 0);
	put(&frame, (uint8_t[]){64, proto, 0, 0}, 4);
	put(&frame, sent ? host : other, 4);
	put(&frame, sent ? other : host, 4);
	put(&frame, transport->byte, transport->size);
	captures_wait(c, 10);
	write_frame(c, &frame);
}

void captures_tcp(struct captures *c, bool sent, uint16_t sport, const char *peer, uint16_t port,
		  uint8_t flags, uint32_t seq, uint32_t ack, const void *payload, size_t size)
{
	struct packet p = {};

	put16(&p, sent ? sport : port);
	put16(&p, sent ? port : sport);
	put32(&p, seq);
	put32(&p, ack);
	put(&p, (uint8_t[]){0x50, flags, 0xff, 0xff, 0, 0, 0, 0}, 8);
	put(&p, payload, size);
	pass(c, sent, peer, 6, &p);
}

void captures_udp(struct captures *c, bool sent, uint16_t sport, const char *peer, uint16_t port,
		  const void *payload, size_t size)
{
	struct packet p = {};

	put16(&p, sent ? sport : port);
	put16(&p, sent ? port : sport);
	put16(&p, 8 + size);
	put16(&p, 0);
	put(&p, payload, size);
	pass(c, sent, peer, 17, &p);
}

void captures_connection(struct captures *c, uint16_t sport, const char *peer, uint16_t port,
			 const char *request)
{
	static const uint8_t answer[100];
	uint32_t up = request ? strlen(request) : 0, down = sizeof(answer);

	captures_tcp(c, true, sport, peer, port, 0x02, 1000, 0, NULL, 0);
	captures_tcp(c, false, sport, peer, port, 0x12, 5000, 1001, NULL, 0);
	captures_tcp(c, true, sport, peer, port, 0x10, 1001, 5001, NULL, 0);
	if (request)
		captures_tcp(c, true, sport, peer, port, 0x18, 1001, 5001, request, up);
	captures_tcp(c, false, sport, peer, port, 0x18, 5001, 1001 + up, answer, down);
	captures_tcp(c, true, sport, peer, port, 0x11, 1001 + up, 5001 + down, NULL, 0);
	captures_tcp(c, false, sport, peer, port, 0x11, 5001 + down, 1002 + up, NULL, 0);
	captures_tcp(c, true, sport, peer, port, 0x10, 1002 + up, 5002 + down, NULL, 0);
}

static void put_question(struct packet *p, uint16_t flags, uint16_t answers, const char *name)
{
	put16(p, 7);
	put16(p, flags);
	put16(p, 1);
	put16(p, answers);
	put32(p, 0);
	for (size_t length; *name; name += length + (name[length] == '.')) {
		length = strcspn(name, ".");
		put(p, (uint8_t[]){length}, 1);
		put(p, name, length);
	}
	put_zeroes(p, 1);
	put32(p, 0x00010001);
}

void captures_lookup(struct captures *c, const char *resolver, const char *name,
		     const char *address)
{
	struct packet query = {}, answer = {};
	uint8_t bytes[4];

	assert_int_equal(inet_pton(AF_INET, address, bytes), 1);
	put_question(&query, 0x0100, 0, name);
	put_question(&answer, 0x8180, 1, name);
	put16(&answer, 0xc00c);
	put32(&answer, 0x00010001);
	put32(&answer, 300);
	put16(&answer, 4);
	put(&answer, bytes, 4);
	captures_udp(c, true, 40000, resolver, 53, query.byte, query.size);
	captures_udp(c, false, 40000, resolver, 53, answer.byte, answer.size);
}
