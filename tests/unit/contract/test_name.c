/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "mewatch/name.h"
#include "../../seed.h"

static struct me_name name_of(const char *text)
{
	struct me_name name;

	if (me_name_from_text(text, &name) < 0)
		fail_msg("`%s` is no name", text);
	return name;
}

/* Reads from a copy that has not one byte more: what is read beyond is found by the sanitizer. */
static uint32_t read_at(const void *message, size_t length, uint32_t at, struct me_name *name)
{
	uint8_t *copy = malloc(length ? length : 1);
	uint32_t end;

	assert_non_null(copy);
	memcpy(copy, message, length);
	memset(name, 0xa5, sizeof(*name));
	end = me_name_read(copy, (uint32_t)length, at, name);
	free(copy);
	return end;
}

/* Fails unless the name is the text, and its lengths are right. */
static void assert_name(const struct me_name *name, const char *text)
{
	char found[ME_NAME_TEXT_MAX];
	unsigned int labels = 0, at = 0;

	me_name_to_text(name, found);
	assert_string_equal(found, text);
	for (; name->wire[at]; at += name->wire[at] + 1u)
		labels++;
	assert_int_equal(name->length, at + 1);
	assert_int_equal(name->labels, labels);
}

/* --- Text ------------------------------------------------------------------------------------- */

static void test_from_text(void **state)
{
	static const char wire[] = "\3www\7example\3com";
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "a.b.."};
	struct me_name name = name_of("WWW.Example.com");

	assert_int_equal(name.length, sizeof(wire));
	assert_int_equal(name.labels, 3);
	assert_memory_equal(name.wire, wire, sizeof(wire));
	/* Only ASCII letters have another case. */
	name = name_of("@Z[`z{\xc4");
	assert_memory_equal(name.wire, "\7@z[`z{\xc4", 9);
	for (size_t i = 0; i < ME_ARRAY_SIZE(bad); i++) {
		if (me_name_from_text(bad[i], &name) != -1)
			fail_msg("`%s` was taken", bad[i]);
	}
}

/* 63 bytes a label, 253 as a whole. */
static void test_from_text_bounds(void **state)
{
	char text[300];

	for (unsigned int every = 2; every <= 65; every++) {
		for (unsigned int length = 1; length < 280; length++) {
			unsigned int label = 0, longest = 0;
			struct me_name name;
			bool fits;

			for (unsigned int i = 0; i < length; i++) {
				text[i] = i % every == every - 1 ? '.' : 'x';
				label = text[i] == '.' ? 0 : label + 1;
				longest = label > longest ? label : longest;
			}
			text[length] = '\0';
			fits = length <= 253 && longest <= 63 && text[length - 1] != '.';
			assert_int_equal(me_name_from_text(text, &name), fits ? 0 : -1);
			if (!fits)
				continue;
			assert_int_equal(name.length, length + 2);
			assert_name(&name, text);
		}
	}
}

static void test_to_text(void **state)
{
	static const struct {
		const char *wire;
		size_t length;
		const char *text;
	} lines[] = {
		{"", 1, ""},
		{"\3a.b\1c", 7, "a\\046b.c"},
		{"\4a\\ b", 6, "a\\092\\032b"},
		{"\5\0\1\x7f\xff\n", 7, "\\000\\001\\127\\255\\010"},
		{"\2-_\1\"", 6, "-_.\""},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		struct me_name name = {.length = (uint16_t)lines[i].length};
		char text[ME_NAME_TEXT_MAX];

		memcpy(name.wire, lines[i].wire, lines[i].length - 1);
		me_name_to_text(&name, text);
		assert_string_equal(text, lines[i].text);
	}
}

/* The longest text there is: every byte escaped. */
static void test_to_text_room(void **state)
{
	struct me_name name = {.length = ME_NAME_MAX, .labels = 4};
	char text[ME_NAME_TEXT_MAX];

	memset(name.wire, 1, sizeof(name.wire));
	name.wire[0] = name.wire[64] = name.wire[128] = 63;
	name.wire[192] = 61;
	name.wire[254] = 0;
	me_name_to_text(&name, text);
	assert_int_equal(strlen(text), 250 * 4 + 3);
	assert_true(sizeof(text) > 250 * 4 + 3);
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Twelve bytes of header, a name, the same with a label before it, and one that is a pointer alone. */
static const uint8_t compressed[] = "............\3WwW\7Example\3COM\0"
				    "\4Mail\xc0\x10"
				    "\xc0\x1d"
				    "\1a\xc0\x24...";
enum { PLAIN = 12, BEFORE = 29, ALONE = 36, TWICE = 38, AFTER = 42 };

static void test_read(void **state)
{
	static const struct {
		uint32_t at, end;
		const char *text;
	} lines[] = {
		{PLAIN, BEFORE, "www.example.com"}, {PLAIN + 4, BEFORE, "example.com"},
		{BEFORE - 1, BEFORE, ""},           {BEFORE, ALONE, "mail.example.com"},
		{ALONE, TWICE, "mail.example.com"}, {TWICE, AFTER, "a.mail.example.com"},
	};
	struct me_name name;

	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		assert_int_equal(read_at(compressed, sizeof(compressed) - 1, lines[i].at, &name),
				 lines[i].end);
		assert_name(&name, lines[i].text);
	}
}

