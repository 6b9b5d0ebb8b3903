/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/gate.h"

#include <errno.h>
#include "mewatch/dns_use.h"
#include "policy/registry.h"

struct me_gate {
	struct me_registry *registry;
	struct me_image *image;
};

int me_gate_new(const struct me_policy *policy, const struct me_environment *environment,
		struct me_diagnostics *diagnostics, struct me_gate **ret_gate)
{
	_cleanup_(me_gate_freep) struct me_gate *gate = calloc(1, sizeof(*gate));
	int err;

	if (!gate)
		return -ENOMEM;
	gate->registry = me_registry_new();
	if (!gate->registry)
		return -ENOMEM;
	err = me_compile(policy, environment, gate->registry, 1, diagnostics, &gate->image);
	if (err)
		return err;
	*ret_gate = me_steal_ptr(&gate);
	return 0;
}

void me_gate_free(struct me_gate **gate)
{
	if (!*gate)
		return;
	me_image_free(&(*gate)->image);
	me_registry_free(&(*gate)->registry);
	free(*gate);
	*gate = NULL;
}

/* The endpoints for which the daemon would learn the address from an answer; and why not others. */
static size_t learn(const struct me_gate *gate, const char *name, const struct me_addr *address,
		    struct me_learned_endpoint learned[ME_NAME_ENDPOINTS], const char **ret_why)
{
	struct me_named named;
	struct me_name wire;
	size_t n = 0;

	if (me_name_from_text(name, &wire) < 0)
		return 0;
	me_image_names_find(gate->image, &wire, &named);
	for (uint32_t i = 0; i < named.n; i++) {
		enum me_refused refused = me_dns_refused(address, named.flags[i]);

		if (refused == ME_REFUSED_SPECIAL)
			*ret_why = "an answer that nobody may believe: not contacted";
		else if (refused == ME_REFUSED_PRIVATE)
			*ret_why = "private space, and the rule is not `private`: not contacted";
		else
			learned[n++] = (struct me_learned_endpoint){named.endpoint[i],
								    ME_EVIDENCE_LEARNED};
	}
	return n;
}

bool me_gate_allows(const struct me_gate *gate, const char *name, const struct me_addr *address,
		    uint8_t proto, uint16_t port, const char **ret_why)
{
	const struct me_facts facts = {.dst = *address, .dport = port, .proto = proto};
	struct me_learned_endpoint learned[ME_NAME_ENDPOINTS] = {0};
	const char *why = "the policy does not allow it: not contacted";
	struct me_judgement judgement;
	size_t n = name ? learn(gate, name, address, learned, &why) : 0;

	me_image_judge(gate->image, &facts, learned, n, &judgement);
	/* A name that stands for this machine is somebody's block; loopback that is listed is meant. */
	if (judgement.verdict == ME_ALLOWED || (judgement.verdict == ME_LOCAL && !name))
		return true;
	*ret_why = why;
	return false;
}
