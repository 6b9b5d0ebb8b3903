/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/sockdiag.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "base/table.h"
#include "kernel/cgroup.h"
#include "kernel/listeners.h"
#include "kernel/mounts.h"
#include "world.h"

#define TCP_ESTABLISHED_STATE 1
#define TCP_SYN_SENT_STATE 2
#define TCP_CLOSE_WAIT_STATE 8
#define TCP_LISTEN_STATE 10

static uint64_t cookie_of(int fd)
{
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	return cookie;
}

static uint32_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint32_t)st.st_ino;
}

struct search {
	uint64_t cookie;
	struct me_socket found;
	size_t n, all;
};

static int look(const struct me_socket *s, void *userdata)
{
	struct search *search = userdata;

	search->all++;
	if (s->cookie != search->cookie)
		return 0;
	search->found = *s;
	search->n++;
	return 0;
}

typedef int (*listing_fn)(const struct me_sockdiag *diag, me_socket_fn fn, void *userdata);

/* How often the listing has the socket; *ret_socket is what it says. */
static size_t find(listing_fn list, int ns, uint64_t cookie, struct me_socket *ret_socket)
{
	struct search search = {.cookie = cookie};
	struct me_sockdiag diag;

	assert_int_equal(me_sockdiag_open(ns, &diag), 0);
	assert_int_equal(list(&diag, look, &search), 0);
	close(diag.fd);
	if (search.n)
		*ret_socket = search.found;
	return search.n;
}

static struct me_socket flow_of(int ns, int fd)
{
	struct me_socket s = {0};

	assert_int_equal(find(me_sockdiag_flows, ns, cookie_of(fd), &s), 1);
	return s;
}

/* A connection within a namespace, both ends in this process. */
struct pair {
	int listener, client, server;
	uint16_t port;  /* of the listener */
	uint16_t sport; /* of the client */
};

static struct pair connect_pair(int ns, int family, const char *bind_to, const char *to,
				uint16_t port, uint16_t sport)
{
	struct pair p = {
		.listener = world_socket(ns, family, SOCK_STREAM, 0),
		.client = world_socket(ns, strchr(to, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0),
	};

	p.port = world_bind(p.listener, bind_to, port);
	assert_int_equal(listen(p.listener, 4), 0);
	p.sport = world_bind(p.client, strchr(to, ':') ? "::" : "0.0.0.0", sport);
	world_connect(p.client, to, p.port);
	p.server = accept4(p.listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p.server >= 0);
	return p;
}

static void close_pair(struct pair *p)
{
	close(p->client);
	close(p->server);
	if (p->listener >= 0)
		close(p->listener);
}

static void assert_address(const struct me_addr *address, const char *text)
{
	char shown[ME_INET_LEN];

	me_inet_format(address->byte, shown);
	assert_string_equal(shown, text);
}

static void describes_both_ends(void **state)
{
	struct world w = world_begin();
	struct pair p = connect_pair(w.ns, AF_INET, "127.0.0.1", "127.0.0.1", 0, 0);
	struct me_socket client = flow_of(w.ns, p.client), server = flow_of(w.ns, p.server);

	assert_address(&client.local, "127.0.0.1");
	assert_address(&client.peer, "127.0.0.1");
	assert_int_equal(client.sport, p.sport);
	assert_int_equal(client.dport, p.port);
	assert_int_equal(server.sport, p.port);
	assert_int_equal(server.dport, p.sport);
	assert_int_equal(client.proto, IPPROTO_TCP);
	assert_int_equal(client.state, TCP_ESTABLISHED_STATE);
	assert_true(client.netns == w.cookie && server.netns == w.cookie);
	assert_int_equal(client.inode, inode_of(p.client));
	assert_int_equal(server.inode, inode_of(p.server));
	assert_int_equal(client.uid, getuid());
	assert_int_equal(server.direction, ME_DIRECTION_IN);
	close_pair(&p);
	world_end(&w);
}

static void knows_the_cgroup(void **state)
{
	struct world w = world_begin();
	struct pair p = connect_pair(w.ns, AF_INET, "127.0.0.1", "127.0.0.1", 0, 0);
	struct me_cgroups *cgroups;
	_cleanup_free_ char *mount = NULL;
	_cleanup_fclose_ FILE *file = fopen("/proc/self/cgroup", "re");
	char line[4096], expected[4096] = "";
	const char *why;

	assert_int_equal(me_mounts_cgroup2(&mount, &why), 0);
	assert_int_equal(me_cgroups_new(mount, &cgroups), 0);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "0::%4095s", expected);
	assert_string_equal(me_cgroup_path(cgroups, flow_of(w.ns, p.client).cgroup), expected);
	me_cgroups_free(&cgroups);
	close_pair(&p);
	world_end(&w);
}

