/* SPDX-License-Identifier: GPL-2.0-only */

/* Sockets below the transport: raw, ping, packet. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/ioctl.h>
#include "base/cleanup.h"
#include "selftest/packet.h"

#define BYTES ME_PACKET_BYTES
#define ICMP_FILTER 1    /* of linux/icmp.h, which does not go together with net/if.h */
#define EXPERIMENTAL 253 /* RFC 3692 */

/* The address that this host would use towards the peer, asked by a UDP connect. */
static struct in_addr own_address(const struct me_peer *peer, struct me_truth *truth)
{
	struct me_peer own = {.len = sizeof(own.in)};
	int fd = me_traffic_socket(AF_INET, SOCK_DGRAM, 0);

	truth->probes++;
	if (connect(fd, &peer->sa, peer->len) || getsockname(fd, &own.sa, &own.len))
		me_traffic_die("own address");
	close(fd);
	return own.in.sin_addr;
}

static void send_all(int fd, const void *data, size_t len, const struct sockaddr *to,
		     socklen_t to_len, unsigned long count, struct me_truth *truth)
{
	while (count--) {
		if (sendto(fd, data, len, 0, to, to_len) < 0) {
			truth->error = errno;
			return;
		}
		truth->datagrams++;
		truth->sent += len;
	}
}

static void header_included(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct me_udp_packet packet = me_udp_packet(peer, own_address(peer, truth));
	int fd = me_traffic_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	truth->attempts++;
	send_all(fd, &packet, sizeof(packet), &peer->sa, peer->len, count, truth);
}

/* A raw socket takes no port from its peer's address; IPv6 refuses one that is not the protocol. */
static struct me_peer without_port(const struct me_peer *peer)
{
	struct me_peer bare = *peer;

	bare.in.sin_port = 0;
	return bare;
}

static void protocol(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	struct me_peer bare = without_port(peer);
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_RAW, EXPERIMENTAL);
	char payload[BYTES] = {0};

	truth->attempts++;
	send_all(fd, payload, sizeof(payload), &bare.sa, bare.len, count, truth);
}

/* Of all ICMP, which a raw socket hears, only answers to echo requests: not what neighbours ask. */
static void hear_replies(int fd, bool v6)
{
	uint32_t filter = ~(1u << ICMP_ECHOREPLY);
	struct icmp6_filter filter6;

	ICMP6_FILTER_SETBLOCKALL(&filter6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
	if (v6 ? setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof(filter6))
	       : setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)))
		me_traffic_die("filter");
}

/* Echo requests; the kernel of the peer answers them. `connected` leaves the address out. */
static void echo(const struct me_peer *peer, int type, bool connected, unsigned long count,
		 struct me_truth *truth)
{
	bool v6 = peer->sa.sa_family == AF_INET6;
	int fd = me_traffic_socket(peer->sa.sa_family, type, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	struct me_peer bare = without_port(peer);
	char packet[BYTES] = {0};

	if (type == SOCK_RAW)
		hear_replies(fd, v6);
	if (v6) {
		packet[0] = ICMP6_ECHO_REQUEST; /* the kernel computes its checksum */
	} else {
		struct icmphdr head = {.type = ICMP_ECHO, .un.echo.id = htons(getpid() & 0xffff)};

		head.checksum = me_packet_checksum(&head, sizeof(head)); /* the rest is zero */
		memcpy(packet, &head, sizeof(head));
	}
	if (connected && connect(fd, &bare.sa, bare.len))
		me_traffic_die("connect");
	truth->attempts++;
	while (count-- && !truth->error) {
		send_all(fd, packet, sizeof(packet), connected ? NULL : &bare.sa,
			 connected ? 0 : bare.len, 1, truth);
		if (!truth->error)
			me_traffic_await(fd, truth);
	}
}

static void raw_echo(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	echo(peer, SOCK_RAW, false, count, truth);
}

static void ping_sendto(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	echo(peer, SOCK_DGRAM, false, count, truth);
}

static void ping_connect(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	echo(peer, SOCK_DGRAM, true, count, truth);
}

/* The interface that holds the own address towards the peer. */
static int interface_of(struct in_addr own)
{
	struct if_nameindex *all = if_nameindex(), *i;
	int index = 0, fd = me_traffic_socket(AF_INET, SOCK_DGRAM, 0);

	for (i = all; i && i->if_index && !index; i++) {
		struct ifreq request = {0};

		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", i->if_name);
		if (!ioctl(fd, SIOCGIFADDR, &request) &&
		    ((struct sockaddr_in *)&request.ifr_addr)->sin_addr.s_addr == own.s_addr)
			index = i->if_index;
	}
	if_freenameindex(all);
	close(fd);
	if (!index)
		me_traffic_die("no interface has the own address");
	return index;
}

/* Frames with an IP packet for the peer in them: no hook of a cgroup. */
static void frame(const struct me_peer *peer, bool bypass, unsigned long count,
		  struct me_truth *truth)
{
	struct in_addr own = own_address(peer, truth);
	struct me_udp_packet packet = me_udp_packet(peer, own);
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = interface_of(own),
		.sll_halen = ETH_ALEN,
	};
	int on = 1, fd = me_traffic_socket(AF_PACKET, SOCK_DGRAM, 0);

	if (!truth->argument || !ether_aton_r(truth->argument, (struct ether_addr *)to.sll_addr))
		memset(to.sll_addr, 0xff, ETH_ALEN);
	me_traffic_cookie(fd, truth);
	truth->attempts++;
	if (bypass && setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		me_traffic_die("PACKET_QDISC_BYPASS");
	send_all(fd, &packet, sizeof(packet), (struct sockaddr *)&to, sizeof(to), count, truth);
}

static void packet(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	frame(peer, false, count, truth);
}

static void packet_bypass(const struct me_peer *peer, unsigned long count, struct me_truth *truth)
{
	frame(peer, true, count, truth);
}

const struct me_traffic_path me_traffic_raw[] = {
	{"raw-hdrincl", header_included}, {"raw-protocol", protocol},
	{"raw-echo", raw_echo},           {"ping-sendto", ping_sendto},
	{"ping-connect", ping_connect},   {"packet", packet},
	{"packet-bypass", packet_bypass}, {NULL, NULL},
};
