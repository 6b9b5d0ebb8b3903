/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attachments to interfaces beside those to cgroups: which are made, which are left alone, and that
 * nothing of them is left.
 */
#include "gateway.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <net/if.h>
#include "base/cleanup.h"
#include "host.h"
#include "kernel/clsact.h"
#include "kernel/internal.h"
#include "kernel/tcx.h"
#include "vendor/linux/tcx.h"

struct both {
	struct gateway *gateway;
	struct host *host; /* in the gateway's network namespace */
	bool clsact;
};

#define HOOKS 9

struct seen {
	size_t cgroups, interfaces, alive, first;
	uint64_t id; /* of one interface */
};

static int see(const struct me_attachment *attachment, void *userdata)
{
	struct seen *seen = userdata;

	if (!attachment->interface) {
		assert_true(attachment->alive && attachment->first);
		seen->cgroups++;
		return 0;
	}
	assert_true(!strcmp(attachment->hook, "tc_ingress") ||
		    !strcmp(attachment->hook, "tc_egress"));
	seen->interfaces++;
	seen->alive += attachment->alive;
	seen->first += attachment->first;
	seen->id = attachment->id;
	return 0;
}

static struct seen seen(const struct both *both)
{
	struct seen seen = {};

	assert_int_equal(me_attachments_each(both->host->pins, see, &seen), 0);
	assert_int_equal(seen.cgroups, HOOKS);
	return seen;
}

static int try_watch(const struct both *both, const struct me_interface *list, size_t n,
		     struct me_why *why)
{
	*why = (struct me_why){};
	both->host->kernel->clsact = both->clsact;
	return me_kernel_watch_interfaces(both->host->kernel, list, n, why);
}

static void watch(const struct both *both, const struct me_interface *list, size_t n)
{
	struct me_why why;

	if (try_watch(both, list, n, &why))
		fail_msg("%s", why.text);
}

static struct me_interface lan(const struct both *both)
{
	return (struct me_interface){.index = both->gateway->lan, .ethernet = true};
}

static void watch_cgroup(const struct both *both)
{
	char path[8192];
	struct me_why why = {};
	_cleanup_close_ int fd = -1;
	const struct host *host = both->host;

	snprintf(path, sizeof(path), "%s%s", host->mount, host->group);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (me_kernel_watch(host->kernel, &host->group_id, &fd, 1, &why))
		fail_msg("%s", why.text);
}

static void come_and_go(void **state)
{
	const struct both *both = *state;
	struct me_interface list[2] = {lan(both)};
	struct seen s;

	world_run(-1, "ip link add a0 type veth peer name a1");
	list[1].index = if_nametoindex("a0");
	watch(both, list, 2);
	s = seen(both);
	assert_int_equal(s.interfaces, 4);
	assert_int_equal(s.alive, 4);
	assert_int_equal(s.first, 4);

	/* Each leaves the other's alone. */
	watch_cgroup(both);
	assert_int_equal(seen(both).alive, 4);
	watch(both, list + 1, 1);
	s = seen(both);
	assert_int_equal(s.interfaces, 2);
	assert_int_equal(s.alive, 2);
	assert_int_equal(s.id, list[1].index);

	world_run(-1, "ip link del a0");
	s = seen(both);
	assert_int_equal(s.interfaces, 2);
	assert_int_equal(s.alive, 0);
	watch(both, list, 1);
	s = seen(both);
	assert_int_equal(s.interfaces, 2);
	assert_int_equal(s.alive, 2);
	watch(both, NULL, 0);
	assert_int_equal(seen(both).interfaces, 0);
}

