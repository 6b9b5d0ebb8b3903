/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_DNS_H
#define MEWATCH_DNS_H

/*
 * DNS messages, pure (RFC 1035, section 4): the question, and the addresses that an answer gives for
 * it over its chain of CNAMEs. Every step is bounded, whatever the message says.
 *
 * A message is `message`, `length` bytes; in the kernel it lies in ME_MESSAGE_ROOM bytes. What is
 * read goes into a struct me_dns, which is too large for a stack.
 */
#include "mewatch/address.h"
#include "mewatch/name.h"

#define ME_DNS_HEADER 12u
#define ME_DNS_RECORDS_MAX 5957u   /* of one message: the shortest has 11 bytes */
#define ME_DNS_ADDRESSES_MAX 256u  /* that are learned from one message */
#define ME_DNS_CHAIN_MAX 16u       /* names of one chain, the question's included */
#define ME_DNS_EXPANDED_MAX 512u   /* owners of one message that are compared byte by byte */
#define ME_DNS_PASSES_MAX 4u       /* over the answers, for a chain that is not in order */
#define ME_DNS_TTL_FLOOR 30u       /* seconds: answers of caches have a TTL of 0 time and again */
#define ME_DNS_TTL_CEILING 604800u /* seconds (RFC 8767, section 4) */

#define ME_DNS_A 1u
#define ME_DNS_CNAME 5u
#define ME_DNS_TXT 16u
#define ME_DNS_AAAA 28u
#define ME_DNS_SPF_TYPE 99u
#define ME_DNS_IN 1u

/* Bits of the header's second word. */
#define ME_DNS_IS_ANSWER 0x8000u
#define ME_DNS_OPCODE 0x7800u
#define ME_DNS_TRUNCATED 0x0200u
#define ME_DNS_RCODE 0x000fu

struct me_dns_address {
	struct me_addr address;
	__u32 ttl; /* seconds: the smallest on the way; me_dns_life() is yet to come */
	__u32 zero;
};

/* A name that the question's stands for: the target of a CNAME. */
struct me_dns_link {
	struct me_name name;
	__u32 at; /* where it stands in the message */
	__u32 ttl;
};

struct me_dns {
	/* me_dns_question() */
	__u16 id;
	__u16 flags;
	__u16 type;
	__u16 answers;
	__u32 records; /* of all sections */
	__u32 body;    /* where they begin */
	/* me_dns_answers() */
	__u32 n_addresses;
	__u32 n_chain;
	__u32 other_names; /* addresses whose owner is not in the chain */
	__u32 too_many; /* addresses beyond ME_DNS_ADDRESSES_MAX, and names beyond the chain's room */
	__u32 malformed; /* 1: the records end before the message said, or past it */
	__u32 refuses;   /* 1: an address by which a block list refuses to answer */
	/* of the pass */
	__u32 at;
	__u32 expanded;
	__u32 strays; /* owners that were not in the chain yet */
	__u32 grown;  /* the chain grew after one of them */
	struct me_name owner;
	struct me_dns_link chain[ME_DNS_CHAIN_MAX]; /* [0] is the question */
	struct me_dns_address address[ME_DNS_ADDRESSES_MAX];
};

static inline enum me_rcode me_dns_rcode(__u16 flags)
{
	__u32 code = flags & ME_DNS_RCODE;

	return code < ME_RCODE_OTHER ? (enum me_rcode)code : ME_RCODE_OTHER;
}

static inline __u32 me_message_word(const __u8 *message, __u32 at)
{
	return me_message_byte(message, at) << 8 | me_message_byte(message, at + 1);
}

/*
 * Reads the header and the question. 0; -1: there is not exactly one question of class IN that can
 * be read, or it is no standard query, and *dns has no meaning.
 */
static inline int me_dns_question(const __u8 *message, __u32 length, struct me_dns *dns)
{
	__u32 end;

	if (length < ME_DNS_HEADER || length > ME_MESSAGE_MAX)
		return -1;
	dns->id = me_message_word(message, 0);
	dns->flags = me_message_word(message, 2);
	dns->answers = me_message_word(message, 6);
	dns->records = dns->answers + me_message_word(message, 8) + me_message_word(message, 10);
	if (me_message_word(message, 4) != 1 || (dns->flags & ME_DNS_OPCODE))
		return -1;
	end = me_name_read(message, length, ME_DNS_HEADER, &dns->chain[0].name);
	if (!end || end + 4 > length || me_message_word(message, end + 2) != ME_DNS_IN)
		return -1;
	dns->type = me_message_word(message, end);
	dns->body = end + 4;
	return 0;
}

/* --- The chain ---------------------------------------------------------------------------------- */

