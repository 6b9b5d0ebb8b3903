/* SPDX-License-Identifier: GPL-2.0-only */
/* Attachments and pins: what is there after each step, and that nothing is lost in between. */
#include "host.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "gen/layout.h"
#include "policy/registry.h"

static const struct {
	const char *name;
	enum bpf_attach_type type;
} hooks[] = {
	{"sock_create", BPF_CGROUP_INET_SOCK_CREATE},
	{"sock_release", BPF_CGROUP_INET_SOCK_RELEASE},
	{"sock_ops", BPF_CGROUP_SOCK_OPS},
	{"ingress", BPF_CGROUP_INET_INGRESS},
	{"egress", BPF_CGROUP_INET_EGRESS},
	{"sendmsg4", BPF_CGROUP_UDP4_SENDMSG},
	{"sendmsg6", BPF_CGROUP_UDP6_SENDMSG},
	{"connect4", BPF_CGROUP_INET4_CONNECT},
	{"connect6", BPF_CGROUP_INET6_CONNECT},
};

#define HOOKS ME_ARRAY_SIZE(hooks)

/* How many programs the cgroup has at a hook; `ret_id` is the first one's. */
static uint32_t attached_at(int cgroup, enum bpf_attach_type type, uint32_t *ret_id)
{
	uint32_t ids[8] = {}, flags = 0, n = ME_ARRAY_SIZE(ids);

	assert_int_equal(bpf_prog_query(cgroup, type, 0, &flags, ids, &n), 0);
	*ret_id = ids[0];
	return n;
}

/* Each hook of the cgroup has as many programs as `each`. */
static void assert_attached(int cgroup, uint32_t each)
{
	uint32_t id;

	for (size_t i = 0; i < HOOKS; i++)
		assert_int_equal(attached_at(cgroup, hooks[i].type, &id), each);
}

static bool nothing_attached(void *userdata)
{
	const int *group = userdata;
	uint32_t id, n = 0;

	for (size_t i = 0; i < HOOKS; i++)
		n += attached_at(*group, hooks[i].type, &id);
	return n == 0;
}

/* The kernel lets go of an attachment when it comes to it. */
static void wait_detached(int cgroup)
{
	world_wait(nothing_attached, &cgroup);
}

struct tally {
	uint64_t cgroup;
	size_t all, alive;
};

static int tally_one(const struct me_attachment *attachment, void *userdata)
{
	struct tally *tally = userdata;

	if (attachment->interface || tally->cgroup != attachment->id)
		return 0;
	tally->all++;
	tally->alive += attachment->alive;
	return 0;
}

static void assert_pinned(const struct host *host, uint64_t cgroup, size_t all, size_t alive)
{
	struct tally tally = {.cgroup = cgroup};

	assert_int_equal(me_attachments_each(host->pins, tally_one, &tally), 0);
	assert_int_equal(tally.all, all);
	assert_int_equal(tally.alive, alive);
}

struct dying {
	const struct host *host;
	struct tally tally;
	size_t alive;
};

static bool has_died(void *userdata)
{
	struct dying *dying = userdata;

	dying->tally.all = dying->tally.alive = 0;
	assert_int_equal(me_attachments_each(dying->host->pins, tally_one, &dying->tally), 0);
	return dying->tally.alive == dying->alive;
}

/* Links die some time after their group. */
static void wait_dead(const struct host *host, uint64_t cgroup, size_t alive)
{
	struct dying dying = {.host = host, .tally = {.cgroup = cgroup}, .alive = alive};

	world_wait(has_died, &dying);
	assert_int_equal(dying.tally.all, HOOKS);
}

