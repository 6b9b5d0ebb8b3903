/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/lint.h"

#include <string.h>
#include "base/clock.h"
#include "base/text.h"
#include "policy/ports.h"

#define V4_WIDE_BITS (96 + 8) /* shorter prefixes are over-broad */
#define V6_WIDE_BITS 16

void me_lint_tell(struct me_linter *linter, const struct me_place *at, const char *kind,
		  const char *format, ...)
{
	const char *shipped = linter->policy->shipped;
	bool note = shipped && at->file && !strcmp(at->file, shipped);
	va_list arguments;

	va_start(arguments, format);
	me_diagnostics_addv(linter->diagnostics, note ? ME_NOTE : ME_FINDING, at, kind, format,
			    arguments);
	va_end(arguments);
}

bool me_lint_every_port(const struct me_rule *rule)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct me_ports *ports = &rule->ports[i];

		if (me_proto_has_ports(ports->proto) && ports->low <= 1 &&
		    ports->high == UINT16_MAX)
			return true;
	}
	return false;
}

/* Whether the prefix lies in 10/8, 172.16/12, 192.168/16, 100.64/10 or fc00::/7: a site's own. */
static bool is_private(const struct me_to *to)
{
	static const struct {
		uint32_t network;
		uint8_t bits;
	} v4[] = {{0x0a000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}, {0x64400000, 10}};
	uint32_t address = ME_NET32(to->address.word[3]);

	if (!me_addr_is_v4(&to->address))
		return to->bits >= 7 && (to->address.byte[0] & 0xfe) == 0xfc;
	for (size_t i = 0; i < ME_ARRAY_SIZE(v4); i++) {
		if (to->bits >= 96 + v4[i].bits &&
		    (address ^ v4[i].network) >> (32 - v4[i].bits) == 0)
			return true;
	}
	return false;
}

static void lint_prefix(struct me_linter *linter, const struct me_to *to)
{
	bool v4 = me_addr_is_v4(&to->address) && to->bits >= 96;

	if (to->bits < (v4 ? V4_WIDE_BITS : V6_WIDE_BITS) && !is_private(to))
		me_lint_tell(linter, &to->at, "over-broad",
			     "`%s` is a large part of the internet, expected %s or longer",
			     to->text, v4 ? "/8" : "/16");
}

static void lint_address(struct me_linter *linter, const struct me_to *to)
{
	switch (me_addr_kind(&to->address)) {
	case ME_ADDR_LOOPBACK:
		me_lint_tell(linter, &to->at, "never-decides",
			     "`%s` never decides: loopback is always local; "
			     "`to: local` gives it a service",
			     to->text);
		break;
	case ME_ADDR_LINK:
		me_lint_tell(linter, &to->at, "never-decides",
			     "`%s` never decides: broadcast and link multicast are not judged",
			     to->text);
		break;
	default:
		break;
	}
}

static void lint_name(struct me_linter *linter, const struct me_to *to)
{
	static const char *const keywords[] = {"any", "local", "resolvers", "proxy", "peers"};
	const char *near;

	if (strchr(to->name, '.'))
		return;
	if (to->kind != ME_TO_NAME) {
		me_lint_tell(linter, &to->at, "over-broad", "`%s` is a whole top-level domain",
			     to->text);
		return;
	}
	near = me_diagnostics_full(linter->diagnostics)
		       ? NULL
		       : me_text_nearest(to->name, keywords, ME_ARRAY_SIZE(keywords));
	if (near)
		me_lint_tell(linter, &to->at, "single-label",
			     "`%s` is taken as a name; did you mean the keyword `%s`?", to->text,
			     near);
	else
		me_lint_tell(linter, &to->at, "single-label",
			     "`%s` has one label: a query carries the full name, with its domain",
			     to->text);
}

