/* SPDX-License-Identifier: GPL-2.0-only */
/* Violations at the host that are denied, or would be; what is never denied; and when that is over. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "mewatch/mode.h"

#define FOREVER UINT64_MAX
#define PLAIN 9 /* a port that only rules without a mode name */
#define MONITORED 8000
#define SHADOWED 8100
#define ENFORCED 8200
#define REASON ME_REASON_UNLISTED_DESTINATION
#define DENIED(reason) .cell[ME_CELL_DENIED][reason]
#define WOULD(reason) .cell[ME_CELL_SHADOWED][reason]
#define REFUSED(shadow, kind) .total[ME_TOTAL_REFUSED(shadow, ME_BLIND_##kind)]
#define ROOM 64

static const char policy[] =
	"version: 1\n"
	"resolvers: [192.0.2.53]\n"
	"mode: %s\n"
	"refuse_sockets: [raw, ping]\n"
	"allow:\n"
	"  - {service: good, name: hosts, to: [" HOST_GOOD ", \"" HOST_GOOD6 "\"],\n"
	"     ports: [tcp/*, udp/*, udplite/*, icmp, icmp6]}\n"
	"  - {service: named, name: www, to: [www.example.org], ports: [tcp/7000-7999, udp/7000-7999]}\n"
	"  - {service: soft, to: 198.51.100.1, ports: [tcp/8000, udp/8000], mode: monitor}\n"
	"  - {service: half, to: 198.51.100.1, ports: [tcp/8100, udp/8100], mode: shadow}\n"
	"  - {service: hard, to: 198.51.100.1, ports: [tcp/8200, udp/8200], mode: enforce}\n"
	"  - {service: late, to: 198.51.100.2, ports: [tcp/8200, tcp/8201], mode: monitor}\n";

static void use_policy(struct host *host, const char *mode)
{
	char text[sizeof(policy) + 16];

	snprintf(text, sizeof(text), policy, mode);
	host_policy(host, text);
}

/* `said` is 1 + enum me_mode, or 0. */
static void say_until(struct host *host, uint32_t said, uint64_t until_ns, uint64_t strict_ns)
{
	const struct me_kernel_mode mode = {.until_ns = until_ns,
					    .strict_ns = strict_ns,
					    .said = said,
					    .most = ME_MODE_ENFORCE};

	me_kernel_mode(host->kernel, &mode);
	me_kernel_lease(host->kernel, FOREVER);
}

static void say(struct host *host, enum me_mode mode)
{
	say_until(host, 1 + mode, FOREVER, FOREVER);
}

static uint64_t now(void)
{
	return me_clock_now(CLOCK_MONOTONIC);
}

static int connect_to(struct host *host, const char *address, uint16_t port)
{
	int fd = host_socket(host, strchr(address, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	int err = host_connect(fd, address, port);

	close(fd);
	return err;
}

/* Nobody listens there, so what is not denied is refused. */
static bool is_denied(struct host *host, const char *address, uint16_t port)
{
	int err = connect_to(host, address, port);

	assert_true(err == -EPERM || err == -ECONNREFUSED);
	return err == -EPERM;
}

static bool has_data(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	return poll(&wait, 1, 0) > 0;
}

/* Something comes, sooner or later. */
static void assert_data(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&wait, 1, 20000), 1);
}

/* --- Whose mode holds ----------------------------------------------------------------------------- */

static void modes_of_the_policy(void **state)
{
	struct host *host = *state;

	say_until(host, 0, 0, FOREVER);
	assert_false(is_denied(host, HOST_BAD, PLAIN));
	assert_false(is_denied(host, HOST_BAD, MONITORED));
	assert_false(is_denied(host, HOST_BAD, SHADOWED));
	assert_true(is_denied(host, HOST_BAD, ENFORCED));
	assert_true(is_denied(host, HOST_BAD6, ENFORCED));
	assert_false(is_denied(host, HOST_BAD, ENFORCED + 1)); /* of the rule behind it */
	assert_false(is_denied(host, HOST_GOOD, ENFORCED));
	HOST_EXPECT(host, FINAL(STRANGER) = 6, FINAL(ME_ALLOWED) = 1, DENIED(REASON) = 2,
		    WOULD(REASON) = 1);
	/* Under the service that violations on that port are counted for. */
	assert_int_equal(host_cell(host, "good", ME_CELL_DENIED, REASON), 2);
	assert_int_equal(host_cell(host, "good", ME_CELL_SHADOWED, REASON), 1);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 6);
}

