/* SPDX-License-Identifier: GPL-2.0-only */
/* Captures of every kind, and what is said of the flows in them. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/inet.h"
#include "base/strbuf.h"
#include "captures.h"
#include "export/rows.h"
#include "export/views.h"
#include "ledger/answers.h"
#include "mewatch/replay_guess.h"
#include "mewatch/replay_input.h"
#include "mewatch/replay_session.h"

#define RESOLVER "192.0.2.53"
#define DIRECTORY "192.0.2.5" /* asks the resolver itself */
#define GOOD "198.51.100.7"
#define BAD "203.0.113.9"

static const char policy[] =
	"version: 1\n"
	"resolvers: [" RESOLVER ", " DIRECTORY "]\n"
	"limits: {warmup: 0s, udp_idle: 60s}\n"
	"allow:\n"
	"  - {service: updates, name: site, to: update.example.net, ports: tcp/80}\n"
	"  - {service: smtp, name: mail, to: any, ports: tcp/25}\n";

struct heard {
	struct me_strbuf flows; /* a line each: verdict, ports, bytes … */
	struct me_strbuf json;
	struct me_strbuf answers;
	uint64_t held; /* flows that are over, but not final */
	struct me_replay_counts counts;
	uint64_t totals[ME_TOTALS_ALL];
	char error[ME_CAPTURE_ERROR_MAX];
};

static void hear(const struct me_ledger *ledger, const struct me_ledger_flow *flow, void *userdata)
{
	const struct me_item row = {.ledger = ledger, .flow = flow};
	const char *name = me_ledger_text(ledger, flow->text[ME_TEXT_NAME]);
	const char *http = me_ledger_text(ledger, flow->text[ME_TEXT_HTTP_HOST]);
	_cleanup_json_ struct me_json *object = NULL;
	struct heard *heard = userdata;
	char line[512];

	heard->held += flow->closed_ns && !me_state_is_final(flow->state);
	snprintf(line, sizeof(line), "%s %s %s %u>%u %s %s %s %llu/%llu %llu/%llu %s\n",
		 me_verdict_label(flow->state.verdict), me_reason_label(flow->state.reason),
		 me_evidence_label(flow->state.evidence), flow->sport, flow->dport,
		 name ? name : "-", http ? http : "-", me_outcome_label(flow->outcome),
		 (unsigned long long)flow->bytes_sent, (unsigned long long)flow->packets_sent,
		 (unsigned long long)flow->bytes_received,
		 (unsigned long long)flow->packets_received, flow->closed_ns ? "closed" : "open");
	me_strbuf_adds(&heard->flows, line);
	object = me_view_row(&me_rows_flows, &row);
	assert_int_equal(me_json_write(object, &heard->json), 0);
	me_strbuf_addc(&heard->json, '\n');
}

static void hear_answer(const struct me_ledger *ledger, const struct me_answer *answer,
			void *userdata)
{
	struct heard *heard = userdata;
	char text[ME_INET_LEN];

	me_inet_format(answer->address.byte, text);
	me_strbuf_addf(&heard->answers, "%s %s\n", answer->name, text);
}

/* Replays the file. What the last me_capture_next() returned. */
static int replay(const char *path, struct heard *heard)
{
	const char *hosts[] = {CAPTURES_HOST};
	char file[] = "/tmp/mewatch-test-policy-XXXXXX";
	const struct me_replay_options options = {
		.policy = file, .hosts = hosts, .n_hosts = 1, .answer_fn = hear_answer};
	struct me_capture_packet packet;
	struct me_capture *capture;
	struct me_replay *one = NULL;
	int fd = mkstemp(file), r;

	assert_int_equal(write(fd, policy, strlen(policy)), strlen(policy));
	close(fd);
	assert_int_equal(me_capture_open(path, &capture, heard->error), 0);
	while ((r = me_capture_next(capture, &packet, heard->error)) == 1) {
		if (!one)
			assert_int_equal(me_replay_new(&options, packet.ts_ns, hear, heard, &one),
					 0);
		me_replay_packet(one, &packet);
	}
	assert_non_null(one);
	me_replay_end(one);
	heard->counts = *me_replay_counts(one);
	memcpy(heard->totals, me_replay_totals(one), sizeof(heard->totals));
	me_replay_free(&one);
	me_capture_close(&capture);
	unlink(file);
	return r;
}

