/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <sys/un.h>
#include <curl/curl.h>
#include "metop/api.h"

#define FDS_MAX 4

struct request {
	const struct me_api *api;
	CURL *easy;
	struct me_strbuf body;
	bool busy;
};

struct me_api {
	const struct me_source *source;
	CURLM *multi;
	struct request requests[ME_API_KINDS];
	char *base; /* of the URL, without a slash at the end */
	size_t body_max;
};

void me_reply_free(struct me_reply *reply)
{
	free(reply->body);
	me_trouble_free(&reply->trouble);
	*reply = (struct me_reply){0};
}

void me_api_free(struct me_api **api)
{
	if (!*api)
		return;
	for (size_t i = 0; i < ME_API_KINDS; i++) {
		me_api_cancel(*api, (enum me_api_kind)i);
		curl_easy_cleanup((*api)->requests[i].easy);
		me_strbuf_free(&(*api)->requests[i].body);
	}
	curl_multi_cleanup((*api)->multi);
	free((*api)->base);
	free(*api);
	*api = NULL;
}

static size_t take_body(char *data, size_t size, size_t n, void *user)
{
	struct request *request = user;

	if (n > request->api->body_max - request->body.len)
		return 0; /* the library ends the transfer */
	me_strbuf_add(&request->body, data, n);
	return request->body.err ? 0 : size * n;
}

static int set_up(const struct me_api *api, struct request *request)
{
	CURLcode failed = 0;

	request->api = api;
	request->easy = curl_easy_init();
	if (!request->easy)
		return -ENOMEM;
	failed |= curl_easy_setopt(request->easy, CURLOPT_PRIVATE, request);
	failed |= curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, take_body);
	failed |= curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
	failed |= curl_easy_setopt(request->easy, CURLOPT_CONNECTTIMEOUT, (long)ME_API_SILENT_S);
	failed |= curl_easy_setopt(request->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	failed |= curl_easy_setopt(request->easy, CURLOPT_LOW_SPEED_TIME, (long)ME_API_SILENT_S);
	failed |= curl_easy_setopt(request->easy, CURLOPT_TIMEOUT, (long)ME_API_WHOLE_S);
	failed |= curl_easy_setopt(request->easy, CURLOPT_PATH_AS_IS, 1L);
	failed |= curl_easy_setopt(request->easy, CURLOPT_NOSIGNAL, 1L);
	failed |= curl_easy_setopt(request->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	failed |= curl_easy_setopt(request->easy, CURLOPT_USERAGENT, "metop");
	if (api->source->socket) {
		failed |= curl_easy_setopt(request->easy, CURLOPT_UNIX_SOCKET_PATH,
					   api->source->socket);
		failed |= curl_easy_setopt(request->easy, CURLOPT_NOPROXY, "*");
	}
	return failed ? -ENOMEM : 0;
}

/* Whether it is a URL that we can put a path behind. */
static bool is_base(const char *url)
{
	CURLU *parts = curl_url();
	char *scheme = NULL;
	bool good;

	good = parts && !curl_url_set(parts, CURLUPART_URL, url, 0) &&
	       !curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) &&
	       (!strcmp(scheme, "http") || !strcmp(scheme, "https"));
	curl_free(scheme);
	curl_url_cleanup(parts);
	return good;
}

int me_api_new(const struct me_source *source, struct me_api **ret_api)
{
	_cleanup_api_ struct me_api *api = calloc(1, sizeof(*api));
	const char *base = source->socket ? "http://localhost" : source->url;
	size_t len = strlen(base);

	if (!api)
		return -ENOMEM;
	api->source = source;
	api->body_max = ME_API_BODY_MAX;
	if (source->socket) {
		size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);

		if (!*source->socket || strlen(source->socket) >= room)
			return -EINVAL;
	} else if (!is_base(base)) {
		return -EINVAL;
	}
	while (len && base[len - 1] == '/')
		len--;
	api->base = strndup(base, len);
	api->multi = curl_multi_init();
	if (!api->base || !api->multi)
		return -ENOMEM;
	for (size_t i = 0; i < ME_API_KINDS; i++) {
		int r = set_up(api, &api->requests[i]);

		if (r < 0)
			return r;
	}
	*ret_api = me_steal_ptr(&api);
	return 0;
}