static void what_was_said_is_for_those_without_their_own(void **state)
{
	struct host *host = *state;

	say(host, ME_MODE_ENFORCE);
	assert_true(is_denied(host, HOST_BAD, PLAIN));
	assert_false(is_denied(host, HOST_BAD, MONITORED));
	assert_false(is_denied(host, HOST_BAD, SHADOWED));
	assert_true(is_denied(host, HOST_BAD, ENFORCED));
	say(host, ME_MODE_SHADOW);
	assert_false(is_denied(host, HOST_BAD, PLAIN));
	assert_true(is_denied(host, HOST_BAD, ENFORCED));
	HOST_EXPECT(host, FINAL(STRANGER) = 6, DENIED(REASON) = 3, WOULD(REASON) = 2);
}

static void monitor_is_for_all(void **state)
{
	struct host *host = *state;

	use_policy(host, "enforce");
	say_until(host, 0, 0, FOREVER);
	assert_true(is_denied(host, HOST_BAD, PLAIN));
	say(host, ME_MODE_MONITOR);
	assert_false(is_denied(host, HOST_BAD, PLAIN));
	assert_false(is_denied(host, HOST_BAD, ENFORCED));
	HOST_EXPECT(host, FINAL(STRANGER) = 3, DENIED(REASON) = 1);
	use_policy(host, "monitor");
}

static void a_time_is_over_by_itself(void **state)
{
	struct host *host = *state;

	say_until(host, 1 + ME_MODE_ENFORCE, now() + 300 * ME_NS_PER_MS, FOREVER);
	assert_true(is_denied(host, HOST_BAD, PLAIN));
	for (uint64_t end = now() + 20 * ME_NS_PER_S; is_denied(host, HOST_BAD, PLAIN);)
		assert_true(now() < end);
	assert_true(is_denied(host, HOST_BAD, ENFORCED)); /* by the policy, which has no time */
	me_kernel_lease(host->kernel, now());
	assert_false(is_denied(host, HOST_BAD, ENFORCED));
}

/* --- What is denied ------------------------------------------------------------------------------- */

/* It is an attempt that this side gave up; the socket may try again, and elsewhere. */
static void a_connection(void **state)
{
	struct host *host = *state;
	uint16_t port = 0;
	int server = host_server(host, SOCK_STREAM, HOST_BAD, &port);
	int fd = host_socket(host, AF_INET, SOCK_STREAM, 0);
	struct host_flow f;

	say(host, ME_MODE_ENFORCE);
	assert_int_equal(host_connect(fd, HOST_BAD, port), -EPERM);
	assert_false(has_data(server));
	f = host_flow(host, HOST_BAD, port);
	assert_int_equal(f.flow.outcome, ME_OUTCOME_ABORTED);
	assert_int_equal(f.flow.flags & (ME_FLOW_CLOSED | ME_FLOW_SENT), ME_FLOW_CLOSED);
	assert_int_equal(me_state_action(f.flow.state), ME_ACTION_DENIED);
	assert_int_equal(host_told(host, ME_RECORD_VIOLATION), 1);
	assert_int_equal(me_state_action(host->records[0].flow.state), ME_ACTION_DENIED);
	assert_int_equal(host_connect(fd, HOST_BAD, port), -EPERM);
	HOST_EXPECT(host, FINAL(STRANGER) = 2, DENIED(REASON) = 2);
	say(host, ME_MODE_MONITOR);
	assert_int_equal(host_connect(fd, HOST_BAD, port), 0);
	assert_data(server);
	HOST_EXPECT(host, FINAL(STRANGER) = 3, DENIED(REASON) = 2);
	close(fd);
	close(server);
}