static void forget(struct heard *heard)
{
	me_strbuf_free(&heard->flows);
	me_strbuf_free(&heard->json);
	me_strbuf_free(&heard->answers);
}

/* A few of everything. */
static void fill(struct captures *c)
{
	captures_lookup(c, RESOLVER, "update.example.net", GOOD);
	captures_connection(c, 41000, GOOD, 80,
			    "GET /x?y HTTP/1.1\r\nHost: update.example.net\r\n\r\n");
	captures_connection(c, 41001, BAD, 80, "GET /x HTTP/1.1\r\nHost: evil.example.org\r\n\r\n");
	captures_connection(c, 41002, BAD, 25, NULL);
	captures_connection(c, 41003, GOOD, 8443, NULL);
	captures_tcp(c, true, 41004, BAD, 22, 0x02, 9, 0, NULL, 0); /* nobody answers */
	captures_tcp(c, true, 41005, GOOD, 80, 0x02, 9, 0, NULL, 0);
	captures_tcp(c, false, 41005, GOOD, 80, 0x14, 0, 10, NULL, 0); /* refused */
	captures_wait(c, 200000);
	captures_udp(c, true, 41006, BAD, 123, "time", 4);
}

#define NAMED "update.example.net update.example.net"
static const char flows[] =
	"allowed none verified 41000>80 " NAMED " established 47/5 100/3 closed\n"
	"violation unlisted-port none 41001>80 - evil.example.org established 43/5 100/3 closed\n"
	"allowed none listed 41002>25 - - established 0/4 100/3 closed\n"
	"violation unlisted-port none 41003>8443 update.example.net - established 0/4 100/3 closed\n"
	"allowed none learned 41005>80 update.example.net - refused 0/1 0/1 closed\n"
	"violation unlisted-port none 41004>22 - - timeout 0/1 0/0 closed\n"
	"allowed none listed 40000>53 - - answered 36/1 52/1 closed\n"
	"violation unlisted-port none 41006>123 - - none 4/1 0/0 open\n";

static void every_kind_says_the_same(void **state)
{
	for (int link = 0; link < CAPTURES_LINKS; link++)
		for (int format = 0; format < CAPTURES_FORMATS; format++) {
			struct captures *c = captures_begin(link, format, 0);
			struct heard heard = {};

			fill(c);
			assert_int_equal(replay(captures_path(c), &heard), 0);
			assert_string_equal(heard.flows.data, flows);
			assert_int_equal(heard.counts.packets, 36);
			assert_int_equal(heard.counts.cut, 0);
			assert_int_equal(heard.counts.elsewhere, 0);
			assert_int_equal(heard.counts.first_ns,
					 CAPTURES_START * 1000000000ull + 10000000);
			for (int i = 0; i < ME_UNPARSED_COUNT; i++)
				assert_int_equal(heard.totals[ME_TOTAL_UNPARSED(i)], 0);
			forget(&heard);
			captures_end(&c);
		}
}

static void an_object_has_the_fields_of_a_flow(void **state)
{
	static const char golden[] =
		"{\"id\":\"0000000000000003\",\"state\":\"closed\",\"verdict\":\"allowed\","
		"\"evidence\":\"listed\",\"service\":\"smtp\",\"rule\":\"smtp/mail\",\"at\":\"";
	static const char rest[] =
		"\"policy\":1,\"endpoint\":\"any\",\"vantage\":\"replay\",\"direction\":\"out\","
		"\"host\":\"192.0.2.10\",\"proto\":\"tcp\",\"src\":\"192.0.2.10\",\"sport\":41002,"
		"\"dst\":\"203.0.113.9\",\"dport\":25,\"first\":\"2023-11-14T22:13:20.010Z\","
		"\"last\":\"2023-11-14T22:13:20.070Z\",\"bytes_sent\":0,\"bytes_received\":100,"
		"\"packets_sent\":4,\"packets_received\":3,\"outcome\":\"established\"}\n";
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_MICRO, 0);
	struct heard heard = {};
	const char *policy_at;

	captures_connection(c, 41002, BAD, 25, NULL);
	assert_int_equal(replay(captures_path(c), &heard), 0);
	assert_memory_equal(heard.json.data + 26, golden + 26, strlen(golden) - 26);
	policy_at = strstr(heard.json.data, "\"policy\"");
	assert_non_null(policy_at);
	assert_string_equal(policy_at, rest);
	forget(&heard);
	captures_end(&c);
}

