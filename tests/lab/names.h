/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_NAMES_H
#define MEWATCH_LAB_NAMES_H

/*
 * DNS messages by hand (RFC 1035, section 4.1), for the programs that ask, answer and forge. The code
 * that is under test is not used for it. And the addresses of names_server: those of a query follow
 * from its id, so that who asked knows them whatever became of the answer.
 */
#include "lab.h"

#define NAMES_PORT 53u
#define NAMES_ROOM 16384u /* of a message */
#define NAMES_HEADER 12u
#define NAMES_A 1u
#define NAMES_CNAME 5u
#define NAMES_AAAA 28u
#define NAMES_IN 1u
#define NAMES_ANSWER 0x8180u /* an answer, recursion desired and available */
#define NAMES_POINTER 0xc000u
#define NAMES_QUESTION (NAMES_POINTER | NAMES_HEADER) /* a pointer to the question's name */
#define NAMES_ADDRESSES 131072u /* in 198.18.0.0/15, and so many in 2001:db8:18::/64 */

struct names_message {
	unsigned char bytes[NAMES_ROOM];
	size_t length;
};

static inline void names_put(struct names_message *message, const void *bytes, size_t length)
{
	if (message->length + length > sizeof(message->bytes))
		errx(1, "a message has no more room");
	memcpy(message->bytes + message->length, bytes, length);
	message->length += length;
}

static inline void names_put8(struct names_message *message, unsigned int value)
{
	unsigned char byte = value;

	names_put(message, &byte, sizeof(byte));
}

static inline void names_put16(struct names_message *message, unsigned int value)
{
	names_put8(message, value >> 8);
	names_put8(message, value & 0xff);
}

static inline void names_put32(struct names_message *message, uint32_t value)
{
	names_put16(message, value >> 16);
	names_put16(message, value & 0xffff);
}

/* Writes over 16 bits. */
static inline void names_set16(struct names_message *message, size_t at, unsigned int value)
{
	message->bytes[at] = value >> 8;
	message->bytes[at + 1] = value & 0xff;
}

static inline unsigned int names_get16(const struct names_message *message, size_t at)
{
	return message->bytes[at] << 8 | message->bytes[at + 1];
}

/* The byte at *text, which may be escaped (RFC 1035, section 5.1): \. or \DDD. Moves *text on. */
static inline unsigned int names_byte(const char **text)
{
	unsigned int value = 0;

	if (**text != '\\')
		return (unsigned char)*(*text)++;
	++*text;
	if (**text < '0' || **text > '9')
		return (unsigned char)*(*text)++;
	for (int i = 0; i < 3 && **text >= '0' && **text <= '9'; i++)
		value = 10 * value + (unsigned int)(*(*text)++ - '0');
	return value;
}

/* A name, not compressed; no dot at its end. Too long labels are the caller's mistake. */
static inline void names_put_name(struct names_message *message, const char *text)
{
	while (*text) {
		size_t at = message->length;

		names_put8(message, 0);
		while (*text && *text != '.')
			names_put8(message, names_byte(&text));
		message->bytes[at] = message->length - at - 1;
		text += *text == '.';
	}
	names_put8(message, 0);
}

/* Header and question. The counts of the other sections are 0. */
static inline void names_begin(struct names_message *message, unsigned int id, unsigned int flags,
			       const char *name, unsigned int type)
{
	message->length = 0;
	names_put16(message, id);
	names_put16(message, flags);
	names_put16(message, 1);
	names_put16(message, 0);
	names_put32(message, 0);
	names_put_name(message, name);
	names_put16(message, type);
	names_put16(message, NAMES_IN);
}

/* Address `number` of the far side, and a port. */
static inline struct me_peer names_address(int family, unsigned long number, unsigned int port)
{
	struct me_peer peer = lab_peer(family == AF_INET ? "198.18.0.0" : "2001:db8:18::", port);
	void *last = family == AF_INET ? (void *)&peer.in.sin_addr
				       : (void *)&peer.in6.sin6_addr.s6_addr[12];
	uint32_t word;

	if (number >= NAMES_ADDRESSES)
		errx(1, "%lu: no such address", number);
	memcpy(&word, last, sizeof(word));
	word = htonl(ntohl(word) + number);
	memcpy(last, &word, sizeof(word));
	return peer;
}

/* The bytes of its address: 4 or 16. */
static inline const void *names_bytes(const struct me_peer *peer, size_t *ret_length)
{
	bool v4 = peer->sa.sa_family == AF_INET;

	*ret_length = v4 ? sizeof(peer->in.sin_addr) : sizeof(peer->in6.sin6_addr);
	return v4 ? (const void *)&peer->in.sin_addr : (const void *)&peer->in6.sin6_addr;
}

static inline int names_family(unsigned int type)
{
	return type == NAMES_AAAA ? AF_INET6 : AF_INET;
}

#endif
