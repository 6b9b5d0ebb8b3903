/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel that never stops, a daemon that is killed at any instruction and started again, and a
 * file. In the end the events in the file add up to the counters, and each id is there once.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <jansson.h>
#include "../ledger/fixture.h"
#include "../../seed.h"
#include "base/file.h"
#include "export/ndjson.h"

#define RING 4096u
#define OPEN_MAX 512u
#define LIVES 60
#define FILE_MAX (256u << 20)

/* Shared by the kernel (this process) and the daemons (its children). */
struct world {
	struct me_kept kept;
	uint64_t cells[ME_CELL_COUNT];
	struct me_record ring[RING];
	uint64_t produced, consumed;
	uint64_t now_ns;
};

struct kernel {
	struct world *world;
	unsigned int seed;
	uint64_t next_id;
	struct me_flow pending[OPEN_MAX];
	size_t n_pending;
};

static unsigned int roll(struct kernel *kernel, unsigned int n)
{
	return (unsigned int)rand_r(&kernel->seed) % n;
}

/* First the record, then the counts: as the programs do it. */
static void submit(struct kernel *kernel, uint32_t kind, const struct me_flow *flow)
{
	struct world *world = kernel->world;
	uint64_t at = world->produced;
	struct me_record *record = &world->ring[at % RING];

	if (at - __atomic_load_n(&world->consumed, __ATOMIC_ACQUIRE) == RING)
		return; /* lost: the counters know */
	*record = (struct me_record){
		.id = kernel->next_id++,
		.ts_ns = world->now_ns,
		.kind = kind,
		.key = fixture_key(0xc6336401u, 443, IPPROTO_TCP),
		.flow = *flow,
	};
	__atomic_store_n(&world->produced, at + 1, __ATOMIC_RELEASE);
}

static void count(struct kernel *kernel, uint32_t kind, uint32_t what)
{
	__atomic_fetch_add(&kernel->world->cells[me_cell(ME_HOST, 3, kind, what)], 1,
			   __ATOMIC_SEQ_CST);
}

static uint8_t random_reason(struct kernel *kernel)
{
	return (uint8_t)(ME_REASON_QUIC + roll(kernel, 3));
}

static void resolve(struct kernel *kernel, size_t i)
{
	struct me_flow flow = kernel->pending[i];
	uint8_t before = flow.state.reason;

	kernel->pending[i] = kernel->pending[--kernel->n_pending];
	switch (roll(kernel, 3)) {
	case 0:
		flow.state = (union me_state){.verdict = ME_ALLOWED, .flags = ME_STATE_TOLD};
		break;
	case 1:
		flow.state.verdict = ME_VIOLATION;
		break;
	default:
		flow.state.verdict = ME_VIOLATION;
		flow.state.reason = ME_REASON_NAME_MISMATCH;
	}
	submit(kernel, ME_RECORD_RESOLVED, &flow);
	count(kernel, ME_CELL_VIA, me_cell_end(flow.state.verdict, flow.state.reason));
	if (flow.state.verdict != ME_VIOLATION || flow.state.reason != before)
		count(kernel, ME_CELL_SHED, before);
	if (flow.state.verdict == ME_VIOLATION && flow.state.reason != before)
		count(kernel, ME_CELL_GAINED, flow.state.reason);
}

static void step(struct kernel *kernel)
{
	struct me_flow flow =
		fixture_flow(kernel->next_id++, ME_VIOLATION, random_reason(kernel), 42);

	flow.first_ns = flow.last_ns = kernel->world->now_ns;
	if (kernel->n_pending && roll(kernel, 3) == 0) {
		resolve(kernel, roll(kernel, (unsigned int)kernel->n_pending));
	} else if (kernel->n_pending < OPEN_MAX && roll(kernel, 3) == 0) {
		flow.state.verdict = ME_PENDING;
		submit(kernel, ME_RECORD_PENDING, &flow);
		count(kernel, ME_CELL_OPENED, flow.state.reason);
		kernel->pending[kernel->n_pending++] = flow;
	} else {
		submit(kernel, ME_RECORD_VIOLATION, &flow);
		count(kernel, ME_CELL_FINAL, me_cell_end(ME_VIOLATION, flow.state.reason));
	}
}

/* One round of the daemon, in the order that ledger.h asks for. */
static void daemon_round(struct world *world, struct me_ledger *ledger, struct me_events *events,
			 bool flush)
{
	static uint64_t cells[ME_CELL_COUNT];
	const uint64_t totals[ME_TOTALS_ALL] = {0};

	world->now_ns += 2 * ME_NS_PER_S;
	me_ledger_tick(ledger, world->now_ns, FIXTURE_EPOCH + world->now_ns);
	for (size_t i = 0; i < ME_CELL_COUNT; i++)
		cells[i] = __atomic_load_n(&world->cells[i], __ATOMIC_SEQ_CST);
	me_ledger_counters(ledger, cells, totals, NULL, 0);
	while (world->consumed != __atomic_load_n(&world->produced, __ATOMIC_ACQUIRE)) {
		const struct me_record *record = &world->ring[world->consumed % RING];

		me_ledger_record(ledger, record);
		me_events_record(events, record);
		__atomic_store_n(&world->consumed, world->consumed + 1, __ATOMIC_RELEASE);
	}
	me_events_tick(events, flush);
}

