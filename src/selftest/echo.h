/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_ECHO_H
#define MEWATCH_SELFTEST_ECHO_H

/*
 * The far side of the paths: a process that serves ports over IPv4 and IPv6 until its end, each of a
 * kind:
 *
 *	tcp, mptcp      echo every byte until the peer's FIN, then FIN
 *	reset           take a byte, then reset
 *	udp, udplite    echo every datagram from the address that it was sent to
 *	mute            take datagrams and stay silent
 */
#include <stdint.h>

struct me_echo;

struct me_echo_counts {
	unsigned long connections, datagrams, bytes;
	unsigned long unanswered; /* datagrams whose answer could not be sent */
};

int me_echo_new(struct me_echo **ret_echo);
/* 0; -ENOENT: no such kind; -EPROTONOSUPPORT and the like: the kernel has no such socket; others. */
int me_echo_serve(struct me_echo *echo, const char *kind, uint16_t port);
/* Serves until `stop` is readable (-1: for ever), and says what it saw. */
struct me_echo_counts me_echo_run(struct me_echo *echo, int stop);

#endif
