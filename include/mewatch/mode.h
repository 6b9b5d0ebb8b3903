/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_MODE_H
#define MEWATCH_MODE_H

/*
 * What is done about a violation. The policy gives each port a mode: that of the first rule in the
 * order of the file that names the port and has a `mode:`, else the policy's own. The daemon may have
 * been told another one for those without a rule's, or, for all, to monitor; and it may have lent
 * the programs their power for a while only.
 *
 * A flow keeps the mode in which it was opened: what was there before somebody said so is never cut.
 * What was denied is let go on when that is over.
 */
#include "mewatch/abi.h"

/* The mode that holds now. `mode` is the policy's: ME_MODE_ALL. */
static inline enum me_mode me_mode_now(const struct me_control *control, __u32 mode, __u64 now_ns)
{
	__u32 wanted = mode & ME_MODE_BITS, said = control->said;

	if (now_ns >= control->lease_ns)
		return ME_MODE_MONITOR;
	if (said && now_ns < control->until_ns) {
		if (said == 1 + ME_MODE_MONITOR)
			return ME_MODE_MONITOR;
		if (!(mode & ME_MODE_OWN))
			wanted = said - 1;
	}
	return (enum me_mode)(wanted < control->most ? wanted : control->most);
}

/*
 * The flags that a flow is opened with. Whom nothing keeps waiting but a name that no answer gave is
 * taken for a violation at once, where names are strict and answers have been seen for long enough. Where
 * nobody knows yet which addresses are its own, its first packet tells.
 */
static inline __u8 me_mode_state(const struct me_control *control,
				 const struct me_judgement *judged, __u64 now_ns)
{
	enum me_mode mode = me_mode_now(control, judged->mode, now_ns);
	__u8 flags = mode == ME_MODE_ENFORCE  ? ME_STATE_DENY
		     : mode == ME_MODE_SHADOW ? ME_STATE_SHADOW
					      : 0;

	if (flags && judged->verdict == ME_PENDING && (judged->mode & ME_MODE_NAMED) &&
	    now_ns >= control->strict_ns)
		flags |= ME_STATE_STRICT;
	if ((flags & ME_STATE_DENY) && judged->verdict == ME_PENDING &&
	    !(judged->mode & ME_MODE_NAMED))
		flags |= ME_STATE_OWN;
	return flags;
}

/* The flags of one that became a violation: the weaker of the modes of then and now. */
static inline __u8 me_mode_weaken(__u8 flags, enum me_mode now)
{
	if (flags & ME_STATE_STRICT) /* it is done */
		return flags & ME_STATE_MODE;
	if (now == ME_MODE_MONITOR)
		return 0;
	return now == ME_MODE_SHADOW && (flags & ME_STATE_DENY) ? ME_STATE_SHADOW
								: flags & ME_STATE_MODE;
}

/* What is done, or would be, about a flow of that state. */
static inline enum me_action me_state_action(union me_state state)
{
	if (state.verdict != ME_VIOLATION &&
	    !(state.verdict == ME_PENDING && (state.flags & ME_STATE_STRICT)))
		return ME_ACTION_NONE;
	return state.flags & ME_STATE_DENY     ? ME_ACTION_DENIED
	       : state.flags & ME_STATE_SHADOW ? ME_ACTION_WOULD_DENY
					       : ME_ACTION_NONE;
}

#endif
