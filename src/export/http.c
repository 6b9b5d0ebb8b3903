/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/text.h"
#include "export/http_connection.h"
#include "export/listen.h"

#define LISTENERS_MAX 4u

/* Whatever is answered loads nothing, runs nothing and stands in no frame; a page may have its style. */
#define CONTENT_POLICY                                                                             \
	"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "     \
	"frame-ancestors 'none'"

struct listener {
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
	uint64_t turn_ns; /* that answers have taken in this me_http_run() */
	struct me_connections connections;
	struct listener listeners[LISTENERS_MAX];
	size_t count;
};

int me_http_new(me_http_answer answer, void *data, struct me_http **ret_http)
{
	struct me_http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->answer = answer;
	http->data = data;
	http->connections.resume = MHD_resume_connection;
	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (http->epoll_fd < 0) {
		free(http);
		return -errno;
	}
	*ret_http = http;
	return 0;
}

void me_http_free(struct me_http **http)
{
	struct me_http *h = *http;

	if (!h)
		return;
	me_connections_go_on(&h->connections);
	for (size_t i = 0; i < h->count; i++) {
		MHD_stop_daemon(h->listeners[i].daemon);
		if (h->listeners[i].unlink_path)
			unlink(h->listeners[i].unlink_path);
		free(h->listeners[i].unlink_path);
	}
	close(h->epoll_fd);
	free(h);
	*http = NULL;
}

static void on_connection(void *data, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	const enum MHD_ConnectionInfoType fd = MHD_CONNECTION_INFO_CONNECTION_FD,
					  address = MHD_CONNECTION_INFO_CLIENT_ADDRESS;
	const struct listener *listener = data;
	struct me_http *http = listener->http;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const struct me_connection begun = {
			.listener = listener,
			.peer = MHD_get_connection_info(mhd, address)->client_addr,
			.mhd = mhd,
			.fd = MHD_get_connection_info(mhd, fd)->connect_fd,
			.since_ns = http->now_ns,
		};

		*context = me_connection_begin(&http->connections, &begun);
	} else {
		me_connection_forget(&http->connections, *context);
		*context = NULL;
	}
}

static struct me_connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The answer is taken, or nobody will. */
static void on_completed(void *data, struct MHD_Connection *mhd, void **context,
			 enum MHD_RequestTerminationCode how)
{
	struct me_connection *connection = connection_of(mhd);

	(void)data;
	(void)context;
	(void)how;
	if (connection)
		connection->unread = 0;
}

static enum MHD_Result send_body(struct MHD_Connection *mhd, unsigned int status, const char *type,
				 struct me_strbuf *body)
{
	struct me_connection *connection = connection_of(mhd);
	struct MHD_Response *response;
	enum MHD_Result r;

	connection->unread = body->len;
	response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	*body = (struct me_strbuf){0};
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "X-Frame-Options", "DENY");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "Content-Security-Policy", CONTENT_POLICY);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	r = MHD_queue_response(mhd, status, response);
	MHD_destroy_response(response);
	return r;
}

void me_http_refuse(enum me_http_service service, const char *text, struct me_strbuf *body,
		    const char **ret_type)
{
	if (service == ME_HTTP_API) {
		me_view_error(text, body);
		*ret_type = "application/json";
		return;
	}
	me_strbuf_addf(body, "%s\n", text);
	*ret_type = "text/plain; charset=utf-8";
}

static enum MHD_Result refuse_method(const struct listener *listener, struct MHD_Connection *mhd)
{
	_cleanup_strbuf_ struct me_strbuf body = {0};
	const char *type;

	me_http_refuse(listener->service,
		       listener->unlink_path
			       ? "only GET and HEAD are answered, and POST without a body"
			       : "only GET and HEAD are answered",
		       &body, &type);
	return send_body(mhd, MHD_HTTP_METHOD_NOT_ALLOWED, type, &body);
}

/* Whether the other end of the Unix socket is root, or who runs this. */
static bool is_trusted(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (!peer.uid || peer.uid == geteuid());
}

