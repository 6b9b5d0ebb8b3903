/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose socket it is: process, program, user, cgroup. Called with arguments, this program is the
 * watched client: `connect ADDRESS PORT`, after a line on its standard input.
 */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include "host.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/cleanup.h"
#include "base/text.h"

struct fixture {
	struct host *host;
	int server;
	uint16_t port;
	char folder[64];
};

/* --- The client ---------------------------------------------------------------------------------- */

static int connect_once(const char *address, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		return 2;
	return connect(fd, (struct sockaddr *)&at, sizeof(at)) ? 1 : 0;
}

static int be_client(char **argv)
{
	uint64_t port;
	char byte;

	if (strcmp(argv[0], "connect") || !me_text_parse_u64(argv[2], 1, UINT16_MAX, &port))
		return 2;
	return read(STDIN_FILENO, &byte, 1) == 1 ? connect_once(argv[1], port) : 2;
}

/* --- Programs in odd places ---------------------------------------------------------------------- */

static void copy_self(const char *to)
{
	_cleanup_close_ int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(fstat(in, &st), 0);
	for (off_t at = 0; at < st.st_size;)
		assert_true(sendfile(out, in, &at, st.st_size - at) > 0);
}

struct client {
	pid_t pid;
	int go;
};

/* Starts the program at `path` in the watched cgroup; it waits for client_finish(). */
static struct client client_start(struct fixture *f, const char *path, const char *mount_over)
{
	struct client client;
	char port[8];
	int go[2];

	snprintf(port, sizeof(port), "%u", f->port);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	client.pid = fork();
	assert_true(client.pid >= 0);
	if (client.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(go[0], STDIN_FILENO);
		if (mount_over &&
		    (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		     mount(f->folder, mount_over, NULL, MS_BIND, NULL)))
			_exit(3);
		if (setns(f->host->world.ns, CLONE_NEWNET))
			_exit(4);
		execl(path, "client", "connect", HOST_GOOD, port, NULL);
		_exit(5);
	}
	close(go[0]);
	client.go = go[1];
	return client;
}

static void client_finish(struct client *client)
{
	int status;

	assert_int_equal(write(client->go, "x", 1), 1);
	assert_int_equal(waitpid(client->pid, &status, 0), client->pid);
	close(client->go);
	assert_int_equal(status, 0);
}

static struct me_proc proc_of(struct fixture *f, const struct host_flow *flow)
{
	struct me_proc proc;

	assert_true(me_kernel_proc(f->host->kernel, &flow->flow.origin.proc, &proc));
	assert_true(proc.len <= ME_EXE_LEN);
	return proc;
}

/* The flow's program has exactly this path. */
static void assert_exe(struct fixture *f, const struct host_flow *flow, const char *path)
{
	struct me_proc proc = proc_of(f, flow);

	assert_false(proc.truncated);
	assert_int_equal(proc.len, strlen(path));
	assert_memory_equal(proc.exe + ME_EXE_LEN - proc.len, path, proc.len);
}

static bool runs_program(void *userdata)
{
	const struct client *client = userdata;
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", client->pid);
	file = fopen(path, "re");
	assert_non_null(file);
	if (!fgets(comm, sizeof(comm), file))
		comm[0] = '\0';
	fclose(file);
	return strcmp(comm, "removed\n") == 0;
}

/* --- Tests --------------------------------------------------------------------------------------- */

/* Clock ticks since boot at which this process began (proc(5), the 22nd field of stat). */
static uint64_t own_start(void)
{
	char line[1024], *at;
	uint64_t ticks = 0;
	FILE *file = fopen("/proc/self/stat", "re");

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	at = strrchr(line, ')');
	for (int field = 2; field < 22; field++)
		at = strchr(at + 1, ' ');
	*strchr(at + 1, ' ') = '\0';
	assert_true(me_text_parse_u64(at + 1, 0, UINT64_MAX, &ticks));
	return ticks;
}

static void names_the_process(void **state)
{
	struct fixture *f = *state;
	int fd = host_socket(f->host, AF_INET, SOCK_STREAM, 0);
	char exe[PATH_MAX] = "", comm[ME_COMM_LEN] = "";
	struct host_flow flow;

	assert_int_equal(host_connect(fd, HOST_GOOD, f->port), 0);
	flow = host_flow(f->host, HOST_GOOD, f->port);
	assert_int_equal(flow.flow.origin.proc.tgid, getpid());
	assert_int_equal(flow.flow.origin.proc.start_ns / (1000000000ull / sysconf(_SC_CLK_TCK)),
			 own_start());
	assert_int_equal(flow.flow.origin.uid, getuid());
	assert_true(flow.flow.origin.cgroup == f->host->group_id);
	assert_true(flow.flow.origin.netns == f->host->world.cookie);
	prctl(PR_GET_NAME, comm);
	assert_memory_equal(flow.flow.origin.comm, comm, sizeof(comm));
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_exe(f, &flow, exe);
	close(fd);
	HOST_EXPECT(f->host, FINAL(ME_ALLOWED) = 1);
}

static void another_program_after_exec(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct client client;
	struct host_flow flow;

	snprintf(path, sizeof(path), "%s/another program", f->folder);
	copy_self(path);
	client = client_start(f, path, NULL);
	client_finish(&client);
	flow = host_flow(f->host, HOST_GOOD, f->port);
	assert_int_equal(flow.flow.origin.proc.tgid, client.pid);
	assert_string_equal(flow.flow.origin.comm, "another program");
	assert_exe(f, &flow, path);
	unlink(path);
}

