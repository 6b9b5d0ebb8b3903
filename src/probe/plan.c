/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/inet.h"
#include "mewatch/name.h"

#define PORT_FTP_DATA 20
#define PORT_FTP 21
#define PORT_DNS 53
#define PORT_HTTP 80
#define PORT_HTTPS 443

/* How an argument is looked for: one round after the other, until one finds something. */
enum round { BY_ENDPOINT, BY_COVER, BY_ANY, ROUNDS };

/* What an argument says. */
struct wanted {
	const char *text;
	const char *name; /* NULL: it is `address`, or no name at all */
	bool is_address;
	struct me_addr address;
};

struct planner {
	const struct me_policy *policy;
	const struct me_probe_servers *resolvers;
	uint64_t now_epoch_ns;
	struct me_probe_plan *plan;
	size_t found; /* entries that were meant, also those that are in the plan already */
};

/* --- Targets ------------------------------------------------------------------------------------ */

/* What is not probed is known by its entry alone. */
static bool same(const struct me_probe_target *a, const struct me_probe_target *b)
{
	if (a->ports.proto != b->ports.proto || a->ports.low != b->ports.low ||
	    a->ports.high != b->ports.high)
		return false;
	if (!a->method || !b->method)
		return strcmp(a->to->text, b->to->text) == 0;
	if (a->name && b->name)
		return strcmp(a->name, b->name) == 0;
	return !a->name && !b->name && me_addr_equal(&a->address, &b->address);
}

static int add(struct planner *p, const struct me_probe_target *target)
{
	struct me_probe_plan *plan = p->plan;

	for (size_t i = 0; i < plan->n; i++)
		if (same(&plan->targets[i], target))
			return 0;
	if (plan->n == ME_PROBE_TARGETS_MAX)
		return -E2BIG;
	if (!plan->targets)
		plan->targets = calloc(ME_PROBE_TARGETS_MAX, sizeof(*target));
	if (!plan->targets)
		return -ENOMEM;
	plan->targets[plan->n++] = *target;
	return 0;
}

static enum me_probe_method tcp_method(enum me_to_kind kind, uint16_t port)
{
	if (kind == ME_TO_PROXY)
		return ME_PROBE_BY_CONNECT;
	switch (port) {
	case PORT_HTTPS:
		return ME_PROBE_BY_TLS;
	case PORT_HTTP:
		return ME_PROBE_BY_HTTP;
	case PORT_FTP:
		return ME_PROBE_BY_FTP;
	case PORT_FTP_DATA:
		return ME_PROBE_BY_NONE;
	default:
		return ME_PROBE_BY_CONNECT;
	}
}

/* One TCP port of a target that is somebody. */
static int add_tcp(struct planner *p, struct me_probe_target *target, uint16_t port)
{
	target->ports.low = target->ports.high = port;
	target->method = tcp_method(target->to->kind, port);
	if (!target->method)
		target->why_not = "the server calls from this port, in active mode";
	return add(p, target);
}

static int add_ports(struct planner *p, const struct me_probe_target *who,
		     const struct me_ports *ports)
{
	struct me_probe_target target = *who;
	int err = 0;

	target.ports = *ports;
	if (target.why_not)
		return add(p, &target);
	if (ports->proto == IPPROTO_TCP && ports->high - ports->low < (int)ME_PROBE_PORTS_MAX) {
		for (uint32_t port = ports->low; !err && port <= ports->high; port++)
			err = add_tcp(p, &target, (uint16_t)port);
		return err;
	}
	if (ports->proto == IPPROTO_UDP && ports->low == PORT_DNS && ports->high == PORT_DNS &&
	    who->to->kind == ME_TO_RESOLVERS)
		target.method = ME_PROBE_BY_DNS;
	else if (ports->proto == IPPROTO_TCP)
		target.why_not = "a wide range of ports";
	else
		target.why_not = "no protocol that everybody answers to";
	return add(p, &target);
}

/* `name`, else `address`; `why_not` if it is nobody in particular. */
static int add_one(struct planner *p, const struct me_rule *rule, const struct me_to *to,
		   const char *name, const struct me_addr *address, const char *why_not)
{
	bool by_address = to->kind == ME_TO_ADDRESS || to->kind == ME_TO_PREFIX;
	struct me_probe_target who = {
		.rule = rule,
		.to = to,
		.endpoint = by_address ? rule->slug : to->text,
		.name = name,
		.why_not = why_not,
	};
	int err = 0;

	if (address)
		who.address = *address;
	for (size_t i = 0; !err && i < rule->n_ports; i++)
		err = add_ports(p, &who, &rule->ports[i]);
	return err;
}

static int add_each(struct planner *p, const struct me_rule *rule, const struct me_to *to,
		    const struct me_addr *list, size_t n)
{
	int err = 0;

	if (!n)
		return add_one(p, rule, to, NULL, NULL, "nobody is configured");
	for (size_t i = 0; !err && i < n; i++)
		err = add_one(p, rule, to, NULL, &list[i], NULL);
	return err;
}

/* A destination as the policy has it. */
static int add_entry(struct planner *p, const struct me_rule *rule, const struct me_to *to)
{
	const struct me_policy *policy = p->policy;

	switch (to->kind) {
	case ME_TO_ADDRESS:
		return add_one(p, rule, to, NULL, &to->address, NULL);
	case ME_TO_NAME:
		return add_one(p, rule, to, to->name, NULL, NULL);
	case ME_TO_RESOLVERS:
		return add_each(p, rule, to, p->resolvers->list, p->resolvers->n);
	case ME_TO_PEERS:
		return add_each(p, rule, to, policy->peers, policy->n_peers);
	case ME_TO_PROXY:
		return policy->has_proxy ? add_one(p, rule, to, policy->proxy.name,
						   &policy->proxy.address, NULL)
					 : add_each(p, rule, to, NULL, 0);
	case ME_TO_WILDCARD:
	case ME_TO_SUBTREE:
		return add_one(p, rule, to, NULL, NULL,
			       "a wildcard cannot be probed itself: name one that it covers");
	case ME_TO_PREFIX:
		return add_one(p, rule, to, NULL, NULL, "a prefix: name an address in it");
	case ME_TO_ANY:
		return add_one(p, rule, to, NULL, NULL, "anybody: name one");
	case ME_TO_LOCAL:
		return add_one(p, rule, to, NULL, NULL, "on this machine only");
	}
	return 0;
}

