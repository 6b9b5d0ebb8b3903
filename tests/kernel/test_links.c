/* SPDX-License-Identifier: GPL-2.0-only */
/* Network interfaces: what is known of each kind, how they are followed, routes, and what nests. */
#include "kernel/links.h"
#include "gateway.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sys/socket.h>
#include "base/cleanup.h"

#define SMALL_BUFFER 2304 /* the kernel's smallest */
#define FLOOD 100

static void run(const char *command)
{
	world_run(-1, command);
}

static const struct me_link *named(const struct me_links *links, const char *name)
{
	const struct me_link *link = me_links_by_name(links, name);

	if (!link)
		fail_msg("there is no %s", name);
	assert_int_equal(link->index, if_nametoindex(name));
	assert_ptr_equal(me_links_by_index(links, link->index), link);
	return link;
}

/* Something has been heard of. */
static bool told(void *userdata)
{
	struct pollfd poller = {.fd = me_links_fd(userdata), .events = POLLIN};

	return poll(&poller, 1, 0) == 1;
}

static void dispatch(struct me_links *links)
{
	world_wait(told, links);
	assert_int_equal(me_links_dispatch(links), 1);
}

static struct me_links *open_links(void **state)
{
	struct me_links *links = *state;

	while (me_links_dispatch(links))
		;
	return links;
}

/* --- Kinds -------------------------------------------------------------------------------------- */

static void each_kind(void **state)
{
	struct me_links *links = open_links(state);
	const struct me_link *a, *b;

	a = named(links, "lo");
	assert_int_equal(a->index, 1);
	assert_true(a->up && a->ethernet && !a->master && !a->lower);

	run("ip link add a0 type veth peer name a1");
	run("ip link add br0 type bridge");
	run("ip link set a0 master br0");
	run("ip link set br0 up");
	dispatch(links);
	a = named(links, "a0");
	b = named(links, "br0");
	assert_true(a->ethernet && b->ethernet && !a->up && b->up);
	assert_int_equal(a->master, b->index);
	assert_int_equal(a->lower, named(links, "a1")->index);
	assert_int_equal(named(links, "a1")->lower, a->index);
	assert_int_equal(b->lower, 0);
	run("ip link set a0 nomaster");
	dispatch(links);
	assert_int_equal(named(links, "a0")->master, 0);
	run("ip link del br0");
	run("ip link del a0");
}

/* Kinds that not every kernel has: `make` makes x0. */
static const struct me_link *kind(struct me_links *links, const char *what, const char *make)
{
	if (!gateway_try(make)) {
		printf("absent: %s\n", what);
		return NULL;
	}
	dispatch(links);
	return named(links, "x0");
}

static void kinds_of_modules(void **state)
{
	struct me_links *links = open_links(state);
	const struct me_link *x;
	uint32_t a0;

	run("ip link add a0 type veth peer name a1");
	a0 = if_nametoindex("a0");
	x = kind(links, "tun", "ip tuntap add dev x0 mode tun");
	if (x) {
		assert_true(!x->ethernet && !x->lower);
		run("ip link del x0");
	}
	x = kind(links, "tap", "ip tuntap add dev x0 mode tap");
	if (x) {
		assert_true(x->ethernet && !x->lower);
		run("ip link del x0");
	}
	x = kind(links, "dummy", "ip link add x0 type dummy");
	if (x) {
		assert_true(x->ethernet && !x->lower);
		run("ip link del x0");
	}
	x = kind(links, "vlan", "ip link add x0 link a0 type vlan id 7");
	if (x) {
		assert_true(x->ethernet);
		assert_int_equal(x->lower, a0);
		run("ip link del x0");
	}
	x = kind(links, "macvlan", "ip link add x0 link a0 type macvlan mode bridge");
	if (x) {
		assert_true(x->ethernet);
		assert_int_equal(x->lower, a0);
		run("ip link del x0");
	}
	x = kind(links, "bond", "ip link add x0 type bond");
	if (x) {
		run("ip link set a0 master x0");
		dispatch(links);
		assert_int_equal(named(links, "a0")->master, named(links, "x0")->index);
		run("ip link del x0");
	}
	x = kind(links, "wireguard", "ip link add x0 type wireguard");
	if (x) {
		assert_true(!x->ethernet && !x->lower);
		run("ip link del x0");
	}
	/* Tunnels: what goes on below is another flow. */
	x = kind(links, "ipip", "ip link add x0 type ipip local 192.0.2.1 remote 192.0.2.9 dev a0");
	if (x) {
		assert_true(!x->ethernet && !x->lower);
		run("ip link del x0");
	}
	x = kind(links, "vxlan", "ip link add x0 type vxlan id 5 dstport 4789 dev a0");
	if (x) {
		assert_true(x->ethernet && !x->lower);
		run("ip link del x0");
	}
	run("ip link del a0");
}

