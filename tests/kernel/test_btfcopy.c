/* SPDX-License-Identifier: GPL-2.0-only */
/* Values from one layout to another, by BTF that is made here. */
#include "kernel/btfcopy.h"
#include <bpf/btf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"

ME_DEFINE_CLEANUP(struct me_btfcopy *, me_btfcopy_free)

/* Two layouts, and the integers that both have: u8, u16, u32, u64 by their bytes. */
struct fixture {
	struct btf *from, *to;
};

static int number(struct btf *btf, int bytes)
{
	char name[8];
	int id;

	snprintf(name, sizeof(name), "u%d", bytes * 8);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_INT);
	return id > 0 ? id : btf__add_int(btf, name, bytes, 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->from = btf__new_empty();
	f->to = btf__new_empty();
	assert_true(f->from && f->to);
	btf__add_int(f->to, "unlike", 4, 0); /* type ids differ */
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	btf__free(f->from);
	btf__free(f->to);
	free(f);
	return 0;
}

static void copy(const struct fixture *f, int from_type, const void *from, int to_type, void *to)
{
	_cleanup_(me_btfcopy_freep) struct me_btfcopy *copy = NULL;

	assert_int_equal(me_btfcopy_new(f->from, from_type, f->to, to_type, &copy), 0);
	me_btfcopy_run(copy, from, to);
}

/* Structs whose members are integers, given as {name, bytes}; offsets follow one another. */
struct field {
	const char *name;
	int bytes;
};

static int structure(struct btf *btf, const char *name, const struct field *fields, size_t n)
{
	uint32_t size = 0, at = 0;
	int id;

	for (size_t i = 0; i < n; i++)
		size += fields[i].bytes;
	for (size_t i = 0; i < n; i++)
		number(btf, fields[i].bytes);
	id = btf__add_struct(btf, name, size);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(btf__add_field(btf, fields[i].name, number(btf, fields[i].bytes),
						at * 8, 0),
				 0);
		at += fields[i].bytes;
	}
	return id;
}

#define STRUCTURE(btf, name, ...)                                                                  \
	structure(btf, name, (const struct field[]){__VA_ARGS__},                                  \
		  sizeof((const struct field[]){__VA_ARGS__}) / sizeof(struct field))

static void members_are_found_by_name(void **state)
{
	const struct fixture *f = *state;
	int from = STRUCTURE(f->from, "x", {"a", 4}, {"gone", 8}, {"b", 4}, {"c", 8});
	int to = STRUCTURE(f->to, "x", {"c", 8}, {"new", 8}, {"a", 4}, {"b", 4});
	struct {
		uint32_t a;
		uint64_t gone;
		uint32_t b;
		uint64_t c;
	} __attribute__((packed)) old = {1, 2, 3, 4};
	struct {
		uint64_t c, new;
		uint32_t a, b;
	} new;

	memset(&new, 0xff, sizeof(new));
	copy(f, from, &old, to, &new);
	assert_true(new.a == 1 && new.b == 3 && new.c == 4);
	assert_true(new.new == 0);
}

static void integers_are_extended_and_cut(void **state)
{
	const struct fixture *f = *state;
	int from = STRUCTURE(f->from, "x", {"longer", 2}, {"shorter", 8}, {"same", 2});
	int to = STRUCTURE(f->to, "x", {"shorter", 4}, {"longer", 8}, {"same", 2});
	struct {
		uint16_t longer;
		uint64_t shorter;
		uint16_t same;
	} __attribute__((packed)) old = {0xfffe, 0x1122334455667788, 7};
	struct {
		uint32_t shorter;
		uint64_t longer;
		uint16_t same;
	} __attribute__((packed)) new;

	memset(&new, 0xff, sizeof(new));
	copy(f, from, &old, to, &new);
	assert_true(new.longer == 0xfffe);
	assert_true(new.shorter == 0x55667788);
	assert_true(new.same == 7);
}

static void nested_structs_and_arrays(void **state)
{
	const struct fixture *f = *state;
	int from_inner = STRUCTURE(f->from, "inner", {"x", 1}, {"y", 1});
	int to_inner = STRUCTURE(f->to, "inner", {"y", 1}, {"x", 1}, {"z", 2});
	int from_array = btf__add_array(f->from, number(f->from, 4), from_inner, 3);
	int to_array = btf__add_array(f->to, number(f->to, 4), to_inner, 2);
	int from_text = btf__add_array(f->from, number(f->from, 4), number(f->from, 1), 4);
	int to_text = btf__add_array(f->to, number(f->to, 4), number(f->to, 1), 6);
	int from = btf__add_struct(f->from, "outer", 3 * 2 + 4), to;
	static const uint8_t old[] = {1, 2, 3, 4, 5, 6, 'a', 'b', 'c', 'd'};
	static const uint8_t expected[] = {'a', 'b', 'c', 'd', 0, 0, 2, 1, 0, 0, 4, 3, 0, 0};
	uint8_t new[sizeof(expected)];

	btf__add_field(f->from, "list", from_array, 0, 0);
	btf__add_field(f->from, "text", from_text, 6 * 8, 0);
	to = btf__add_struct(f->to, "outer", sizeof(expected));
	btf__add_field(f->to, "text", to_text, 0, 0);
	btf__add_field(f->to, "list", to_array, 6 * 8, 0);
	memset(new, 0xff, sizeof(new));
	copy(f, from, old, to, new);
	assert_memory_equal(new, expected, sizeof(expected));
}

