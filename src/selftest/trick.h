/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_TRICK_H
#define MEWATCH_SELFTEST_TRICK_H

/*
 * Tricks with DNS, names and FTP: a client and its server in one process, which says both sides of it.
 * The server's sockets are made first, at the far end and outside of the control group; then the process
 * becomes the mail host's. It runs as a path does (selftest/traffic.h).
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "selftest/traffic.h"

#define ME_TRICK_RESOLVER "198.51.100.2"
#define ME_TRICK_RESOLVER6 "2001:db8:51::2"
#define ME_TRICK_LISTING "127.0.0.5"         /* as block lists answer */
#define ME_TRICK_OTHER "198.19.255.53"       /* of the far end, and no resolver */
#define ME_TRICK_FTP "198.19.255.21"         /* listed for tcp/20 and tcp/21 */
#define ME_TRICK_DOH "1.1.1.1"               /* known for DNS over HTTPS; nobody answers */
#define ME_TRICK_NAME "www.selftest.example" /* listed for the ports 80, 443 and this one */
#define ME_TRICK_PORT 7000
#define ME_TRICK_WILDCARD "*.cdn.selftest.example" /* the same */
#define ME_TRICK_CDN "a.cdn.selftest.example"
#define ME_TRICK_STRANGER "www.stranger.example" /* not listed */
#define ME_TRICK_PENDING "2s"                    /* limits.pending */
#define ME_TRICK_LATE_MS 4000                    /* then that is over, and was noticed */
/* limits.ftp: as long as ME_TRAFFIC_DEADLINE_S, so a machine too slow for it does no trick at all */
#define ME_TRICK_FTP_LIFE "5s"
#define ME_TRICK_FTP_LATE_MS 5100 /* then that is over */

struct me_trick {
	int mail, far;      /* namespaces */
	const char *cgroup; /* the folder of the control group of the client */
	uint16_t number;    /* of this run */
	const char *target; /* an address of the far end, not listed: what the trick is about */
	struct me_truth *truth;
};

typedef void me_trick_fn(struct me_trick *trick);

struct me_trick_entry {
	const char *name;
	me_trick_fn *run;
};

/* An entry without a name ends each list. */
extern const struct me_trick_entry me_tricks_dns[], me_tricks_dns_not[], me_tricks_names[],
	me_tricks_ftp[];

/* NULL: there is none of that name. */
me_trick_fn *me_trick_find(const char *name);

/* --- For the tricks themselves ------------------------------------------------------------------- */

/* A socket of the server, bound, and listening if it is a stream; before me_trick_enter(). */
int me_trick_server(const struct me_trick *trick, int type, const char *address, uint16_t port);
/* One that calls instead. */
int me_trick_caller(const struct me_trick *trick, const char *address, uint16_t port);
void me_trick_enter(const struct me_trick *trick);
/* A socket of the mail host that listens. */
int me_trick_listen(const char *address, uint16_t port);
int me_trick_connect(const char *address, uint16_t port, int type);
/* Both ends of a connection to a server. */
void me_trick_pair(int server, const char *address, uint16_t port, int *ret_client,
		   int *ret_accepted);
void me_trick_send(int fd, const void *bytes, size_t size);
/* What comes first, at most `size` bytes; how many. */
size_t me_trick_receive(int fd, void *bytes, size_t size);
/* Passes all of it from one end to the other. */
void me_trick_pass(int from, int to, const void *bytes, size_t size);
/* What is opened to there next shows what came of it; what is learned of the address, if `port` is 0. */
void me_trick_note(struct me_trick *trick, const char *address, uint16_t port);
/* Opens that. Whether anybody is there does not matter. */
void me_trick_try(struct me_trick *trick, const char *address, uint16_t port);
/*
 * The caller, who is at `address` and `port`, calls and is heard; that shows what came of it, and that
 * there were no attempts but `attempts`.
 */
void me_trick_called(struct me_trick *trick, int listener, int caller, const char *address,
		     uint16_t port, unsigned long attempts);
struct me_peer me_trick_peer(const char *address, uint16_t port);

#endif
