/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets that a process puts into the kernel by a tun device, which forwards them. IPv4. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <arpa/inet.h>
#include "selftest/packet.h"

#define TUN_MINOR 200 /* of the miscellaneous devices */

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		me_traffic_die("%s", path);
	close(fd);
}

/* By a node of its own where there is none: it loads the module. */
static int open_node(void)
{
	char node[] = "/run/mewatch-tun-XXXXXX";
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), place;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	place = mkstemp(node);
	if (place < 0 || unlink(node) || mknod(node, S_IFCHR | 0600, makedev(10, TUN_MINOR)))
		me_traffic_die("%s", node);
	close(place);
	fd = open(node, O_RDWR | O_CLOEXEC);
	unlink(node);
	return fd;
}

static int open_tun(void)
{
	struct ifreq request = {.ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open_node(), any = me_traffic_socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		me_traffic_absent("tun");
	if (ioctl(fd, TUNSETIFF, &request))
		me_traffic_die("TUNSETIFF");
	request.ifr_flags = IFF_UP;
	if (ioctl(any, SIOCSIFFLAGS, &request))
		me_traffic_die("SIOCSIFFLAGS");
	close(any);
	/* what comes from there is from an address that is elsewhere */
	set("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
	set("/proc/sys/net/ipv4/conf/tun0/rp_filter", "0");
	set("/proc/sys/net/ipv4/ip_forward", "1");
	return fd;
}

/* UDP from the address that truth->argument is. */
static void tun(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct me_udp_packet packet;
	struct in_addr src;
	int fd = open_tun();

	if (inet_pton(AF_INET, truth->argument, &src) != 1)
		me_traffic_die("%s", truth->argument);
	packet = me_udp_packet(peer, src);
	truth->attempts++;
	while (count--) {
		if (write(fd, &packet, sizeof(packet)) < 0)
			truth->error = errno;
		truth->datagrams++;
	}
}

const struct me_traffic_path me_traffic_tun[] = {
	{"tun", tun},
	{NULL, NULL},
};
