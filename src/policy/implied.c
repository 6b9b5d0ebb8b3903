/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/implied.h"

#include <errno.h>
#include "policy/endpoint.h"

/* A rule of one keyword. */
static int add(struct me_reader *reader, struct me_rules *rules, struct me_rule *rule,
	       enum me_to_kind kind)
{
	struct me_to *to = me_read_alloc(reader, 1, sizeof(*to));

	if (!to)
		return -ENOMEM;
	*to = (struct me_to){.kind = kind, .text = me_to_keyword(kind), .at = rule->at};
	rule->to = to;
	rule->n_to = 1;
	rule->slug = me_rule_slug(reader, rule->service, to->text);
	return rule->slug ? me_rules_add(rules, rule) : -ENOMEM;
}

static int imply_remoting(struct me_reader *reader, const struct me_policy *policy,
			  const struct me_sections *sections, struct me_rules *rules,
			  bool from_profile)
{
	struct me_rule rule = {
		.service = "remoting",
		.ports = policy->remoting,
		.n_ports = policy->n_remoting,
		.from_profile = from_profile,
		.source = sections->remoting_source,
		.at = sections->remoting_at,
	};

	return add(reader, rules, &rule, ME_TO_LOCAL);
}

static bool names_proxy(const struct me_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		for (size_t j = 0; j < rules->list[i].n_to; j++) {
			if (rules->list[i].to[j].kind == ME_TO_PROXY)
				return true;
		}
	}
	return false;
}

static int imply_proxy(struct me_reader *reader, const struct me_policy *policy,
		       struct me_rules *rules)
{
	struct me_ports *port = me_read_alloc(reader, 1, sizeof(*port));
	struct me_rule rule = {
		.service = "proxy",
		.ports = port,
		.n_ports = 1,
		.private_space = policy->proxy.kind == ME_TO_NAME, /* proxies are inside */
		.at = policy->proxy.at,
	};

	if (!port)
		return -ENOMEM;
	*port = (struct me_ports){IPPROTO_TCP, policy->proxy_port, policy->proxy_port};
	return add(reader, rules, &rule, ME_TO_PROXY);
}

int me_imply_rules(struct me_reader *reader, const struct me_policy *policy,
		   const struct me_sections *site_sections, struct me_rules *site,
		   const struct me_sections *profile_sections, struct me_rules *profile)
{
	int err = 0;

	if (site_sections->remoting_at.file)
		err = imply_remoting(reader, policy, site_sections, site, false);
	else if (profile_sections->remoting_at.file)
		err = imply_remoting(reader, policy, profile_sections, profile, true);
	if (!err && policy->has_proxy && !names_proxy(site))
		err = imply_proxy(reader, policy, site);
	return err;
}
