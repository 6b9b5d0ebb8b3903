/* SPDX-License-Identifier: GPL-2.0-only */
/* Remoting ports at the host: who listens on one is told, and who reaches it from another machine. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/socket.h>
#include "base/inet.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define REMOTING 9093
#define SYNC 9095  /* remoting as well, for peers */
#define ADMIN 2222 /* for peers, and no remoting port */
#define PEER HOST_OLD

static const char policy[] = "version: 1\n"
			     "peers: [" PEER "]\n"
			     "remoting: {ports: [tcp/9093, tcp/9095, udp/9093]}\n"
			     "allow:\n"
			     "  - {service: sync, name: sync, to: peers, ports: tcp/9095}\n"
			     "  - {service: admin, name: admin, to: peers, ports: tcp/2222}\n";

/* The one record since the mark. */
static const struct me_record *told(struct host *host, enum me_finding what)
{
	assert_int_equal(host_told(host, ME_RECORD_FINDING), 1);
	assert_int_equal(host->n_records, 1);
	assert_int_equal(host->records[0].what, what);
	assert_int_equal(host->records[0].key.vantage, ME_HOST);
	assert_int_equal(host->records[0].key.proto, IPPROTO_TCP);
	assert_int_equal(host->records[0].flow.direction, ME_DIRECTION_IN);
	return &host->records[0];
}

static void told_nothing(struct host *host)
{
	host_told(host, ME_RECORD_FINDING);
	assert_int_equal(host->n_records, 0);
}

static void assert_address(const struct me_addr *address, const char *expected)
{
	char text[ME_INET_LEN];

	me_inet_format(address->byte, text);
	assert_string_equal(text, expected);
}

/* A watched socket that is bound. */
static int bound(struct host *host, const char *address, uint16_t port, int type, int protocol)
{
	int fd = host_socket(host, strchr(address, ':') ? AF_INET6 : AF_INET, type, protocol),
	    on = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(world_bind(fd, address, port), port);
	return fd;
}

