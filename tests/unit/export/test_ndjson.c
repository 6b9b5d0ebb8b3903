/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <jansson.h>
#include "world.h"
#include "base/file.h"
#include "export/ndjson.h"
#include "ledger/requests.h"

struct fixture {
	struct world *world;
	char folder[32], path[64];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->world = world_new(1);
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/mewatch-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/events.ndjson", fixture->folder);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	rmdir(fixture->folder);
	world_free(fixture->world);
	free(fixture);
	return 0;
}

static const struct me_event plain = {.kind = ME_EVENT_START,
				      .id = "one",
				      .ts_ns = FIXTURE_EPOCH,
				      .finding = -1,
				      .detail = "x"};

static void test_fields(void **state)
{
	struct fixture *fixture = *state;
	const struct me_flow_key key = fixture_key(0xc6336401u, 443, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(5, ME_VIOLATION, ME_REASON_QUIC, 42);
	const struct me_event event = {.kind = ME_EVENT_VIOLATION,
				       .id = "an-id",
				       .ts_ns = FIXTURE_EPOCH,
				       .state = "confirmed",
				       .finding = -1,
				       .key = &key,
				       .flow = &flow};
	_cleanup_strbuf_ struct me_strbuf out = {0};

	memcpy(flow.origin.comm, "a\"\x1b\xff", 5);
	flow.sport = 1234;
	flow.rule = 1;
	flow.src = me_addr_v4(ME_NET32(0xc0000207u));
	assert_int_equal(me_ndjson_format(&event, fixture->world->ledger, &out), 0);
	assert_string_equal(
		out.data,
		"{\"ts\":\"2027-01-15T08:00:00.000Z\",\"id\":\"an-id\",\"event\":\"violation\","
		"\"state\":\"confirmed\",\"verdict\":\"violation\",\"reason\":\"quic\","
		"\"service\":\"updates\",\"rule\":\"updates/engines\",\"at\":\"policy.yaml:12\","
		"\"policy\":1,\"evidence\":\"none\",\"vantage\":\"host\",\"direction\":\"out\","
		"\"proto\":\"tcp\",\"src\":\"192.0.2.7\",\"sport\":1234,\"dst\":\"198.51.100.1\","
		"\"dport\":443,\"first\":\"2027-01-15T08:16:39.000Z\","
		"\"last\":\"2027-01-15T08:16:39.000Z\",\"bytes_sent\":0,\"bytes_received\":0,"
		"\"packets_sent\":0,\"packets_received\":0,\"pid\":42,\"exe\":\"/usr/bin/p42\","
		"\"comm\":\"a\\\\x22\\\\x1b\\\\xff\",\"uid\":33,\"cgroup\":\"/mail\"}\n");
}

static void test_action(void **state)
{
	static const struct {
		uint8_t verdict, flags;
		const char *says; /* or NULL: nothing */
	} row[] = {
		{ME_VIOLATION, 0, NULL},
		{ME_VIOLATION, ME_STATE_DENY, "denied"},
		{ME_VIOLATION, ME_STATE_SHADOW, "would-deny"},
		{ME_VIOLATION, ME_STATE_DENY | ME_STATE_STRICT, "denied"},
		{ME_PENDING, ME_STATE_DENY, NULL},
		{ME_PENDING, ME_STATE_SHADOW | ME_STATE_STRICT, "would-deny"},
		{ME_ALLOWED, ME_STATE_DENY, NULL},
	};
	struct fixture *fixture = *state;
	const struct me_flow_key key = fixture_key(0xc6336401u, 443, IPPROTO_TCP);

	for (size_t i = 0; i < ME_ARRAY_SIZE(row); i++) {
		struct me_flow flow = fixture_flow(5, row[i].verdict, ME_REASON_QUIC, 42);
		const struct me_event event = {.kind = ME_EVENT_VIOLATION,
					       .id = "an-id",
					       .finding = -1,
					       .key = &key,
					       .flow = &flow};
		_cleanup_strbuf_ struct me_strbuf out = {0}, want = {0};

		flow.state.flags = row[i].flags;
		assert_int_equal(me_ndjson_format(&event, fixture->world->ledger, &out), 0);
		if (row[i].says)
			me_strbuf_addf(&want, "\"action\":\"%s\"", row[i].says);
		if (!strstr(out.data, row[i].says ? want.data : "\"event\"") ||
		    !row[i].says != !strstr(out.data, "action"))
			fail_msg("%zu: %s", i, out.data);
	}
}

/* A listener has an address, a port and a process, and no peer. */
static void test_listener(void **state)
{
	struct fixture *fixture = *state;
	const struct me_flow_key key = {.proto = IPPROTO_TCP};
	struct me_flow flow = fixture_flow(7, ME_UNRESOLVED, ME_REASON_NONE, 42);
	const struct me_event event = {.kind = ME_EVENT_FINDING,
				       .id = "an-id",
				       .ts_ns = FIXTURE_EPOCH,
				       .finding = ME_FINDING_FOREIGN_LISTENER,
				       .key = &key,
				       .flow = &flow,
				       .detail = "x"};
	_cleanup_strbuf_ struct me_strbuf out = {0};

	memcpy(flow.origin.comm, "nc", 3);
	flow.sport = 9093; /* on :: */
	assert_int_equal(me_ndjson_format(&event, fixture->world->ledger, &out), 0);
	assert_string_equal(
		out.data,
		"{\"ts\":\"2027-01-15T08:00:00.000Z\",\"id\":\"an-id\",\"event\":\"finding\","
		"\"kind\":\"foreign-listener\",\"vantage\":\"host\",\"proto\":\"tcp\","
		"\"src\":\"::\",\"sport\":9093,\"pid\":42,\"exe\":\"/usr/bin/p42\",\"comm\":\"nc\","
		"\"uid\":33,\"cgroup\":\"/mail\",\"detail\":\"x\"}\n");
}

/* What answers and its client said of the flow goes with its events; bytes of others are escaped. */
static void test_names(void **state)
{
	struct fixture *fixture = *state;
	const struct me_flow_key key = fixture_key(0xc6336401u, 80, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(6, ME_VIOLATION, ME_REASON_NAME_MISMATCH, 42);
	const struct me_flow_text text = {.text = {[ME_TEXT_NAME] = "a.example",
						   [ME_TEXT_NAMES] = "a.example\nb.example",
						   [ME_TEXT_HTTP_HOST] = "c.example",
						   [ME_TEXT_HTTP_PATH] = "/x\x1b"}};
	const struct me_event event = {.kind = ME_EVENT_VIOLATION,
				       .id = "an-id",
				       .ts_ns = FIXTURE_EPOCH,
				       .finding = -1,
				       .key = &key,
				       .flow = &flow};
	_cleanup_strbuf_ struct me_strbuf out = {0};

	flow.answer = ME_ANSWER_ALERT | 40;
	assert_int_equal(me_ledger_flow(fixture->world->ledger, &key, &flow, &text), 0);
	assert_int_equal(me_ndjson_format(&event, fixture->world->ledger, &out), 0);
	assert_non_null(strstr(out.data, ",\"answer\":\"tls alert 40 handshake_failure\","));
	assert_non_null(strstr(out.data, ",\"name\":\"a.example\",\"names\":[\"a.example\","
					 "\"b.example\"],\"http_host\":\"c.example\","
					 "\"http_path\":\"/x\\\\x1b\","));
	assert_null(strstr(out.data, "\"sni\""));
}

/* A violation of the proxy's says whom it was for, and by which request. */
static void test_proxied(void **state)
{
	struct fixture *fixture = *state;
	struct me_requests *requests = me_ledger_requests(fixture->world->ledger);
	const struct me_flow_key key = fixture_key(0xc6336401u, 443, IPPROTO_TCP);
	struct me_flow flow = fixture_flow(8, ME_VIOLATION, ME_REASON_UNLISTED_DESTINATION, 42);
	const struct me_requested requested = {.flow = 7,
					       .client = "10.10.0.10:41234",
					       .host = "a.example",
					       .port = 443,
					       .text = "CONNECT a.example:443"};
	const struct me_event event = {.kind = ME_EVENT_VIOLATION,
				       .id = "an-id",
				       .ts_ns = FIXTURE_EPOCH,
				       .finding = -1,
				       .key = &key,
				       .flow = &flow};
	_cleanup_strbuf_ struct me_strbuf out = {0};

	assert_int_equal(me_requests_put(requests, &requested), 0);
	assert_int_equal(
		me_requests_link(requests, me_requests_of(requests, 7), 8, "198.51.100.1:443"), 0);
	assert_int_equal(me_ndjson_format(&event, fixture->world->ledger, &out), 0);
	assert_non_null(strstr(out.data, ",\"request\":\"CONNECT a.example:443\","
					 "\"client\":\"10.10.0.10:41234\""));
	assert_null(strstr(out.data, "\"upstream\""));
}

static void test_aggregate(void **state)
{
	struct fixture *fixture = *state;
	const struct me_event event = {.kind = ME_EVENT_AGGREGATE,
				       .id = "an-id",
				       .ts_ns = FIXTURE_EPOCH,
				       .state = "confirmed",
				       .finding = -1,
				       .has_count = true,
				       .count = 9,
				       .first_ns = FIXTURE_EPOCH,
				       .last_ns = FIXTURE_EPOCH,
				       .has_cell = true,
				       .service = 4,
				       .reason = ME_REASON_UNLISTED_PORT};
	_cleanup_strbuf_ struct me_strbuf out = {0};

	assert_int_equal(me_ndjson_format(&event, fixture->world->ledger, &out), 0);
	assert_string_equal(
		out.data,
		"{\"ts\":\"2027-01-15T08:00:00.000Z\",\"id\":\"an-id\",\"event\":\"aggregate\","
		"\"state\":\"confirmed\",\"count\":9,\"first\":\"2027-01-15T08:00:00.000Z\","
		"\"last\":\"2027-01-15T08:00:00.000Z\",\"verdict\":\"violation\","
		"\"reason\":\"unlisted-port\",\"service\":\"smtp\",\"vantage\":\"host\","
		"\"bytes_sent\":0,\"bytes_received\":0,\"packets_sent\":0,\"packets_received\":0}\n");
}

static void put(const char *path, const char *text)
{
	assert_int_equal(me_file_write_atomic(path, text, strlen(text), 0640), 0);
}

static void holds(const char *path, const char *text)
{
	_cleanup_free_ char *data = NULL;
	size_t len;

	assert_int_equal(me_file_read(path, 1 << 20, &data, &len), 0);
	assert_string_equal(data, text);
}

#define LINE                                                                                       \
	"{\"ts\":\"2027-01-15T08:00:00.000Z\",\"id\":\"one\",\"event\":\"start\",\"detail\":\"x\"}\n"

static void test_append_and_reopen(void **state)
{
	struct fixture *fixture = *state;
	struct me_ndjson *ndjson = NULL;
	struct me_event_sink sink;
	char moved[80];
	struct stat st;

	assert_int_equal(me_ndjson_open(fixture->path, fixture->world->ledger, &ndjson), 0);
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640, 0);
	sink = me_ndjson_sink(ndjson);
	assert_int_equal(sink.write(sink.data, &plain), 0);
	snprintf(moved, sizeof(moved), "%s.1", fixture->path);
	assert_int_equal(rename(fixture->path, moved), 0);
	assert_int_equal(sink.write(sink.data, &plain), 0);
	assert_int_equal(me_ndjson_reopen(ndjson), 0);
	assert_int_equal(sink.write(sink.data, &plain), 0);
	holds(moved, LINE LINE);
	holds(fixture->path, LINE);
	unlink(moved);
	me_ndjson_close(&ndjson);
	assert_int_equal(me_ndjson_open("/nowhere/x", fixture->world->ledger, &ndjson), -ENOENT);
	assert_int_equal(me_ndjson_open(fixture->folder, fixture->world->ledger, &ndjson), -EISDIR);
}

/* A line that was torn before is ended, never joined to the next. */
static void test_torn_line(void **state)
{
	struct fixture *fixture = *state;
	struct me_ndjson *ndjson = NULL;
	struct me_event_sink sink;

	put(fixture->path, "{\"torn");
	assert_int_equal(me_ndjson_open(fixture->path, fixture->world->ledger, &ndjson), 0);
	sink = me_ndjson_sink(ndjson);
	assert_int_equal(sink.write(sink.data, &plain), 0);
	assert_int_equal(sink.write(sink.data, &plain), 0);
	holds(fixture->path, "{\"torn\n" LINE LINE);
	me_ndjson_close(&ndjson);
}

static void test_check(void **state)
{
	struct fixture *fixture = *state;
	struct me_ndjson *ndjson = NULL;
	struct me_event_sink sink;
	struct me_event_mark before, after;

	put(fixture->path, LINE);
	assert_int_equal(me_ndjson_open(fixture->path, fixture->world->ledger, &ndjson), 0);
	sink = me_ndjson_sink(ndjson);
	sink.mark(sink.data, &before);
	assert_int_equal(sink.check(sink.data, &before, "one"), 0);
	assert_int_equal(sink.write(sink.data, &plain), 0);
	assert_int_equal(sink.check(sink.data, &before, "one"), 1);
	assert_int_equal(sink.check(sink.data, &before, "on"), 0);
	/* What a kill left of a line is removed. */
	sink.mark(sink.data, &after);
	me_ndjson_close(&ndjson);
	put(fixture->path, LINE LINE "{\"ts\":\"2027-01");
	assert_int_equal(me_ndjson_open(fixture->path, fixture->world->ledger, &ndjson), 0);
	sink = me_ndjson_sink(ndjson);
	sink.mark(sink.data, &before);
	after.inode = before.inode;
	assert_int_equal(sink.check(sink.data, &after, "one"), 0);
	holds(fixture->path, LINE LINE);
	assert_int_equal(sink.write(sink.data, &plain), 0);
	holds(fixture->path, LINE LINE LINE);
	/* Another file: nothing to be found. */
	after.inode++;
	assert_int_equal(sink.check(sink.data, &after, "one"), 0);
	me_ndjson_close(&ndjson);
}

/* A pipe that nobody reads: the write fails and does not block; later lines are whole. */
static void test_stalled_pipe(void **state)
{
	struct fixture *fixture = *state;
	struct me_ndjson *ndjson = NULL;
	struct me_event_sink sink;
	_cleanup_close_ int reader = -1;
	_cleanup_free_ char *text = malloc(2 << 20);
	size_t written = 0, len = 0;
	int r;

	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	assert_int_equal(me_ndjson_open(fixture->path, fixture->world->ledger, &ndjson), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	sink = me_ndjson_sink(ndjson);
	while ((r = sink.write(sink.data, &plain)) == 0)
		written++;
	assert_int_equal(r, -EAGAIN);
	assert_true(written > 100);
	for (ssize_t n; (n = read(reader, text + len, (2 << 20) - len)) > 0;)
		len += (size_t)n;
	assert_int_equal(sink.write(sink.data, &plain), 0);
	len += (size_t)read(reader, text + len, (2 << 20) - len);
	for (size_t at = 0; at < len; at += strlen(LINE)) {
		assert_true(at + strlen(LINE) <= len);
		assert_memory_equal(text + at, LINE, strlen(LINE));
	}
	assert_int_equal(len / strlen(LINE), written + 1);
	assert_int_equal(sink.check(sink.data, &(struct me_event_mark){0}, "one"), -ENOTSUP);
	me_ndjson_close(&ndjson);
}

static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;
	struct me_ndjson *ndjson = NULL;
	struct me_event_sink sink;

	assert_int_equal(me_ndjson_open("/dev/full", fixture->world->ledger, &ndjson), 0);
	sink = me_ndjson_sink(ndjson);
	assert_int_equal(sink.write(sink.data, &plain), -ENOSPC);
	me_ndjson_close(&ndjson);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_action),
		TEST(test_fields),
		TEST(test_names),
		TEST(test_listener),
		TEST(test_proxied),
		TEST(test_aggregate),
		TEST(test_append_and_reopen),
		TEST(test_torn_line),
		TEST(test_check),
		TEST(test_stalled_pipe),
		TEST(test_full_disk),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
