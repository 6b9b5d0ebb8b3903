/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/dns_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "ledger/chain.h"
#include "ledger/stream.h"

#define PREFIX 2u /* bytes of a message's length before it */

struct query {
	struct query *next;
	uint64_t asked_ns;
	uint16_t id;
	uint16_t type;
	uint16_t length;
	uint8_t name[]; /* on the wire, `length` bytes */
};

struct connection {
	struct me_flow_key key;
	struct me_stream *sent, *received;
	bool asked; /* the client has said something */
	uint32_t n_queries;
	struct query *queries;
	uint64_t last_ns;
};

struct me_dns_streams {
	struct me_dns_stream_sink sink;
	struct me_table *index; /* struct me_flow_key -> slot */
	struct me_chain recent; /* by the last segment */
	struct me_chain unused;
	uint64_t evicted;
	uint64_t broken;
	struct me_link links[1 + ME_DNS_STREAMS_MAX];
	struct connection connections[1 + ME_DNS_STREAMS_MAX]; /* [0] is never used */
	struct me_dns dns;
};

struct me_dns_streams *me_dns_streams_new(const struct me_dns_stream_sink *sink)
{
	struct me_dns_streams *streams = calloc(1, sizeof(*streams));

	if (!streams)
		return NULL;
	streams->sink = *sink;
	for (uint32_t slot = 1; slot <= ME_DNS_STREAMS_MAX; slot++)
		me_chain_add(&streams->unused, streams->links, slot);
	streams->index =
		me_table_new(sizeof(struct me_flow_key), sizeof(uint32_t), ME_DNS_STREAMS_MAX);
	if (!streams->index)
		me_dns_streams_free(&streams);
	return streams;
}

/* --- Connections --------------------------------------------------------------------------------- */

/* Takes out the query that *at points to. */
static void forget_query(struct connection *connection, struct query **at)
{
	struct query *query = *at;

	*at = query->next;
	connection->n_queries--;
	free(query);
}

static void forget(struct me_dns_streams *streams, uint32_t slot)
{
	struct connection *connection = &streams->connections[slot];

	me_table_remove(streams->index, &connection->key);
	me_chain_remove(&streams->recent, streams->links, slot);
	me_chain_add(&streams->unused, streams->links, slot);
	me_stream_free(&connection->sent);
	me_stream_free(&connection->received);
	while (connection->queries)
		forget_query(connection, &connection->queries);
	*connection = (struct connection){0};
}

void me_dns_streams_free(struct me_dns_streams **streams)
{
	struct me_dns_streams *held = me_steal_ptr(streams);

	if (!held)
		return;
	while (held->recent.first)
		forget(held, held->recent.first);
	me_table_free(&held->index);
	free(held);
}

static int begin(struct me_dns_streams *streams, const struct me_flow_key *key, uint32_t *ret_slot)
{
	struct connection *connection;
	uint32_t slot;
	void *value;
	int r;

	if (!streams->unused.first) {
		streams->evicted++;
		forget(streams, streams->recent.first);
	}
	slot = streams->unused.first;
	connection = &streams->connections[slot];
	r = me_table_put(streams->index, key, &value);
	if (r < 0)
		return r;
	*(uint32_t *)value = slot;
	me_chain_remove(&streams->unused, streams->links, slot);
	me_chain_add(&streams->recent, streams->links, slot);
	connection->key = *key;
	connection->sent = me_stream_new(ME_DNS_STREAM_WINDOW);
	connection->received = me_stream_new(ME_DNS_STREAM_WINDOW);
	*ret_slot = slot;
	return connection->sent && connection->received ? 0 : -ENOMEM;
}

/*
 * What the client's segment says of where the server's stream begins. What the server said before
 * the first one answers nothing that was seen, and may be the middle of a message. The SYN of Fast
 * Open (RFC 7413), which carries data, acknowledges nothing: 0 says so, and then the kernel tells with
 * the server's segments where they begin. Begun at the first to come, the midst of a message could pass
 * for an answer.
 */
static int heed_client(struct connection *connection, uint32_t ack)
{
	if (!connection->asked) {
		me_stream_free(&connection->received);
		connection->received = me_stream_new(ME_DNS_STREAM_WINDOW);
		if (!connection->received)
			return -ENOMEM;
	}
	connection->asked = true;
	if (ack)
		me_stream_begin(connection->received, ack);
	return 0;
}

/* --- Messages ------------------------------------------------------------------------------------ */

static void refuse(struct me_dns_streams *streams, enum me_refused cause)
{
	streams->sink.refused(streams->sink.data, cause);
}

/*
 * Where the query that *dns repeats or answers is held, or where the next one goes. Queries that nobody
 * answered in their time are forgotten on the way.
 */
