/* SPDX-License-Identifier: GPL-2.0-only */
/* tcx links: their order, what they see, and what is left of them. */
#include "kernel/tcx.h"
#include "gateway.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include "base/cleanup.h"
#include "kernel/enter.h"
#include "vendor/linux/tcx.h"

static int attach(const struct gateway *g, int program, bool egress)
{
	int fd = -1;

	assert_int_equal(me_tcx_attach(program, g->lan, egress, &fd), 0);
	assert_true(fd >= 0);
	return fd;
}

/* The programs at one direction are these, in this order. */
static void expect_order(const struct gateway *g, bool egress, const int *programs, uint32_t n)
{
	enum bpf_attach_type type = (enum bpf_attach_type)(BPF_TCX_INGRESS + egress);
	uint32_t ids[8] = {}, found = ME_ARRAY_SIZE(ids);
	int err = bpf_prog_query((int)g->lan, type, 0, NULL, ids, &found);

	if (!n && err) {
		assert_int_equal(errno, ENOENT);
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(found, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(ids[i], gateway_program_id(programs[i]));
}

static uint32_t place(const struct gateway *g, int fd, bool egress)
{
	uint32_t place = 99;

	assert_int_equal(me_tcx_place(fd, g->lan, egress, &place), 0);
	return place;
}

static void first_of_all(void **state)
{
	struct gateway *g = *state;
	int end = gateway_end_program(g), programs[2], other[2], links[6];

	gateway_programs(g, 0, programs);
	gateway_programs(g, 1, other);
	for (int egress = 0; egress < 2; egress++) {
		links[egress] = attach(g, end, egress);
		links[2 + egress] = attach(g, programs[egress], egress);
		expect_order(g, egress, (int[]){programs[egress], end}, 2);
		assert_int_equal(place(g, links[2 + egress], egress), 0);
		assert_int_equal(place(g, links[egress], egress), 1);
	}
	gateway_expect(g, 0);
	for (int egress = 0; egress < 2; egress++) {
		links[4 + egress] = attach(g, other[egress], egress);
		expect_order(g, egress, (int[]){other[egress], programs[egress], end}, 3);
		assert_int_equal(place(g, links[2 + egress], egress), 1);
		close(links[2 + egress]);
		expect_order(g, egress, (int[]){other[egress], end}, 2);
	}
	gateway_expect(g, 1);
	for (int egress = 0; egress < 2; egress++) {
		close(links[egress]);
		close(links[4 + egress]);
		expect_order(g, egress, NULL, 0);
	}
	gateway_expect(g, -1);
}

/* One that ends the run is in front: nothing comes through to the counting one. */
static void behind_another(void **state)
{
	struct gateway *g = *state;
	int end = gateway_end_program(g), programs[2], links[2], front[2];

	gateway_programs(g, 0, programs);
	for (int egress = 0; egress < 2; egress++) {
		links[egress] = attach(g, programs[egress], egress);
		front[egress] = attach(g, end, egress);
	}
	gateway_expect(g, -1);
	for (int egress = 0; egress < 2; egress++)
		close(front[egress]);
	gateway_expect(g, 0);
	for (int egress = 0; egress < 2; egress++)
		close(links[egress]);
}

static void a_blank_program_does_nothing(void **state)
{
	struct gateway *g = *state;
	_cleanup_close_ int blank = -1;
	int programs[2], links[4];

	gateway_programs(g, 0, programs);
	assert_int_equal(me_tcx_blank(&blank), 0);
	for (int egress = 0; egress < 2; egress++) {
		links[egress] = attach(g, programs[egress], egress);
		links[2 + egress] = attach(g, blank, egress);
	}
	gateway_expect(g, 0);
	for (int i = 0; i < 4; i++)
		close(links[i]);
}

static void an_interface_that_goes(void **state)
{
	struct gateway *g = *state;
	uint32_t at = 99, nth;
	int programs[2], fd;

	gateway_programs(g, 0, programs);
	fd = attach(g, programs[0], false);
	assert_int_equal(me_tcx_info(fd, &at), 0);
	assert_int_equal(at, g->lan);

	world_run(-1, "ip link set lan0 down");
	world_run(-1, "ip link set lan0 name lan1");
	assert_int_equal(place(g, fd, false), 0);

	gateway_unplug(g);
	assert_int_equal(me_tcx_info(fd, &at), 0);
	assert_int_equal(at, 0);
	assert_int_equal(me_tcx_place(fd, g->lan, false, &nth), -ENODEV);
	gateway_plug(g);
	assert_int_equal(me_tcx_place(fd, g->lan, false, &nth), -ENOENT);
	assert_true(bpf_link_update(fd, programs[0], NULL) < 0);
	assert_int_equal(errno, ENOLINK);
	close(fd);
}

static void what_cannot_be(void **state)
{
	struct gateway *g = *state;
	int programs[2], fd, none = -1;
	uint32_t at;

	gateway_programs(g, 0, programs);
	assert_int_equal(me_tcx_attach(programs[0], 99999, false, &none), -ENODEV);
	fd = attach(g, programs[0], false);
	assert_int_equal(me_tcx_attach(programs[0], g->lan, false, &none), -EEXIST);
	assert_int_equal(none, -1);
	assert_int_equal(me_tcx_info(programs[0], &at), -EMEDIUMTYPE);
	assert_int_equal(me_tcx_place(programs[0], g->lan, false, &at), -EMEDIUMTYPE);
	close(fd);
}

struct wish {
	uint32_t interface;
	int program, fd;
};

static int attach_there(void *userdata)
{
	struct wish *wish = userdata;

	return me_tcx_attach(wish->program, wish->interface, false, &wish->fd);
}

/* The same index in another namespace is another interface. */
static void another_namespace(void **state)
{
	struct gateway *g = *state;
	int programs[2];
	struct wish wish = {.interface = 1}; /* lo */
	uint32_t nth;

	gateway_programs(g, 0, programs);
	wish.program = programs[0];
	assert_int_equal(me_enter_netns(g->host.ns, attach_there, &wish), 0);
	assert_int_equal(me_tcx_place(wish.fd, 1, false, &nth), -ENOENT);
	close(wish.fd);
}

static void there_is_none(void **state)
{
	struct gateway *g = *state;
	int programs[2], fd = -1;

	gateway_programs(g, 0, programs);
	assert_int_equal(me_tcx_attach(programs[0], g->lan, false, &fd), -EINVAL);
	assert_int_equal(fd, -1);
}

static int begin(void **state)
{
	*state = gateway_begin("tcx");
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
		cmocka_unit_test(first_of_all),
		cmocka_unit_test(behind_another),
		cmocka_unit_test(a_blank_program_does_nothing),
		cmocka_unit_test(an_interface_that_goes),
		cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(another_namespace),
	};
	const struct CMUnitTest without[] = {cmocka_unit_test(there_is_none)};

	if (me_tcx_supported())
		return cmocka_run_group_tests(tests, begin, end);
	printf("absent: tcx\n");
	return cmocka_run_group_tests(without, begin, end);
}