/* Cut before its end a name is none; cut there it is whole. */
static void test_read_cut(void **state)
{
	static const struct {
		uint32_t at, end;
	} names[] = {{PLAIN, BEFORE}, {BEFORE, ALONE}, {ALONE, TWICE}, {TWICE, AFTER}};
	struct me_name name;

	for (size_t i = 0; i < ME_ARRAY_SIZE(names); i++) {
		for (uint32_t length = 0; length < sizeof(compressed) - 1; length++) {
			uint32_t end = read_at(compressed, length, names[i].at, &name);

			assert_int_equal(end, length < names[i].end ? 0 : names[i].end);
		}
	}
	assert_int_equal(read_at(compressed, sizeof(compressed) - 1, sizeof(compressed), &name), 0);
}

static void test_read_bad(void **state)
{
	static const struct {
		const char *message;
		size_t length;
		uint32_t at;
	} lines[] = {
		{"\xc0\x00", 2, 0},         /* to itself */
		{"\xc0\x02\xc0\x00", 4, 0}, /* forward, and a circle */
		{"\xc0\x02\xc0\x00", 4, 2}, /* the same from the other end */
		{"\1a\xc0\x00", 4, 0},      /* to its own beginning: without an end */
		{"\1a\1b\xc0\x02", 6, 0},   /* into itself */
		{"\1a\xc0\x04\1b\0", 7, 0}, /* forward, to a whole name */
		{"\x40"
		 "a",
		 2, 0}, /* label types that nobody uses */
		{"\x80"
		 "a",
		 2, 0},
		{"\xbf", 1, 0},
		{"\xff\xff", 2, 0}, /* beyond the end */
		{"\1a", 2, 0},      /* no root */
		{"\2a\0", 3, 0},    /* the root's byte lies in the label */
	};
	struct me_name name;

	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		if (read_at(lines[i].message, lines[i].length, lines[i].at, &name))
			fail_msg("line %zu was taken", i);
	}
}

/* 255 bytes are a name, also in pieces; 256 are none. */
static void test_read_longest(void **state)
{
	uint8_t message[600] = {0};
	struct me_name name;

	/* Labels of 63, 63, 63 and 61 or 62 bytes, then of one byte each from 300 on. */
	for (unsigned int over = 0; over < 2; over++) {
		message[0] = message[64] = message[128] = 63;
		message[192] = (uint8_t)(61 + over);
		message[254 + over] = 0;
		memset(message + 193, 'x', 61 + over);
		assert_int_equal(read_at(message, sizeof(message), 0, &name), over ? 0 : 255);
		assert_int_equal(name.length, 255);
		/* With the first label elsewhere. */
		message[300] = (uint8_t)(61 + 2 * over);
		message[300 + 62 + 2 * over] = 0xc0;
		message[300 + 63 + 2 * over] = 64;
		assert_int_equal(read_at(message, sizeof(message), 300, &name),
				 over ? 0 : 300 + 64);
	}
}

/* Names that are pointers to pointers: each leads back, but there are too many. */
static void test_read_chain(void **state)
{
	static uint8_t message[2 + 2 * 1000];
	struct me_name name;
	uint32_t most = 0;

	message[0] = 0;
	for (uint32_t i = 1; i <= 1000; i++) {
		uint32_t target = i == 1 ? 0 : 2 * (i - 1);

		message[2 * i] = (uint8_t)(0xc0 | target >> 8);
		message[2 * i + 1] = (uint8_t)target;
	}
	for (uint32_t i = 1; i <= 1000; i++) {
		uint32_t end = read_at(message, sizeof(message), 2 * i, &name);

		if (!end)
			break;
		assert_int_equal(end, 2 * i + 2);
		assert_int_equal(name.length, 1);
		most = i;
	}
	assert_int_equal(most, ME_NAME_STEPS - 1);
}

