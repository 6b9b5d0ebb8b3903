/* SPDX-License-Identifier: GPL-2.0-only */
/* Pending flows become final, once, and the cells add up at every moment. */
#include "host.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "base/table.h"
#include "policy/registry.h"

#define PROVISIONAL ME_REASON_UNLISTED_DESTINATION

/* One datagram to a stranger at a port of a name: a pending flow. */
static struct host_flow open_pending(struct host *host, int *ret_fd, uint16_t port)
{
	struct host_flow f;

	*ret_fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	host_send(*ret_fd, HOST_BAD, port, 10);
	f = host_flow(host, HOST_BAD, port);
	assert_int_equal(f.flow.state.verdict, ME_PENDING);
	assert_int_equal(f.flow.state.reason, PROVISIONAL);
	assert_int_equal(f.flow.state.flags, 1);
	return f;
}

static struct me_settle settle_as(const struct host_flow *f, enum me_verdict verdict,
				  enum me_reason reason)
{
	struct me_settle settle = {.key = f->key,
				   .id = f->flow.id,
				   .now_ns = me_clock_now(CLOCK_MONOTONIC),
				   .what = ME_SETTLE_VERDICT,
				   .service = f->flow.service};

	settle.state.verdict = verdict;
	settle.state.reason = reason;
	return settle;
}

/* Settled once and not twice, and the flow and the ring say the same. */
static void assert_settles(struct host *host, struct me_settle *settle)
{
	const union me_state state = settle->state;
	struct host_counts once;
	struct me_flow flow;
	size_t told = host_told(host, ME_RECORD_RESOLVED);
	const struct me_record *last;

	assert_int_equal(me_kernel_settle(host->kernel, settle), 0);
	assert_true(me_kernel_flow_get(host->kernel, &settle->key, &flow));
	assert_int_equal(flow.state.verdict, state.verdict);
	assert_int_equal(flow.state.reason, state.reason);
	assert_int_equal(flow.state.flags, 1);
	assert_int_equal(host_told(host, ME_RECORD_RESOLVED), told + 1);
	last = &host->records[host->n_records - 1];
	assert_int_equal(last->kind, ME_RECORD_RESOLVED);
	assert_true(last->flow.id == flow.id && last->ts_ns == settle->now_ns);
	assert_true(last->flow.state.word == flow.state.word);
	assert_memory_equal(&last->key, &settle->key, sizeof(last->key));

	once = host_counts(host);
	assert_int_equal(me_kernel_settle(host->kernel, settle), -EALREADY);
	settle->state.verdict = ME_ALLOWED;
	assert_int_equal(me_kernel_settle(host->kernel, settle), -EALREADY);
	host_expect(host, &once, __FILE__, __LINE__);
	assert_int_equal(host_told(host, ME_RECORD_RESOLVED), told + 1);
	settle->state = state;
}

static void confirmed_for_the_same_reason(void **state)
{
	struct host *host = *state;
	struct me_settle settle;
	struct host_flow f;
	int fd;

	f = open_pending(host, &fd, HOST_NAMED);
	HOST_EXPECT(host, OPENED(PROVISIONAL) = 1);
	assert_int_equal(host_told(host, ME_RECORD_PENDING), 1);
	settle = settle_as(&f, ME_VIOLATION, PROVISIONAL);
	assert_settles(host, &settle);
	HOST_EXPECT(host, OPENED(PROVISIONAL) = 1, VIA(STRANGER) = 1);
	assert_int_equal(host_cell(host, "named", ME_CELL_VIA, STRANGER), 1);
	close(fd);
}

static void confirmed_for_another_reason(void **state)
{
	struct host *host = *state;
	struct me_settle settle;
	struct host_flow f;
	int fd;

	f = open_pending(host, &fd, HOST_NAMED);
	settle = settle_as(&f, ME_VIOLATION, ME_REASON_NAME_MISMATCH);
	assert_settles(host, &settle);
	HOST_EXPECT(host, OPENED(PROVISIONAL) = 1, SHED(PROVISIONAL) = 1,
		    GAINED(ME_REASON_NAME_MISMATCH) = 1,
		    VIA(ME_VIOLATION + ME_REASON_NAME_MISMATCH) = 1);
	close(fd);
}

