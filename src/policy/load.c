/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/text.h"
#include "policy/builtin.h"
#include "policy/digest.h"
#include "policy/implied.h"
#include "policy/merge.h"
#include "policy/rules.h"
#include "policy/settings.h"
#include "policy/zones.h"

#define SHOWN_LEN 512 /* of a path in a message */

/* One of the two files of a policy. */
struct source {
	const char *file; /* what it is called; in the policy's arena */
	const char *text; /* NULL: there is no such file */
	size_t size;
	const struct me_node *root;
	struct me_sections sections;
	struct me_rules rules;
};

struct loader {
	struct me_reader reader;
	struct me_arena *nodes; /* the trees, not needed any more once the policy is built */
	struct me_policy *policy;
	struct source site;
	struct source profile;
	char *profile_text; /* to free, if it was read from a file */
};

static void loader_end(struct loader *loader)
{
	me_rules_clear(&loader->site.rules);
	me_rules_clear(&loader->profile.rules);
	me_arena_free(&loader->nodes);
	me_policy_free(&loader->policy);
	free(loader->profile_text);
}

void me_policy_free(struct me_policy **policy)
{
	struct me_arena *arena;

	if (!*policy)
		return;
	arena = (*policy)->arena;
	*policy = NULL;
	me_arena_free(&arena); /* the policy itself is in it */
}

static int loader_begin(struct loader *loader, struct me_diagnostics *diagnostics)
{
	_cleanup_(me_arena_freep) struct me_arena *arena = me_arena_new();

	if (!arena)
		return -ENOMEM;
	loader->policy = me_arena_alloc(arena, 1, sizeof(*loader->policy));
	if (!loader->policy)
		return -ENOMEM;
	loader->policy->arena = me_steal_ptr(&arena);
	loader->reader.arena = loader->policy->arena;
	loader->reader.diagnostics = diagnostics;
	loader->nodes = me_arena_new();
	if (!loader->nodes)
		return -ENOMEM;
	me_settings_default(loader->policy);
	return me_zones_default(loader->policy);
}

static void tell_unreadable(struct me_diagnostics *diagnostics, const struct me_place *at,
			    const char *path, int err)
{
	char shown[SHOWN_LEN];
	const char *why = strerror(-err);

	if (err == -EISDIR)
		why = "a directory, expected a file";
	else if (err == -EINVAL)
		why = "not a regular file";
	else if (err == -EFBIG)
		why = "larger than 64 MiB";
	me_text_escape(shown, sizeof(shown), path, strlen(path));
	me_diagnostics_add(diagnostics, ME_ERROR, at, "unreadable", "cannot read `%s`: %s", shown,
			   why);
}

/* The text of the scalar at the top-level key `profile`; what is wrong with it is told later. */
static const struct me_node *find_profile(const struct me_node *root)
{
	if (!root || root->kind != ME_NODE_MAP)
		return NULL;
	for (const struct me_node *key = root->first; key; key = key->next->next) {
		if (key->kind == ME_NODE_SCALAR && !strcmp(key->text, "profile"))
			return key->next;
	}
	return NULL;
}

