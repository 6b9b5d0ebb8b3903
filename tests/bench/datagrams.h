/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BENCH_DATAGRAMS_H
#define MEWATCH_BENCH_DATAGRAMS_H

/* Datagrams across a gateway, out and back; see forward.c. */
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include "network.h"

#define BATCH 64u
#define WARM_PACKETS 1024u  /* before the clock starts, or one of each flow */
#define CACHED_FLOWS 10240u /* unless there are more, which no cache near the CPU has */

struct frame {
	struct ether_header ether;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[18];
} __attribute__((packed));

_Static_assert(sizeof(struct frame) == ETH_ZLEN, "64 bytes with the FCS");

/* Sends frames of the flows that it is told, BATCH at a time. */
struct sender {
	int fd;
	bool back;
	uint32_t host, flows;
	uint64_t seed;
	struct frame frames[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

static inline uint16_t ip_checksum(const void *header)
{
	uint16_t words[sizeof(struct iphdr) / 2];
	uint32_t sum = 0;

	memcpy(words, header, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* Flow n: every listed address of the pool first with one source port, then with the next. */
static inline void address_frame(const struct sender *s, uint32_t n, struct frame *frame)
{
	static const struct plan plan = {.size = LIST_SIZE, .pool = POOL_SINK};
	uint16_t port = htons((uint16_t)(UDP_PORT_FIRST + n / (LIST_SIZE / POOL_COUNT)));
	struct sockaddr_in peer;

	bench_peer(&plan, n, false, &peer);
	frame->ip.saddr = s->back ? peer.sin_addr.s_addr : s->host;
	frame->ip.daddr = s->back ? s->host : peer.sin_addr.s_addr;
	frame->udp.source = s->back ? peer.sin_port : port;
	frame->udp.dest = s->back ? port : peer.sin_port;
	frame->ip.check = 0;
	frame->ip.check = ip_checksum(&frame->ip);
}

static inline void init_sender(struct sender *s, const struct network *net, uint32_t lane,
			       uint32_t flows, bool back)
{
	*s = (struct sender){
		.fd = back ? net->lanes[lane].back : net->lanes[lane].out,
		.back = back,
		.host = htonl(LAN_NETWORK + (lane << 8) + SILENT_HOST),
		.flows = flows,
	};
	for (size_t i = 0; i < BATCH; i++) {
		struct frame *frame = &s->frames[i];

		memcpy(frame->ether.ether_dhost, GATEWAY_MAC, ETH_ALEN);
		memcpy(frame->ether.ether_shost, SENDER_MAC, ETH_ALEN);
		frame->ether.ether_type = htons(ETHERTYPE_IP);
		frame->ip = (struct iphdr){
			.version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(*frame) - sizeof(frame->ether)),
			.ttl = 64,
			.protocol = IPPROTO_UDP,
		};
		/* No checksum, which is allowed (RFC 768): nobody here would look at it. */
		frame->udp.len = htons(sizeof(frame->udp) + sizeof(frame->payload));
		s->parts[i] = (struct iovec){frame, sizeof(*frame)};
		s->messages[i].msg_hdr = (struct msghdr){.msg_iov = &s->parts[i], .msg_iovlen = 1};
	}
}

static inline void flush_frames(struct sender *s, size_t count)
{
	for (size_t sent = 0; sent < count;) {
		int n = sendmmsg(s->fd, s->messages + sent, (unsigned int)(count - sent), 0);

		if (n <= 0)
			die("sendmmsg");
		sent += (size_t)n;
	}
}

static inline void forward_one(void *context, size_t i)
{
	struct sender *s = context;

	address_frame(s, (uint32_t)((s->seed + i) * STRIDE % s->flows), &s->frames[i % BATCH]);
	if (i % BATCH == BATCH - 1)
		flush_frames(s, BATCH);
}

/* Both counts are multiples of BATCH, so that nothing is left unsent. */
static inline size_t whole_batches(size_t count)
{
	return (count + BATCH - 1) / BATCH * BATCH;
}

static inline void forward_datagrams(const struct network *net, uint32_t lane, uint32_t flows,
				     uint64_t seed, size_t count, bool back)
{
	size_t warm = flows > WARM_PACKETS && flows <= CACHED_FLOWS ? flows : WARM_PACKETS;
	struct sender s;

	init_sender(&s, net, lane, flows, back);
	s.seed = seed;
	measure(forward_one, &s, whole_batches(warm), whole_batches(count));
}

static inline void fill_one_way(const struct network *net, uint32_t lane, uint32_t flows, bool back)
{
	struct sender s;

	init_sender(&s, net, lane, flows, back);
	for (uint32_t n = 0; n < flows; n++) {
		address_frame(&s, n, &s.frames[n % BATCH]);
		if (n % BATCH == BATCH - 1 || n == flows - 1)
			flush_frames(&s, n % BATCH + 1);
	}
}

#endif