/* What the flow did so far, and what it does from now on, is the endpoint's. */
static void allowed_belongs_to_the_endpoint(void **state)
{
	struct host *host = *state;
	uint16_t port = HOST_NAMED;
	int server = host_server(host, SOCK_DGRAM, HOST_BAD, &port), fd;
	struct me_endpoint_counts e;
	struct me_settle settle;
	struct host_flow f;

	f = open_pending(host, &fd, port);
	host_answer(server, 70);
	host_read(fd, 70);
	f = host_flow(host, HOST_BAD, port);
	settle = settle_as(&f, ME_ALLOWED, ME_REASON_NONE);
	settle.state.evidence = ME_EVIDENCE_CLAIMED;
	assert_int_equal(me_registry_id(host->registry, ME_ID_ENDPOINT, HOST_SERVICE, HOST_ENDPOINT,
					&settle.endpoint),
			 0);
	assert_int_equal(
		me_registry_id(host->registry, ME_ID_SERVICE, HOST_SERVICE, "", &settle.service),
		0);
	assert_settles(host, &settle);
	assert_int_equal(host_cell(host, "named", ME_CELL_OPENED, PROVISIONAL), 1);
	assert_int_equal(host_cell(host, "named", ME_CELL_SHED, PROVISIONAL), 1);
	assert_int_equal(host_cell(host, HOST_SERVICE, ME_CELL_VIA, ME_ALLOWED), 1);
	f = host_flow(host, HOST_BAD, port);
	assert_int_equal(f.flow.endpoint, settle.endpoint);
	assert_int_equal(f.flow.service, settle.service);
	assert_int_equal(f.flow.state.evidence, ME_EVIDENCE_CLAIMED);

	host_send(fd, HOST_BAD, port, 5);
	host_answer(server, 6);
	host_read(fd, 6);
	close(fd);
	close(server);
	f = host_flow_closed(host, HOST_BAD, port);
	assert_int_equal(f.flow.bytes_sent, 15);
	e = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(e.attempts, 1);
	assert_int_equal(e.bytes_sent, 15);
	assert_int_equal(e.bytes_received, 76);
	assert_int_equal(e.outcome[ME_OUTCOME_ANSWERED], 1);
	assert_int_equal(e.outcome[ME_OUTCOME_UNANSWERED], 0);
	HOST_EXPECT(host, OPENED(PROVISIONAL) = 1, SHED(PROVISIONAL) = 1, VIA(ME_ALLOWED) = 1);
}

static void unresolved(void **state)
{
	struct host *host = *state;
	struct me_settle settle;
	struct host_flow f;
	int fd;

	f = open_pending(host, &fd, HOST_NAMED);
	settle = settle_as(&f, ME_UNRESOLVED, ME_REASON_NONE);
	assert_settles(host, &settle);
	HOST_EXPECT(host, OPENED(PROVISIONAL) = 1, SHED(PROVISIONAL) = 1, VIA(ME_UNRESOLVED) = 1);
	close(fd);
}

/* A connection that is over is settled all the same. */
static void a_closed_connection(void **state)
{
	struct host *host = *state;
	uint16_t port = HOST_NAMED + 1;
	int server = host_server(host, SOCK_STREAM, HOST_BAD, &port);
	int fd = host_socket(host, AF_INET, SOCK_STREAM, 0);
	struct me_settle settle;
	struct host_flow f;

	assert_int_equal(host_connect(fd, HOST_BAD, port), 0);
	close(fd);
	close(server);
	f = host_flow_closed(host, HOST_BAD, port);
	assert_int_equal(f.flow.state.verdict, ME_PENDING);
	settle = settle_as(&f, ME_VIOLATION, PROVISIONAL);
	assert_settles(host, &settle);
	f = host_flow(host, HOST_BAD, port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ESTABLISHED);
	HOST_EXPECT(host, OPENED(PROVISIONAL) = 1, VIA(STRANGER) = 1);
}

static void what_is_final_stays(void **state)
{
	struct host *host = *state;
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct me_settle settle;
	struct host_flow f;

	host_send(fd, HOST_BAD, 9, 1);
	f = host_flow(host, HOST_BAD, 9);
	settle = settle_as(&f, ME_ALLOWED, ME_REASON_NONE);
	assert_int_equal(me_kernel_settle(host->kernel, &settle), -EALREADY);
	f = host_flow(host, HOST_BAD, 9);
	assert_int_equal(f.flow.state.verdict, ME_VIOLATION);
	assert_int_equal(host_told(host, ME_RECORD_RESOLVED), 0);
	HOST_EXPECT(host, FINAL(STRANGER) = 1);
	close(fd);
}

