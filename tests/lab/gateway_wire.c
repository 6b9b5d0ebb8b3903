/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * A bad wire: gateway_wire A B [key=value…] carries frames between two interfaces, both ways, and
 *
 *	drop=N        loses so many of a thousand IP packets
 *	duplicate=N   carries so many twice
 *	reorder=N     lets the next one overtake so many
 *	fair=1        not yet: SIGUSR1 begins and ends it
 *
 * Segments that no network card has cut yet stay whole (PACKET_VNET_HDR). Neighbour discovery always
 * passes, else a scenario would mostly wait for it. VLAN tags are not carried. Says `ready` when it
 * carries, and at SIGTERM what it did.
 */
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include "lab.h"
#include "../seed.h"

#define FRAME_MAX (sizeof(struct virtio_net_hdr) + 65536u + 64u)
#define HELD_MS 5 /* a frame that nothing overtakes leaves then */
#define BUFFER_MAX (8u << 20)
#define MILLE 1000u

/* What may happen to a frame. */
enum fate { FATE_CARRIED, FATE_DROPPED, FATE_DUPLICATED, FATE_REORDERED, FATES };

struct frame {
	size_t length; /* 0: none */
	int64_t since_ms;
	char data[FRAME_MAX];
};

/* One direction: what comes out of `in` leaves by `out`. */
struct way {
	int in, out;
	struct frame held;
};

struct wire {
	struct way way[2];
	unsigned long mille[FATES];
	unsigned long count[FATES];
	uint64_t random;
	bool fair; /* all is carried */
};

static int open_end(const char *interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(interface),
	};
	struct packet_mreq everything = {
		.mr_ifindex = address.sll_ifindex,
		.mr_type = PACKET_MR_PROMISC,
	};
	int on = 1, room = BUFFER_MAX, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || !address.sll_ifindex)
		err(1, "%s", interface);
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &everything, sizeof(everything)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		err(1, "%s", interface);
	return fd;
}

/* Whether it is an IP packet, and none that finds neighbours. */
static bool is_fair_game(const struct frame *frame)
{
	const char *data = frame->data + sizeof(struct virtio_net_hdr);
	size_t length = frame->length - sizeof(struct virtio_net_hdr);
	struct ether_header ether;
	struct ip6_hdr ip6;

	if (length < sizeof(ether) + sizeof(ip6))
		return false;
	memcpy(&ether, data, sizeof(ether));
	memcpy(&ip6, data + sizeof(ether), sizeof(ip6));
	if (ether.ether_type == htons(ETHERTYPE_IPV6))
		return ip6.ip6_nxt != IPPROTO_ICMPV6;
	return ether.ether_type == htons(ETHERTYPE_IP);
}

static enum fate next_fate(struct wire *wire, const struct frame *frame)
{
	unsigned long dice = me_seed_next(&wire->random) % MILLE;

	if (wire->fair || !is_fair_game(frame))
		return FATE_CARRIED;
	for (enum fate fate = FATE_DROPPED; fate < FATES; fate++) {
		if (dice < wire->mille[fate])
			return fate;
		dice -= wire->mille[fate];
	}
	return FATE_CARRIED;
}

static void carry(const struct way *way, const struct frame *frame)
{
	if (frame->length && send(way->out, frame->data, frame->length, 0) < 0 &&
	    errno != ENETDOWN && errno != ENOBUFS)
		warn("a frame of %zu bytes", frame->length);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void hold(struct way *way, const struct frame *frame)
{
	memcpy(way->held.data, frame->data, frame->length);
	way->held.length = frame->length;
	way->held.since_ms = now_ms();
}

static void let_go(struct way *way)
{
	carry(way, &way->held);
	way->held.length = 0;
}

static void let_go_of_old(struct way *way)
{
	if (way->held.length && now_ms() - way->held.since_ms >= HELD_MS)
		let_go(way);
}

static void take(struct wire *wire, struct way *way)
{
	static struct frame frame;
	ssize_t n = recv(way->in, frame.data, sizeof(frame.data), MSG_DONTWAIT);
	enum fate fate;

	if (n < (ssize_t)sizeof(struct virtio_net_hdr))
		return;
	frame.length = n;
	fate = next_fate(wire, &frame);
	wire->count[fate]++;
	if (fate == FATE_DROPPED)
		return;
	if (fate == FATE_REORDERED && !way->held.length) {
		hold(way, &frame);
		return;
	}
	carry(way, &frame);
	if (fate == FATE_DUPLICATED)
		carry(way, &frame);
	let_go(way);
}

static void read_option(struct wire *wire, const char *text)
{
	static const char *const names[FATES] = {
		[FATE_DROPPED] = "drop=",
		[FATE_DUPLICATED] = "duplicate=",
		[FATE_REORDERED] = "reorder=",
	};

	if (!strcmp(text, "fair=1")) {
		wire->fair = true;
		return;
	}
	for (enum fate fate = FATE_DROPPED; fate < FATES; fate++) {
		size_t n = strlen(names[fate]);

		if (strncmp(text, names[fate], n))
			continue;
		wire->mille[fate] = lab_number(text + n, MILLE / FATES);
		return;
	}
	errx(2, "%s: no such option", text);
}

/* Returns whether that was the end. */
static bool take_signal(struct wire *wire, int fd)
{
	struct signalfd_siginfo signal;

	if (read(fd, &signal, sizeof(signal)) != sizeof(signal))
		err(1, "signalfd");
	if (signal.ssi_signo == SIGUSR1)
		wire->fair = !wire->fair;
	return signal.ssi_signo == SIGTERM;
}

int main(int argc, char **argv)
{
	static struct wire wire;
	struct pollfd polled[3] = {{.events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};
	sigset_t signals;
	bool ends = false;

	if (argc < 3)
		errx(2, "usage: gateway_wire A B [key=value…]");
	for (int i = 3; i < argc; i++)
		read_option(&wire, argv[i]);
	wire.random = me_seed();
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	polled[0].fd = wire.way[0].in = wire.way[1].out = open_end(argv[1]);
	polled[1].fd = wire.way[1].in = wire.way[0].out = open_end(argv[2]);
	polled[2].fd = signalfd(-1, &signals, SFD_CLOEXEC);
	printf("ready\n");
	fflush(stdout);
	while (!ends) {
		bool holds = wire.way[0].held.length || wire.way[1].held.length;

		poll(polled, LAB_ARRAY_SIZE(polled), holds ? HELD_MS : -1);
		for (size_t i = 0; i < LAB_ARRAY_SIZE(wire.way); i++) {
			if (polled[i].revents)
				take(&wire, &wire.way[i]);
			let_go_of_old(&wire.way[i]);
		}
		ends = polled[2].revents && take_signal(&wire, polled[2].fd);
	}
	printf("carried=%lu dropped=%lu duplicated=%lu reordered=%lu\n", wire.count[FATE_CARRIED],
	       wire.count[FATE_DROPPED], wire.count[FATE_DUPLICATED], wire.count[FATE_REORDERED]);
	return 0;
}