/* One attempt, however often it is tried, and one flow that goes on when the denying is over. */
static void datagrams(void **state, bool connected, bool v6, int type, int protocol)
{
	struct host *host = *state;
	const char *bad = v6 ? HOST_BAD6 : HOST_BAD;
	uint16_t port = 0;
	int server = host_server(host, type, bad, &port);
	int fd = host_socket(host, v6 ? AF_INET6 : AF_INET, type, protocol);
	struct sockaddr_storage to;
	socklen_t size = sizeof(to);

	assert_int_equal(getsockname(server, (struct sockaddr *)&to, &size), 0);
	say(host, ME_MODE_ENFORCE);
	if (connected)
		assert_int_equal(connect(fd, (struct sockaddr *)&to, size), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(connected ? send(fd, "x", 1, 0)
					   : sendto(fd, "x", 1, 0, (struct sockaddr *)&to, size),
				 -1);
		assert_int_equal(errno, EPERM);
	}
	assert_false(has_data(server));
	HOST_EXPECT(host, FINAL(STRANGER) = 1, DENIED(REASON) = 1, TOTAL(UDP_PROBES) = connected);
	assert_int_equal(host_flow(host, bad, port).flow.packets_sent, 0);
	say(host, ME_MODE_MONITOR);
	assert_int_equal(connected ? send(fd, "x", 1, 0)
				   : sendto(fd, "x", 1, 0, (struct sockaddr *)&to, size),
			 1);
	assert_data(server);
	say(host, ME_MODE_ENFORCE);
	assert_int_equal(connected ? send(fd, "x", 1, 0)
				   : sendto(fd, "x", 1, 0, (struct sockaddr *)&to, size),
			 -1);
	HOST_EXPECT(host, FINAL(STRANGER) = 1, DENIED(REASON) = 1, TOTAL(UDP_PROBES) = connected);
	assert_int_equal(host_flow(host, bad, port).flow.packets_sent, 1);
	close(fd);
	assert_int_equal(host_flow_closed(host, bad, port).flow.outcome, ME_OUTCOME_UNANSWERED);
	close(server);
}

static void datagrams_by_address(void **state)
{
	datagrams(state, false, false, SOCK_DGRAM, 0);
}

static void datagrams_of_a_connected_socket(void **state)
{
	datagrams(state, true, false, SOCK_DGRAM, 0);
}

static void datagrams_over_ipv6(void **state)
{
	datagrams(state, false, true, SOCK_DGRAM, 0);
	host_mark(*state);
	datagrams(state, true, true, SOCK_DGRAM, 0);
}

/* A UDP-Lite socket; negative on a kernel that has none any more. */
static int lite_socket(struct host *host)
{
	int fd = world_try_socket(host->world.ns, AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);

	assert_true(fd >= 0 || fd == -EPROTONOSUPPORT);
	return fd;
}

