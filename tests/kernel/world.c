/* SPDX-License-Identifier: GPL-2.0-only */
#include "world.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "kernel/enter.h"

#define DEADLINE_S 20
#define WORDS_MAX 31

struct world world_begin(void)
{
	struct world world = {.ns = -1};
	char path[64], byte;
	int ready[2];

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	world.pid = fork();
	assert_true(world.pid >= 0);
	if (world.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		close_range(3, ~0u, 0); /* it must not hold the test's sockets */
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", world.pid);
	world.ns = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(world.ns >= 0);
	world_run(world.ns, "ip link set lo up");
	world.cookie = world_cookie(world.ns);
	return world;
}

uint64_t world_cookie(int ns)
{
	_cleanup_close_ int fd = world_socket(ns, AF_INET, SOCK_DGRAM, 0);
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size), 0);
	return cookie;
}

void world_end(struct world *world)
{
	kill(world->pid, SIGKILL);
	assert_int_equal(waitpid(world->pid, NULL, 0), world->pid);
	close(world->ns);
}

static int spawn(void *userdata)
{
	char *const *word = userdata;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(word[0], word);
		perror(word[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void world_run(int ns, const char *command)
{
	char *word[WORDS_MAX + 1] = {0}, *save = NULL;
	_cleanup_free_ char *line = strdup(command);
	int r;

	assert_non_null(line);
	word[0] = strtok_r(line, " ", &save);
	for (int i = 1; i < WORDS_MAX && word[i - 1]; i++)
		word[i] = strtok_r(NULL, " ", &save);
	r = ns < 0 ? spawn(word) : me_enter_netns(ns, spawn, word);
	if (r != 0)
		fail_msg("%s: %d", command, r);
}

struct wish {
	int family, type, protocol, fd;
};

static int make_socket(void *userdata)
{
	struct wish *wish = userdata;

	wish->fd = socket(wish->family, wish->type | SOCK_CLOEXEC, wish->protocol);
	return wish->fd < 0 ? -errno : 0;
}

int world_socket(int ns, int family, int type, int protocol)
{
	struct wish wish = {.family = family, .type = type, .protocol = protocol};

	assert_int_equal(ns < 0 ? make_socket(&wish) : me_enter_netns(ns, make_socket, &wish), 0);
	return wish.fd;
}

int world_try_socket(int ns, int family, int type, int protocol)
{
	struct wish wish = {.family = family, .type = type, .protocol = protocol};
	int err = me_enter_netns(ns, make_socket, &wish);

	return err ? err : wish.fd;
}

static socklen_t resolve(const char *address, uint16_t port, struct sockaddr_storage *ret)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *info;
	char service[8];
	socklen_t len;

	snprintf(service, sizeof(service), "%u", port);
	assert_int_equal(getaddrinfo(address, service, &hints, &info), 0);
	len = info->ai_addrlen;
	memcpy(ret, info->ai_addr, len);
	freeaddrinfo(info);
	return len;
}

uint16_t world_bind(int fd, const char *address, uint16_t port)
{
	struct sockaddr_storage at;
	socklen_t len = resolve(address, port, &at);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port
					     : ((struct sockaddr_in6 *)&at)->sin6_port);
}

void world_connect(int fd, const char *address, uint16_t port)
{
	struct sockaddr_storage at;
	socklen_t len = resolve(address, port, &at);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
}

void world_allow_files(unsigned int n)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < n)
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){n, n}), 0);
}

void world_wait(bool (*condition)(void *userdata), void *userdata)
{
	struct timespec now;
	time_t end;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + DEADLINE_S;
	while (!condition(userdata)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end)
			fail_msg("not within %d seconds", DEADLINE_S);
		poll(NULL, 0, 5);
	}
}
