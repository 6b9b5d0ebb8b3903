/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_BTFCOPY_H
#define MEWATCH_KERNEL_BTFCOPY_H

/*
 * From one layout of a value to another, as their BTF describes them. Members of structs are found
 * by name (unnamed ones by their order), arrays are copied element by element, unions by the bytes
 * that both have and then by their first member, integers and enums by value: zero-extended, or cut off at the top. What the new
 * layout has and the old one has not, or has as another kind of thing, is zero.
 */
#include <stddef.h>
#include <stdint.h>

struct btf;
struct me_btfcopy;

/*
 * Works out how to copy. The BTF is not needed afterwards. 0; -ENOMEM; -EOPNOTSUPP: bit fields, which
 * nothing that is kept has; -EINVAL: no such type. Freed with me_btfcopy_free().
 */
int me_btfcopy_new(const struct btf *from, uint32_t from_type, const struct btf *to,
		   uint32_t to_type, struct me_btfcopy **ret_copy);
void me_btfcopy_free(struct me_btfcopy **copy);

/* Bytes that `from` and `to` must have. */
size_t me_btfcopy_from_size(const struct me_btfcopy *copy);
size_t me_btfcopy_to_size(const struct me_btfcopy *copy);

/* Writes every byte of `to`. */
void me_btfcopy_run(const struct me_btfcopy *copy, const void *from, void *to);

#endif
