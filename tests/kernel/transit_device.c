/* SPDX-License-Identifier: GPL-2.0-only */
#include "transit_device.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include "kernel/clsact.h"
#include "kernel/internal.h"
#include "transit.h"
#include "world.h"

#define ETHERNET 14
#define TUN_MINOR 200 /* of the miscellaneous devices; a node loads the module */

static int open_tun(const char *name, bool ethernet)
{
	struct ifreq request = {
		.ifr_flags = (short)(ethernet ? IFF_TAP | IFF_NO_PI | IFF_VNET_HDR : IFF_TUN)};
	char node[64];
	int fd;

	snprintf(node, sizeof(node), "/tmp/mewatch-test-tun-%d", getpid());
	assert_int_equal(mknod(node, S_IFCHR | 0600, makedev(10, TUN_MINOR)), 0);
	fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	unlink(node);
	assert_true(fd >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	return fd;
}

static void attach(const struct transit *transit, const struct transit_device *device)
{
	bool made;

	assert_int_equal(me_clsact_make(device->index, &made), 0);
	for (int egress = 0; egress < 2; egress++)
		assert_int_equal(me_clsact_attach(me_transit_program(transit->kernel, egress,
								     device->ethernet),
						  device->index, egress),
				 0);
}

struct transit_device transit_device_open(struct transit *transit, bool ethernet)
{
	struct transit_device device = {.ethernet = ethernet};
	const char *name = ethernet ? "tap0" : "tun0";
	char command[64];

	device.fd = open_tun(name, ethernet);
	device.index = if_nametoindex(name);
	assert_int_not_equal(device.index, 0);
	device.packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(device.packet >= 0);
	/* The kernel itself has nothing to say there. */
	snprintf(command, sizeof(command), "ip link set %s addrgenmode none mtu 9000", name);
	world_run(-1, command);
	attach(transit, &device);
	snprintf(command, sizeof(command), "ip link set %s up", name);
	world_run(-1, command);
	return device;
}

void transit_device_close(struct transit_device *device)
{
	close(device->packet);
	close(device->fd); /* the device goes with it */
}

/* --- Frames -------------------------------------------------------------------------------------- */

/* Frames that went out are not wanted, but would fill the device. */
static void drain(const struct transit_device *device)
{
	char byte[16384];

	while (read(device->fd, byte, sizeof(byte)) >= 0)
		;
	assert_true(errno == EAGAIN || errno == EIO);
}

static void put(const struct transit_device *device, const void *head, size_t head_size,
		const uint8_t *byte, size_t size)
{
	struct iovec parts[] = {{(void *)head, head_size}, {(void *)byte, size}};

	assert_int_equal(writev(device->fd, parts, 2), head_size + size);
}

void transit_device_come_in(const struct transit_device *device, const uint8_t *frame, size_t size,
			    size_t linear, uint16_t segment_size)
{
	struct virtio_net_hdr head = {.hdr_len = (uint16_t)linear, .gso_size = segment_size};
	bool v6 = frame[12] == 0x86;

	if (segment_size) {
		head.gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
		head.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		head.csum_start = ETHERNET + (v6 ? 40 : 20);
		head.csum_offset = 16;
	}
	put(device, &head, sizeof(head), frame, size);
}

static void go_out(const struct transit_device *device, uint16_t protocol, const uint8_t *byte,
		   size_t size)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(protocol),
				 .sll_ifindex = (int)device->index};

	assert_int_equal(sendto(device->packet, byte, size, 0, (struct sockaddr *)&to, sizeof(to)),
			 size);
	drain(device);
}

void transit_device_pass(const struct transit_device *device, bool sent, uint16_t protocol,
			 const uint8_t *byte, size_t size)
{
	struct tun_pi head = {.proto = htons(protocol)};

	if (!sent)
		go_out(device, protocol, byte, size);
	else if (device->ethernet)
		transit_device_come_in(device, byte, size, 0, 0);
	else
		put(device, &head, sizeof(head), byte, size);
}