/* Of packets cut behind their headers flows and lengths are known, and names are not. */
static void cut_packets_have_their_length_on_the_wire(void **state)
{
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_MICRO, 54);
	struct heard heard = {};

	captures_connection(c, 41001, BAD, 25, "EHLO mail.example.org\r\n");
	assert_int_equal(replay(captures_path(c), &heard), 0);
	assert_string_equal(heard.flows.data,
			    "allowed none listed 41001>25 - - established 23/5 100/3 closed\n");
	assert_int_equal(heard.counts.cut, 2);
	forget(&heard);
	captures_end(&c);
}

static void of_a_damaged_capture_what_could_be_read_counts(void **state)
{
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_MICRO, 0);
	struct heard heard = {};

	captures_connection(c, 41001, BAD, 25, NULL);
	captures_tcp(c, true, 41002, BAD, 25, 0x02, 1, 0, NULL, 0);
	captures_cut(c, 10);
	assert_int_equal(replay(captures_path(c), &heard), -EBADMSG);
	assert_non_null(strstr(heard.error, "truncated"));
	assert_string_equal(heard.flows.data,
			    "allowed none listed 41001>25 - - established 0/4 100/3 closed\n");
	forget(&heard);
	captures_end(&c);
}

/* Those to the mail host, and those that a resolver of the policy got from another; to nobody else. */
static void answers_are_told_and_learned(void **state)
{
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_MICRO, 0);
	struct heard heard = {};

	captures_as(c, "192.0.2.99");
	captures_lookup(c, RESOLVER, "stranger.example.net", BAD);
	captures_as(c, DIRECTORY);
	captures_lookup(c, RESOLVER, "update.example.net", GOOD);
	captures_as(c, CAPTURES_HOST);
	captures_lookup(c, RESOLVER, "other.example.net", BAD);
	captures_connection(c, 41000, GOOD, 80, NULL);
	assert_int_equal(replay(captures_path(c), &heard), 0);
	assert_string_equal(heard.answers.data,
			    "update.example.net " GOOD "\nother.example.net " BAD "\n");
	assert_string_equal(heard.flows.data,
			    "allowed none listed 40000>53 - - answered 35/1 51/1 open\n"
			    "allowed none learned 41000>80 update.example.net - established 0/4 "
			    "100/3 closed\n");
	assert_int_equal(heard.counts.elsewhere, 4);
	forget(&heard);
	captures_end(&c);
}

/* Half a century, and an hour: what waits for a time has it, and no second of them is gone through. */
static void a_long_silence_is_passed(void **state)
{
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_NG, 0);
	struct heard heard = {};

	captures_tcp(c, true, 41000, BAD, 25, 0x02, 1, 0, NULL, 0);
	captures_udp(c, true, 41001, BAD, 123, "time", 4);
	captures_wait(c, 50ull * 365 * 86400 * 1000);
	captures_udp(c, true, 41001, BAD, 123, "time", 4);
	captures_wait(c, 3600 * 1000);
	captures_connection(c, 41002, BAD, 25, NULL);
	assert_int_equal(replay(captures_path(c), &heard), 0);
	assert_string_equal(heard.flows.data,
			    "allowed none listed 41000>25 - - timeout 0/1 0/0 closed\n"
			    "violation unlisted-port none 41001>123 - - unanswered 4/1 0/0 closed\n"
			    "violation unlisted-port none 41001>123 - - unanswered 4/1 0/0 closed\n"
			    "allowed none listed 41002>25 - - established 0/4 100/3 closed\n");
	assert_int_equal(heard.counts.last_ns - heard.counts.first_ns,
			 (50ull * 365 * 86400 + 3600) * 1000000000 + 90000000);
	forget(&heard);
	captures_end(&c);
}

