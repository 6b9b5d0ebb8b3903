/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BENCH_PEERS_H
#define MEWATCH_BENCH_PEERS_H

/*
 * Whom the traffic talks to. site.sh knows the same numbers: it routes the pools and writes the
 * lists.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define DNS_PORT 53
#define TLS_PORT 443
#define TCP_PORT 2525
#define ECHO_PORT 9999
#define UDP_PORT_FIRST 1024u
#define UDP_PORTS 50000u

/* Whom exchange.h talks to; all of it is on the far side. */
#define FAR_ADDRESS 0xc0000201u   /* 192.0.2.1: the resolver, and the echo */
#define NAMED_ADDRESS 0xc6336401u /* 198.51.100.1 and .2: what the listed name stands for */
#define OTHER_ADDRESS 0xc6336440u /* 198.51.100.64: another name's */
#define PLAIN_ADDRESS 0xc6336480u /* 198.51.100.128: listed as an address */
#define LISTED_NAME "www.bench.example"

/*
 * Peer i of the list is in pool i % 4: one quarter of 10.0.0.0/8 each, sixteen addresses apart so
 * that a /30 round each is a list of prefixes that do not touch. Strangers are in a quarter of
 * 198.18.0.0/15. Each pool has a route of its own; the fourth only fills the list.
 */
enum pool { POOL_SINK, POOL_NEAR, POOL_FAR, POOL_COUNT = 4 };
#define STRANGERS 32767u
#define STRIDE 2654435761u /* a prime above any list: its multiples visit a whole pool */

struct plan {
	bool stranger;
	bool known;
	uint32_t size;
	enum pool pool;
};

/* The n-th peer of a plan: no two of the same (address, port) before the ports run out. */
static inline void bench_peer(const struct plan *plan, uint64_t n, bool udp,
			      struct sockaddr_in *ret_peer)
{
	uint32_t in_pool = (plan->size + POOL_COUNT - 1 - plan->pool) / POOL_COUNT;
	uint32_t among = plan->stranger ? STRANGERS : in_pool;
	uint32_t i = (uint32_t)(n * STRIDE % among);
	uint32_t address = plan->stranger ? 0xc6120000u + (plan->pool << 15) + 1 + i
					  : 0x0a000000u + (plan->pool << 22) + 1 + 16 * i;
	uint32_t port = udp ? UDP_PORT_FIRST + (uint32_t)(n / among % UDP_PORTS) : TCP_PORT;

	*ret_peer = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(address),
	};
}

#endif
