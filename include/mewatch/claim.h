/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_CLAIM_H
#define MEWATCH_CLAIM_H

/* Whom a client names in the first bytes of a connection to port 80 or 443. */
#include "mewatch/hello.h"
#include "mewatch/http.h"

/*
 * Reads the first `length` bytes that a client sent to TCP port `port` (host order): a ClientHello to
 * 443, an HTTP request or a ClientHello to 80; other ports have no claims, NONE. Every field of
 * *ret is set. Who gets MORE asks again with more bytes of the same connection, and takes it for NONE
 * once there are ME_CLAIM_BYTES_MAX or no more will come. `data` may be NULL if `length` is 0.
 */
static inline void me_claim_parse(__u16 port, const __u8 *data, __u32 length, struct me_claim *ret)
{
	if (port == 443 || (port == 80 && length && data[0] == ME_TLS_HANDSHAKE))
		me_hello_parse(data, length, ret);
	else if (port == 80)
		me_http_parse(data, length, ret);
	else
		*ret = (struct me_claim){.kind = ME_CLAIM_NONE};
}

#endif
