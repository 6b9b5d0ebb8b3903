/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/route.h"

#include <errno.h>
#include <linux/in6.h>
#include <string.h>
#include <sys/socket.h>
#include "base/cleanup.h"

#define PORT_DISCARD 9 /* any will do */

static bool is_no_route(int error)
{
	return error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL ||
	       error == EAFNOSUPPORT || error == ENETDOWN;
}

static int connect_v4(int fd, const struct me_addr *address)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = ME_NET16(PORT_DISCARD),
		.sin_addr.s_addr = address->word[3],
	};

	return connect(fd, (const struct sockaddr *)&to, sizeof(to));
}

static int connect_v6(int fd, const struct me_addr *address)
{
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6,
		.sin6_port = ME_NET16(PORT_DISCARD),
	};

	memcpy(&to.sin6_addr, address->byte, sizeof(to.sin6_addr));
	return connect(fd, (const struct sockaddr *)&to, sizeof(to));
}

/* Connecting a UDP socket looks up the route, and no more. */
bool me_route_exists(const struct me_addr *address)
{
	bool v4 = me_addr_is_v4(address);
	_cleanup_close_ int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return !is_no_route(errno);
	return (v4 ? connect_v4(fd, address) : connect_v6(fd, address)) == 0 || !is_no_route(errno);
}
