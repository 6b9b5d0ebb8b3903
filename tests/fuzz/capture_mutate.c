/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mutates captures record by record, so that they stay captures: bytes of a packet, its time, how much of
 * it there is; packets once more, elsewhere, gone, or sent back by the other side. Every eighth time the
 * bytes are mutated as they come.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RECORDS_MAX 1024u
#define RECORD_MAX 4096u /* bytes of one that is mutated */
#define PCAP_HEAD 24u
#define PCAP_RECORD 16u /* before the packet */
#define NG_PACKET 6u    /* the type of a block with one */
#define NG_RECORD 28u
#define NG_ROOM 12u /* the least that a block has: type and twice its length */

struct record {
	size_t at, size; /* in the file */
	size_t packet, have;
};

struct shape {
	bool ng, swapped;
	uint8_t *data;
	size_t size, max;
	uint32_t link;
	size_t n;
	struct record record[RECORDS_MAX];
};

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static uint32_t get32(const struct shape *s, size_t at)
{
	uint32_t value;

	memcpy(&value, s->data + at, sizeof(value));
	return s->swapped ? __builtin_bswap32(value) : value;
}

static void put32(const struct shape *s, size_t at, uint32_t value)
{
	if (s->swapped)
		value = __builtin_bswap32(value);
	memcpy(s->data + at, &value, sizeof(value));
}

/* --- What is where ------------------------------------------------------------------------------ */

static bool begin(struct shape *s)
{
	uint32_t magic;

	if (s->size < PCAP_HEAD)
		return false;
	memcpy(&magic, s->data, sizeof(magic));
	if (magic == 0x0a0d0d0a) {
		s->ng = true;
		memcpy(&magic, s->data + 8, sizeof(magic));
		s->swapped = magic == 0x4d3c2b1a;
		return s->swapped || magic == 0x1a2b3c4d;
	}
	s->swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
	s->link = get32(s, 20);
	return s->swapped || magic == 0xa1b2c3d4 || magic == 0xa1b23c4d;
}

/* False: there is no whole record at `at`. */
static bool read_record(struct shape *s, size_t at, struct record *record)
{
	size_t head = s->ng ? NG_ROOM : PCAP_RECORD;

	if (s->size - at < head)
		return false;
	*record = (struct record){.at = at};
	if (!s->ng) {
		record->packet = at + PCAP_RECORD;
		record->have = get32(s, at + 8);
		record->size = PCAP_RECORD + record->have;
		return record->have <= s->size - record->packet;
	}
	record->size = get32(s, at + 4);
	if (record->size < NG_ROOM || record->size % 4 || record->size > s->size - at)
		return false;
	if (get32(s, at) == 1 && record->size >= 20)
		s->link = get32(s, at + 8) & 0xffff;
	if (get32(s, at) == NG_PACKET && record->size >= NG_RECORD + 4 &&
	    get32(s, at + 20) <= record->size - NG_RECORD - 4) {
		record->packet = at + NG_RECORD;
		record->have = get32(s, at + 20);
	}
	return true;
}

static bool read_shape(struct shape *s)
{
	struct record record;
	size_t at;

	if (!begin(s))
		return false;
	at = s->ng ? get32(s, 4) : PCAP_HEAD;
	while (s->n < RECORDS_MAX && at <= s->size && read_record(s, at, &record)) {
		s->record[s->n++] = record;
		at += record.size;
	}
	return s->n;
}

/* --- Changes ------------------------------------------------------------------------------------ */

static bool replace(struct shape *s, size_t at, size_t old, const uint8_t *bytes, size_t size)
{
	if (size > s->max - (s->size - old))
		return false;
	memmove(s->data + at + size, s->data + at + old, s->size - at - old);
	if (size)
		memcpy(s->data + at, bytes, size);
	s->size += size - old;
	return true;
}

/* The packet has other bytes now; `length`, on the wire. */
static void put_packet(struct shape *s, const struct record *r, const uint8_t *bytes, size_t have,
		       size_t length)
{
	size_t old = s->ng ? r->size - NG_RECORD - 4 : r->have;
	size_t padded = s->ng ? (have + 3) & ~(size_t)3 : have;
	uint8_t packet[RECORD_MAX + 4] = {};

	memcpy(packet, bytes, have);
	if (!replace(s, r->packet, old, packet, padded))
		return;
	put32(s, r->at + (s->ng ? 20 : 8), have);
	put32(s, r->at + (s->ng ? 24 : 12), length);
	if (!s->ng)
		return;
	put32(s, r->at + 4, NG_RECORD + padded + 4);
	put32(s, r->packet + padded, NG_RECORD + padded + 4);
}

