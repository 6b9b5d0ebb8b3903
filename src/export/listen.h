/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_LISTEN_H
#define MEWATCH_EXPORT_LISTEN_H

/* Listening sockets, with errors that a person can act on. Each returns an fd or a negative errno. */
#include <stdbool.h>
#include "base/strbuf.h"

struct sockaddr;

int me_listen_tcp(const char *address, struct me_strbuf *error);
int me_listen_unix(const char *path, struct me_strbuf *error);

/* Whether two peers have the same IP address; over a Unix socket all are the same. */
bool me_listen_same_peer(const struct sockaddr *a, const struct sockaddr *b);

#endif
