/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_POLICY_H
#define MEWATCH_POLICY_POLICY_H

/*
 * The policy as written: the site file merged with its vendor profile, checked, with the place of
 * everything. DESIGN, "The policy", is the language. Read-only once it is loaded and the command line
 * was heard.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cleanup.h"
#include "mewatch/address.h"
#include "mewatch/image.h"

struct me_arena;
struct me_diagnostics;

/* Limits of what one policy may hold; each is an error that names it. */
#define ME_POLICY_FILE_MAX (64u << 20) /* bytes of one file */
#define ME_POLICY_DEPTH_MAX 16u        /* nesting */
#define ME_POLICY_NODES_MAX 4000000u   /* values of one file */
#define ME_POLICY_NAMES_MAX 200000u
#define ME_POLICY_ADDRESSES_MAX 2000000u
#define ME_POLICY_RULES_MAX 65536u
#define ME_POLICY_PORTS_MAX 1024u /* port ranges of one rule */
#define ME_POLICY_INTERFACES_MAX 256u
#define ME_POLICY_HOSTS_MAX 4096u
#define ME_POLICY_ERRORS_MAX 100u /* errors told in one run */
#define ME_POLICY_LABEL_MAX 63u   /* bytes of a service */
#define ME_POLICY_TEXT_MAX 1024u  /* bytes of a note, a path, a rule's name ... */

#define ME_POLICY_PROFILE_DEFAULT "mailessentials"

/* Where something is written. `file` is owned by the policy. */
struct me_place {
	const char *file;
	unsigned int line;
	unsigned int column;
};

enum me_to_kind {
	ME_TO_ADDRESS,  /* address */
	ME_TO_PREFIX,   /* address and bits (0-128, mapped form) */
	ME_TO_NAME,     /* exact name */
	ME_TO_WILDCARD, /* *.name */
	ME_TO_SUBTREE,  /* **.name */
	ME_TO_ANY,
	ME_TO_LOCAL,
	ME_TO_RESOLVERS,
	ME_TO_PROXY,
	ME_TO_PEERS,
};

struct me_to {
	enum me_to_kind kind;
	struct me_addr address;
	uint8_t bits;
	/* As the endpoint is called: "meupdate.gfi.com", "*.mailshell.net", "any"; names in lower case, no trailing dot. */
	const char *text;
	const char *name; /* the name without "*." or "**."; NULL for the other kinds */
	struct me_place at;
};

/* Ports low..high of one protocol; protocols without ports have 0..0 and any_port false. */
struct me_ports {
	uint8_t proto;
	uint16_t low, high; /* host order, inclusive; tcp/'*' is 0-65535 */
};

enum me_rule_passive {
	ME_PASSIVE_NOT_FTP,
	ME_PASSIVE_DEFAULT,
	ME_PASSIVE_ANNOUNCED,
	ME_PASSIVE_DOCUMENTED,
	ME_PASSIVE_ANY
};

struct me_rule {
	const char *service;
	const char *name; /* as written, or NULL */
	const char *slug; /* stable and unique: service/name, or service/first destination; "#2" for
			   * the second that would be called the same */
	struct me_to *to;
	size_t n_to;
	struct me_ports *ports;
	size_t n_ports;
	bool from_profile; /* site rules win ties */
	bool private_space;
	bool retired;
	bool has_mode; /* else it is the policy's */
	enum me_mode mode;
	enum me_rule_passive passive;
	uint64_t expect_ns; /* 0: none */
	uint64_t until_ns;  /* 0: none; else epoch ns, first moment at which it no longer holds */
	const char *note;
	const char *source; /* of a profile's entry: the document */
	struct me_place at;
};

enum me_resolvers_kind { ME_RESOLVERS_SYSTEM, ME_RESOLVERS_LIST, ME_RESOLVERS_RECURSIVE };

/* A resolver, or a local stub with the servers that it asks. */
struct me_resolver {
	struct me_addr address;
	bool stub;
	struct me_addr *upstream;
	size_t n_upstream;
};

struct me_resolvers {
	enum me_resolvers_kind kind;
	struct me_resolver *list;
	size_t n_list;
	const char *recursive_cgroup; /* or NULL */
	const char *recursive_exe;    /* or NULL */
	struct me_place at;
};

/* A mail host of the transit vantage: an address, a prefix or a MAC address. */
struct me_watch_host {
	bool is_mac;
	uint8_t mac[6];
	struct me_addr address;
	uint8_t bits; /* 128: one address */
	struct me_place at;
};

