/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_SETTINGS_H
#define MEWATCH_POLICY_SETTINGS_H

/* Everything of a policy file but its rules. */
#include "policy/read.h"

/* The parts of a file that are read later, when both files are known. NULL: not there. */
struct me_sections {
	const struct me_node *allow;
	const struct me_node *remove;
	const struct me_node *override;
	struct me_place remoting_at; /* of `remoting: {ports:}`; file NULL if it is not there */
	const char *remoting_source;
};

/* What holds where neither file says anything. */
void me_settings_default(struct me_policy *policy);

/*
 * Reads the keys of a file's top level into `policy`. Lists replace what is there, zones are added.
 * `root` NULL (an empty file) is diagnosed.
 */
void me_read_settings(struct me_reader *reader, const struct me_node *root,
		      struct me_policy *policy, struct me_sections *ret_sections);

/* `watch:` and `resolvers:`, which have files of their own. */
void me_read_watch(struct me_reader *reader, const struct me_node *node, struct me_policy *policy);
/* Once all is read: who names neither control groups nor interfaces means this whole machine. */
void me_watch_whole(struct me_reader *reader, struct me_policy *policy);
void me_read_resolvers(struct me_reader *reader, const struct me_node *node,
		       struct me_resolvers *resolvers);

/* A list of absolute paths. */
void me_read_paths(struct me_reader *reader, const struct me_node *node, const char ***ret_paths,
		   size_t *ret_n);

/* A list of addresses. */
void me_read_addresses(struct me_reader *reader, const struct me_node *node,
		       struct me_addr **ret_addresses, size_t *ret_n);

#endif
