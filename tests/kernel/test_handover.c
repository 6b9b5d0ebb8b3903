/* SPDX-License-Identifier: GPL-2.0-only */
/* What a daemon of another layout left is taken over: every counter, id, flow, socket and record. */
#include "older.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "gen/layout.h"
#include "kernel/internal.h"
#include "policy/registry.h"
#include "../seed.h"

#define FLOWS 4096
#define KEPT 64 /* bytes, as host_begin() has it */
#define UNLISTED ME_REASON_UNLISTED_DESTINATION
#define KILLS 6
#define OPENING_MS 800 /* about as long as it takes */
#define ATTACHING_MS 120
#define MANY 2000

static struct host *start(void)
{
	return host_begin("handover", "", FLOWS);
}

/* --- Ids and counters --------------------------------------------------------------------------- */

/* The ids of all flows by their keys: in either layout the id comes first. */
struct seen {
	struct me_flow_key key[64];
	uint64_t id[64];
	size_t n;
};

static void note_flows(const struct older *older, struct seen *ret_seen)
{
	int fd = older_map(older, "me_flows");
	struct me_flow_key *previous = NULL;
	uint64_t value[64];

	ret_seen->n = 0;
	while (!bpf_map_get_next_key(fd, previous, &ret_seen->key[ret_seen->n])) {
		previous = &ret_seen->key[ret_seen->n];
		assert_int_equal(bpf_map_lookup_elem(fd, previous, value), 0);
		ret_seen->id[ret_seen->n++] = value[0];
		assert_true(ret_seen->n < ME_ARRAY_SIZE(ret_seen->id));
	}
}

static void expect_flows(struct host *host, const struct seen *seen)
{
	assert_int_equal(host_flows(host), seen->n);
	for (size_t i = 0; i < seen->n; i++) {
		struct me_flow flow;

		assert_true(me_kernel_flow_get(host->kernel, &seen->key[i], &flow));
		assert_true(flow.id == seen->id[i]);
	}
}

static const struct me_id_key some_id = {.kind = 1, .service = "good", .text = "good/hosts"};

static int expect_id(const struct me_id_key *key, uint32_t id, void *userdata)
{
	assert_memory_equal(key, &some_id, sizeof(*key));
	assert_int_equal(id, 17);
	++*(int *)userdata;
	return 0;
}

/* One program of this layout at each hook. */
static void expect_attached(const struct host *host)
{
	_cleanup_close_ int fd = -1;
	char path[8192];

	snprintf(path, sizeof(path), "%s%s", host->mount, host->group);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < ME_HOOKS; i++) {
		struct bpf_program *const *program =
			(const void *)((const char *)host->kernel->bpf + me_hooks[i].program);
		struct bpf_prog_info info = {};
		uint32_t ids[4], n = ME_ARRAY_SIZE(ids), length = sizeof(info);

		assert_int_equal(bpf_prog_query(fd, me_hooks[i].type, 0, NULL, ids, &n), 0);
		assert_int_equal(n, 1);
		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(*program), &info, &length),
				 0);
		assert_int_equal(ids[0], info.id);
	}
}

/* --- Everything at once ------------------------------------------------------------------------- */

struct traffic {
	int listener, udp_server;
	uint16_t port, udp_port;
	int good, good_peer; /* a connection to a listed peer, both ends */
	int bad, pending;    /* connections to a stranger */
	int udp;
};

static void talk(struct host *host, struct traffic *t)
{
	int closed;

	*t = (struct traffic){};
	t->listener = host_server(host, SOCK_STREAM, "0.0.0.0", &t->port);
	t->udp_server = host_server(host, SOCK_DGRAM, HOST_GOOD, &t->udp_port);
	t->good = host_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(host_connect(t->good, HOST_GOOD, t->port), 0);
	t->good_peer = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);
	host_write(t->good, 1000);
	host_read(t->good_peer, 1000);
	host_write(t->good_peer, 300);
	host_read(t->good, 300);

	closed = host_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(host_connect(closed, HOST_OLD, t->port), 0);
	close(closed);
	t->bad = host_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(host_connect(t->bad, HOST_BAD, t->port), 0);
	t->pending = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	host_send(t->pending, HOST_BAD, HOST_NAMED, 20);
	t->udp = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < 3; i++)
		host_send(t->udp, HOST_GOOD, t->udp_port, 100);
	host_answer(t->udp_server, 50);
	host_read(t->udp, 50);
}

