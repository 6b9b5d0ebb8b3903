/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "mewatch/address.h"

/* Who connects while something else is done waits here; beyond it a client tries again after a second, or three. */
#define BACKLOG 1024

static int failed(struct me_strbuf *error, const char *where, int r)
{
	me_strbuf_addf(error, "cannot listen on %s: %s", where, strerror(-r));
	return r;
}

static socklen_t fill_address(const struct me_addr *address, uint16_t port,
			      struct sockaddr_storage *ret_socket)
{
	struct sockaddr_in *v4 = (void *)ret_socket;
	struct sockaddr_in6 *v6 = (void *)ret_socket;

	*ret_socket = (struct sockaddr_storage){0};
	if (me_addr_is_v4(address)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = address->word[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, address->byte, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

int me_listen_tcp(const char *address, struct me_strbuf *error)
{
	struct sockaddr_storage where;
	struct me_addr parsed;
	_cleanup_close_ int fd = -1;
	const int one = 1;
	socklen_t len;
	uint16_t port;

	if (me_inet_parse_hostport(address, parsed.byte, &port) < 0) {
		me_strbuf_addf(
			error,
			"cannot listen on \"%s\": expected ADDRESS:PORT, like 127.0.0.1:9815 "
			"or [::1]:9815",
			address);
		return -EINVAL;
	}
	len = fill_address(&parsed, port, &where);
	fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(error, address, -errno);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    (where.ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0) ||
	    bind(fd, (struct sockaddr *)&where, len) < 0 || listen(fd, BACKLOG) < 0)
		return failed(error, address, -errno);
	return me_steal_fd(&fd);
}

/* Makes way: removes a socket that nobody listens on. Anything else at the path stays. */
static int clear_path(const struct sockaddr_un *where, struct me_strbuf *error)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(where->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : failed(error, where->sun_path, -errno);
	if (!S_ISSOCK(st.st_mode)) {
		me_strbuf_addf(error, "cannot listen on %s: there is a file that is no socket",
			       where->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(error, where->sun_path, -errno);
	if (connect(fd, (const struct sockaddr *)where, sizeof(*where)) == 0 || errno == EAGAIN) {
		me_strbuf_addf(error,
			       "cannot listen on %s: somebody does already; is mewatch running?",
			       where->sun_path);
		return -EADDRINUSE;
	}
	if (errno != ECONNREFUSED || unlink(where->sun_path) < 0)
		return failed(error, where->sun_path, -errno);
	return 0;
}

int me_listen_unix(const char *path, struct me_strbuf *error)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	mode_t mask;
	int r;

	if (!*path || strlen(path) >= sizeof(where.sun_path)) {
		me_strbuf_addf(error,
			       "cannot listen on \"%s\": a socket's path has 1 to %zu bytes, this "
			       "one has %zu",
			       path, sizeof(where.sun_path) - 1, strlen(path));
		return *path ? -ENAMETOOLONG : -EINVAL;
	}
	memcpy(where.sun_path, path, strlen(path));
	r = clear_path(&where, error);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(error, path, -errno);
	/* By the mask, so that there is no moment in which others may connect. */
	mask = umask(0117);
	r = bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	return r < 0 ? failed(error, path, r) : me_steal_fd(&fd);
}

bool me_listen_same_peer(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a->sa_family != AF_INET6 ||
	       !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
}
