/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch run: signals and the loop. One thread; the history is written by another (store/writer.h). */
#include <errno.h>
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
#include "mewatch/interfaces.h"
#include "mewatch/notify.h"
#include "mewatch/outputs.h"
#include "mewatch/privileges.h"
#include "mewatch/run_options.h"
#include "mewatch/surroundings.h"
#include "policy/policy.h"

#define ROUND_NS ME_NS_PER_S
#define DRAIN_NS (100 * ME_NS_PER_MS)
/* A ring that fills faster is read without a pause: this many records in one go. */
#define BUSY_RECORDS 2000

struct loop {
	struct me_daemon *daemon;
	struct me_notify notify;
	int epoll, signals, round, drain, watchdog;
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
	loop->watchdog = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->epoll < 0)
		return -errno;
	err = add(loop, loop->signals);
	if (!err)
		err = add(loop, loop->round);
	if (!err)
		err = add(loop, loop->drain);
	if (!err)
		err = add(loop, loop->watchdog);
	return err;
}

static void loop_close(struct loop *loop)
{
	me_closep(&loop->epoll);
	me_closep(&loop->signals);
	me_closep(&loop->round);
	me_closep(&loop->drain);
	me_closep(&loop->watchdog);
	me_notify_close(&loop->notify);
}

/* --- The service manager ------------------------------------------------------------------------- */

/* Without one, or with one that cannot be told, the daemon runs just the same. */
static void notify_open(struct loop *loop)
{
	int err = me_notify_open(&loop->notify);

	if (err)
		me_log_warning("NOTIFY_SOCKET: the service manager cannot be told: %s",
			       strerror(-err));
}

static void tell_ready(const struct loop *loop)
{
	const struct me_daemon *daemon = loop->daemon;
	char status[sizeof(daemon->last_error) + 64];

	if (*daemon->last_error)
		snprintf(status, sizeof(status), "policy generation %u stays in force: %s",
			 me_kernel_generation(daemon->kernel), daemon->last_error);
	else
		snprintf(status, sizeof(status),
			 "watching: policy generation %u, %zu cgroup(s), %zu interface(s)",
			 me_kernel_generation(daemon->kernel), daemon->n_watched,
			 daemon->policy->n_interfaces);
	me_notify_ready(&loop->notify, status);
}

/* An exit code in the words of errno(3); what exactly was wrong is in the log. */
static void tell_failed(const struct loop *loop, int code)
{
	static const int errors[] = {
		[ME_EXIT_USAGE] = EINVAL, [ME_EXIT_KERNEL] = EOPNOTSUPP, [ME_EXIT_STATE] = EBUSY};

	me_notify_failed(&loop->notify, errors[code], "the start failed; the log says why");
}

static void reload(const struct loop *loop)
{
	/* The loop stands until it is over: all of the time that the watchdog allows is for that. */
	if (loop->notify.watchdog_ns)
		me_notify_alive(&loop->notify);
	me_notify_reloading(&loop->notify);
	me_daemon_reload(loop->daemon);
	tell_ready(loop);
}

/* --- The loop ------------------------------------------------------------------------------------ */

static void take_signals(struct loop *loop)
{
	struct signalfd_siginfo signal;

	while (read(loop->signals, &signal, sizeof(signal)) == sizeof(signal)) {
		if (signal.ssi_signo == SIGHUP)
			reload(loop);
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
	} else if (fd == loop->watchdog) {
		if (read(fd, &expired, sizeof(expired)) == sizeof(expired))
			me_notify_alive(&loop->notify);
	} else if (fd == me_surroundings_fd(loop->daemon->surroundings)) {
		me_surroundings_dispatch(loop->daemon->surroundings);
	} else if (fd == me_interfaces_fd(loop->daemon->interfaces)) {
		me_interfaces_dispatch(loop->daemon->interfaces);
	} else {
		me_outputs_dispatch(loop->daemon);
	}
}

static int loop_run(struct loop *loop)
{
	struct epoll_event events[16];
	int err = add(loop, me_surroundings_fd(loop->daemon->surroundings));

	if (!err)
		err = add(loop, me_interfaces_fd(loop->daemon->interfaces));
	if (!err)
		err = me_outputs_watch(loop->daemon, loop->epoll);
	if (!err)
		err = arm(loop->round, 1, ROUND_NS);
	if (!err)
		err = arm(loop->drain, DRAIN_NS, 0);
	if (!err)
		err = arm(loop->watchdog, loop->notify.watchdog_ns, loop->notify.watchdog_ns);
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

/* From here on nobody's bytes are read with more than watching needs. */
static int drop_privileges(void)
{
	int err = me_privileges_drop();

	if (!err)
		return ME_EXIT_OK;
	me_log_error("privileges that are not needed cannot be given up: %s", strerror(-err));
	return ME_EXIT_KERNEL;
}

int me_cmd_run(int argc, char **argv)
{
	_cleanup_free_ const char **words = calloc(ME_RUN_LISTS * (argc + 1), sizeof(*words));
	struct me_daemon_options o;
	_cleanup_(loop_close) struct loop loop = {.notify = {.fd = -1},
						  .epoll = -1,
						  .signals = -1,
						  .round = -1,
						  .drain = -1,
						  .watchdog = -1};
	struct me_daemon daemon;
	int code, err;

	if (!words)
		return ME_EXIT_KERNEL;
	code = me_run_options(argc, argv, words, &o);
	if (code >= 0)
		return code;
	err = loop_open(&loop);
	if (err) {
		me_log_error("the event loop: %s", strerror(-err));
		return ME_EXIT_KERNEL;
	}
	notify_open(&loop);
	loop.daemon = &daemon;
	code = me_daemon_open(&daemon, &o);
	if (!code)
		code = drop_privileges();
	if (code) {
		tell_failed(&loop, code);
	} else {
		me_log_info("watching: policy generation %u, %zu cgroup(s), %zu interface(s)",
			    me_kernel_generation(daemon.kernel), daemon.n_watched,
			    daemon.policy->n_interfaces);
		tell_ready(&loop);
		err = loop_run(&loop);
		if (err) {
			me_log_error("the event loop: %s", strerror(-err));
			me_notify_failed(&loop.notify, -err, "the event loop");
		}
		me_notify_stopping(&loop.notify);
		me_daemon_stop(&daemon);
		code = err ? ME_EXIT_KERNEL : ME_EXIT_OK;
	}
	me_daemon_close(&daemon);
	return code;
}
