/* SPDX-License-Identifier: GPL-2.0-only */
/* What would be done about it: by the policy, and by what the daemon was told. */
#include <jansson.h>
#include <string.h>
#include "mewatch/ask.h"
#include "mewatch/explained.h"
#include "policy/policy.h"

#define FOREVER UINT64_MAX

/* What was said to the daemon: 1 + enum me_mode; 0: nothing, or nobody answers. */
static uint32_t ask_said(const char *socket)
{
	_cleanup_strbuf_ struct me_strbuf body = {0};
	const char *word = NULL;
	uint32_t said = 0;
	json_t *root;

	if (me_ask(socket, "/v1/health", &body))
		return 0;
	root = json_loadb(body.data ? body.data : "", body.len, 0, NULL);
	if (root && !json_unpack(root, "{s:{s?s}}", "mode", "said", &word) && word)
		for (unsigned int mode = 0; mode < ME_MODE_COUNT; mode++)
			if (!strcmp(word, me_mode_label(mode)))
				said = 1 + mode;
	json_decref(root);
	return said;
}

void me_explain_mode(struct me_explained *explained, uint64_t now_epoch_ns)
{
	const struct me_explanation *e = me_explained_last(explained);
	const struct me_judgement *judged =
		e->judgement.verdict >= ME_VIOLATION ? &e->judgement : &e->before;
	const struct me_policy *policy = explained->policy;
	struct me_control control = {
		.lease_ns = FOREVER,
		.until_ns = FOREVER,
		.strict_ns = policy->strict_names ? 0 : FOREVER,
		.most = ME_MODE_ENFORCE,
	};
	union me_state state = {.verdict = judged->verdict};
	struct me_explained_mode *mode = &explained->mode;

	if (!explained->known.err)
		control.said = ask_said(explained->known.socket);
	mode->by = me_policy_mode_rule(policy, now_epoch_ns, e->query.proto, e->query.port);
	mode->mode = me_mode_now(&control, judged->mode, 0);
	mode->said = control.said && (!mode->by || control.said == 1 + ME_MODE_MONITOR);
	state.flags = me_mode_state(&control, judged, 0);
	mode->action = me_state_action(state);
	mode->applies = judged->verdict == ME_VIOLATION || mode->action != ME_ACTION_NONE ||
			e->judgement.verdict == ME_PENDING;
}