static int open_group(const struct host *host)
{
	_cleanup_(me_strbuf_free) struct me_strbuf path = {};
	int fd;

	me_strbuf_addf(&path, "%s%s", host->mount, host->group);
	fd = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void reopen(struct host *host)
{
	struct me_why why = {};

	if (me_kernel_open(&host->options, &host->kernel, &why))
		fail_msg("%s", why.text);
}

static void watch(struct host *host, const uint64_t *ids, const int *fds, size_t n)
{
	struct me_why why = {};

	if (me_kernel_watch(host->kernel, ids, fds, n, &why))
		fail_msg("%s", why.text);
}

static void connect_some(struct host *host, const char *address, uint16_t port, int n)
{
	for (int i = 0; i < n; i++) {
		int fd = host_socket(host, AF_INET, SOCK_STREAM, 0);

		assert_int_equal(host_connect(fd, address, port), 0);
		close(fd);
	}
}

/* --- Open and close ------------------------------------------------------------------------------ */

static void pins_and_links_are_there(void **state)
{
	static const char *const maps[] = {
		"me_flows", "me_socks",  "me_cells",     "me_totals",   "me_ring",  "me_control",
		"me_heads", "me_tables", "me_own",       "me_netns",    "me_procs", "me_registry",
		"me_kept",  "me_ids",    "me_endpoints", "me_kept_each"};
	struct host *host = *state;
	_cleanup_close_ int group = open_group(host);
	char path[256];

	for (size_t i = 0; i < ME_ARRAY_SIZE(maps); i++) {
		snprintf(path, sizeof(path), "%s/" ME_LAYOUT_ID "/%s", host->pins, maps[i]);
		assert_int_equal(access(path, F_OK), 0);
	}
	for (size_t i = 0; i < HOOKS; i++) {
		snprintf(path, sizeof(path), "%s/links/%s@%llu", host->pins, hooks[i].name,
			 (unsigned long long)host->group_id);
		assert_int_equal(access(path, F_OK), 0);
	}
	assert_attached(group, 1);
	assert_pinned(host, host->group_id, HOOKS, HOOKS);
	assert_false(me_kernel_resumed(host->kernel));
}

static void one_at_a_time(void **state)
{
	struct host *host = *state;
	struct me_kernel *second = NULL;
	struct me_why why = {};
	bool running = false;

	assert_int_equal(me_kernel_running(host->pins, &running), 0);
	assert_true(running);
	assert_int_equal(me_kernel_open(&host->options, &second, &why), -EBUSY);
	assert_null(second);
	assert_non_null(strstr(why.text, host->pins));
	assert_int_equal(me_kernel_detach(host->pins, &why), -EBUSY);
	assert_pinned(host, host->group_id, HOOKS, HOOKS);

	me_kernel_close(&host->kernel);
	assert_int_equal(me_kernel_running(host->pins, &running), 0);
	assert_false(running);
	reopen(host);
	assert_true(me_kernel_resumed(host->kernel));
}

/* Everything goes on while nobody has it open, and the next one finds it. */
static void counts_go_on_while_it_is_closed(void **state)
{
	struct host *host = *state;
	uint16_t port = 0, bad = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port);
	int stranger = host_server(host, SOCK_STREAM, HOST_BAD, &bad);
	uint32_t generation = me_kernel_generation(host->kernel), before, after;
	_cleanup_close_ int group = open_group(host);
	struct me_id_key key = {.kind = ME_ID_RULE, .service = "s", .text = "t"};
	struct me_endpoint_counts e;

	connect_some(host, HOST_GOOD, port, 20);
	memset(me_kernel_kept(host->kernel), 0x5a, host->options.kept_size);
	assert_int_equal(me_kernel_id_put(host->kernel, &key, 77), 0);
	assert_int_equal(attached_at(group, BPF_CGROUP_INET4_CONNECT, &before), 1);
	me_kernel_close(&host->kernel);
	assert_attached(group, 1);
	connect_some(host, HOST_GOOD, port, 25);
	connect_some(host, HOST_BAD, bad, 25);
	reopen(host);

	assert_true(me_kernel_resumed(host->kernel));
	assert_int_equal(me_kernel_generation(host->kernel), generation);
	for (size_t i = 0; i < host->options.kept_size; i++)
		assert_int_equal(((unsigned char *)me_kernel_kept(host->kernel))[i], 0x5a);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 45, FINAL(STRANGER) = 25);
	assert_int_equal(host_flows(host), 70);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 25);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.attempts, 45);
	assert_int_equal(e.outcome[ME_OUTCOME_ESTABLISHED], 45);

	/* Between open and watch the old programs are at work; then the new ones. */
	connect_some(host, HOST_GOOD, port, 5);
	watch(host, &host->group_id, &group, 1);
	assert_int_equal(attached_at(group, BPF_CGROUP_INET4_CONNECT, &after), 1);
	assert_int_not_equal(before, after);
	connect_some(host, HOST_GOOD, port, 5);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 55, FINAL(STRANGER) = 25);
	close(server);
	close(stranger);
}

