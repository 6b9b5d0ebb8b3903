/* SPDX-License-Identifier: GPL-2.0-only */
/* The surroundings: pins, namespace, policy, and the way of a frame into the programs. */
#include "transit.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include "base/clock.h"
#include "kernel/internal.h"
#include "policy/compile.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/registry.h"

#define KEEPER_TRIES 200 /* 10 ms apart */

/* A process that outlives the test, however that ends, and removes what is left of it. */
static void begin_keeper(const struct transit *transit)
{
	struct me_why why;
	int alive[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid) {
		close(alive[0]); /* the other end stays open as long as this process lives */
		return;
	}
	setsid();
	close(alive[1]);
	while (read(alive[0], &byte, 1) < 0 && errno == EINTR)
		;
	unlink(transit->file);
	for (int i = 0; i < KEEPER_TRIES && me_kernel_detach(transit->pins, &why) == -EBUSY; i++)
		poll(NULL, 0, 10);
	_exit(0);
}

/* --- The policy ---------------------------------------------------------------------------------- */

void transit_policy(struct transit *transit, const char *yaml)
{
	FILE *file = fopen(transit->file, "we");

	assert_non_null(file);
	assert_true(fputs(yaml, file) >= 0);
	assert_int_equal(fclose(file), 0);
	transit_again(transit);
}

void transit_again(struct transit *transit)
{
	struct me_environment environment = {.now_epoch_ns = me_clock_now(CLOCK_REALTIME)};
	uint32_t generation = me_kernel_generation(transit->kernel) + 1;
	struct me_diagnostics diagnostics = {};
	struct me_policy *policy = NULL;
	struct me_image *image = NULL;
	struct me_why why = {};

	if (me_policy_load(transit->file, NULL, &diagnostics, &policy) ||
	    me_compile(policy, &environment, transit->registry, generation, &diagnostics, &image))
		fail_msg("policy: %s", diagnostics.count ? diagnostics.list[0].text : "?");
	if (me_kernel_policy(transit->kernel, image, &why))
		fail_msg("%s", why.text);
	me_image_free(&transit->image);
	transit->image = image;
	me_policy_free(&policy);
	me_diagnostics_clear(&diagnostics);
}

/* --- Begin and end ------------------------------------------------------------------------------- */

struct transit *transit_begin(const char *name, const char *policy, uint32_t flows)
{
	struct transit *transit = calloc(1, sizeof(*transit));
	struct me_why why = {};

	assert_non_null(transit);
	transit->cells = calloc(ME_CELL_COUNT, sizeof(*transit->cells));
	transit->marked_cells = calloc(ME_CELL_COUNT, sizeof(*transit->marked_cells));
	assert_true(transit->cells && transit->marked_cells);
	snprintf(transit->pins, sizeof(transit->pins), "/sys/fs/bpf/mewatch-test-%s-%d", name,
		 getpid());
	snprintf(transit->file, sizeof(transit->file), "/tmp/mewatch-test-%s-%d.yaml", name,
		 getpid());
	begin_keeper(transit);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	world_run(-1, "ip link add lan0 type veth peer name eth0");
	transit->interface = if_nametoindex("lan0");
	assert_int_not_equal(transit->interface, 0);

	transit->options = (struct me_kernel_options){.pins = transit->pins,
						      .flows = flows,
						      .endpoints = 256,
						      .learned = 256,
						      .kept_size = 64};
	if (me_kernel_open(&transit->options, &transit->kernel, &why) ||
	    me_transit_load(transit->kernel, true, &why))
		fail_msg("%s", why.text);
	transit->endpoints = calloc(transit->options.endpoints, sizeof(*transit->endpoints));
	transit->registry = me_registry_new();
	assert_true(transit->endpoints && transit->registry);
	transit_policy(transit, policy);
	transit_mark(transit);
	return transit;
}

void transit_end(struct transit **transit)
{
	struct transit *t = *transit;
	struct me_why why = {};

	if (!t)
		return;
	me_kernel_close(&t->kernel);
	assert_int_equal(me_kernel_detach(t->pins, &why), 0);
	unlink(t->file);
	me_image_free(&t->image);
	me_registry_free(&t->registry);
	free(t->cells);
	free(t->marked_cells);
	free(t->endpoints);
	free(t);
	*transit = NULL;
}

/* --- Frames -------------------------------------------------------------------------------------- */

static int run(struct transit *transit, bool sent, const uint8_t *frame, size_t size,
	       struct __sk_buff *context, int times)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)size,
		    .ctx_in = context, .ctx_size_in = sizeof(*context), .repeat = times);

	context->ifindex = transit->interface;
	if (bpf_prog_test_run_opts(me_transit_program(transit->kernel, !sent, true), &opts))
		return -errno;
	transit->dropped = (int)opts.retval == TC_ACT_SHOT;
	assert_true(transit->dropped || (int)opts.retval == TC_ACT_UNSPEC);
	return 0;
}

int transit_run(struct transit *transit, bool sent, const uint8_t *frame, size_t size)
{
	return transit_run_often(transit, sent, frame, size, 1);
}

int transit_run_often(struct transit *transit, bool sent, const uint8_t *frame, size_t size,
		      int times)
{
	struct __sk_buff context = {};

	return run(transit, sent, frame, size, &context, times);
}

int transit_run_segments(struct transit *transit, bool sent, const uint8_t *frame, size_t size,
			 uint32_t segments, uint32_t size_of_one)
{
	struct __sk_buff context = {.gso_segs = segments, .gso_size = size_of_one};

	return run(transit, sent, frame, size, &context, 1);
}
