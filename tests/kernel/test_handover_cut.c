/* SPDX-License-Identifier: GPL-2.0-only */
/* The handover while everybody goes on, when it is killed, and when there is no room. */
#include "older.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "base/clock.h"
#include "policy/registry.h"
#include "../seed.h"

#define FLOWS 4096
#define UNLISTED ME_REASON_UNLISTED_DESTINATION
#define KILLS 6
#define OPENING_MS 800 /* about as long as it takes */
#define ATTACHING_MS 120
#define MANY 2000

static struct host *start(void)
{
	return host_begin("cut", "", FLOWS);
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

/* The old programs saw the answer, the new ones, which had the flow already, an end without one. */
static void an_outcome_is_counted_once(void **state)
{
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){.interrupted = true});
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0), server;
	struct me_flow placed = {.outcome = ME_OUTCOME_UNANSWERED, .flags = ME_FLOW_OUTCOME};
	struct me_endpoint_counts endpoint, *endpoints;
	struct host_flow flow;
	struct older_flows seen;
	uint16_t port = 0;
	uint32_t n;

	server = host_server(host, SOCK_DGRAM, HOST_GOOD, &port);
	host_send(fd, HOST_GOOD, port, 10);
	host_answer(server, 10);
	host_read(fd, 10);
	older_note_flows(older, &seen);
	assert_int_equal(seen.n, 1);
	older_free(&older);
	older_reopen(host);
	placed.id = seen.id[0];
	assert_int_equal(me_registry_id(host->registry, ME_ID_ENDPOINT, HOST_SERVICE, HOST_ENDPOINT,
					&placed.endpoint),
			 0);
	assert_int_equal(me_kernel_flow_put(host->kernel, &seen.key[0], &placed), 0);
	endpoints = me_kernel_endpoints(host->kernel, &n);
	endpoints[placed.endpoint].outcome[placed.outcome]++;
	older_switch(host);

	endpoint = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(endpoint.outcome[ME_OUTCOME_ANSWERED], 1);
	assert_int_equal(endpoint.outcome[ME_OUTCOME_UNANSWERED], 0);
	flow = host_flow(host, HOST_GOOD, port);
	assert_int_equal(flow.flow.outcome, ME_OUTCOME_ANSWERED);
	assert_int_equal(flow.flow.bytes_sent, 10);
	close(fd);
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
	older_expect_attached(host);
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
	struct host *host = host_begin("cut", "", ROOM);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attempts_during_the_switch_are_counted),
		cmocka_unit_test(an_outcome_is_counted_once),
		cmocka_unit_test(a_kill_loses_nothing),
		cmocka_unit_test(flows_without_room_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