void me_api_limit(struct me_api *api, size_t bytes)
{
	api->body_max = bytes;
}

void me_api_cancel(struct me_api *api, enum me_api_kind kind)
{
	struct request *request = &api->requests[kind];

	if (request->busy)
		curl_multi_remove_handle(api->multi, request->easy);
	request->busy = false;
}

bool me_api_busy(const struct me_api *api, enum me_api_kind kind)
{
	return api->requests[kind].busy;
}

int me_api_start(struct me_api *api, enum me_api_kind kind, const char *path)
{
	struct request *request = &api->requests[kind];
	_cleanup_strbuf_ struct me_strbuf url = {0};

	me_api_cancel(api, kind);
	me_strbuf_free(&request->body);
	me_strbuf_addf(&url, "%s%s", api->base, path);
	if (url.err || curl_easy_setopt(request->easy, CURLOPT_URL, url.data) ||
	    curl_multi_add_handle(api->multi, request->easy))
		return -ENOMEM;
	request->busy = true;
	return 0;
}

int me_api_wait(struct me_api *api, const int *fds, bool *ret_ready, size_t n, int timeout_ms)
{
	struct curl_waitfd extra[FDS_MAX] = {0};
	int running, busy = 0;

	if (n > FDS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		extra[i] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
	for (size_t i = 0; i < ME_API_KINDS; i++)
		busy += api->requests[i].busy;
	if (curl_multi_perform(api->multi, &running))
		return -EIO;
	/* What has ended already (a failed connection does at once) is not to be waited for. */
	if (running < busy)
		timeout_ms = 0;
	if (curl_multi_poll(api->multi, extra, (unsigned int)n, timeout_ms, NULL) ||
	    curl_multi_perform(api->multi, &running))
		return -EIO;
	for (size_t i = 0; i < n; i++)
		ret_ready[i] = extra[i].revents;
	return 0;
}

static void explain(const struct me_api *api, const struct request *request, CURLcode result,
		    struct me_trouble *trouble)
{
	curl_off_t took_us = 0;
	long error = 0;

	curl_easy_getinfo(request->easy, CURLINFO_TOTAL_TIME_T, &took_us);
	if (result == CURLE_OPERATION_TIMEDOUT) {
		bool slow = took_us >= (ME_API_WHOLE_S - 1) * 1000000ll;

		me_trouble_silent(trouble, api->source, slow ? ME_API_WHOLE_S : ME_API_SILENT_S);
		return;
	}
	if (result == CURLE_WRITE_ERROR && !request->body.err) {
		me_trouble_explain(trouble, api->source, 0, "an answer that is far too long");
		return;
	}
	curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
	/* An old number may stand there when the connection itself was made. */
	if (result != CURLE_COULDNT_CONNECT)
		error = 0;
	me_trouble_explain(trouble, api->source, (int)error, curl_easy_strerror(result));
}

bool me_api_next(struct me_api *api, struct me_reply *ret_reply)
{
	struct me_reply reply = {0};
	struct request *request;
	const CURLMsg *message;
	CURLcode result;
	int left;

	message = curl_multi_info_read(api->multi, &left);
	if (!message)
		return false;
	result = message->data.result;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
	reply.kind = (enum me_api_kind)(request - api->requests);
	if (result == CURLE_OK) {
		curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &reply.status);
		reply.len = request->body.len;
		reply.body = me_steal_ptr(&request->body.data);
		me_strbuf_free(&request->body);
	} else {
		explain(api, request, result, &reply.trouble);
	}
	me_api_cancel(api, reply.kind);
	*ret_reply = reply;
	return true;
}