static void folds_mapped_addresses(void **state)
{
	struct world w = world_begin();
	struct pair p = connect_pair(w.ns, AF_INET6, "::", "::ffff:127.0.0.1", 0, 0);
	struct me_socket client = flow_of(w.ns, p.client), server = flow_of(w.ns, p.server);

	assert_address(&client.peer, "127.0.0.1");
	assert_true(me_addr_is_v4(&client.peer) && me_addr_is_v4(&server.local));
	/* The listener is on ::, the flow is IPv4. */
	assert_int_equal(server.direction, ME_DIRECTION_IN);
	close_pair(&p);

	p = connect_pair(w.ns, AF_INET6, "::1", "::1", 0, 0);
	client = flow_of(w.ns, p.client);
	assert_address(&client.peer, "::1");
	close_pair(&p);
	world_end(&w);
}

static void tells_namespaces_apart(void **state)
{
	struct world a = world_begin(), b = world_begin();
	struct pair p = connect_pair(a.ns, AF_INET, "127.0.0.1", "127.0.0.1", 0, 0);
	struct me_sockdiag diag;
	struct me_socket s;

	assert_int_equal(find(me_sockdiag_flows, a.ns, cookie_of(p.client), &s), 1);
	assert_int_equal(find(me_sockdiag_flows, b.ns, cookie_of(p.client), &s), 0);
	assert_int_equal(find(me_sockdiag_flows, -1, cookie_of(p.client), &s), 0);
	assert_int_equal(me_sockdiag_open(b.ns, &diag), 0);
	assert_true(diag.netns == b.cookie);
	assert_int_equal(me_sockdiag_in_use(&diag), 0);
	close(diag.fd);
	assert_int_equal(me_sockdiag_open(a.ns, &diag), 0);
	assert_int_equal(me_sockdiag_in_use(&diag), 1);
	close(diag.fd);
	close_pair(&p);
	world_end(&b);
	world_end(&a);
}

/* Sends `n` bytes and takes them out at the other end. */
static void move(int from, int to, size_t n)
{
	char block[4096] = {0};

	while (n > 0) {
		size_t part = n < sizeof(block) ? n : sizeof(block);

		assert_int_equal(send(from, block, part, 0), part);
		assert_int_equal(recv(to, block, part, MSG_WAITALL), part);
		n -= part;
	}
}

static void counts_payload_without_the_fin(void **state)
{
	struct world w = world_begin();
	struct pair p = connect_pair(w.ns, AF_INET, "127.0.0.1", "127.0.0.1", 0, 0);
	struct me_socket client, server;

	move(p.client, p.server, 100000);
	move(p.server, p.client, 777);
	client = flow_of(w.ns, p.client);
	server = flow_of(w.ns, p.server);
	assert_int_equal(client.bytes_sent, 100000);
	assert_int_equal(client.bytes_received, 777);
	assert_int_equal(server.bytes_sent, 777);
	assert_int_equal(server.bytes_received, 100000);

	assert_int_equal(shutdown(p.client, SHUT_WR), 0);
	assert_int_equal(recv(p.server, &(char){0}, 1, 0), 0);
	server = flow_of(w.ns, p.server);
	assert_int_equal(server.state, TCP_CLOSE_WAIT_STATE);
	assert_int_equal(server.bytes_received, 100000);
	client = flow_of(w.ns, p.client); /* FIN_WAIT2: its own FIN is no payload either */
	assert_int_equal(client.bytes_sent, 100000);
	assert_int_equal(client.bytes_received, 777);
	close_pair(&p);
	world_end(&w);
}

static struct tcp_info info_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info;
}

static bool has_retransmitted(void *userdata)
{
	return info_of(*(int *)userdata).tcpi_bytes_retrans > 0;
}

static void counts_a_retransmitted_byte_once(void **state)
{
	struct world w = world_begin();
	struct pair p = connect_pair(w.ns, AF_INET, "127.0.0.1", "127.0.0.1", 0, 0);

	world_run(w.ns, "nft add table ip t");
	world_run(w.ns,
		  "nft add chain ip t c { type filter hook input priority 0 ; policy drop ; }");
	assert_int_equal(send(p.client, "0123456789", 10, 0), 10);
	world_wait(has_retransmitted, &p.client);
	world_run(w.ns, "nft delete table ip t");
	assert_int_equal(recv(p.server, (char[10]){0}, 10, MSG_WAITALL), 10);
	assert_true(info_of(p.client).tcpi_bytes_sent > 10);
	assert_int_equal(flow_of(w.ns, p.client).bytes_sent, 10);
	assert_int_equal(flow_of(w.ns, p.server).bytes_received, 10);
	close_pair(&p);
	world_end(&w);
}

