# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154
#
# One day of a soak (tests/lab/soak has as many as one likes): the daemon killed, its disk filled, its
# interface another one, and one thing more, all under traffic, and nothing differs at night; then the hooks
# are detached and attached again.
. "$LAB_DIR/soak-day.sh"

SOAK_HOURS=1
seed=${ME_TEST_SEED:-$EPOCHSECONDS}
export ME_TEST_SEED=$seed
soak_begin
soak_day $seed "$(soak_plan $seed kill 1
	soak_plan $((seed + 1)) full 1
	soak_plan $((seed + 2)) renew 1
	soak_plan $((seed + 3)) "broken resolver weather shadow" 1)" quiet
[ $lab_failures != 0 ] || soak_detach
lab_assert_sums "attached anew"
