/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/trick_talk.h"

struct me_talk me_talk_begin(struct me_trick *trick, const char *resolver)
{
	struct me_talk talk = {.server = me_trick_server(trick, SOCK_DGRAM, resolver, 53),
			       .resolver = me_trick_peer(resolver, 53)};

	me_trick_enter(trick);
	talk.client = me_traffic_socket(talk.resolver.sa.sa_family, SOCK_DGRAM, 0);
	return talk;
}

void me_talk_send(struct me_talk *talk, const struct me_dns_build *query)
{
	uint8_t bytes[512];

	if (sendto(talk->client, query->data, query->length, 0, &talk->resolver.sa,
		   talk->resolver.len) != (ssize_t)query->length)
		me_traffic_die("the query");
	talk->from.len = sizeof(talk->from.in6);
	if (recvfrom(talk->server, bytes, sizeof(bytes), 0, &talk->from.sa, &talk->from.len) < 0)
		me_traffic_die("the query does not arrive");
}

void me_talk_ask(struct me_talk *talk, uint16_t id, const char *name)
{
	struct me_dns_build query;

	me_dns_build(&query, id, ME_TALK_QUERY, name, ME_DNS_A);
	me_talk_send(talk, &query);
}

void me_talk_answer_from(struct me_talk *talk, int fd, const struct me_dns_build *answer)
{
	uint8_t bytes[4096];

	if (sendto(fd, answer->data, answer->length, 0, &talk->from.sa, talk->from.len) < 0)
		me_traffic_die("the answer");
	me_trick_receive(talk->client, bytes, sizeof(bytes));
}

void me_talk_answer(struct me_talk *talk, int fd, uint16_t id, const char *name,
		    const char *address)
{
	struct me_dns_build answer;

	me_dns_build(&answer, id, ME_DNS_BUILD_ANSWER, name, ME_DNS_A);
	me_dns_build_address(&answer, NULL, address, ME_TALK_TTL);
	me_talk_answer_from(talk, fd, &answer);
}

void me_talk_conclude(struct me_trick *trick)
{
	me_trick_try(trick, trick->target, ME_TRICK_PORT);
}
