/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_TRICK_TALK_H
#define MEWATCH_SELFTEST_TRICK_TALK_H

/* DNS over UDP in a trick: a client who asks, and the resolver. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "selftest/dns_build.h"
#include "selftest/trick.h"

#define ME_TALK_QUERY 0x0100u /* flags of an ordinary query */
#define ME_TALK_CUT 0x0200u   /* of an answer that had no room for all */
#define ME_TALK_TTL 300u
#define ME_TALK_ID(trick) ((trick)->number)

struct me_talk {
	int client, server;
	struct me_peer resolver;
	struct me_peer from; /* the client, as the server sees it */
};

/* With the resolver at this address; it is me_trick_enter() too. */
struct me_talk me_talk_begin(struct me_trick *trick, const char *resolver);
/* A query, or what is sent in one with it, goes to the resolver and arrives. */
void me_talk_send(struct me_talk *talk, const struct me_dns_build *query);
void me_talk_ask(struct me_talk *talk, uint16_t id, const char *name);
/* Sends an answer to the client, from the socket of whoever says so. */
void me_talk_answer_from(struct me_talk *talk, int fd, const struct me_dns_build *answer);
void me_talk_answer(struct me_talk *talk, int fd, uint16_t id, const char *name,
		    const char *address);
/* A connection to the target, on a port that only names are listed for, shows whether it was believed. */
void me_talk_conclude(struct me_trick *trick);

#endif
