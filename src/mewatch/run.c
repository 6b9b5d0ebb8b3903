/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch run: options, signals and the loop. One thread. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "mewatch/command.h"
#include "mewatch/daemon.h"
#include "mewatch/outputs.h"
#include "mewatch/surroundings.h"

#define ROUND_NS ME_NS_PER_S
#define DRAIN_NS (100 * ME_NS_PER_MS)
/* A ring that fills faster is read without a pause: this many records in one go. */
#define BUSY_RECORDS 2000

static const char usage[] =
	"usage: mewatch run [OPTION]…\n"
	"Watches this machine's outbound flows until it is told to stop.\n"
	"\n"
	"  -c, --config FILE       policy (" ME_DEFAULT_POLICY
	" if there, else the built-in profile)\n"
	"      --profile NAME      vendor profile, instead of the policy's\n"
	"      --cgroup PATH       watch this cgroup (several times; instead of the policy's)\n"
	"      --listen ADDR:PORT  metrics over HTTP (" ME_DEFAULT_LISTEN ")\n"
	"      --api-listen ADDR:PORT  the API over TCP (off)\n"
	"      --socket PATH       the API's Unix socket (" ME_DEFAULT_SOCKET ")\n"
	"      --textfile FILE     write the metrics there as well, once a round\n"
	"      --events FILE       append events as NDJSON; - is standard output\n"
	"      --state DIR         (" ME_DEFAULT_STATE ")\n"
	"      --pins DIR          on a BPF file system (" ME_DEFAULT_PINS ")\n"
	"  -v, --verbose           say more\n"
	"\n"
	"SIGHUP reads the policy again, SIGUSR1 opens the event file again, SIGTERM and SIGINT stop\n"
	"the daemon; what is attached goes on counting. `mewatch detach` removes it.\n";

enum {
	OPT_PROFILE = 256,
	OPT_CGROUP,
	OPT_LISTEN,
	OPT_API,
	OPT_SOCKET,
	OPT_TEXTFILE,
	OPT_EVENTS,
	OPT_STATE,
	OPT_PINS
};

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"profile", required_argument, NULL, OPT_PROFILE},
	{"cgroup", required_argument, NULL, OPT_CGROUP},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"api-listen", required_argument, NULL, OPT_API},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"textfile", required_argument, NULL, OPT_TEXTFILE},
	{"events", required_argument, NULL, OPT_EVENTS},
	{"state", required_argument, NULL, OPT_STATE},
	{"pins", required_argument, NULL, OPT_PINS},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{},
};

/* Where the argument of an option goes. NULL: it has another meaning. */
static const char **text_option(struct me_daemon_options *o, int option)
{
	switch (option) {
	case 'c':
		return &o->policy;
	case OPT_PROFILE:
		return &o->profile;
	case OPT_LISTEN:
		return &o->listen;
	case OPT_API:
		return &o->api_listen;
	case OPT_SOCKET:
		return &o->socket;
	case OPT_TEXTFILE:
		return &o->textfile;
	case OPT_EVENTS:
		return &o->events;
	case OPT_STATE:
		return &o->state;
	case OPT_PINS:
		return &o->pins;
	default:
		return NULL;
	}
}

/* -1: run. Otherwise an exit code. `o->cgroups` has room for every argument. */
static int parse(int argc, char **argv, struct me_daemon_options *o)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:vh", options, NULL)) != -1) {
		const char **text = text_option(o, option);

		if (text) {
			*text = optarg;
		} else if (option == OPT_CGROUP) {
			o->cgroups[o->n_cgroups++] = optarg;
		} else if (option == 'v') {
			me_log_set_level(ME_LOG_DEBUG);
		} else if (option == 'h') {
			fputs(usage, stdout);
			return ME_EXIT_OK;
		} else {
			return ME_EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	me_log_error("`%s`: no argument is expected; mewatch run --help", argv[optind]);
	return ME_EXIT_USAGE;
}

/* --- The loop ----------------------------------------------------------------------------------- */

struct loop {
	struct me_daemon *daemon;
	int epoll, signals, round, drain;
	bool stop;
};

