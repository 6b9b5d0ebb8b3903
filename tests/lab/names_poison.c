/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Asks for a name, takes what names_server makes of it, and connects to the addresses that an attacker
 * wants to be allowed: names_poison HOW RESOLVER ID a|aaaa NAME [ADDRESS…].
 *
 *	ask            one answer comes
 *	other-type     the same, with an address of the type that was not asked for
 *	twice          two answers come
 *	never-asked    the answer comes to a socket that has asked nothing
 *	other-socket   it comes to a socket that has asked for something else
 *	forged         it comes from a raw socket of our own, with the resolver's address, to ours
 *	forged-lo      the same, to 127.0.0.1
 *	transparent    the same from a UDP socket that is bound to the resolver's address
 *
 * Without an ADDRESS the connects go to those that belong to the id, one for each answer. It says how
 * many answers came, and the addresses.
 */
#include <netinet/ip.h>
#include <netinet/udp.h>
#include "names.h"

#define STREAM_PORT 8080u
#define ADDRESSES_MAX 16u

#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

struct question {
	struct me_peer resolver;
	unsigned int id;
	unsigned int type;
	const char *name;
};

/* A socket that takes datagrams from everybody. */
static int open_socket(const struct question *question)
{
	int family = question->resolver.sa.sa_family, fd = me_traffic_socket(family, SOCK_DGRAM, 0);
	struct me_peer any = lab_peer(family == AF_INET ? "0.0.0.0" : "::", 0);

	if (bind(fd, &any.sa, any.len))
		err(1, "bind");
	return fd;
}

static unsigned int port_of(int fd)
{
	struct me_peer own = {.len = sizeof(own.in6)};

	if (getsockname(fd, &own.sa, &own.len))
		err(1, "getsockname");
	return ntohs(own.in.sin_port);
}

static void ask(int fd, const struct question *question, const char *name, unsigned int id)
{
	struct names_message query;

	names_begin(&query, id, 0x0100, name, question->type);
	if (sendto(fd, query.bytes, query.length, 0, &question->resolver.sa,
		   question->resolver.len) < 0)
		err(1, "query");
}

/* How many of `n` datagrams came. */
static unsigned long await(int fd, unsigned long n)
{
	char buffer[NAMES_ROOM];
	unsigned long came = 0;

	while (came < n && recv(fd, buffer, sizeof(buffer), 0) >= 0)
		came++;
	return came;
}

static unsigned long plain(const struct question *question, unsigned long answers)
{
	int fd = open_socket(question);

	ask(fd, question, question->name, question->id);
	return await(fd, answers);
}

/* The name tells the server where to send its answer. */
static unsigned long elsewhere(const struct question *question, bool has_asked)
{
	int asking = open_socket(question), other = open_socket(question);
	char name[256];

	if (has_asked) {
		snprintf(name, sizeof(name), "mute.%s", question->name);
		ask(other, question, name, question->id);
	}
	snprintf(name, sizeof(name), "to-%u.%s", port_of(other), question->name);
	ask(asking, question, name, question->id);
	return await(other, 1);
}

/* --- Forged answers ------------------------------------------------------------------------------ */

static void write_answer(const struct question *question, struct names_message *answer)
{
	int family = names_family(question->type);
	struct me_peer peer = names_address(family, question->id, 0);
	size_t length;
	const void *bytes = names_bytes(&peer, &length);

	names_begin(answer, question->id, NAMES_ANSWER, question->name, question->type);
	names_put16(answer, NAMES_QUESTION);
	names_put16(answer, question->type);
	names_put16(answer, NAMES_IN);
	names_put32(answer, 60);
	names_put16(answer, length);
	names_put(answer, bytes, length);
	names_set16(answer, 6, 1);
}

/* The address that this host has towards the resolver, with the socket's port. */
static struct me_peer own_address(const struct question *question, int fd)
{
	int probe = me_traffic_socket(question->resolver.sa.sa_family, SOCK_DGRAM, 0);
	struct me_peer own = {.len = sizeof(own.in6)};

	if (connect(probe, &question->resolver.sa, question->resolver.len) ||
	    getsockname(probe, &own.sa, &own.len))
		err(1, "own address");
	close(probe);
	own.in.sin_port = htons(port_of(fd));
	return own;
}

