/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static _Atomic enum me_log_level threshold = ME_LOG_INFO;

void me_log_set_level(enum me_log_level level)
{
	threshold = level;
}

void me_log(enum me_log_level level, const char *format, ...)
{
	static const char *const label[] = {
		[ME_LOG_ERROR] = "error",
		[ME_LOG_WARNING] = "warning",
		[ME_LOG_INFO] = "info",
		[ME_LOG_DEBUG] = "debug",
	};
	int saved = errno;
	va_list arguments;

	if (level > threshold)
		return;
	/* One lock around the parts keeps lines of several threads whole. */
	flockfile(stderr);
	fprintf(stderr, "%s: %s: ", program_invocation_short_name, label[level]);
	errno = saved;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	putc_unlocked('\n', stderr);
	funlockfile(stderr);
	errno = saved;
}