/* Unnamed members, as of an anonymous union, are the same by their order; a union is its bytes. */
static void unions_and_unnamed_members(void **state)
{
	const struct fixture *f = *state;
	int byte = number(f->from, 1), word = number(f->from, 4), from, to, a, b;
	static const uint8_t old[] = {1, 2, 3, 4, 9};
	uint8_t new[10];

	a = btf__add_union(f->from, "", 4);
	btf__add_field(f->from, "word", word, 0, 0);
	b = btf__add_union(f->from, "", 1);
	btf__add_field(f->from, "byte", byte, 0, 0);
	from = btf__add_struct(f->from, "x", 5);
	btf__add_field(f->from, "", a, 0, 0);
	btf__add_field(f->from, "", b, 4 * 8, 0);

	byte = number(f->to, 1);
	word = number(f->to, 8);
	a = btf__add_union(f->to, "", 8);
	btf__add_field(f->to, "word", word, 0, 0);
	b = btf__add_union(f->to, "", 1);
	btf__add_field(f->to, "byte", byte, 0, 0);
	to = btf__add_struct(f->to, "x", 10);
	btf__add_field(f->to, "new", byte, 0, 0);
	btf__add_field(f->to, "", a, 8, 0);
	btf__add_field(f->to, "", b, 9 * 8, 0);
	memset(new, 0xff, sizeof(new));
	copy(f, from, old, to, new);
	assert_memory_equal(new, ((const uint8_t[]){0, 1, 2, 3, 4, 0, 0, 0, 0, 9}), sizeof(new));
}

static void qualifiers_and_enums_do_not_matter(void **state)
{
	const struct fixture *f = *state;
	int u32 = number(f->from, 4), kind, from, to;
	static const uint32_t old[] = {3, 4};
	uint32_t new[2] = {};

	kind = btf__add_enum(f->from, "kind", 4);
	btf__add_enum_value(f->from, "SOME", 3);
	from = btf__add_struct(f->from, "x", 8);
	btf__add_field(f->from, "kind", kind, 0, 0);
	btf__add_field(f->from, "count", u32, 32, 0);

	u32 = btf__add_typedef(f->to, "count_t", btf__add_const(f->to, number(f->to, 4)));
	to = btf__add_struct(f->to, "x", 8);
	btf__add_field(f->to, "count", u32, 0, 0);
	btf__add_field(f->to, "kind", number(f->to, 4), 32, 0);
	to = btf__add_typedef(f->to, "x_t", to);
	copy(f, from, old, to, new);
	assert_int_equal(new[0], 4);
	assert_int_equal(new[1], 3);
}

static void another_kind_of_thing_is_zero(void **state)
{
	const struct fixture *f = *state;
	int from_inner = STRUCTURE(f->from, "inner", {"x", 4}), from, to;
	uint32_t old = 7, new = 7;

	from = btf__add_struct(f->from, "x", 4);
	btf__add_field(f->from, "a", from_inner, 0, 0);
	to = STRUCTURE(f->to, "x", {"a", 4});
	copy(f, from, &old, to, &new);
	assert_int_equal(new, 0);
}

static void what_cannot_be_copied(void **state)
{
	const struct fixture *f = *state;
	struct me_btfcopy *none = NULL;
	int u32 = number(f->from, 4), from, to;

	from = btf__add_struct(f->from, "x", 4);
	btf__add_field(f->from, "a", u32, 0, 3);
	to = STRUCTURE(f->to, "x", {"a", 4});
	assert_int_equal(me_btfcopy_new(f->from, from, f->to, to, &none), -EOPNOTSUPP);
	assert_int_equal(me_btfcopy_new(f->from, 1000, f->to, to, &none), -EINVAL);
	assert_int_equal(me_btfcopy_new(f->from, from, f->to, 1000, &none), -EINVAL);
	assert_null(none);
	me_btfcopy_free(&none);
}

static void sizes_are_those_of_the_types(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(me_btfcopy_freep) struct me_btfcopy *copy = NULL;
	int from = STRUCTURE(f->from, "x", {"a", 4}, {"b", 1});
	int to = STRUCTURE(f->to, "x", {"a", 8});

	assert_int_equal(me_btfcopy_new(f->from, from, f->to, to, &copy), 0);
	assert_int_equal(me_btfcopy_from_size(copy), 5);
	assert_int_equal(me_btfcopy_to_size(copy), 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(members_are_found_by_name),
		TEST(integers_are_extended_and_cut),
		TEST(nested_structs_and_arrays),
		TEST(unions_and_unnamed_members),
		TEST(qualifiers_and_enums_do_not_matter),
		TEST(another_kind_of_thing_is_zero),
		TEST(what_cannot_be_copied),
		TEST(sizes_are_those_of_the_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