static int take_id(const struct me_id_key *key, uint32_t id, void *userdata)
{
	uint32_t *seen = userdata;

	if (!strcmp(key->service, "s") && !strcmp(key->text, "t") && key->kind == ME_ID_RULE)
		*seen = id;
	return 0;
}

static void ids_and_processes_are_kept(void **state)
{
	struct host *host = *state;
	struct me_id_key key = {.kind = ME_ID_RULE, .service = "s", .text = "t"};
	struct host_flow f;
	struct me_proc proc;
	uint32_t id = 0;
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port);

	assert_int_equal(me_kernel_id_put(host->kernel, &key, 78), 0);
	connect_some(host, HOST_GOOD, port, 1);
	me_kernel_close(&host->kernel);
	reopen(host);
	assert_int_equal(me_kernel_id_each(host->kernel, take_id, &id), 0);
	assert_int_equal(id, 78);
	f = host_flow(host, HOST_GOOD, port);
	assert_true(me_kernel_proc(host->kernel, &f.flow.origin.proc, &proc));
	assert_int_not_equal(proc.len, 0);
	close(server);
}

/* Bytes of a connection that is open over a restart, and of a datagram socket. */
static void open_sockets_are_kept(void **state)
{
	struct host *host = *state;
	uint16_t port = 0, other = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port);
	int datagrams = host_server(host, SOCK_DGRAM, HOST_BAD, &other);
	int client = host_socket(host, AF_INET, SOCK_STREAM, 0);
	int sender = host_socket(host, AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(host_connect(client, HOST_GOOD, port), 0);
	host_write(client, 100);
	host_send(sender, HOST_BAD, other, 10);
	me_kernel_close(&host->kernel);
	host_write(client, 11);
	host_send(sender, HOST_BAD, other, 10);
	reopen(host);
	host_write(client, 1);
	host_send(sender, HOST_BAD, other, 10);
	assert_int_equal(host_flow(host, HOST_GOOD, port).flow.bytes_sent, 112);
	assert_int_equal(host_flow(host, HOST_BAD, other).flow.bytes_sent, 30);
	close(client);
	close(sender);
	close(server);
	close(datagrams);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1, FINAL(STRANGER) = 1);
}

/* --- Several cgroups ----------------------------------------------------------------------------- */

static void cgroups_come_and_go(void **state)
{
	struct host *host = *state;
	int fds[2] = {open_group(host), -1};
	uint64_t ids[2] = {host->group_id, 0};
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port);
	uint32_t before, after;

	ids[1] = host_group_make(host, "two", &fds[1]);
	watch(host, ids, fds, 2);
	assert_attached(fds[0], 1);
	assert_attached(fds[1], 1);
	assert_int_equal(attached_at(fds[0], BPF_CGROUP_INET4_CONNECT, &before), 1);
	assert_int_equal(attached_at(fds[1], BPF_CGROUP_INET4_CONNECT, &after), 1);
	assert_int_equal(before, after); /* the same program on both */
	assert_pinned(host, ids[1], HOOKS, HOOKS);
	connect_some(host, HOST_GOOD, port, 1);

	watch(host, &ids[1], &fds[1], 1);
	wait_detached(fds[0]);
	assert_attached(fds[1], 1);
	assert_pinned(host, ids[0], 0, 0);
	connect_some(host, HOST_GOOD, port, 1); /* nobody looks */

	watch(host, ids, fds, 1);
	assert_attached(fds[0], 1);
	wait_detached(fds[1]);
	connect_some(host, HOST_GOOD, port, 1);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 2);
	close(fds[0]);
	close(fds[1]);
	host_group_remove(host, "two");
	close(server);
}

/* A group that is removed leaves dead links; made again, it is another group. */
static void a_cgroup_that_comes_back(void **state)
{
	struct host *host = *state;
	int fds[2] = {open_group(host), -1};
	uint64_t ids[2] = {host->group_id, 0}, old;

	old = ids[1] = host_group_make(host, "two", &fds[1]);
	watch(host, ids, fds, 2);
	close(fds[1]);
	host_group_remove(host, "two");
	wait_dead(host, old, 0);
	assert_pinned(host, ids[0], HOOKS, HOOKS);

	ids[1] = host_group_make(host, "two", &fds[1]);
	assert_true(ids[1] != old);
	watch(host, ids, fds, 2);
	assert_pinned(host, old, 0, 0);
	assert_pinned(host, ids[1], HOOKS, HOOKS);
	assert_attached(fds[1], 1);
	watch(host, ids, fds, 1);
	close(fds[0]);
	close(fds[1]);
	host_group_remove(host, "two");
}