/* The default range is 32768-60999; ports are chosen on either side of it. */
static void infers_the_direction(void **state)
{
	static const struct {
		uint16_t port, sport;
		enum me_direction client, server; /* once nobody listens any more */
	} table[] = {
		{25, 40000, ME_DIRECTION_OUT, ME_DIRECTION_UNKNOWN},
		{8080, 40001, ME_DIRECTION_OUT, ME_DIRECTION_UNKNOWN},
		{8081, 20000, ME_DIRECTION_UNKNOWN, ME_DIRECTION_UNKNOWN},
		{700, 20001, ME_DIRECTION_OUT, ME_DIRECTION_UNKNOWN},
		{701, 702, ME_DIRECTION_UNKNOWN, ME_DIRECTION_UNKNOWN},
		{40002, 40003, ME_DIRECTION_UNKNOWN, ME_DIRECTION_UNKNOWN}, /* passive FTP data */
		{40004, 61000, ME_DIRECTION_UNKNOWN, ME_DIRECTION_UNKNOWN}, /* of another system */
	};
	struct world w = world_begin();

	for (size_t i = 0; i < ME_ARRAY_SIZE(table); i++) {
		struct pair p = connect_pair(w.ns, AF_INET, "0.0.0.0", "127.0.0.1", table[i].port,
					     table[i].sport);

		assert_int_equal(flow_of(w.ns, p.server).direction, ME_DIRECTION_IN);
		assert_int_equal(flow_of(w.ns, p.client).direction, table[i].client);
		close(p.listener);
		p.listener = -1;
		assert_int_equal(flow_of(w.ns, p.server).direction, table[i].server);
		assert_int_equal(flow_of(w.ns, p.client).direction, table[i].client);
		close_pair(&p);
	}
	world_end(&w);
}

static void asks_for_the_listener_of_that_address(void **state)
{
	struct world w = world_begin();
	struct pair p = connect_pair(w.ns, AF_INET, "127.0.0.1", "127.0.0.1", 25, 40000);
	int other = world_socket(w.ns, AF_INET, SOCK_STREAM, 0);

	/* Somebody listens on the client's port, but on another address of the machine. */
	world_bind(other, "127.0.0.2", 40000);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(flow_of(w.ns, p.client).direction, ME_DIRECTION_OUT);
	close(other);
	close_pair(&p);
	world_end(&w);
}

static void knows_who_sent_the_syn(void **state)
{
	struct world w = world_begin();
	int fd = world_socket(w.ns, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = __builtin_bswap16(40000)};
	struct me_socket s;

	peer.sin_addr.s_addr = __builtin_bswap32(0x7f000001u);
	world_run(w.ns, "nft add table ip t");
	world_run(w.ns,
		  "nft add chain ip t c { type filter hook input priority 0 ; policy drop ; }");
	world_bind(fd, "0.0.0.0", 40001);
	assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof(peer)), -1);
	assert_int_equal(errno, EINPROGRESS);
	s = flow_of(w.ns, fd);
	assert_int_equal(s.state, TCP_SYN_SENT_STATE);
	assert_int_equal(s.direction, ME_DIRECTION_OUT);
	close(fd);
	world_end(&w);
}

static void lists_udp(void **state)
{
	struct world w = world_begin();
	int server = world_socket(w.ns, AF_INET, SOCK_DGRAM, 0);
	int client = world_socket(w.ns, AF_INET, SOCK_DGRAM, 0);
	struct me_socket s;

	world_bind(server, "0.0.0.0", 53);
	world_bind(client, "0.0.0.0", 40000);
	/* Not connected: no flow; it listens. */
	assert_int_equal(find(me_sockdiag_flows, w.ns, cookie_of(client), &s), 0);
	assert_int_equal(find(me_sockdiag_listeners, w.ns, cookie_of(server), &s), 1);
	assert_int_equal(s.sport, 53);
	assert_int_equal(s.proto, IPPROTO_UDP);
	world_connect(client, "127.0.0.1", 53);
	s = flow_of(w.ns, client);
	assert_int_equal(s.dport, 53);
	assert_int_equal(s.proto, IPPROTO_UDP);
	assert_int_equal(s.direction, ME_DIRECTION_OUT);
	assert_int_equal(find(me_sockdiag_listeners, w.ns, cookie_of(client), &s), 0);
	close(client);
	close(server);
	world_end(&w);
}

