/* SPDX-License-Identifier: GPL-2.0-only */
/* The surroundings: pins, cgroups, policy, namespace, and that nothing of it is left. */
#include "host.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/stat.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "kernel/mounts.h"
#include "policy/compile.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/registry.h"

#define KEEPER_TRIES 200 /* 10 ms apart */

/* --- Cgroups ------------------------------------------------------------------------------------ */

static void move_to(const struct host *host, const char *group)
{
	_cleanup_close_ int fd = -1;
	char path[8192];

	snprintf(path, sizeof(path), "%s%s/cgroup.procs", host->mount, group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "0", 1), 1);
}

void host_enter(struct host *host)
{
	move_to(host, host->group);
}

void host_leave(struct host *host)
{
	move_to(host, host->home);
}

/* Where this process is: the line of the one hierarchy without controllers' names. */
static void find_home(struct host *host)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[sizeof(host->home)];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "0::/", 4))
			snprintf(host->home, sizeof(host->home), "%.*s",
				 (int)strcspn(line + 3, "\n"), line + 3);
	fclose(file);
	assert_true(host->home[0] == '/');
}

static void group_path(const struct host *host, const char *name, char *out, size_t size)
{
	const char *end = strrchr(host->group, '/');

	snprintf(out, size, "%s%.*s%s%s", host->mount, (int)(end - host->group), host->group,
		 *name ? "/" : "", name);
}

uint64_t host_group_make(const struct host *host, const char *name, int *ret_fd)
{
	struct stat st;
	char path[8192];

	group_path(host, name, path, sizeof(path));
	assert_int_equal(mkdir(path, 0755), 0);
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(*ret_fd >= 0);
	assert_int_equal(fstat(*ret_fd, &st), 0);
	return st.st_ino;
}

void host_group_remove(const struct host *host, const char *name)
{
	char path[8192];

	group_path(host, name, path, sizeof(path));
	assert_int_equal(rmdir(path), 0);
}

/* Ends whoever is in the groups and removes them; called where nobody can say that it failed. */
static void sweep_groups(const struct host *host)
{
	_cleanup_close_ int kill_fd = -1;
	struct dirent *entry;
	char path[8192];
	DIR *dir;
	int fd;

	group_path(host, "cgroup.kill", path, sizeof(path));
	kill_fd = open(path, O_WRONLY | O_CLOEXEC);
	if (kill_fd >= 0 && write(kill_fd, "1", 1) != 1)
		return;
	group_path(host, "", path, sizeof(path));
	for (int i = 0; i < KEEPER_TRIES && rmdir(path) && errno != ENOENT; i++) {
		dir = opendir(path);
		fd = dir ? dirfd(dir) : -1;
		while (dir && (entry = readdir(dir)))
			if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
				unlinkat(fd, entry->d_name, AT_REMOVEDIR);
		if (dir)
			closedir(dir);
		poll(NULL, 0, 10);
	}
}

/* A process that outlives the test, however that ends, and removes what is left of it. */
static void begin_keeper(const struct host *host)
{
	struct me_why why;
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
	unlink(host->file);
	for (int i = 0; i < KEEPER_TRIES && me_kernel_detach(host->pins, &why) == -EBUSY; i++)
		poll(NULL, 0, 10);
	sweep_groups(host);
	_exit(0);
}

/* --- The policy --------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void host_policy(struct host *host, const char *yaml)
{
	write_file(host->file, yaml);
	host_again(host);
}

void host_again(struct host *host)
{
	struct me_environment environment = {.now_epoch_ns = me_clock_now(CLOCK_REALTIME)};
	struct me_diagnostics diagnostics = {};
	struct me_policy *policy = NULL;
	struct me_image *image = NULL;
	struct me_why why = {};

	if (me_policy_load(host->file, NULL, &diagnostics, &policy) ||
	    me_compile(policy, &environment, host->registry, me_kernel_generation(host->kernel) + 1,
		       &diagnostics, &image))
		fail_msg("policy: %s", diagnostics.count ? diagnostics.list[0].text : "?");
	if (me_kernel_policy(host->kernel, image, &why))
		fail_msg("%s", why.text);
	me_image_free(&host->image);
	host->image = image;
	me_policy_free(&policy);
	me_diagnostics_clear(&diagnostics);
}

static void standard_policy(struct host *host, const char *limits)
{
	struct me_strbuf yaml = {};

	me_strbuf_addf(&yaml,
		       "version: 1\n"
		       "resolvers: [192.0.2.53]\n"
		       "limits: {%s}\n"
		       "allow:\n"
		       "  - {service: good, name: hosts, to: [" HOST_GOOD ", \"" HOST_GOOD6 "\"],\n"
		       "     ports: [tcp/*, udp/*, udplite/*, icmp, icmp6, proto/253]}\n"
		       "  - {service: old, name: hosts, to: [" HOST_OLD
		       "], ports: [tcp/*, udp/*],\n"
		       "     retired: true}\n"
		       "  - {service: named, name: www, to: [www.example.org],\n"
		       "     ports: [tcp/%d-%d, udp/%d-%d]}\n",
		       limits, HOST_NAMED, HOST_NAMED + 999, HOST_NAMED, HOST_NAMED + 999);
	assert_int_equal(yaml.err, 0);
	host_policy(host, yaml.data);
	me_strbuf_free(&yaml);
}

/* --- Begin and end ------------------------------------------------------------------------------ */

