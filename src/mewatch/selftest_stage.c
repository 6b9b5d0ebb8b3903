/* SPDX-License-Identifier: GPL-2.0-only */
/* What the self-test makes, and that nothing of it stays. */
#include "mewatch/selftest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "kernel/mounts.h"
#include "mewatch/command.h"
#include "mewatch/surroundings.h"
#include "selftest/echo.h"
#include "selftest/trick.h"

#define REMOVE_TRIES 500 /* 10 ms apart: processes that were killed have to go first */
#define PINS "/sys/fs/bpf/"

static const char policy[] =
	"version: 1\n"
	"profile: %s/profile.yaml\n"
	"history: off\n"
	"resolvers: [" ME_TRICK_RESOLVER ", \"" ME_TRICK_RESOLVER6 "\"]\n"
	"limits: {warmup: 0s, flows: 4096, learned: 4096, pending: " ME_TRICK_PENDING
	", ftp: " ME_TRICK_FTP_LIFE "}\n"
	"allow:\n"
	"  - {service: selftest, name: listed, to: [" ME_LISTED4 ", \"" ME_LISTED6 "\"],\n"
	"     ports: [tcp/*, udp/*, udplite/*, sctp/*, icmp, icmp6, proto/33, proto/253]}\n"
	"  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}\n"
	"  - {service: web, to: [" ME_TRICK_NAME ", \"" ME_TRICK_WILDCARD "\"],\n"
	"     ports: [tcp/80, tcp/443, tcp/%u]}\n"
	"  - {service: files, to: " ME_TRICK_FTP ", ports: [tcp/20, tcp/21]}\n";

/* Without the vendor's lists. */
static const char profile[] = "version: 1\n"
			      "allow:\n"
			      "  - {service: profile, to: 192.0.2.250, ports: tcp/9}\n";

