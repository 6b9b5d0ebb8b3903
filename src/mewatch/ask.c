/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/ask.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/un.h>

#define STATUS_OK 200
#define STATUS_FORBIDDEN 403

void me_ask_add_encoded(struct me_strbuf *path, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
			me_strbuf_addc(path, (char)c);
		else
			me_strbuf_addf(path, "%%%02X", c);
	}
}

static size_t take_body(char *data, size_t size, size_t n, void *user)
{
	struct me_strbuf *body = user;

	if (n > ME_ASK_MAX - body->len)
		return 0; /* the library ends the transfer */
	me_strbuf_add(body, data, n);
	return body->err ? 0 : size * n;
}

static CURLcode set_up(CURL *curl, const char *socket, const char *url, struct me_strbuf *body)
{
	CURLcode failed = 0;

	failed |= curl_easy_setopt(curl, CURLOPT_URL, url);
	failed |= curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	failed |= curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	failed |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	failed |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	failed |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	failed |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ME_ASK_TIMEOUT_MS);
	failed |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	failed |= curl_easy_setopt(curl, CURLOPT_USERAGENT, "mewatch");
	return failed;
}

static int error_of(CURL *curl, CURLcode result, const struct me_strbuf *body)
{
	long value = 0;

	switch (result) {
	case CURLE_OK:
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &value);
		return value == STATUS_OK ? 0 : value == STATUS_FORBIDDEN ? -EACCES : -EPROTO;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &value);
		return value ? (int)-value : -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_WRITE_ERROR:
		return body->err ? body->err : -EMSGSIZE;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

static int ask(const char *socket, const char *path, bool post, struct me_strbuf *body)
{
	_cleanup_strbuf_ struct me_strbuf url = {0};
	size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);
	CURL *curl;
	int r;

	if (strlen(socket) >= room)
		return -ENAMETOOLONG;
	me_strbuf_addf(&url, "http://localhost%s", path);
	if (url.err)
		return url.err;
	curl = curl_easy_init();
	if (!curl)
		return -ENOMEM;
	r = set_up(curl, socket, url.data, body) ? -ENOMEM : 0;
	if (!r && post)
		r = curl_easy_setopt(curl, CURLOPT_POST, 1L) |
				    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L)
			    ? -ENOMEM
			    : 0;
	if (!r)
		r = error_of(curl, curl_easy_perform(curl), body);
	curl_easy_cleanup(curl);
	return r;
}

int me_ask(const char *socket, const char *path, struct me_strbuf *body)
{
	return ask(socket, path, false, body);
}

int me_ask_post(const char *socket, const char *path, struct me_strbuf *body)
{
	return ask(socket, path, true, body);
}