static int listening(struct host *host, const char *address, uint16_t port)
{
	int fd = bound(host, address, port, SOCK_STREAM, 0);

	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

/* A connection of somebody who is not watched. */
static void visit(struct host *host, const char *from, const char *to, uint16_t port)
{
	int fd;

	host_leave(host);
	fd = host_socket(host, strchr(from, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	host_enter(host);
	world_bind(fd, from, 0);
	assert_int_equal(host_connect(fd, to, port), 0);
	close(fd);
}

static void a_listener_is_told_with_its_program(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", HOST_GOOD,  "0.0.0.0",
						"::1",       HOST_GOOD6, "::"};
	char exe[ME_EXE_LEN + 1] = "";
	struct host *host = *state;
	ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		int fd = listening(host, addresses[i], REMOTING);
		const struct me_record *record = told(host, ME_FINDING_FOREIGN_LISTENER);
		const struct me_origin *origin = &record->flow.origin;
		socklen_t size = sizeof(uint64_t);
		struct me_proc proc;
		uint64_t cookie;

		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
		assert_true(record->key.opener.cookie == cookie);
		assert_int_equal(record->key.port, 0);
		assert_true(!record->key.peer.half[0] && !record->key.peer.half[1]);
		assert_int_equal(record->flow.sport, REMOTING);
		assert_address(&record->flow.src, addresses[i]);
		assert_int_equal(origin->proc.tgid, getpid());
		assert_int_equal(origin->uid, getuid());
		assert_true(origin->cgroup == host->group_id);
		assert_true(origin->netns == host->world.cookie);
		assert_true(me_kernel_proc(host->kernel, &origin->proc, &proc));
		assert_int_equal(proc.len, length);
		assert_memory_equal(proc.exe + ME_EXE_LEN - proc.len, exe, length);
		assert_int_equal(listen(fd, 32), 0); /* once more is nothing new */
		close(fd);
		told(host, ME_FINDING_FOREIGN_LISTENER);
		HOST_EXPECT(host, );
		host_mark(host);
	}
}

static void over_mptcp(void **state)
{
	struct host *host = *state;
	int fd = bound(host, HOST_GOOD, REMOTING, SOCK_STREAM, IPPROTO_MPTCP);

	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(told(host, ME_FINDING_FOREIGN_LISTENER)->flow.origin.proc.tgid, getpid());
	close(fd);
}

static void what_is_no_listener_of_ours(void **state)
{
	struct host *host = *state;
	uint16_t port = REMOTING;

	close(bound(host, HOST_GOOD, REMOTING, SOCK_STREAM, 0)); /* does not listen */
	close(bound(host, HOST_GOOD, REMOTING, SOCK_DGRAM, 0));
	close(listening(host, HOST_GOOD, REMOTING + 1));
	close(listening(host, HOST_GOOD, ADMIN));
	close(host_server(host, SOCK_STREAM, HOST_GOOD, &port)); /* not watched */
	told_nothing(host);
	close(listening(host, HOST_GOOD, SYNC));
	told(host, ME_FINDING_FOREIGN_LISTENER);
}

/* The ports are those of the policy in force. */
static void after_a_reload(void **state)
{
	struct host *host = *state;

	host_policy(host, "version: 1\nremoting: {ports: tcp/9090}\n");
	close(listening(host, HOST_GOOD, REMOTING));
	told_nothing(host);
	close(listening(host, HOST_GOOD, 9090));
	told(host, ME_FINDING_FOREIGN_LISTENER);
	host_policy(host, policy);
}

static void visitors(void **state)
{
	static const struct {
		const char *from, *to;
		uint16_t port;
		bool found;
	} cases[] = {
		{HOST_BAD, HOST_GOOD, REMOTING, true},   {PEER, HOST_GOOD, REMOTING, true},
		{HOST_BAD, HOST_GOOD, SYNC, true},       {PEER, HOST_GOOD, SYNC, false},
		{HOST_BAD, HOST_GOOD, ADMIN, false},     {HOST_BAD, HOST_GOOD, REMOTING + 1, false},
		{HOST_GOOD, HOST_GOOD, REMOTING, false}, {"127.0.0.1", HOST_GOOD, REMOTING, false},
		{HOST_BAD6, HOST_GOOD6, REMOTING, true}, {HOST_GOOD6, HOST_GOOD6, REMOTING, false},
		{"::1", "::1", REMOTING, false},
	};
	struct host *host = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int server = listening(host, cases[i].to, cases[i].port);
		const struct me_record *record;

		host_mark(host);
		visit(host, cases[i].from, cases[i].to, cases[i].port);
		HOST_EXPECT(host, );
		if (cases[i].found) {
			record = told(host, ME_FINDING_INBOUND_REMOTING);
			assert_address(&record->key.peer, cases[i].from);
			assert_true(record->key.port >= 1024);
			assert_address(&record->flow.src, cases[i].to);
			assert_int_equal(record->flow.sport, cases[i].port);
			assert_int_equal(record->flow.origin.proc.tgid, 0);
			assert_true(record->flow.origin.cgroup == host->group_id);
			assert_true(record->flow.origin.netns == host->world.cookie);
		} else {
			told_nothing(host);
		}
		close(server);
	}
}

/* A listener on every address takes IPv4 as well: the visitor is the same. */
static void a_mapped_visitor(void **state)
{
	struct host *host = *state;
	int server = listening(host, "::", REMOTING);

	host_mark(host);
	visit(host, HOST_BAD, HOST_GOOD, REMOTING);
	assert_address(&told(host, ME_FINDING_INBOUND_REMOTING)->key.peer, HOST_BAD);
	close(server);
}

static void an_own_address_is_no_visitor(void **state)
{
	struct host *host = *state;
	int server = listening(host, HOST_GOOD, REMOTING);
	struct me_own_key own = {.netns = host->world.cookie};

	assert_int_equal(me_inet_parse(HOST_BAD, own.address.byte), 0);
	assert_int_equal(me_kernel_own(host->kernel, &own, true), 0);
	host_mark(host);
	visit(host, HOST_BAD, HOST_GOOD, REMOTING);
	told_nothing(host);
	assert_int_equal(me_kernel_own(host->kernel, &own, false), 0);
	visit(host, HOST_BAD, HOST_GOOD, REMOTING);
	told(host, ME_FINDING_INBOUND_REMOTING);
	close(server);
}

static int begin(void **state)
{
	struct host *host = host_begin("remoting", "", 256);

	host_policy(host, policy);
	*state = host;
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
		TEST(a_listener_is_told_with_its_program),
		TEST(over_mptcp),
		TEST(what_is_no_listener_of_ours),
		TEST(after_a_reload),
		TEST(visitors),
		TEST(a_mapped_visitor),
		TEST(an_own_address_is_no_visitor),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
