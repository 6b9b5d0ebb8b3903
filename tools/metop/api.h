/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_API_H
#define METOP_API_H

/*
 * Requests to the daemon that run beside everything else. The only place that knows the HTTP
 * library. Several kinds of request, at most one of each under way.
 */
#include <stdbool.h>
#include <stddef.h>
#include "metop/source.h"

#define ME_API_SILENT_S 10           /* without a byte: it is stuck */
#define ME_API_WHOLE_S 60            /* for an answer, whole */
#define ME_API_BODY_MAX (256u << 20) /* a longer answer is refused */

enum me_api_kind {
	ME_API_HEALTH,
	ME_API_LIST,
	ME_API_NAMES,
	ME_API_STORY,
	ME_API_NEWS,
	ME_API_KINDS
};

struct me_api;

struct me_reply {
	enum me_api_kind kind;
	long status; /* HTTP; 0: there was no answer, and `trouble` says why */
	char *body;
	size_t len;
	struct me_trouble trouble;
};

void me_reply_free(struct me_reply *reply);
#define _cleanup_reply_ _cleanup_(me_reply_free)

/* Speaks to `source`, which is borrowed. 0, -EINVAL (no such URL, socket path too long), -ENOMEM. */
int me_api_new(const struct me_source *source, struct me_api **ret_api);
/* Refuses answers of more than `bytes` from now on; at first ME_API_BODY_MAX. */
void me_api_limit(struct me_api *api, size_t bytes);
void me_api_free(struct me_api **api);
ME_DEFINE_CLEANUP(struct me_api *, me_api_free)
#define _cleanup_api_ _cleanup_(me_api_freep)

/* Asks for `path` ("/v1/…"), instead of what of this kind is under way. 0 or -ENOMEM. */
int me_api_start(struct me_api *api, enum me_api_kind kind, const char *path);
void me_api_cancel(struct me_api *api, enum me_api_kind kind);
bool me_api_busy(const struct me_api *api, enum me_api_kind kind);

/*
 * Moves the requests on, and waits until one has news, one of `fds` can be read, or the time is up.
 * Says of each fd whether it can be read. 0, or -EIO.
 */
int me_api_wait(struct me_api *api, const int *fds, bool *ret_ready, size_t n, int timeout_ms);

/* Takes the next reply, for me_reply_free(). False: there is none yet. */
bool me_api_next(struct me_api *api, struct me_reply *ret_reply);

#endif
