/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * A tunnel without link-layer headers: gateway_tunnel NAME PID makes an interface of that name here and
 * in the network namespace of that process, and carries packets between them. Says `ready` when both
 * are there; they go with it.
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include "lab.h"

#define PACKET_MAX 65535u

static int make_end(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENODEV)) {
		printf("absent=tun\n");
		exit(ME_TRAFFIC_ABSENT);
	}
	if (strlen(name) >= sizeof(request.ifr_name))
		errx(2, "%s: too long", name);
	memcpy(request.ifr_name, name, strlen(name));
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		err(1, "%s", name);
	return fd;
}

/* From here on in the namespace of that process. */
static void enter(unsigned long pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%lu/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", path);
	close(fd);
}

/* Everything that waits. What the other end does not take, as it is down, is lost. */
static void carry(int from, int to)
{
	static char packet[PACKET_MAX];
	ssize_t n;

	while ((n = read(from, packet, sizeof(packet))) > 0)
		if (write(to, packet, n) < 0 && errno != EIO)
			warn("a packet of %zd bytes", n);
}

int main(int argc, char **argv)
{
	struct pollfd polled[3] = {{.events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};
	sigset_t end;

	if (argc != 3)
		errx(2, "usage: gateway_tunnel NAME PID");
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	polled[0].fd = make_end(argv[1]);
	enter(lab_number(argv[2], INT32_MAX));
	polled[1].fd = make_end(argv[1]);
	polled[2].fd = signalfd(-1, &end, SFD_CLOEXEC);
	printf("ready\n");
	fflush(stdout);
	while (poll(polled, LAB_ARRAY_SIZE(polled), -1) > 0 && !polled[2].revents) {
		carry(polled[0].fd, polled[1].fd);
		carry(polled[1].fd, polled[0].fd);
	}
	return 0;
}
