/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_DIAL_H
#define MEWATCH_PROBE_DIAL_H

/*
 * Connections to addresses, many at once: how far each gets. The only user of the HTTP and TLS
 * library in this folder.
 */
#include <stddef.h>
#include <stdint.h>
#include "mewatch/address.h"
#include "probe/certificate.h"

#define ME_DIALS_AT_ONCE 512u /* and at most half of the files that may be open */
#define ME_DIAL_DETAIL_MAX 256u

struct me_dial {
	/* In */
	enum me_probe_method method; /* CONNECT, TLS, HTTP or FTP */
	const char *name;            /* for SNI, the certificate and Host; NULL: the address */
	struct me_addr address;      /* where to; through a proxy of meaning only without a name */
	uint16_t port;
	const char *proxy; /* "192.0.2.1:3128", "[2001:db8::1]:3128"; NULL: directly */
	/* Out */
	enum me_probe_outcome outcome;
	int status;                      /* of HTTP or FTP; 0: none */
	uint32_t ms;                     /* to the outcome, connection included */
	char detail[ME_DIAL_DETAIL_MAX]; /* raw: escaped on its way out */
	struct me_certificate certificate;
};

/*
 * Makes them all, and returns when each has an outcome: after `timeout_ns` at the latest, and as long
 * again for a look at a certificate that was refused. No redirection is followed, nothing is asked
 * but the addresses and the proxy, and the environment has no say. 0, -ENOMEM or -EIO.
 */
int me_dial_all(struct me_dial **dials, size_t n, uint64_t timeout_ns);

#endif
