/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/http_connection.h"

#include <stdlib.h>
#include "export/http.h"
#include "export/listen.h"

void me_connection_go_on(struct me_connections *connections, struct me_connection *connection)
{
	if (!connection->waits)
		return;
	connection->waits = false;
	connections->resume(connection->mhd);
}

void me_connections_go_on(struct me_connections *connections)
{
	for (struct me_connection *c = connections->first; c; c = c->next)
		me_connection_go_on(connections, c);
}

static void end(struct me_connections *connections, struct me_connection *connection)
{
	connection->ended = true;
	connections->cut++;
	shutdown(connection->fd, SHUT_RDWR);
	me_connection_go_on(connections, connection);
}

/*
 * Makes room among the connections of the listener, those from the peer alone if one is given: beyond `most`
 * the one ends that has waited longest, so that whoever holds many of them keeps nobody else out.
 */
static void make_room(struct me_connections *connections, const void *listener,
		      const struct sockaddr *peer, unsigned int most)
{
	struct me_connection *oldest = NULL;
	unsigned int n = 0;

	for (struct me_connection *c = connections->first; c; c = c->next) {
		if (c->ended || c->listener != listener ||
		    (peer && !me_listen_same_peer(peer, c->peer)))
			continue;
		n++;
		if (!oldest || c->since_ns <= oldest->since_ns)
			oldest = c;
	}
	if (n > most)
		end(connections, oldest);
}

void me_connections_make_room(struct me_connections *connections)
{
	size_t unread;

	do {
		struct me_connection *oldest = NULL;

		unread = 0;
		for (struct me_connection *c = connections->first; c; c = c->next) {
			if (c->ended || !c->unread)
				continue;
			unread += c->unread;
			if (!oldest || c->since_ns <= oldest->since_ns)
				oldest = c;
		}
		if (unread > ME_HTTP_UNREAD_MAX)
			end(connections, oldest);
	} while (unread > ME_HTTP_UNREAD_MAX);
}

struct me_connection *me_connection_begin(struct me_connections *connections,
					  const struct me_connection *begun)
{
	struct me_connection *connection = malloc(sizeof(*connection));

	if (!connection)
		return NULL;
	*connection = *begun;
	connection->next = connections->first;
	connections->first = connection;
	if (connection->peer->sa_family != AF_UNIX)
		make_room(connections, connection->listener, connection->peer,
			  ME_HTTP_CONNECTIONS_IP);
	make_room(connections, connection->listener, NULL, ME_HTTP_CONNECTIONS);
	return connection;
}

void me_connection_forget(struct me_connections *connections, struct me_connection *connection)
{
	for (struct me_connection **at = &connections->first; *at; at = &(*at)->next) {
		if (*at != connection)
			continue;
		*at = connection->next;
		free(connection);
		break;
	}
}

/* The library's idle timeout alone would let a client hold a connection with a byte now and then. */
void me_connections_end_late(struct me_connections *connections, uint64_t now_ns)
{
	for (struct me_connection *c = connections->first; c; c = c->next)
		if (!c->ended && now_ns - c->since_ns > ME_HTTP_REQUEST_NS)
			end(connections, c);
}

struct me_connection *me_connections_next(const struct me_connections *connections)
{
	struct me_connection *next = NULL;

	for (struct me_connection *c = connections->first; c; c = c->next)
		if (c->waits &&
		    (!next || c->wants_much < next->wants_much ||
		     (c->wants_much == next->wants_much && c->since_ns <= next->since_ns)))
			next = c;
	return next;
}
