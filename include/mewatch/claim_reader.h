/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_CLAIM_READER_H
#define MEWATCH_CLAIM_READER_H

/*
 * The second witness: the name that a client asks for in the first bytes of a TCP connection, in a
 * TLS ClientHello or in the head of an HTTP request. Pure. The bytes come from outside and are read
 * once from front to back, each only if it is there: a call costs no more than its length.
 */
#include <linux/types.h>

#define ME_CLAIM_NAME_MAX 254   /* with the NUL */
#define ME_CLAIM_PATH_MAX 512   /* with the NUL */
#define ME_CLAIM_BYTES_MAX 4096 /* who still says MORE after so many bytes will name nobody */
#define ME_CLAIM_METHOD_MAX 32

enum me_claim_kind {
	ME_CLAIM_MORE, /* so far it fits, more bytes are needed */
	ME_CLAIM_NONE, /* it names nobody: neither TLS nor HTTP, no name, malformed, an IP literal */
	ME_CLAIM_NAME,
};

struct me_claim {
	__u8 kind;         /* enum me_claim_kind */
	__u8 ech;          /* TLS: another ClientHello is hidden in this one */
	__u16 name_length; /* 0 unless the kind is NAME */
	__u16 path_length; /* 0 unless the request line of an HTTP request was read to its end */
	char name[ME_CLAIM_NAME_MAX]; /* lower case, without port and trailing dot */
	char path[ME_CLAIM_PATH_MAX]; /* as it came, without query and fragment; cut at the end */
};

struct me_claim_reader {
	const __u8 *data;
	__u32 length;
	__u32 at;
	__u32 record;  /* TLS: bytes left in the record */
	__u32 message; /* TLS: bytes left in the handshake message */
	__u8 folds;    /* HTTP: inside a field value, which may be folded */
	__u8 stopped;
	__u8 kind; /* why it stopped: enum me_claim_kind */
};

struct me_claim_name {
	__u16 length;
	__u8 label; /* length of the last label; 0 at the start and after a dot, which is not held */
	char text[ME_CLAIM_NAME_MAX];
};

/* The first to stop decides; whoever finds it stopped reads nothing that counts. */
static inline void me_claim_stop(struct me_claim_reader *r, enum me_claim_kind kind)
{
	if (!r->stopped)
		r->kind = kind;
	r->stopped = 1;
}

static inline int me_claim_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline int me_claim_is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline int me_claim_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Adds a byte of a host name (RFC 1123, 2.1, and the underscore). 0 if no name goes on like this. */
static inline int me_claim_name_add(struct me_claim_name *name, int c)
{
	if (c == '.') {
		if (!name->label)
			return 0;
		name->label = 0;
		return 1;
	}
	if ((!me_claim_is_letter(c) && !me_claim_is_digit(c) && c != '-' && c != '_') ||
	    name->label == 63)
		return 0;
	if (!name->label && name->length) {
		if (name->length >= ME_CLAIM_NAME_MAX - 2)
			return 0;
		name->text[name->length++] = '.';
	}
	if (name->length >= ME_CLAIM_NAME_MAX - 1)
		return 0;
	name->text[name->length++] = (char)me_claim_lower(c);
	name->label++;
	return 1;
}

/*
 * Whether it is a name, now that it ended. One whose last label is a number is an IPv4 address in
 * one of the spellings that resolvers and browsers take (inet_aton(3); WHATWG URL, "ends in a number").
 */
static inline int me_claim_name_is_valid(const struct me_claim_name *name)
{
	__u32 at = name->length;
	int hex;

	while (at && name->text[at - 1] != '.')
		at--;
	hex = name->length - at >= 2 && name->text[at] == '0' && name->text[at + 1] == 'x';
	for (at += hex ? 2 : 0; at < name->length; at++) {
		int c = name->text[at];

		if (!me_claim_is_digit(c) && !(hex && c >= 'a' && c <= 'f'))
			return 1;
	}
	return 0;
}

/* Fills in what the parser found; until the bytes suffice nothing counts. */
static inline void me_claim_finish(const struct me_claim_reader *r,
				   const struct me_claim_name *name, struct me_claim *ret)
{
	if (r->kind == ME_CLAIM_MORE) {
		*ret = (struct me_claim){.kind = ME_CLAIM_MORE};
		return;
	}
	ret->kind = r->kind;
	if (r->kind != ME_CLAIM_NAME)
		return;
	ret->name_length = name->length;
	for (__u32 i = 0; i < name->length; i++)
		ret->name[i] = name->text[i];
}

#endif