/* A life of the daemon: without end, or one last round. */
static void live(struct world *world, const char *path, bool last)
{
	const struct me_ledger_limits limits = {0};
	struct me_ledger *ledger;
	struct me_ndjson *ndjson;
	struct me_events *events;
	struct me_event_sink sink;

	world->now_ns += ME_NS_PER_MS;
	if (me_ledger_new(&limits, &world->kept, &fixture_names, world->now_ns,
			  FIXTURE_EPOCH + world->now_ns, &ledger) < 0 ||
	    me_ndjson_open(path, ledger, &ndjson) < 0)
		abort();
	sink = me_ndjson_sink(ndjson);
	if (me_events_new(ledger, &sink, &events) < 0)
		abort();
	do
		daemon_round(world, ledger, events, last);
	while (!last);
	me_events_free(&events);
	me_ndjson_close(&ndjson);
	me_ledger_free(&ledger);
}

static void work_and_kill(struct kernel *kernel, const char *path)
{
	uint64_t end = me_clock_now(CLOCK_MONOTONIC) + (2 + roll(kernel, 40)) * ME_NS_PER_MS;
	uint64_t before = kernel->world->consumed;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		live(kernel->world, path, false);
		_exit(1);
	}
	/* Some time, and at least until it has done something. */
	while (me_clock_now(CLOCK_MONOTONIC) < end ||
	       __atomic_load_n(&kernel->world->consumed, __ATOMIC_ACQUIRE) == before)
		step(kernel);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

struct sums {
	uint64_t sum[ME_REASON_COUNT][ME_STAGE_COUNT];
	json_t *ids; /* id -> true */
};

static unsigned int find(const char *label, const char *(*name)(unsigned int), unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (label && !strcmp(label, name(i)))
			return i;
	return n;
}

static const char *stage_name(unsigned int stage)
{
	return me_stage_label(stage);
}

static void add_line(struct sums *sums, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *id = json_string_value(json_object_get(event, "id"));
	const char *reason = json_string_value(json_object_get(event, "reason"));
	const json_t *count = json_object_get(event, "count");
	unsigned int stage = find(json_string_value(json_object_get(event, "state")), stage_name,
				  ME_STAGE_COUNT);

	if (!event)
		fail_msg("not a JSON object: %.*s", (int)len, line);
	assert_non_null(id);
	if (json_object_get(sums->ids, id))
		fail_msg("twice: %s", id);
	json_object_set_new(sums->ids, id, json_true());
	assert_true(stage < ME_STAGE_COUNT);
	if (!count || json_integer_value(count))
		sums->sum[find(reason, me_reason_label, ME_REASON_COUNT)][stage] +=
			count ? (uint64_t)json_integer_value(count) : 1;
	json_decref(event);
}

static void test_sums(void **state)
{
	struct world *world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	struct sums sums = {.ids = json_object()};
	char path[] = "/tmp/mewatch-events-XXXXXX";
	_cleanup_free_ char *text = NULL;
	size_t len;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && world != MAP_FAILED);
	close(fd);
	*kernel = (struct kernel){.world = world, .seed = (unsigned int)me_seed(), .next_id = 1};
	world->now_ns = FIXTURE_NOW;
	for (int i = 0; i < LIVES; i++)
		work_and_kill(kernel, path);
	while (kernel->n_pending)
		resolve(kernel, 0);
	live(world, path, true);

	assert_int_equal(me_file_read(path, FILE_MAX, &text, &len), 0);
	unlink(path);
	for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		add_line(&sums, line, (size_t)(end - line));
	assert_int_equal(text[len - 1], '\n');
	for (unsigned int reason = 0; reason < ME_REASON_COUNT; reason++)
		for (unsigned int stage = 0; stage < ME_STAGE_COUNT; stage++)
			assert_int_equal(sums.sum[reason][stage],
					 me_cells_events(world->cells, ME_HOST, 3, reason, stage));
	printf("%zu events, %llu violations\n", json_object_size(sums.ids),
	       (unsigned long long)me_cells_violations_sum(world->cells, ME_STAGE_CONFIRMED));
	assert_true(json_object_size(sums.ids) > LIVES);
	json_decref(sums.ids);
	free(kernel);
	munmap(world, sizeof(*world));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
