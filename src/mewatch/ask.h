/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_ASK_H
#define MEWATCH_MEWATCH_ASK_H

/* A question to the daemon's API. The only user of the HTTP library in this folder. */
#include "base/strbuf.h"

#define ME_ASK_TIMEOUT_MS 5000 /* for an answer, whole */
#define ME_ASK_MAX (16u << 20) /* bytes of an answer; a longer one is refused */

/* Appends the value of a parameter to a path, encoded (RFC 3986, section 2.3). */
void me_ask_add_encoded(struct me_strbuf *path, const char *text);

/*
 * Asks for `path` ("/v1/…") on the Unix socket `socket`, and appends what is answered to `body`. 0;
 * what connect(2) said; -ENAMETOOLONG (of the socket), -ETIMEDOUT, -EMSGSIZE, -EPROTO (not HTTP, or
 * another status than 200), -ENOMEM.
 */
int me_ask(const char *socket, const char *path, struct me_strbuf *body);

/* The same as POST without a body; -EACCES: not for this user. */
int me_ask_post(const char *socket, const char *path, struct me_strbuf *body);

#endif
