/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon asks of its surroundings, for a replay: a capture has no namespaces and no sockets, and of
 * a replay no history is kept.
 */
#include "mewatch/recording.h"
#include "mewatch/remoting.h"
#include "mewatch/surroundings.h"

void me_surroundings_meet(struct me_surroundings *surroundings, const struct me_origin *origin)
{
}

uint8_t me_surroundings_facts(const struct me_surroundings *surroundings, uint64_t netns,
			      const struct me_addr *address)
{
	return 0;
}

void me_surroundings_sync(struct me_surroundings *surroundings)
{
}

uint64_t me_surroundings_synced(const struct me_surroundings *surroundings, uint64_t netns)
{
	return 0;
}

bool me_remoting_record(struct me_daemon *daemon, const struct me_record *record)
{
	return false;
}

void me_recording_record(struct me_daemon *daemon, const struct me_record *record)
{
}

void me_recording_policy(struct me_daemon *daemon)
{
}
