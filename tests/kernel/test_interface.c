/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An interface's attachment over its life, by tcx and by clsact: what is counted, whose is whose, and
 * what is left of a start that was cut short.
 */
#include "kernel/interface.h"
#include "gateway.h"
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "kernel/clsact.h"
#include "kernel/interface_pins.h"
#include "kernel/tcx.h"
#include "vendor/linux/tcx.h"

struct way {
	struct gateway *gateway;
	bool tcx;
};

static void programs_of(const struct way *way, int variant, int programs[2])
{
	gateway_programs(way->gateway, variant, programs);
}

static void attach(const struct way *way, int variant)
{
	int programs[2];

	programs_of(way, variant, programs);
	assert_int_equal(
		me_interface_attach(way->gateway->pins, way->gateway->lan, programs, way->tcx), 0);
}

static void remove_it(const struct way *way)
{
	assert_int_equal(me_interface_remove(way->gateway->pins, way->gateway->lan), 0);
}

static void expect_state(const struct way *way, bool alive, bool first)
{
	bool is_alive = !alive, is_first = !first;

	for (int egress = 0; egress < 2; egress++) {
		me_interface_state(way->gateway->pins, way->gateway->lan, egress, &is_alive,
				   &is_first);
		assert_int_equal(is_alive, alive);
		assert_int_equal(is_first, first);
	}
}

