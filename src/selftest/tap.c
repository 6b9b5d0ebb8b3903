/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "kernel/enter.h"

#define ROOM (4 << 20)
#define DEADLINE_MS 5000
#define AGAIN_MS 200 /* a mark may fall victim to an address that is not resolved yet */
#define HEADERS 48u  /* as much of a packet as is looked at */

struct me_tap {
	int packets; /* of the far end */
	int sender;  /* of the mail host */
	uint64_t mark;
	struct sockaddr_in to; /* of the marks */
	struct me_addr watched;
	uint64_t count;
	bool marked; /* the last mark has arrived */
};

static int open_packets(void *userdata)
{
	struct me_tap *tap = userdata;
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex("eth0")};
	int room = ROOM;

	tap->packets = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (tap->packets < 0)
		return -errno;
	setsockopt(tap->packets, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return bind(tap->packets, (struct sockaddr *)&at, sizeof(at)) ? -errno : 0;
}

static int open_sender(void *userdata)
{
	struct me_tap *tap = userdata;

	tap->sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return tap->sender < 0 ? -errno : 0;
}

int me_tap_open(const struct me_network *network, struct me_tap **ret_tap)
{
	const struct me_addr to = me_network_address(false, true, UINT16_MAX);
	struct me_tap *tap = calloc(1, sizeof(*tap));
	int err;

	if (!tap)
		return -ENOMEM;
	tap->packets = tap->sender = -1;
	tap->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(ME_TAP_PORT)};
	memcpy(&tap->to.sin_addr, to.byte + 12, 4);
	err = me_enter_netns(network->far, open_packets, tap);
	if (!err)
		err = me_enter_netns(network->mail, open_sender, tap);
	if (err)
		me_tap_free(&tap);
	else
		*ret_tap = tap;
	return err;
}

void me_tap_free(struct me_tap **tap)
{
	if (!*tap)
		return;
	me_closep(&(*tap)->packets);
	me_closep(&(*tap)->sender);
	free(*tap);
	*tap = NULL;
}

void me_tap_watch(struct me_tap *tap, const struct me_addr *address)
{
	tap->watched = *address;
	tap->count = 0;
}

/* The destination of an IP packet, and its protocol. False: it is none, or too short. */
static bool read_head(const uint8_t *packet, size_t size, struct me_addr *ret_to,
		      uint8_t *ret_proto)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (size >= 20 && packet[0] >> 4 == 4) {
		memcpy(ret_to->byte, mapped, sizeof(mapped));
		memcpy(ret_to->byte + 12, packet + 16, 4);
		*ret_proto = packet[9];
		return true;
	}
	if (size < 40 || packet[0] >> 4 != 6)
		return false;
	memcpy(ret_to->byte, packet + 24, 16);
	*ret_proto = packet[6];
	return true;
}

static void look(struct me_tap *tap, const uint8_t *packet, size_t size)
{
	struct me_addr to, mark = me_network_address(false, true, UINT16_MAX);
	uint8_t proto;

	if (!read_head(packet, size, &to, &proto))
		return;
	/* neighbours ask each other for addresses */
	if (proto == IPPROTO_ICMPV6 && size > 40 && packet[40] >= ND_ROUTER_SOLICIT &&
	    packet[40] <= ND_REDIRECT)
		return;
	if (!memcmp(to.byte, mark.byte, 16))
		tap->marked |= size >= 28 + sizeof(tap->mark) &&
			       !memcmp(packet + 28, &tap->mark, sizeof(tap->mark));
	else
		tap->count += me_network_twins(&to, &tap->watched);
}

static void drain(struct me_tap *tap)
{
	struct sockaddr_ll from;
	socklen_t length = sizeof(from);
	uint8_t packet[HEADERS];
	ssize_t n;

	while ((n = recvfrom(tap->packets, packet, sizeof(packet), 0, (struct sockaddr *)&from,
			     &length)) >= 0) {
		if (from.sll_pkttype != PACKET_OUTGOING)
			look(tap, packet, (size_t)n);
		length = sizeof(from);
	}
}

int me_tap_count(struct me_tap *tap, uint64_t *ret_count)
{
	uint64_t end = me_clock_now(CLOCK_MONOTONIC) + DEADLINE_MS * ME_NS_PER_MS;
	struct pollfd poller = {.fd = tap->packets, .events = POLLIN};

	tap->mark++;
	tap->marked = false;
	while (!tap->marked) {
		if (me_clock_now(CLOCK_MONOTONIC) > end)
			return -ETIMEDOUT;
		if (sendto(tap->sender, &tap->mark, sizeof(tap->mark), 0,
			   (struct sockaddr *)&tap->to, sizeof(tap->to)) < 0)
			return -errno;
		for (int left = AGAIN_MS; !tap->marked && left > 0; left -= 10) {
			poll(&poller, 1, 10);
			drain(tap);
		}
	}
	*ret_count = tap->count;
	return 0;
}