/* A connection whose client says one of `parts` after the other, and waits before each; NULL ends them. */
static void slowly(struct captures *c, uint16_t sport, uint64_t wait_ms, const char *const *parts)
{
	uint32_t seq = 101;

	captures_tcp(c, true, sport, GOOD, 80, 0x02, 100, 0, NULL, 0);
	captures_tcp(c, false, sport, GOOD, 80, 0x12, 500, 101, NULL, 0);
	captures_tcp(c, true, sport, GOOD, 80, 0x10, 101, 501, NULL, 0);
	for (; *parts; parts++) {
		captures_wait(c, wait_ms);
		captures_tcp(c, true, sport, GOOD, 80, 0x18, seq, 501, *parts, strlen(*parts));
		seq += strlen(*parts);
	}
	captures_wait(c, wait_ms);
	captures_tcp(c, true, sport, GOOD, 80, 0x11, seq, 501, NULL, 0);
	captures_tcp(c, false, sport, GOOD, 80, 0x11, 501, seq + 1, NULL, 0);
	captures_tcp(c, true, sport, GOOD, 80, 0x10, seq + 1, 502, NULL, 0);
}

/* Whoever is silent for longer than limits.pending is heard all the same. */
static void a_slow_client_is_heard(void **state)
{
	static const char *const
		listed[] = {"GET / HTTP/1.1\r\nHo", "st: update.example.net\r\n\r\n", NULL},
		*const other[] = {"GET / HTTP/1.1\r\n", "Host: evil.example.org\r\n", "\r\n", NULL},
		*const half[] = {"GET / HTTP/1.1\r\n", NULL}, *const silent[] = {NULL};
	static const char expected[] =
		"allowed none verified 41000>80 update.example.net update.example.net established "
		"44/6 0/2 closed\n"
		"allowed none listed 40000>53 - - answered 36/1 52/1 closed\n"
		"violation name-mismatch none 41001>80 update.example.net evil.example.org established "
		"42/7 0/2 closed\n"
		"allowed none learned 41002>80 update.example.net - established 16/5 0/2 closed\n"
		"allowed none learned 41003>80 update.example.net - established 0/4 0/2 closed\n"
		"unresolved none none 41004>80 update.example.net - established 42/7 0/2 closed\n";
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_MICRO, 0);
	struct heard heard = {};

	(void)state;
	captures_lookup(c, RESOLVER, "update.example.net", GOOD);
	slowly(c, 41000, 15000, listed);
	slowly(c, 41001, 15000, other);
	slowly(c, 41002, 15000, half);
	slowly(c, 41003, 15000, silent);
	slowly(c, 41004, 75000, other); /* half of it is kept for a minute */
	assert_int_equal(replay(captures_path(c), &heard), 0);
	assert_string_equal(heard.flows.data, expected);
	forget(&heard);
	captures_end(&c);
}

static void a_time_that_cannot_be_is_damage(void **state)
{
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_NG, 0);
	struct heard heard = {};

	captures_connection(c, 41001, BAD, 25, NULL);
	captures_wait(c, 300ull * 365 * 86400 * 1000);
	captures_udp(c, true, 41001, BAD, 123, "time", 4);
	assert_int_equal(replay(captures_path(c), &heard), -EBADMSG);
	assert_string_equal(heard.error, "the next one is not of a time between 1970 and 2262");
	assert_string_equal(heard.flows.data,
			    "allowed none listed 41001>25 - - established 0/4 100/3 closed\n");
	forget(&heard);
	captures_end(&c);
}

/* It waited for what the client says; when it was over, and with it the capture, it was no longer. */
static void what_ends_with_the_capture_is_final(void **state)
{
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_MICRO, 0);
	struct heard heard = {};

	captures_lookup(c, RESOLVER, "update.example.net", GOOD);
	captures_connection(c, 41000, GOOD, 80, NULL);
	assert_int_equal(replay(captures_path(c), &heard), 0);
	assert_string_equal(heard.flows.data,
			    "allowed none listed 40000>53 - - answered 36/1 52/1 open\n"
			    "allowed none learned 41000>80 update.example.net - established 0/4 "
			    "100/3 closed\n");
	assert_int_equal(heard.held, 0);
	forget(&heard);
	captures_end(&c);
}

