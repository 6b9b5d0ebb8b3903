/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"

#define FIRST_CAPACITY 64u

struct piece {
	uint32_t at; /* of its first byte, counted from the first byte not consumed */
	uint32_t length;
	uint32_t capacity;
	uint8_t *data;
};

/*
 * The pieces lie in order, with a gap between any two. The first begins at 0 and may be empty: it is
 * what me_stream_data() gives; the others are the islands.
 */
struct me_stream {
	uint32_t max;
	uint32_t base; /* sequence number of the first byte not consumed */
	bool begun;
	uint32_t n_pieces;
	struct piece pieces[1 + ME_STREAM_ISLANDS_MAX];
};

struct me_stream *me_stream_new(uint32_t max)
{
	struct me_stream *stream;

	assert(max > 0 && max <= INT32_MAX);
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	stream->max = max;
	stream->n_pieces = 1;
	return stream;
}

void me_stream_free(struct me_stream **stream)
{
	struct me_stream *held = me_steal_ptr(stream);

	if (!held)
		return;
	for (uint32_t i = 0; i < held->n_pieces; i++)
		free(held->pieces[i].data);
	free(held);
}

void me_stream_begin(struct me_stream *stream, uint32_t seq)
{
	if (stream->begun)
		return;
	stream->base = seq;
	stream->begun = true;
}

static uint32_t end_of(const struct piece *piece)
{
	return piece->at + piece->length;
}

static int reserve(struct piece *piece, uint32_t length)
{
	uint32_t capacity = piece->capacity ? piece->capacity : FIRST_CAPACITY;
	uint8_t *data;

	if (length <= piece->capacity)
		return 0;
	/* No length is above INT32_MAX. */
	while (capacity < length)
		capacity *= 2;
	data = realloc(piece->data, capacity);
	if (!data)
		return -ENOMEM;
	piece->data = data;
	piece->capacity = capacity;
	return 0;
}

/*
 * Lets piece `i`, which ends where `data` begins, go on with these `n` bytes and with the pieces after
 * it that they reach. It has the room.
 */
static void join(struct me_stream *stream, uint32_t i, const uint8_t *data, uint32_t n)
{
	struct piece *piece = &stream->pieces[i];
	uint32_t next = i + 1, until = end_of(piece) + n;

	if (n)
		memcpy(piece->data + piece->length, data, n);
	piece->length += n;
	for (; next < stream->n_pieces && stream->pieces[next].at <= until; next++) {
		struct piece *reached = &stream->pieces[next];

		/* These bytes came first. */
		memcpy(piece->data + (reached->at - piece->at), reached->data, reached->length);
		if (end_of(reached) > end_of(piece))
			piece->length = end_of(reached) - piece->at;
		free(reached->data);
	}
	memmove(&stream->pieces[i + 1], &stream->pieces[next],
		(stream->n_pieces - next) * sizeof(*piece));
	stream->n_pieces -= next - (i + 1);
}

/* Where a piece would end that ends with the segment up to `until` and takes in what that reaches. */
static uint32_t end_when_joined(const struct me_stream *stream, uint32_t i, uint32_t until)
{
	uint32_t end = until;

	for (; i < stream->n_pieces && stream->pieces[i].at <= until; i++) {
		if (end_of(&stream->pieces[i]) > end)
			end = end_of(&stream->pieces[i]);
	}
	return end;
}

/* Takes the bytes from `at` to `until`, one at least. On failure nothing has changed. */
static int place(struct me_stream *stream, uint32_t at, uint32_t until, const uint8_t *data)
{
	struct piece *pieces = stream->pieces, made = {.at = at};
	uint32_t i = 0, end, held;
	bool touches;

	while (i < stream->n_pieces && end_of(&pieces[i]) < at)
		i++;
	touches = i < stream->n_pieces && pieces[i].at <= until;
	end = end_when_joined(stream, i, until);
	if (touches && pieces[i].at <= at) {
		if (reserve(&pieces[i], end - pieces[i].at))
			return -ENOMEM;
	} else {
		if (!touches && stream->n_pieces == ME_ARRAY_SIZE(stream->pieces))
			return -ENOBUFS;
		if (reserve(&made, end - at))
			return -ENOMEM;
		if (touches) {
			uint32_t before = pieces[i].at - at;

			memcpy(made.data, data, before);
			memcpy(made.data + before, pieces[i].data, pieces[i].length);
			made.length = before + pieces[i].length;
			free(pieces[i].data);
		} else {
			memmove(&pieces[i + 1], &pieces[i],
				(stream->n_pieces - i) * sizeof(*pieces));
			stream->n_pieces++;
		}
		pieces[i] = made;
	}
	held = (end_of(&pieces[i]) < until ? end_of(&pieces[i]) : until) - at;
	join(stream, i, data + held, until - at - held);
	return 0;
}

int me_stream_put(struct me_stream *stream, uint32_t seq, const void *data, size_t n)
{
	const uint8_t *bytes = data;
	uint32_t at, behind, fits;
	int err;

	if (!n)
		return 0;
	me_stream_begin(stream, seq);
	at = seq - stream->base;
	if (at > INT32_MAX) {
		behind = -at;
		if (n <= behind)
			return 0;
		bytes += behind;
		n -= behind;
		at = 0;
	}
	if (at >= stream->max)
		return -EFBIG;
	fits = n < stream->max - at ? (uint32_t)n : stream->max - at;
	err = place(stream, at, at + fits, bytes);
	return err ? err : fits < n ? -EFBIG : 0;
}

const uint8_t *me_stream_data(const struct me_stream *stream, size_t *ret_n)
{
	*ret_n = stream->pieces[0].length;
	return stream->pieces[0].length ? stream->pieces[0].data : NULL;
}

void me_stream_consume(struct me_stream *stream, size_t n)
{
	struct piece *first = &stream->pieces[0];

	assert(n <= first->length);
	if (!n)
		return;
	stream->base += (uint32_t)n;
	first->length -= (uint32_t)n;
	if (first->length) {
		memmove(first->data, first->data + n, first->length);
	} else {
		free(first->data);
		*first = (struct piece){0};
	}
	for (uint32_t i = 1; i < stream->n_pieces; i++)
		stream->pieces[i].at -= (uint32_t)n;
}
