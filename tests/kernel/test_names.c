/* SPDX-License-Identifier: GPL-2.0-only */
/* Names at the host: answers that are learned, and what a learned address is worth afterwards. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "base/inet.h"
#include "selftest/dns_build.h"
#include "host.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define RESOLVER "192.0.2.53"
#define SECONDS 1000000000ull

/* HOST_GOOD and HOST_BAD are strangers here but for names. */
static const char policy[] =
	"version: 1\n"
	"resolvers: [" RESOLVER "]\n"
	"proxy: proxy.example:443\n"
	"limits: {grace: 60s}\n"
	"allow:\n"
	"  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}\n"
	"  - {service: web, to: [www.example.org, \"*.cdn.example\",\n"
	"     \"**.deep.example\"],\n"
	"     ports: [tcp/80, tcp/443, tcp/7000]}\n"
	"  - {service: inside, to: in.example, ports: tcp/7000, private: true}\n";

struct names {
	struct host *host;
	int client, server; /* the client asks, the server is the resolver */
	uint16_t id;
};

static struct me_addr address_of(const char *text)
{
	struct me_addr address;

	assert_int_equal(me_inet_parse(text, address.byte), 0);
	return address;
}

static uint64_t refused(struct host *host, enum me_refused cause)
{
	uint64_t counts[ME_DNS_COUNTS];

	assert_int_equal(me_kernel_dns(host->kernel, counts), 0);
	return counts[me_dns_refusals(cause)];
}

static void send_to_resolver(struct names *n, const struct me_dns_build *query)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};

	assert_int_equal(inet_pton(AF_INET, RESOLVER, &to.sin_addr), 1);
	assert_int_equal(sendto(n->client, query->data, query->length, 0, (void *)&to, sizeof(to)),
			 query->length);
}

/* Sends `answer` to whoever asked last, from the resolver. */
static void answer(struct names *n, const struct me_dns_build *message)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	uint8_t bytes[4096];

	assert_true(recvfrom(n->server, bytes, sizeof(bytes), 0, (void *)&from, &size) > 0);
	assert_int_equal(sendto(n->server, message->data, message->length, 0, (void *)&from, size),
			 message->length);
	assert_int_equal(recv(n->client, bytes, sizeof(bytes), 0), message->length);
}

static void ask(struct names *n, const char *name, uint16_t type)
{
	struct me_dns_build query;

	me_dns_build(&query, ++n->id, 0x0100, name, type);
	send_to_resolver(n, &query);
}

/* One exchange: a question for `name`, and an answer with the address. */
static void resolve(struct names *n, const char *name, const char *address, uint32_t ttl)
{
	uint16_t type = strchr(address, ':') ? ME_DNS_AAAA : ME_DNS_A;
	struct me_dns_build message;

	ask(n, name, type);
	me_dns_build(&message, n->id, ME_DNS_BUILD_ANSWER, name, type);
	me_dns_build_address(&message, NULL, address, ttl);
	answer(n, &message);
}

static bool is_learned(struct names *n, const char *address)
{
	struct me_addr key = address_of(address);
	struct me_learned learned;

	return me_kernel_learned(n->host->kernel, &key, &learned) && learned.slot[0].endpoint;
}

static struct names begin(const char *name)
{
	struct names n = {.host = host_begin(name, "", 256)};
	struct me_own_key own = {.netns = n.host->world.cookie, .address = address_of(RESOLVER)};
	uint16_t port = 53;

	world_run(n.host->world.ns, "ip addr add " RESOLVER "/32 dev lo");
	assert_int_equal(me_kernel_own(n.host->kernel, &own, true), 0);
	host_policy(n.host, policy);
	n.server = host_server(n.host, SOCK_DGRAM, RESOLVER, &port);
	n.client = host_socket(n.host, AF_INET, SOCK_DGRAM, 0);
	host_mark(n.host);
	return n;
}

static void end(struct names *n)
{
	close(n->client);
	close(n->server);
	host_end(&n->host);
}

/* --- The next connect --------------------------------------------------------------------------- */