/* How many pins there are. */
static size_t pins(const struct way *way)
{
	char folder[128];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/links", way->gateway->pins);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* Nothing of ours nor of anybody else is on the interface. */
static void expect_nothing(const struct way *way)
{
	uint32_t ids[4], n;
	bool made = false;

	assert_int_equal(pins(way), 0);
	for (int egress = 0; egress < 2 && me_tcx_supported(); egress++) {
		n = ME_ARRAY_SIZE(ids);
		if (!bpf_prog_query((int)way->gateway->lan,
				    (enum bpf_attach_type)(BPF_TCX_INGRESS + egress), 0, NULL, ids,
				    &n))
			assert_int_equal(n, 0);
	}
	assert_int_equal(me_clsact_make(way->gateway->lan, &made), 0);
	assert_true(made);
	assert_int_equal(me_clsact_remove(way->gateway->lan), 0);
}

/* --- Others on the interface -------------------------------------------------------------------- */

struct other {
	int link; /* with tcx */
	int program;
	bool egress;
};

/* Somebody else puts a program in front of all. */
static struct other put_other(const struct way *way, int program, bool egress)
{
	struct other other = {.link = -1, .program = program, .egress = egress};
	bool made;

	if (way->tcx) {
		assert_int_equal(me_tcx_attach(program, way->gateway->lan, egress, &other.link), 0);
		return other;
	}
	assert_int_equal(me_clsact_make(way->gateway->lan, &made), 0);
	assert_int_equal(me_clsact_attach(program, way->gateway->lan, egress), 0);
	return other;
}

static bool is_there(const struct way *way, const struct other *other)
{
	struct me_clsact_filter filter;
	uint32_t place;

	if (way->tcx)
		return !me_tcx_place(other->link, way->gateway->lan, other->egress, &place);
	return !me_clsact_find(way->gateway->lan, other->egress, gateway_program_id(other->program),
			       &filter);
}

static void take_other(const struct way *way, struct other *other)
{
	struct me_clsact_filter filter;

	assert_true(is_there(way, other));
	if (way->tcx) {
		close(other->link);
		return;
	}
	assert_int_equal(me_clsact_find(way->gateway->lan, other->egress,
					gateway_program_id(other->program), &filter),
			 0);
	assert_int_equal(me_clsact_detach(way->gateway->lan, other->egress, &filter), 0);
}

/* --- Life --------------------------------------------------------------------------------------- */

static void attach_and_remove(void **state)
{
	const struct way *way = *state;

	expect_state(way, false, false);
	attach(way, 0);
	expect_state(way, true, true);
	gateway_expect(way->gateway, 0);
	assert_int_equal(pins(way), way->tcx ? 2 : 3);
	attach(way, 0);
	gateway_expect(way->gateway, 0);
	assert_int_equal(pins(way), way->tcx ? 2 : 3);
	attach(way, 1);
	expect_state(way, true, true);
	gateway_expect(way->gateway, 1);
	assert_int_equal(pins(way), way->tcx ? 2 : 3);
	remove_it(way);
	gateway_expect(way->gateway, -1);
	expect_state(way, false, false);
	expect_nothing(way);
	remove_it(way);
}

/* The one who attached is killed; it goes on, and the next one takes it over. */
static void goes_on_alone(void **state)
{
	const struct way *way = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		attach(way, 0);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	expect_state(way, true, true);
	gateway_expect(way->gateway, 0);
	attach(way, 1);
	gateway_expect(way->gateway, 1);
	remove_it(way);
	expect_nothing(way);
}

static void renamed(void **state)
{
	const struct way *way = *state;

	attach(way, 0);
	world_run(-1, "ip link set lan0 down");
	world_run(-1, "ip link set lan0 name lan1");
	world_run(-1, "ip link set lan1 up");
	expect_state(way, true, true);
	gateway_expect(way->gateway, 0);
	attach(way, 1);
	gateway_expect(way->gateway, 1);
	remove_it(way);
	world_run(-1, "ip link set lan1 down");
	world_run(-1, "ip link set lan1 name lan0");
	world_run(-1, "ip link set lan0 up");
	expect_nothing(way);
}

/* Gone and there again, under the same name with another index. */
static void made_again(void **state)
{
	const struct way *way = *state;
	uint32_t before = way->gateway->lan;
	int programs[2];

	programs_of(way, 0, programs);
	attach(way, 0);
	gateway_unplug(way->gateway);
	expect_state(way, false, false);
	assert_int_equal(me_interface_attach(way->gateway->pins, before, programs, way->tcx),
			 -ENODEV);
	assert_int_equal(pins(way), 0);
	gateway_plug(way->gateway);
	assert_int_not_equal(way->gateway->lan, before);
	attach(way, 0);
	gateway_unplug(way->gateway);
	gateway_plug(way->gateway);
	attach(way, 1);
	gateway_expect(way->gateway, 1);
	assert_int_equal(pins(way), way->tcx ? 4 : 6); /* and of the one that is gone */
	assert_int_equal(me_interface_prune(way->gateway->pins, &way->gateway->lan, 1), 0);
	assert_int_equal(pins(way), way->tcx ? 2 : 3);
	gateway_expect(way->gateway, 1);
	assert_int_equal(me_interface_prune(way->gateway->pins, NULL, 0), 0);
	expect_nothing(way);
}

/* Another interface has the index by now. */
static void the_same_index(void **state)
{
	const struct way *way = *state;
	char command[80];
	int programs[2];
	bool alive, first;

	programs_of(way, 0, programs);
	world_run(-1, "ip link add thing0 index 4242 type veth peer name thing1");
	assert_int_equal(me_interface_attach(way->gateway->pins, 4242, programs, way->tcx), 0);
	world_run(-1, "ip link del thing0");
	snprintf(command, sizeof(command), "ip link add other0 index %d type veth peer name other1",
		 4242);
	world_run(-1, command);
	me_interface_state(way->gateway->pins, 4242, false, &alive, &first);
	assert_false(alive);
	assert_int_equal(me_interface_attach(way->gateway->pins, 4242, programs, way->tcx), 0);
	me_interface_state(way->gateway->pins, 4242, false, &alive, &first);
	assert_true(alive && first);
	assert_int_equal(me_interface_remove(way->gateway->pins, 4242), 0);
	assert_int_equal(pins(way), 0);
	world_run(-1, "ip link del other0");
}

/* An interface that moves into another namespace is none of ours. */
static void moved_away(void **state)
{
	const struct way *way = *state;
	char command[80];

	attach(way, 0);
	snprintf(command, sizeof(command), "ip link set lan0 netns %d", way->gateway->host.pid);
	world_run(-1, command);
	assert_int_equal(me_interface_prune(way->gateway->pins, NULL, 0), 0);
	assert_int_equal(pins(way), 0);
	gateway_unplug(way->gateway);
	gateway_plug(way->gateway);
	expect_nothing(way);
}

/* Somebody takes everything off the interface. */
static void detached_by_somebody(void **state)
{
	const struct way *way = *state;
	struct bpf_tc_hook hook = {.sz = sizeof(hook),
				   .ifindex = (int)way->gateway->lan,
				   .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS};
	char path[ME_PIN_PATH_MAX];

	attach(way, 0);
	if (way->tcx) {
		for (int egress = 0; egress < 2; egress++) {
			_cleanup_close_ int fd = -1;

			assert_int_equal(me_interface_path(path, way->gateway->pins,
							   me_interface_hooks[egress],
							   way->gateway->lan, ""),
					 0);
			fd = bpf_obj_get(path);
			assert_int_equal(bpf_link_detach(fd), 0);
		}
	} else {
		assert_int_equal(bpf_tc_hook_destroy(&hook), 0);
	}
	expect_state(way, false, false);
	gateway_expect(way->gateway, -1);
	attach(way, 0);
	expect_state(way, true, true);
	gateway_expect(way->gateway, 0);
	remove_it(way);
	expect_nothing(way);
}

/* --- Under traffic ------------------------------------------------------------------------------ */

struct traffic {
	const struct gateway *gateway;
	uint64_t n;
	bool stop, failed;
};

static void *exchange(void *userdata)
{
	struct traffic *traffic = userdata;

	while (!__atomic_load_n(&traffic->stop, __ATOMIC_RELAXED) && !traffic->failed) {
		traffic->failed = !gateway_exchange(traffic->gateway, 1);
		__atomic_fetch_add(&traffic->n, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void wait_packets(struct traffic *traffic, uint64_t more)
{
	uint64_t until = __atomic_load_n(&traffic->n, __ATOMIC_RELAXED) + more;

	while (__atomic_load_n(&traffic->n, __ATOMIC_RELAXED) < until &&
	       !__atomic_load_n(&traffic->failed, __ATOMIC_RELAXED))
		sched_yield();
}

#define EXCHANGES 100

static void exchanged_without_a_gap(void **state)
{
	const struct way *way = *state;
	struct traffic traffic = {.gateway = way->gateway};
	struct gateway_counts counts;
	pthread_t thread;

	attach(way, 0);
	gateway_counts(way->gateway);
	assert_int_equal(pthread_create(&thread, NULL, exchange, &traffic), 0);
	for (int i = 1; i <= EXCHANGES; i++) {
		attach(way, i % 2);
		wait_packets(&traffic, 10);
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_false(traffic.failed);
	counts = gateway_counts(way->gateway);
	for (int egress = 0; egress < 2; egress++) {
		assert_int_equal(counts.of[0][egress] + counts.of[1][egress], traffic.n);
		assert_true(counts.of[0][egress] && counts.of[1][egress]);
	}
	remove_it(way);
	expect_nothing(way);
}

/* Put in front again and again while others put themselves there: none goes by uncounted. */
static void to_the_front_without_a_gap(void **state)
{
	const struct way *way = *state;
	struct traffic traffic = {.gateway = way->gateway};
	struct gateway_counts counts;
	struct other other[2] = {};
	_cleanup_close_ int blank = -1;
	uint64_t twice = 0;
	pthread_t thread;

	assert_int_equal(me_tcx_blank(&blank), 0);
	attach(way, 0);
	gateway_counts(way->gateway);
	assert_int_equal(pthread_create(&thread, NULL, exchange, &traffic), 0);
	for (int i = 1; i <= 20; i++) {
		for (int egress = 0; egress < 2; egress++)
			other[egress] = put_other(way, blank, egress);
		expect_state(way, true, false);
		attach(way, i % 2);
		expect_state(way, true, true);
		for (int egress = 0; egress < 2; egress++)
			take_other(way, &other[egress]);
		wait_packets(&traffic, 10);
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_false(traffic.failed);
	counts = gateway_counts(way->gateway);
	for (int egress = 0; egress < 2; egress++) {
		assert_true(counts.of[0][egress] + counts.of[1][egress] >= traffic.n);
		twice += counts.of[0][egress] + counts.of[1][egress] - traffic.n;
	}
	printf("%llu packets each way, %llu counted twice\n", (unsigned long long)traffic.n,
	       (unsigned long long)twice);
	assert_int_equal(pins(way), way->tcx ? 2 : 3);
	remove_it(way);
	gateway_expect(way->gateway, -1);
	expect_nothing(way);
}

/* --- Others ------------------------------------------------------------------------------------- */

static void others_stay(void **state)
{
	const struct way *way = *state;
	int end = gateway_end_program(way->gateway);
	_cleanup_close_ int blank = -1;
	struct other before[2], after[2];

	assert_int_equal(me_tcx_blank(&blank), 0);
	for (int egress = 0; egress < 2; egress++)
		before[egress] = put_other(way, end, egress);
	attach(way, 0);
	expect_state(way, true, true);
	gateway_expect(way->gateway, 0);
	for (int egress = 0; egress < 2; egress++)
		after[egress] = put_other(way, blank, egress);
	expect_state(way, true, false);
	attach(way, 0); /* the same programs: they stay where they are */
	expect_state(way, true, false);
	gateway_expect(way->gateway, 0);
	attach(way, 1); /* others: in front again */
	expect_state(way, true, true);
	gateway_expect(way->gateway, 1);
	for (int egress = 0; egress < 2; egress++)
		assert_true(is_there(way, &before[egress]) && is_there(way, &after[egress]));
	remove_it(way);
	gateway_expect(way->gateway, -1);
	assert_int_equal(pins(way), 0);
	for (int egress = 0; egress < 2; egress++) {
		take_other(way, &before[egress]);
		take_other(way, &after[egress]);
	}
	if (!way->tcx) { /* theirs: they had it first */
		bool made = true;

		assert_int_equal(me_clsact_make(way->gateway->lan, &made), 0);
		assert_false(made);
		assert_int_equal(me_clsact_remove(way->gateway->lan), 0);
	}
	expect_nothing(way);
}

/* Others have come to our qdisc: it stays with them. */
static void others_on_our_qdisc(void **state)
{
	const struct way *way = *state;
	int end = gateway_end_program(way->gateway);
	struct other other;
	bool made = true;

	attach(way, 0);
	other = put_other(way, end, false);
	remove_it(way);
	assert_int_equal(pins(way), 0);
	take_other(way, &other);
	if (!way->tcx) {
		assert_int_equal(me_clsact_make(way->gateway->lan, &made), 0);
		assert_false(made);
		assert_int_equal(me_clsact_remove(way->gateway->lan), 0);
	}
	expect_nothing(way);
}

static void refused(void **state)
{
	const struct way *way = *state;
	int programs[2] = {-1, -1};

	assert_int_equal(me_interface_attach(way->gateway->pins, 99999, programs, way->tcx),
			 way->tcx ? -EBADF : -ENODEV);
	programs_of(way, 0, programs);
	assert_int_equal(me_interface_attach(way->gateway->pins, 99999, programs, way->tcx),
			 -ENODEV);
	assert_int_equal(pins(way), 0);
	/* One direction fails: neither is attached; what was attached stays. */
	programs[1] = -1;
	assert_true(me_interface_attach(way->gateway->pins, way->gateway->lan, programs, way->tcx) <
		    0);
	expect_nothing(way);
	attach(way, 1);
	assert_true(me_interface_attach(way->gateway->pins, way->gateway->lan, programs, way->tcx) <
		    0);
	expect_state(way, true, true);
	attach(way, 1);
	gateway_expect(way->gateway, 1);
	remove_it(way);
	expect_nothing(way);
}

/* --- Starts that were cut short ----------------------------------------------------------------- */

static void next_pin(const struct way *way, bool egress, int fd)
{
	char path[ME_PIN_PATH_MAX];

	assert_int_equal(me_interface_path(path, way->gateway->pins, me_interface_hooks[egress],
					   way->gateway->lan, "+"),
			 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
}

/*
 * The exchange of both programs as far as `step`: 0: the new one is pinned and does nothing yet; 1: it
 * counts in the place of the old one (clsact); 2: it counts in front of the old one.
 */
static void half_exchange(const struct way *way, int step)
{
	_cleanup_close_ int blank = -1;
	int programs[2], old[2];

	programs_of(way, 0, old);
	programs_of(way, 1, programs);
	assert_int_equal(me_tcx_blank(&blank), 0);
	for (int egress = 0; egress < 2; egress++) {
		struct me_clsact_filter filter;
		_cleanup_close_ int link = -1;

		if (way->tcx) {
			assert_int_equal(me_tcx_attach(blank, way->gateway->lan, egress, &link), 0);
			next_pin(way, egress, link);
			if (step)
				assert_int_equal(bpf_link_update(link, programs[egress], NULL), 0);
			continue;
		}
		next_pin(way, egress, programs[egress]);
		assert_int_equal(me_clsact_find(way->gateway->lan, egress,
						gateway_program_id(old[egress]), &filter),
				 0);
		if (step == 1)
			assert_int_equal(me_clsact_replace(programs[egress], way->gateway->lan,
							   egress, &filter),
					 0);
		else if (step == 2)
			assert_int_equal(
				me_clsact_attach(programs[egress], way->gateway->lan, egress), 0);
	}
}

static void cut_short(void **state)
{
	const struct way *way = *state;

	for (int variant = 0; variant < 2; variant++) {
		for (int step = 0; step < 3; step++) {
			attach(way, 0);
			half_exchange(way, step);
			assert_int_equal(pins(way), way->tcx ? 4 : 5);
			attach(way, variant);
			expect_state(way, true, true);
			gateway_expect(way->gateway, variant);
			assert_int_equal(pins(way), way->tcx ? 2 : 3);
			remove_it(way);
			expect_nothing(way);

			attach(way, 0);
			half_exchange(way, step);
			remove_it(way);
			gateway_expect(way->gateway, -1);
			expect_nothing(way);
		}
	}
}

/* Only the pin of a first attachment was made. */
static void cut_short_at_the_beginning(void **state)
{
	const struct way *way = *state;
	int programs[2];

	if (way->tcx)
		return; /* its pin is the last step */
	programs_of(way, 0, programs);
	next_pin(way, false, programs[0]);
	attach(way, 1);
	gateway_expect(way->gateway, 1);
	remove_it(way);
	expect_nothing(way);
}

static void names_of_pins(void **state)
{
	static const struct {
		const char *name, *hook;
		uint32_t index;
	} cases[] = {
		{"tc_ingress@1", "tc_ingress", 1},
		{"tc_egress@2147483647", "tc_egress", 2147483647},
		{"tc_egress@12+", NULL, 12},
		{"clsact@7", NULL, 7},
		{"tc_egress@2147483648", NULL, 0},
		{"tc_egress@0", NULL, 0},
		{"tc_egress@", NULL, 0},
		{"tc_egress", NULL, 0},
		{"tc_egress@7x", NULL, 0},
		{"tc_egress@99999999999999999999999", NULL, 0},
		{"tc@7", NULL, 0},
		{"tc_egresss@7", NULL, 0},
		{"ingress@7", NULL, 0},
		{"clsact", NULL, 0},
		{"@", NULL, 0},
	};
	const char *hook;

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		uint32_t index = 0;

		hook = NULL;
		assert_int_equal(me_interface_pin(cases[i].name, &index, &hook),
				 cases[i].index > 0);
		assert_int_equal(index, cases[i].index);
		if (cases[i].hook)
			assert_string_equal(hook, cases[i].hook);
		else
			assert_null(hook);
	}
}

static int begin(void **state)
{
	struct way *way = calloc(1, sizeof(*way));

	assert_non_null(way);
	way->gateway = gateway_begin("interface");
	*state = way;
	return 0;
}

static int end(void **state)
{
	struct way *way = *state;

	gateway_end(&way->gateway);
	free(way);
	return 0;
}

static int by_tcx(void **state)
{
	((struct way *)*state)->tcx = true;
	return 0;
}

static int by_clsact(void **state)
{
	((struct way *)*state)->tcx = false;
	return 0;
}

#define ALL(way)                                                                                   \
	cmocka_unit_test_setup(attach_and_remove, way),                                            \
		cmocka_unit_test_setup(goes_on_alone, way), cmocka_unit_test_setup(renamed, way),  \
		cmocka_unit_test_setup(made_again, way),                                           \
		cmocka_unit_test_setup(the_same_index, way),                                       \
		cmocka_unit_test_setup(moved_away, way),                                           \
		cmocka_unit_test_setup(detached_by_somebody, way),                                 \
		cmocka_unit_test_setup(exchanged_without_a_gap, way),                              \
		cmocka_unit_test_setup(to_the_front_without_a_gap, way),                           \
		cmocka_unit_test_setup(others_stay, way),                                          \
		cmocka_unit_test_setup(others_on_our_qdisc, way),                                  \
		cmocka_unit_test_setup(refused, way), cmocka_unit_test_setup(cut_short, way),      \
		cmocka_unit_test_setup(cut_short_at_the_beginning, way)

int main(void)
{
	const struct CMUnitTest tests[] = {ALL(by_clsact), cmocka_unit_test(names_of_pins),
					   ALL(by_tcx)};
	const struct CMUnitTest without[] = {ALL(by_clsact), cmocka_unit_test(names_of_pins)};

	if (me_tcx_supported())
		return cmocka_run_group_tests(tests, begin, end);
	printf("absent: tcx\n");
	return cmocka_run_group_tests(without, begin, end);
}
