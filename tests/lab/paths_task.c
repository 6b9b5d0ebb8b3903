/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Who uses a socket, and where it was born: NAME DEST PORT COUNT [ARGUMENT]. The argument is the
 * cgroup directory to go to, or for `exec` the program of paths_tcp to become.
 */
#include <fcntl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "lab.h"

#define BYTES 1000u

static void enter(const char *cgroup)
{
	char path[4096];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup) >= sizeof(path))
		errx(2, "%s: too long", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		err(1, "%s", path);
	close(fd);
}

/* The stream stays open, so that a socket that is held can be found. */
static void use(int fd, const struct lab_peer *peer, struct lab_truth *truth)
{
	truth->attempts++;
	if (connect(fd, &peer->sa, peer->len))
		truth->error = errno;
	else
		lab_echo(fd, BYTES, truth);
}

/* Born here, used there by the same task. */
static void moved(const struct lab_peer *peer, unsigned long count, const char *cgroup,
		  struct lab_truth *truth)
{
	int fds[64];

	if (count > LAB_ARRAY_SIZE(fds))
		errx(2, "at most %zu sockets", LAB_ARRAY_SIZE(fds));
	for (unsigned long i = 0; i < count; i++)
		fds[i] = lab_socket(peer->sa.sa_family, SOCK_STREAM, 0);
	enter(cgroup);
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
		err(1, "pass");
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
		err(1, "take");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Born here, handed to a task there. */
static void passed(const struct lab_peer *peer, unsigned long count, const char *cgroup,
		   struct lab_truth *truth)
{
	int channel[2];
	pid_t giver;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, channel))
		err(1, "socketpair");
	giver = fork();
	if (giver < 0)
		err(1, "fork");
	if (!giver) {
		for (unsigned long i = 0; i < count; i++)
			pass(channel[0], lab_socket(peer->sa.sa_family, SOCK_STREAM, 0));
		_exit(0);
	}
	enter(cgroup);
	while (count--)
		use(take(channel[1]), peer, truth);
	waitpid(giver, NULL, 0);
}

/* Gone before anybody could look it up. */
static void short_lived(const struct lab_peer *peer, unsigned long count, const char *argument,
			struct lab_truth *truth)
{
	(void)argument;
	while (count--) {
		pid_t child = fork();
		int status;

		if (child < 0)
			err(1, "fork");
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

/* One process, two programs: it connects, becomes `program`, and connects to the next port. */
static void becomes(const struct lab_peer *peer, unsigned long count, const char *program,
		    struct lab_truth *truth)
{
	char address[INET6_ADDRSTRLEN], port[8], times[24];

	for (unsigned long i = 0; i < count; i++)
		use(lab_socket(peer->sa.sa_family, SOCK_STREAM, 0), peer, truth);
	lab_say("exec", truth);
	inet_ntop(peer->sa.sa_family,
		  peer->sa.sa_family == AF_INET ? (void *)&peer->in.sin_addr
						: (void *)&peer->in6.sin6_addr,
		  address, sizeof(address));
	snprintf(port, sizeof(port), "%u", ntohs(peer->in.sin_port) + 1);
	snprintf(times, sizeof(times), "%lu", count);
	execl(program, program, "tcp", address, port, times, NULL);
	err(1, "%s", program);
}

/* A server and a client inside the machine: nothing leaves. */
static void unix_socket(const struct lab_peer *peer, unsigned long count, const char *argument,
			struct lab_truth *truth)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int server = lab_socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(name);

	(void)peer;
	(void)argument;
	/* an address without a name: the kernel chooses an abstract one */
	if (bind(server, (struct sockaddr *)&name, sizeof(name.sun_family)) || listen(server, 8) ||
	    getsockname(server, (struct sockaddr *)&name, &len))
		err(1, "listen");
	while (count--) {
		int fd = lab_socket(AF_UNIX, SOCK_STREAM, 0), taken;
		char byte = 0;

		if (connect(fd, (struct sockaddr *)&name, len))
			err(1, "connect");
		taken = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		if (taken < 0 || send(fd, &byte, 1, 0) != 1 || recv(taken, &byte, 1, 0) != 1)
			err(1, "unix");
		truth->sent++;
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const struct lab_peer *peer, unsigned long count, const char *argument,
			    struct lab_truth *truth);
		bool needs_argument;
	} paths[] = {
		{"moved", moved, true},       {"passed", passed, true},
		{"exec", becomes, true},      {"short-lived", short_lived, false},
		{"unix", unix_socket, false},
	};
	bool hold = argc > 1 && !strcmp(argv[1], "-k");
	struct lab_truth truth = {0};
	struct lab_peer peer;

	argc -= hold;
	argv += hold;
	if (argc < 5 || argc > 6)
		errx(2, "usage: [-k] NAME DEST PORT COUNT [CGROUP | PROGRAM]");
	peer = lab_peer(argv[2], lab_number(argv[3], 65534));
	for (size_t i = 0; i < LAB_ARRAY_SIZE(paths); i++) {
		if (strcmp(paths[i].name, argv[1]))
			continue;
		if (paths[i].needs_argument != (argc == 6))
			errx(2, "%s: one argument too many or too few", argv[1]);
		paths[i].run(&peer, lab_number(argv[4], LAB_COUNT_MAX), argv[5], &truth);
		lab_say(argv[1], &truth);
		if (hold)
			lab_hold();
		return 0;
	}
	errx(2, "%s: no such path", argv[1]);
}