static void what_is_no_capture_is_said_so(void **state)
{
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_MICRO, 0);
	struct me_capture *capture = NULL;
	char error[ME_CAPTURE_ERROR_MAX] = "";

	captures_cut(c, 20);
	assert_int_equal(me_capture_open(captures_path(c), &capture, error), -EBADMSG);
	assert_true(*error);
	assert_null(capture);
	captures_end(&c);
	assert_int_equal(me_capture_open("/nonexistent", &capture, error), -ENOENT);
}

/*
 * The names of a flow are those that its peer had until its last packet. How often and when rounds are made
 * does not matter: of two captures the second has a packet in each second besides.
 */
static void names_are_those_of_its_time(void **state)
{
	for (int often = 0; often < 2; often++) {
		struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_MICRO, 0);
		struct heard heard = {};

		captures_connection(c, 41000, BAD, 25, NULL); /* before there is a name */
		captures_lookup(c, RESOLVER, "one.example.org", BAD);
		captures_connection(c, 41001, BAD, 25, NULL);
		captures_lookup(c, RESOLVER, "two.example.org", BAD);
		captures_lookup(c, RESOLVER, "one.example.org", BAD);
		captures_connection(c, 41002, BAD, 25, NULL);
		captures_connection(c, 41003, BAD, 26, NULL); /* told: the one asked for last */
		captures_lookup(c, RESOLVER, "three.example.org", BAD);
		for (int i = 0; i < 100; i++) {
			captures_wait(c, 1000);
			if (often || i == 99)
				captures_udp(c, true, 41009, GOOD, 123, "time", 4);
		}
		assert_int_equal(replay(captures_path(c), &heard), 0);
		assert_non_null(strstr(heard.flows.data, "41000>25 - -"));
		assert_non_null(strstr(heard.flows.data, "41001>25 one.example.org -"));
		assert_non_null(strstr(heard.flows.data, "41002>25 two.example.org -"));
		assert_non_null(strstr(heard.flows.data, "41003>26 one.example.org -"));
		assert_non_null(strstr(heard.json.data,
				       "\"names\":[\"two.example.org\",\"one.example.org\"]"));
		assert_null(strstr(heard.json.data, "three.example.org"));
		forget(&heard);
		captures_end(&c);
	}
}

/* Years in which nothing happens cost nothing, and end what was open before. */
static void silence_is_short(void **state)
{
	struct captures *c = captures_begin(CAPTURES_RAW, CAPTURES_NG, 0);
	const uint64_t ms_of_a_year = 365ull * 86400 * 1000;
	struct heard heard = {};

	for (int i = 0; i < 3; i++) {
		captures_udp(c, true, 41006, BAD, 123, "time", 4);
		captures_wait(c, 20 * ms_of_a_year);
	}
	assert_int_equal(replay(captures_path(c), &heard), 0);
	assert_string_equal(heard.flows.data,
			    "violation unlisted-port none 41006>123 - - unanswered 4/1 0/0 closed\n"
			    "violation unlisted-port none 41006>123 - - unanswered 4/1 0/0 closed\n"
			    "violation unlisted-port none 41006>123 - - none 4/1 0/0 open\n");
	forget(&heard);
	captures_end(&c);
}

static int guess(const struct captures *c, struct me_addr *ret_address, uint64_t *ret_opened)
{
	struct me_guess *one = me_guess_new();
	int err;

	assert_non_null(one);
	assert_int_equal(me_guess_file(one, captures_path((struct captures *)c)), 0);
	err = me_guess_made(one, ret_address, ret_opened);
	me_guess_free(&one);
	return err;
}

