/* SPDX-License-Identifier: GPL-2.0-only */
#include "gateway.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "kernel/interface.h"
#include "kernel/mounts.h"
#include "tests/kernel/tc.skel.h"

#define HERE "192.0.2.1"
#define THERE "192.0.2.2"
#define PORT 4000
#define WAIT_MS 20000
#define SOME 20

static void remove_pins(const char *pins)
{
	char links[128];

	snprintf(links, sizeof(links), "%s/links", pins);
	me_interface_prune(pins, NULL, 0);
	rmdir(links);
	rmdir(pins);
}

/* A process that outlives the test, however that ends, and removes its pins. */
static void begin_keeper(const struct gateway *gateway)
{
	int alive[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid) {
		close(alive[0]); /* the other end stays open as long as this process lives */
		return;
	}
	setsid();
	close(alive[1]);
	while (read(alive[0], &byte, 1) < 0 && errno == EINTR)
		;
	remove_pins(gateway->pins);
	_exit(0);
}

static void make_pins(struct gateway *gateway, const char *name)
{
	const char *remedy;
	char links[128];

	snprintf(gateway->pins, sizeof(gateway->pins), "/sys/fs/bpf/mewatch-test-%s-%d", name,
		 getpid());
	snprintf(links, sizeof(links), "%s/links", gateway->pins);
	assert_int_equal(me_mounts_ensure_bpffs(gateway->pins, &remedy), 0);
	assert_int_equal(mkdir(gateway->pins, 0700), 0);
	assert_int_equal(mkdir(links, 0700), 0);
	begin_keeper(gateway);
}

static void load_programs(struct gateway *gateway)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct tc_bpf *bpf = gateway->variant[i] = tc_bpf__open();

		assert_non_null(bpf);
		bpf->rodata->tc_variant = i;
		if (i)
			assert_int_equal(
				bpf_map__reuse_fd(bpf->maps.tc_counts,
						  bpf_map__fd(gateway->variant[0]->maps.tc_counts)),
				0);
		assert_int_equal(tc_bpf__load(bpf), 0);
	}
}

void gateway_plug(struct gateway *gateway)
{
	char command[128];

	snprintf(command, sizeof(command), "ip link add lan0 type veth peer name eth0 netns %d",
		 gateway->host.pid);
	world_run(-1, command);
	world_run(-1, "ip addr add " HERE "/24 dev lan0");
	world_run(gateway->host.ns, "ip addr add " THERE "/24 dev eth0");
	world_run(-1, "ip link set lan0 up");
	world_run(gateway->host.ns, "ip link set eth0 up");
	gateway->lan = if_nametoindex("lan0");
	assert_int_not_equal(gateway->lan, 0);
	gateway->here = world_socket(-1, AF_INET, SOCK_DGRAM, 0);
	gateway->there = world_socket(gateway->host.ns, AF_INET, SOCK_DGRAM, 0);
	world_bind(gateway->here, HERE, PORT);
	world_bind(gateway->there, THERE, PORT);
	world_connect(gateway->here, THERE, PORT);
	world_connect(gateway->there, HERE, PORT);
}

void gateway_unplug(struct gateway *gateway)
{
	close(gateway->here);
	close(gateway->there);
	/* The end that is here may have another name by now, or be elsewhere. */
	world_run(gateway->host.ns, "ip link del eth0");
}

struct gateway *gateway_begin(const char *name)
{
	struct gateway *gateway = calloc(1, sizeof(*gateway));

	assert_non_null(gateway);
	libbpf_set_print(NULL);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	world_run(-1, "ip link set lo up");
	gateway->host = world_begin();
	make_pins(gateway, name);
	load_programs(gateway);
	gateway_plug(gateway);
	return gateway;
}

void gateway_end(struct gateway **gateway)
{
	struct gateway *g = *gateway;

	if (!g)
		return;
	gateway_unplug(g);
	remove_pins(g->pins);
	assert_int_equal(access(g->pins, F_OK), -1);
	for (int i = 0; i < 2; i++)
		tc_bpf__destroy(g->variant[i]);
	world_end(&g->host);
	free(g);
	*gateway = NULL;
}

void gateway_programs(const struct gateway *gateway, int variant, int programs[2])
{
	const struct tc_bpf *bpf = gateway->variant[variant];

	programs[0] = bpf_program__fd(bpf->progs.tc_ingress);
	programs[1] = bpf_program__fd(bpf->progs.tc_egress);
}

int gateway_end_program(const struct gateway *gateway)
{
	return bpf_program__fd(gateway->variant[0]->progs.tc_end);
}

uint32_t gateway_program_id(int program)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(program, &info, &length), 0);
	return info.id;
}

static bool pass(int from, int to)
{
	struct pollfd poller = {.fd = to, .events = POLLIN};
	char byte = 0;

	return send(from, &byte, 1, 0) == 1 && poll(&poller, 1, WAIT_MS) == 1 &&
	       recv(to, &byte, 1, 0) == 1;
}

bool gateway_exchange(const struct gateway *gateway, uint64_t n)
{
	for (; n; n--)
		if (!pass(gateway->there, gateway->here) || !pass(gateway->here, gateway->there))
			return false;
	return true;
}

struct gateway_counts gateway_counts(const struct gateway *gateway)
{
	int map = bpf_map__fd(gateway->variant[0]->maps.tc_counts);
	struct gateway_counts counts;
	uint64_t zero = 0;

	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(bpf_map_lookup_elem(map, &i, &counts.of[i / 2][i % 2]), 0);
		assert_int_equal(bpf_map_update_elem(map, &i, &zero, BPF_ANY), 0);
	}
	return counts;
}

void gateway_expect(const struct gateway *gateway, int variant)
{
	struct gateway_counts counts;

	gateway_counts(gateway);
	assert_true(gateway_exchange(gateway, SOME));
	counts = gateway_counts(gateway);
	for (int i = 0; i < 4; i++)
		assert_int_equal(counts.of[i / 2][i % 2], i / 2 == variant ? SOME : 0);
}

bool gateway_try(const char *command)
{
	char *word[32] = {0}, *save = NULL;
	_cleanup_free_ char *line = strdup(command);
	int status, null;
	pid_t pid;

	assert_non_null(line);
	word[0] = strtok_r(line, " ", &save);
	for (size_t i = 1; i < ME_ARRAY_SIZE(word) - 1 && word[i - 1]; i++)
		word[i] = strtok_r(NULL, " ", &save);
	pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execvp(word[0], word);
		_exit(127);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}
