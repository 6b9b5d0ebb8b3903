/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_CONCLUDE_H
#define MEWATCH_PROBE_CONCLUDE_H

/* What the end of a connection means. Pure: no library is known here. */
#include "probe/dial.h"

enum me_dial_end_kind {
	ME_END_DONE,
	ME_END_NO_CONNECTION, /* `error` says why */
	ME_END_TIMEOUT,
	ME_END_CUT,          /* connected, and then closed or reset */
	ME_END_NO_HANDSHAKE, /* of TLS */
	ME_END_NONSENSE,     /* what answers speaks something else */
	ME_END_INTERNAL,
};

struct me_dial_end {
	enum me_dial_end_kind kind;
	const char *said;     /* by the library, in words */
	int error;            /* an errno; 0: not known */
	bool connected;       /* to the address, or to the proxy */
	int proxy_status;     /* what the proxy said to CONNECT; 0: nothing */
	int status;           /* of HTTP; 0: none */
	const char *redirect; /* the host that it leads to, or NULL */
};

/* Sets outcome, status and detail; the problem of the certificate is set already. */
void me_dial_conclude(struct me_dial *dial, const struct me_dial_end *end);

/* The same of FTP: what me_greeting_read() said, but 0. */
void me_dial_greeted(struct me_dial *dial, int code);

#endif
