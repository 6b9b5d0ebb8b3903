/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/api.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "export/landing.h"
#include "export/prometheus.h"
#include "export/story.h"

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

/* The story of one row. */
static unsigned int story(const struct me_api *api, const char *what, struct me_strbuf *body)
{
	int r = me_story_write(api->ledger, api->status(api->data), what, body);

	if (r == 0)
		return OK;
	me_strbuf_free(body);
	if (r != -ENOENT && r != -ENOTTY)
		me_view_error(strerror(-r), body);
	else if (r == -ENOENT)
		me_view_error("nothing is known of this one: /v1/flows/ID, "
			      "/v1/endpoints/SERVICE/ENDPOINT, /v1/violations/EVENT-ID",
			      body);
	else
		me_view_error(
			"there is /v1/flows, /v1/endpoints, /v1/violations, /v1/dns and /v1/health",
			body);
	return r == -ENOENT || r == -ENOTTY ? NOT_FOUND : FAILED;
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
	return story(api, what, body);
}

static unsigned int metrics(const struct me_api *api, struct me_strbuf *body, const char **type)
{
	*type = ME_PROMETHEUS_TYPE;
	return me_prometheus_write(api->ledger, api->status(api->data), body) < 0 ? FAILED : OK;
}

/* The metrics port: people look at it too, so what is no metric is a page or plain text. */
static unsigned int metrics_port(const struct me_api *api, const struct me_http_request *request,
				 struct me_strbuf *body, const char **type)
{
	if (!strcmp(request->path, "/metrics"))
		return metrics(api, body, type);
	if (!strcmp(request->path, "/")) {
		*type = ME_LANDING_TYPE;
		return me_landing_write(api->status(api->data), body) < 0 ? FAILED : OK;
	}
	me_http_refuse(request->service, "there is / and /metrics", body, type);
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
	if (request->service == ME_HTTP_METRICS)
		return metrics_port(api, request, body, type);
	if (!strcmp(request->path, "/metrics"))
		return metrics(api, body, type);
	if (!strncmp(request->path, "/v1/", 4))
		return v1(api, request->path + 4, request, body);
	me_http_refuse(request->service, "there is /v1/… and /metrics", body, type);
	return NOT_FOUND;
}
