/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_YAML_H
#define MEWATCH_POLICY_YAML_H

/*
 * YAML text -> a tree of nodes with their places. The subset: one document, UTF-8, no anchors,
 * aliases or tags, ME_POLICY_DEPTH_MAX levels, ME_POLICY_NODES_MAX nodes.
 */
#include <stdint.h>
#include "policy/arena.h"
#include "policy/diagnostics.h"

enum me_node_kind {
	ME_NODE_SCALAR,
	ME_NODE_LIST,
	ME_NODE_MAP,
	ME_NODE_BAD, /* was diagnosed when it was read; nothing more is to be said of it */
};

struct me_node {
	enum me_node_kind kind;
	uint32_t line;   /* from 1 */
	uint32_t column; /* from 1, in characters */
	uint32_t count;  /* of children, or bytes of text */
	union {
		const char *text;      /* NUL-terminated, without another NUL */
		struct me_node *first; /* of a map: key, value, key, value … */
	};
	struct me_node *next;
};

/*
 * Parses `size` bytes of `text`, called `file` in the diagnostics; the nodes live in `arena`. 0,
 * -EINVAL (diagnosed, and there is no tree) or -ENOMEM. Nodes of kind ME_NODE_BAD are diagnosed as
 * well, but there is a tree. *ret_root is NULL for a file without a document.
 */
int me_yaml_parse(struct me_arena *arena, const char *file, const char *text, size_t size,
		  struct me_diagnostics *diagnostics, const struct me_node **ret_root);

#endif