/* The other end of a veth is in another namespace: its index there means nothing here. */
static void an_end_elsewhere(void **state)
{
	struct me_links *links = open_links(state);
	struct world other = world_begin();
	char command[96];

	snprintf(command, sizeof(command), "ip link add a0 type veth peer name a1 netns %d",
		 other.pid);
	run(command);
	dispatch(links);
	assert_int_equal(named(links, "a0")->lower, 0);
	run("ip link del a0");
	world_end(&other);
}

/* --- Followed ----------------------------------------------------------------------------------- */

static void followed(void **state)
{
	struct me_links *links = open_links(state);
	uint32_t before;

	assert_int_equal(me_links_dispatch(links), 0);
	run("ip link add a0 type veth peer name a1");
	dispatch(links);
	before = named(links, "a0")->index;
	assert_false(named(links, "a0")->up);

	run("ip link set a0 up");
	dispatch(links);
	assert_true(named(links, "a0")->up);
	run("ip link set a0 down");
	dispatch(links);
	assert_false(named(links, "a0")->up);

	run("ip link set a0 name lan0");
	dispatch(links);
	assert_null(me_links_by_name(links, "a0"));
	assert_int_equal(named(links, "lan0")->index, before);

	run("ip link del lan0");
	run("ip link add lan0 type veth peer name a1");
	dispatch(links);
	assert_int_not_equal(named(links, "lan0")->index, before);
	assert_null(me_links_by_index(links, before));

	run("ip link del lan0");
	dispatch(links);
	assert_null(me_links_by_name(links, "lan0"));
}

/* The same name and the same index, yet another interface: the table is as it was, but it is told. */
static void made_again_unseen(void **state)
{
	struct me_links *links = open_links(state);

	run("ip link add a0 index 4242 type veth peer name a1");
	dispatch(links);
	open_links(state);
	run("ip link del a0");
	run("ip link add a0 index 4242 type veth peer name a1");
	dispatch(links);
	assert_int_equal(named(links, "a0")->index, 4242);
	run("ip link del a0");
}