/* One that is gone is passed over, one that cannot be attached takes nothing from the others. */
static void each_for_itself(void **state)
{
	const struct both *both = *state;
	struct me_interface list[3] = {{.index = 99999}, lan(both)};
	struct me_why why;
	struct seen s;

	world_run(-1, "ip link add a0 type veth peer name a1");
	list[2].index = if_nametoindex("a1");
	watch(both, list, 2);
	s = seen(both);
	assert_int_equal(s.interfaces, 2);
	assert_int_equal(s.alive, 2);

	if (both->clsact && gateway_try("tc qdisc add dev a0 ingress")) {
		list[0].index = if_nametoindex("a0");
		assert_int_equal(try_watch(both, list, 3, &why), -EBUSY);
		assert_non_null(strstr(why.text, "interface a0"));
		assert_int_equal(seen(both).alive, 4);
		assert_int_equal(try_watch(both, list, 1, &why), -EBUSY);
		assert_int_equal(seen(both).alive, 4); /* nothing is removed */
	}
	watch(both, NULL, 0);
	assert_int_equal(seen(both).interfaces, 0);
	world_run(-1, "ip link del a0");
}

static void over_a_restart(void **state)
{
	const struct both *both = *state;
	struct me_interface list[1] = {lan(both)};
	struct host *host = both->host;
	struct me_why why;

	watch(both, list, 1);
	me_kernel_close(&host->kernel);
	assert_int_equal(seen(both).alive, 2);
	if (me_kernel_open(&host->options, &host->kernel, &why))
		fail_msg("%s", why.text);
	assert_int_equal(seen(both).alive, 2);
	watch(both, list, 1);
	assert_int_equal(seen(both).first, 2);
}

/* The last one: what it leaves behind is detached. */
static void detach_leaves_nothing(void **state)
{
	struct both *both = *state;
	struct me_interface list[1] = {lan(both)};
	struct host *host = both->host;
	struct me_why why = {};
	uint32_t ids[4], n = ME_ARRAY_SIZE(ids);
	bool made = false;

	watch(both, list, 1);
	assert_int_equal(me_kernel_detach(host->pins, &why), -EBUSY);
	assert_int_equal(seen(both).alive, 2);
	me_kernel_close(&host->kernel);
	if (me_kernel_detach(host->pins, &why))
		fail_msg("%s", why.text);
	assert_int_equal(access(host->pins, F_OK), -1);
	if (me_tcx_supported() &&
	    !bpf_prog_query((int)list[0].index, (enum bpf_attach_type)BPF_TCX_INGRESS, 0, NULL, ids,
			    &n))
		assert_int_equal(n, 0);
	assert_int_equal(me_clsact_make(list[0].index, &made), 0);
	assert_true(made);
	assert_int_equal(me_clsact_remove(list[0].index), 0);
	if (me_kernel_open(&host->options, &host->kernel, &why))
		fail_msg("%s", why.text);
	watch_cgroup(both);
}

static int begin(void **state)
{
	struct both *both = calloc(1, sizeof(*both));

	assert_non_null(both);
	both->gateway = gateway_begin("interfaces");
	both->host = host_begin("interfaces-host", "", 64);
	*state = both;
	return 0;
}

static int end(void **state)
{
	struct both *both = *state;

	host_end(&both->host);
	gateway_end(&both->gateway);
	free(both);
	return 0;
}

static int by_tcx(void **state)
{
	((struct both *)*state)->clsact = false;
	return 0;
}

static int by_clsact(void **state)
{
	((struct both *)*state)->clsact = true;
	return 0;
}

#define ALL(way)                                                                                   \
	cmocka_unit_test_setup(come_and_go, way), cmocka_unit_test_setup(each_for_itself, way),    \
		cmocka_unit_test_setup(over_a_restart, way),                                       \
		cmocka_unit_test_setup(detach_leaves_nothing, way)

int main(void)
{
	const struct CMUnitTest tests[] = {ALL(by_clsact), ALL(by_tcx)};
	const struct CMUnitTest without[] = {ALL(by_clsact)};

	if (me_tcx_supported())
		return cmocka_run_group_tests(tests, begin, end);
	printf("absent: tcx\n");
	return cmocka_run_group_tests(without, begin, end);
}