static struct query **find_query(struct connection *connection, const struct me_dns *dns,
				 uint64_t now_ns)
{
	const struct me_name *name = &dns->chain[0].name;
	struct query **at = &connection->queries;

	while (*at) {
		struct query *query = *at;

		if (now_ns > query->asked_ns && now_ns - query->asked_ns > ME_QUERY_NS) {
			forget_query(connection, at);
			continue;
		}
		if (query->id == dns->id && query->type == dns->type &&
		    query->length == name->length && !memcmp(query->name, name->wire, name->length))
			break;
		at = &query->next;
	}
	return at;
}

/* Whether the answer to it will be known as one. */
static bool remember(struct connection *connection, const struct me_dns *dns, uint64_t now_ns)
{
	const struct me_name *name = &dns->chain[0].name;
	struct query **at = find_query(connection, dns, now_ns);

	if (!*at && connection->n_queries < ME_DNS_STREAM_QUERIES_MAX) {
		*at = calloc(1, sizeof(**at) + name->length);
		connection->n_queries += *at != NULL;
	}
	if (!*at)
		return false;
	(*at)->asked_ns = now_ns;
	(*at)->id = dns->id;
	(*at)->type = dns->type;
	(*at)->length = name->length;
	memcpy((*at)->name, name->wire, name->length);
	return true;
}

static void take_query(struct me_dns_streams *streams, struct connection *connection,
		       const struct me_payload *head, const uint8_t *message, uint32_t length)
{
	struct me_dns *dns = &streams->dns;

	if (me_dns_question(message, length, dns) < 0) {
		refuse(streams, ME_REFUSED_MALFORMED);
	} else if (!(dns->flags & ME_DNS_IS_ANSWER)) {
		if (!remember(connection, dns, head->ts_ns))
			refuse(streams, ME_REFUSED_QUERIES_FULL);
		streams->sink.query(streams->sink.data, head, dns);
	}
}

static void take_answer(struct me_dns_streams *streams, struct connection *connection,
			const struct me_payload *head, const uint8_t *message, uint32_t length)
{
	struct me_dns *dns = &streams->dns;
	struct query **query;

	if (me_dns_question(message, length, dns) < 0) {
		refuse(streams, ME_REFUSED_MALFORMED);
		return;
	}
	if (!(dns->flags & ME_DNS_IS_ANSWER))
		return;
	query = find_query(connection, dns, head->ts_ns);
	if (!*query) {
		refuse(streams, ME_REFUSED_UNSOLICITED);
		return;
	}
	forget_query(connection, query);
	me_dns_answers(message, length, dns);
	streams->sink.answer(streams->sink.data, head, message, length, dns);
}

/* Takes the messages that are whole, and drops them all at once: there may be thousands. */
static void take_messages(struct me_dns_streams *streams, struct connection *connection,
			  const struct me_payload *head, struct me_stream *stream)
{
	size_t n, at = 0;
	const uint8_t *data = me_stream_data(stream, &n);

	while (n - at >= PREFIX) {
		uint32_t length = (uint32_t)data[at] << 8 | data[at + 1];

		if (n - at - PREFIX < length)
			break;
		at += PREFIX;
		if (stream == connection->sent)
			take_query(streams, connection, head, data + at, length);
		else
			take_answer(streams, connection, head, data + at, length);
		at += length;
	}
	me_stream_consume(stream, at);
}

/* --- Segments ------------------------------------------------------------------------------------ */

int me_dns_streams_put(struct me_dns_streams *streams, const struct me_payload *head,
		       const uint8_t *data)
{
	const uint32_t *known = me_table_get(streams->index, &head->key);
	bool sent = head->flags & ME_PAYLOAD_SENT;
	uint32_t slot = known ? *known : 0;
	struct connection *connection;
	struct me_stream *stream;
	int r = 0;

	if (!slot)
		r = begin(streams, &head->key, &slot);
	if (!slot)
		return r;
	connection = &streams->connections[slot];
	connection->last_ns = head->ts_ns;
	me_chain_remove(&streams->recent, streams->links, slot);
	me_chain_add(&streams->recent, streams->links, slot);
	if (!r && sent)
		r = heed_client(connection, head->ack);
	else if (!r && connection->asked && head->ack)
		me_stream_begin(connection->received, head->ack);
	if (!r) {
		stream = sent ? connection->sent : connection->received;
		r = me_stream_put(stream, head->seq, data, head->length);
		/* Of a segment that reaches too far the beginning was taken. */
		take_messages(streams, connection, head, stream);
	}
	if (r < 0) {
		streams->broken++;
		forget(streams, slot);
	}
	return r == -ENOMEM ? r : 0;
}

void me_dns_streams_expire(struct me_dns_streams *streams, uint64_t before_ns)
{
	while (streams->recent.first &&
	       streams->connections[streams->recent.first].last_ns < before_ns)
		forget(streams, streams->recent.first);
}

size_t me_dns_streams_count(const struct me_dns_streams *streams)
{
	return me_table_count(streams->index);
}

uint64_t me_dns_streams_evicted(const struct me_dns_streams *streams)
{
	return streams->evicted;
}

uint64_t me_dns_streams_broken(const struct me_dns_streams *streams)
{
	return streams->broken;
}
