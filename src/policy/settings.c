/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/settings.h"

#include <string.h>
#include "base/clock.h"
#include "policy/endpoint.h"
#include "policy/ports.h"
#include "policy/zones.h"

enum key {
	KEY_VERSION,
	KEY_PROFILE,
	KEY_TITLE,
	KEY_SOURCE,
	KEY_DATE,
	KEY_WATCH,
	KEY_RESOLVERS,
	KEY_PROXY,
	KEY_PEERS,
	KEY_STRICT_NAMES,
	KEY_REMOTING,
	KEY_DNS,
	KEY_MODE,
	KEY_REFUSE_SOCKETS,
	KEY_ON_EXIT,
	KEY_LIMITS,
	KEY_HISTORY,
	KEY_REMOVE,
	KEY_OVERRIDE,
	KEY_ALLOW,
	KEYS,
};

static const char *const keys[] = {
	"version", "profile", "title",        "source",   "date",     "watch", "resolvers",
	"proxy",   "peers",   "strict_names", "remoting", "dns",      "mode",  "refuse_sockets",
	"on_exit", "limits",  "history",      "remove",   "override", "allow",
};

void me_settings_default(struct me_policy *policy)
{
	policy->limits = (struct me_limits){
		.flows = 65536,
		.learned = 65536,
		.pending_ns = 10 * ME_NS_PER_S,
		.grace_ns = 30 * 60 * ME_NS_PER_S,
		.warmup_ns = 30 * 60 * ME_NS_PER_S,
		.ftp_ns = 60 * ME_NS_PER_S,
		.udp_idle_ns = 180 * ME_NS_PER_S,
		.tcp_syn_ns = 10 * ME_NS_PER_S,
		.tcp_idle_ns = 2 * 3600 * ME_NS_PER_S,
	};
	policy->history_keep_ns = 400 * 24 * 3600 * ME_NS_PER_S;
	policy->history_size = 1ull << 30;
}

static void read_count32(struct me_reader *reader, const struct me_node *node, uint64_t min,
			 uint64_t max, uint32_t *ret_count)
{
	uint64_t count;

	if (me_read_count(reader, node, min, max, &count))
		*ret_count = (uint32_t)count;
}

static void read_limits(struct me_reader *reader, const struct me_node *node,
			struct me_limits *limits)
{
	static const char *const names[] = {"flows", "learned",  "pending", "grace",   "warmup",
					    "ftp",   "udp_idle", "tcp_syn", "tcp_idle"};
	const struct me_node *v[ME_ARRAY_SIZE(names)];

	if (!me_read_map(reader, node, "`limits`", names, ME_ARRAY_SIZE(names), v))
		return;
	read_count32(reader, v[0], 16, 16777216, &limits->flows);
	read_count32(reader, v[1], 16, 16777216, &limits->learned);
	me_read_duration(reader, v[2], "10ms", "1h", &limits->pending_ns);
	me_read_duration(reader, v[3], "0s", "7d", &limits->grace_ns);
	me_read_duration(reader, v[4], "0s", "7d", &limits->warmup_ns);
	me_read_duration(reader, v[5], "10ms", "1h", &limits->ftp_ns);
	me_read_duration(reader, v[6], "10ms", "1d", &limits->udp_idle_ns);
	me_read_duration(reader, v[7], "10ms", "1h", &limits->tcp_syn_ns);
	me_read_duration(reader, v[8], "10ms", "30d", &limits->tcp_idle_ns);
}

static void read_history(struct me_reader *reader, const struct me_node *node,
			 struct me_policy *policy)
{
	static const char *const names[] = {"keep", "size"};
	const struct me_node *v[ME_ARRAY_SIZE(names)];

	if (node && node->kind == ME_NODE_SCALAR) {
		policy->history_off = !strcmp(node->text, "off");
		if (!policy->history_off)
			me_read_unexpected(reader, node, "unknown-word",
					   "`off`, or a mapping: {keep: 400d, size: 1GiB}");
		return;
	}
	if (!me_read_map(reader, node, "`history`", names, ME_ARRAY_SIZE(names), v))
		return;
	policy->history_off = false;
	me_read_duration(reader, v[0], "1h", "3650d", &policy->history_keep_ns);
	me_read_size(reader, v[1], "1MiB", "1TiB", &policy->history_size);
}

static void read_remoting(struct me_reader *reader, const struct me_node *node,
			  struct me_policy *policy, struct me_sections *sections)
{
	static const char *const names[] = {"ports", "processes", "source"};
	const struct me_node *v[ME_ARRAY_SIZE(names)];

	if (!me_read_map(reader, node, "`remoting`", names, ME_ARRAY_SIZE(names), v))
		return;
	if (me_read_ports(reader, v[0], &policy->remoting, &policy->n_remoting))
		sections->remoting_at = me_read_place(reader, v[0]);
	me_read_paths(reader, v[1], &policy->remoting_processes, &policy->n_remoting_processes);
	me_read_text(reader, v[2], "a text", ME_POLICY_TEXT_MAX, &sections->remoting_source);
}