/* A record being looked at, beside *dns. */
struct me_dns_cursor {
	const __u8 *message;
	struct me_dns *dns;
	__u32 length;
	__u32 owner; /* where its owner stands */
	__u32 ttl;
	__u32 found; /* index in the chain, or ME_DNS_CHAIN_MAX */
};

static inline long me_dns_same_place(__u32 index, void *context)
{
	struct me_dns_cursor *c = context;
	struct me_dns *dns = c->dns;

	if (!dns || index >= dns->n_chain)
		return 1;
	ME_HIDE(index);
	if (dns->chain[index & (ME_DNS_CHAIN_MAX - 1)].at != c->owner)
		return 0;
	c->found = index;
	return 1;
}

static inline long me_dns_same_name(__u32 index, void *context)
{
	struct me_dns_cursor *c = context;
	struct me_dns *dns = c->dns;

	if (!dns || index >= dns->n_chain)
		return 1;
	ME_HIDE(index);
	if (!me_name_equal(&dns->owner, &dns->chain[index & (ME_DNS_CHAIN_MAX - 1)].name))
		return 0;
	c->found = index;
	return 1;
}

/* Where the name at `at` stands written: there, or where it points back to. */
static inline __u32 me_dns_place(const struct me_dns_cursor *c, __u32 at)
{
	__u32 target;

	if (at + 1 >= c->length || me_message_byte(c->message, at) < 0xc0)
		return at;
	target = me_message_word(c->message, at) & 0x3fff;
	return target < at ? target : at;
}

/* Finds the owner in the chain: by its place, as nearly all messages are compressed; else by bytes. */
static inline void me_dns_find(struct me_dns_cursor *c)
{
	struct me_dns *dns = c->dns;
	__u32 at = c->owner;

	c->found = ME_DNS_CHAIN_MAX;
	c->owner = me_dns_place(c, at);
	me_loop(ME_DNS_CHAIN_MAX, me_dns_same_place, c, 0);
	if (c->found < ME_DNS_CHAIN_MAX || dns->expanded >= ME_DNS_EXPANDED_MAX)
		return;
	dns->expanded++;
	if (me_name_read(c->message, c->length, at, &dns->owner))
		me_loop(ME_DNS_CHAIN_MAX, me_dns_same_name, c, 0);
}

static inline __u32 me_dns_ttl(const struct me_dns_cursor *c)
{
	__u32 index = c->found, above;

	ME_HIDE(index);
	above = c->dns->chain[index & (ME_DNS_CHAIN_MAX - 1)].ttl;
	return c->ttl < above ? c->ttl : above;
}

/* A CNAME of a name in the chain: its target, the `size` bytes at `at`, belongs to it. */
static inline void me_dns_extend(struct me_dns_cursor *c, __u32 at, __u32 size)
{
	struct me_dns *dns = c->dns;
	__u32 ttl = me_dns_ttl(c), n = dns->n_chain;
	struct me_dns_link *link;

	if (me_name_read(c->message, c->length, at, &dns->owner) != at + size) {
		dns->malformed = 1;
		return;
	}
	c->found = ME_DNS_CHAIN_MAX;
	me_loop(ME_DNS_CHAIN_MAX, me_dns_same_name, c, 0);
	if (c->found < ME_DNS_CHAIN_MAX)
		return; /* known, or a circle */
	if (n >= ME_DNS_CHAIN_MAX) {
		dns->too_many++;
		return;
	}
	ME_HIDE(n);
	link = &dns->chain[n & (ME_DNS_CHAIN_MAX - 1)];
	link->name = dns->owner;
	link->at = me_dns_place(c, at);
	link->ttl = ttl;
	dns->n_chain = n + 1;
	dns->grown |= dns->strays != 0;
}

/* --- The records -------------------------------------------------------------------------------- */

/* Addresses by which block lists say that they do not answer (RFC 5782 leaves them to the lists). */
static inline int me_dns_refuses(const struct me_addr *address)
{
	__u32 v4 = ME_NET32(address->word[3]);

	return me_addr_is_v4(address) && (v4 >> 8 == 0x7fffffu || v4 == 0x7f000001u);
}

static inline void me_dns_keep(struct me_dns_cursor *c, __u32 at, __u32 size)
{
	struct me_dns *dns = c->dns;
	__u32 n = dns->n_addresses;
	struct me_dns_address *kept;
	struct me_addr address = {.word = {0, 0, ME_MAPPED_PREFIX, 0}};

	if (n >= ME_DNS_ADDRESSES_MAX) {
		dns->too_many++;
		return;
	}
	for (__u32 i = 0; i < 16; i++) {
		if (i < 16 - size)
			continue;
		address.byte[i] = me_message_byte(c->message, at + i - (16 - size));
	}
	ME_HIDE(n);
	kept = &dns->address[n & (ME_DNS_ADDRESSES_MAX - 1)];
	kept->address = address;
	kept->ttl = me_dns_ttl(c);
	dns->n_addresses = n + 1;
	dns->refuses |= me_dns_refuses(&address);
}

