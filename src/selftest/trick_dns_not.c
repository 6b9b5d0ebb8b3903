/* SPDX-License-Identifier: GPL-2.0-only */
/* Answers that must not teach an address, and DNS that goes elsewhere. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include <stdio.h>
#include "base/inet.h"
#include "selftest/trick_talk.h"

static void other_owner(struct me_trick *trick)
{
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);
	struct me_dns_build answer;

	me_talk_ask(&talk, ME_TALK_ID(trick), ME_TRICK_STRANGER);
	me_dns_build(&answer, ME_TALK_ID(trick), ME_DNS_BUILD_ANSWER, ME_TRICK_STRANGER, ME_DNS_A);
	me_dns_build_address(&answer, ME_TRICK_NAME, trick->target, ME_TALK_TTL);
	me_talk_answer_from(&talk, talk.server, &answer);
	me_talk_conclude(trick);
}

static void by_stranger(struct me_trick *trick, const char *address, uint16_t port)
{
	int stranger = me_trick_server(trick, SOCK_DGRAM, address, port);
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);

	me_talk_ask(&talk, ME_TALK_ID(trick), ME_TRICK_NAME);
	me_talk_answer(&talk, stranger, ME_TALK_ID(trick), ME_TRICK_NAME, trick->target);
	me_talk_conclude(trick);
}

static void other_address(struct me_trick *trick)
{
	by_stranger(trick, ME_TRICK_OTHER, 53);
}

static void other_port(struct me_trick *trick)
{
	by_stranger(trick, ME_TRICK_RESOLVER, 54);
}

/* The resolver's one answer, to what was asked. */
static void one_answer(struct me_trick *trick, const char *asked, uint16_t id, const char *told)
{
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);

	me_talk_ask(&talk, ME_TALK_ID(trick), asked);
	me_talk_answer(&talk, talk.server, id, told, trick->target);
	me_talk_conclude(trick);
}

static void other_id(struct me_trick *trick)
{
	one_answer(trick, ME_TRICK_NAME, ME_TALK_ID(trick) ^ 0x8000, ME_TRICK_NAME);
}

static void other_question(struct me_trick *trick)
{
	one_answer(trick, ME_TRICK_STRANGER, ME_TALK_ID(trick), ME_TRICK_NAME);
}

static void once_more(struct me_trick *trick)
{
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);

	me_talk_ask(&talk, ME_TALK_ID(trick), ME_TRICK_NAME);
	me_talk_answer(&talk, talk.server, ME_TALK_ID(trick), ME_TRICK_NAME, ME_TRICK_OTHER);
	me_talk_answer(&talk, talk.server, ME_TALK_ID(trick), ME_TRICK_NAME, trick->target);
	me_talk_conclude(trick);
}

static void unlisted(struct me_trick *trick)
{
	one_answer(trick, ME_TRICK_STRANGER, ME_TALK_ID(trick), ME_TRICK_STRANGER);
}

/* For a listed name, and an address that no rule takes from an answer. */
static void within(struct me_trick *trick, const char *net)
{
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);
	char address[ME_INET_LEN];

	snprintf(address, sizeof(address), "%s.%u.%u", net, trick->number >> 8,
		 trick->number & 255);
	me_talk_ask(&talk, ME_TALK_ID(trick), ME_TRICK_NAME);
	me_talk_answer(&talk, talk.server, ME_TALK_ID(trick), ME_TRICK_NAME, address);
	me_trick_try(trick, address, ME_TRICK_PORT);
}

static void private_space(struct me_trick *trick)
{
	within(trick, "10.18");
}

static void link_local(struct me_trick *trick)
{
	within(trick, "169.254");
}

/* As block lists answer. Nothing leaves for there. */
static void loopback(struct me_trick *trick)
{
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);

	me_talk_ask(&talk, ME_TALK_ID(trick), ME_TRICK_NAME);
	me_talk_answer(&talk, talk.server, ME_TALK_ID(trick), ME_TRICK_NAME, ME_TRICK_LISTING);
	me_trick_note(trick, ME_TRICK_LISTING, 0);
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

const struct me_trick_entry me_tricks_dns_not[] = {
	{"dns-other-owner", other_owner},       {"dns-other-address", other_address},
	{"dns-other-port", other_port},         {"dns-other-id", other_id},
	{"dns-other-question", other_question}, {"dns-once-more", once_more},
	{"dns-unlisted-name", unlisted},        {"dns-private", private_space},
	{"dns-link-local", link_local},         {"dns-loopback", loopback},
	{"dns-elsewhere", elsewhere},           {"dns-over-tls", over_tls},
	{"dns-over-https", over_https},         {NULL, NULL},
};