static void a_connect_after_the_answer_is_allowed(void **state)
{
	struct names n = begin("names-allowed");
	struct host_flow flow;
	int fd = host_socket(n.host, AF_INET, SOCK_STREAM, 0);

	resolve(&n, "WWW.example.org", HOST_GOOD, 300);
	host_mark(n.host);
	host_connect(fd, HOST_GOOD, 7000);
	flow = host_flow(n.host, HOST_GOOD, 7000);
	assert_int_equal(flow.flow.state.verdict, ME_ALLOWED);
	assert_int_equal(flow.flow.state.evidence, ME_EVIDENCE_LEARNED);
	assert_true(me_state_is_final(flow.flow.state));
	HOST_EXPECT(n.host, FINAL(ME_ALLOWED) = 1);
	close(fd);
	end(&n);
}

static void without_an_answer_it_is_pending(void **state)
{
	struct names n = begin("names-pending");
	int fd = host_socket(n.host, AF_INET, SOCK_STREAM, 0);

	host_connect(fd, HOST_BAD, 7000);
	assert_int_equal(host_flow(n.host, HOST_BAD, 7000).flow.state.verdict, ME_PENDING);
	HOST_EXPECT(n.host, OPENED(ME_REASON_UNLISTED_DESTINATION) = 1);
	close(fd);
	end(&n);
}

static void both_families_and_chains_are_learned(void **state)
{
	struct names n = begin("names-chain");
	struct me_dns_build message;

	resolve(&n, "www.example.org", HOST_GOOD6, 300);
	assert_true(is_learned(&n, HOST_GOOD6));
	ask(&n, "a.cdn.example", ME_DNS_A);
	me_dns_build(&message, n.id, ME_DNS_BUILD_ANSWER, "a.cdn.example", ME_DNS_A);
	me_dns_build_cname(&message, NULL, "edge.other.test", 300);
	me_dns_build_address(&message, "edge.other.test", HOST_GOOD, 300);
	me_dns_build_address(&message, "stranger.other.test", HOST_BAD, 300);
	answer(&n, &message);
	assert_true(is_learned(&n, HOST_GOOD));
	assert_false(is_learned(&n, HOST_BAD));
	assert_int_equal(refused(n.host, ME_REFUSED_OTHER_NAME), 1);
	end(&n);
}

/* An answer that ends in a name without an address lends its endpoints to that name. */
static void a_dangling_chain_goes_on_in_the_next_answer(void **state)
{
	struct names n = begin("names-alias");
	struct me_dns_build message;

	resolve(&n, "edge.other.test", HOST_BAD, 300);
	assert_false(is_learned(&n, HOST_BAD));
	ask(&n, "b.cdn.example", ME_DNS_A);
	me_dns_build(&message, n.id, ME_DNS_BUILD_ANSWER, "b.cdn.example", ME_DNS_A);
	me_dns_build_cname(&message, NULL, "edge.other.test", 300);
	answer(&n, &message);
	resolve(&n, "edge.other.test", HOST_GOOD, 300);
	assert_true(is_learned(&n, HOST_GOOD));
	end(&n);
}

static void private_space_is_for_private_names(void **state)
{
	struct names n = begin("names-private");

	resolve(&n, "www.example.org", "10.1.2.3", 300);
	assert_false(is_learned(&n, "10.1.2.3"));
	assert_int_equal(refused(n.host, ME_REFUSED_PRIVATE), 1);
	resolve(&n, "in.example", "10.1.2.3", 300);
	assert_true(is_learned(&n, "10.1.2.3"));
	resolve(&n, "in.example", "127.0.0.1", 300);
	assert_false(is_learned(&n, "127.0.0.1"));
	assert_int_equal(refused(n.host, ME_REFUSED_SPECIAL), 1);
	end(&n);
}

static void an_answer_counts_once(void **state)
{
	struct names n = begin("names-once");
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	struct me_dns_build message;
	uint8_t bytes[512];

	ask(&n, "www.example.org", ME_DNS_A);
	assert_true(recvfrom(n.server, bytes, sizeof(bytes), 0, (void *)&from, &size) > 0);
	for (int i = 0; i < 2; i++) {
		me_dns_build(&message, n.id, ME_DNS_BUILD_ANSWER, "www.example.org", ME_DNS_A);
		me_dns_build_address(&message, NULL, i ? HOST_BAD : HOST_GOOD, 300);
		sendto(n.server, message.data, message.length, 0, (void *)&from, size);
		assert_true(recv(n.client, bytes, sizeof(bytes), 0) > 0);
	}
	assert_true(is_learned(&n, HOST_GOOD));
	assert_false(is_learned(&n, HOST_BAD));
	assert_int_equal(refused(n.host, ME_REFUSED_UNSOLICITED), 1);
	end(&n);
}