static void talk_on(struct traffic *t)
{
	host_write(t->good, 500);
	host_read(t->good_peer, 500);
	host_write(t->good_peer, 100);
	host_read(t->good, 100);
	for (int i = 0; i < 2; i++)
		host_send(t->udp, HOST_GOOD, t->udp_port, 100);
	host_answer(t->udp_server, 60);
	host_read(t->udp, 60);
}

static void hang_up(struct traffic *t)
{
	close(t->good);
	close(t->good_peer);
	close(t->bad);
	close(t->pending);
	close(t->udp);
	close(t->listener);
	close(t->udp_server);
}

#define EXPECT_TALK(host)                                                                          \
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 3, FINAL(STRANGER) = 1, OPENED(UNLISTED) = 1)

static void nothing_is_lost(void **state)
{
	struct host *host = start();
	struct me_endpoint_counts endpoint;
	char kept[KEPT] = "what the daemon keeps";
	uint32_t generation, n, zero = 0, some = 17;
	struct host_flow flow;
	struct older *older;
	struct me_proc proc;
	struct traffic t;
	struct seen seen;
	int ids = 0;

	generation = me_kernel_generation(host->kernel);
	older = older_begin(host, &(struct older_options){});
	assert_int_equal(bpf_map_update_elem(older_map(older, "me_kept"), &zero, kept, 0), 0);
	assert_int_equal(bpf_map_update_elem(older_map(older, "me_registry"), &some_id, &some, 0),
			 0);
	talk(host, &t);
	note_flows(older, &seen);
	assert_int_equal(seen.n, 5);
	older_free(&older);

	host->options.endpoints = 2; /* there were more */
	older_reopen(host);
	older_switch(host);
	me_kernel_endpoints(host->kernel, &n);
	assert_int_equal(n, 64);
	assert_int_equal(me_kernel_generation(host->kernel), generation + 1);
	assert_memory_equal(me_kernel_kept(host->kernel), kept, KEPT);
	assert_int_equal(me_kernel_id_each(host->kernel, expect_id, &ids), 0);
	assert_int_equal(ids, 1);
	expect_flows(host, &seen);
	EXPECT_TALK(host);
	expect_attached(host);

	/* Unread records come first, then those that are new. */
	assert_true(older_pinned(host, OLDER_LAYOUT));
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 1);
	assert_int_equal(host_told(host, ME_RECORD_PENDING), 1);
	assert_int_equal(host->n_records, 2);
	assert_false(older_pinned(host, OLDER_LAYOUT));
	assert_true(older_pinned(host, ME_LAYOUT_ID));
	flow = host_flow(host, HOST_BAD, t.port);
	assert_true(host->records[0].id == flow.flow.id);
	assert_memory_equal(&host->records[0].key, &flow.key, sizeof(flow.key));
	assert_memory_equal(&host->records[0].flow.origin, &flow.flow.origin,
			    sizeof(flow.flow.origin));
	assert_int_equal(flow.flow.origin.proc.tgid, getpid());
	assert_string_equal(flow.flow.origin.comm, "test_handover");
	assert_true(me_kernel_proc(host->kernel, &flow.flow.origin.proc, &proc));
	assert_int_equal(proc.truncated, 0);
	assert_memory_equal(proc.exe + ME_EXE_LEN - strlen("/test_handover"), "/test_handover",
			    strlen("/test_handover"));

	/* Open flows go on: no new attempts, bytes are added, ends are exact. */
	talk_on(&t);
	EXPECT_TALK(host);
	flow = host_flow(host, HOST_GOOD, t.port);
	assert_int_equal(flow.flow.bytes_sent, 1500);
	assert_int_equal(flow.flow.bytes_received, 400);
	flow = host_flow(host, HOST_GOOD, t.udp_port);
	assert_int_equal(flow.flow.bytes_sent, 500);
	assert_int_equal(flow.flow.packets_sent, 5);
	assert_int_equal(flow.flow.wire_bytes_sent, 500 + 5 * 28);
	assert_int_equal(flow.flow.bytes_received, 110);
	assert_int_equal(flow.flow.packets_received, 2);
	assert_int_equal(flow.flow.outcome, ME_OUTCOME_ANSWERED);
	hang_up(&t);
	flow = host_flow_closed(host, HOST_GOOD, t.port);
	assert_int_equal(flow.flow.bytes_sent, 1500);
	assert_int_equal(flow.flow.bytes_received, 400);
	assert_int_equal(flow.flow.outcome, ME_OUTCOME_ESTABLISHED);
	host_flow_closed(host, HOST_GOOD, t.udp_port);
	flow = host_flow_closed(host, HOST_OLD, t.port);
	assert_int_equal(flow.flow.outcome, ME_OUTCOME_ESTABLISHED);
	assert_int_equal(flow.flow.flags & ME_FLOW_RETIRED, ME_FLOW_RETIRED);
	host_flow_closed(host, HOST_BAD, t.port);

	endpoint = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(endpoint.attempts, 2);
	assert_int_equal(endpoint.outcome[ME_OUTCOME_ESTABLISHED], 1);
	assert_int_equal(endpoint.outcome[ME_OUTCOME_ANSWERED], 1);
	assert_int_equal(endpoint.outcome[ME_OUTCOME_UNANSWERED], 0);
	assert_int_equal(endpoint.bytes_sent, 2000);
	assert_int_equal(endpoint.bytes_received, 510);
	host_end(&host);
}

