/* SPDX-License-Identifier: GPL-2.0-only */

/* Who uses a socket, and where it was born. truth->argument is the control group to go to. */
#include <errno.h>
#include <fcntl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "selftest/traffic.h"

#define BYTES 1000u

static void enter(const char *cgroup)
{
	char path[4096];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup) >= sizeof(path))
		me_traffic_die("%s: too long", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		me_traffic_die("%s", path);
	close(fd);
}

/* The stream stays open, so that a socket that is held can be found. */
static void use(int fd, const struct me_peer *peer, struct me_truth *truth)
{
	truth->attempts++;
	me_traffic_cookie(fd, truth);
	if (connect(fd, &peer->sa, peer->len))
		truth->error = errno;
	else
		me_traffic_echo(fd, BYTES, truth);
}

/* Born here, used there by the same task. */
static void moved(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	int fds[64];

	if (count > ME_ARRAY_SIZE(fds))
		me_traffic_die("at most %zu sockets", ME_ARRAY_SIZE(fds));
	for (unsigned long i = 0; i < count; i++)
		fds[i] = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);
	enter(truth->argument);
	for (unsigned long i = 0; i < count; i++)
		use(fds[i], peer, truth);
}

static void pass(int channel, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	char byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(channel, &message, 0) != 1)
		me_traffic_die("pass");
}

static int take(int channel)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		me_traffic_die("take");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Born here, handed to a task there. */
static void passed(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	int channel[2];
	pid_t giver;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, channel))
		me_traffic_die("socketpair");
	giver = fork();
	if (giver < 0)
		me_traffic_die("fork");
	if (!giver) {
		for (unsigned long i = 0; i < count; i++)
			pass(channel[0], me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0));
		_exit(0);
	}
	enter(truth->argument);
	while (count--)
		use(take(channel[1]), peer, truth);
	waitpid(giver, NULL, 0);
}

/* Gone before anybody could look it up. */
static void short_lived(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	while (count--) {
		pid_t child = fork();
		int status;

		if (child < 0)
			me_traffic_die("fork");
		if (!child)
			_exit(connect(socket(peer->sa.sa_family, SOCK_STREAM, 0), &peer->sa,
				      peer->len)
				      ? errno
				      : 0);
		waitpid(child, &status, 0);
		truth->attempts++;
		if (WEXITSTATUS(status))
			truth->error = WEXITSTATUS(status);
	}
}

/* A server and a client inside the machine: nothing leaves. */
static void unix_socket(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int server = me_traffic_socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(name);

	(void)peer;
	/* an address without a name: the kernel chooses an abstract one */
	if (bind(server, (struct sockaddr *)&name, sizeof(name.sun_family)) || listen(server, 8) ||
	    getsockname(server, (struct sockaddr *)&name, &len))
		me_traffic_die("listen");
	while (count--) {
		int fd = me_traffic_socket(AF_UNIX, SOCK_STREAM, 0), taken;
		char byte = 0;

		if (connect(fd, (struct sockaddr *)&name, len))
			me_traffic_die("connect");
		taken = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		if (taken < 0 || send(fd, &byte, 1, 0) != 1 || recv(taken, &byte, 1, 0) != 1)
			me_traffic_die("unix");
		truth->sent++;
	}
}

const struct me_traffic_path me_traffic_task[] = {
	{"moved", moved},      {"passed", passed}, {"short-lived", short_lived},
	{"unix", unix_socket}, {NULL, NULL},
};
