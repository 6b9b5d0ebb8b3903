/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_HTTP_PARTS_H
#define MEWATCH_EXPORT_HTTP_PARTS_H

/* What the parts of http.h share: http.c serves, http_connections.c bounds, http_answer.c answers. */
#include <microhttpd.h>
#include "export/http.h"

#define ME_HTTP_LISTENERS_MAX 4u

struct me_http_connection {
	struct me_http_connection *next;
	const struct me_http_listener *listener;
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

struct me_http_listener {
	struct me_http *http;
	struct MHD_Daemon *daemon;
	enum me_http_service service;
	char *unlink_path; /* of a Unix socket; else NULL */
};

struct me_http {
	me_http_answer answer;
	void *data;
	int epoll_fd; /* holds the epoll fds of the listeners */
	uint64_t now_ns;
	uint64_t cut;     /* connections that were ended for want of room, or of time */
	uint64_t turn_ns; /* that answers have taken in this me_http_run() */
	struct me_http_connection *connections;
	struct me_http_listener listeners[ME_HTTP_LISTENERS_MAX];
	size_t count;
};

/* http_connections.c */

/* Cuts it off, and counts that. */
void me_http_end(struct me_http_connection *connection);
/* Its request goes on if it was waiting. */
void me_http_go_on(struct me_http_connection *connection);
/* Makes room for an answer: of those that nobody takes the oldest ends. */
void me_http_make_room(struct me_http *http);
/* Of those that wait for an answer, who wants little before who wants much, the one that waits longest. */
struct me_http_connection *me_http_next(const struct me_http *http);
struct me_http_connection *me_http_connection_of(struct MHD_Connection *mhd);
/* For the library: `data` is the listener. */
void me_http_on_connection(void *data, struct MHD_Connection *mhd, void **context,
			   enum MHD_ConnectionNotificationCode what);
void me_http_on_completed(void *data, struct MHD_Connection *mhd, void **context,
			  enum MHD_RequestTerminationCode how);

/* http_answer.c; for the library: `data` is the listener. */
enum MHD_Result me_http_on_request(void *data, struct MHD_Connection *mhd, const char *path,
				   const char *method, const char *version, const char *upload,
				   size_t *upload_len, void **context);

#endif
