/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BENCH_MESSAGES_H
#define MEWATCH_BENCH_MESSAGES_H

/* The bytes that the traffic says: DNS queries and answers (RFC 1035), a ClientHello (RFC 8446). */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "peers.h"

#define MESSAGE_MAX 600u
#define HELLO_SIZE 517u /* of clients that pad to 512 bytes of handshake (RFC 7685) */
#define DNS_QUERY 0x0100u
#define DNS_ANSWER 0x8180u
#define DNS_A 1u
#define DNS_CNAME 5u
#define DNS_IN 1u
#define DNS_TTL 3600u
#define DNS_QUESTION_AT 12u
#define DNS_POINTER 0xc000u

struct message {
	size_t size;
	uint8_t bytes[MESSAGE_MAX];
};

/* What a name is to the policy, which says what its answer is. */
enum asked {
	ASKED_LISTED, /* an alias with two addresses, which are learned */
	ASKED_OTHER,  /* one address */
	ASKED_DNSBL,  /* 127.0.0.2, in the words of a block list */
};

static inline void put(struct message *m, const void *bytes, size_t size)
{
	assert(size <= MESSAGE_MAX - m->size);
	memcpy(m->bytes + m->size, bytes, size);
	m->size += size;
}

static inline void put_byte(struct message *m, uint8_t byte)
{
	put(m, &byte, 1);
}

static inline void put_word(struct message *m, uint32_t word)
{
	put_byte(m, (uint8_t)(word >> 8));
	put_byte(m, (uint8_t)word);
}

static inline void put_long(struct message *m, uint32_t value)
{
	put_word(m, value >> 16);
	put_word(m, value);
}

static inline void put_filler(struct message *m, size_t size, uint8_t byte)
{
	while (size--)
		put_byte(m, byte);
}

/* Room for the length of what follows; close_block() fills it in. Returns where it is. */
static inline size_t open_block(struct message *m)
{
	put_word(m, 0);
	return m->size;
}

static inline void close_block(struct message *m, size_t block)
{
	size_t size = m->size - block;

	m->bytes[block - 2] = (uint8_t)(size >> 8);
	m->bytes[block - 1] = (uint8_t)size;
}

/* --- DNS ---------------------------------------------------------------------------------------- */

static inline void put_name(struct message *m, const char *name)
{
	while (*name) {
		size_t label = strcspn(name, ".");

		put_byte(m, (uint8_t)label);
		put(m, name, label);
		name += label + (name[label] == '.');
	}
	put_byte(m, 0);
}

/* The id is 0 until message_stamp(). */
static inline void put_question(struct message *m, uint32_t flags, uint32_t answers,
				const char *name)
{
	m->size = 0;
	put_word(m, 0);
	put_word(m, flags);
	put_word(m, 1);
	put_word(m, answers);
	put_long(m, 0);
	put_name(m, name);
	put_word(m, DNS_A);
	put_word(m, DNS_IN);
}

/* The head of a record whose owner is the name at `owner`; its data is a block, which is returned. */
static inline size_t open_record(struct message *m, size_t owner, uint32_t type)
{
	put_word(m, DNS_POINTER | (uint32_t)owner);
	put_word(m, type);
	put_word(m, DNS_IN);
	put_long(m, DNS_TTL);
	return open_block(m);
}

static inline void put_address(struct message *m, size_t owner, uint32_t address)
{
	size_t data = open_record(m, owner, DNS_A);

	put_long(m, address);
	close_block(m, data);
}

static inline void dns_messages(const char *name, enum asked asked, struct message *ret_query,
				struct message *ret_answer)
{
	size_t alias;

	put_question(ret_query, DNS_QUERY, 0, name);
	put_question(ret_answer, DNS_ANSWER, asked == ASKED_LISTED ? 3 : 1, name);
	switch (asked) {
	case ASKED_LISTED:
		alias = open_record(ret_answer, DNS_QUESTION_AT, DNS_CNAME);
		put_name(ret_answer, "edge.delivery.example");
		close_block(ret_answer, alias);
		put_address(ret_answer, alias, NAMED_ADDRESS);
		put_address(ret_answer, alias, NAMED_ADDRESS + 1);
		break;
	case ASKED_OTHER:
		put_address(ret_answer, DNS_QUESTION_AT, OTHER_ADDRESS);
		break;
	case ASKED_DNSBL:
		put_address(ret_answer, DNS_QUESTION_AT, 0x7f000002u);
		break;
	}
}

/* Gives a message the id, or whatever else a datagram begins with. */
static inline void message_stamp(struct message *m, uint16_t id)
{
	m->bytes[0] = (uint8_t)(id >> 8);
	m->bytes[1] = (uint8_t)id;
}

/* --- TLS ---------------------------------------------------------------------------------------- */

static inline void put_server_name(struct message *m, const char *name)
{
	size_t extension, list, host;

	put_word(m, 0);
	extension = open_block(m);
	list = open_block(m);
	put_byte(m, 0);
	host = open_block(m);
	put(m, name, strlen(name));
	close_block(m, host);
	close_block(m, list);
	close_block(m, extension);
}

/* supported_groups, signature_algorithms, supported_versions and key_share of TLS 1.3, x25519. */
static inline void put_key_exchange(struct message *m)
{
	static const uint8_t fixed[] = {
		0, 10, 0, 4,  0, 2,  0, 29,        /* x25519 */
		0, 13, 0, 6,  0, 4,  4, 3,  8, 4,  /* ECDSA with P-256, RSA-PSS */
		0, 43, 0, 3,  2, 3,  4,            /* TLS 1.3 */
		0, 51, 0, 38, 0, 36, 0, 29, 0, 32, /* the share follows */
	};

	put(m, fixed, sizeof(fixed));
	put_filler(m, 32, 0x5a);
}

/* A ClientHello in one record of HELLO_SIZE bytes. */
static inline void hello_message(const char *name, struct message *ret_hello)
{
	size_t record, handshake, suites, extensions, padding;

	ret_hello->size = 0;
	put_byte(ret_hello, 22);
	put_word(ret_hello, 0x0301);
	record = open_block(ret_hello);
	put_word(ret_hello, 0x0100); /* ClientHello; the upper byte of its length */
	handshake = open_block(ret_hello);
	put_word(ret_hello, 0x0303);
	put_filler(ret_hello, 32, 0xa5); /* random */
	put_byte(ret_hello, 32);
	put_filler(ret_hello, 32, 0x3c); /* session id */
	suites = open_block(ret_hello);
	put_word(ret_hello, 0x1301);
	put_word(ret_hello, 0x1302);
	put_word(ret_hello, 0x1303);
	close_block(ret_hello, suites);
	put_word(ret_hello, 0x0100); /* no compression */
	extensions = open_block(ret_hello);
	put_server_name(ret_hello, name);
	put_key_exchange(ret_hello);
	put_word(ret_hello, 21);
	padding = open_block(ret_hello);
	put_filler(ret_hello, HELLO_SIZE - ret_hello->size, 0);
	close_block(ret_hello, padding);
	close_block(ret_hello, extensions);
	close_block(ret_hello, handshake);
	close_block(ret_hello, record);
}

#endif