/* Adds zones to those that are there. */
static void read_zones(struct me_reader *reader, const struct me_node *node, const char ***zones,
		       size_t *n)
{
	struct me_items items = me_read_items(node);
	const struct me_node *item;
	const char **all;

	if (!items.left)
		return;
	all = me_read_alloc(reader, *n + items.left, sizeof(*all));
	if (!all)
		return;
	if (*n)
		memcpy(all, *zones, *n * sizeof(*all));
	*zones = all;
	while ((item = me_items_next(&items))) {
		if (me_read_within(reader, item, &reader->names, ME_POLICY_NAMES_MAX, "names") &&
		    me_read_name(reader, item, &all[*n]))
			++*n;
	}
}

static void read_dns(struct me_reader *reader, const struct me_node *node, struct me_policy *policy)
{
	static const char *const names[] = {"ip_zones", "uri_zones"};
	const struct me_node *v[ME_ARRAY_SIZE(names)];

	if (!me_read_map(reader, node, "`dns`", names, ME_ARRAY_SIZE(names), v))
		return;
	read_zones(reader, v[0], &policy->ip_zones, &policy->n_ip_zones);
	read_zones(reader, v[1], &policy->uri_zones, &policy->n_uri_zones);
}

/* Kinds of sockets that a hook sees when they are made. */
static void read_refuse(struct me_reader *reader, const struct me_node *node, uint32_t *ret_refuse)
{
	struct me_items items = me_read_items(node);
	const char *words[ME_BLIND_PACKET];
	const struct me_node *item;
	size_t word;

	if (node)
		*ret_refuse = 0; /* whatever the profile says */
	for (unsigned int kind = 0; kind < ME_BLIND_PACKET; kind++)
		words[kind] = me_blind_label(kind);
	while ((item = me_items_next(&items)))
		if (me_read_word(reader, item, words, ME_BLIND_PACKET, &word))
			*ret_refuse |= 1u << word;
}

static void read_version(struct me_reader *reader, const struct me_node *root,
			 const struct me_node *node)
{
	if (!node)
		me_read_missing(reader, root, "version", "`version: 1`");
	else if (node->kind != ME_NODE_SCALAR || strcmp(node->text, "1") != 0)
		me_read_unexpected(reader, node, "bad-version", "1, the only version there is");
}

/* What only a site file may say: which profile, and what of it does not apply. */
static void refuse_in_profile(struct me_reader *reader, const struct me_node **v)
{
	static const enum key site_only[] = {KEY_PROFILE, KEY_REMOVE, KEY_OVERRIDE};

	for (size_t i = 0; i < ME_ARRAY_SIZE(site_only); i++) {
		if (v[site_only[i]])
			me_read_error(reader, v[site_only[i]], "not-in-profile",
				      "`%s:` in a profile, expected in the site file only",
				      keys[site_only[i]]);
	}
}

void me_read_settings(struct me_reader *reader, const struct me_node *root,
		      struct me_policy *policy, struct me_sections *ret_sections)
{
	static const char *const on_exit[] = {"keep", "open"};
	const struct me_place start = {reader->file, 1, 1};
	const struct me_node *v[KEYS];
	size_t word;

	*ret_sections = (struct me_sections){0};
	if (!root)
		me_diagnostics_add(reader->diagnostics, ME_ERROR, &start, "empty",
				   "nothing in the file, expected `version: 1` and the policy");
	if (!me_read_map(reader, root, "a policy", keys, KEYS, v))
		return;
	read_version(reader, root, v[KEY_VERSION]);
	if (reader->profile)
		refuse_in_profile(reader, v);
	me_read_text(reader, v[KEY_TITLE], "a text", ME_POLICY_TEXT_MAX, &policy->title);
	me_read_text(reader, v[KEY_SOURCE], "a text", ME_POLICY_TEXT_MAX, &policy->source);
	me_read_text(reader, v[KEY_DATE], "a text", ME_POLICY_TEXT_MAX, &policy->date);
	me_read_watch(reader, v[KEY_WATCH], policy);
	me_read_resolvers(reader, v[KEY_RESOLVERS], &policy->resolvers);
	if (me_read_hostport(reader, v[KEY_PROXY], &policy->proxy, &policy->proxy_port))
		policy->has_proxy = true;
	me_read_addresses(reader, v[KEY_PEERS], &policy->peers, &policy->n_peers);
	me_read_bool(reader, v[KEY_STRICT_NAMES], &policy->strict_names);
	read_remoting(reader, v[KEY_REMOTING], policy, ret_sections);
	read_dns(reader, v[KEY_DNS], policy);
	me_read_mode(reader, v[KEY_MODE], &policy->mode);
	read_refuse(reader, v[KEY_REFUSE_SOCKETS], &policy->refuse);
	if (me_read_word(reader, v[KEY_ON_EXIT], on_exit, ME_ARRAY_SIZE(on_exit), &word))
		policy->on_exit_open = word == 1;
	read_limits(reader, v[KEY_LIMITS], &policy->limits);
	read_history(reader, v[KEY_HISTORY], policy);
	ret_sections->allow = v[KEY_ALLOW];
	ret_sections->remove = v[KEY_REMOVE];
	ret_sections->override = v[KEY_OVERRIDE];
}
