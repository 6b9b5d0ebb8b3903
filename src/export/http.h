/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_HTTP_H
#define MEWATCH_EXPORT_HTTP_H

/*
 * HTTP in the caller's own event loop: no thread, no lock. The caller watches me_http_fd() with
 * epoll or poll, at most me_http_timeout() long, and calls me_http_run() when it is readable or the
 * time is up. GET and HEAD only, and POST without a body on a Unix socket; everything a client can make
 * large or slow is bounded below.
 */
#include <stdbool.h>
#include "base/strbuf.h"
#include "export/views.h"

/* Of more connections the one ends that has waited longest; of more unread bytes its answer is among. */
#define ME_HTTP_CONNECTIONS 64u        /* at a time, on one listener */
#define ME_HTTP_CONNECTIONS_IP 16u     /* of them from one IP address */
#define ME_HTTP_REQUEST_MAX 16384u     /* bytes of request line and headers */
#define ME_HTTP_IDLE_S 15u             /* without a byte either way */
#define ME_HTTP_UNREAD_MAX (32u << 20) /* bytes of answers that nobody has taken yet */
#define ME_HTTP_TURN_NS                                                                            \
	(100ull * 1000000ull) /* for answers in one me_http_run(), and one longer one */
#define ME_HTTP_REQUEST_NS (30ull * 1000000000ull) /* to send a request, or to take an answer */

/* Which paths a listener serves is up to the answerer, who is told where the request came in. */
enum me_http_service { ME_HTTP_METRICS, ME_HTTP_API };

struct me_http_request {
	enum me_http_service service;
	const char *path; /* decoded, without the query */
	struct me_query query;
	bool post;
	bool trusted; /* POST: its sender is root, or who runs this */
};

/*
 * Answers a request: fills `body` and, unless it is JSON, *type (static). Returns the HTTP status. A
 * `body` with an error sticking becomes 500.
 */
typedef unsigned int (*me_http_answer)(void *data, const struct me_http_request *request,
				       struct me_strbuf *body, const char **type);

/*
 * The body of an answer that refuses, as the service has it: JSON of the API, plain text of the
 * metrics port. Appends to `body`; *ret_type is static.
 */
void me_http_refuse(enum me_http_service service, const char *text, struct me_strbuf *body,
		    const char **ret_type);

struct me_http;

/* 0, -ENOMEM, or what epoll_create1(2) says. `data` is borrowed. */
int me_http_new(me_http_answer answer, void *data, struct me_http **ret_http);

/* Closes all listeners and connections; the Unix sockets that were made go too. */
void me_http_free(struct me_http **http);

/*
 * Listens on "127.0.0.1:9815" or "[::1]:9815". On failure a negative errno and one line in `error`
 * that names the address.
 */
int me_http_listen_tcp(struct me_http *http, enum me_http_service service, const char *address,
		       struct me_strbuf *error);

/*
 * Listens on a Unix socket, mode 0660. One that nobody listens on any more is replaced; one that
 * somebody does is -EADDRINUSE. On failure a negative errno and one line in `error`.
 */
int me_http_listen_unix(struct me_http *http, enum me_http_service service, const char *path,
			struct me_strbuf *error);

/* How many connections were ended for want of room, or because they took too long. */
uint64_t me_http_cut(const struct me_http *http);

int me_http_fd(const struct me_http *http);

/* Milliseconds until me_http_run() is due even if nothing comes; -1: no need. */
int me_http_timeout(const struct me_http *http);

/* Does what is to be done, without waiting. `now_ns` is CLOCK_MONOTONIC. */
void me_http_run(struct me_http *http, uint64_t now_ns);

#endif