/* The kernel drops notifications when the socket is full: the table is right all the same. */
static void overrun(void **state)
{
	struct me_links *links = open_links(state);
	struct pollfd poller = {.fd = me_links_fd(links), .events = POLLIN};
	int size = SMALL_BUFFER;

	run("ip link add a0 type veth peer name a1");
	dispatch(links);
	assert_int_equal(
		setsockopt(me_links_fd(links), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
	for (int i = 0; i < 8; i++)
		run(i % 2 ? "ip link set a0 down" : "ip link set a0 up");
	run("ip link set a0 name a2");
	assert_int_equal(poll(&poller, 1, 0), 1);
	assert_true(poller.revents & POLLERR); /* ENOBUFS waits there */
	dispatch(links);
	assert_null(me_links_by_name(links, "a0"));
	named(links, "a2");
	run("ip link set a2 name a3");
	dispatch(links);
	named(links, "a3");
	run("ip link del a3");
}

static void many(void **state)
{
	struct me_links *links = open_links(state);
	const struct me_link *table;
	size_t n, before;
	char command[96];

	me_links_table(links, &before);
	for (int i = 0; i < FLOOD / 2; i++) {
		snprintf(command, sizeof(command), "ip link add m%d type veth peer name n%d", i, i);
		run(command);
	}
	dispatch(links);
	table = me_links_table(links, &n);
	assert_int_equal(n, before + FLOOD);
	assert_int_equal(me_links_refused(links), 0);
	for (size_t i = 1; i < n; i++)
		assert_true(table[i - 1].index < table[i].index);
	for (int i = 0; i < FLOOD / 2; i++) {
		snprintf(command, sizeof(command), "ip link del m%d", i);
		run(command);
	}
	dispatch(links);
	me_links_table(links, &n);
	assert_int_equal(n, before);
}

static void names_of_indexes(void **state)
{
	char name[IF_NAMESIZE];

	(void)state;
	assert_string_equal(me_link_name(1, name), "lo");
	assert_string_equal(me_link_name(99999, name), "#99999");
}

/* --- Routes ------------------------------------------------------------------------------------- */

static void expect_default(bool a, bool b)
{
	assert_int_equal(me_links_default_route(if_nametoindex("a0")), a);
	assert_int_equal(me_links_default_route(if_nametoindex("b0")), b);
}

static void default_routes(void **state)
{
	(void)state;
	run("ip link add a0 type veth peer name a1");
	run("ip link add b0 type veth peer name b1");
	for (const char *const *name = (const char *[]){"a0", "a1", "b0", "b1", NULL}; *name;
	     name++) {
		char command[64];

		snprintf(command, sizeof(command), "ip link set %s up", *name);
		run(command);
	}
	run("ip addr add 192.0.2.1/24 dev a0");
	run("ip addr add 198.51.100.1/24 dev b0");
	run("ip -6 addr add 2001:db8::1/64 dev b0 nodad");
	expect_default(false, false);
	run("ip route add 203.0.113.0/24 via 192.0.2.9");
	run("ip route add default via 192.0.2.9 table 77");
	run("ip route add unreachable default metric 9999");
	expect_default(false, false);

	run("ip route add default via 192.0.2.9");
	expect_default(true, false);
	run("ip route del default via 192.0.2.9");
	expect_default(false, false);
	run("ip -6 route add default via 2001:db8::9");
	expect_default(false, true);
	run("ip -6 route del default via 2001:db8::9");
	run("ip route add default nexthop via 192.0.2.9 nexthop via 198.51.100.9");
	expect_default(true, true);
	run("ip route del default nexthop via 192.0.2.9 nexthop via 198.51.100.9");
	expect_default(false, false);
	run("ip -6 addr add 2001:db8:1::1/64 dev a0 nodad");
	run("ip -6 route add default nexthop via 2001:db8::9 nexthop via 2001:db8:1::9");
	expect_default(true, true);
	run("ip -6 route del default");
	if (gateway_try("ip nexthop add id 5 via 192.0.2.9 dev a0")) {
		run("ip route add default nhid 5");
		expect_default(true, false);
		run("ip nexthop del id 5");
	}
	expect_default(false, false);
	run("ip route flush table 77");
	run("ip link del a0");
	run("ip link del b0");
	assert_int_equal(me_links_default_route(99999), 0);
}

/* --- Nesting ------------------------------------------------------------------------------------ */

/*
 * eth0, eth1 in the bond 3, VLANs 4 and 5 on it, 4 in the bridge 6 with the port 7; 8 and 9 are the
 * ends of a veth, 9 in the bridge 10; 11 has a master that is not there.
 */
static const struct me_link world[] = {
	{.index = 1, .master = 3},
	{.index = 2, .master = 3},
	{.index = 3},
	{.index = 4, .lower = 3, .master = 6},
	{.index = 5, .lower = 3},
	{.index = 6},
	{.index = 7, .master = 6},
	{.index = 8, .lower = 9},
	{.index = 9, .lower = 8, .master = 10},
	{.index = 10},
	{.index = 11, .master = 999, .lower = 998},
};

static void expect_nested(const uint32_t *wanted, size_t n, uint32_t lower, uint32_t upper)
{
	uint32_t low = 0, up = 0;

	assert_int_equal(me_links_nested(world, ME_ARRAY_SIZE(world), wanted, n, &low, &up),
			 lower > 0);
	assert_int_equal(low, lower);
	assert_int_equal(up, upper);
}

#define WANTED(...)                                                                                \
	(const uint32_t[]){__VA_ARGS__}, ME_ARRAY_SIZE(((const uint32_t[]){__VA_ARGS__}))

static void nested(void **state)
{
	(void)state;
	expect_nested(WANTED(1), 0, 0);
	expect_nested(WANTED(1, 2), 0, 0);
	expect_nested(WANTED(4, 5, 7), 0, 0);
	expect_nested(WANTED(1, 1), 0, 0);
	expect_nested(WANTED(1, 999, 7), 0, 0);
	expect_nested(WANTED(11, 1), 0, 0);
	expect_nested(WANTED(1, 3), 1, 3);
	expect_nested(WANTED(3, 1), 1, 3);
	expect_nested(WANTED(3, 5), 3, 5);
	expect_nested(WANTED(7, 6), 7, 6);
	expect_nested(WANTED(7, 5, 2, 6), 7, 6);
	expect_nested(WANTED(7, 2, 4), 2, 4);
	expect_nested(WANTED(6, 2), 2, 6);
	expect_nested(WANTED(8, 9), 8, 9);
	expect_nested(WANTED(8, 10), 8, 10);
	expect_nested(WANTED(10, 7), 0, 0);
	assert_int_equal(me_links_nested(NULL, 0, WANTED(1, 2), NULL, NULL), 0);
}

/* --- The frame ---------------------------------------------------------------------------------- */

static int begin(void **state)
{
	struct me_links *links = NULL;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	run("ip link set lo up");
	assert_int_equal(me_links_open(&links), 0);
	*state = links;
	return 0;
}

static int end(void **state)
{
	me_links_free((struct me_links **)state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),
		cmocka_unit_test(kinds_of_modules),
		cmocka_unit_test(an_end_elsewhere),
		cmocka_unit_test(followed),
		cmocka_unit_test(made_again_unseen),
		cmocka_unit_test(overrun),
		cmocka_unit_test(many),
		cmocka_unit_test(names_of_indexes),
		cmocka_unit_test(default_routes),
		cmocka_unit_test(nested),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
