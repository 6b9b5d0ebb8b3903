/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/api.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "export/prometheus.h"

#define OK 200u
#define BAD_REQUEST 400u
#define FORBIDDEN 403u
#define NOT_FOUND 404u
#define NOT_ALLOWED 405u
#define FAILED 500u

static unsigned int list(const struct me_api *api, const struct me_rows *rows,
			 const struct me_http_request *request, struct me_strbuf *body)
{
	_cleanup_strbuf_ struct me_strbuf error = {0};
	int r = me_view_list(rows, api->ledger, api->status(api->data), &request->query, body,
			     &error);

	if (r == 0)
		return OK;
	me_strbuf_free(body);
	me_view_error(r == -EINVAL && error.data ? error.data : strerror(-r), body);
	return r == -EINVAL ? BAD_REQUEST : FAILED;
}

static unsigned int v1(const struct me_api *api, const char *what,
		       const struct me_http_request *request, struct me_strbuf *body)
{
	static const struct me_rows *const lists[] = {&me_rows_flows, &me_rows_endpoints,
						      &me_rows_violations, &me_rows_dns};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lists); i++)
		if (!strcmp(what, lists[i]->path))
			return list(api, lists[i], request, body);
	if (!strcmp(what, "health"))
		return me_view_health(api->ledger, api->status(api->data), body) < 0 ? FAILED : OK;
	me_view_error("there is /v1/flows, /v1/endpoints, /v1/violations, /v1/dns and /v1/health",
		      body);
	return NOT_FOUND;
}

/* POST /v1/mode?set=enforce&for=10m */
static unsigned int set_mode(const struct me_api *api, const struct me_query *query,
			     struct me_strbuf *body)
{
	uint64_t for_ns = 0;
	int mode = -1;

	for (int i = 0; query->set && i < ME_MODE_COUNT; i++)
		if (!strcmp(query->set, me_mode_label((unsigned int)i)))
			mode = i;
	if (!query->set || (mode < 0 && strcmp(query->set, "policy"))) {
		me_view_error("`set`: expected monitor, shadow, enforce or policy", body);
		return BAD_REQUEST;
	}
	if (query->span &&
	    (mode < 0 || me_clock_parse_duration(query->span, &for_ns) < 0 || !for_ns)) {
		me_view_error("`for`: expected a duration such as 10m, with a mode", body);
		return BAD_REQUEST;
	}
	api->say(api->data, mode, for_ns);
	return me_view_health(api->ledger, api->status(api->data), body) < 0 ? FAILED : OK;
}

static unsigned int post(const struct me_api *api, const struct me_http_request *request,
			 struct me_strbuf *body)
{
	if (strcmp(request->path, "/v1/mode")) {
		me_view_error("only /v1/mode takes POST", body);
		return NOT_ALLOWED;
	}
	if (request->trusted)
		return set_mode(api, &request->query, body);
	me_view_error("only root, and who runs the daemon, may say that", body);
	return FORBIDDEN;
}

unsigned int me_api_answer(void *data, const struct me_http_request *request,
			   struct me_strbuf *body, const char **type)
{
	const struct me_api *api = data;

	if (request->post)
		return post(api, request, body);
	if (!strcmp(request->path, "/metrics")) {
		*type = ME_PROMETHEUS_TYPE;
		return me_prometheus_write(api->ledger, api->status(api->data), body) < 0 ? FAILED
											  : OK;
	}
	if (request->service == ME_HTTP_API && !strncmp(request->path, "/v1/", 4))
		return v1(api, request->path + 4, request, body);
	me_view_error(request->service == ME_HTTP_API ? "there is /v1/… and /metrics"
						      : "there is /metrics",
		      body);
	return NOT_FOUND;
}