static void make_network(struct host *host)
{
	static const char *const commands[] = {
		"ip addr add " HOST_GOOD "/32 dev lo",
		"ip addr add " HOST_BAD "/32 dev lo",
		"ip addr add " HOST_OLD "/32 dev lo",
		"ip addr add " HOST_SILENT "/32 dev lo",
		"ip addr add " HOST_GOOD6 "/128 dev lo nodad",
		"ip addr add " HOST_BAD6 "/128 dev lo nodad",
		"nft add table inet silent",
		"nft add chain inet silent in { type filter hook input priority 0 ; }",
		"nft add rule inet silent in meta l4proto tcp ip daddr " HOST_SILENT " drop",
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(commands); i++)
		world_run(host->world.ns, commands[i]);
}

struct host *host_begin(const char *name, const char *limits, uint32_t flows)
{
	struct host *host = calloc(1, sizeof(*host));
	struct me_why why = {};
	const char *remedy;
	int fd, top;

	assert_non_null(host);
	host->cells = calloc(ME_CELL_COUNT, sizeof(*host->cells));
	host->marked_cells = calloc(ME_CELL_COUNT, sizeof(*host->marked_cells));
	assert_true(host->cells && host->marked_cells);
	snprintf(host->pins, sizeof(host->pins), "/sys/fs/bpf/mewatch-test-%s-%d", name, getpid());
	snprintf(host->file, sizeof(host->file), "/tmp/mewatch-test-%s-%d.yaml", name, getpid());
	snprintf(host->group, sizeof(host->group), "/mewatch-test-%s-%d/in", name, getpid());
	assert_int_equal(me_mounts_cgroup2(&host->mount, &remedy), 0);
	find_home(host);
	begin_keeper(host);
	host_group_make(host, "", &top);
	close(top);
	host->group_id = host_group_make(host, "in", &fd);
	host->world = world_begin();
	make_network(host);

	host->options = (struct me_kernel_options){.pins = host->pins,
						   .flows = flows,
						   .endpoints = 64,
						   .learned = 256,
						   .kept_size = 64,
						   .each_size = 24};
	if (me_kernel_open(&host->options, &host->kernel, &why))
		fail_msg("%s", why.text);
	host->endpoints = calloc(host->options.endpoints, sizeof(*host->endpoints));
	host->registry = me_registry_new();
	assert_true(host->endpoints && host->registry);
	standard_policy(host, limits);
	assert_int_equal(me_kernel_netns(host->kernel, host->world.cookie, true), 0);
	if (me_kernel_watch(host->kernel, &host->group_id, &fd, 1, &why))
		fail_msg("%s", why.text);
	close(fd);
	host_enter(host);
	host_mark(host);
	return host;
}

void host_end(struct host **host)
{
	struct host *h = *host;
	struct me_why why = {};

	if (!h)
		return;
	host_leave(h);
	me_kernel_close(&h->kernel);
	assert_int_equal(me_kernel_detach(h->pins, &why), 0);
	world_end(&h->world);
	host_group_remove(h, "in");
	host_group_remove(h, "");
	unlink(h->file);
	me_image_free(&h->image);
	me_registry_free(&h->registry);
	free(h->mount);
	free(h->cells);
	free(h->marked_cells);
	free(h->endpoints);
	free(h);
	*host = NULL;
}