static void an_end_ends_once(void **state)
{
	struct host *host = *state;
	struct me_settle settle;
	struct host_flow f;
	int fd;

	f = open_pending(host, &fd, HOST_NAMED);
	settle = settle_as(&f, ME_VIOLATION, PROVISIONAL);
	settle.what = ME_SETTLE_END;
	assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
	assert_int_equal(me_kernel_settle(host->kernel, &settle), -EALREADY);
	f = host_flow(host, HOST_BAD, HOST_NAMED);
	assert_int_equal(f.flow.flags & ME_FLOW_CLOSED, ME_FLOW_CLOSED);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_UNANSWERED);
	assert_true(f.flow.closed_ns == settle.now_ns);
	assert_int_equal(f.flow.state.verdict, ME_PENDING);
	close(fd);

	fd = host_socket(host, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(host_connect(fd, HOST_SILENT, 4000), -EINPROGRESS);
	f = host_flow(host, HOST_SILENT, 4000);
	settle = settle_as(&f, ME_VIOLATION, PROVISIONAL);
	settle.what = ME_SETTLE_END;
	assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
	assert_int_equal(host_flow(host, HOST_SILENT, 4000).flow.outcome, ME_OUTCOME_ABORTED);
	close(fd);
	assert_true(host_flow(host, HOST_SILENT, 4000).flow.closed_ns == settle.now_ns);
	HOST_EXPECT(host, OPENED(PROVISIONAL) = 1, FINAL(STRANGER) = 1);
}

/* --- All at once --------------------------------------------------------------------------------- */

#define FLOWS 500

struct racer {
	struct host *host;
	const struct host_flow *flows;
	enum me_verdict verdict;
	pthread_barrier_t *start;
	int settled, already, other;
};

static void *settle_them_all(void *data)
{
	struct racer *racer = data;

	pthread_barrier_wait(racer->start);
	for (int i = 0; i < FLOWS; i++) {
		struct me_settle settle =
			settle_as(&racer->flows[i], racer->verdict,
				  racer->verdict == ME_VIOLATION ? PROVISIONAL : ME_REASON_NONE);
		int err = me_kernel_settle(racer->host->kernel, &settle);

		if (!err)
			racer->settled++;
		else if (err == -EALREADY)
			racer->already++;
		else
			racer->other++;
	}
	return NULL;
}

