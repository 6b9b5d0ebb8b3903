/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define NS_PER_US 1000ull
#define MESSAGE_MAX 1024 /* what is longer is cut */

static int fill_address(const char *name, struct sockaddr_un *ret_address, socklen_t *ret_length)
{
	size_t length = strlen(name);

	/* vsock: and whatever comes later are for others. */
	if (name[0] != '/' && name[0] != '@')
		return -EAFNOSUPPORT;
	if (length < 2 || length >= sizeof(ret_address->sun_path))
		return -EINVAL;
	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret_address->sun_path, name, length);
	if (name[0] == '@')
		ret_address->sun_path[0] = '\0';
	/* The zero after a path counts, an abstract name has none. */
	*ret_length = offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/');
	return 0;
}

/* The watchdog of another process, such as a shell in front of this one, is not ours to keep. */
static uint64_t watchdog_ns(void)
{
	const char *allowed = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
	uint64_t us, pid;

	if (whose && (!me_text_parse_u64(whose, 1, INT32_MAX, &pid) || pid != (uint64_t)getpid()))
		return 0;
	if (!allowed || !me_text_parse_u64(allowed, 1, UINT64_MAX / NS_PER_US, &us))
		return 0;
	return us * NS_PER_US / 2;
}

int me_notify_open(struct me_notify *ret_notify)
{
	const char *name = getenv("NOTIFY_SOCKET");
	const struct timeval patience = {.tv_sec = 1};
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;
	socklen_t length;
	int err;

	*ret_notify = (struct me_notify){.fd = -1};
	if (!name || !*name)
		return 0;
	err = fill_address(name, &address, &length);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (struct sockaddr *)&address, length))
		return -errno;
	*ret_notify = (struct me_notify){.fd = me_steal_fd(&fd), .watchdog_ns = watchdog_ns()};
	return 0;
}

void me_notify_close(struct me_notify *notify)
{
	me_closep(&notify->fd);
	notify->fd = -1;
}

/* One that went, or does not read for a second, is no manager: the watch goes on without it. */
__attribute__((format(printf, 3, 4))) static void tell(const struct me_notify *notify, int flags,
						       const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list arguments;
	int n;

	if (notify->fd < 0)
		return;
	va_start(arguments, format);
	n = vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	send(notify->fd, message, strlen(message), MSG_NOSIGNAL | flags);
}

/* A message is lines: a control character would begin another, and none is shown. */
static void one_line(char line[static MESSAGE_MAX / 2], const char *text)
{
	snprintf(line, MESSAGE_MAX / 2, "%s", text);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
}

void me_notify_ready(const struct me_notify *notify, const char *status)
{
	char line[MESSAGE_MAX / 2];

	one_line(line, status);
	tell(notify, 0, "READY=1\nSTATUS=%s", line);
}

void me_notify_reloading(const struct me_notify *notify)
{
	/* By the time the manager tells this reload from an earlier one. */
	const uint64_t now_us = me_clock_now(CLOCK_MONOTONIC) / NS_PER_US;

	tell(notify, 0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reading the policy",
	     now_us);
}

void me_notify_stopping(const struct me_notify *notify)
{
	tell(notify, 0, "STOPPING=1\nSTATUS=stopping; what is attached goes on counting");
}

void me_notify_failed(const struct me_notify *notify, int error, const char *status)
{
	char line[MESSAGE_MAX / 2];

	one_line(line, status);
	tell(notify, 0, "ERRNO=%d\nSTATUS=%s", error, line);
}

void me_notify_alive(const struct me_notify *notify)
{
	tell(notify, MSG_DONTWAIT, "WATCHDOG=1");
}