static void the_host_that_opens_most_is_guessed(void **state)
{
	struct captures *c = captures_begin(CAPTURES_RAW, CAPTURES_NG, 0);
	struct me_addr address, expected = {};
	uint64_t opened;

	for (uint16_t i = 0; i < 3; i++)
		captures_connection(c, 41000 + i, BAD, 25, NULL);
	for (uint16_t i = 0; i < 2; i++) /* the peer opens them */
		captures_tcp(c, false, 22, BAD, 50000 + i, 0x02, 1, 0, NULL, 0);
	assert_int_equal(guess(c, &address, &opened), 0);
	expected = me_addr_v4(htonl(0xc000020a));
	assert_memory_equal(&address, &expected, sizeof(address));
	assert_int_equal(opened, 3);
	captures_end(&c);

	c = captures_begin(CAPTURES_RAW, CAPTURES_NG, 0);
	captures_udp(c, true, 1, BAD, 2, "x", 1);
	assert_int_equal(guess(c, &address, &opened), -ENOENT);
	captures_end(&c);
}

static int number_seen(const struct me_capture_packet *packet, void *userdata)
{
	uint64_t *last = userdata;

	assert_int_equal(packet->number, *last + 1);
	*last = packet->number;
	return 0;
}

/* What was looked at ahead comes once more, also behind a capture that is damaged. */
static void a_beginning_is_read_again(void **state)
{
	struct captures *c = captures_begin(CAPTURES_ETHERNET, CAPTURES_NANO, 0);
	char error[ME_CAPTURE_ERROR_MAX] = "";
	struct me_capture_packet packet;
	struct me_input input;
	uint64_t ahead = 0, n = 0;
	int r;

	fill(c);
	captures_cut(c, 20);
	assert_int_equal(me_input_open(captures_path(c), &input, error), 0);
	assert_int_equal(me_input_next(&input, &packet, error), 1);
	assert_int_equal(me_input_ahead(&input, &packet, number_seen, &ahead), 0);
	while ((r = me_input_next(&input, &packet, error)) == 1) {
		assert_int_equal(packet.number, ++n);
		assert_true(packet.have >= 14 && packet.bytes[12] == 8);
	}
	assert_true(n > 20);
	assert_int_equal(n, ahead);
	assert_int_equal(r, -EBADMSG);
	assert_true(*error);
	me_input_close(&input);
	captures_end(&c);
}

#define MANY 300000

/* More than is held ahead. */
static void a_long_beginning_is_read_in_part(void **state)
{
	struct captures *c = captures_begin(CAPTURES_RAW, CAPTURES_MICRO, 0);
	char error[ME_CAPTURE_ERROR_MAX] = "";
	struct me_capture_packet packet;
	struct me_input input;
	uint64_t ahead = 0, n = 0;
	int r;

	for (int i = 0; i < MANY; i++)
		captures_udp(c, true, 1, BAD, 2, "x", 1);
	assert_int_equal(me_input_open(captures_path(c), &input, error), 0);
	assert_int_equal(me_input_next(&input, &packet, error), 1);
	assert_int_equal(me_input_ahead(&input, &packet, number_seen, &ahead), 0);
	assert_true(ahead > 1000 && ahead < MANY);
	assert_true(input.room <= 2 * ME_INPUT_HELD_MAX);
	while ((r = me_input_next(&input, &packet, error)) == 1)
		assert_int_equal(packet.number, ++n);
	assert_int_equal(r, 0);
	assert_int_equal(n, MANY);
	me_input_close(&input);
	captures_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_says_the_same),
		cmocka_unit_test(an_object_has_the_fields_of_a_flow),
		cmocka_unit_test(cut_packets_have_their_length_on_the_wire),
		cmocka_unit_test(of_a_damaged_capture_what_could_be_read_counts),
		cmocka_unit_test(answers_are_told_and_learned),
		cmocka_unit_test(a_long_silence_is_passed),
		cmocka_unit_test(a_slow_client_is_heard),
		cmocka_unit_test(a_time_that_cannot_be_is_damage),
		cmocka_unit_test(what_ends_with_the_capture_is_final),
		cmocka_unit_test(what_is_no_capture_is_said_so),
		cmocka_unit_test(names_are_those_of_its_time),
		cmocka_unit_test(silence_is_short),
		cmocka_unit_test(the_host_that_opens_most_is_guessed),
		cmocka_unit_test(a_beginning_is_read_again),
		cmocka_unit_test(a_long_beginning_is_read_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
