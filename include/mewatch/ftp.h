/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_FTP_H
#define MEWATCH_FTP_H

/*
 * The control channel of FTP, pure: what a segment of it says about data connections (RFC 959, RFC 2428,
 * RFC 4217). Lines are short and written whole, so each segment is read by itself; a line that ends in
 * the next one is not understood, and its data connection was announced by nobody.
 */
#include "mewatch/address.h"
#include "mewatch/loop.h"
#include "mewatch/name.h"

#define ME_FTP_PORT 21
#define ME_FTP_DATA_PORT 20
#define ME_FTP_SEGMENT_MAX 1024u /* bytes of a segment that are read */

/* What a segment says: bits of me_ftp.says. */
#define ME_FTP_PASSIVE 1u    /* the server: 227, its address and port */
#define ME_FTP_EXTENDED 2u   /* the server: 229, its port */
#define ME_FTP_ACTIVE 4u     /* the client: PORT, its address and port */
#define ME_FTP_EXT_ACTIVE 8u /* the client: EPRT, its port */
#define ME_FTP_TLS 16u       /* the server: 234, what follows is encrypted */

struct me_ftp {
	__u32 says;
	__u16 port; /* host order; the last one that was said */
	__u16 zero;
	struct me_addr address; /* of PASSIVE and ACTIVE */
};

/* The line being read. */
enum me_ftp_state {
	ME_FTP_WORD,    /* its first word, up to four bytes and the space */
	ME_FTP_NUMBERS, /* six numbers with commas, somewhere in the text */
	ME_FTP_OPEN,    /* of 229: the bracket that opens */
	ME_FTP_FIELDS,  /* of 229 and EPRT: fields between a delimiter */
	ME_FTP_REST,
};

struct me_ftp_walk {
	const __u8 *bytes;
	struct me_ftp *ret;
	__u32 length;
	__u32 word; /* the bytes of the first word, upper case */
	__u32 state;
	__u32 kind; /* ME_FTP_… that the line may say */
	__u32 number;
	__u32 digits;
	__u32 fields;
	__u32 delimiter;
	__u64 numbers; /* the numbers so far, a byte each */
};

#define ME_FTP_WORD_OF(a, b, c, d)                                                                 \
	((__u32)(a) << 24 | (__u32)(b) << 16 | (__u32)(c) << 8 | (__u32)(d))

/* The first word is over: what the line may be about. */
static inline void me_ftp_begin(struct me_ftp_walk *walk, __u32 sent)
{
	walk->state = ME_FTP_REST;
	walk->kind = 0;
	if (!sent && walk->word == ME_FTP_WORD_OF(0, '2', '2', '7')) {
		walk->kind = ME_FTP_PASSIVE;
		walk->state = ME_FTP_NUMBERS;
	} else if (!sent && walk->word == ME_FTP_WORD_OF(0, '2', '2', '9')) {
		walk->kind = ME_FTP_EXTENDED;
		walk->state = ME_FTP_OPEN;
	} else if (!sent && walk->word == ME_FTP_WORD_OF(0, '2', '3', '4')) {
		walk->ret->says |= ME_FTP_TLS;
	} else if (sent && walk->word == ME_FTP_WORD_OF('P', 'O', 'R', 'T')) {
		walk->kind = ME_FTP_ACTIVE;
		walk->state = ME_FTP_NUMBERS;
	} else if (sent && walk->word == ME_FTP_WORD_OF('E', 'P', 'R', 'T')) {
		walk->kind = ME_FTP_EXT_ACTIVE;
		walk->state = ME_FTP_FIELDS;
	}
	walk->number = walk->digits = walk->fields = walk->delimiter = 0;
	walk->numbers = 0;
}

/* One number of six ended with `c`. */
static inline void me_ftp_number(struct me_ftp_walk *walk, __u32 c)
{
	if (!walk->digits || walk->digits > 3 || walk->number > 255) {
		walk->fields = 0;
	} else {
		walk->numbers = walk->numbers << 8 | walk->number;
		walk->fields++;
		if (walk->fields == 6) {
			walk->ret->says |= walk->kind;
			walk->ret->port = walk->numbers;
			walk->ret->address = me_addr_v4(ME_NET32((__u32)(walk->numbers >> 16)));
			walk->state = ME_FTP_REST;
		} else if (c != ',') {
			walk->fields = 0; /* a number in the text */
		}
	}
	walk->number = walk->digits = 0;
}