static bool is_path(const char *name)
{
	const char *dot = strrchr(name, '.');

	return strchr(name, '/') || (dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml")));
}

static int tell_unknown_profile(struct loader *loader, const struct me_place *at, const char *name)
{
	const char *names[32];
	char shown[SHOWN_LEN];
	size_t n = 0;
	const char *near;

	while (n < me_n_builtin_profiles && n < ME_ARRAY_SIZE(names)) {
		names[n] = me_builtin_profiles[n].name;
		n++;
	}
	near = me_text_nearest(name, names, n);
	me_text_escape(shown, sizeof(shown), name, strlen(name));
	if (near)
		me_diagnostics_add(loader->reader.diagnostics, ME_ERROR, at, "unknown-profile",
				   "`%s` is no profile; did you mean `%s`?", shown, near);
	else
		me_diagnostics_add(loader->reader.diagnostics, ME_ERROR, at, "unknown-profile",
				   "`%s` is no profile, expected one of `mewatch profiles`, "
				   "or a path with a `/`",
				   shown);
	return -EINVAL;
}

static int open_builtin(struct loader *loader, const struct me_place *at, const char *name)
{
	for (size_t i = 0; i < me_n_builtin_profiles; i++) {
		const struct me_builtin_profile *builtin = &me_builtin_profiles[i];

		if (strcmp(name, builtin->name) != 0)
			continue;
		loader->profile.file = builtin->file;
		loader->profile.text = builtin->text;
		loader->profile.size = builtin->size;
		loader->policy->shipped = builtin->file;
		return 0;
	}
	return tell_unknown_profile(loader, at, name);
}

/* `directory` is where a relative path begins: the site file's path up to its last slash, or "". */
static int open_path(struct loader *loader, const struct me_place *at, const char *directory,
		     int directory_length, const char *name)
{
	_cleanup_free_ char *path = NULL;
	int err;

	if (asprintf(&path, "%.*s%s", name[0] == '/' ? 0 : directory_length, directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	loader->profile.file = me_read_copy(&loader->reader, path, strlen(path));
	if (!loader->profile.file)
		return -ENOMEM;
	err = me_file_read(path, ME_POLICY_FILE_MAX, &loader->profile_text, &loader->profile.size);
	if (err == -ENOMEM)
		return err;
	if (err) {
		tell_unreadable(loader->reader.diagnostics, at, path, err);
		return -EINVAL;
	}
	loader->profile.text = loader->profile_text;
	return 0;
}

/* Finds the profile: `asked` for on the command line, named in the site file, or the default. */
static int open_profile(struct loader *loader, const char *asked)
{
	const struct me_node *node = asked ? NULL : find_profile(loader->site.root);
	const char *slash = loader->site.file ? strrchr(loader->site.file, '/') : NULL;
	const char *name = asked ? asked : ME_POLICY_PROFILE_DEFAULT;
	struct me_place at = {0};

	if (node) {
		loader->reader.file = loader->site.file;
		at = me_read_place(&loader->reader, node);
		if (!me_read_text(&loader->reader, node, "a profile's name, or a path",
				  ME_POLICY_TEXT_MAX, &name))
			return loader->reader.no_memory ? -ENOMEM : -EINVAL;
	}
	loader->policy->profile = me_read_copy(&loader->reader, name, strlen(name));
	if (!loader->policy->profile)
		return -ENOMEM;
	if (!is_path(name))
		return open_builtin(loader, &at, name);
	return open_path(loader, &at, node && slash ? loader->site.file : "",
			 node && slash ? (int)(slash - loader->site.file) + 1 : 0, name);
}

static int read_tree(struct loader *loader, struct source *source)
{
	if (!source->text)
		return 0;
	return me_yaml_parse(loader->nodes, source->file, source->text, source->size,
			     loader->reader.diagnostics, &source->root);
}

static void read_source(struct loader *loader, struct source *source)
{
	struct me_reader *reader = &loader->reader;

	if (!source->text)
		return;
	reader->file = source->file;
	reader->profile = source == &loader->profile;
	me_read_settings(reader, source->root, loader->policy, &source->sections);
	me_read_rules(reader, source->sections.allow, &source->rules);
}

/* Site rules in file order, then the profile's. */
static int build(struct loader *loader)
{
	_cleanup_rules_ struct me_rules profile = {0};
	struct me_rules *site = &loader->site.rules;
	struct me_policy *policy = loader->policy;
	struct me_reader *reader = &loader->reader;
	int err;

	reader->file = loader->site.file;
	err = me_merge(reader, &loader->site.sections, &loader->profile.rules, &profile);
	if (!err)
		err = me_imply_rules(reader, policy, &loader->site.sections, site,
				     &loader->profile.sections, &profile);
	if (err || reader->no_memory)
		return err ? err : -ENOMEM;
	policy->n_rules = site->n + profile.n;
	policy->rules = me_read_alloc(reader, policy->n_rules, sizeof(*policy->rules));
	if (!policy->rules)
		return -ENOMEM;
	if (site->n)
		memcpy(policy->rules, site->list, site->n * sizeof(*site->list));
	if (profile.n)
		memcpy(policy->rules + site->n, profile.list, profile.n * sizeof(*profile.list));
	return me_rules_name_apart(reader, policy->rules, policy->n_rules);
}

static int load(struct loader *loader, const char *profile)
{
	struct me_diagnostics *diagnostics = loader->reader.diagnostics;
	size_t errors = diagnostics->errors;
	int err, profile_err;

	err = read_tree(loader, &loader->site);
	if (err)
		return err;
	profile_err = open_profile(loader, profile);
	if (!profile_err)
		profile_err = read_tree(loader, &loader->profile);
	if (profile_err == -ENOMEM)
		return -ENOMEM;
	if (!profile_err)
		read_source(loader, &loader->profile);
	read_source(loader, &loader->site);
	/* Without the profile each entry of `remove:` would be an error of its own. */
	if (!profile_err) {
		me_watch_whole(&loader->reader, loader->policy);
		err = build(loader);
		if (err)
			return err;
	}
	if (loader->reader.no_memory)
		return -ENOMEM;
	return diagnostics->errors > errors ? -EINVAL : 0;
}

int me_policy_parse(const char *path, const char *text, size_t size, const char *profile,
		    struct me_diagnostics *diagnostics, struct me_policy **ret_policy)
{
	_cleanup_(loader_end) struct loader loader = {0};
	int err = loader_begin(&loader, diagnostics);

	if (!err && text) {
		loader.site.file = me_read_copy(&loader.reader, path, strlen(path));
		loader.policy->path = loader.site.file;
		loader.site.text = text;
		loader.site.size = size;
		err = loader.site.file ? 0 : -ENOMEM;
	}
	if (!err)
		err = load(&loader, profile);
	if (err)
		return err;
	me_digest_texts(text, size, loader.profile.text, loader.profile.size,
			loader.policy->sha256);
	*ret_policy = me_steal_ptr(&loader.policy);
	return 0;
}

int me_policy_load(const char *path, const char *profile, struct me_diagnostics *diagnostics,
		   struct me_policy **ret_policy)
{
	const struct me_place whole = {.file = path};
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int err;

	if (path) {
		err = me_file_read(path, ME_POLICY_FILE_MAX, &text, &size);
		if (err && err != -ENOMEM)
			tell_unreadable(diagnostics, &whole, path, err);
		if (err)
			return err;
	}
	return me_policy_parse(path, text, size, profile, diagnostics, ret_policy);
}
