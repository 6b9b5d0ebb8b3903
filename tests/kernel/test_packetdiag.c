/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/packetdiag.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "kernel/netns.h"
#include "world.h"

/* What a sweep tells about one namespace; other processes of the machine may have packet sockets. */
struct heard {
	uint64_t netns;
	size_t n;
	struct me_packet_socket last;
};

static void hear(const struct me_packet_socket *socket, void *userdata)
{
	struct heard *heard = userdata;

	if (socket->netns != heard->netns)
		return;
	heard->n++;
	heard->last = *socket;
}

static void ignore(enum me_netns_event event, const struct me_own_key *own, void *userdata)
{
}

struct fixture {
	struct world world;
	struct me_netns *netns;
	struct me_packet_sweep *sweep;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->world = world_begin();
	f->sweep = me_packet_sweep_new();
	*state = f;
	return me_netns_new(ignore, NULL, &f->netns) || me_netns_scan(f->netns);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	me_packet_sweep_free(&f->sweep);
	me_netns_free(&f->netns);
	world_end(&f->world);
	free(f);
	return 0;
}

static struct heard sweep(struct fixture *f)
{
	struct heard heard = {.netns = f->world.cookie};

	assert_int_equal(me_packet_sweep_run(f->sweep, f->netns, hear, &heard), 0);
	return heard;
}

static void tells_each_once(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_ll lo = {
		.sll_family = AF_PACKET,
		.sll_protocol = ME_NET16(ETH_P_ARP),
		.sll_ifindex = 1,
	};
	struct heard heard;
	size_t open_before;
	uint64_t cookie;
	socklen_t size = sizeof(cookie);
	int fd, second;

	assert_int_equal(sweep(f).n, 0);
	open_before = me_packet_sweep_open(f->sweep);
	fd = world_socket(f->world.ns, AF_PACKET, SOCK_RAW, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&lo, sizeof(lo)), 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);

	heard = sweep(f);
	assert_int_equal(heard.n, 1);
	assert_true(heard.last.cookie == cookie);
	assert_int_equal(heard.last.type, SOCK_RAW);
	assert_int_equal(heard.last.ethertype, ETH_P_ARP);
	assert_int_equal(heard.last.ifindex, 1);
	assert_int_equal(heard.last.uid, getuid());
	assert_int_equal(heard.last.owner.pid, getpid());
	assert_string_equal(heard.last.owner.comm, "test_packetdiag");
	assert_true(heard.last.owner.exe.len > 0);

	assert_int_equal(sweep(f).n, 0);
	second = world_socket(f->world.ns, AF_PACKET, SOCK_DGRAM, 0);
	heard = sweep(f);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.last.type, SOCK_DGRAM);
	assert_int_equal(heard.last.ethertype, 0);
	assert_int_equal(heard.last.ifindex, 0);
	assert_true(me_packet_sweep_open(f->sweep) >= open_before + 2);

	close(second);
	close(fd);
	assert_int_equal(sweep(f).n, 0);
	/* One like it, opened later, is another one. */
	fd = world_socket(f->world.ns, AF_PACKET, SOCK_RAW, 0);
	assert_int_equal(sweep(f).n, 1);
	close(fd);
}

/* A process that holds `n` packet sockets. */
static pid_t hold(int ns, int n)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < n; i++)
			world_socket(ns, AF_PACKET, SOCK_DGRAM, 0);
		if (write(ready[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void counts_those_beyond_its_bound(void **state)
{
	/* Each close waits for the readers of the kernel: many processes wait together. */
	enum { HOLDERS = 64, EACH = ME_PACKET_SOCKETS_MAX / HOLDERS + 1 };
	struct fixture *f = *state;
	pid_t pid[HOLDERS];
	struct heard heard;
	int fd;

	for (int i = 0; i < HOLDERS; i++)
		pid[i] = hold(f->world.ns, EACH);
	heard = sweep(f);
	assert_int_equal(me_packet_sweep_open(f->sweep), ME_PACKET_SOCKETS_MAX);
	assert_true(heard.n <= ME_PACKET_SOCKETS_MAX);
	assert_true(me_packet_sweep_refused(f->sweep) >= HOLDERS * EACH - ME_PACKET_SOCKETS_MAX);
	for (int i = 0; i < HOLDERS; i++)
		kill(pid[i], SIGKILL);
	for (int i = 0; i < HOLDERS; i++)
		assert_int_equal(waitpid(pid[i], NULL, 0), pid[i]);
	assert_int_equal(sweep(f).n, 0);
	fd = world_socket(f->world.ns, AF_PACKET, SOCK_DGRAM, 0);
	assert_int_equal(sweep(f).n, 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_each_once, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_those_beyond_its_bound, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
