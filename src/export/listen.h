/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_LISTEN_H
#define MEWATCH_EXPORT_LISTEN_H

/* Listening sockets, with errors that a person can act on. Each returns an fd or a negative errno. */
#include "base/strbuf.h"

int me_listen_tcp(const char *address, struct me_strbuf *error);
int me_listen_unix(const char *path, struct me_strbuf *error);

#endif