/* --- Removing ------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	return remove(path);
}

/* Processes of it are ended. */
static void remove_group(const char *group)
{
	_cleanup_close_ int folder = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;

	if (folder < 0)
		return;
	fd = openat(folder, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1", 1) != 1)
		return;
	for (int i = 0; i < REMOVE_TRIES && rmdir(group) && errno != ENOENT; i++) {
		unlinkat(folder, "watched", AT_REMOVEDIR);
		unlinkat(folder, "other", AT_REMOVEDIR);
		poll(NULL, 0, i ? 10 : 0);
	}
}

/* Everything of that name, the folder last: as long as it is there the rest is looked for. */
static void remove_all(const char *mount, const char *name)
{
	struct me_why why;
	char path[1024];

	snprintf(path, sizeof(path), PINS "%s", name);
	me_kernel_detach(path, &why);
	snprintf(path, sizeof(path), "%s/%s", mount, name);
	remove_group(path);
	snprintf(path, sizeof(path), ME_SELFTEST_RUN "/%s", name);
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* What others left that were killed. Called where no interface is that could be taken for one of theirs. */
static void remove_leftovers(const char *mount)
{
	struct dirent *entry;
	DIR *dir = opendir(ME_SELFTEST_RUN);

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		_cleanup_close_ int fd = -1;

		if (strncmp(entry->d_name, ME_SELFTEST_NAME, strlen(ME_SELFTEST_NAME)))
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
			remove_all(mount, entry->d_name);
	}
	closedir(dir);
}

/* --- Making --------------------------------------------------------------------------------------- */

static int cannot(const char *what, int err)
{
	me_log_error("%s: %s", what, strerror(-err));
	return ME_EXIT_USAGE;
}

static int write_file(const struct me_selftest *selftest, const char *name, const char *text)
{
	char path[256];
	int err;

	snprintf(path, sizeof(path), "%s/%s", selftest->run, name);
	err = me_file_write_atomic(path, text, strlen(text), 0600);
	return err ? cannot(path, err) : ME_EXIT_OK;
}

static int make_folder(struct me_selftest *selftest)
{
	char text[sizeof(policy) + sizeof(selftest->run) + 16];
	struct me_selftest_paths *paths = &selftest->paths;
	int code;

	snprintf(paths->policy, sizeof(paths->policy), "%s/policy.yaml", selftest->run);
	snprintf(paths->state, sizeof(paths->state), "%s/state", selftest->run);
	snprintf(paths->socket, sizeof(paths->socket), "%s/socket", selftest->run);
	snprintf(paths->events, sizeof(paths->events), "%s/events.ndjson", selftest->run);
	snprintf(paths->cgroup, sizeof(paths->cgroup), "/%s/watched", selftest->name);
	paths->watched = paths->cgroup;
	if (mkdir(selftest->run, 0700))
		return cannot(selftest->run, -errno);
	selftest->lock = open(selftest->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (selftest->lock < 0 || flock(selftest->lock, LOCK_EX | LOCK_NB))
		return cannot(selftest->run, -errno);
	snprintf(text, sizeof(text), policy, selftest->run, ME_TRICK_PORT);
	code = write_file(selftest, "policy.yaml", text);
	return code ? code : write_file(selftest, "profile.yaml", profile);
}

static int make_groups(struct me_selftest *selftest, const char *mount)
{
	if (asprintf(&selftest->group, "%s/%s", mount, selftest->name) < 0) {
		selftest->group = NULL;
		return cannot("the control group", -ENOMEM);
	}
	snprintf(selftest->watched, sizeof(selftest->watched), "%s/watched", selftest->group);
	snprintf(selftest->other, sizeof(selftest->other), "%s/other", selftest->group);
	if (mkdir(selftest->group, 0755) || mkdir(selftest->watched, 0755) ||
	    mkdir(selftest->other, 0755))
		return cannot(selftest->group, -errno);
	return ME_EXIT_OK;
}

static void serve(void *userdata, struct me_truth *truth)
{
	static const struct {
		const char *kind;
		uint16_t port;
	} services[] = {
		{"tcp", ME_PORT},      {"udp", ME_PORT},     {"udp", ME_PORT + 1},
		{"udp", ME_PORT + 2},  {"udplite", ME_PORT}, {"mptcp", ME_MPTCP},
		{"mute", ME_TAP_PORT},
	};
	struct me_echo *echo = NULL;
	int err = me_echo_new(&echo);

	for (size_t i = 0; !err && i < ME_ARRAY_SIZE(services); i++) {
		err = me_echo_serve(echo, services[i].kind, services[i].port);
		/* then the path is not on this kernel either */
		if (err == -EPROTONOSUPPORT || err == -ENOPROTOOPT || err == -ESOCKTNOSUPPORT)
			err = 0;
	}
	if (err) {
		errno = -err;
		me_traffic_die("the far end");
	}
	if (write(STDOUT_FILENO, "", 1) == 1)
		me_echo_run(echo, -1);
}

static void stay(void *userdata, struct me_truth *truth)
{
}

static int begin_errand(struct me_selftest *selftest, struct me_errand *errand, int netns,
			me_errand_fn *fn)
{
	int err = me_errand_begin(errand, selftest->other, netns, fn, NULL);

	if (err)
		return cannot("a process", err);
	while (me_errand_look(errand) == ME_ERRAND_RUNS)
		if (!me_selftest_attend(selftest, 10))
			return ME_EXIT_USAGE;
	if (errand->state == ME_ERRAND_DONE)
		return ME_EXIT_OK;
	me_log_error("%s", errand->words);
	return ME_EXIT_USAGE;
}

static int open_daemon(struct me_selftest *selftest)
{
	static const char *interfaces[] = {"lan0"};
	static const char *hosts[] = {"192.0.2.0/24", "2001:db8:2::/64"};
	struct me_selftest_paths *paths = &selftest->paths;
	const struct me_daemon_options options = {
		.policy = paths->policy,
		.cgroups = &paths->watched,
		.n_cgroups = 1,
		.interfaces = interfaces,
		.n_interfaces = ME_ARRAY_SIZE(interfaces),
		.hosts = hosts,
		.n_hosts = ME_ARRAY_SIZE(hosts),
		.listen = ME_DEFAULT_LISTEN, /* of the namespace, which nobody else is in */
		.socket = paths->socket,
		.events = paths->events,
		.state = paths->state,
		.pins = selftest->pins,
	};

	selftest->opened = true;
	return me_daemon_open(&selftest->daemon, &options);
}

/* All of it runs on one processor: packets stay in order. */
static void use_one_processor(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static int catch_signals(struct me_selftest *selftest)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return cannot("signals", -errno);
	selftest->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return selftest->signals < 0 ? cannot("signals", -errno) : ME_EXIT_OK;
}

static int make_network(struct me_selftest *selftest)
{
	struct me_why why = {};

	if (!me_network_make(&selftest->network, &why))
		return ME_EXIT_OK;
	me_log_error("%s", why.text);
	return ME_EXIT_KERNEL;
}

int me_selftest_begin(struct me_selftest *selftest)
{
	_cleanup_free_ char *mount = NULL;
	const char *remedy = NULL;
	uint64_t arrived;
	int code, err;

	*selftest = (struct me_selftest){.lock = -1,
					 .signals = -1,
					 .network = {-1, -1, -1},
					 .far = {.fd = -1},
					 .mail = {.fd = -1}};
	snprintf(selftest->name, sizeof(selftest->name), ME_SELFTEST_NAME "%d", (int)getpid());
	snprintf(selftest->run, sizeof(selftest->run), ME_SELFTEST_RUN "/%s", selftest->name);
	snprintf(selftest->pins, sizeof(selftest->pins), PINS "%s", selftest->name);
	if (geteuid()) {
		me_log_error("it makes namespaces and a control group: run it as root");
		return ME_EXIT_USAGE;
	}
	err = me_mounts_cgroup2(&mount, &remedy);
	if (err) {
		me_log_error("cgroup2: %s", remedy ? remedy : strerror(-err));
		return ME_EXIT_USAGE;
	}
	code = catch_signals(selftest);
	if (!code)
		code = make_network(selftest);
	if (code)
		return code;
	remove_leftovers(mount);
	use_one_processor();
	code = make_folder(selftest);
	if (!code)
		code = make_groups(selftest, mount);
	if (!code)
		code = begin_errand(selftest, &selftest->far, selftest->network.far, serve);
	if (!code)
		code = begin_errand(selftest, &selftest->mail, selftest->network.mail, stay);
	if (code)
		return code;
	err = me_tap_open(&selftest->network, &selftest->tap);
	if (err)
		return cannot("a packet socket", err);
	code = open_daemon(selftest);
	if (code)
		return code;
	/* From here on the marks of the tap are an attempt that was. */
	err = me_tap_count(selftest->tap, &arrived);
	return err ? cannot("the far end", err) : ME_EXIT_OK;
}

void me_selftest_end(struct me_selftest *selftest)
{
	_cleanup_free_ char *mount = NULL;
	const char *remedy;

	if (selftest->opened)
		me_daemon_close(&selftest->daemon);
	me_tap_free(&selftest->tap);
	me_errand_end(&selftest->mail);
	me_errand_end(&selftest->far);
	if (selftest->lock >= 0 && !me_mounts_cgroup2(&mount, &remedy))
		remove_all(mount, selftest->name);
	me_network_free(&selftest->network);
	me_closep(&selftest->lock);
	me_closep(&selftest->signals);
	free(selftest->group);
}

bool me_selftest_attend(struct me_selftest *selftest, int ms)
{
	struct me_daemon *daemon = &selftest->daemon;
	struct pollfd fds[] = {
		{.fd = selftest->signals, .events = POLLIN},
		{.fd = daemon->surroundings ? me_surroundings_fd(daemon->surroundings) : -1,
		 .events = POLLIN},
	};

	poll(fds, ME_ARRAY_SIZE(fds), ms);
	selftest->stopped |= fds[0].revents;
	if (fds[1].revents)
		me_surroundings_dispatch(daemon->surroundings);
	if (daemon->watching)
		me_daemon_drain(daemon);
	return !selftest->stopped;
}
