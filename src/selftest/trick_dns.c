/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answers that teach the address of a name, and answers that must not. Each ends with a connect to the
 * target on a port that only names are listed for.
 */
#include <errno.h>
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include <netinet/udp.h>
#include <string.h>
#include "selftest/trick.h"
#include "selftest/dns_build.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define QUERY 0x0100u /* flags of an ordinary query */
#define TTL 300u
#define ID(trick) ((trick)->number)

/* A client who asks, and the resolver. */
struct talk {
	int client, server;
	struct me_peer from; /* the client, as the server sees it */
};

static struct talk begin(struct me_trick *trick)
{
	struct talk talk = {.server = me_trick_server(trick, SOCK_DGRAM, ME_TRICK_RESOLVER, 53)};

	me_trick_enter(trick);
	talk.client = me_traffic_socket(AF_INET, SOCK_DGRAM, 0);
	return talk;
}

static void send_query(struct talk *talk, const struct me_dns_build *query)
{
	struct me_peer to = me_trick_peer(ME_TRICK_RESOLVER, 53);
	uint8_t bytes[512];

	if (sendto(talk->client, query->data, query->length, 0, &to.sa, to.len) !=
	    (ssize_t)query->length)
		me_traffic_die("the query");
	talk->from.len = sizeof(talk->from.in6);
	if (recvfrom(talk->server, bytes, sizeof(bytes), 0, &talk->from.sa, &talk->from.len) < 0)
		me_traffic_die("the query does not arrive");
}

static void ask(struct talk *talk, uint16_t id, const char *name)
{
	struct me_dns_build query;

	me_dns_build(&query, id, QUERY, name, ME_DNS_A);
	send_query(talk, &query);
}

/* Sends it to the client, from the socket of whoever says so. */
static void answer_from(struct talk *talk, int fd, const struct me_dns_build *answer)
{
	uint8_t bytes[4096];

	if (sendto(fd, answer->data, answer->length, 0, &talk->from.sa, talk->from.len) < 0)
		me_traffic_die("the answer");
	me_trick_receive(talk->client, bytes, sizeof(bytes));
}

static void answer_with(struct talk *talk, int fd, uint16_t id, const char *name,
			const char *address)
{
	struct me_dns_build answer;

	me_dns_build(&answer, id, ME_DNS_BUILD_ANSWER, name, ME_DNS_A);
	me_dns_build_address(&answer, NULL, address, TTL);
	answer_from(talk, fd, &answer);
}

static void conclude(struct me_trick *trick)
{
	me_trick_try(trick, trick->target, ME_TRICK_PORT);
}

/* --- Which teach -------------------------------------------------------------------------------- */

static void plain(struct me_trick *trick)
{
	struct talk talk = begin(trick);

	ask(&talk, ID(trick), "WWW.selftest.EXAMPLE");
	answer_with(&talk, talk.server, ID(trick), "WWW.selftest.EXAMPLE", trick->target);
	conclude(trick);
}

static void chain(struct me_trick *trick)
{
	struct talk talk = begin(trick);
	struct me_dns_build answer;

	ask(&talk, ID(trick), ME_TRICK_CDN);
	me_dns_build(&answer, ID(trick), ME_DNS_BUILD_ANSWER, ME_TRICK_CDN, ME_DNS_A);
	me_dns_build_cname(&answer, NULL, ME_TRICK_STRANGER, TTL);
	me_dns_build_address(&answer, ME_TRICK_STRANGER, trick->target, TTL);
	answer_from(&talk, talk.server, &answer);
	conclude(trick);
}

static void chain_apart(struct me_trick *trick)
{
	struct talk talk = begin(trick);
	struct me_dns_build answer;

	ask(&talk, ID(trick), ME_TRICK_CDN);
	me_dns_build(&answer, ID(trick), ME_DNS_BUILD_ANSWER, ME_TRICK_CDN, ME_DNS_A);
	me_dns_build_cname(&answer, NULL, "apart.stranger.example", TTL);
	answer_from(&talk, talk.server, &answer);
	ask(&talk, ID(trick) + 1, "apart.stranger.example");
	answer_with(&talk, talk.server, ID(trick) + 1, "apart.stranger.example", trick->target);
	conclude(trick);
}

