/* SPDX-License-Identifier: GPL-2.0-only */
/* Who is connected, and how many, and how much may wait for them. */
#include <stdlib.h>
#include <sys/socket.h>
#include "export/http_parts.h"
#include "export/listen.h"

void me_http_go_on(struct me_http_connection *connection)
{
	if (!connection->waits)
		return;
	connection->waits = false;
	MHD_resume_connection(connection->mhd);
}

void me_http_end(struct me_http_connection *connection)
{
	connection->ended = true;
	connection->listener->http->cut++;
	shutdown(connection->fd, SHUT_RDWR);
	me_http_go_on(connection);
}

/*
 * Makes room among the connections of the listener, those from the peer alone if one is given: beyond `most`
 * the one ends that has waited longest, so that whoever holds many of them keeps nobody else out.
 */
static void make_room(struct me_http *http, const struct me_http_listener *listener,
		      const struct sockaddr *peer, unsigned int most)
{
	struct me_http_connection *oldest = NULL;
	unsigned int n = 0;

	for (struct me_http_connection *c = http->connections; c; c = c->next) {
		if (c->ended || c->listener != listener ||
		    (peer && !me_listen_same_peer(peer, c->peer)))
			continue;
		n++;
		if (!oldest || c->since_ns <= oldest->since_ns)
			oldest = c;
	}
	if (n > most)
		me_http_end(oldest);
}

void me_http_make_room(struct me_http *http)
{
	size_t unread;

	do {
		struct me_http_connection *oldest = NULL;

		unread = 0;
		for (struct me_http_connection *c = http->connections; c; c = c->next) {
			if (c->ended || !c->unread)
				continue;
			unread += c->unread;
			if (!oldest || c->since_ns <= oldest->since_ns)
				oldest = c;
		}
		if (unread > ME_HTTP_UNREAD_MAX)
			me_http_end(oldest);
	} while (unread > ME_HTTP_UNREAD_MAX);
}

static void begin(const struct me_http_listener *listener, struct MHD_Connection *mhd,
		  void **context)
{
	struct me_http *http = listener->http;
	const enum MHD_ConnectionInfoType fd = MHD_CONNECTION_INFO_CONNECTION_FD,
					  address = MHD_CONNECTION_INFO_CLIENT_ADDRESS;
	struct me_http_connection *connection = calloc(1, sizeof(*connection));

	*context = connection;
	if (!connection)
		return;
	*connection = (struct me_http_connection){
		.next = http->connections,
		.listener = listener,
		.peer = MHD_get_connection_info(mhd, address)->client_addr,
		.mhd = mhd,
		.fd = MHD_get_connection_info(mhd, fd)->connect_fd,
		.since_ns = http->now_ns};
	http->connections = connection;
	if (connection->peer->sa_family != AF_UNIX)
		make_room(http, listener, connection->peer, ME_HTTP_CONNECTIONS_IP);
	make_room(http, listener, NULL, ME_HTTP_CONNECTIONS);
}

void me_http_on_connection(void *data, struct MHD_Connection *mhd, void **context,
			   enum MHD_ConnectionNotificationCode what)
{
	const struct me_http_listener *listener = data;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		begin(listener, mhd, context);
		return;
	}
	for (struct me_http_connection **at = &listener->http->connections; *at;
	     at = &(*at)->next) {
		struct me_http_connection *connection = *at;

		if (connection != *context)
			continue;
		*at = connection->next;
		free(connection);
		break;
	}
	*context = NULL;
}

struct me_http_connection *me_http_connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The answer is taken, or nobody will. */
void me_http_on_completed(void *data, struct MHD_Connection *mhd, void **context,
			  enum MHD_RequestTerminationCode how)
{
	struct me_http_connection *connection = me_http_connection_of(mhd);

	(void)data;
	(void)context;
	(void)how;
	if (connection)
		connection->unread = 0;
}

struct me_http_connection *me_http_next(const struct me_http *http)
{
	struct me_http_connection *next = NULL;

	for (struct me_http_connection *c = http->connections; c; c = c->next)
		if (c->waits &&
		    (!next || c->wants_much < next->wants_much ||
		     (c->wants_much == next->wants_much && c->since_ns <= next->since_ns)))
			next = c;
	return next;
}