static void mutate_packet(struct shape *s, const struct record *r, uint32_t random)
{
	uint8_t bytes[RECORD_MAX];
	size_t have = r->have, length;

	memcpy(bytes, s->data + r->packet, have);
	if (random % 4 == 0) { /* cut */
		length = have;
		have = have ? random / 4 % have : 0;
	} else {
		length = have = LLVMFuzzerMutate(bytes, have, sizeof(bytes));
	}
	put_packet(s, r, bytes, have, length);
}

static void mutate_time(struct shape *s, const struct record *r, uint32_t random)
{
	static const uint32_t seconds[] = {1, 2, 5, 11, 31, 200, 1900, 4000, 90000, 0x7fffffff};
	uint32_t step = seconds[random % (sizeof(seconds) / sizeof(*seconds))];
	size_t low = r->at + (s->ng ? 16 : 0), high = r->at + 12;
	uint64_t time;

	if (!s->ng) {
		put32(s, low, get32(s, low) + (random & 0x100 ? -step : step));
		return;
	}
	time = (uint64_t)get32(s, high) << 32 | get32(s, low);
	time += (random & 0x100 ? -1ull : 1ull) * step * 1000000;
	put32(s, high, time >> 32);
	put32(s, low, time);
}

static void exchange(uint8_t *one, uint8_t *other, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = one[i];

		one[i] = other[i];
		other[i] = byte;
	}
}

/* The packet as the other side would send it. */
static void turn(const struct shape *s, uint8_t *packet, size_t have, uint32_t random)
{
	static const uint8_t flags[] = {0x12, 0x10, 0x18, 0x11, 0x14, 0x04};
	size_t at = s->link == 1 ? 14 : s->link == 113 ? 16 : s->link == 276 ? 20 : 4 * !s->link;
	size_t ends;
	bool v6;

	if (s->link == 1 && have > 14 && packet[12] == 0x81)
		at += 4;
	if (have < at + 60)
		return;
	v6 = packet[at] >> 4 == 6;
	ends = at + (v6 ? 40 : 20);
	exchange(packet + at + (v6 ? 8 : 12), packet + at + (v6 ? 24 : 16), v6 ? 16 : 4);
	exchange(packet + ends, packet + ends + 2, 2);
	if (packet[at + (v6 ? 6 : 9)] != 6 || have < ends + 20)
		return;
	exchange(packet + ends + 4, packet + ends + 8, 4);
	packet[ends + 13] = flags[random % sizeof(flags)];
}

/* One record more before that one: a copy of `from`, or what the other side might say to it. */
static void insert(struct shape *s, const struct record *from, const struct record *before,
		   bool back, uint32_t random)
{
	uint8_t bytes[RECORD_MAX];

	if (from->size > sizeof(bytes))
		return;
	memcpy(bytes, s->data + from->at, from->size);
	if (back && from->packet)
		turn(s, bytes + (from->packet - from->at), from->have, random);
	replace(s, before->at + (back ? before->size : 0), 0, bytes, from->size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static struct shape s; /* large */
	const struct record *r, *other;
	uint32_t random = seed / 512;

	memset(&s, 0, offsetof(struct shape, record));
	s.data = data;
	s.size = size;
	s.max = max_size;
	if (seed % 8 == 0 || !read_shape(&s))
		return LLVMFuzzerMutate(data, size, max_size);
	r = &s.record[random % s.n];
	other = &s.record[random / 64 % s.n];
	switch (seed / 8 % 8) {
	case 0:
		insert(&s, r, other, false, random);
		break;
	case 1:
		insert(&s, r, r, true, random / 128);
		break;
	case 2:
		if (s.n > 1)
			replace(&s, r->at, r->size, NULL, 0);
		break;
	case 3:
		mutate_time(&s, r, seed / 64);
		break;
	default:
		if (r->packet && r->have < RECORD_MAX)
			mutate_packet(&s, r, seed / 64);
	}
	return s.size;
}
