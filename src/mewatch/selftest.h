/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_SELFTEST_H
#define MEWATCH_MEWATCH_SELFTEST_H

/*
 * mewatch selftest: the daemon over a network of its own (selftest/network.h), whose gateway it is on. It
 * watches lan0, with the mail host behind it, and a control group, whose processes are in the namespace
 * of the mail host. What it makes has one name, mewatch-selftest-PID: a control group, pins, and a folder
 * below /run that is locked as long as it runs.
 */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include <stdbool.h>
#include "mewatch/daemon.h"
#include "selftest/errand.h"
#include "selftest/network.h"
#include "selftest/sight.h"
#include "selftest/tap.h"

#define ME_SELFTEST_NAME "mewatch-selftest-"
#define ME_SELFTEST_RUN "/run"
#define ME_SELFTEST_TICK_MS 20 /* between two looks at what is to be seen */

/* What the daemon is told; they live as long as it does. */
struct me_selftest_paths {
	char policy[192], state[192], socket[192], events[192];
	char cgroup[128];
	const char *watched; /* cgroup */
};

struct me_selftest {
	char name[64];
	char run[128]; /* the folder */
	char pins[128];
	char *group; /* the folder of the control group; in it are `watched` and `other` */
	char watched[512], other[512];
	int lock;
	int signals; /* a signal that ends it was sent */
	bool stopped;
	struct me_network network;
	struct me_errand far,
		mail; /* who serves in the far namespace, and who keeps that of the mail host */
	struct me_tap *tap;
	struct me_selftest_paths paths;
	struct me_daemon daemon;
	bool opened;   /* the daemon, at least in part */
	uint16_t used; /* addresses of the far end */
};

/* selftest_stage.c */

/* Makes everything. 0 or an exit code (logged); to be ended either way. */
int me_selftest_begin(struct me_selftest *selftest);
void me_selftest_end(struct me_selftest *selftest);
/* Lets the daemon do what waits for it, for so long. False: a signal says that it is enough. */
bool me_selftest_attend(struct me_selftest *selftest, int ms);

/* selftest_run.c */

/* Measures a path from one vantage. 0 or a negative errno (logged), -EINTR: a signal. */
int me_selftest_path(struct me_selftest *selftest, const struct me_path *path,
		     enum me_vantage vantage, struct me_seen *ret_seen);

/* Attempts by vantage, judged or not. */
struct me_selftest_counts {
	uint64_t attempts[ME_VANTAGE_KERNEL_COUNT];
	uint64_t allowed[ME_VANTAGE_KERNEL_COUNT];
	uint64_t violations[ME_VANTAGE_KERNEL_COUNT];
	uint64_t denied[ME_VANTAGE_KERNEL_COUNT];
};

struct me_selftest_counts me_selftest_count(struct me_daemon *daemon);

/*
 * Waits until the process has done it; or, for what is dropped on its way, that it has been: the process
 * may wait for an answer for long. `run` and `before` may be NULL. 0, -EINTR.
 */
int me_selftest_await(struct me_selftest *selftest, struct me_errand *errand,
		      const struct me_run *run, const struct me_selftest_counts *before);
/* Why it did not do it. */
void me_selftest_not_done(const struct me_errand *errand, struct me_seen *ret_seen);

/* selftest_trick.c: the same as me_selftest_path(). */
int me_selftest_trick(struct me_selftest *selftest, const struct me_path *path,
		      enum me_vantage vantage, struct me_seen *ret_seen);

/* selftest_print.c: standard output. 0 or a negative errno. */

/* Only what is declared. */
int me_selftest_print_list(bool json);
void me_selftest_print_row(const struct me_path_row *row);
int me_selftest_print_sums(const struct me_path_row *rows, size_t n);
int me_selftest_print_json(const struct me_path_row *rows, size_t n);

#endif
