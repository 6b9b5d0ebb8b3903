/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_DNS_STREAM_H
#define MEWATCH_LEDGER_DNS_STREAM_H

/*
 * DNS over TCP (RFC 1035, section 4.2.2; RFC 7766): the messages in the segments that the kernel tells
 * as ME_RECORD_STREAM, and which of the answers were asked for. Times are those of the records. Not
 * locked.
 *
 * The client's stream begins with the first segment that it sends; the server's with what that
 * segment acknowledges, as a server says nothing before it is asked; after a Fast Open, which
 * acknowledges nothing, with what the server's first segment to come tells as `ack`. Where segments
 * were lost, the connection is forgotten, and begins anew with its next segment.
 */
#include <stddef.h>
#include <stdint.h>
#include "mewatch/abi.h"
#include "mewatch/dns.h"

#define ME_DNS_STREAMS_MAX 1024u       /* connections; the least recently used makes room */
#define ME_DNS_STREAM_QUERIES_MAX 128u /* of a connection, that wait for their answers */
/* Bytes of one direction that wait: a message but for its last byte, and a segment behind it. */
#define ME_DNS_STREAM_WINDOW (2u * 65536u)

struct me_dns_streams;

/*
 * Who takes what was found. `head` is that of the segment that completed the message. All belongs to
 * the caller of the function and is valid during the call, in which *streams must not be used.
 */
struct me_dns_stream_sink {
	void *data; /* passed to each */
	/* A query; of *dns what me_dns_question() reads. */
	void (*query)(void *data, const struct me_payload *head, const struct me_dns *dns);
	/* The answer to a query that was seen, the first to it; of *dns all. */
	void (*answer)(void *data, const struct me_payload *head, const uint8_t *message,
		       size_t length, struct me_dns *dns);
	/*
	 * Something was refused, once for each: ME_REFUSED_MALFORMED, a message without a question that
	 * can be read; ME_REFUSED_UNSOLICITED, an answer that fits no query; ME_REFUSED_QUERIES_FULL, a
	 * query whose answer will not be known as one.
	 */
	void (*refused)(void *data, enum me_refused cause);
};

/* `sink` is copied. NULL without memory. */
struct me_dns_streams *me_dns_streams_new(const struct me_dns_stream_sink *sink);
void me_dns_streams_free(struct me_dns_streams **streams);

/*
 * Takes a segment: `head` of a ME_RECORD_STREAM and the head->length bytes that follow it. 0; -ENOMEM,
 * and then its connection is forgotten.
 */
int me_dns_streams_put(struct me_dns_streams *streams, const struct me_payload *head,
		       const uint8_t *data);

/* Forgets connections whose last segment came before. */
void me_dns_streams_expire(struct me_dns_streams *streams, uint64_t before_ns);

/* Connections that are known. */
size_t me_dns_streams_count(const struct me_dns_streams *streams);

/* Connections that left for want of room. */
uint64_t me_dns_streams_evicted(const struct me_dns_streams *streams);

/* Times that a connection was forgotten because segments were lost, or for want of memory. */
uint64_t me_dns_streams_broken(const struct me_dns_streams *streams);

#endif