/* The file is gone, the name is what it was. */
static void a_program_that_was_removed(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct client client;
	struct host_flow flow;

	snprintf(path, sizeof(path), "%s/removed", f->folder);
	copy_self(path);
	client = client_start(f, path, NULL);
	world_wait(runs_program, &client);
	assert_int_equal(unlink(path), 0);
	client_finish(&client);
	flow = host_flow(f->host, HOST_GOOD, f->port);
	assert_exe(f, &flow, path);
}

/* The path as the process itself sees it, over a mount that nobody else has. */
static void a_mount_namespace(void **state)
{
	struct fixture *f = *state;
	char path[128], seen[160], inner[128];
	struct client client;
	struct host_flow flow;

	snprintf(path, sizeof(path), "%s/program", f->folder);
	snprintf(inner, sizeof(inner), "%s/inner", f->folder);
	snprintf(seen, sizeof(seen), "%s/program", inner);
	copy_self(path);
	assert_int_equal(mkdir(inner, 0755), 0);
	client = client_start(f, seen, inner);
	client_finish(&client);
	flow = host_flow(f->host, HOST_GOOD, f->port);
	assert_exe(f, &flow, seen);
	unlink(path);
	rmdir(inner);
}

/* Runs a copy below `depth` folders of `length` characters each; the end of its path must be told. */
static void assert_long_path(struct fixture *f, int depth, int length, bool truncated)
{
	char path[PATH_MAX];
	struct client client;
	struct host_flow flow;
	struct me_proc proc;
	size_t at = snprintf(path, sizeof(path), "%s", f->folder);

	for (int i = 0; i < depth; i++) {
		path[at] = '/';
		memset(path + at + 1, 'a' + i % 26, length);
		at += length + 1;
		path[at] = '\0';
		assert_int_equal(mkdir(path, 0755), 0);
	}
	snprintf(path + at, sizeof(path) - at, "/program");
	copy_self(path);
	client = client_start(f, path, NULL);
	client_finish(&client);
	flow = host_flow(f->host, HOST_GOOD, f->port);
	proc = proc_of(f, &flow);
	assert_int_equal(proc.truncated, truncated);
	if (!truncated)
		assert_int_equal(proc.len, strlen(path));
	assert_true(proc.len >= strlen("/program") && proc.len <= strlen(path));
	assert_memory_equal(proc.exe + ME_EXE_LEN - proc.len, path + strlen(path) - proc.len,
			    proc.len);
	assert_int_equal(proc.exe[ME_EXE_LEN - proc.len], '/');
	unlink(path);
	for (int i = 0; i < depth; i++) {
		*strrchr(path, '/') = '\0';
		rmdir(path);
	}
}

static void a_path_that_just_fits(void **state)
{
	struct fixture *f = *state;
	int rest = ME_EXE_LEN - strlen(f->folder) - strlen("/program");

	assert_long_path(f, rest / 32, 31, false);
}

static void a_path_that_is_too_long(void **state)
{
	assert_long_path(*state, 5, 200, true);
}

static void names_of_full_length(void **state)
{
	assert_long_path(*state, 1, 255, false);
}

static void a_path_of_many_parts(void **state)
{
	assert_long_path(*state, 80, 1, true);
}

static void another_user(void **state)
{
	struct fixture *f = *state;
	struct host_flow flow;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (setns(f->host->world.ns, CLONE_NEWNET) || setuid(65534))
			_exit(3);
		_exit(connect_once(HOST_GOOD, f->port));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	flow = host_flow(f->host, HOST_GOOD, f->port);
	assert_int_equal(flow.flow.origin.uid, 65534);
	assert_int_equal(flow.flow.origin.proc.tgid, pid);
}

/* Whoever connects a socket that was handed on has opened the flow. */
static void a_socket_that_is_handed_on(void **state)
{
	struct fixture *f = *state;
	int fd = host_socket(f->host, AF_INET, SOCK_STREAM, 0), status;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(f->port)};
	struct host_flow flow;
	pid_t pid;

	assert_int_equal(inet_pton(AF_INET, HOST_GOOD, &at.sin_addr), 1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(connect(fd, (struct sockaddr *)&at, sizeof(at)) ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	flow = host_flow(f->host, HOST_GOOD, f->port);
	assert_int_equal(flow.flow.origin.proc.tgid, pid);
	close(fd);
	HOST_EXPECT(f->host, FINAL(ME_ALLOWED) = 1);
}

/* --- The frame ----------------------------------------------------------------------------------- */

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->folder, sizeof(f->folder), "/tmp/mewatch-origin-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->host = host_begin("origin", "", 1024);
	f->server = host_server(f->host, SOCK_STREAM, HOST_GOOD, &f->port);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;
	char remove[128];

	snprintf(remove, sizeof(remove), "rm -rf %s", f->folder); /* a failed test left something */
	world_run(-1, remove);
	close(f->server);
	host_end(&f->host);
	free(f);
	return 0;
}

static int mark(void **state)
{
	host_mark(((struct fixture *)*state)->host);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, mark)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(names_the_process),
		TEST(another_program_after_exec),
		TEST(a_program_that_was_removed),
		TEST(a_mount_namespace),
		TEST(a_path_that_just_fits),
		TEST(a_path_that_is_too_long),
		TEST(names_of_full_length),
		TEST(a_path_of_many_parts),
		TEST(another_user),
		TEST(a_socket_that_is_handed_on),
	};

	if (argc == 4)
		return be_client(argv + 1);
	return cmocka_run_group_tests(tests, begin, end);
}
