/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_TREE_GROUP_H
#define MEWATCH_EXPORT_TREE_GROUP_H

/* One group of flows: which it is, its sums, and how it is written. For tree.c. */
#include "export/pick.h"
#include "export/tree.h"

enum me_tree_by { ME_TREE_BY_ORIGIN, ME_TREE_BY_ENDPOINT, ME_TREE_BY_COUNT };

/* What the flows of a group have in common; the rest of it is zero. */
struct me_tree_key {
	struct me_addr host;    /* in transit, by origin */
	char comm[ME_COMM_LEN]; /* where there is no program */
	uint32_t exe;           /* me_ledger_text() */
	uint32_t endpoint;
	uint16_t service;
	uint16_t zero[3];
};

/* Which groups show their flows. */
struct me_tree_folds {
	bool all; /* but those that are named */
	uint64_t named[ME_TREE_FOLDS_MAX];
	size_t n;
};

struct me_tree_group {
	uint64_t id;
	struct me_tree_key key;
	struct me_pick first; /* of its flows, in the order; then what the group is sorted by */
	uint64_t sum;         /* of the numbers that it is sorted by */
	size_t flows, open;
	size_t verdicts[ME_VERDICT_COUNT];
	uint64_t first_ns, last_ns;
	uint64_t bytes_sent, bytes_received, packets_sent, packets_received;
	uint64_t sent_per_s, received_per_s;
	bool unfolded;
	size_t line;
	struct me_picks members; /* of those that are asked for */
};

/* Reads `group` and `unfold`. 0, or -EINVAL with one line in `error`. */
int me_tree_read(const struct me_query *query, enum me_tree_by *ret_by,
		 struct me_tree_folds *ret_folds, struct me_strbuf *error);

struct me_tree_key me_tree_key(enum me_tree_by by, const struct me_ledger_flow *flow);

/* An empty group. */
void me_tree_group_begin(struct me_tree_group *group, enum me_tree_by by,
			 const struct me_tree_key *key, const struct me_ledger *ledger,
			 const struct me_tree_folds *folds);
void me_tree_group_add(struct me_tree_group *group, const struct me_pick *pick, bool descending);

/*
 * Says in `first` what the group is sorted by: sums where the field adds up, its worst verdict, its
 * own name for that of a destination, else what its first flow has. `order` is for equal ones.
 */
void me_tree_group_rank(struct me_tree_group *group, enum me_tree_by by, const char *field,
			size_t order);

/* The id as 16 hexadecimal digits and a NUL. */
void me_tree_group_id(const struct me_tree_group *group, char out[17]);
int me_tree_group_write(const struct me_tree_group *group, enum me_tree_by by,
			struct me_strbuf *out);

#endif
