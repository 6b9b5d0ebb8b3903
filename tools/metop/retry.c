/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/retry.h"

uint64_t me_retry_wait(unsigned int failures, uint64_t interval_ns, bool remote, uint32_t random)
{
	uint64_t most = remote ? ME_RETRY_REMOTE_NS : ME_RETRY_LOCAL_NS, wait = interval_ns;

	if (!failures)
		return interval_ns;
	while (--failures && wait < most)
		wait *= 2;
	if (wait > most)
		wait = most;
	wait = wait - wait / 4 + (wait / 2 >> 16) * (random & 0xffff);
	return wait > interval_ns ? wait : interval_ns;
}