/* A pin under the group's own name whose link is dead is replaced. */
static void a_dead_pin_is_replaced(void **state)
{
	struct host *host = *state;
	_cleanup_close_ int group = open_group(host);
	char dead[256], live[256];
	uint64_t old;
	int fd;

	old = host_group_make(host, "two", &fd);
	watch(host, (uint64_t[]){host->group_id, old}, (int[]){group, fd}, 2);
	close(fd);
	host_group_remove(host, "two");
	snprintf(dead, sizeof(dead), "%s/links/egress@%llu", host->pins, (unsigned long long)old);
	snprintf(live, sizeof(live), "%s/links/egress@%llu", host->pins,
		 (unsigned long long)host->group_id);
	assert_int_equal(unlink(live), 0);
	assert_int_equal(rename(dead, live), 0);
	wait_dead(host, host->group_id, HOOKS - 1);
	watch(host, &host->group_id, &group, 1);
	assert_pinned(host, host->group_id, HOOKS, HOOKS);
	assert_attached(group, 1);
}

static void a_failure_changes_nothing(void **state)
{
	struct host *host = *state;
	int fds[3] = {open_group(host), -1, open("/dev/null", O_RDONLY | O_CLOEXEC)};
	uint64_t ids[3] = {host->group_id, 0, 12345};
	struct me_why why = {};
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port);

	ids[1] = host_group_make(host, "two", &fds[1]);
	assert_true(me_kernel_watch(host->kernel, ids, fds, 3, &why) < 0);
	assert_true(why.text[0] != '\0');
	assert_pinned(host, ids[0], HOOKS, HOOKS);
	assert_pinned(host, ids[1], 0, 0);
	assert_pinned(host, ids[2], 0, 0);
	assert_attached(fds[0], 1);
	wait_detached(fds[1]);
	connect_some(host, HOST_GOOD, port, 3);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 3);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	host_group_remove(host, "two");
	close(server);
}

/* --- Detach -------------------------------------------------------------------------------------- */

static void detach_leaves_nothing(void **state)
{
	struct host *host = *state;
	_cleanup_close_ int group = open_group(host);
	struct me_why why = {};
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_GOOD, &port);

	assert_int_equal(me_kernel_detach(host->pins, &why), -EBUSY);
	assert_attached(group, 1);
	me_kernel_close(&host->kernel);
	assert_int_equal(me_kernel_detach(host->pins, &why), 0);
	assert_int_equal(access(host->pins, F_OK), -1);
	assert_int_equal(errno, ENOENT);
	wait_detached(group);
	assert_int_equal(me_kernel_detach(host->pins, &why), -ENOENT);
	connect_some(host, HOST_GOOD, port, 1);

	/* From here it begins anew. */
	reopen(host);
	assert_false(me_kernel_resumed(host->kernel));
	assert_int_equal(me_kernel_generation(host->kernel), 0);
	memset(host->marked_cells, 0, ME_CELL_COUNT * sizeof(*host->marked_cells));
	memset(host->marked_totals, 0, sizeof(host->marked_totals));
	HOST_EXPECT(host, 0);
	assert_int_equal(host_flows(host), 0);
	watch(host, &host->group_id, &group, 1);
	assert_attached(group, 1);
	host_again(host);
	connect_some(host, HOST_GOOD, port, 1);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1, TOTAL(OWN_UNKNOWN) = 1);
	assert_int_equal(host_told(host, ME_RECORD_NETNS), 1);
	close(server);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	*state = host_begin("attach", "", 1024);
	return 0;
}

static int end(void **state)
{
	host_end((struct host **)state);
	return 0;
}

static int mark(void **state)
{
	host_mark(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pins_and_links_are_there),        TEST(one_at_a_time),
		TEST(counts_go_on_while_it_is_closed), TEST(ids_and_processes_are_kept),
		TEST(open_sockets_are_kept),           TEST(cgroups_come_and_go),
		TEST(a_cgroup_that_comes_back),        TEST(a_dead_pin_is_replaced),
		TEST(a_failure_changes_nothing),       TEST(detach_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
