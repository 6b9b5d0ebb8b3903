/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_TREE_H
#define MEWATCH_EXPORT_TREE_H

/*
 * Flows by who opened them or by the entry of the policy (tools/dist/api.md, "Groups"): groups with
 * their sums, and below those that are unfolded their flows. A window of these lines is written.
 */
#include "export/pick.h"

#define ME_TREE_GROUPS_MAX 16384u /* flows of further ones are counted, not listed */
#define ME_TREE_FOLDS_MAX 256u    /* groups named by a request */

struct me_tree;

/*
 * Groups the flows of `sel`, which is borrowed and whose offset is set where `query` says around what.
 * 0, -ENOMEM, or -EINVAL with one line in `error`.
 */
int me_tree_new(struct me_selection *sel, const struct me_query *query, struct me_strbuf *error,
		struct me_tree **ret_tree);
void me_tree_free(struct me_tree **tree);
ME_DEFINE_CLEANUP(struct me_tree *, me_tree_free)
#define _cleanup_tree_ _cleanup_(me_tree_freep)

/* Flows in all and those that the filter left. */
void me_tree_counts(const struct me_tree *tree, size_t *ret_total, size_t *ret_matched);
/* Members of the answer that go before the lines. */
void me_tree_more(const struct me_tree *tree, struct me_json *object);
/* Appends the lines that `sel` asks for, with commas between. 0 or -ENOMEM. */
int me_tree_write(struct me_tree *tree, struct me_strbuf *out);

#endif