static void lists_listeners(void **state)
{
	struct world w = world_begin();
	int fd = world_socket(w.ns, AF_INET6, SOCK_STREAM, 0);
	uint16_t port = world_bind(fd, "::", 0);
	struct me_socket s;

	/* Bound alone is not listening. */
	assert_int_equal(find(me_sockdiag_listeners, w.ns, cookie_of(fd), &s), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(find(me_sockdiag_listeners, w.ns, cookie_of(fd), &s), 1);
	assert_int_equal(s.state, TCP_LISTEN_STATE);
	assert_int_equal(s.sport, port);
	assert_address(&s.local, "::");
	assert_int_equal(s.direction, ME_DIRECTION_IN);
	assert_int_equal(s.inode, inode_of(fd));
	assert_int_equal(find(me_sockdiag_flows, w.ns, cookie_of(fd), &s), 0);
	close(fd);
	world_end(&w);
}

static void leaves_out_what_its_owner_closed(void **state)
{
	struct world w = world_begin();
	struct pair p = connect_pair(w.ns, AF_INET, "127.0.0.1", "127.0.0.1", 0, 0);
	struct search all = {0};
	struct me_sockdiag diag;

	close_pair(&p); /* the client's end is in TIME_WAIT now */
	assert_int_equal(me_sockdiag_open(w.ns, &diag), 0);
	assert_int_equal(me_sockdiag_flows(&diag, look, &all), 0);
	assert_int_equal(all.all, 0);
	close(diag.fd);
	world_end(&w);
}

static int stop(const struct me_socket *s, void *userdata)
{
	return ++*(int *)userdata == 2 ? -ECANCELED : 0;
}

static void stops_when_told(void **state)
{
	struct world w = world_begin();
	struct pair p = connect_pair(w.ns, AF_INET, "127.0.0.1", "127.0.0.1", 0, 0);
	struct pair q = connect_pair(w.ns, AF_INET, "127.0.0.1", "127.0.0.1", 0, 0);
	struct me_sockdiag diag;
	int n = 0;

	assert_int_equal(me_sockdiag_open(w.ns, &diag), 0);
	assert_int_equal(me_sockdiag_flows(&diag, stop, &n), -ECANCELED);
	assert_int_equal(n, 2);
	close(diag.fd);
	close_pair(&q);
	close_pair(&p);
	world_end(&w);
}

/* More than one buffer of the kernel's answer. */
static void lists_thousands(void **state)
{
	enum { N = 3000 };
	struct world w = world_begin();
	struct search all = {0};
	struct me_sockdiag diag;
	int fd[N];

	world_allow_files(N + 100);
	for (int i = 0; i < N; i++) {
		fd[i] = world_socket(w.ns, AF_INET, SOCK_DGRAM, 0);
		world_connect(fd[i], "127.0.0.1", 53);
	}
	assert_int_equal(me_sockdiag_open(w.ns, &diag), 0);
	assert_int_equal(me_sockdiag_flows(&diag, look, &all), 0);
	assert_int_equal(all.all, N);
	close(diag.fd);
	for (int i = 0; i < N; i++)
		close(fd[i]);
	world_end(&w);
}

static void bounds_the_listeners(void **state)
{
	struct me_table *set = me_listeners_new(2);
	const struct me_addr a = me_addr_v4(1), b = me_addr_v4(2), any = me_addr_v4(0);
	const struct me_addr any6 = {0};

	assert_int_equal(me_listeners_add(set, IPPROTO_TCP, &a, 25), 0);
	assert_int_equal(me_listeners_add(set, IPPROTO_TCP, &a, 25), 0);
	assert_true(me_listeners_have(set, IPPROTO_TCP, &a, 25));
	assert_false(me_listeners_have(set, IPPROTO_TCP, &b, 25));
	assert_false(me_listeners_have(set, IPPROTO_UDP, &a, 25));
	assert_false(me_listeners_have(set, IPPROTO_TCP, &a, 26));
	assert_int_equal(me_listeners_add(set, IPPROTO_TCP, &any, 26), 0);
	assert_int_equal(me_listeners_add(set, IPPROTO_TCP, &any6, 26), 0); /* the same to us */
	assert_true(me_listeners_have(set, IPPROTO_TCP, &b, 26));
	assert_int_equal(me_listeners_add(set, IPPROTO_TCP, &b, 27), -ENOSPC);
	me_table_free(&set);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(describes_both_ends),
		TEST(knows_the_cgroup),
		TEST(folds_mapped_addresses),
		TEST(tells_namespaces_apart),
		TEST(counts_payload_without_the_fin),
		TEST(counts_a_retransmitted_byte_once),
		TEST(infers_the_direction),
		TEST(asks_for_the_listener_of_that_address),
		TEST(knows_who_sent_the_syn),
		TEST(lists_udp),
		TEST(lists_listeners),
		TEST(leaves_out_what_its_owner_closed),
		TEST(stops_when_told),
		TEST(lists_thousands),
		TEST(bounds_the_listeners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
