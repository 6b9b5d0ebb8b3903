/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_NOTIFY_H
#define MEWATCH_MEWATCH_NOTIFY_H

/*
 * Tells the service manager how the daemon is (sd_notify(3)); without one every function does nothing.
 * The protocol is one datagram, kept stable by systemd for programs that do not link its library, which
 * would bring compression and cryptography into a privileged process.
 */
#include <stdint.h>

struct me_notify {
	int fd; /* -1: nobody listens */
	uint64_t
		watchdog_ns; /* how often a sign of life is due, half of what is allowed; 0: never */
};

/*
 * Reads NOTIFY_SOCKET (a path, or @ and an abstract name), WATCHDOG_USEC and WATCHDOG_PID. 0, or a negative
 * errno of a socket that cannot be reached; then *ret_notify is one to which nobody listens.
 */
int me_notify_open(struct me_notify *ret_notify);
void me_notify_close(struct me_notify *notify);

/* `status` is shown by systemctl(1); all control characters in it become spaces. */
void me_notify_ready(const struct me_notify *notify, const char *status);
/* The policy is being read again; me_notify_ready() ends it, however it ended. */
void me_notify_reloading(const struct me_notify *notify);
void me_notify_stopping(const struct me_notify *notify);
/* Why it will end: `error` is an errno, not negative. */
void me_notify_failed(const struct me_notify *notify, int error, const char *status);
void me_notify_alive(const struct me_notify *notify);

#endif
