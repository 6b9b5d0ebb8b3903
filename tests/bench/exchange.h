/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BENCH_EXCHANGE_H
#define MEWATCH_BENCH_EXCHANGE_H

/*
 * Workloads that are about names: exchanges with a resolver, and what is to be compared with them.
 * The servers are this process too, behind the veth pair; their sockets were born outside the
 * cgroups of the modes, so that only the client is watched.
 *
 *	udp-echo    one datagram of 100 bytes there and one back, none of DNS's business
 *	dns-listed  a query and its answer: an alias and two addresses, which are learned
 *	dns-other   a name that the policy does not have
 *	dns-dnsbl   a block list's zone
 *	tcp-other   one connection on whose port there is no name: the client says HELLO_SIZE bytes
 *	tcp-first   the same to a learned address and port 443: the bytes are a second witness
 *	tcp-data    a write of 100 bytes on a connection that is there already, as tcp-other
 *
 * All are of the kind `known` but for tcp-other and tcp-first, which are a new flow each (`new`).
 */
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include "messages.h"
#include "work.h"

#define DATAGRAM_SIZE 100u

/* --- Datagrams ---------------------------------------------------------------------------------- */

/* A client's socket, the server's, and what they say. Its two messages get a new id each time. */
struct exchange {
	int client;
	int server;
	uint16_t id;
	struct message query, answer;
};

static inline void open_exchange(struct exchange *x, int server, uint16_t port)
{
	struct sockaddr_in peer = inet_peer(FAR_ADDRESS, port);

	x->client = open_socket(SOCK_DGRAM);
	x->server = server;
	x->id = 0;
	expect_answers(x->client);
	connect_to(x->client, &peer);
}

static inline void exchange_one(void *context, size_t i)
{
	struct exchange *x = context;
	struct sockaddr_in from;
	socklen_t from_size = sizeof(from);
	uint8_t bytes[MESSAGE_MAX];

	(void)i;
	x->id++;
	message_stamp(&x->query, x->id);
	message_stamp(&x->answer, x->id);
	if (send(x->client, x->query.bytes, x->query.size, 0) < 0)
		die("query");
	if (recvfrom(x->server, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_size) < 0)
		die("no query");
	if (sendto(x->server, x->answer.bytes, x->answer.size, 0, (struct sockaddr *)&from,
		   from_size) < 0)
		die("answer");
	if (recv(x->client, bytes, sizeof(bytes), 0) < 0)
		die("no answer");
}

static inline void measure_dns(const struct far *far, const char *name, enum asked asked,
			       size_t warm, size_t count)
{
	struct exchange x;

	dns_messages(name, asked, &x.query, &x.answer);
	open_exchange(&x, far->resolver, DNS_PORT);
	measure(exchange_one, &x, warm, count);
	close(x.client);
}

static inline void dns_listed(const struct far *far, size_t warm, size_t count)
{
	measure_dns(far, LISTED_NAME, ASKED_LISTED, warm, count);
}

static inline void dns_other(const struct far *far, size_t warm, size_t count)
{
	measure_dns(far, "mail.other.example", ASKED_OTHER, warm, count);
}

static inline void dns_dnsbl(const struct far *far, size_t warm, size_t count)
{
	measure_dns(far, "4.3.2.1.zen.spamhaus.org", ASKED_DNSBL, warm, count);
}

static inline void udp_echo(const struct far *far, size_t warm, size_t count)
{
	struct exchange x = {.query.size = DATAGRAM_SIZE, .answer.size = DATAGRAM_SIZE};

	open_exchange(&x, far->echo, ECHO_PORT);
	measure(exchange_one, &x, warm, count);
	close(x.client);
}

/* --- Connections -------------------------------------------------------------------------------- */

struct conversation {
	int listener;
	struct sockaddr_in peer;
	struct message hello;
};

static inline void converse_one(void *context, size_t i)
{
	const struct conversation *c = context;

	(void)i;
	converse(c->listener, &c->peer, c->hello.bytes, c->hello.size);
}

static inline void measure_hello(int listener, uint32_t address, uint16_t port, size_t warm,
				 size_t count)
{
	struct conversation c = {.listener = listener, .peer = inet_peer(address, port)};

	hello_message(LISTED_NAME, &c.hello);
	measure(converse_one, &c, warm, count);
}