static void pending_flows_are_settled_afterwards(void **state)
{
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){});
	struct me_settle settle = {.what = ME_SETTLE_VERDICT};
	struct host_flow flow;
	struct traffic t;

	talk(host, &t);
	older_free(&older);
	older_reopen(host);
	older_switch(host);
	flow = host_flow(host, HOST_BAD, HOST_NAMED);
	assert_int_equal(flow.flow.state.verdict, ME_PENDING);
	settle.key = flow.key;
	settle.id = flow.flow.id;
	settle.service = flow.flow.service;
	settle.state.verdict = ME_VIOLATION;
	settle.state.reason = UNLISTED;
	assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
	assert_int_equal(me_kernel_settle(host->kernel, &settle), -EALREADY);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 3, FINAL(STRANGER) = 1, OPENED(UNLISTED) = 1,
		    VIA(STRANGER) = 1);
	assert_int_equal(host_told(host, ME_RECORD_RESOLVED), 1);
	hang_up(&t);
	host_end(&host);
}

/* --- While everybody goes on -------------------------------------------------------------------- */

struct storm {
	struct host *host;
	uint16_t port;
	bool stop;
	uint64_t attempts;
};

static void *connect_all_the_time(void *userdata)
{
	struct storm *storm = userdata;

	while (!__atomic_load_n(&storm->stop, __ATOMIC_RELAXED)) {
		int fd = host_socket(storm->host, AF_INET, SOCK_STREAM, 0);

		assert_int_equal(host_connect(fd, HOST_GOOD, storm->port), -ECONNREFUSED);
		close(fd);
		__atomic_fetch_add(&storm->attempts, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *send_all_the_time(void *userdata)
{
	struct storm *storm = userdata;
	int fd = host_socket(storm->host, AF_INET, SOCK_DGRAM, 0);

	while (!__atomic_load_n(&storm->stop, __ATOMIC_RELAXED)) {
		host_send(fd, HOST_GOOD, storm->port, 10);
		__atomic_fetch_add(&storm->attempts, 1, __ATOMIC_RELAXED);
	}
	close(fd);
	return NULL;
}

static bool goes_on(void *userdata)
{
	const uint64_t *due = userdata;
	const struct storm *storm = (const struct storm *)(uintptr_t)due[0];

	return __atomic_load_n(&storm->attempts, __ATOMIC_RELAXED) >= due[1];
}

static void wait_for_attempts(const struct storm *storm, uint64_t more)
{
	uint64_t due[2] = {(uintptr_t)storm,
			   __atomic_load_n(&storm->attempts, __ATOMIC_RELAXED) + more};

	world_wait(goes_on, due);
}

/* A connection is an attempt, whichever side of the switch it met; a datagram of an old flow none. */
static void attempts_during_the_switch_are_counted(void **state)
{
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){});
	struct storm tcp = {.host = host}, udp = {.host = host};
	struct me_endpoint_counts endpoint;
	struct host_counts counts;
	pthread_t threads[2];
	struct host_flow flow;
	int server, port;

	server = host_server(host, SOCK_DGRAM, HOST_GOOD, &udp.port);
	port = host_server(host, SOCK_STREAM, HOST_GOOD, &tcp.port);
	close(port); /* nobody listens there any more */
	assert_int_equal(pthread_create(&threads[0], NULL, connect_all_the_time, &tcp), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, send_all_the_time, &udp), 0);
	wait_for_attempts(&tcp, 300);
	wait_for_attempts(&udp, 300);
	older_free(&older);
	older_reopen(host);
	older_switch(host);
	wait_for_attempts(&tcp, 300);
	wait_for_attempts(&udp, 300);
	__atomic_store_n(&tcp.stop, true, __ATOMIC_RELAXED);
	__atomic_store_n(&udp.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);

	counts = host_counts(host);
	assert_int_equal(counts.cell[ME_CELL_FINAL][ME_ALLOWED], tcp.attempts + 1);
	endpoint = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(endpoint.attempts, tcp.attempts + 1);
	flow = host_flow(host, HOST_GOOD, udp.port);
	assert_int_equal(flow.flow.bytes_sent, udp.attempts * 10);
	assert_int_equal(flow.flow.packets_sent, udp.attempts);
	close(server);
	host_end(&host);
}

