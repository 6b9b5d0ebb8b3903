/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any request has an answer that is well-formed, whose status fits, and that is the same once more. The
 * input is a path and a parameter a line, NAME=VALUE. A letter in front of the path: `m` it is asked of the
 * port for metrics, `p` it is sent by POST, by root, `o` as well, by somebody else.
 */
#include <jansson.h>
#include <stdbool.h>
#include "export/api.h"
#include "export/landing.h"
#include "export/prometheus.h"
#include "tests/fuzz/check.h"
#include "tests/unit/export/exposition.h"
#include "tests/unit/export/world.h"

#define FLOWS 40u
#define LIST_MAX 100000 /* rows that an answer has at the most */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world *world;
static unsigned int said;

static const struct me_status *status(void *data)
{
	return &((struct world *)data)->status;
}

/* Only what root sent comes here, and only what makes sense. */
static void say(void *data, int mode, uint64_t for_ns)
{
	check(mode >= -1 && mode < ME_MODE_COUNT && (mode >= 0 || !for_ns));
	said++;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	world = world_new(FLOWS);
	return 0;
}

/* The place of a parameter in the query, or NULL. */
static const char **parameter(struct me_query *query, const char *name)
{
	const struct {
		const char *name;
		const char **value;
	} all[] = {
		{"limit", &query->limit},   {"offset", &query->offset},   {"sort", &query->sort},
		{"desc", &query->desc},     {"filter", &query->filter},   {"name", &query->name},
		{"around", &query->around}, {"address", &query->address}, {"group", &query->group},
		{"unfold", &query->unfold}, {"since", &query->since},     {"set", &query->set},
		{"for", &query->span},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(all); i++)
		if (!strcmp(all[i].name, name))
			return all[i].value;
	return NULL;
}

/* Cuts `text` into the request. */
static void read_request(char *text, struct me_http_request *ret_request)
{
	struct me_http_request request = {.service = ME_HTTP_API};
	char *line = strsep(&text, "\n");

	request.path = line;
	if (*line && *line != '/') {
		request.service = *line == 'm' ? ME_HTTP_METRICS : ME_HTTP_API;
		request.trusted = *line == 'p';
		request.post = *line == 'p' || *line == 'o';
		request.path = line + 1;
	}
	while ((line = strsep(&text, "\n"))) {
		char *value = strchr(line, '=');
		const char **place;

		if (!value)
			continue;
		*value = '\0';
		place = parameter(&request.query, line);
		if (place)
			*place = value + 1;
	}
	*ret_request = request;
}

static bool is_list(const char *path)
{
	static const char *const lists[] = {"/v1/flows", "/v1/endpoints", "/v1/violations",
					    "/v1/dns"};

	for (size_t i = 0; i < ME_ARRAY_SIZE(lists); i++)
		if (!strcmp(path, lists[i]))
			return true;
	return false;
}

/* A list has as many rows as it says, and no more than were asked for. */
static void check_list(const json_t *root, const struct me_query *query)
{
	json_t *rows = NULL, *value;
	json_int_t matched = json_integer_value(json_object_get(root, "matched"));
	json_int_t total = json_integer_value(json_object_get(root, "total"));
	const char *key;

	json_object_foreach((json_t *)root, key, value)
		if (json_is_array(value) && (!strcmp(key, "flows") || !strcmp(key, "endpoints") ||
					     !strcmp(key, "violations") ||
					     !strcmp(key, "answers") || !strcmp(key, "groups")))
			rows = value;
	check(rows && matched >= 0 && matched <= total);
	if (json_object_get(root, "lines"))
		matched = json_integer_value(json_object_get(root, "lines"));
	check(json_array_size(rows) <= (size_t)matched);
	check(json_array_size(rows) <=
	      (query->limit ? strtoull(query->limit, NULL, 10) : LIST_MAX));
}

static void check_json(const struct me_strbuf *body, unsigned int code,
		       const struct me_http_request *request)
{
	json_t *root = json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES, NULL);

	check(json_is_object(root));
	check((code == 200) == !json_object_get(root, "error"));
	check((code == 200) == (json_object_get(root, "ts") != NULL));
	check(code != 403 || (request->post && !request->trusted));
	if (code == 200 && !request->post && is_list(request->path))
		check_list(root, &request->query);
	json_decref(root);
}

static void check_answer(const struct me_strbuf *body, const char *type, unsigned int code,
			 const struct me_http_request *request)
{
	check(!body->err && body->len && code >= 200 && code < 500);
	if (!strcmp(type, "application/json")) {
		check(request->service == ME_HTTP_API);
		check_json(body, code, request);
	} else if (!strcmp(type, ME_PROMETHEUS_TYPE)) {
		check(code == 200 && exposition_read(body->data));
	} else if (!strcmp(type, ME_LANDING_TYPE)) {
		check(code == 200 && !strncasecmp(body->data, "<!doctype html>", 15));
	} else {
		check(code == 404 && request->service == ME_HTTP_METRICS);
	}
	for (size_t i = 0; i < body->len; i++)
		check((uint8_t)body->data[i] >= ' ' || body->data[i] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	_cleanup_strbuf_ struct me_strbuf body = {0}, again = {0};
	struct me_api api = {.ledger = world->ledger, .data = world, .status = status, .say = say};
	const char *type = "application/json", *type_again = type;
	struct me_http_request request;
	unsigned int code;

	read_request(text, &request);
	said = 0;
	code = me_api_answer(&api, &request, &body, &type);
	check(said == (request.post && request.trusted && code == 200));
	check_answer(&body, type, code, &request);
	check(me_api_answer(&api, &request, &again, &type_again) == code && type == type_again);
	/* Health and metrics tell of this process as well. */
	if (!strcmp(type, ME_PROMETHEUS_TYPE) || request.post ||
	    !strcmp(request.path, "/v1/health"))
		return 0;
	check(body.len == again.len && !memcmp(body.data, again.data, body.len));
	return 0;
}
