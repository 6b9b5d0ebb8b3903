/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes are a request to a proxy or none, and more of them change nothing that is decided. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "mewatch/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* The request of exactly these bytes, so that a look behind them is seen. */
static struct me_request parse(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *copy = malloc(size);
	struct me_request request, empty;

	if (size)
		memcpy(copy, data, size);
	memset(&request, 0xa5, sizeof(request));
	me_request_parse(copy, (uint32_t)size, &request);
	empty = (struct me_request){.kind = request.kind};
	if (request.kind < ME_REQUEST_CONNECT) {
		check(!memcmp(&request, &empty, sizeof(empty)));
		return request;
	}
	check(request.kind <= ME_REQUEST_ABSOLUTE && request.scheme <= ME_REQUEST_FTP);
	check(request.port && request.method[0] && request.host[0]);
	check(strnlen(request.method, sizeof(request.method)) < sizeof(request.method));
	check(strnlen(request.host, sizeof(request.host)) < sizeof(request.host));
	check(strnlen(request.path, sizeof(request.path)) == request.path_length);
	check((request.kind == ME_REQUEST_CONNECT) == !strcmp(request.method, "CONNECT"));
	check(request.kind == ME_REQUEST_ABSOLUTE || (!request.path_length && !request.scheme));
	check(!request.path_length || request.path[0] == '/');
	check(!strpbrk(request.path, "?# ") && !strpbrk(request.host, "@/?#[] "));
	return request;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct me_request whole = parse(data, size);

	for (size_t n = 0; n < size && n < 128; n++) {
		struct me_request part = parse(data, n);

		check(part.kind == ME_REQUEST_MORE || !memcmp(&part, &whole, sizeof(part)));
	}
	return 0;
}