/* --- Cut short ---------------------------------------------------------------------------------- */

/* When the process is killed: so long after its start, or after it began to attach. */
struct kill_at {
	bool attaching;
	uint64_t ns;
};

/* Hands over in a process of its own. */
static void hand_over_killed(struct host *host, const struct kill_at *at)
{
	struct timespec pause = {.tv_nsec = at->ns};
	int attaching[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(attaching, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		older_reopen(host);
		if (write(attaching[1], "", 1) != 1)
			_exit(1);
		older_switch(host);
		_exit(0);
	}
	if (at->attaching)
		assert_int_equal(read(attaching[0], &byte, 1), 1);
	nanosleep(&pause, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	close(attaching[0]);
	close(attaching[1]);
}

struct tally {
	uint64_t flows, bytes;
};

static int add_up(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct tally *tally = userdata;

	tally->flows++;
	tally->bytes += flow->bytes_sent;
	return 0;
}

static void check_after_kill(struct host *host)
{
	struct me_endpoint_counts endpoint;
	struct tally tally = {};

	older_reopen(host);
	older_switch(host);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = MANY, FINAL(STRANGER) = 1);
	endpoint = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_true(endpoint.attempts == MANY || endpoint.attempts == 2 * MANY);
	assert_int_equal(me_kernel_sync(host->kernel), 0);
	assert_int_equal(me_kernel_flows_each(host->kernel, add_up, &tally), 0);
	assert_int_equal(tally.flows, MANY + 1);
	assert_true(tally.bytes == 10 * (MANY + 1) || tally.bytes == 10 * (MANY + 2));
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 1);
	assert_false(older_pinned(host, OLDER_LAYOUT));
	assert_false(older_pinned(host, "new"));
	expect_attached(host);
}