/* A field of 229 or EPRT ended: the port is the fourth of both (of 229 the others are empty). */
static inline void me_ftp_field(struct me_ftp_walk *walk)
{
	walk->fields++;
	if (walk->fields == 4) {
		walk->state = ME_FTP_REST;
		if (walk->digits && walk->digits <= 5 && walk->number <= 65535) {
			walk->ret->says |= walk->kind;
			walk->ret->port = walk->number;
		}
	}
	walk->number = walk->digits = 0;
}

static inline void me_ftp_byte(struct me_ftp_walk *walk, __u32 c, __u32 sent)
{
	__u32 digit = c - '0';

	if (c == '\n') {
		if (walk->state == ME_FTP_NUMBERS)
			me_ftp_number(walk, c);
		walk->state = ME_FTP_WORD;
		walk->word = 0;
		return;
	}
	switch (walk->state) {
	case ME_FTP_WORD:
		if (c == ' ')
			me_ftp_begin(walk, sent);
		else if (walk->word >> 24)
			walk->state = ME_FTP_REST; /* longer than any of these */
		else
			walk->word = walk->word << 8 | (c >= 'a' && c <= 'z' ? c - 32 : c);
		return;
	case ME_FTP_NUMBERS:
		if (digit > 9) {
			me_ftp_number(walk, c);
			return;
		}
		break;
	case ME_FTP_OPEN:
		if (c == '(')
			walk->state = ME_FTP_FIELDS;
		return;
	case ME_FTP_FIELDS:
		if (!walk->delimiter)
			walk->delimiter = c;
		if (c == walk->delimiter) {
			me_ftp_field(walk);
			return;
		}
		break;
	default:
		return;
	}
	if (digit > 9) {
		walk->digits = 9; /* no number */
		return;
	}
	if (walk->digits < 6) {
		walk->number = walk->number * 10 + digit;
		walk->digits++;
	}
}

static inline long me_ftp_sent_step(__u32 index, void *context)
{
	struct me_ftp_walk *walk = (struct me_ftp_walk *)context;
	__u32 at = index;

	if (!walk->bytes || !walk->ret || index >= walk->length)
		return 1;
	ME_HIDE(at);
	me_ftp_byte(walk, walk->bytes[at & (ME_FTP_SEGMENT_MAX - 1)], 1);
	return 0;
}

static inline long me_ftp_received_step(__u32 index, void *context)
{
	struct me_ftp_walk *walk = (struct me_ftp_walk *)context;
	__u32 at = index;

	if (!walk->bytes || !walk->ret || index >= walk->length)
		return 1;
	ME_HIDE(at);
	me_ftp_byte(walk, walk->bytes[at & (ME_FTP_SEGMENT_MAX - 1)], 0);
	return 0;
}

/*
 * Reads a segment: `length` bytes, of which ME_FTP_SEGMENT_MAX count; in the kernel they lie in
 * ME_MESSAGE_ROOM bytes. `sent` by the client. Every field of the answer is set.
 */
static inline void me_ftp_read(const __u8 *bytes, __u32 length, __u32 sent, struct me_ftp *ret_ftp)
{
	struct me_ftp_walk walk = {.bytes = bytes,
				   .ret = ret_ftp,
				   .length = length,
				   .word = me_loop_begin(0),
				   .state = me_loop_begin(ME_FTP_WORD),
				   .kind = me_loop_begin(0),
				   .number = me_loop_begin(0),
				   .digits = me_loop_begin(0),
				   .fields = me_loop_begin(0),
				   .delimiter = me_loop_begin(0),
				   .numbers = me_loop_begin(0)};

	*ret_ftp = (struct me_ftp){.says = me_loop_begin(0)};
	if (sent)
		me_loop(ME_FTP_SEGMENT_MAX, me_ftp_sent_step, &walk, 0);
	else
		me_loop(ME_FTP_SEGMENT_MAX, me_ftp_received_step, &walk, 0);
}

#endif
