/* SPDX-License-Identifier: GPL-2.0-only */
/* What a daemon of another layout left is taken over: every counter, id, flow, socket and record. */
#include "older.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "gen/layout.h"

#define FLOWS 4096
#define KEPT 64 /* bytes, as host_begin() has it */
#define UNLISTED ME_REASON_UNLISTED_DESTINATION

static struct host *start(void)
{
	return host_begin("handover", "", FLOWS);
}

/* --- Ids and counters --------------------------------------------------------------------------- */

static void expect_flows(struct host *host, const struct older_flows *seen)
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
	char kept[KEPT] = "what the daemon keeps", each[24] = "of an endpoint";
	uint32_t generation, n, zero = 0, some = 17, last = 63;
	struct host_flow flow;
	struct older *older;
	struct me_proc proc;
	struct traffic t;
	struct older_flows seen;
	int ids = 0;

	generation = me_kernel_generation(host->kernel);
	older = older_begin(host, &(struct older_options){});
	assert_int_equal(bpf_map_update_elem(older_map(older, "me_kept"), &zero, kept, 0), 0);
	assert_int_equal(bpf_map_update_elem(older_map(older, "me_kept_each"), &last, each, 0), 0);
	assert_int_equal(bpf_map_update_elem(older_map(older, "me_registry"), &some_id, &some, 0),
			 0);
	talk(host, &t);
	older_note_flows(older, &seen);
	assert_int_equal(seen.n, 5);
	older_free(&older);

	host->options.endpoints = 2; /* there were more */
	older_reopen(host);
	older_switch(host);
	me_kernel_endpoints(host->kernel, &n);
	assert_int_equal(n, 64);
	assert_int_equal(me_kernel_generation(host->kernel), generation + 1);
	assert_memory_equal(me_kernel_kept(host->kernel), kept, KEPT);
	assert_memory_equal((char *)me_kernel_kept_each(host->kernel) + last * sizeof(each), each,
			    sizeof(each));
	assert_int_equal(me_kernel_id_each(host->kernel, expect_id, &ids), 0);
	assert_int_equal(ids, 1);
	expect_flows(host, &seen);
	EXPECT_TALK(host);
	older_expect_attached(host);

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

/* What was answered in the old layout is known in the new one, and counted once. */
static void answers_are_counted_once(void **state)
{
	static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\n\r\n";
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){});
	struct host_pair p = host_pair_open(host, HOST_GOOD);
	struct me_endpoint_counts endpoint;
	struct host_flow flow;

	assert_int_equal(write(p.accepted, busy, sizeof(busy) - 1), sizeof(busy) - 1);
	host_read(p.client, sizeof(busy) - 1);
	older_free(&older);
	older_reopen(host);
	older_switch(host);
	flow = host_flow(host, HOST_GOOD, p.port);
	assert_int_equal(flow.flow.answer, 503);
	assert_int_equal(host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT).http_errors, 1);
	host_write(p.accepted, 100);
	host_read(p.client, 100);
	host_pair_close(&p);
	flow = host_flow_closed(host, HOST_GOOD, p.port);
	assert_int_equal(flow.flow.answer, 503);
	endpoint = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(endpoint.http_errors, 1);
	assert_int_equal(endpoint.tls_alerts, 0);
	assert_int_equal(endpoint.bytes_received, sizeof(busy) - 1 + 100);
	assert_true(endpoint.last_success_ns < flow.flow.first_ns);
	host_end(&host);
}

/* Ids go on above the old ones, so that the old programs can give out some until the switch. */
static void ids_stay_unique(void **state)
{
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){});
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	uint64_t count = (1ull << 48) - 1; /* the CPU is above it */
	struct host_flow old, new;

	host_send(fd, HOST_GOOD, 9001, 1);
	older_free(&older);
	older_reopen(host);
	older_switch(host);
	host_send(fd, HOST_GOOD, 9002, 1);
	old = host_flow(host, HOST_GOOD, 9001);
	new = host_flow(host, HOST_GOOD, 9002);
	assert_in_range(old.flow.id & count, 1, 100);
	assert_in_range(new.flow.id &count, 1 << 24, (1 << 24) + 100);
	close(fd);
	host_end(&host);
}

/* Everything was moved, and the daemon ended before it read the ring. */
static void a_second_time_changes_nothing(void **state)
{
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){});
	struct me_endpoint_counts endpoint;
	struct host_flow flow;
	struct traffic t;

	talk(host, &t);
	older_free(&older);
	for (int i = 0; i < 3; i++) {
		me_kernel_close(&host->kernel);
		older_reopen(host);
		older_switch(host);
		assert_true(older_pinned(host, OLDER_LAYOUT));
	}
	EXPECT_TALK(host);
	flow = host_flow(host, HOST_GOOD, t.udp_port);
	assert_int_equal(flow.flow.bytes_sent, 300);
	assert_int_equal(flow.flow.bytes_received, 50);
	endpoint = host_endpoint(host, HOST_SERVICE, HOST_ENDPOINT);
	assert_int_equal(endpoint.attempts, 2);
	assert_int_equal(endpoint.bytes_sent, 1300);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 1);
	assert_int_equal(host->n_records, 2);
	assert_false(older_pinned(host, OLDER_LAYOUT));
	hang_up(&t);
	host_end(&host);
}

/* --- What cannot be taken over ------------------------------------------------------------------ */

static void counters_of_another_kind_are_refused(void **state)
{
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){.cells = 100});
	struct me_why why = {};
	struct traffic t;
	struct older_flows before, after;

	talk(host, &t);
	older_note_flows(older, &before);
	assert_int_equal(me_kernel_open(&host->options, &host->kernel, &why), -EPROTO);
	assert_non_null(strstr(why.text, host->pins));
	assert_non_null(strstr(why.text, "mewatch detach"));
	assert_null(strchr(why.text, '\n'));
	assert_null(host->kernel);
	assert_false(older_pinned(host, ME_LAYOUT_ID));
	assert_false(older_pinned(host, "new"));
	hang_up(&t);
	talk(host, &t); /* it goes on as before */
	older_note_flows(older, &after);
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

/* What is kept of endpoints has another size: the block is taken over all the same. */
static void endpoints_of_another_size_start_anew(void **state)
{
	struct host *host = start();
	struct older *older = older_begin(host, &(struct older_options){});
	char kept[KEPT] = "of the same form", each[24] = "of another", empty[64 * 32] = {};
	struct me_why why = {};
	uint32_t zero = 0;

	assert_int_equal(bpf_map_update_elem(older_map(older, "me_kept"), &zero, kept, 0), 0);
	assert_int_equal(bpf_map_update_elem(older_map(older, "me_kept_each"), &zero, each, 0), 0);
	older_free(&older);
	host->options.each_size = 32;
	assert_int_equal(me_kernel_open(&host->options, &host->kernel, &why), 0);
	assert_non_null(strstr(why.text, "of endpoints"));
	assert_memory_equal(me_kernel_kept(host->kernel), kept, KEPT);
	assert_memory_equal(me_kernel_kept_each(host->kernel), empty, sizeof(empty));
	host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(pending_flows_are_settled_afterwards),
		cmocka_unit_test(answers_are_counted_once),
		cmocka_unit_test(ids_stay_unique),
		cmocka_unit_test(a_second_time_changes_nothing),
		cmocka_unit_test(counters_of_another_kind_are_refused),
		cmocka_unit_test(a_block_of_another_size_starts_anew),
		cmocka_unit_test(endpoints_of_another_size_start_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
