/* SPDX-License-Identifier: GPL-2.0-only */
/* What is left afterwards, in a process of its own; the same for root and for others. */
#include "mewatch/privileges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/cleanup.h"

#define BIT(capability) (1ull << (capability))
#define KEPT                                                                                       \
	(BIT(CAP_BPF) | BIT(CAP_NET_ADMIN) | BIT(CAP_PERFMON) | BIT(CAP_DAC_READ_SEARCH) |         \
	 BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_ADMIN) | BIT(CAP_DAC_OVERRIDE))

/* A line of /proc/self/status that is a hexadecimal number. */
static uint64_t status(const char *key)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/status", "re");
	char line[256], format[32];
	unsigned long long value = UINT64_MAX;

	snprintf(format, sizeof(format), "%s:", key);
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, format, strlen(format)))
			value = strtoull(line + strlen(format), NULL, 16);
	return value;
}

/* Runs the checks in a child; which of them failed is its exit status, 0: none. */
static void in_child(int (*checks)(void))
{
	int how;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child)
		_exit(checks());
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how));
	assert_int_equal(WEXITSTATUS(how), 0);
}

static int sets(void)
{
	const uint64_t before = status("CapPrm"), bounds = status("CapBnd");
	const bool may_bound = status("CapEff") & BIT(CAP_SETPCAP);

	if (me_privileges_drop())
		return 1;
	if (status("NoNewPrivs") != 1)
		return 2;
	if (status("CapPrm") != (before & KEPT) || status("CapEff") != (before & KEPT))
		return 3;
	if (status("CapInh") || status("CapAmb"))
		return 4;
	return status("CapBnd") == (may_bound ? before & KEPT : bounds) ? 0 : 5;
}

static bool denied(int result)
{
	return result == -1 && errno == EPERM;
}

static int tries(void)
{
	const gid_t group = 1;

	if (me_privileges_drop())
		return 1;
	if (!denied(chroot("/")))
		return 2;
	if (!denied(setgroups(1, &group)))
		return 3;
	if (!denied(setresuid(1, 2, 3)))
		return 4;
	if (!denied(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1)))
		return 5;
	if (!denied(mknod("/tmp/mewatch-device", S_IFCHR | 0600, 0x103)))
		return 6;
	return denied(prctl(PR_CAPBSET_DROP, CAP_BPF, 0, 0, 0)) ? 0 : 7;
}

/* A second time there is nothing to give up. */
static int again(void)
{
	uint64_t before;

	if (me_privileges_drop())
		return 1;
	before = status("CapPrm");
	return me_privileges_drop() || status("CapPrm") != before ? 2 : 0;
}

static void what_is_left(void **state)
{
	in_child(sets);
}

static void what_can_no_longer_be_done(void **state)
{
	in_child(tries);
}

static void twice(void **state)
{
	in_child(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left),
		cmocka_unit_test(what_can_no_longer_be_done),
		cmocka_unit_test(twice),
	};

	return cmocka_run_group_tests_name("privileges", tests, NULL, NULL);
}
