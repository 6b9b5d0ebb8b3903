/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LEDGER_REQUESTS_H
#define MEWATCH_LEDGER_REQUESTS_H

/*
 * What clients asked a proxy for, and the flows that a proxy opened for it: the two halves of one
 * story, found from either. The proxy's flow is linked to a request for the same host and port that
 * came before it, the latest of those that still wait. Times are CLOCK_MONOTONIC. Not locked.
 */
#include <stddef.h>
#include <stdint.h>
#include "base/inet.h"
#include "base/strbuf.h"
#include "mewatch/abi.h"
#include "mewatch/request.h"

#define ME_REQUESTS_MAX 8192u                         /* the oldest makes room */
#define ME_REQUESTS_WAIT_NS (10ull * 1000000000ull)   /* for its flow, at most */
#define ME_REQUESTS_LOOKED_AT 64u                     /* of those for the same host and port */
#define ME_REQUESTS_PLACE_LEN (ME_INET_LEN + 2u + 6u) /* "[2001:db8::1]:443" */

struct me_requested {
	uint64_t flow;           /* id of the client's */
	uint64_t ts_ns;          /* of the record that told it */
	uint64_t upstream;       /* id of the proxy's flow; 0: none was seen */
	uint32_t asked_endpoint; /* that the policy has for it; 0: it lists nothing like that */
	struct me_addr proxy;    /* which was asked */
	char client[ME_REQUESTS_PLACE_LEN];      /* empty: not known */
	char upstream_to[ME_REQUESTS_PLACE_LEN]; /* whom the proxy's flow reached; empty: none */
	const char *host; /* as in struct me_request; borrowed by me_requests_put() */
	uint16_t port;
	const char *text; /* "CONNECT meupdate.gfi.com:443"; so is this */
};

struct me_requests;

/* NULL without memory. */
struct me_requests *me_requests_new(void);
void me_requests_free(struct me_requests **requests);

/* "192.0.2.1:443", or "[2001:db8::1]:443". */
void me_requests_place(const struct me_addr *address, uint16_t port,
		       char out[ME_REQUESTS_PLACE_LEN]);

/* A request as one line, without userinfo, query and fragment; a port that goes without saying too. */
void me_requests_text(const struct me_request *request, struct me_strbuf *out);

/* Remembers a request; one of the same flow is kept as it is. 0 or -ENOMEM. */
int me_requests_put(struct me_requests *requests, const struct me_requested *requested);

/* The request of a client's flow, or NULL. What is returned is valid until the next one is put. */
const struct me_requested *me_requests_of(const struct me_requests *requests, uint64_t flow);

/* The request for which the proxy opened that flow, or NULL. */
const struct me_requested *me_requests_behind(const struct me_requests *requests,
					      uint64_t upstream);

/* Of those for `host` and `port`: the latest that waits and came in time before `opened_ns`, or NULL. */
const struct me_requested *me_requests_waiting(const struct me_requests *requests, const char *host,
					       uint16_t port, uint64_t opened_ns);

/* A flow of the proxy's was opened for that request, to `to`. -ENOENT: it is gone. 0 or -ENOMEM. */
int me_requests_link(struct me_requests *requests, const struct me_requested *requested,
		     uint64_t upstream, const char *to);

size_t me_requests_count(const struct me_requests *requests);

/* Requests that had to make room while they waited for their flow. */
uint64_t me_requests_evicted(const struct me_requests *requests);

#endif
