/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_NAME_H
#define MEWATCH_NAME_H

/*
 * DNS names, pure. A name is kept as on the wire (RFC 1035, section 3.1): labels with their lengths
 * before them, the root's empty one last, so that no byte inside a label can be taken for a dot;
 * ASCII letters in lower case (RFC 4343), never compressed.
 */
#include "mewatch/image.h"
#include "mewatch/loop.h"

#define ME_MESSAGE_MAX 65535u  /* bytes of a DNS message */
#define ME_MESSAGE_ROOM 65536u /* of the memory that it is read from in the kernel */
#define ME_NAME_STEPS 400u     /* bytes of a name, and pointers on the way: they only go back */
#define ME_NAME_HASH_START 0xcbf29ce484222325ull /* FNV-1a, 64 bits */
#define ME_NAME_HASH_PRIME 0x100000001b3ull

struct me_name {
	__u8 wire[ME_NAME_ROOM];
	__u16 length; /* of `wire`, the root's byte included; 0: there is no name */
	__u16 labels; /* without the root */
	__u32 zero;
};

static inline __u8 me_name_lower(__u8 byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* --- Reading ------------------------------------------------------------------------------------ */

/* A name being read from a message. */
struct me_name_reader {
	const __u8 *message; /* in the kernel ME_MESSAGE_ROOM bytes */
	struct me_name *name;
	__u32 length; /* of the message */
	__u32 at;
	__u32 back; /* a pointer has to lead before this place */
	__u32 end;  /* behind the name where it was read; 0: not known yet */
	__u32 left; /* bytes of the present label */
	__u32 done;
};

static inline __u32 me_message_byte(const __u8 *message, __u32 at)
{
	at &= ME_MESSAGE_ROOM - 1;
	ME_HIDE(at);
	return message[at & (ME_MESSAGE_ROOM - 1)];
}

static inline long me_name_step(__u32 index, void *context)
{
	struct me_name_reader *r = context;
	struct me_name *name = r->name;
	__u32 byte, target, length;

	(void)index;
	if (!name || r->at >= r->length)
		return 1;
	byte = me_message_byte(r->message, r->at);
	if (!r->left && byte >= 0xc0) {
		if (r->at + 1 >= r->length)
			return 1;
		target = (byte & 0x3f) << 8 | me_message_byte(r->message, r->at + 1);
		if (!r->end)
			r->end = r->at + 2;
		if (target >= r->back)
			return 1;
		r->at = r->back = target;
		return 0;
	}
	length = name->length;
	if ((!r->left && byte > 63) || length >= ME_NAME_MAX)
		return 1;
	ME_HIDE(length);
	name->wire[length & (ME_NAME_ROOM - 1)] = r->left ? me_name_lower(byte) : byte;
	name->length = length + 1;
	r->at++;
	if (r->left) {
		r->left--;
	} else if (byte) {
		r->left = byte;
		name->labels++;
	} else {
		r->done = 1;
		if (!r->end)
			r->end = r->at;
		return 1;
	}
	return 0;
}

/*
 * Reads the name at `at` of a message into `name`. Pointers are followed as long as they lead back.
 * Where it ends in the message; 0: it is none, and `name` has no meaning.
 */
static inline __u32 me_name_read(const __u8 *message, __u32 length, __u32 at, struct me_name *name)
{
	struct me_name_reader r = {.message = message,
				   .name = name,
				   .length = length,
				   .at = me_loop_begin(at),
				   .back = me_loop_begin(at),
				   .end = me_loop_begin(0),
				   .left = me_loop_begin(0)};

	name->length = 0;
	name->labels = 0;
	me_loop(ME_NAME_STEPS, me_name_step, &r, 0);
	return r.done ? r.end : 0;
}

/* --- Comparing ---------------------------------------------------------------------------------- */

struct me_name_hasher {
	const struct me_name *name;
	__u64 hash;
	__u32 from;
	__u32 zero;
};

static inline long me_name_hash_step(__u32 index, void *context)
{
	struct me_name_hasher *h = context;
	const struct me_name *name = h->name;
	__u32 at = h->from + index;

	if (!name || at >= name->length)
		return 1;
	ME_HIDE(at);
	h->hash = (h->hash ^ name->wire[at & (ME_NAME_ROOM - 1)]) * ME_NAME_HASH_PRIME;
	return 0;
}

/* The hash of the name from the label at `from` on. */
static inline __u64 me_name_hash(const struct me_name *name, __u32 from)
{
	struct me_name_hasher h = {.name = name, .hash = ME_NAME_HASH_START, .from = from};

	me_loop(ME_NAME_MAX, me_name_hash_step, &h, 0);
	return h.hash;
}

struct me_name_comparison {
	const struct me_name *name;
	const __u8 *wire; /* ME_NAME_ROOM bytes */
	__u32 from;
	__u32 length; /* of `wire` */
	__u32 differ;
	__u32 zero;
};

static inline long me_name_compare_step(__u32 index, void *context)
{
	struct me_name_comparison *c = context;
	const struct me_name *name = c->name;
	const __u8 *wire = c->wire;
	__u32 at = c->from + index, there = index;

	if (!name || !wire || index >= c->length)
		return 1;
	ME_HIDE(at);
	ME_HIDE(there);
	c->differ = name->wire[at & (ME_NAME_ROOM - 1)] != wire[there & (ME_NAME_ROOM - 1)];
	return c->differ;
}

/* Whether the name from `from` on is `wire`, of `length` bytes. */
static inline int me_name_is(const struct me_name *name, __u32 from, const __u8 *wire, __u32 length)
{
	struct me_name_comparison c = {.name = name, .wire = wire, .from = from, .length = length};

	if (!length || (__u32)name->length != from + length)
		return 0;
	me_loop(ME_NAME_MAX, me_name_compare_step, &c, 0);
	return !c.differ;
}

static inline int me_name_equal(const struct me_name *a, const struct me_name *b)
{
	return me_name_is(a, 0, b->wire, b->length);
}

/* --- What the policy says of a name ------------------------------------------------------------- */

/* The endpoints that cover a name, and the zone of block lists that it is asked in. */
struct me_named {
	__u32 endpoint[ME_NAME_ENDPOINTS];
	__u8 flags[ME_NAME_ENDPOINTS]; /* ME_ENTRY_PRIVATE */
	__u32 n;
	__u32 zone;    /* stable id; 0: none of the policy */
	__u8 category; /* enum me_dns_category of the zone or domain */
	__u8 crowded;  /* there are more endpoints than room */
	__u8 zero[2];
};

static inline void me_named_append(struct me_named *named, __u32 endpoint, __u8 flags)
{
	__u32 at = named->n;

	if (at >= ME_NAME_ENDPOINTS) {
		named->crowded = 1;
		return;
	}
	ME_HIDE(at);
	at &= ME_NAME_ENDPOINTS - 1;
	named->endpoint[at] = endpoint;
	named->flags[at] = flags;
	named->n++;
}

/*
 * Adds what `entry` says of a name that has `above` more labels than the entry's. To be called for
 * the name and each of its parents, the name first.
 */
static inline void me_named_add(struct me_named *named, const struct me_name_entry *entry,
				__u32 above)
{
	for (__u32 i = 0; i < ME_NAME_ENDPOINTS && entry->endpoint[i]; i++) {
		__u8 match = entry->match[i];

		if (match == ME_MATCH_NAME       ? above == 0
		    : match == ME_MATCH_WILDCARD ? above == 1
						 : above > 0)
			me_named_append(named, entry->endpoint[i], entry->flags[i]);
	}
	if (named->category == ME_DNS_OTHER && entry->category != ME_DNS_OTHER &&
	    (above || !entry->zone)) {
		named->category = entry->category;
		named->zone = entry->zone;
	}
}

/* Adds the endpoints of another name that stands for this one. */
static inline void me_named_join(struct me_named *named, const struct me_named *other)
{
	for (__u32 i = 0; i < ME_NAME_ENDPOINTS && i < other->n; i++) {
		__u32 known = 0;

		for (__u32 k = 0; k < ME_NAME_ENDPOINTS; k++)
			known |= k < named->n && named->endpoint[k] == other->endpoint[i];
		if (!known)
			me_named_append(named, other->endpoint[i], other->flags[i]);
	}
}

/* --- Text, for the host ------------------------------------------------------------------------- */

#ifndef __bpf__
/*
 * `text` without a trailing dot as a name. 0; -1: it is none (an empty or too long label, too long
 * as a whole), and *ret_name has no meaning.
 */
static inline int me_name_from_text(const char *text, struct me_name *ret_name)
{
	__u32 length = 0, from = 0;

	*ret_name = (struct me_name){.length = 0};
	for (const char *at = text;; at++) {
		if (length + 2 > ME_NAME_MAX)
			return -1;
		if (*at && *at != '.') {
			ret_name->wire[++length] = me_name_lower((__u8)*at);
			continue;
		}
		if (length == from || length - from > 63)
			return -1;
		ret_name->wire[from] = (__u8)(length - from);
		from = ++length;
		ret_name->labels++;
		if (!*at)
			break;
	}
	ret_name->wire[length++] = 0;
	ret_name->length = (__u16)length;
	return 0;
}

/* Room for a name as text: each byte may need an escape, `\ddd`. */
#define ME_NAME_TEXT_MAX 1024u

/*
 * A name as text, without a trailing dot. What would be mistaken there, a dot in a label and bytes
 * that cannot be printed, is written `\ddd` (RFC 1035, section 5.1).
 */
static inline void me_name_to_text(const struct me_name *name, char out[ME_NAME_TEXT_MAX])
{
	__u32 n = 0;

	for (__u32 at = 0, left = 0; at + 1 < name->length; at++) {
		__u8 byte = name->wire[at];

		if (!left) {
			left = byte;
			if (at)
				out[n++] = '.';
			continue;
		}
		left--;
		if (byte > ' ' && byte < 127 && byte != '.' && byte != '\\') {
			out[n++] = (char)byte;
			continue;
		}
		out[n++] = '\\';
		out[n++] = (char)('0' + byte / 100);
		out[n++] = (char)('0' + byte / 10 % 10);
		out[n++] = (char)('0' + byte % 10);
	}
	out[n] = '\0';
}
#endif

#endif