/* One send of two datagrams, which hooks see as one packet. */
static void two_of_one_send(struct me_trick *trick)
{
	struct talk talk = begin(trick);
	struct me_dns_build one, two;
	uint8_t bytes[512];
	int size;

	/* of one length */
	me_dns_build(&one, ID(trick), QUERY, "aaa.stranger.example", ME_DNS_A);
	me_dns_build(&two, ID(trick) + 1, QUERY, ME_TRICK_NAME, ME_DNS_A);
	size = (int)one.length;
	if (one.length != two.length)
		me_traffic_die("the queries differ in length");
	memcpy(one.data + one.length, two.data, two.length);
	one.length += two.length;
	if (setsockopt(talk.client, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		me_traffic_absent("UDP_SEGMENT");
	send_query(&talk, &one);
	me_trick_receive(talk.server, bytes, sizeof(bytes));
	answer_with(&talk, talk.server, ID(trick) + 1, ME_TRICK_NAME, trick->target);
	conclude(trick);
}

/* --- Over TCP ------------------------------------------------------------------------------------- */

static void frame(struct me_dns_build *stream, const struct me_dns_build *message)
{
	stream->data[stream->length++] = message->length >> 8;
	stream->data[stream->length++] = message->length & 255;
	memcpy(stream->data + stream->length, message->data, message->length);
	stream->length += message->length;
}

/* Two queries in one segment, the answers cut into `cuts` of them. */
static void stream(struct me_trick *trick, bool two, size_t cuts)
{
	int server = me_trick_server(trick, SOCK_STREAM, ME_TRICK_RESOLVER, 53), client, accepted;
	struct me_dns_build queries = {.length = 0}, answers = {.length = 0}, message;

	me_trick_enter(trick);
	me_trick_pair(server, ME_TRICK_RESOLVER, 53, &client, &accepted);
	for (int i = two ? 0 : 1; i < 2; i++) {
		const char *name = i ? ME_TRICK_NAME : ME_TRICK_STRANGER;

		me_dns_build(&message, ID(trick) + i, QUERY, name, ME_DNS_A);
		frame(&queries, &message);
		me_dns_build(&message, ID(trick) + i, ME_DNS_BUILD_ANSWER, name, ME_DNS_A);
		me_dns_build_address(&message, NULL, i ? trick->target : ME_TRICK_OTHER, TTL);
		frame(&answers, &message);
	}
	me_trick_pass(client, accepted, queries.data, queries.length);
	for (size_t at = 0, size = answers.length / cuts + 1; at < answers.length; at += size)
		me_trick_pass(accepted, client, answers.data + at,
			      answers.length - at < size ? answers.length - at : size);
	conclude(trick);
}

static void over_tcp(struct me_trick *trick)
{
	stream(trick, false, 1);
}

static void over_tcp_cut(struct me_trick *trick)
{
	stream(trick, false, 3);
}

static void over_tcp_pipelined(struct me_trick *trick)
{
	stream(trick, true, 1);
}

/* --- Which must not ------------------------------------------------------------------------------- */

static void other_owner(struct me_trick *trick)
{
	struct talk talk = begin(trick);
	struct me_dns_build answer;

	ask(&talk, ID(trick), ME_TRICK_STRANGER);
	me_dns_build(&answer, ID(trick), ME_DNS_BUILD_ANSWER, ME_TRICK_STRANGER, ME_DNS_A);
	me_dns_build_address(&answer, ME_TRICK_NAME, trick->target, TTL);
	answer_from(&talk, talk.server, &answer);
	conclude(trick);
}

static void by_stranger(struct me_trick *trick, const char *address, uint16_t port)
{
	int stranger = me_trick_server(trick, SOCK_DGRAM, address, port);
	struct talk talk = begin(trick);

	ask(&talk, ID(trick), ME_TRICK_NAME);
	answer_with(&talk, stranger, ID(trick), ME_TRICK_NAME, trick->target);
	conclude(trick);
}

static void other_address(struct me_trick *trick)
{
	by_stranger(trick, ME_TRICK_OTHER, 53);
}

static void other_port(struct me_trick *trick)
{
	by_stranger(trick, ME_TRICK_RESOLVER, 54);
}

static void other_id(struct me_trick *trick)
{
	struct talk talk = begin(trick);

	ask(&talk, ID(trick), ME_TRICK_NAME);
	answer_with(&talk, talk.server, ID(trick) ^ 0x8000, ME_TRICK_NAME, trick->target);
	conclude(trick);
}

static void other_question(struct me_trick *trick)
{
	struct talk talk = begin(trick);

	ask(&talk, ID(trick), ME_TRICK_STRANGER);
	answer_with(&talk, talk.server, ID(trick), ME_TRICK_NAME, trick->target);
	conclude(trick);
}

static void once_more(struct me_trick *trick)
{
	struct talk talk = begin(trick);

	ask(&talk, ID(trick), ME_TRICK_NAME);
	answer_with(&talk, talk.server, ID(trick), ME_TRICK_NAME, ME_TRICK_OTHER);
	answer_with(&talk, talk.server, ID(trick), ME_TRICK_NAME, trick->target);
	conclude(trick);
}

static void unlisted(struct me_trick *trick)
{
	struct talk talk = begin(trick);

	ask(&talk, ID(trick), ME_TRICK_STRANGER);
	answer_with(&talk, talk.server, ID(trick), ME_TRICK_STRANGER, trick->target);
	conclude(trick);
}

static void elsewhere(struct me_trick *trick)
{
	me_trick_enter(trick);
	me_trick_try(trick, trick->target, 53);
}

static void over_tls(struct me_trick *trick)
{
	me_trick_enter(trick);
	me_trick_try(trick, trick->target, 853);
}

static void over_https(struct me_trick *trick)
{
	me_trick_enter(trick);
	me_trick_try(trick, ME_TRICK_DOH, 443);
}

const struct me_trick_entry me_tricks_dns[] = {
	{"dns", plain},
	{"dns-chain", chain},
	{"dns-chain-apart", chain_apart},
	{"dns-gso", two_of_one_send},
	{"dns-tcp", over_tcp},
	{"dns-tcp-cut", over_tcp_cut},
	{"dns-tcp-pipelined", over_tcp_pipelined},
	{"dns-other-owner", other_owner},
	{"dns-other-address", other_address},
	{"dns-other-port", other_port},
	{"dns-other-id", other_id},
	{"dns-other-question", other_question},
	{"dns-once-more", once_more},
	{"dns-unlisted-name", unlisted},
	{"dns-elsewhere", elsewhere},
	{"dns-over-tls", over_tls},
	{"dns-over-https", over_https},
	{NULL, NULL},
};