/* What no address hook sees: the packet is dropped on its way out, and its sender hears of it. */
static void packets_of_blind_sockets(void **state)
{
	struct icmphdr echo = {.type = ICMP_ECHO, .checksum = htons(0xf7ff)};
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct host *host = *state;
	int lite = lite_socket(host), raw, ping;

	say_until(host, 0, 0, FOREVER); /* making them is not refused */
	raw = host_socket(host, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	world_run(host->world.ns, "sysctl -qw net.ipv4.ping_group_range=0\t0");
	ping = host_socket(host, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	say(host, ME_MODE_ENFORCE);
	assert_int_equal(inet_pton(AF_INET, HOST_BAD, &to.sin_addr), 1);
	if (lite >= 0)
		assert_int_equal(host_try_send(lite, HOST_BAD, PLAIN), -EPERM);
	assert_int_equal(sendto(raw, &echo, sizeof(echo), 0, (void *)&to, sizeof(to)), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(sendto(ping, &echo, sizeof(echo), 0, (void *)&to, sizeof(to)), -1);
	assert_int_equal(errno, EPERM);
	HOST_EXPECT(host, FINAL(STRANGER) = 2 + (lite >= 0), DENIED(REASON) = 2 + (lite >= 0),
		    BLIND(UDPLITE) = lite >= 0, BLIND(RAW) = 1, BLIND(PING) = 1);
	if (lite >= 0)
		close(lite);
	close(raw);
	close(ping);
}

static void sockets_that_the_policy_refuses(void **state)
{
	struct host *host = *state;
	int lite;

	say(host, ME_MODE_SHADOW);
	close(host_socket(host, AF_INET, SOCK_RAW, IPPROTO_ICMP));
	say(host, ME_MODE_ENFORCE);
	assert_int_equal(world_try_socket(host->world.ns, AF_INET, SOCK_RAW, IPPROTO_ICMP), -EPERM);
	assert_int_equal(world_try_socket(host->world.ns, AF_INET, SOCK_DGRAM, IPPROTO_ICMP),
			 -EPERM);
	lite = lite_socket(host);
	if (lite >= 0)
		close(lite);
	say(host, ME_MODE_MONITOR);
	close(host_socket(host, AF_INET, SOCK_RAW, IPPROTO_ICMP));
	HOST_EXPECT(host, BLIND(RAW) = 3, BLIND(PING) = 1, BLIND(UDPLITE) = lite >= 0,
		    REFUSED(1, RAW) = 1, REFUSED(0, RAW) = 1, REFUSED(0, PING) = 1);
}

/* --- What is not ---------------------------------------------------------------------------------- */

static void who_was_there_before(void **state)
{
	struct host *host = *state;
	struct host_pair p;
	uint16_t port = 0;
	int server = host_server(host, SOCK_DGRAM, HOST_BAD, &port);
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);

	say(host, ME_MODE_MONITOR);
	p = host_pair_open(host, HOST_BAD);
	assert_int_equal(host_try_send(fd, HOST_BAD, port), 0);
	say(host, ME_MODE_ENFORCE);
	host_write(p.client, 100);
	host_read(p.accepted, 100);
	assert_int_equal(host_try_send(fd, HOST_BAD, port), 0);
	HOST_EXPECT(host, FINAL(STRANGER) = 2);
	close(fd);
	close(server);
	host_pair_close(&p);
}

static void who_was_called(void **state)
{
	struct host *host = *state;
	int server = host_socket(host, AF_INET, SOCK_STREAM, 0), client, accepted;
	uint16_t port = world_bind(server, HOST_GOOD, 0);

	assert_int_equal(listen(server, 1), 0);
	say(host, ME_MODE_ENFORCE);
	host_leave(host);
	client = host_socket(host, AF_INET, SOCK_STREAM, 0);
	world_bind(client, HOST_BAD, 0);
	assert_int_equal(host_connect(client, HOST_GOOD, port), 0);
	host_enter(host);
	accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	host_write(accepted, 1000);
	host_read(client, 1000);
	HOST_EXPECT(host, .total = {});
	close(accepted);
	close(client);
	close(server);
}

static void loopback_and_dhcp(void **state)
{
	struct host *host = *state;
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	int other = host_socket(host, AF_INET, SOCK_DGRAM, 0);

	say(host, ME_MODE_ENFORCE);
	assert_false(is_denied(host, "127.0.0.1", PLAIN));
	world_bind(fd, "0.0.0.0", 68);
	assert_int_equal(host_try_send(fd, HOST_BAD, 67), 0);
	assert_int_equal(host_try_send(other, HOST_BAD, 67), -EPERM);
	HOST_EXPECT(host, FINAL(ME_LOCAL) = 1, FINAL(STRANGER) = 2, DENIED(REASON) = 1);
	close(fd);
	close(other);
}

/* --- What waits for a name ------------------------------------------------------------------------ */

static struct me_settle settle_of(const struct host_flow *f)
{
	return (struct me_settle){
		.key = f->key,
		.id = f->flow.id,
		.now_ns = now(),
		.what = ME_SETTLE_VERDICT,
		.state = {.verdict = ME_VIOLATION, .reason = ME_REASON_NAME_MISMATCH},
		.service = f->flow.service,
	};
}

static void pending_is_let_through(void **state)
{
	struct host *host = *state;

	say(host, ME_MODE_ENFORCE);
	assert_false(is_denied(host, HOST_BAD, HOST_NAMED));
	HOST_EXPECT(host, OPENED(REASON) = 1);
}

static void unless_names_are_strict(void **state)
{
	struct host *host = *state;
	struct me_settle settle;
	struct host_flow f;

	say_until(host, 1 + ME_MODE_ENFORCE, FOREVER, now() + 3600 * ME_NS_PER_S);
	assert_false(is_denied(host, HOST_BAD, HOST_NAMED)); /* too early to know */
	host_mark(host);
	say_until(host, 1 + ME_MODE_ENFORCE, FOREVER, now());
	assert_true(is_denied(host, HOST_BAD, HOST_NAMED));
	HOST_EXPECT(host, OPENED(REASON) = 1, DENIED(REASON) = 1);
	assert_int_equal(host_told(host, ME_RECORD_PENDING), 1);
	assert_int_equal(me_state_action(host->records[0].flow.state), ME_ACTION_DENIED);
	f = host_flow(host, HOST_BAD, HOST_NAMED);
	settle = settle_of(&f);
	settle.state.reason = REASON;
	assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
	HOST_EXPECT(host, OPENED(REASON) = 1, VIA(STRANGER) = 1, DENIED(REASON) = 1);
	say_until(host, 1 + ME_MODE_SHADOW, FOREVER, now());
	assert_false(is_denied(host, HOST_BAD, HOST_NAMED + 1));
	HOST_EXPECT(host, OPENED(REASON) = 2, VIA(STRANGER) = 1, DENIED(REASON) = 1,
		    WOULD(REASON) = 1);
}

/* Nobody knows yet whether the address is an own one: that is no want of a name. */
static void a_namespace_that_is_not_known_yet(void **state)
{
	struct host *host = *state;

	say_until(host, 1 + ME_MODE_ENFORCE, FOREVER, now());
	assert_int_equal(me_kernel_netns(host->kernel, host->world.cookie, false), 0);
	assert_false(is_denied(host, HOST_BAD, HOST_NAMED));
	assert_false(is_denied(host, HOST_BAD, PLAIN));
	assert_int_equal(me_kernel_netns(host->kernel, host->world.cookie, true), 0);
	assert_int_equal(host_counts(host).cell[ME_CELL_DENIED][REASON], 0);
	assert_int_equal(host_counts(host).cell[ME_CELL_OPENED][REASON], 2);
}

/* A connection to a stranger under a rule with a name. */
static struct host_pair open_named(struct host *host)
{
	struct host_pair p = {.address = HOST_BAD, .port = HOST_NAMED + 500};

	p.server = host_server(host, SOCK_STREAM, HOST_BAD, &p.port);
	p.client = host_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(host_connect(p.client, HOST_BAD, p.port), 0);
	p.accepted = accept4(p.server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p.accepted >= 0);
	host_write(p.client, 10);
	host_read(p.accepted, 10);
	return p;
}

static void a_mismatch_is_cut_under_way(void **state)
{
	struct host *host = *state;
	struct host_pair good = {}, p;
	struct me_settle settle;
	struct host_flow f;

	say(host, ME_MODE_ENFORCE);
	good = host_pair_open(host, HOST_GOOD);
	p = open_named(host);
	f = host_flow(host, HOST_BAD, p.port);
	settle = settle_of(&f);
	assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
	host_write(p.client, 10);
	assert_false(has_data(p.accepted)); /* over loopback it would be there by now */
	host_write(good.client, 10);
	host_read(good.accepted, 10);
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = 1, OPENED(REASON) = 1, SHED(REASON) = 1,
		    GAINED(ME_REASON_NAME_MISMATCH) = 1,
		    VIA(ME_VIOLATION + ME_REASON_NAME_MISMATCH) = 1,
		    DENIED(ME_REASON_NAME_MISMATCH) = 1);
	assert_int_equal(host_told(host, ME_RECORD_RESOLVED), 1);
	assert_int_equal(me_state_action(host->records[host->n_records - 1].flow.state),
			 ME_ACTION_DENIED);
	say(host, ME_MODE_MONITOR); /* what is sent once more arrives */
	assert_data(p.accepted);
	host_read(p.accepted, 10);
	host_pair_close(&p);
	host_pair_close(&good);
	me_kernel_cut_begin(host->kernel);
	me_kernel_uncut(host->kernel);
}

/* The weaker of the modes of then and now. */
static void a_mismatch_of_before(void **state)
{
	struct host *host = *state;
	struct me_settle settle;
	struct host_pair p;
	struct host_flow f;

	static const struct {
		enum me_mode then, now;
		enum me_action action;
	} row[] = {
		{ME_MODE_MONITOR, ME_MODE_ENFORCE, ME_ACTION_NONE},
		{ME_MODE_SHADOW, ME_MODE_ENFORCE, ME_ACTION_WOULD_DENY},
		{ME_MODE_ENFORCE, ME_MODE_SHADOW, ME_ACTION_WOULD_DENY},
		{ME_MODE_ENFORCE, ME_MODE_MONITOR, ME_ACTION_NONE},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(row); i++) {
		host_mark(host);
		say(host, row[i].then);
		p = open_named(host);
		f = host_flow(host, HOST_BAD, p.port);
		settle = settle_of(&f);
		say(host, row[i].now);
		assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
		host_write(p.client, 10);
		host_read(p.accepted, 10);
		HOST_EXPECT(host, OPENED(REASON) = 1, SHED(REASON) = 1,
			    GAINED(ME_REASON_NAME_MISMATCH) = 1,
			    VIA(ME_VIOLATION + ME_REASON_NAME_MISMATCH) = 1,
			    WOULD(ME_REASON_NAME_MISMATCH) = row[i].action == ME_ACTION_WOULD_DENY);
		host_pair_close(&p);
	}
}

/* The cache of its socket knows that it was let through; it is asked no more. */
static void datagrams_are_cut_under_way(void **state)
{
	struct host *host = *state;
	uint16_t port = HOST_NAMED + 501;
	int server = host_server(host, SOCK_DGRAM, HOST_BAD, &port);
	int fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	int other = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	struct me_settle settle;
	struct host_flow f;

	say(host, ME_MODE_ENFORCE);
	assert_int_equal(host_try_send(other, HOST_GOOD, PLAIN), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(host_try_send(fd, HOST_BAD, port), 0);
	host_answer(server, 0);
	host_answer(server, 0);
	f = host_flow(host, HOST_BAD, port);
	settle = settle_of(&f);
	assert_int_equal(me_kernel_settle(host->kernel, &settle), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(host_try_send(fd, HOST_BAD, port), -EPERM);
	assert_false(has_data(server));
	me_kernel_cut_begin(host->kernel);
	me_kernel_uncut(host->kernel); /* its socket has learned it */
	assert_int_equal(host_try_send(fd, HOST_BAD, port), -EPERM);
	assert_int_equal(host_try_send(other, HOST_GOOD, PLAIN), 0);
	assert_int_equal(host_flow(host, HOST_BAD, port).flow.packets_sent, 2);
	close(fd);
	close(other);
	close(server);
}

/* --- Without room --------------------------------------------------------------------------------- */

static void denied_without_room(void **state)
{
	struct host *host = *state;
	int fds[ROOM], fd;

	say(host, ME_MODE_ENFORCE);
	for (int i = 0; i < ROOM; i++) {
		fds[i] = host_socket(host, AF_INET, SOCK_DGRAM, 0);
		assert_int_equal(host_try_send(fds[i], HOST_GOOD, PLAIN), 0);
	}
	fd = host_socket(host, AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(host_try_send(fd, HOST_BAD, PLAIN), -EPERM);
	assert_true(is_denied(host, HOST_BAD, PLAIN));
	HOST_EXPECT(host, FINAL(ME_ALLOWED) = ROOM, FINAL(STRANGER) = 2, DENIED(REASON) = 2,
		    TOTAL(FLOW_OVERFLOW) = 2);
	close(fd);
	for (int i = 0; i < ROOM; i++)
		close(fds[i]);
}

/* --- The frame ------------------------------------------------------------------------------------ */

static int begin(void **state)
{
	struct host *host = host_begin("deny", "", ROOM);

	use_policy(host, "monitor");
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
		TEST(modes_of_the_policy),
		TEST(what_was_said_is_for_those_without_their_own),
		TEST(monitor_is_for_all),
		TEST(a_time_is_over_by_itself),
		TEST(a_connection),
		TEST(datagrams_by_address),
		TEST(datagrams_of_a_connected_socket),
		TEST(datagrams_over_ipv6),
		TEST(packets_of_blind_sockets),
		TEST(sockets_that_the_policy_refuses),
		TEST(who_was_there_before),
		TEST(who_was_called),
		TEST(loopback_and_dhcp),
		TEST(pending_is_let_through),
		TEST(unless_names_are_strict),
		TEST(a_namespace_that_is_not_known_yet),
		TEST(a_mismatch_is_cut_under_way),
		TEST(a_mismatch_of_before),
		TEST(datagrams_are_cut_under_way),
		TEST(denied_without_room),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
