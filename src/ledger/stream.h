/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_STREAM_H
#define MEWATCH_LEDGER_STREAM_H

/*
 * The bytes of one direction of a TCP connection, put in order (RFC 9293, 3.4). Segments may come
 * late, twice and overlapping; of a byte that comes twice the first copy stays. Sequence numbers are
 * in host order and wrap. What is held costs about its own size, wherever it lies. Not locked.
 */
#include <stddef.h>
#include <stdint.h>

/* Pieces that wait for bytes before them; one more is refused. */
#define ME_STREAM_ISLANDS_MAX 16u

struct me_stream;

/*
 * A stream that holds bytes up to `max` (1 to INT32_MAX) past those consumed. NULL without memory.
 */
struct me_stream *me_stream_new(uint32_t max);
void me_stream_free(struct me_stream **stream);

/*
 * Says that the first byte has sequence number `seq`: that of the SYN, and 1. Without it the first
 * segment begins the stream. Once that is known it stays: a SYN sent again changes nothing.
 */
void me_stream_begin(struct me_stream *stream, uint32_t seq);

/*
 * Takes a segment, `n` bytes from `seq` on, copied; what was consumed or is held already is passed
 * over. 0; -EFBIG if it reaches beyond `max`, and then the bytes before that were taken; -ENOBUFS if
 * it would be an island too many, -ENOMEM: nothing was taken.
 */
int me_stream_put(struct me_stream *stream, uint32_t seq, const void *data, size_t n);

/*
 * The bytes that follow without a gap on those consumed, *ret_n of them, maybe 0; the stream's, until
 * the next me_stream_put() or me_stream_consume(). NULL only if there is none.
 */
const uint8_t *me_stream_data(const struct me_stream *stream, size_t *ret_n);

/* Drops the first `n` bytes of me_stream_data(), no more than it has. */
void me_stream_consume(struct me_stream *stream, size_t n);

#endif
