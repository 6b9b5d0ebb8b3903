/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames by an XDP socket (AF_XDP), which the kernel copies. IPv4, on the mail host's interface. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_xdp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "selftest/network.h"
#include "selftest/packet.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

#define CHUNK 4096u
#define CHUNKS 8u /* of the memory that frames are sent from, and places in each ring */

struct frame {
	struct ether_header link;
	struct me_udp_packet packet;
} __attribute__((packed));

struct xdp {
	int fd;
	char *memory;
	uint32_t *producer; /* of the ring for sending */
	struct xdp_desc *desc;
};

static void set(int fd, int option, const void *value, socklen_t size)
{
	if (setsockopt(fd, SOL_XDP, option, value, size))
		me_traffic_die("XDP option %d", option);
}

static char *map(int fd, size_t size, uint64_t at)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED | MAP_POPULATE;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, (off_t)at);

	if (memory == MAP_FAILED)
		me_traffic_die("memory of an XDP socket");
	return memory;
}

/* The kernel lets go of the interface some time after the last socket was closed. */
static void bind_soon(int fd)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	struct sockaddr_xdp at = {.sxdp_family = AF_XDP,
				  .sxdp_flags = XDP_COPY,
				  .sxdp_ifindex = if_nametoindex("eth0")};

	for (unsigned int tries = 0; bind(fd, (struct sockaddr *)&at, sizeof(at)); tries++) {
		if (errno != EBUSY || tries == ME_TRAFFIC_DEADLINE_S * 100)
			me_traffic_die("an XDP socket cannot be bound");
		nanosleep(&pause, NULL);
	}
}

static struct xdp open_xdp(void)
{
	const uint32_t places = CHUNKS;
	struct xdp xdp = {.fd = me_traffic_socket(AF_XDP, SOCK_RAW, 0),
			  .memory = map(-1, CHUNKS * CHUNK, 0)};
	struct xdp_umem_reg memory = {
		.addr = (uintptr_t)xdp.memory, .len = CHUNKS * CHUNK, .chunk_size = CHUNK};
	struct xdp_mmap_offsets offsets;
	socklen_t size = sizeof(offsets);
	char *ring;

	set(xdp.fd, XDP_UMEM_REG, &memory, sizeof(memory));
	set(xdp.fd, XDP_UMEM_FILL_RING, &places, sizeof(places));
	set(xdp.fd, XDP_UMEM_COMPLETION_RING, &places, sizeof(places));
	set(xdp.fd, XDP_TX_RING, &places, sizeof(places));
	if (getsockopt(xdp.fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size))
		me_traffic_die("XDP_MMAP_OFFSETS");
	ring = map(xdp.fd, offsets.tx.desc + CHUNKS * sizeof(*xdp.desc), XDP_PGOFF_TX_RING);
	xdp.producer = (uint32_t *)(ring + offsets.tx.producer);
	xdp.desc = (struct xdp_desc *)(ring + offsets.tx.desc);
	bind_soon(xdp.fd);
	return xdp;
}

/* truth->argument is the station that the frames are for. */
static void xdp_send(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct xdp xdp = open_xdp();
	struct in_addr own = {.s_addr = inet_addr(ME_MAIL4)};
	struct frame frame = {.link = {.ether_type = htons(ETHERTYPE_IP)},
			      .packet = me_udp_packet(peer, own)};

	if (!ether_aton_r(truth->argument, (struct ether_addr *)frame.link.ether_dhost))
		me_traffic_die("%s", truth->argument);
	if (count > CHUNKS)
		me_traffic_die("at most %u frames", CHUNKS);
	truth->attempts++;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(xdp.memory + (size_t)i * CHUNK, &frame, sizeof(frame));
		xdp.desc[i] = (struct xdp_desc){.addr = (uint64_t)i * CHUNK, .len = sizeof(frame)};
		__atomic_store_n(xdp.producer, i + 1, __ATOMIC_RELEASE);
		if (sendto(xdp.fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0)
			truth->error = errno;
		truth->datagrams++;
	}
}

const struct me_traffic_path me_traffic_xdp[] = {
	{"xdp", xdp_send},
	{NULL, NULL},
};
