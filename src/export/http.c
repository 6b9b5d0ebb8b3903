/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "export/http_parts.h"
#include "export/listen.h"

int me_http_new(me_http_answer answer, void *data, struct me_http **ret_http)
{
	struct me_http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->answer = answer;
	http->data = data;
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
	for (struct me_http_connection *c = h->connections; c; c = c->next)
		me_http_go_on(c); /* the library ends none that is suspended */
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

/* Takes over the listening socket. */
static int start(struct me_http *http, enum me_http_service service, int fd, const char *where,
		 const char *unlink_path, struct me_strbuf *error)
{
	struct me_http_listener *listener = &http->listeners[http->count];
	struct epoll_event event = {.events = EPOLLIN};
	_cleanup_free_ char *path = unlink_path ? strdup(unlink_path) : NULL;
	int r = -ENOMEM;

	*listener = (struct me_http_listener){.http = http, .service = service};
	if (path || !unlink_path)
		listener->daemon = MHD_start_daemon(
			MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, me_http_on_request,
			listener, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
			2 * ME_HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
			(size_t)ME_HTTP_REQUEST_MAX, MHD_OPTION_CONNECTION_TIMEOUT, ME_HTTP_IDLE_S,
			MHD_OPTION_NOTIFY_CONNECTION, me_http_on_connection, listener,
			MHD_OPTION_NOTIFY_COMPLETED, me_http_on_completed, NULL, MHD_OPTION_END);
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
	int fd = http->count < ME_HTTP_LISTENERS_MAX ? me_listen_tcp(address, error) : -EMFILE;

	return fd < 0 ? fd : start(http, service, fd, address, NULL, error);
}

int me_http_listen_unix(struct me_http *http, enum me_http_service service, const char *path,
			struct me_strbuf *error)
{
	int fd = http->count < ME_HTTP_LISTENERS_MAX ? me_listen_unix(path, error) : -EMFILE;

	return fd < 0 ? fd : start(http, service, fd, path, path, error);
}

uint64_t me_http_cut(const struct me_http *http)
{
	return http->cut;
}

int me_http_fd(const struct me_http *http)
{
	return http->epoll_fd;
}

int me_http_timeout(const struct me_http *http)
{
	unsigned MHD_LONG_LONG soonest = http->connections ? 1000 : (unsigned MHD_LONG_LONG) - 1;

	if (me_http_next(http))
		return 0;
	for (size_t i = 0; i < http->count; i++) {
		unsigned MHD_LONG_LONG timeout;

		if (MHD_get_timeout(http->listeners[i].daemon, &timeout) == MHD_YES &&
		    timeout < soonest)
			soonest = timeout;
	}
	return http->connections || soonest != (unsigned MHD_LONG_LONG) - 1 ? (int)soonest : -1;
}

void me_http_run(struct me_http *http, uint64_t now_ns)
{
	struct me_http_connection *next;

	http->now_ns = now_ns;
	http->turn_ns = 0;
	/* The idle timeout alone would let a client hold a connection with a byte now and then. */
	for (struct me_http_connection *c = http->connections; c; c = c->next)
		if (!c->ended && now_ns - c->since_ns > ME_HTTP_REQUEST_NS)
			me_http_end(c);
	for (size_t i = 0; i < http->count; i++)
		MHD_run(http->listeners[i].daemon);
	next = http->turn_ns < ME_HTTP_TURN_NS ? me_http_next(http) : NULL;
	if (!next)
		return;
	next->is_next = true;
	me_http_go_on(next);
	MHD_run(next->listener->daemon);
}