struct me_dns_skipper {
	const __u8 *message;
	__u32 length;
	__u32 at;
	__u32 done;
	__u32 zero;
};

static inline long me_dns_skip_step(__u32 index, void *context)
{
	struct me_dns_skipper *s = context;
	__u32 byte;

	(void)index;
	if (s->at >= s->length)
		return 1;
	byte = me_message_byte(s->message, s->at);
	if (byte >= 0xc0 || !byte) {
		s->at += byte ? 2 : 1;
		s->done = 1;
		return 1;
	}
	s->at += byte + 1;
	return byte > 63;
}

/* Where the name at `at` ends, or 0. */
static inline __u32 me_dns_skip(const __u8 *message, __u32 length, __u32 at)
{
	struct me_dns_skipper s = {.message = message, .length = length, .at = at};

	me_loop(ME_NAME_MAX, me_dns_skip_step, &s, 0);
	return s.done ? s.at : 0;
}

/* One record whose owner is in the answer section (`answer`) or after it. */
static inline void me_dns_take(struct me_dns_cursor *c, int answer, __u32 type, __u32 at,
			       __u32 size)
{
	int is_address = (type == ME_DNS_A && size == 4) || (type == ME_DNS_AAAA && size == 16);

	if (!is_address && (!answer || type != ME_DNS_CNAME))
		return;
	me_dns_find(c);
	if (c->found >= ME_DNS_CHAIN_MAX) {
		c->dns->strays++;
		c->dns->other_names += is_address;
	} else if (!answer) {
		return; /* what was asked for is in the answer section */
	} else if (is_address) {
		me_dns_keep(c, at, size);
	} else {
		me_dns_extend(c, at, size);
	}
}

static inline long me_dns_record_step(__u32 index, void *context)
{
	struct me_dns_cursor *c = context;
	struct me_dns *dns = c->dns;
	__u32 at, size;

	if (!dns || index >= dns->records)
		return 1;
	at = me_dns_skip(c->message, c->length, dns->at);
	if (!at || at + 10 > c->length) {
		dns->malformed = 1;
		return 1;
	}
	size = me_message_word(c->message, at + 8);
	if (at + 10 + size > c->length) {
		dns->malformed = 1;
		return 1;
	}
	c->owner = dns->at;
	c->ttl = me_message_word(c->message, at + 4) << 16 | me_message_word(c->message, at + 6);
	if (c->ttl >> 31) /* RFC 2181, section 8 */
		c->ttl = 0;
	dns->at = at + 10 + size;
	if (me_message_word(c->message, at + 2) == ME_DNS_IN)
		me_dns_take(c, index < dns->answers, me_message_word(c->message, at), at + 10,
			    size);
	return 0;
}

static inline long me_dns_pass_step(__u32 index, void *context)
{
	struct me_dns_cursor *c = context;
	struct me_dns *dns = c->dns;

	(void)index;
	if (!dns)
		return 1;
	dns->at = dns->body;
	dns->n_addresses = dns->other_names = dns->too_many = dns->malformed = dns->refuses = 0;
	dns->strays = dns->grown = 0;
	me_loop(ME_DNS_RECORDS_MAX, me_dns_record_step, c, 0);
	return !dns->grown;
}

/* A life in seconds as it is used: some caches say 0, some senders nonsense. */
static inline __u32 me_dns_life(__u32 ttl)
{
	return ttl < ME_DNS_TTL_FLOOR     ? ME_DNS_TTL_FLOOR
	       : ttl > ME_DNS_TTL_CEILING ? ME_DNS_TTL_CEILING
					  : ttl;
}

/*
 * Reads the answers to the question that me_dns_question() has read from the same message: the chain
 * and its addresses. What a damaged message had before the damage counts; `malformed` says so.
 */
static inline void me_dns_answers(const __u8 *message, __u32 length, struct me_dns *dns)
{
	struct me_dns_cursor c = {.message = message, .dns = dns, .length = length};

	dns->chain[0].at = ME_DNS_HEADER;
	dns->chain[0].ttl = ~0u;
	dns->n_chain = 1;
	dns->expanded = 0;
	me_loop(ME_DNS_PASSES_MAX, me_dns_pass_step, &c, 0);
}

#endif
