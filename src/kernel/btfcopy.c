/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/btfcopy.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdbool.h>
#include "base/cleanup.h"

/* Bytes that are copied as they are. */
struct move {
	uint32_t from;
	uint32_t to;
	uint32_t size;
};

struct me_btfcopy {
	size_t from_size, to_size;
	struct move *moves;
	size_t n, room;
};

ME_DEFINE_CLEANUP(struct me_btfcopy *, me_btfcopy_free)

/* A type at an offset, in bytes; qualifiers and typedefs are taken off. */
struct place {
	const struct btf *btf;
	const struct btf_type *type;
	uint32_t at;
};

static int place(const struct btf *btf, uint32_t id, uint32_t at, struct place *ret_place)
{
	int resolved = btf__resolve_type(btf, id);

	if (resolved < 0)
		return -EINVAL;
	*ret_place = (struct place){.btf = btf, .type = btf__type_by_id(btf, resolved), .at = at};
	return 0;
}

static bool is_number(const struct btf_type *type)
{
	return btf_is_int(type) || btf_is_enum(type) || btf_is_enum64(type);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Notes a move; one that goes on where the last ended makes that longer. */
static int add_move(struct me_btfcopy *copy, uint32_t from, uint32_t to, uint32_t size)
{
	struct move *last = copy->n ? &copy->moves[copy->n - 1] : NULL;

	if (last && last->from + last->size == from && last->to + last->size == to) {
		last->size += size;
		return 0;
	}
	if (copy->n == copy->room) {
		size_t room = copy->room * 2 + 16;
		struct move *moves = reallocarray(copy->moves, room, sizeof(*moves));

		if (!moves)
			return -ENOMEM;
		copy->moves = moves;
		copy->room = room;
	}
	copy->moves[copy->n++] = (struct move){from, to, size};
	return 0;
}

/* The low bytes, wherever this machine has them. */
static int add_number(struct me_btfcopy *copy, const struct place *from, const struct place *to)
{
	uint32_t size = smaller(from->type->size, to->type->size);
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	return add_move(copy, from->at + (little ? 0 : from->type->size - size),
			to->at + (little ? 0 : to->type->size - size), size);
}

static int add_type(struct me_btfcopy *copy, const struct place *from, const struct place *to);

/* The member of `in` that is called like member `i` of `like`, or NULL. */
static const struct btf_member *find_member(const struct place *in, const struct place *like, int i)
{
	const struct btf_member *wanted = btf_members(like->type);
	const char *name = btf__name_by_offset(like->btf, wanted[i].name_off);
	int unnamed = 0;

	for (int j = 0; !*name && j < i; j++)
		unnamed += !*btf__name_by_offset(like->btf, wanted[j].name_off);
	for (int j = 0; j < btf_vlen(in->type); j++) {
		const struct btf_member *member = &btf_members(in->type)[j];

		if (!strcmp(btf__name_by_offset(in->btf, member->name_off), name) && !unnamed--)
			return member;
	}
	return NULL;
}

static int member_place(const struct place *of, const struct btf_member *member,
			struct place *ret_place)
{
	int i = member - btf_members(of->type);

	if (btf_member_bitfield_size(of->type, i))
		return -EOPNOTSUPP;
	return place(of->btf, member->type, of->at + btf_member_bit_offset(of->type, i) / 8,
		     ret_place);
}

static int add_struct(struct me_btfcopy *copy, const struct place *from, const struct place *to)
{
	int err = 0;

	for (int i = 0; i < btf_vlen(to->type) && !err; i++) {
		const struct btf_member *old = find_member(from, to, i);
		struct place a, b;

		if (!old)
			continue;
		err = member_place(from, old, &a);
		if (!err)
			err = member_place(to, &btf_members(to->type)[i], &b);
		if (!err)
			err = add_type(copy, &a, &b);
	}
	return err;
}

static int add_array(struct me_btfcopy *copy, const struct place *from, const struct place *to)
{
	const struct btf_array *a = btf_array(from->type), *b = btf_array(to->type);
	int64_t from_step = btf__resolve_size(from->btf, a->type);
	int64_t to_step = btf__resolve_size(to->btf, b->type);
	int err = from_step < 0 || to_step < 0 ? -EINVAL : 0;

	for (uint32_t i = 0; i < smaller(a->nelems, b->nelems) && !err; i++) {
		struct place old, new;

		err = place(from->btf, a->type, from->at + i * from_step, &old);
		if (!err)
			err = place(to->btf, b->type, to->at + i * to_step, &new);
		if (!err)
			err = add_type(copy, &old, &new);
	}
	return err;
}

/* The bytes that both have; over them what the first members say of themselves. */
static int add_union(struct me_btfcopy *copy, const struct place *from, const struct place *to)
{
	struct place a, b;
	int err = add_move(copy, from->at, to->at, smaller(from->type->size, to->type->size));

	if (err || !btf_vlen(from->type) || !btf_vlen(to->type))
		return err;
	err = member_place(from, btf_members(from->type), &a);
	if (!err)
		err = member_place(to, btf_members(to->type), &b);
	return err ? err : add_type(copy, &a, &b);
}

static int add_type(struct me_btfcopy *copy, const struct place *from, const struct place *to)
{
	if (is_number(from->type) && is_number(to->type))
		return add_number(copy, from, to);
	if (btf_kind(from->type) != btf_kind(to->type))
		return 0;
	if (btf_is_struct(to->type))
		return add_struct(copy, from, to);
	if (btf_is_array(to->type))
		return add_array(copy, from, to);
	if (btf_is_union(to->type))
		return add_union(copy, from, to);
	return 0;
}

int me_btfcopy_new(const struct btf *from, uint32_t from_type, const struct btf *to,
		   uint32_t to_type, struct me_btfcopy **ret_copy)
{
	_cleanup_(me_btfcopy_freep) struct me_btfcopy *copy = calloc(1, sizeof(*copy));
	int64_t from_size = btf__resolve_size(from, from_type);
	int64_t to_size = btf__resolve_size(to, to_type);
	struct place old, new;
	int err;

	if (!copy)
		return -ENOMEM;
	if (from_size < 0 || to_size < 0)
		return -EINVAL;
	copy->from_size = from_size;
	copy->to_size = to_size;
	err = place(from, from_type, 0, &old);
	if (!err)
		err = place(to, to_type, 0, &new);
	if (!err)
		err = add_type(copy, &old, &new);
	if (!err)
		*ret_copy = me_steal_ptr(&copy);
	return err;
}

void me_btfcopy_free(struct me_btfcopy **copy)
{
	if (*copy)
		free((*copy)->moves);
	free(*copy);
	*copy = NULL;
}

size_t me_btfcopy_from_size(const struct me_btfcopy *copy)
{
	return copy->from_size;
}

size_t me_btfcopy_to_size(const struct me_btfcopy *copy)
{
	return copy->to_size;
}

void me_btfcopy_run(const struct me_btfcopy *copy, const void *from, void *to)
{
	memset(to, 0, copy->to_size);
	for (size_t i = 0; i < copy->n; i++)
		memcpy((char *)to + copy->moves[i].to, (const char *)from + copy->moves[i].from,
		       copy->moves[i].size);
}
