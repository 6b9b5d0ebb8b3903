/* SPDX-License-Identifier: GPL-2.0-only */
/* Filters of clsact: their place, whose they are, and when the qdisc goes. */
#include "kernel/clsact.h"
#include "gateway.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/libbpf.h>
#include "base/cleanup.h"

static struct me_clsact_filter found(const struct gateway *g, bool egress, int program)
{
	struct me_clsact_filter filter = {};

	assert_int_equal(me_clsact_find(g->lan, egress, gateway_program_id(program), &filter), 0);
	assert_int_not_equal(filter.handle, 0);
	return filter;
}

static void expect_gone(const struct gateway *g, bool egress, int program)
{
	struct me_clsact_filter filter;

	assert_int_equal(me_clsact_find(g->lan, egress, gateway_program_id(program), &filter),
			 -ENOENT);
}

static void detach(const struct gateway *g, bool egress, int program)
{
	struct me_clsact_filter filter = found(g, egress, program);

	assert_int_equal(me_clsact_detach(g->lan, egress, &filter), 0);
	expect_gone(g, egress, program);
}

static void make(const struct gateway *g)
{
	bool made = false;

	assert_int_equal(me_clsact_make(g->lan, &made), 0);
	assert_true(made);
}

static void expect_qdisc(const struct gateway *g, bool there)
{
	bool made = there;

	assert_int_equal(me_clsact_make(g->lan, &made), 0);
	assert_int_equal(made, !there);
	if (made)
		assert_int_equal(me_clsact_remove(g->lan), 0);
}

/* A filter of somebody else. */
static void put(const struct gateway *g, bool egress, int program, uint32_t priority,
		uint32_t handle)
{
	struct bpf_tc_hook hook = {.sz = sizeof(hook),
				   .ifindex = (int)g->lan,
				   .attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS};
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .priority = priority, .handle = handle);

	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
}

static void expect_at(const struct gateway *g, int program, uint32_t priority, uint32_t handle)
{
	struct me_clsact_filter filter = found(g, false, program);

	assert_int_equal(filter.priority, priority);
	assert_int_equal(filter.handle, handle);
}

static void counts_both_ways(void **state)
{
	struct gateway *g = *state;
	int programs[2];

	gateway_programs(g, 0, programs);
	make(g);
	for (int egress = 0; egress < 2; egress++) {
		struct me_clsact_filter filter;

		assert_int_equal(me_clsact_attach(programs[egress], g->lan, egress), 0);
		filter = found(g, egress, programs[egress]);
		assert_int_equal(filter.priority, 1);
		assert_true(filter.first && !filter.behind);
		expect_gone(g, !egress, programs[egress]);
	}
	gateway_expect(g, 0);
	detach(g, false, programs[0]);
	detach(g, true, programs[1]);
	gateway_expect(g, -1);
	assert_int_equal(me_clsact_remove(g->lan), 0);
	expect_qdisc(g, false);
}

static void exchanged_in_its_place(void **state)
{
	struct gateway *g = *state;
	int programs[2], other[2], end = gateway_end_program(g);
	struct me_clsact_filter before, after;

	gateway_programs(g, 0, programs);
	gateway_programs(g, 1, other);
	make(g);
	for (int egress = 0; egress < 2; egress++) {
		put(g, egress, end, 1, 5);
		assert_int_equal(me_clsact_attach(programs[egress], g->lan, egress), 0);
		before = found(g, egress, programs[egress]);
		assert_int_equal(me_clsact_replace(other[egress], g->lan, egress, &before), 0);
		after = found(g, egress, other[egress]);
		assert_int_equal(after.priority, before.priority);
		assert_int_equal(after.handle, before.handle);
		assert_true(after.first);
		expect_gone(g, egress, programs[egress]);
	}
	gateway_expect(g, 1);
	for (int egress = 0; egress < 2; egress++) {
		detach(g, egress, other[egress]);
		detach(g, egress, end);
	}
	assert_int_equal(me_clsact_remove(g->lan), 0);
}

/* Those of others, before and after, also at the same priority, stay as they are. */
static void beside_others(void **state)
{
	struct gateway *g = *state;
	int programs[2], other[2], end = gateway_end_program(g);
	struct me_clsact_filter filter;

	gateway_programs(g, 0, programs);
	gateway_programs(g, 1, other);
	make(g);
	put(g, false, end, 1, 7);
	put(g, false, other[0], 49152, 0);
	assert_int_equal(me_clsact_attach(programs[0], g->lan, false), 0);
	filter = found(g, false, programs[0]);
	assert_int_equal(filter.priority, 1);
	assert_true(filter.first && !filter.behind);

	put(g, false, other[1], 1, 9);
	filter = found(g, false, programs[0]);
	assert_true(!filter.first && filter.behind);
	detach(g, false, programs[0]);
	expect_at(g, end, 1, 7);
	expect_at(g, other[1], 1, 9);
	found(g, false, other[0]);

	/* As long as anything is on it the qdisc stays. */
	detach(g, false, other[1]);
	detach(g, false, other[0]);
	assert_int_equal(me_clsact_remove(g->lan), 0);
	expect_at(g, end, 1, 7);
	detach(g, false, end);
	put(g, true, end, 3, 1);
	assert_int_equal(me_clsact_remove(g->lan), 0);
	detach(g, true, end);
	assert_int_equal(me_clsact_remove(g->lan), 0);
	expect_qdisc(g, false);
}