/* --- Arguments ---------------------------------------------------------------------------------- */

/* Whether `name` lies below `parent`; `one`: by one label. */
static bool is_below(const char *name, const char *parent, bool one)
{
	size_t n = strlen(name), length = strlen(parent);

	if (n < length + 2 || name[n - length - 1] != '.' || strcmp(name + n - length, parent) != 0)
		return false;
	return !one || !memchr(name, '.', n - length - 1);
}

static bool is_among(const struct me_addr *address, const struct me_addr *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (me_addr_equal(address, &list[i]))
			return true;
	return false;
}

static bool covers(const struct planner *p, const struct me_to *to, const struct wanted *wanted)
{
	switch (to->kind) {
	case ME_TO_WILDCARD:
	case ME_TO_SUBTREE:
		return wanted->name && is_below(wanted->name, to->name, to->kind == ME_TO_WILDCARD);
	case ME_TO_ADDRESS:
	case ME_TO_PREFIX:
		return wanted->is_address && me_addr_in(&wanted->address, &to->address, to->bits);
	case ME_TO_RESOLVERS:
		return wanted->is_address &&
		       is_among(&wanted->address, p->resolvers->list, p->resolvers->n);
	case ME_TO_PEERS:
		return wanted->is_address &&
		       is_among(&wanted->address, p->policy->peers, p->policy->n_peers);
	default:
		return false;
	}
}

/* One destination, if that is what is wanted; all are if nothing is. */
static int consider(struct planner *p, const struct me_rule *rule, const struct me_to *to,
		    const struct wanted *wanted, enum round round)
{
	bool by_address = to->kind == ME_TO_ADDRESS || to->kind == ME_TO_PREFIX;
	bool meant;

	if (!wanted)
		return rule->retired ? add_one(p, rule, to, NULL, NULL, "retired: name it")
				     : add_entry(p, rule, to);
	if (round == BY_ENDPOINT)
		meant = !strcmp(by_address ? rule->slug : to->text, wanted->name ?: wanted->text);
	else if (round == BY_COVER)
		meant = covers(p, to, wanted);
	else
		meant = to->kind == ME_TO_ANY && wanted->is_address;
	if (!meant)
		return 0;
	p->found++;
	return round == BY_ENDPOINT ? add_entry(p, rule, to)
				    : add_one(p, rule, to, wanted->name, &wanted->address, NULL);
}

static int look(struct planner *p, const struct wanted *wanted, enum round round)
{
	int err = 0;

	for (size_t i = 0; i < p->policy->n_rules; i++) {
		const struct me_rule *rule = &p->policy->rules[i];

		if (me_rule_expired(rule, p->now_epoch_ns))
			continue;
		for (size_t k = 0; !err && k < rule->n_to; k++)
			err = consider(p, rule, &rule->to[k], wanted, round);
	}
	return err;
}

/* A name in lower case without a trailing dot, which the plan keeps; NULL in it: the text is none. */
static int read_name(struct me_probe_plan *plan, const char *text, const char **ret_name)
{
	size_t length = strlen(text);
	struct me_name name;
	char *copy;

	*ret_name = NULL;
	if (length > 1 && text[length - 1] == '.')
		length--;
	copy = strndup(text, length);
	if (!copy)
		return -ENOMEM;
	plan->names[plan->n_names++] = copy;
	for (char *c = copy; *c; c++) {
		*c = (char)tolower((unsigned char)*c);
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return 0;
	}
	if (me_name_from_text(copy, &name) == 0)
		*ret_name = copy;
	return 0;
}

static int add_argument(struct planner *p, const char *text)
{
	struct wanted wanted = {.text = text};
	int err = 0;

	wanted.is_address = me_inet_parse(text, wanted.address.byte) == 0;
	if (!wanted.is_address)
		err = read_name(p->plan, text, &wanted.name);
	p->found = 0;
	for (enum round round = BY_ENDPOINT; !err && !p->found && round < ROUNDS; round++)
		err = look(p, &wanted, round);
	return err || p->found ? err : -ENOENT;
}

int me_probe_plan(const struct me_policy *policy, const struct me_probe_servers *resolvers,
		  uint64_t now_epoch_ns, const char *const *arguments, size_t n_arguments,
		  struct me_probe_plan *ret_plan, const char **ret_unknown)
{
	struct planner p = {policy, resolvers, now_epoch_ns, ret_plan, 0};
	int err = 0;

	*ret_plan = (struct me_probe_plan){0};
	if (!n_arguments)
		return look(&p, NULL, BY_ENDPOINT);
	ret_plan->names = calloc(n_arguments, sizeof(*ret_plan->names));
	if (!ret_plan->names)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n_arguments; i++) {
		err = add_argument(&p, arguments[i]);
		if (err == -ENOENT)
			*ret_unknown = arguments[i];
	}
	return err;
}

void me_probe_plan_free(struct me_probe_plan *plan)
{
	for (size_t i = 0; i < plan->n_names; i++)
		free(plan->names[i]);
	free(plan->names);
	free(plan->targets);
	*plan = (struct me_probe_plan){0};
}