static enum MHD_Result answer(const struct listener *listener, struct MHD_Connection *mhd,
			      const char *path, bool post)
{
	const enum MHD_ValueKind query = MHD_GET_ARGUMENT_KIND;
	const struct me_http_request request = {
		.service = listener->service,
		.path = path,
		.query =
			{
				.limit = MHD_lookup_connection_value(mhd, query, "limit"),
				.offset = MHD_lookup_connection_value(mhd, query, "offset"),
				.sort = MHD_lookup_connection_value(mhd, query, "sort"),
				.desc = MHD_lookup_connection_value(mhd, query, "desc"),
				.filter = MHD_lookup_connection_value(mhd, query, "filter"),
				.address = MHD_lookup_connection_value(mhd, query, "address"),
				.name = MHD_lookup_connection_value(mhd, query, "name"),
				.around = MHD_lookup_connection_value(mhd, query, "around"),
				.group = MHD_lookup_connection_value(mhd, query, "group"),
				.unfold = MHD_lookup_connection_value(mhd, query, "unfold"),
				.since = MHD_lookup_connection_value(mhd, query, "since"),
				.set = MHD_lookup_connection_value(mhd, query, "set"),
				.span = MHD_lookup_connection_value(mhd, query, "for"),
			},
		.post = post,
		.trusted = post && is_trusted(mhd),
	};
	_cleanup_strbuf_ struct me_strbuf body = {0};
	struct me_http *http = listener->http;
	const char *type = "application/json";
	uint64_t began_ns;
	unsigned int status;

	me_connections_make_room(&http->connections);
	began_ns = me_clock_now(CLOCK_MONOTONIC);
	status = http->answer(http->data, &request, &body, &type);
	http->turn_ns += me_clock_now(CLOCK_MONOTONIC) - began_ns;
	if (body.err) {
		me_strbuf_free(&body);
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
	return send_body(mhd, status, type, &body);
}

/* The request was read: its answer and the next request have their own time. */
static void begin_anew(struct me_connection *connection, uint64_t now_ns)
{
	const char *limit =
		MHD_lookup_connection_value(connection->mhd, MHD_GET_ARGUMENT_KIND, "limit");
	uint64_t rows;

	connection->since_ns = now_ns;
	connection->is_next = false;
	connection->wants_much =
		limit && me_text_parse_u64(limit, ME_VIEW_LIMIT + 1, UINT64_MAX, &rows);
}

static bool has_body(struct MHD_Connection *mhd)
{
	const char *length =
		MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return (length && strcmp(length, "0")) ||
	       MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/*
 * Whether the request has to wait until the caller has had its turn, and who wants much also until those who
 * want little were answered; a scrape never has.
 */
static bool waits(const struct listener *listener, struct me_connection *connection)
{
	if (listener->service == ME_HTTP_METRICS || connection->is_next)
		return false;
	if (!connection->wants_much && listener->http->turn_ns < ME_HTTP_TURN_NS)
		return false;
	connection->waits = true;
	MHD_suspend_connection(connection->mhd);
	return true;
}

/*
 * Called with the headers, with each piece of a body, at the end of the request, and again after it
 * waited. An answer to the headers closes the connection: right for what is refused, before its body is
 * read.
 */
static enum MHD_Result on_request(void *data, struct MHD_Connection *mhd, const char *path,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **context)
{
	const struct listener *listener = data;
	struct me_connection *connection = connection_of(mhd);
	bool post = !strcmp(method, "POST") && listener->unlink_path;

	(void)version;
	(void)upload;
	if (!connection || connection->ended)
		return MHD_NO;
	if ((strcmp(method, "GET") && strcmp(method, "HEAD") && !post) || (post && has_body(mhd)))
		return refuse_method(listener, mhd);
	if (*context && !*upload_len) {
		if (*context == data)
			begin_anew(connection, listener->http->now_ns);
		*context = connection;
		return waits(listener, connection) ? MHD_YES : answer(listener, mhd, path, post);
	}
	*context = data;
	*upload_len = 0;
	return MHD_YES;
}

/* Takes over the listening socket. */
static int start(struct me_http *http, enum me_http_service service, int fd, const char *where,
		 const char *unlink_path, struct me_strbuf *error)
{
	struct listener *listener = &http->listeners[http->count];
	struct epoll_event event = {.events = EPOLLIN};
	_cleanup_free_ char *path = unlink_path ? strdup(unlink_path) : NULL;
	int r = -ENOMEM;

	*listener = (struct listener){.http = http, .service = service};
	if (path || !unlink_path)
		listener->daemon = MHD_start_daemon(
			MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request,
			listener, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
			2 * ME_HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
			(size_t)ME_HTTP_REQUEST_MAX, MHD_OPTION_CONNECTION_TIMEOUT, ME_HTTP_IDLE_S,
			MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
			MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (!listener->daemon) {
		close(fd);
		me_strbuf_addf(error, "cannot serve HTTP on %s: %s", where, strerror(-r));
		return r;
	}
	if (epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD,
		      MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
		      &event) < 0) {
		r = -errno;
		MHD_stop_daemon(listener->daemon);
		me_strbuf_addf(error, "cannot serve HTTP on %s: %s", where, strerror(-r));
		return r;
	}
	listener->unlink_path = me_steal_ptr(&path);
	http->count++;
	return 0;
}

int me_http_listen_tcp(struct me_http *http, enum me_http_service service, const char *address,
		       struct me_strbuf *error)
{
	int fd = http->count < LISTENERS_MAX ? me_listen_tcp(address, error) : -EMFILE;

	return fd < 0 ? fd : start(http, service, fd, address, NULL, error);
}

int me_http_listen_unix(struct me_http *http, enum me_http_service service, const char *path,
			struct me_strbuf *error)
{
	int fd = http->count < LISTENERS_MAX ? me_listen_unix(path, error) : -EMFILE;

	return fd < 0 ? fd : start(http, service, fd, path, path, error);
}

uint64_t me_http_cut(const struct me_http *http)
{
	return http->connections.cut;
}

int me_http_fd(const struct me_http *http)
{
	return http->epoll_fd;
}

int me_http_timeout(const struct me_http *http)
{
	unsigned MHD_LONG_LONG soonest =
		http->connections.first ? 1000 : (unsigned MHD_LONG_LONG) - 1;

	if (me_connections_next(&http->connections))
		return 0;
	for (size_t i = 0; i < http->count; i++) {
		unsigned MHD_LONG_LONG timeout;

		if (MHD_get_timeout(http->listeners[i].daemon, &timeout) == MHD_YES &&
		    timeout < soonest)
			soonest = timeout;
	}
	return http->connections.first || soonest != (unsigned MHD_LONG_LONG) - 1 ? (int)soonest
										  : -1;
}

void me_http_run(struct me_http *http, uint64_t now_ns)
{
	struct me_connection *next;

	http->now_ns = now_ns;
	http->turn_ns = 0;
	me_connections_end_late(&http->connections, now_ns);
	for (size_t i = 0; i < http->count; i++)
		MHD_run(http->listeners[i].daemon);
	next = http->turn_ns < ME_HTTP_TURN_NS ? me_connections_next(&http->connections) : NULL;
	if (!next)
		return;
	next->is_next = true;
	me_connection_go_on(&http->connections, next);
	MHD_run(((const struct listener *)next->listener)->daemon);
}
