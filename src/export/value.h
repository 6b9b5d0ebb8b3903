/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_VALUE_H
#define MEWATCH_EXPORT_VALUE_H

/* One value of a row: what sorting compares, filters match and JSON shows. Copied freely. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mewatch/address.h"

enum me_value_kind {
	ME_VALUE_NONE,  /* the row has none: the field is absent */
	ME_VALUE_TEXT,  /* untrusted, borrowed */
	ME_VALUE_NAME,  /* a DNS name, borrowed */
	ME_VALUE_NAMES, /* several, one a line */
	ME_VALUE_NUMBER,
	ME_VALUE_TIME,    /* epoch nanoseconds */
	ME_VALUE_ADDRESS, /* borrowed */
	ME_VALUE_PROTO,   /* IP protocol */
	ME_VALUE_ANSWER,  /* what a peer answered first (mewatch/answer.h) */
	ME_VALUE_ID,      /* 16 hexadecimal digits: JSON numbers end at 2^53 */
	ME_VALUE_TRUE,
};

struct me_value {
	enum me_value_kind kind;
	uint64_t number;
	const char *text;
	size_t len;
	const struct me_addr *address;
};

#define ME_VALUE_LEN 64 /* room for any value that is no text */

/* Values from what they hold. NULL, empty, unspecified and, for times, 0 are ME_VALUE_NONE. */
struct me_value me_value_text(const char *text);
struct me_value me_value_bytes(const char *text, size_t max); /* ends at a NUL or after `max` */

/* DNS names as me_name_to_text() writes them: that is their escape, and they get no other. */
struct me_value me_value_name(const char *text);
struct me_value me_value_names(const char *text);

struct me_value me_value_number(uint64_t number);
struct me_value me_value_time(uint64_t epoch_ns);
struct me_value me_value_address(const struct me_addr *address);
struct me_value me_value_proto(uint8_t proto);
struct me_value me_value_answer(uint16_t answer);
struct me_value me_value_id(uint64_t id);
struct me_value me_value_true(bool present);

/* Order: -1, 0, 1. Absent values are larger than all others; text ignores case. */
int me_value_compare(const struct me_value *a, const struct me_value *b);

/* The value as text, not escaped: borrowed, or in `buffer`. NULL for an absent one. */
const char *me_value_show(const struct me_value *value, char buffer[ME_VALUE_LEN], size_t *ret_len);

/* "tcp", "icmp6" …, or the number. */
void me_value_proto_name(uint8_t proto, char buffer[ME_VALUE_LEN]);

#endif
