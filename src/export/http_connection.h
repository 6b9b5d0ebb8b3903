/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_HTTP_CONNECTION_H
#define MEWATCH_EXPORT_HTTP_CONNECTION_H

/*
 * The connections of export/http.h, for that alone: who has to go where there are too many, or takes too
 * long, and whose turn it is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct MHD_Connection;

struct me_connection {
	struct me_connection *next;
	const void *listener;
	const struct sockaddr *peer; /* of the library's, as long as the connection is */
	struct MHD_Connection *mhd;
	int fd;
	uint64_t since_ns; /* when it began, or when its last request was read */
	size_t unread;     /* bytes of its answer, until all of it is taken */
	bool waits;        /* for its answer: the library has it suspended … */
	bool wants_much;   /* … behind those that want little */
	bool is_next;      /* it has waited, and now it is its turn */
	bool ended;        /* its end is on its way */
};

struct me_connections {
	struct me_connection *first;
	uint64_t cut; /* that were ended for want of room, or of time */
	void (*resume)(struct MHD_Connection *mhd);
};

/* `begun`, one more, is copied, and others may have to go for it; NULL: no memory. Freed by forget. */
struct me_connection *me_connection_begin(struct me_connections *connections,
					  const struct me_connection *begun);
void me_connection_forget(struct me_connections *connections, struct me_connection *connection);

/* It does not wait any more. */
void me_connection_go_on(struct me_connections *connections, struct me_connection *connection);

/* Makes room for an answer: of those that nobody takes the oldest ends. */
void me_connections_make_room(struct me_connections *connections);

/* Ends those whose request, or whose taking of an answer, lasts longer than ME_HTTP_REQUEST_NS. */
void me_connections_end_late(struct me_connections *connections, uint64_t now_ns);

/* None waits any more: the library ends none that does. */
void me_connections_go_on(struct me_connections *connections);

/* Of those that wait, who wants little before who wants much, the one that waits longest; or NULL. */
struct me_connection *me_connections_next(const struct me_connections *connections);

#endif