struct me_limits {
	uint32_t flows;
	uint32_t learned;
	uint64_t pending_ns, grace_ns, warmup_ns, ftp_ns, udp_idle_ns;
	uint64_t tcp_syn_ns, tcp_idle_ns; /* in transit */
};

struct me_policy {
	const char *path;     /* of the site file, or NULL: only the profile */
	const char *profile;  /* its name or path */
	char sha256[65];      /* of all files read, hexadecimal */
	const char **cgroups; /* none: no process is watched */
	size_t n_cgroups;
	const char **interfaces; /* unique; none: nothing is watched in transit */
	struct me_place *interfaces_at;
	size_t n_interfaces;
	struct me_watch_host *hosts; /* their numbers begin with 1 */
	size_t n_hosts;
	bool watch_whole; /* neither is named: `cgroups` is the root alone, for this whole machine */
	struct me_resolvers resolvers;
	bool has_proxy;
	struct me_to proxy; /* ME_TO_ADDRESS or ME_TO_NAME */
	uint16_t proxy_port;
	struct me_addr *peers;
	size_t n_peers;
	bool strict_names;
	enum me_mode mode; /* of violations that no rule with a mode claims */
	uint32_t refuse;   /* sockets that are refused with them: a bit for each enum me_blind */
	bool on_exit_open;
	struct me_ports *remoting; /* ports */
	size_t n_remoting;
	const char **remoting_processes;
	size_t n_remoting_processes;
	const char **ip_zones; /* built-in ones included, lower case */
	size_t n_ip_zones;
	const char **uri_zones;
	size_t n_uri_zones;
	struct me_limits limits;
	bool history_off;
	uint64_t history_keep_ns;
	uint64_t history_size;
	struct me_rule *rules; /* site rules in file order, then the profile's */
	size_t n_rules;
	const char *title;  /* what the profile says of itself, or NULL */
	const char *source; /* the document it was written from, or NULL */
	const char *date;   /* of that document, as written, or NULL */
	const char
		*shipped; /* file of the built-in profile in force; NULL if the profile is a path */
	struct me_place watch_at; /* file NULL: there is no `watch:` */
	struct me_arena *arena;   /* owns all of the above */
};

/* What the command line says of what is watched; the arrays are borrowed. */
struct me_watch_options {
	const char *const *cgroups;
	size_t n_cgroups;
	const char *const *interfaces;
	size_t n_interfaces;
	const char *const *hosts; /* addresses, prefixes, MAC addresses */
	size_t n_hosts;
};

/*
 * Loads the site file at `path` (NULL: none) with the profile it names. `profile` overrides the
 * file's `profile:` when not NULL; without either it is ME_POLICY_PROFILE_DEFAULT. Everything that
 * is wrong is told in `diagnostics`. 0, -EINVAL (diagnosed errors), -ENOMEM, or a negative errno of
 * reading `path`, which is diagnosed as well. *ret_policy is set on 0 only; the caller frees it.
 */
int me_policy_load(const char *path, const char *profile, struct me_diagnostics *diagnostics,
		   struct me_policy **ret_policy);

/* The same for a site file that is in memory: `path` is what it is called. */
int me_policy_parse(const char *path, const char *text, size_t size, const char *profile,
		    struct me_diagnostics *diagnostics, struct me_policy **ret_policy);

/*
 * Puts what the options name in the place of the whole `watch:`, read as the policy's is; without any
 * the policy stays as it is. 0, or -EINVAL (diagnosed, with the option as the file) and -ENOMEM, after
 * which the policy is good for nothing but to be freed.
 */
int me_policy_watch(struct me_policy *policy, const struct me_watch_options *options,
		    struct me_diagnostics *diagnostics);

void me_policy_free(struct me_policy **policy);
ME_DEFINE_CLEANUP(struct me_policy *, me_policy_free)

/* Whether the time of its `until:` is over, so that it holds no more. */
bool me_rule_expired(const struct me_rule *rule, uint64_t now_epoch_ns);

/*
 * The rule whose `mode:` violations on that port have: the first one in force that has a mode and names
 * the port, the site's before the profile's. NULL: theirs is the policy's.
 */
const struct me_rule *me_policy_mode_rule(const struct me_policy *policy, uint64_t now_epoch_ns,
					  uint8_t proto, uint16_t port);

#endif