static void lint_to(struct me_linter *linter, const struct me_rule *rule, const struct me_to *to)
{
	const struct me_policy *policy = linter->policy;

	switch (to->kind) {
	case ME_TO_ADDRESS:
		lint_address(linter, to);
		break;
	case ME_TO_PREFIX:
		lint_prefix(linter, to);
		lint_address(linter, to);
		break;
	case ME_TO_NAME:
	case ME_TO_WILDCARD:
	case ME_TO_SUBTREE:
		lint_name(linter, to);
		break;
	case ME_TO_ANY:
		if (me_lint_every_port(rule))
			me_lint_tell(linter, &to->at, "over-broad",
				     "any destination with every port: nothing is left to watch");
		break;
	case ME_TO_PROXY:
		if (!policy->has_proxy)
			me_lint_tell(linter, &to->at, "no-proxy",
				     "`proxy` without a `proxy:` setting allows nothing");
		break;
	case ME_TO_PEERS:
		if (!policy->n_peers)
			me_lint_tell(linter, &to->at, "no-peers",
				     "`peers` without a `peers:` setting allows nothing");
		break;
	case ME_TO_LOCAL:
	case ME_TO_RESOLVERS:
		break;
	}
}

static bool has_names(const struct me_policy *policy, const struct me_rule *rule)
{
	for (size_t i = 0; i < rule->n_to; i++) {
		if (rule->to[i].name || (rule->to[i].kind == ME_TO_PROXY && policy->proxy.name))
			return true;
	}
	return false;
}

/* tcp/20, which lists of ports name for FTP: it is not where a client connects to. */
static void lint_ftp(struct me_linter *linter, const struct me_rule *rule)
{
	bool data = false, control = me_ports_have(rule->ports, rule->n_ports, IPPROTO_TCP, 21);

	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct me_ports *ports = &rule->ports[i];

		data |= ports->proto == IPPROTO_TCP && ports->low == 20 && ports->high <= 21;
	}
	if (data && control)
		me_diagnostics_add(linter->diagnostics, ME_NOTE, &rule->at, "ftp-data-port",
				   "tcp/20 is the server's source port in active mode: passive "
				   "clients do not connect to it; it does no harm here");
	else if (data)
		me_lint_tell(linter, &rule->at, "ftp-data-port",
			     "tcp/20 without tcp/21: FTP servers send data from it, and clients "
			     "connect to tcp/21");
}

static void lint_rule(struct me_linter *linter, const struct me_rule *rule)
{
	const struct me_place *at = &rule->at;

	if (rule->retired)
		me_lint_tell(linter, at, "retired",
			     "`%s` is retired: still allowed, and a finding when it is used",
			     rule->slug);
	if (me_rule_expired(rule, linter->now_epoch_ns)) {
		char end[ME_RFC3339_LEN];

		me_clock_rfc3339(rule->until_ns, end);
		me_lint_tell(linter, at, "expired", "`%s` expired at %s and allows nothing",
			     rule->slug, end);
	}
	if (rule->private_space && !has_names(linter->policy, rule))
		me_lint_tell(linter, at, "no-effect",
			     "`private: true` without a name: it is for names that resolve into "
			     "private space");
	if (rule->retired && rule->expect_ns)
		me_lint_tell(linter, at, "no-effect",
			     "`expect` of a retired entry: nobody is told when it is not reached");
	lint_ftp(linter, rule);
	for (size_t i = 0; i < rule->n_to; i++)
		lint_to(linter, rule, &rule->to[i]);
}

static bool allows_mail(const struct me_policy *policy)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];

		if (me_ports_have(rule->ports, rule->n_ports, IPPROTO_TCP, 25))
			return true;
	}
	return false;
}

static void lint_whole(struct me_linter *linter)
{
	const struct me_policy *policy = linter->policy;

	if (!allows_mail(policy)) {
		const struct me_place whole = {.file = policy->path};

		me_diagnostics_add(
			linter->diagnostics, ME_NOTE, &whole, "no-mail",
			"no rule allows tcp/25: each delivery of mail will be a violation");
	}
}

int me_lint(const struct me_policy *policy, uint64_t now_epoch_ns,
	    struct me_diagnostics *diagnostics)
{
	struct me_linter linter = {policy, now_epoch_ns, diagnostics};
	int err;

	lint_whole(&linter);
	me_lint_modes(&linter);
	err = me_lint_watch(&linter);
	for (size_t i = 0; !err && i < policy->n_rules; i++)
		lint_rule(&linter, &policy->rules[i]);
	if (!err)
		err = me_lint_any(&linter);
	if (!err)
		err = me_lint_names(&linter);
	if (!err)
		err = me_lint_overlap(&linter);
	return err ? err : me_lint_services(&linter);
}