static int add(const struct loop *loop, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};

	return fd < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int arm(int timer, uint64_t first_ns, uint64_t every_ns)
{
	struct itimerspec when = {
		.it_value = {first_ns / ME_NS_PER_S, first_ns % ME_NS_PER_S},
		.it_interval = {every_ns / ME_NS_PER_S, every_ns % ME_NS_PER_S},
	};

	return timerfd_settime(timer, 0, &when, NULL) ? -errno : 0;
}

static int loop_open(struct loop *loop)
{
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	loop->round = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	loop->drain = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->epoll < 0)
		return -errno;
	err = add(loop, loop->signals);
	if (!err)
		err = add(loop, loop->round);
	if (!err)
		err = add(loop, loop->drain);
	return err;
}

static void loop_close(struct loop *loop)
{
	me_closep(&loop->epoll);
	me_closep(&loop->signals);
	me_closep(&loop->round);
	me_closep(&loop->drain);
}

static void take_signals(struct loop *loop)
{
	struct signalfd_siginfo signal;

	while (read(loop->signals, &signal, sizeof(signal)) == sizeof(signal)) {
		if (signal.ssi_signo == SIGHUP)
			me_daemon_reload(loop->daemon);
		else if (signal.ssi_signo == SIGUSR1)
			me_outputs_reopen(loop->daemon);
		else
			loop->stop = true;
	}
}

static void take_event(struct loop *loop, int fd)
{
	uint64_t expired;

	if (fd == loop->signals) {
		take_signals(loop);
	} else if (fd == loop->round) {
		if (read(fd, &expired, sizeof(expired)) == sizeof(expired))
			me_daemon_round(loop->daemon);
	} else if (fd == loop->drain) {
		if (read(fd, &expired, sizeof(expired)) == sizeof(expired))
			arm(fd, me_daemon_drain(loop->daemon) > BUSY_RECORDS ? 1 : DRAIN_NS, 0);
	} else if (fd == me_surroundings_fd(loop->daemon->surroundings)) {
		me_surroundings_dispatch(loop->daemon->surroundings);
	} else {
		me_outputs_dispatch(loop->daemon);
	}
}

static int loop_run(struct loop *loop)
{
	struct epoll_event events[16];
	int err = add(loop, me_surroundings_fd(loop->daemon->surroundings));

	if (!err)
		err = me_outputs_watch(loop->daemon, loop->epoll);
	if (!err)
		err = arm(loop->round, 1, ROUND_NS);
	if (!err)
		err = arm(loop->drain, DRAIN_NS, 0);
	while (!err && !loop->stop) {
		int n = epoll_wait(loop->epoll, events, ME_ARRAY_SIZE(events),
				   me_outputs_timeout_ms(loop->daemon));

		if (n < 0 && errno != EINTR)
			err = -errno;
		if (!n)
			me_outputs_dispatch(loop->daemon);
		for (int i = 0; i < n && !loop->stop; i++)
			take_event(loop, events[i].data.fd);
	}
	return err;
}

int me_cmd_run(int argc, char **argv)
{
	_cleanup_free_ const char **cgroups = calloc(argc + 1, sizeof(*cgroups));
	struct me_daemon_options o = {.cgroups = cgroups,
				      .listen = ME_DEFAULT_LISTEN,
				      .socket = ME_DEFAULT_SOCKET,
				      .state = ME_DEFAULT_STATE,
				      .pins = ME_DEFAULT_PINS};
	_cleanup_(loop_close) struct loop loop = {
		.epoll = -1, .signals = -1, .round = -1, .drain = -1};
	struct me_daemon daemon;
	int code, err;

	if (!cgroups)
		return ME_EXIT_KERNEL;
	code = parse(argc, argv, &o);
	if (code >= 0)
		return code;
	err = loop_open(&loop);
	if (err) {
		me_log_error("the event loop: %s", strerror(-err));
		return ME_EXIT_KERNEL;
	}
	loop.daemon = &daemon;
	code = me_daemon_open(&daemon, &o);
	if (!code) {
		me_log_info("watching: policy generation %u, %zu cgroup(s)",
			    me_kernel_generation(daemon.kernel), daemon.n_watched);
		err = loop_run(&loop);
		if (err)
			me_log_error("the event loop: %s", strerror(-err));
		me_daemon_stop(&daemon);
		code = err ? ME_EXIT_KERNEL : ME_EXIT_OK;
	}
	me_daemon_close(&daemon);
	return code;
}