/* 127 labels, each behind a pointer of its own, are within the bound. */
static void test_read_scattered(void **state)
{
	static uint8_t message[1 + 4 * 127];
	struct me_name name;

	for (uint32_t i = 0; i < 127; i++) {
		uint32_t at = 1 + 4 * i, target = i ? at - 4 : 0;

		message[at] = 1;
		message[at + 1] = 'D';
		message[at + 2] = (uint8_t)(0xc0 | target >> 8);
		message[at + 3] = (uint8_t)target;
	}
	assert_int_equal(read_at(message, sizeof(message), 1 + 4 * 126, &name), sizeof(message));
	assert_int_equal(name.length, 255);
	assert_int_equal(name.labels, 127);
}

/* The same in plain words: copies labels until the root; a pointer leads before all that was read. */
static uint32_t plain_read(const uint8_t *message, uint32_t length, uint32_t at, uint8_t *wire,
			   uint32_t *ret_length)
{
	uint32_t start = at, end = 0, n = 0;

	while (at < length) {
		uint32_t size = message[at];

		if (size >= 192) {
			if (at + 2 > length)
				return 0;
			end = end ? end : at + 2;
			at = (size - 192) * 256 + message[at + 1];
			if (at >= start)
				return 0;
			start = at;
			continue;
		}
		if (size > 63 || at + 1 + size > length || n + 1 + size > 255)
			return 0;
		wire[n++] = (uint8_t)size;
		for (uint32_t i = 0; i < size; i++) {
			uint8_t byte = message[at + 1 + i];

			wire[n++] = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
		}
		at += 1 + size;
		if (!size) {
			*ret_length = n;
			return end ? end : at;
		}
	}
	return 0;
}

/* Short messages of random bytes, most of which look like names. */
static void test_read_random(void **state)
{
	uint64_t random = me_seed();
	unsigned int names = 0;

	for (unsigned int round = 0; round < 300000; round++) {
		uint8_t message[96], wire[ME_NAME_ROOM];
		uint32_t length = (uint32_t)(me_seed_next(&random) % (sizeof(message) + 1));
		uint32_t at = (uint32_t)(me_seed_next(&random) % (sizeof(message) + 2));
		uint32_t end, expected, wire_length = 0;
		struct me_name name;

		for (uint32_t i = 0; i < sizeof(message); i++) {
			uint64_t draw = me_seed_next(&random);

			message[i] = (uint8_t)(draw % 8 == 0  ? 0xc0
					       : draw % 8 < 6 ? draw >> 8 & 7
							      : draw >> 8);
		}
		end = read_at(message, length, at, &name);
		expected = plain_read(message, length, at, wire, &wire_length);
		assert_int_equal(end, expected);
		if (!end)
			continue;
		names++;
		assert_int_equal(name.length, wire_length);
		assert_memory_equal(name.wire, wire, wire_length);
	}
	assert_in_range(names, 1000, 300000);
}

/* --- Round trips ------------------------------------------------------------------------------ */

/* Text -> name -> message -> name -> text, with whole names and pointers into what stands before. */
static void test_round_trip(void **state)
{
	static const char letters[] = "abcXYZ019-_";
	uint64_t random = me_seed();

	for (unsigned int round = 0; round < 5000; round++) {
		static uint8_t message[4096];
		char text[254], low[254];
		uint32_t at = (uint32_t)(me_seed_next(&random) % 3000), length = 0, end;
		struct me_name name, back;

		do {
			unsigned int label = 1 + (unsigned int)(me_seed_next(&random) % 63);

			if (length)
				text[length++] = '.';
			for (; label && length < 253; label--)
				text[length++] =
					letters[me_seed_next(&random) % (sizeof(letters) - 1)];
		} while (length < 253 - 2 && me_seed_next(&random) % 4);
		text[length] = '\0';
		for (uint32_t i = 0; i <= length; i++)
			low[i] = (char)me_name_lower((uint8_t)text[i]);

		name = name_of(text);
		assert_name(&name, low);
		memcpy(message + at, name.wire, name.length);
		end = read_at(message, at + name.length, at, &back);
		assert_int_equal(end, at + name.length);
		assert_true(me_name_equal(&name, &back));
		assert_name(&back, low);
		message[end] = (uint8_t)(0xc0 | at >> 8);
		message[end + 1] = (uint8_t)at;
		assert_int_equal(read_at(message, end + 2, end, &back), end + 2);
		assert_true(me_name_equal(&name, &back));
		assert_true(me_name_hash(&name, 0) == me_name_hash(&back, 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_text),   cmocka_unit_test(test_from_text_bounds),
		cmocka_unit_test(test_to_text),     cmocka_unit_test(test_to_text_room),
		cmocka_unit_test(test_read),        cmocka_unit_test(test_read_cut),
		cmocka_unit_test(test_read_bad),    cmocka_unit_test(test_read_longest),
		cmocka_unit_test(test_read_chain),  cmocka_unit_test(test_read_scattered),
		cmocka_unit_test(test_read_random), cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
