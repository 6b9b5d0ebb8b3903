/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic enum me_log_level threshold = ME_LOG_INFO;
static _Atomic bool to_journal;

void me_log_set_level(enum me_log_level level)
{
	threshold = level;
}

void me_log_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[sizeof("18446744073709551615:18446744073709551615")];
	struct stat st;

	/* Another program may stand between: then the variable names what is not our stderr. */
	if (!stream || fstat(STDERR_FILENO, &st))
		return;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	to_journal = !strcmp(own, stream);
}

void me_log(enum me_log_level level, const char *format, ...)
{
	static const struct {
		const char *label;
		int priority; /* of syslog(3) */
	} levels[] = {
		[ME_LOG_ERROR] = {"error", 3},
		[ME_LOG_WARNING] = {"warning", 4},
		[ME_LOG_INFO] = {"info", 6},
		[ME_LOG_DEBUG] = {"debug", 7},
	};
	int saved = errno;
	va_list arguments;

	if (level > threshold)
		return;
	/* One lock around the parts keeps lines of several threads whole. */
	flockfile(stderr);
	if (to_journal)
		fprintf(stderr, "<%d>%s: ", levels[level].priority, levels[level].label);
	else
		fprintf(stderr, "%s: %s: ", program_invocation_short_name, levels[level].label);
	errno = saved;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	putc_unlocked('\n', stderr);
	funlockfile(stderr);
	errno = saved;
}
