/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_READ_H
#define MEWATCH_POLICY_READ_H

/*
 * Nodes -> values, with the errors that people see. Each me_read_ function leaves its output alone
 * and returns false when the node is NULL (the key is not there) or wrong (then it was diagnosed):
 * the caller's default stands.
 */
#include <stdbool.h>
#include "policy/arena.h"
#include "policy/diagnostics.h"
#include "policy/yaml.h"

/* What reading needs; the counts go on from the profile to the site file. */
struct me_reader {
	struct me_arena *arena; /* of the policy: what is read lives there */
	struct me_diagnostics *diagnostics;
	const char *file; /* being read; lives in the arena */
	bool profile;     /* it is a profile, not the site file */
	bool no_memory;
	size_t rules;     /* read so far, against ME_POLICY_RULES_MAX */
	size_t names;     /* against ME_POLICY_NAMES_MAX */
	size_t addresses; /* against ME_POLICY_ADDRESSES_MAX */
};

#define ME_FOUND_LEN 96

/* What the node holds, for people: `text`, escaped and cut, "nothing", "a list" or "a mapping". */
const char *me_read_found(const struct me_node *node, char out[ME_FOUND_LEN]);

struct me_place me_read_place(const struct me_reader *reader, const struct me_node *node);

/* Diagnoses an error (or a finding) at the node. */
void me_read_error(struct me_reader *reader, const struct me_node *node, const char *kind,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Diagnoses that the node holds something else than `expected`. Nothing for ME_NODE_BAD. */
void me_read_unexpected(struct me_reader *reader, const struct me_node *node, const char *kind,
			const char *expected);

/*
 * Counts one of `what` (names, rules …) in a policy that may hold `max`. False beyond, which is
 * told once.
 */
bool me_read_within(struct me_reader *reader, const struct me_node *node, size_t *counter,
		    size_t max, const char *what);

/* Memory of the policy; failure is noted in reader->no_memory. */
void *me_read_alloc(struct me_reader *reader, size_t count, size_t size);
const char *me_read_copy(struct me_reader *reader, const char *text, size_t length);

/*
 * The values of a mapping: ret_values[i] belongs to keys[i], NULL if it is not there. Unknown and
 * duplicate keys are diagnosed and passed over. `what` names the mapping: "an entry of `allow`".
 */
bool me_read_map(struct me_reader *reader, const struct me_node *node, const char *what,
		 const char *const *keys, size_t n, const struct me_node **ret_values);

/* Diagnoses a mapping without the key. */
void me_read_missing(struct me_reader *reader, const struct me_node *map, const char *key,
		     const char *expected);

/* Walks the items of a list; a value that is no list is its own only item; NULL has none. */
struct me_items {
	const struct me_node *next;
	size_t left;
};

struct me_items me_read_items(const struct me_node *node);
const struct me_node *me_items_next(struct me_items *items);

/* A text of 1 to `max` bytes. */
bool me_read_text(struct me_reader *reader, const struct me_node *node, const char *expected,
		  size_t max, const char **ret_text);
bool me_read_bool(struct me_reader *reader, const struct me_node *node, bool *ret_value);

/* One of `words`; the index. */
bool me_read_word(struct me_reader *reader, const struct me_node *node, const char *const *words,
		  size_t n, size_t *ret_index);
bool me_read_mode(struct me_reader *reader, const struct me_node *node, enum me_mode *ret_mode);
bool me_read_count(struct me_reader *reader, const struct me_node *node, uint64_t min, uint64_t max,
		   uint64_t *ret_count);

/* "30m", in ns. The bounds are durations as text. */
bool me_read_duration(struct me_reader *reader, const struct me_node *node, const char *min,
		      const char *max, uint64_t *ret_ns);

/* "64MiB": bytes, or KiB, MiB, GiB, TiB. The bounds are sizes as text. */
bool me_read_size(struct me_reader *reader, const struct me_node *node, const char *min,
		  const char *max, uint64_t *ret_bytes);

#endif
