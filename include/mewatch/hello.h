/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_HELLO_H
#define MEWATCH_HELLO_H

/* The name in a TLS ClientHello (mewatch/claim.h). */
#include "mewatch/claim_reader.h"

#define ME_TLS_HANDSHAKE 22
#define ME_TLS_RECORD_MAX 16384u
#define ME_TLS_CLIENT_HELLO 1
#define ME_TLS_SERVER_NAME 0
#define ME_TLS_ECH 0xfe0d /* RFC 9849, 5; bytes that imitate it (6.2) look the same */
#define ME_TLS_ECH_OUTER 0

/* The header of the next record (RFC 8446, 5.1): of a handshake, of any 3.x, and not empty. */
static inline void me_hello_record(struct me_claim_reader *r)
{
	__u32 size = 0;

	for (int i = 0; i < 5 && !r->stopped; i++) {
		__u8 byte = 0;

		if (r->at == r->length)
			me_claim_stop(r, ME_CLAIM_MORE);
		else
			byte = r->data[r->at++];
		if ((i == 0 && byte != ME_TLS_HANDSHAKE) || (i == 1 && byte != 3))
			me_claim_stop(r, ME_CLAIM_NONE);
		if (i >= 3)
			size = size << 8 | byte;
	}
	if (!size || size > ME_TLS_RECORD_MAX)
		me_claim_stop(r, ME_CLAIM_NONE);
	r->record = size;
}

/* The next byte of the message, whichever record it is in; 0 once stopped. */
static inline __u8 me_hello_byte(struct me_claim_reader *r)
{
	if (!r->message)
		me_claim_stop(r, ME_CLAIM_NONE);
	if (!r->stopped && !r->record)
		me_hello_record(r);
	if (!r->stopped && r->at == r->length)
		me_claim_stop(r, ME_CLAIM_MORE);
	if (r->stopped)
		return 0;
	r->record--;
	r->message--;
	return r->data[r->at++];
}

/* A number of `bytes` bytes between the two; 0 once stopped. */
static inline __u32 me_hello_number(struct me_claim_reader *r, int bytes, __u32 min, __u32 max)
{
	__u32 number = 0;

	while (bytes--)
		number = number << 8 | me_hello_byte(r);
	if (number < min || number > max)
		me_claim_stop(r, ME_CLAIM_NONE);
	return r->stopped ? 0 : number;
}

static inline void me_hello_skip(struct me_claim_reader *r, __u32 bytes)
{
	while (bytes-- && !r->stopped)
		me_hello_byte(r);
}

/*
 * The `size` bytes of extension server_name (RFC 6066, 3): a list, with one host_name at most. Types
 * of name that are not known yet begin with a length as well.
 */
static inline void me_hello_server_name(struct me_claim_reader *r, __u32 size,
					struct me_claim_name *name)
{
	__u32 left = me_hello_number(r, 2, 3, 0xffff);

	if (left + 2 != size)
		me_claim_stop(r, ME_CLAIM_NONE);
	while (left && !r->stopped) {
		__u32 type = me_hello_byte(r);
		__u32 length = me_hello_number(r, 2, 1, left < 3 ? 0 : left - 3);

		left -= 3 + length;
		if (type != 0) {
			me_hello_skip(r, length);
			continue;
		}
		if (name->length)
			me_claim_stop(r, ME_CLAIM_NONE);
		while (length-- && !r->stopped) {
			if (!me_claim_name_add(name, me_hello_byte(r)))
				me_claim_stop(r, ME_CLAIM_NONE);
		}
		if (!me_claim_name_is_valid(name))
			me_claim_stop(r, ME_CLAIM_NONE);
	}
}

/* The extensions, to the end of the message. */
static inline void me_hello_extensions(struct me_claim_reader *r, struct me_claim_name *name,
				       __u8 *ret_ech)
{
	__u32 all = me_hello_number(r, 2, 0, 0xffff);
	int named = 0;

	if (all != r->message)
		me_claim_stop(r, ME_CLAIM_NONE);
	while (r->message && !r->stopped) {
		__u32 type = me_hello_number(r, 2, 0, 0xffff);
		__u32 size = me_hello_number(r, 2, 0, 0xffff);

		if (size > r->message)
			me_claim_stop(r, ME_CLAIM_NONE);
		if (type == ME_TLS_SERVER_NAME && !r->stopped) {
			if (named++)
				me_claim_stop(r, ME_CLAIM_NONE);
			me_hello_server_name(r, size, name);
		} else if (type == ME_TLS_ECH && size) {
			__u8 which = me_hello_byte(r);

			*ret_ech |= !r->stopped && which == ME_TLS_ECH_OUTER;
			me_hello_skip(r, size - 1);
		} else {
			me_hello_skip(r, size);
		}
	}
}

/*
 * Reads the first `length` bytes of a TLS connection: a ClientHello (RFC 8446, 4.1.2; those of SSL
 * 3.0 to TLS 1.2 look alike), in records cut anywhere. NAME with the host_name of server_name (RFC
 * 6066, 3) and NONE without one come when the last extension was read, as ECH may follow the name.
 * More bytes never change an answer other than MORE.
 */
static inline void me_hello_parse(const __u8 *data, __u32 length, struct me_claim *ret)
{
	struct me_claim_reader r = {.data = data, .length = length, .message = 4};
	struct me_claim_name name = {0};
	__u32 suites;
	__u8 ech = 0;

	*ret = (struct me_claim){0};
	me_hello_number(&r, 1, ME_TLS_CLIENT_HELLO, ME_TLS_CLIENT_HELLO);
	r.message = me_hello_number(&r, 3, 0, 0xffffff);
	me_hello_number(&r, 1, 3, 3); /* legacy_version: 3.x */
	me_hello_skip(&r, 1 + 32);    /* and random */
	me_hello_skip(&r, me_hello_number(&r, 1, 0, 32));
	suites = me_hello_number(&r, 2, 2, 0xfffe);
	if (suites % 2)
		me_claim_stop(&r, ME_CLAIM_NONE);
	me_hello_skip(&r, suites);
	me_hello_skip(&r, me_hello_number(&r, 1, 1, 0xff)); /* compression methods */
	if (r.message)
		me_hello_extensions(&r, &name, &ech);
	if (!r.stopped)
		ret->ech = ech;
	me_claim_stop(&r, name.length ? ME_CLAIM_NAME : ME_CLAIM_NONE);
	me_claim_finish(&r, &name, ret);
}

#endif
