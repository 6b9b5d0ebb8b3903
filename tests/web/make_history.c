/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes a history of two hours, with a gap, failures and violations, and prints its folder. */
#include "tests/unit/store/fixture.h"

int main(void)
{
	struct world world;

	world_new(&world);
	world.now.epoch_ns = 1699999200 * ME_NS_PER_S; /* 2023-11-14T22:00:00Z */
	world_up(&world);
	world_begin(&world);
	for (uint32_t i = 0; i < 720; i++) {
		world_allow(&world, 1 + i % 7);
		if (i % 40 == 0)
			world_violate(&world, 0xc6336400 + i, true);
		world.watches[1].attached = i < 300 || i > 330;
		world.endpoints[1].last_attempt_ns = world.now.boot_ns;
		if (i % 200 < 120)
			world.endpoints[1].last_success_ns = world.now.boot_ns;
		else
			world.endpoints[1].outcome[ME_OUTCOME_REFUSED]++;
		world_pass(&world, 10);
		world_round(&world);
		if (i == 500) {
			world_kill(&world);
			world_pass(&world, 600);
			world_up(&world);
		}
	}
	world_stop(&world);
	puts(world.folder);
	return 0;
}