/* Nothing is lost; what may be counted twice is said in kernel/handover.h. */
static void a_kill_loses_nothing(void **state)
{
	uint64_t random = me_seed();

	for (int i = 0; i < KILLS; i++) {
		struct host *host = start();
		struct older *older = older_begin(host, &(struct older_options){});
		int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
		struct kill_at at = {.attaching = i % 4 > 0};

		for (int n = 0; n < MANY; n++)
			host_send(fd, HOST_GOOD, 10000 + n, 10);
		host_send(fd, HOST_BAD, 10000, 10);
		older_free(&older);
		at.ns = me_seed_next(&random) %
			((at.attaching ? ATTACHING_MS : OPENING_MS) * ME_NS_PER_MS);
		hand_over_killed(host, &at);
		check_after_kill(host);
		close(fd);
		host_end(&host);
	}
}

static int count_pending(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	*(size_t *)userdata += flow->state.verdict == ME_PENDING;
	return 0;
}

/* The new table was made before and is too small: each flow is there, or its end is counted. */
static void flows_without_room_are_counted(void **state)
{
	enum { ROOM = 64, EACH = 100 };
	struct host *host = host_begin("handover", "", ROOM);
	struct older *older =
		older_begin(host, &(struct older_options){.flows = 2 * EACH, .interrupted = true});
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	size_t pending = 0;

	for (int n = 0; n < EACH; n++) {
		host_send(fd, HOST_GOOD, 10000 + n, 10);
		host_send(fd, HOST_BAD, HOST_NAMED + n, 10);
	}
	older_free(&older);
	older_reopen(host);
	older_switch(host);
	assert_int_equal(host_flows(host), ROOM);
	assert_int_equal(me_kernel_flows_each(host->kernel, count_pending, &pending), 0);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = EACH, OPENED(UNLISTED) = EACH,
		    SHED(UNLISTED) = EACH - pending, VIA(ME_UNRESOLVED) = EACH - pending,
		    TOTAL(FLOW_OVERFLOW) = 2 * EACH - ROOM);
	close(fd);
	host_end(&host);
}

/* --- What cannot be taken over ------------------------------------------------------------------ */

static void counters_of_another_kind_are_refused(void **state)
{
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){.cells = 100});
	struct me_why why = {};
	struct traffic t;
	struct seen before, after;

	talk(host, &t);
	note_flows(older, &before);
	assert_int_equal(me_kernel_open(&host->options, &host->kernel, &why), -EPROTO);
	assert_non_null(strstr(why.text, host->pins));
	assert_non_null(strstr(why.text, "mewatch detach"));
	assert_null(strchr(why.text, '\n'));
	assert_null(host->kernel);
	assert_false(older_pinned(host, ME_LAYOUT_ID));
	assert_false(older_pinned(host, "new"));
	hang_up(&t);
	talk(host, &t); /* it goes on as before */
	note_flows(older, &after);
	assert_int_equal(after.n, before.n + 5);
	hang_up(&t);
	older_free(&older);
	host_end(&host);
}

static void a_block_of_another_size_starts_anew(void **state)
{
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){});
	char kept[KEPT] = "of another form", empty[2 * KEPT] = {};
	struct me_why why = {};
	uint32_t zero = 0;

	assert_int_equal(bpf_map_update_elem(older_map(older, "me_kept"), &zero, kept, 0), 0);
	older_free(&older);
	host->options.kept_size = sizeof(empty);
	assert_int_equal(me_kernel_open(&host->options, &host->kernel, &why), 0);
	assert_non_null(strstr(why.text, "starts anew"));
	assert_true(me_kernel_resumed(host->kernel));
	assert_memory_equal(me_kernel_kept(host->kernel), empty, sizeof(empty));
	host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(pending_flows_are_settled_afterwards),
		cmocka_unit_test(attempts_during_the_switch_are_counted),
		cmocka_unit_test(a_kill_loses_nothing),
		cmocka_unit_test(flows_without_room_are_counted),
		cmocka_unit_test(counters_of_another_kind_are_refused),
		cmocka_unit_test(a_block_of_another_size_starts_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