/* One send of two datagrams, which the hook sees as one packet (UDP_SEGMENT). */
static void two_queries_of_one_send_are_two(void **state)
{
	static const char *const name[] = {"www.example.org", "abc.cdn.example"};
	struct names n = begin("names-gso");
	struct me_dns_build query, both = {.length = 0}, message;
	int size;

	for (int i = 0; i < 2; i++) {
		me_dns_build(&query, 100 + i, 0x0100, name[i], ME_DNS_A);
		memcpy(both.data + both.length, query.data, query.length);
		both.length += query.length;
	}
	size = (int)query.length;
	assert_int_equal(setsockopt(n.client, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
	send_to_resolver(&n, &both);
	for (int i = 0; i < 2; i++) {
		me_dns_build(&message, 100 + i, ME_DNS_BUILD_ANSWER, name[i], ME_DNS_A);
		me_dns_build_address(&message, NULL, i ? HOST_BAD : HOST_GOOD, 300);
		answer(&n, &message);
	}
	assert_true(is_learned(&n, HOST_GOOD));
	assert_true(is_learned(&n, HOST_BAD));
	end(&n);
}

static void a_failure_teaches_nothing(void **state)
{
	struct names n = begin("names-failure");
	struct me_dns_build message;

	ask(&n, "www.example.org", ME_DNS_A);
	me_dns_build(&message, n.id, ME_DNS_BUILD_ANSWER | ME_RCODE_SERVFAIL, "www.example.org",
		     ME_DNS_A);
	me_dns_build_address(&message, NULL, HOST_GOOD, 300);
	answer(&n, &message);
	assert_false(is_learned(&n, HOST_GOOD));
	end(&n);
}

/* Asks, and is answered with that code. */
static void answer_error(struct names *n, const char *name, uint16_t type, enum me_rcode rcode)
{
	struct me_dns_build message;

	ask(n, name, type);
	me_dns_build(&message, n->id, ME_DNS_BUILD_ANSWER | rcode, name, type);
	answer(n, &message);
}

static void collect_query(const void *key, const void *query, void *userdata)
{
	const struct me_asked *asked = query;
	struct me_name *name = userdata;

	assert_int_equal(((const struct me_asked_key *)key)->type, ME_DNS_AAAA);
	assert_int_equal(asked->upstream, 0);
	assert_int_equal(name->length, 0); /* there is one */
	*name = asked->name;
}

/* Of names that are listed, and questions for addresses. */
static void a_failure_is_counted_for_its_endpoints(void **state)
{
	struct names n = begin("names-failures");
	struct me_name unanswered = {}, expected;
	uint64_t now = me_clock_now(CLOCK_MONOTONIC);
	struct me_endpoint_counts www, cdn;

	answer_error(&n, "www.example.org", ME_DNS_A, ME_RCODE_NXDOMAIN);
	answer_error(&n, "WWW.example.ORG", ME_DNS_AAAA, ME_RCODE_NXDOMAIN);
	answer_error(&n, "www.example.org", ME_DNS_A, ME_RCODE_SERVFAIL);
	answer_error(&n, "www.example.org", ME_DNS_A, 5); /* REFUSED */
	answer_error(&n, "www.example.org", ME_DNS_TXT, ME_RCODE_SERVFAIL);
	answer_error(&n, "www.example.org", ME_DNS_AAAA,
		     ME_RCODE_NOERROR); /* it has no such address */
	answer_error(&n, "x.cdn.example", ME_DNS_A, ME_RCODE_NXDOMAIN);
	answer_error(&n, "x.y.cdn.example", ME_DNS_A, ME_RCODE_NXDOMAIN);
	answer_error(&n, "www.example.com", ME_DNS_A, ME_RCODE_NXDOMAIN);
	ask(&n, "www.example.org", ME_DNS_AAAA);
	www = host_endpoint(n.host, "web", "www.example.org");
	cdn = host_endpoint(n.host, "web", "*.cdn.example");
	assert_int_equal(www.dns_failures[ME_DNS_FAILED_NXDOMAIN], 2);
	assert_int_equal(www.dns_failures[ME_DNS_FAILED_SERVFAIL], 1);
	assert_int_equal(www.dns_failures[ME_DNS_FAILED_OTHER], 1);
	assert_int_equal(www.dns_failures[ME_DNS_FAILED_NO_ANSWER], 0);
	assert_int_equal(cdn.dns_failures[ME_DNS_FAILED_NXDOMAIN], 1);
	assert_int_equal(cdn.dns_failures[ME_DNS_FAILED_SERVFAIL], 0);

	/* Who waits for so long gets none. */
	me_kernel_queries_expire(n.host->kernel, now, collect_query, &unanswered);
	assert_int_equal(unanswered.length, 0);
	me_kernel_queries_expire(n.host->kernel, now + 2 * ME_QUERY_NS, collect_query, &unanswered);
	assert_int_equal(me_name_from_text("www.example.org", &expected), 0);
	assert_true(me_name_equal(&unanswered, &expected));
	end(&n);
}

/* What looks like a question to a block list may still be a listed name. */
static void four_octets_before_a_listed_name_are_learned(void **state)
{
	struct names n = begin("names-octets");
	struct me_dns_build message;

	resolve(&n, "1.2.3.4.deep.example", HOST_GOOD, 300);
	assert_true(is_learned(&n, HOST_GOOD));
	ask(&n, "1.2.3.4.zen.spamhaus.org", ME_DNS_A);
	me_dns_build(&message, n.id, ME_DNS_BUILD_ANSWER, "1.2.3.4.zen.spamhaus.org", ME_DNS_A);
	me_dns_build_address(&message, NULL, "127.0.0.2", 300);
	answer(&n, &message);
	assert_int_equal(refused(n.host, ME_REFUSED_SPECIAL), 0);
	end(&n);
}

/* --- Time --------------------------------------------------------------------------------------- */

static void a_short_life_has_a_floor(void **state)
{
	struct names n = begin("names-floor");
	struct me_addr key = address_of(HOST_GOOD);
	uint64_t before = me_clock_now(CLOCK_MONOTONIC), expires;
	struct me_learned learned;

	resolve(&n, "www.example.org", HOST_GOOD, 0);
	assert_true(me_kernel_learned(n.host->kernel, &key, &learned));
	expires = learned.slot[0].expires_ns;
	assert_true(expires >= before + ME_DNS_TTL_FLOOR * SECONDS);
	assert_true(expires <= me_clock_now(CLOCK_MONOTONIC) + ME_DNS_TTL_FLOOR * SECONDS);
	assert_int_equal(learned.slot[0].stale_ns, expires + 60 * SECONDS);
	/* A longer life prolongs it, a shorter one does not cut it. */
	resolve(&n, "www.example.org", HOST_GOOD, 3600);
	resolve(&n, "www.example.org", HOST_GOOD, 60);
	assert_true(me_kernel_learned(n.host->kernel, &key, &learned));
	assert_true(learned.slot[0].expires_ns > before + 3000 * SECONDS);
	assert_int_equal(learned.slot[1].endpoint, 0);
	end(&n);
}

static void what_is_stale_is_forgotten(void **state)
{
	struct names n = begin("names-forget");
	struct me_addr key = address_of(HOST_GOOD);
	uint64_t now = me_clock_now(CLOCK_MONOTONIC);
	struct me_forget forget = {.address = key, .now_ns = now};
	struct me_learned learned;

	resolve(&n, "www.example.org", HOST_GOOD, 300);
	assert_true(me_kernel_learned(n.host->kernel, &key, &learned));
	assert_int_equal(me_kernel_learned_count(n.host->kernel), 1);
	assert_int_equal(me_kernel_forget(n.host->kernel, &forget), 0);
	assert_int_equal(forget.result, 1); /* in use */
	/* Its entry is empty first; until it goes it can be filled again. */
	forget.now_ns = learned.slot[0].stale_ns + 1;
	assert_int_equal(me_kernel_forget(n.host->kernel, &forget), 0);
	assert_int_equal(forget.result, 0);
	assert_true(me_kernel_learned(n.host->kernel, &key, &learned));
	assert_int_equal(learned.slot[0].endpoint, 0);
	resolve(&n, "www.example.org", HOST_GOOD, 300);
	assert_true(is_learned(&n, HOST_GOOD));
	assert_int_equal(host_endpoint(n.host, "web", "www.example.org").learned, 1);
	forget.now_ns = now + 7200 * SECONDS;
	assert_int_equal(me_kernel_forget(n.host->kernel, &forget), 0);
	assert_false(me_kernel_learned(n.host->kernel, &key, &learned));
	assert_int_equal(me_kernel_learned_count(n.host->kernel), 0);
	assert_int_equal(host_endpoint(n.host, "web", "www.example.org").learned, 0);
	end(&n);
}

/* --- Bounds ------------------------------------------------------------------------------------- */

static void bounds_are_counted(void **state)
{
	struct names n = begin("names-bounds");
	struct me_learn learn = {
		.address = address_of(HOST_GOOD), .expires_ns = ~0ull, .stale_ns = ~0ull};

	for (uint32_t i = 1; i <= ME_NAME_ENDPOINTS + 1; i++) {
		learn.endpoint = i;
		assert_int_equal(me_kernel_learn(n.host->kernel, &learn), 0);
		assert_int_equal(learn.result,
				 i <= ME_NAME_ENDPOINTS ? ME_REFUSED_COUNT : ME_REFUSED_MANY_NAMES);
	}
	/* The table of this test has room for 256 addresses. */
	learn.endpoint = 1;
	for (uint32_t i = 1; i <= 300; i++) {
		learn.address.byte[14] = i >> 8;
		learn.address.byte[15] = i & 0xff;
		assert_int_equal(me_kernel_learn(n.host->kernel, &learn), 0);
	}
	assert_int_equal(learn.result, ME_REFUSED_FULL);
	assert_int_equal(me_kernel_learned_count(n.host->kernel), 256);
	end(&n);
}

static void a_minute_has_a_bound(void **state)
{
	struct names n = begin("names-rate");
	struct me_learn learn = {.endpoint = 1, .expires_ns = 1, .stale_ns = 1};
	struct me_forget forget = {.now_ns = ~0ull};
	uint32_t i = 0;

	learn.address = forget.address = address_of("198.18.0.0");
	do {
		memcpy(learn.address.byte + 12, &(uint32_t){++i}, 4);
		forget.address = learn.address;
		assert_int_equal(me_kernel_learn(n.host->kernel, &learn), 0);
		assert_int_equal(me_kernel_forget(n.host->kernel, &forget), 0);
	} while (learn.result == ME_REFUSED_COUNT && i < 2 * ME_LEARNED_MINUTE_MAX);
	assert_int_equal(learn.result, ME_REFUSED_RATE);
	assert_int_equal(i, ME_LEARNED_MINUTE_MAX + 1);
	end(&n);
}

/* --- The second witness ------------------------------------------------------------------------- */

struct heard {
	struct me_payload head;
	uint8_t bytes[ME_FIRST_BYTES];
	int n;
};

static int no_record(const struct me_record *record, void *userdata)
{
	return 0;
}

static int hear(const struct me_payload *head, const uint8_t *bytes, void *userdata)
{
	struct heard *heard = userdata;

	if (head->kind != ME_RECORD_FIRST)
		return 0;
	assert_true(head->length <= sizeof(heard->bytes));
	heard->head = *head;
	memcpy(heard->bytes, bytes, head->length);
	heard->n++;
	return 0;
}

/* A connection to port 443 of the address of a name, which the server has accepted. */
static struct host_pair named_pair(struct names *n, const char *name)
{
	struct host_pair pair = {.address = HOST_GOOD, .port = 443};

	resolve(n, name, HOST_GOOD, 300);
	pair.server = host_server(n->host, SOCK_STREAM, HOST_GOOD, &pair.port);
	host_mark(n->host);
	pair.client = host_socket(n->host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(host_connect(pair.client, HOST_GOOD, 443), 0);
	pair.accepted = accept(pair.server, NULL, NULL);
	assert_true(pair.accepted >= 0);
	return pair;
}

static struct host_pair held_pair(struct names *n)
{
	return named_pair(n, "www.example.org");
}

static struct me_settle settle_as(struct names *n, const struct host_flow *flow, uint8_t verdict,
				  uint8_t reason)
{
	struct me_settle settle = {.key = flow->key,
				   .id = flow->flow.id,
				   .what = ME_SETTLE_VERDICT,
				   .now_ns = me_clock_now(CLOCK_MONOTONIC),
				   .service = flow->flow.service,
				   .generation = flow->flow.generation,
				   .state = {.verdict = verdict, .reason = reason}};
	struct me_learned learned;

	assert_true(me_kernel_learned(n->host->kernel, &flow->key.peer, &learned));
	if (verdict == ME_ALLOWED)
		settle.endpoint = learned.slot[0].endpoint;
	return settle;
}

static void a_flow_of_a_name_is_held_until_its_client_speaks(void **state)
{
	struct names n = begin("names-held");
	struct host_pair pair = held_pair(&n);
	struct host_flow flow = host_flow(n.host, HOST_GOOD, 443);
	struct heard heard = {};
	struct me_settle settle;

	assert_int_equal(flow.flow.state.verdict, ME_ALLOWED);
	assert_int_equal(flow.flow.state.flags, ME_STATE_HELD);
	assert_int_equal(flow.flow.endpoint, 0);
	HOST_EXPECT(n.host, OPENED(ME_REASON_NONE) = 1);
	assert_int_equal(write(pair.client, "hello", 5), 5);
	host_read(pair.accepted, 5);
	host_write(pair.accepted, 100);
	host_read(pair.client, 100);
	assert_true(me_kernel_ring(n.host->kernel, no_record, hear, &heard) >= 0);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.head.length, 5);
	assert_memory_equal(heard.bytes, "hello", 5);
	assert_memory_equal(&heard.head.key, &flow.key, sizeof(flow.key));

	settle = settle_as(&n, &flow, ME_ALLOWED, ME_REASON_NONE);
	assert_int_equal(me_kernel_settle(n.host->kernel, &settle), 0);
	assert_int_equal(me_kernel_settle(n.host->kernel, &settle), -EALREADY);
	HOST_EXPECT(n.host, OPENED(ME_REASON_NONE) = 1, VIA(ME_ALLOWED) = 1);
	/* Final: nobody listens any more. */
	assert_int_equal(write(pair.client, "again", 5), 5);
	host_read(pair.accepted, 5);
	assert_true(me_kernel_ring(n.host->kernel, no_record, hear, &heard) >= 0);
	assert_int_equal(heard.n, 1);
	host_pair_close(&pair);
	host_flow_closed(n.host, HOST_GOOD, 443);
	{
		struct me_endpoint_counts counts = host_endpoint(n.host, "web", "www.example.org");

		assert_int_equal(counts.attempts, 1);
		assert_int_equal(counts.outcome[ME_OUTCOME_ESTABLISHED], 1);
		assert_int_equal(counts.bytes_sent, 10);
		assert_int_equal(counts.bytes_received, 100);
	}
	end(&n);
}

/* A flow to the proxy is final at once, also by name; it is heard, and nobody takes that for its own. */
static void a_proxy_is_asked(void **state)
{
	struct names n = begin("names-proxy");
	struct host_pair pair = named_pair(&n, "proxy.example");
	struct host_flow flow = host_flow(n.host, HOST_GOOD, 443);
	struct heard heard = {};

	assert_int_equal(flow.flow.state.evidence, ME_EVIDENCE_LEARNED);
	assert_true(me_state_is_final(flow.flow.state));
	assert_true(flow.flow.flags & ME_FLOW_PROXY);
	HOST_EXPECT(n.host, FINAL(ME_ALLOWED) = 1);
	assert_int_equal(write(pair.client, "hello", 5), 5);
	host_read(pair.accepted, 5);
	assert_true(me_kernel_ring(n.host->kernel, no_record, hear, &heard) >= 0);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.head.flags, ME_PAYLOAD_SENT | ME_PAYLOAD_PROXY);
	assert_memory_equal(heard.bytes, "hello", 5);
	host_pair_close(&pair);
	end(&n);
}

/* The finding goes with the verdict: told once, and not to who comes second. */
static void who_goes_past_the_proxy_is_found_once(void **state)
{
	struct names n = begin("names-bypassed");
	struct host_pair pair = held_pair(&n);
	struct host_flow flow = host_flow(n.host, HOST_GOOD, 443);
	struct me_settle settle = settle_as(&n, &flow, ME_ALLOWED, ME_REASON_NONE);

	settle.flags = ME_SETTLE_BYPASSED;
	assert_int_equal(me_kernel_settle(n.host->kernel, &settle), 0);
	assert_int_equal(me_kernel_settle(n.host->kernel, &settle), -EALREADY);
	HOST_EXPECT(n.host, OPENED(ME_REASON_NONE) = 1, VIA(ME_ALLOWED) = 1);
	assert_int_equal(host_told(n.host, ME_RECORD_FINDING), 1);
	assert_int_equal(host_told(n.host, ME_RECORD_RESOLVED), 0);
	flow = host_flow(n.host, HOST_GOOD, 443);
	assert_int_equal(flow.flow.flags & (ME_FLOW_PROXY | ME_FLOW_RETIRED | ME_FLOW_FTP), 0);
	host_pair_close(&pair);
	end(&n);
}

static void a_stranger_on_a_learned_address_is_counted_once(void **state)
{
	struct names n = begin("names-mismatch");
	struct host_pair pair = held_pair(&n);
	struct host_flow flow = host_flow(n.host, HOST_GOOD, 443);
	struct me_settle settle = settle_as(&n, &flow, ME_VIOLATION, ME_REASON_NAME_MISMATCH);

	assert_int_equal(me_kernel_settle(n.host->kernel, &settle), 0);
	HOST_EXPECT(n.host, OPENED(ME_REASON_NONE) = 1,
		    VIA(ME_VIOLATION + ME_REASON_NAME_MISMATCH) = 1,
		    GAINED(ME_REASON_NAME_MISMATCH) = 1);
	assert_int_equal(host_told(n.host, ME_RECORD_RESOLVED), 1);
	host_pair_close(&pair);
	host_flow_closed(n.host, HOST_GOOD, 443);
	assert_int_equal(host_endpoint(n.host, "web", "www.example.org").attempts, 0);
	end(&n);
}

/* --- Over TCP ----------------------------------------------------------------------------------- */

static int hear_stream(const struct me_payload *head, const uint8_t *bytes, void *userdata)
{
	uint32_t *lengths = userdata;
	uint32_t received = !(head->flags & ME_PAYLOAD_SENT);

	if (head->kind != ME_RECORD_STREAM)
		return 0;
	/* The first segment that comes is the one that the socket waits for. */
	if (received && !lengths[received])
		assert_int_equal(head->ack, head->seq);
	lengths[received] += head->length;
	return 0;
}

static void dns_over_tcp_is_handed_on_both_ways(void **state)
{
	struct names n = begin("names-tcp");
	struct host_pair pair = {.address = RESOLVER, .port = 53};
	uint32_t lengths[2] = {};

	pair.server = host_server(n.host, SOCK_STREAM, RESOLVER, &pair.port);
	pair.client = host_socket(n.host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(host_connect(pair.client, RESOLVER, 53), 0);
	pair.accepted = accept(pair.server, NULL, NULL);
	host_write(pair.client, 40);
	host_read(pair.accepted, 40);
	host_write(pair.accepted, 3000);
	host_read(pair.client, 3000);
	assert_true(me_kernel_ring(n.host->kernel, no_record, hear_stream, lengths) >= 0);
	assert_int_equal(lengths[0], 40);
	assert_int_equal(lengths[1], 3000);
	host_pair_close(&pair);
	end(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connect_after_the_answer_is_allowed),
		cmocka_unit_test(without_an_answer_it_is_pending),
		cmocka_unit_test(both_families_and_chains_are_learned),
		cmocka_unit_test(a_dangling_chain_goes_on_in_the_next_answer),
		cmocka_unit_test(private_space_is_for_private_names),
		cmocka_unit_test(an_answer_counts_once),
		cmocka_unit_test(two_queries_of_one_send_are_two),
		cmocka_unit_test(a_failure_teaches_nothing),
		cmocka_unit_test(a_failure_is_counted_for_its_endpoints),
		cmocka_unit_test(four_octets_before_a_listed_name_are_learned),
		cmocka_unit_test(a_short_life_has_a_floor),
		cmocka_unit_test(what_is_stale_is_forgotten),
		cmocka_unit_test(bounds_are_counted),
		cmocka_unit_test(a_minute_has_a_bound),
		cmocka_unit_test(a_flow_of_a_name_is_held_until_its_client_speaks),
		cmocka_unit_test(a_proxy_is_asked),
		cmocka_unit_test(who_goes_past_the_proxy_is_found_once),
		cmocka_unit_test(a_stranger_on_a_learned_address_is_counted_once),
		cmocka_unit_test(dns_over_tcp_is_handed_on_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