static inline void tcp_other(const struct far *far, size_t warm, size_t count)
{
	measure_hello(far->plain, PLAIN_ADDRESS, TCP_PORT, warm, count);
}

static inline void tcp_first(const struct far *far, size_t warm, size_t count)
{
	struct exchange x;

	dns_messages(LISTED_NAME, ASKED_LISTED, &x.query, &x.answer);
	open_exchange(&x, far->resolver, DNS_PORT);
	exchange_one(&x, 0);
	close(x.client);
	measure_hello(far->tls, NAMED_ADDRESS, TLS_PORT, warm, count);
}

/* Both ends of a connection. */
struct pipe_ends {
	int client, server;
};

static inline void write_one(void *context, size_t i)
{
	static const uint8_t payload[DATAGRAM_SIZE];
	const struct pipe_ends *ends = context;

	(void)i;
	pass_on(ends->client, ends->server, payload, sizeof(payload));
}

static inline void tcp_data(const struct far *far, size_t warm, size_t count)
{
	struct sockaddr_in peer = inet_peer(PLAIN_ADDRESS, TCP_PORT);
	struct pipe_ends ends = {.client = open_socket(SOCK_STREAM)};
	int one = 1;

	/* Without it a write waits for the acknowledgement of the one before. */
	if (setsockopt(ends.client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("TCP_NODELAY");
	connect_to(ends.client, &peer);
	ends.server = accept_one(far->plain);
	expect_answers(ends.server);
	measure(write_one, &ends, warm, count);
	shutdown(ends.client, SHUT_WR);
	shutdown(ends.server, SHUT_WR);
	close(ends.server);
	close(ends.client);
}

/* --- Commands ----------------------------------------------------------------------------------- */

/* Runs the workload if it is one of these. */
static inline bool run_exchange(const char *workload, const char *kind, const struct far *far,
				size_t warm, size_t count)
{
	static const struct {
		const char *workload, *kind;
		void (*run)(const struct far *far, size_t warm, size_t count);
	} all[] = {
		{"udp-echo", "known", udp_echo},   {"dns-listed", "known", dns_listed},
		{"dns-other", "known", dns_other}, {"dns-dnsbl", "known", dns_dnsbl},
		{"tcp-other", "new", tcp_other},   {"tcp-first", "new", tcp_first},
		{"tcp-data", "known", tcp_data},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(workload, all[i].workload) == 0 && strcmp(kind, all[i].kind) == 0) {
			all[i].run(far, warm, count);
			return true;
		}
	}
	return false;
}

/* The n-th query of a mail filter: of five one is listed, one another name, three ask block lists. */
static inline void filter_query(uint32_t n, struct exchange *x)
{
	char name[64] = LISTED_NAME;
	enum asked asked = n % 5 == 0 ? ASKED_LISTED : n % 5 == 1 ? ASKED_OTHER : ASKED_DNSBL;

	if (asked == ASKED_OTHER)
		snprintf(name, sizeof(name), "mail.sender-%" PRIu32 ".example", n);
	if (asked == ASKED_DNSBL)
		snprintf(name, sizeof(name), "%u.%u.%u.198.zen.spamhaus.org", n & 255, n >> 8 & 255,
			 n >> 16 & 255);
	dns_messages(name, asked, &x->query, &x->answer);
}

static inline bool run_resolve(const char *line, const struct far *far)
{
	uint64_t rate, seconds, start, cpu, total;
	struct exchange x = {.client = -1};
	char sockets[16];
	bool each;

	if (sscanf(line, "resolve %15s %" SCNu64 " %" SCNu64, sockets, &rate, &seconds) != 3 ||
	    !rate)
		return false;
	each = strcmp(sockets, "each") == 0;
	if (!each && strcmp(sockets, "one") != 0)
		return false;
	total = rate * seconds;
	cpu = now(CLOCK_THREAD_CPUTIME_ID);
	start = now(CLOCK_MONOTONIC);
	for (uint64_t i = 0; i < total; i++) {
		pace(start, i, rate);
		filter_query((uint32_t)i, &x);
		if (x.client < 0)
			open_exchange(&x, far->resolver, DNS_PORT);
		exchange_one(&x, 0);
		if (each) {
			close(x.client);
			x.client = -1;
		}
	}
	if (x.client >= 0)
		close(x.client);
	tell_run(total, start, cpu);
	return true;
}

#endif