static void no_interface(void **state)
{
	struct gateway *g = *state;
	struct me_clsact_filter filter;
	int programs[2];
	bool made;

	gateway_programs(g, 0, programs);
	assert_int_equal(me_clsact_make(99999, &made), -ENODEV);
	assert_int_equal(me_clsact_attach(programs[0], 99999, false), -ENODEV);
	assert_int_equal(me_clsact_find(99999, false, 1, &filter), -ENOENT);
	assert_int_equal(me_clsact_remove(99999), -ENODEV);
	assert_int_equal(me_clsact_attach(programs[0], g->lan, false), -EINVAL);
	assert_int_equal(me_clsact_find(g->lan, false, 1, &filter), -ENOENT);
	assert_true(me_clsact_remove(g->lan) < 0);
}

/* --- Other kinds, which tc makes ----------------------------------------------------------------- */

static void put_u32(int priority)
{
	char command[160];

	snprintf(command, sizeof(command),
		 "tc filter add dev lan0 ingress prio %d protocol ip u32 match u32 0 0", priority);
	world_run(-1, command);
}

/* Another kind of filter has the priority to itself. */
static void beside_other_kinds(void **state)
{
	struct gateway *g = *state;
	struct me_clsact_filter filter;
	int programs[2];

	gateway_programs(g, 0, programs);
	world_run(-1, "tc qdisc add dev lan0 clsact");
	put_u32(1);
	put_u32(3);
	assert_int_equal(me_clsact_attach(programs[0], g->lan, false), 0);
	filter = found(g, false, programs[0]);
	assert_int_equal(filter.priority, 2);
	assert_true(!filter.first && !filter.behind);
	detach(g, false, programs[0]);
	assert_true(gateway_try("tc filter del dev lan0 ingress prio 3 protocol ip u32"));
	assert_int_equal(me_clsact_remove(g->lan), 0);
	expect_qdisc(g, true);

	for (int i = 2; i <= ME_CLSACT_PRIORITIES; i++)
		put_u32(i);
	assert_int_equal(me_clsact_attach(programs[0], g->lan, false), -ENOSPC);
	for (int i = 1; i <= ME_CLSACT_PRIORITIES; i++) {
		char command[80];

		snprintf(command, sizeof(command), "tc filter del dev lan0 ingress prio %d", i);
		assert_true(gateway_try(command));
	}
	/* A filter of another chain is not run by itself, yet somebody's. */
	world_run(-1,
		  "tc filter add dev lan0 ingress chain 4 prio 1 protocol ip u32 match u32 0 0");
	assert_int_equal(me_clsact_attach(programs[0], g->lan, false), 0);
	assert_true(found(g, false, programs[0]).first);
	detach(g, false, programs[0]);
	assert_int_equal(me_clsact_remove(g->lan), 0);
	expect_qdisc(g, true);
	world_run(-1, "tc qdisc del dev lan0 clsact");
}

static void an_ingress_qdisc(void **state)
{
	struct gateway *g = *state;
	bool made;

	world_run(-1, "tc qdisc add dev lan0 ingress");
	assert_int_equal(me_clsact_make(g->lan, &made), -EBUSY);
	assert_true(me_clsact_remove(g->lan) < 0);
	assert_int_equal(me_clsact_make(g->lan, &made), -EBUSY);
	world_run(-1, "tc qdisc del dev lan0 ingress");
	expect_qdisc(g, false);
}

static void a_shared_block(void **state)
{
	struct gateway *g = *state;
	int programs[2];
	bool made = true;

	gateway_programs(g, 0, programs);
	world_run(-1, "tc qdisc add dev lan0 ingress_block 7 clsact");
	assert_int_equal(me_clsact_make(g->lan, &made), 0);
	assert_false(made);
	assert_int_equal(me_clsact_attach(programs[0], g->lan, false), -EOPNOTSUPP);
	assert_int_equal(me_clsact_attach(programs[1], g->lan, true), 0);
	detach(g, true, programs[1]);
	world_run(-1, "tc qdisc del dev lan0 clsact");
}

static int begin(void **state)
{
	*state = gateway_begin("clsact");
	return 0;
}

static int end(void **state)
{
	gateway_end((struct gateway **)state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_both_ways),   cmocka_unit_test(exchanged_in_its_place),
		cmocka_unit_test(beside_others),      cmocka_unit_test(no_interface),
		cmocka_unit_test(beside_other_kinds), cmocka_unit_test(an_ingress_qdisc),
		cmocka_unit_test(a_shared_block),
	};
	const struct CMUnitTest without[] = {
		cmocka_unit_test(counts_both_ways),
		cmocka_unit_test(exchanged_in_its_place),
		cmocka_unit_test(beside_others),
		cmocka_unit_test(no_interface),
	};

	if (gateway_try("tc -V"))
		return cmocka_run_group_tests(tests, begin, end);
	printf("absent: tc\n");
	return cmocka_run_group_tests(without, begin, end);
}
