/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_TRAFFIC_H
#define MEWATCH_SELFTEST_TRAFFIC_H

/*
 * The paths on which a process can send, each a function, against a peer that echoes (selftest/echo.h).
 * A path runs in a process of its own, leaves its sockets to the end of that, and ends it if it cannot
 * be done at all: ME_TRAFFIC_ABSENT, and "absent=WHAT" on the standard output, if the kernel has no such
 * thing; 1, and a line on the standard error, else. A send or connect that fails is part of the truth.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ME_TRAFFIC_ABSENT 77
#define ME_TRAFFIC_CHUNK 16384u /* bytes on their way before the echo is awaited */
#define ME_TRAFFIC_DEADLINE_S 5 /* for one answer */

/* What a path did, in the words of the monitor. */
struct me_truth {
	/*
	 * In: the folder of the control group, for paths that go to one; the station on the link that frames
	 * are for, or NULL: everybody; the address that packets of a tun device are from.
	 */
	const char *argument;
	const char *far; /* In: the network namespace of the far end, as a file */
	/* Of a network namespace that it has made: the cookie, and, in, whether its addresses are known. */
	uint64_t netns;
	volatile bool known;
	unsigned long attempts;  /* connects, or first datagrams of (socket, peer) */
	unsigned long accepted;  /* connections that the peer opened */
	unsigned long probes;    /* UDP connects */
	unsigned long datagrams; /* sent */
	unsigned long sent;      /* payload bytes */
	unsigned long received;  /* payload bytes */
	int error;               /* errno of the last call that failed, or 0 */
	uint64_t cookie;         /* of the last socket that no hook sees (SO_COOKIE) */
	/* Of a trick: the peer that shows what came of it, by what is learned of it if there is no port. */
	uint8_t to[16];
	uint16_t port;
	bool called; /* it is the peer who opens it: `attempts` are all that there are */
};

/* Where it goes; IPv4 and IPv6 as given, and IPv4 in mapped form on request. */
struct me_peer {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

typedef void me_traffic_fn(const struct me_peer *peer, unsigned long count, struct me_truth *truth);

struct me_traffic_path {
	const char *name;
	me_traffic_fn *run;
};

/* By the kind of socket; a path without a name ends each list. */
extern const struct me_traffic_path me_traffic_tcp[], me_traffic_udp[], me_traffic_uring[],
	me_traffic_raw[], me_traffic_task[], me_traffic_file[], me_traffic_tun[],
	me_traffic_netns[], me_traffic_xdp[];

/* The path of that name in one of the lists, or in any (`list` NULL); NULL: there is none. */
me_traffic_fn *me_traffic_find(const struct me_traffic_path *list, const char *name);

/* --- For the paths themselves ------------------------------------------------------------------- */

_Noreturn void me_traffic_absent(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Adds errno in words unless that is 0. */
_Noreturn void me_traffic_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An IPv4 peer as seen by an IPv6 socket; the peer `n` ports further on. */
struct me_peer me_peer_mapped(const struct me_peer *v4);
struct me_peer me_peer_next_port(const struct me_peer *peer, unsigned int n);

/* A socket whose receive calls give up after the deadline. */
int me_traffic_socket(int family, int type, int protocol);
/* Notes truth->cookie. */
void me_traffic_cookie(int fd, struct me_truth *truth);
/* Receives exactly `want` bytes from a stream. False at its end, at an error and at the deadline. */
bool me_traffic_receive(int fd, size_t want, struct me_truth *truth);
/* Ends a stream in order: our FIN, then everything up to the peer's. */
void me_traffic_finish(int fd, struct me_truth *truth);
/* Sends `bytes` to an echoing peer and receives them again. False if that did not work. */
bool me_traffic_echo(int fd, size_t bytes, struct me_truth *truth);
/* The same, and the stream ends in order. */
void me_traffic_exchange(int fd, size_t bytes, struct me_truth *truth);
/* One datagram from the peer, or the deadline. */
void me_traffic_await(int fd, struct me_truth *truth);

#endif