static void two_settle_each_flow_once(void **state)
{
	struct host *host = *state;
	struct racer racers[2] = {{.verdict = ME_VIOLATION}, {.verdict = ME_UNRESOLVED}};
	struct host_flow flows[FLOWS];
	pthread_barrier_t start;
	pthread_t threads[2];
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; i < FLOWS; i++) {
		host_send(fd, HOST_BAD, HOST_NAMED + i, 1);
		flows[i] = host_flow(host, HOST_BAD, HOST_NAMED + i);
	}
	host_told(host, ME_RECORD_PENDING);
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (int i = 0; i < 2; i++) {
		racers[i].host = host;
		racers[i].flows = flows;
		racers[i].start = &start;
		assert_int_equal(pthread_create(&threads[i], NULL, settle_them_all, &racers[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
	close(fd);
	assert_int_equal(racers[0].settled + racers[1].settled, FLOWS);
	assert_int_equal(racers[0].already + racers[1].already, FLOWS);
	HOST_EXPECT(host, OPENED(PROVISIONAL) = FLOWS, VIA(STRANGER) = racers[0].settled,
		    VIA(ME_UNRESOLVED) = racers[1].settled, SHED(PROVISIONAL) = racers[1].settled);
}

#define BATCH 200 /* attempts of one socket, a third of each kind */
#define READS 100

struct storm {
	struct host *host;
	struct me_table *provisional; /* ids of pending flows that were told */
	bool enough;                  /* nothing new is wanted */
	bool sent;                    /* nothing new comes */
	bool settled;                 /* nothing is left */
	uint64_t batches;
	uint64_t settles;
	uint64_t strays; /* told as resolved, never as pending */
	int err;
};

static void *send_a_storm(void *data)
{
	struct storm *storm = data;

	while (!__atomic_load_n(&storm->enough, __ATOMIC_ACQUIRE)) {
		int fd = host_socket(storm->host, AF_INET, SOCK_DGRAM, 0);

		for (int n = 0; n < BATCH; n++)
			host_send(fd, n % 3 ? HOST_BAD : HOST_GOOD,
				  n % 3 == 1 ? 1000 + n : HOST_NAMED + n, 1);
		close(fd);
		storm->batches++;
	}
	__atomic_store_n(&storm->sent, true, __ATOMIC_RELEASE);
	return NULL;
}

static int settle_one(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	static const struct {
		enum me_verdict verdict;
		enum me_reason reason;
	} ends[] = {
		{ME_VIOLATION, PROVISIONAL},
		{ME_VIOLATION, ME_REASON_NAME_MISMATCH},
		{ME_ALLOWED, ME_REASON_NONE},
		{ME_UNRESOLVED, ME_REASON_NONE},
	};
	const struct host_flow f = {*key, *flow};
	struct storm *storm = userdata;
	struct me_settle settle;

	if (flow->state.verdict != ME_PENDING)
		return me_kernel_flow_take(storm->host->kernel, key, flow->id, NULL);
	if (!flow->state.flags)
		return 0; /* not told yet: the next walk settles it */
	settle = settle_as(&f, ends[flow->id % 4].verdict, ends[flow->id % 4].reason);
	storm->err = me_kernel_settle(storm->host->kernel, &settle);
	storm->settles += !storm->err;
	return storm->err;
}

static void *settle_the_storm(void *data)
{
	struct storm *storm = data;
	bool last = false;

	while (!last && !storm->err) {
		last = __atomic_load_n(&storm->sent, __ATOMIC_ACQUIRE);
		me_kernel_flows_each(storm->host->kernel, settle_one, storm);
	}
	__atomic_store_n(&storm->settled, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Nothing is retracted or confirmed that was not told as provisional before. */
static int hear(const struct me_record *record, void *userdata)
{
	struct storm *storm = userdata;

	if (record->kind == ME_RECORD_PENDING)
		assert_int_equal(me_table_put(storm->provisional, &record->flow.id, NULL), 0);
	else if (record->kind == ME_RECORD_RESOLVED)
		storm->strays += me_table_remove(storm->provisional, &record->flow.id) != 0;
	return 0;
}

static uint64_t sum(const struct host_counts *c, enum me_cell_kind kind, uint32_t from)
{
	uint64_t total = 0;

	for (uint32_t what = from; what < ME_CELL_ENDS; what++)
		total += c->cell[kind][what];
	return total;
}

/* The formulas of abi.h: nothing is negative, nothing goes backwards. */
static void assert_adds_up(const struct host_counts *c, uint64_t *attempts)
{
	uint64_t now = sum(c, ME_CELL_FINAL, 0) + sum(c, ME_CELL_OPENED, 0);
	uint64_t provisional = sum(c, ME_CELL_FINAL, ME_VIOLATION) + sum(c, ME_CELL_OPENED, 0) +
			       sum(c, ME_CELL_GAINED, 0);
	uint64_t confirmed =
		sum(c, ME_CELL_FINAL, ME_VIOLATION) + sum(c, ME_CELL_VIA, ME_VIOLATION);

	assert_true(now >= *attempts);
	assert_true(sum(c, ME_CELL_OPENED, 0) >= sum(c, ME_CELL_VIA, 0));
	assert_true(provisional >= confirmed + sum(c, ME_CELL_SHED, 0));
	*attempts = now;
}

static void it_adds_up_at_every_read(void **state)
{
	struct host *host = *state;
	struct storm storm = {.host = host, .provisional = me_table_new(sizeof(uint64_t), 0, 0)};
	struct host_counts c;
	uint64_t attempts = 0;
	pthread_t threads[2];
	bool last = false;

	assert_int_equal(pthread_create(&threads[0], NULL, settle_the_storm, &storm), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, send_a_storm, &storm), 0);
	for (int reads = 1; !last; reads++) {
		__atomic_store_n(&storm.enough, reads >= READS, __ATOMIC_RELEASE);
		last = __atomic_load_n(&storm.settled, __ATOMIC_ACQUIRE);
		c = host_counts(host);
		assert_adds_up(&c, &attempts);
		assert_true(me_kernel_ring(host->kernel, hear, NULL, &storm) >= 0);
	}
	/* Also if settling failed, which is said below. */
	__atomic_store_n(&storm.enough, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("# %llu attempts, %llu settled\n", (unsigned long long)attempts,
	       (unsigned long long)storm.settles);
	assert_int_equal(storm.err, 0);
	assert_int_equal(attempts, storm.batches * BATCH);
	assert_int_equal(storm.settles, storm.batches * (BATCH / 3));
	assert_int_equal(sum(&c, ME_CELL_OPENED, 0), storm.settles);
	assert_int_equal(sum(&c, ME_CELL_VIA, 0), storm.settles);
	assert_int_equal(sum(&c, ME_CELL_VIA, ME_VIOLATION) + sum(&c, ME_CELL_SHED, 0),
			 storm.settles + sum(&c, ME_CELL_GAINED, 0));
	assert_int_equal(c.cell[ME_CELL_FINAL][ME_ALLOWED], storm.batches * (BATCH / 3 + 1));
	assert_int_equal(c.cell[ME_CELL_FINAL][STRANGER], storm.batches * (BATCH / 3 + 1));
	assert_int_equal(c.total[ME_TOTAL_RING_LOST], 0);
	assert_int_equal(c.total[ME_TOTAL_FLOW_OVERFLOW], 0);
	assert_int_equal(storm.strays, 0);
	assert_int_equal(me_table_count(storm.provisional), 0);
	me_table_free(&storm.provisional);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	*state = host_begin("settle", "", 65536);
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
		TEST(confirmed_for_the_same_reason),
		TEST(confirmed_for_another_reason),
		TEST(allowed_belongs_to_the_endpoint),
		TEST(unresolved),
		TEST(a_closed_connection),
		TEST(what_is_final_stays),
		TEST(an_end_ends_once),
		TEST(two_settle_each_flow_once),
		TEST(it_adds_up_at_every_read),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