/* The kernel computes the checksum of IP, and UDP may go without one. */
static void send_raw(const struct question *question, const struct me_peer *to)
{
	struct names_message answer;
	struct {
		struct iphdr ip;
		struct udphdr udp;
	} head = {
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_UDP,
		       .saddr = question->resolver.in.sin_addr.s_addr,
		       .daddr = to->in.sin_addr.s_addr},
		.udp = {.source = htons(NAMES_PORT), .dest = to->in.sin_port},
	};
	struct me_peer peer = *to;
	struct iovec parts[] = {{&head, sizeof(head)}, {answer.bytes, 0}};
	struct msghdr message = {
		.msg_name = &peer, .msg_namelen = peer.len, .msg_iov = parts, .msg_iovlen = 2};
	int fd = me_traffic_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	write_answer(question, &answer);
	parts[1].iov_len = answer.length;
	head.udp.len = htons(sizeof(head.udp) + answer.length);
	head.ip.tot_len = htons(sizeof(head) + answer.length);
	if (sendmsg(fd, &message, 0) < 0)
		err(1, "raw");
}

static void send_transparent(const struct question *question, const struct me_peer *to)
{
	bool v4 = to->sa.sa_family == AF_INET;
	int on = 1, fd = me_traffic_socket(to->sa.sa_family, SOCK_DGRAM, 0);
	struct names_message answer;

	if (setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT,
		       &on, sizeof(on)) ||
	    bind(fd, &question->resolver.sa, question->resolver.len))
		err(1, "transparent");
	write_answer(question, &answer);
	if (sendto(fd, answer.bytes, answer.length, 0, &to->sa, to->len) < 0)
		err(1, "transparent");
}

static unsigned long forged(const struct question *question, const char *how)
{
	int fd = open_socket(question);
	struct me_peer own = own_address(question, fd);

	ask(fd, question, question->name, question->id);
	if (!strcmp(how, "transparent")) {
		send_transparent(question, &own);
	} else {
		if (!strcmp(how, "forged-lo"))
			own.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		send_raw(question, &own);
	}
	return await(fd, 1);
}

/* --- What it is for ------------------------------------------------------------------------------- */

/* One attempt; it comes to nothing. */
static void try(const struct me_peer *peer)
{
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM, 0);
	char text[INET6_ADDRSTRLEN];
	size_t length;

	if (!inet_ntop(peer->sa.sa_family, names_bytes(peer, &length), text, sizeof(text)))
		err(1, "inet_ntop");
	if (!connect(fd, &peer->sa, peer->len))
		errx(1, "%s: somebody listens there", text);
	printf("%s,", text);
	close(fd);
}

int main(int argc, char **argv)
{
	struct question question;
	unsigned long answers, wanted = 1;
	const char *how = argv[1];

	if (argc < 6 || argc > 6 + (int)ADDRESSES_MAX)
		errx(2, "usage: names_poison HOW RESOLVER ID a|aaaa NAME [ADDRESS…]");
	question.resolver = lab_peer(argv[2], NAMES_PORT);
	question.id = lab_number(argv[3], 65535);
	question.type = strcmp(argv[4], "aaaa") ? NAMES_A : NAMES_AAAA;
	question.name = argv[5];
	wanted += !strcmp(how, "twice");
	if (!strcmp(how, "ask") || !strcmp(how, "other-type") || !strcmp(how, "twice"))
		answers = plain(&question, wanted);
	else if (!strcmp(how, "never-asked") || !strcmp(how, "other-socket"))
		answers = elsewhere(&question, !strcmp(how, "other-socket"));
	else
		answers = forged(&question, how);
	printf("missing=%lu connected=", wanted - answers);
	for (int i = 6; i < argc; i++) {
		struct me_peer peer = lab_peer(argv[i], STREAM_PORT);

		try(&peer);
	}
	if (!strcmp(how, "other-type"))
		question.type = question.type == NAMES_A ? NAMES_AAAA : NAMES_A;
	for (unsigned long k = 0; k < wanted && argc == 6; k++) {
		struct me_peer peer =
			names_address(names_family(question.type), question.id + k, STREAM_PORT);

		try(&peer);
	}
	printf("\n");
	return 0;
}
