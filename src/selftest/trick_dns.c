/* SPDX-License-Identifier: GPL-2.0-only */
/* Answers that teach the address of a name. */
#include <errno.h>
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include <netinet/udp.h>
#include <string.h>
#include "base/inet.h"
#include "selftest/network.h"
#include "selftest/trick_talk.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static void plain(struct me_trick *trick)
{
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);

	me_talk_ask(&talk, ME_TALK_ID(trick), "WWW.selftest.EXAMPLE");
	me_talk_answer(&talk, talk.server, ME_TALK_ID(trick), "WWW.selftest.EXAMPLE",
		       trick->target);
	me_talk_conclude(trick);
}

static void chain(struct me_trick *trick)
{
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);
	struct me_dns_build answer;

	me_talk_ask(&talk, ME_TALK_ID(trick), ME_TRICK_CDN);
	me_dns_build(&answer, ME_TALK_ID(trick), ME_DNS_BUILD_ANSWER, ME_TRICK_CDN, ME_DNS_A);
	me_dns_build_cname(&answer, NULL, ME_TRICK_STRANGER, ME_TALK_TTL);
	me_dns_build_address(&answer, ME_TRICK_STRANGER, trick->target, ME_TALK_TTL);
	me_talk_answer_from(&talk, talk.server, &answer);
	me_talk_conclude(trick);
}

static void chain_apart(struct me_trick *trick)
{
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);
	struct me_dns_build answer;

	me_talk_ask(&talk, ME_TALK_ID(trick), ME_TRICK_CDN);
	me_dns_build(&answer, ME_TALK_ID(trick), ME_DNS_BUILD_ANSWER, ME_TRICK_CDN, ME_DNS_A);
	me_dns_build_cname(&answer, NULL, "apart.stranger.example", ME_TALK_TTL);
	me_talk_answer_from(&talk, talk.server, &answer);
	me_talk_ask(&talk, ME_TALK_ID(trick) + 1, "apart.stranger.example");
	me_talk_answer(&talk, talk.server, ME_TALK_ID(trick) + 1, "apart.stranger.example",
		       trick->target);
	me_talk_conclude(trick);
}

/* One send of two datagrams, which hooks see as one packet. */
static void two_of_one_send(struct me_trick *trick)
{
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);
	struct me_dns_build one, two;
	uint8_t bytes[512];
	int size;

	/* of one length */
	me_dns_build(&one, ME_TALK_ID(trick), ME_TALK_QUERY, "aaa.stranger.example", ME_DNS_A);
	me_dns_build(&two, ME_TALK_ID(trick) + 1, ME_TALK_QUERY, ME_TRICK_NAME, ME_DNS_A);
	size = (int)one.length;
	if (one.length != two.length)
		me_traffic_die("the queries differ in length");
	memcpy(one.data + one.length, two.data, two.length);
	one.length += two.length;
	if (setsockopt(talk.client, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		me_traffic_absent("UDP_SEGMENT");
	me_talk_send(&talk, &one);
	me_trick_receive(talk.server, bytes, sizeof(bytes));
	me_talk_answer(&talk, talk.server, ME_TALK_ID(trick) + 1, ME_TRICK_NAME, trick->target);
	me_talk_conclude(trick);
}

/* What is asked over IPv6 is for an address of that. */
static void over_v6(struct me_trick *trick)
{
	struct me_addr to = me_network_address(true, false, trick->number);
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER6);
	struct me_dns_build message;
	char target[ME_INET_LEN];

	me_inet_format(to.byte, target);
	me_dns_build(&message, ME_TALK_ID(trick), ME_TALK_QUERY, ME_TRICK_NAME, ME_DNS_AAAA);
	me_talk_send(&talk, &message);
	me_dns_build(&message, ME_TALK_ID(trick), ME_DNS_BUILD_ANSWER, ME_TRICK_NAME, ME_DNS_AAAA);
	me_dns_build_address(&message, NULL, target, ME_TALK_TTL);
	me_talk_answer_from(&talk, talk.server, &message);
	me_trick_try(trick, target, ME_TRICK_PORT);
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
static void ask_stream(struct me_trick *trick, int server, bool two, size_t cuts)
{
	int client, accepted;
	struct me_dns_build queries = {.length = 0}, answers = {.length = 0}, message;

	me_trick_pair(server, ME_TRICK_RESOLVER, 53, &client, &accepted);
	for (int i = two ? 0 : 1; i < 2; i++) {
		const char *name = i ? ME_TRICK_NAME : ME_TRICK_STRANGER;

		me_dns_build(&message, ME_TALK_ID(trick) + i, ME_TALK_QUERY, name, ME_DNS_A);
		frame(&queries, &message);
		me_dns_build(&message, ME_TALK_ID(trick) + i, ME_DNS_BUILD_ANSWER, name, ME_DNS_A);
		me_dns_build_address(&message, NULL, i ? trick->target : ME_TRICK_OTHER,
				     ME_TALK_TTL);
		frame(&answers, &message);
	}
	me_trick_pass(client, accepted, queries.data, queries.length);
	for (size_t at = 0, size = answers.length / cuts + 1; at < answers.length; at += size)
		me_trick_pass(accepted, client, answers.data + at,
			      answers.length - at < size ? answers.length - at : size);
}

static void stream(struct me_trick *trick, bool two, size_t cuts)
{
	int server = me_trick_server(trick, SOCK_STREAM, ME_TRICK_RESOLVER, 53);

	me_trick_enter(trick);
	ask_stream(trick, server, two, cuts);
	me_talk_conclude(trick);
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

/* The answer has no room for the address. */
static void truncated(struct me_trick *trick)
{
	int server = me_trick_server(trick, SOCK_STREAM, ME_TRICK_RESOLVER, 53);
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);
	struct me_dns_build answer;

	me_talk_ask(&talk, ME_TALK_ID(trick), ME_TRICK_NAME);
	me_dns_build(&answer, ME_TALK_ID(trick), ME_DNS_BUILD_ANSWER | ME_TALK_CUT, ME_TRICK_NAME,
		     ME_DNS_A);
	me_talk_answer_from(&talk, talk.server, &answer);
	ask_stream(trick, server, false, 1);
	me_talk_conclude(trick);
}

const struct me_trick_entry me_tricks_dns[] = {
	{"dns", plain},
	{"dns-chain", chain},
	{"dns-chain-apart", chain_apart},
	{"dns-gso", two_of_one_send},
	{"dns-v6", over_v6},
	{"dns-tcp", over_tcp},
	{"dns-tcp-cut", over_tcp_cut},
	{"dns-tcp-pipelined", over_tcp_pipelined},
	{"dns-truncated", truncated},
	{NULL, NULL},
};
