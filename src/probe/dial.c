/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/dial.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/inet.h"
#include "probe/conclude.h"
#include "probe/greeting.h"

#define URL_MAX 512
#define POLL_MS 100 /* at the most between two looks at the time */

/* A dial under way. */
struct line {
	struct me_dial *dial;
	CURL *curl;
	struct curl_slist *connect_to;
	enum me_trust trust;
	char error[CURL_ERROR_SIZE];
	uint64_t begun_ns;
	char *greeting; /* of FTP, once connected; else NULL */
	size_t n_greeting;
};

struct dialer {
	CURLM *multi;
	struct line *lines;
	struct line **listening; /* for a greeting */
	struct curl_waitfd *fds; /* of these */
	size_t n_listening;
	size_t active;
	uint64_t timeout_ns;
};

/* --- Setting up --------------------------------------------------------------------------------- */

/* The address as it is in a URL. */
static void format_host(const struct me_addr *address, char out[ME_INET_LEN + 2])
{
	char text[ME_INET_LEN];

	me_inet_format(address->byte, text);
	snprintf(out, ME_INET_LEN + 2, me_addr_is_v4(address) ? "%s" : "[%s]", text);
}

/* Where to: directly by address, whatever the name means elsewhere; through a proxy by name. */
static CURLcode set_destination(struct line *line)
{
	const struct me_dial *dial = line->dial;
	char host[ME_INET_LEN + 2], url[URL_MAX], proxy[URL_MAX];
	CURLcode failed = 0;

	format_host(&dial->address, host);
	snprintf(url, sizeof(url), "%s://%s:%u/",
		 dial->method == ME_PROBE_BY_TLS ? "https" : "http", dial->name ?: host,
		 dial->port);
	failed |= curl_easy_setopt(line->curl, CURLOPT_URL, url);
	snprintf(proxy, sizeof(proxy), "http://%s", dial->proxy ?: "");
	failed |= curl_easy_setopt(line->curl, CURLOPT_PROXY, dial->proxy ? proxy : "");
	failed |= curl_easy_setopt(line->curl, CURLOPT_NOPROXY, "");
	if (dial->name && !dial->proxy) {
		snprintf(url, sizeof(url), "::%s:%u", host, dial->port);
		line->connect_to = curl_slist_append(NULL, url);
		failed |= curl_easy_setopt(line->curl, CURLOPT_CONNECT_TO, line->connect_to);
	}
	return failed;
}

static CURLcode set_up(struct line *line, uint64_t timeout_ns)
{
	CURL *curl = line->curl;
	long ms = (long)(timeout_ns / ME_NS_PER_MS);
	CURLcode failed = set_destination(line);

	failed |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	failed |= curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	failed |= curl_easy_setopt(curl, CURLOPT_USERAGENT, "mewatch");
	failed |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	failed |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms);
	failed |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ms);
	failed |= curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	failed |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, line->error);
	failed |= curl_easy_setopt(curl, CURLOPT_PRIVATE, line);
	failed |= curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	/* One bundle, which is read once for all of them; of a folder the library keeps nothing. */
	failed |= curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	failed |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST,
				   line->trust == ME_TRUST_ALL ? 2L : 0L);
	failed |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER,
				   line->trust == ME_TRUST_NONE ? 0L : 1L);
	if (line->dial->method != ME_PROBE_BY_HTTP)
		return failed | curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	failed |= curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	return failed | curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
}

static void hang_up(struct dialer *dialer, struct line *line)
{
	if (line->curl) {
		curl_multi_remove_handle(dialer->multi, line->curl);
		curl_easy_cleanup(line->curl);
	}
	curl_slist_free_all(line->connect_to);
	free(line->greeting);
	line->curl = NULL;
	line->connect_to = NULL;
	line->greeting = NULL;
}

static int dial(struct dialer *dialer, struct line *line)
{
	line->error[0] = '\0';
	line->curl = curl_easy_init();
	if (!line->curl || set_up(line, dialer->timeout_ns) ||
	    curl_multi_add_handle(dialer->multi, line->curl)) {
		hang_up(dialer, line);
		return -ENOMEM;
	}
	return 0;
}

static void begin(struct dialer *dialer, struct line *line, struct me_dial *what)
{
	*line = (struct line){
		.dial = what,
		/* Nobody can say by what name an address should go. */
		.trust = what->name ? ME_TRUST_ALL : ME_TRUST_CHAIN,
		.begun_ns = me_clock_now(CLOCK_MONOTONIC),
	};
	if (dial(dialer, line))
		what->outcome = ME_PROBE_INTERNAL;
	else
		dialer->active++;
}

/* --- What came of it ---------------------------------------------------------------------------- */

static long number_of(const struct line *line, CURLINFO info)
{
	long number = 0;

	curl_easy_getinfo(line->curl, info, &number);
	return number;
}

/* "Subject:CN = a" of the first certificate, for "Subject:". */
static const char *field(const struct curl_certinfo *info, const char *name)
{
	size_t length = strlen(name);

	for (const struct curl_slist *at = info->certinfo[0]; at; at = at->next)
		if (!strncmp(at->data, name, length))
			return at->data + length;
	return "";
}

static void read_certificate(struct line *line)
{
	struct me_certificate *certificate = &line->dial->certificate;
	struct curl_certinfo *info = NULL;

	curl_easy_getinfo(line->curl, CURLINFO_CERTINFO, &info);
	if (!info || !info->num_of_certs)
		return;
	snprintf(certificate->subject, sizeof(certificate->subject), "%s", field(info, "Subject:"));
	snprintf(certificate->issuer, sizeof(certificate->issuer), "%s", field(info, "Issuer:"));
	snprintf(certificate->names, sizeof(certificate->names), "%s",
		 field(info, "X509v3 Subject Alternative Name:"));
	certificate->starts = curl_getdate(field(info, "Start date:"), NULL);
	certificate->expires = curl_getdate(field(info, "Expire date:"), NULL);
	certificate->problem =
		me_certificate_problem(certificate, line->trust, line->dial->name, time(NULL));
}

/* Whom a redirection leads to; freed with curl_free(). NULL: nobody. */
static char *redirected_to(struct line *line)
{
	CURLU *url = curl_url();
	char *to = NULL, *host = NULL;

	curl_easy_getinfo(line->curl, CURLINFO_REDIRECT_URL, &to);
	if (url && to && !curl_url_set(url, CURLUPART_URL, to, CURLU_NON_SUPPORT_SCHEME))
		curl_url_get(url, CURLUPART_HOST, &host, 0);
	curl_url_cleanup(url);
	return host;
}

static enum me_dial_end_kind kind_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return ME_END_DONE;
	case CURLE_COULDNT_CONNECT:
		return ME_END_NO_CONNECTION;
	case CURLE_OPERATION_TIMEDOUT:
		return ME_END_TIMEOUT;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
		return ME_END_CUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CERTPROBLEM:
		return ME_END_NO_HANDSHAKE;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
	case CURLE_URL_MALFORMAT:
	case CURLE_SSL_CACERT_BADFILE:
		return ME_END_INTERNAL;
	default:
		return ME_END_NONSENSE;
	}
}

static void conclude(struct line *line, CURLcode code)
{
	struct me_dial *dial = line->dial;
	char *redirect = code ? NULL : redirected_to(line);
	const struct me_dial_end end = {
		.kind = kind_of(code),
		.said = *line->error ? line->error : curl_easy_strerror(code),
		.error = (int)number_of(line, CURLINFO_OS_ERRNO),
		/* Its time of connecting may be that of the handshake. */
		.connected = number_of(line, CURLINFO_LOCAL_PORT) > 0,
		.proxy_status = (int)number_of(line, CURLINFO_HTTP_CONNECTCODE),
		.status = dial->method == ME_PROBE_BY_HTTP
				  ? (int)number_of(line, CURLINFO_RESPONSE_CODE)
				  : 0,
		.redirect = redirect,
	};

	if (!code && dial->method == ME_PROBE_BY_TLS)
		read_certificate(line);
	me_dial_conclude(dial, &end);
	curl_free(redirect);
}

/* --- Greetings ---------------------------------------------------------------------------------- */

static void listen_for_greeting(struct dialer *dialer, struct line *line)
{
	line->greeting = malloc(ME_GREETING_MAX);
	if (!line->greeting) {
		conclude(line, CURLE_OUT_OF_MEMORY);
		return;
	}
	dialer->listening[dialer->n_listening++] = line;
}

/* Reads what is there; whether that settles it. */
static bool read_greeting(const struct dialer *dialer, struct line *line)
{
	size_t n = 0;
	CURLcode r = curl_easy_recv(line->curl, line->greeting + line->n_greeting,
				    ME_GREETING_MAX - line->n_greeting, &n);
	int code;

	if (r == CURLE_AGAIN) {
		if (me_clock_now(CLOCK_MONOTONIC) - line->begun_ns < dialer->timeout_ns)
			return false;
		conclude(line, CURLE_OPERATION_TIMEDOUT);
		return true;
	}
	if (r || !n) {
		conclude(line, CURLE_GOT_NOTHING);
		return true;
	}
	line->n_greeting += n;
	code = me_greeting_read(line->greeting, line->n_greeting);
	if (!code)
		return false;
	me_dial_greeted(line->dial, code);
	curl_easy_send(line->curl, "QUIT\r\n", 6, &n);
	return true;
}

/* --- The loop ----------------------------------------------------------------------------------- */

static void settle(struct dialer *dialer, struct line *line)
{
	line->dial->ms =
		(uint32_t)((me_clock_now(CLOCK_MONOTONIC) - line->begun_ns) / ME_NS_PER_MS);
	hang_up(dialer, line);
	dialer->active--;
}

/* A certificate that was refused is looked at with one check less; whether that is under way. */
static bool look_again(struct dialer *dialer, struct line *line, CURLcode code)
{
	if (line->trust == ME_TRUST_NONE ||
	    (code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CACERT_BADFILE))
		return false;
	line->dial->certificate.unchecked = code == CURLE_SSL_CACERT_BADFILE;
	line->trust = line->dial->certificate.unchecked ? ME_TRUST_NONE : line->trust + 1;
	hang_up(dialer, line);
	return dial(dialer, line) == 0;
}

static void finish(struct dialer *dialer, CURL *curl, CURLcode code)
{
	struct line *line = NULL;

	curl_easy_getinfo(curl, CURLINFO_PRIVATE, &line);
	if (look_again(dialer, line, code))
		return;
	if (!code && line->dial->method == ME_PROBE_BY_FTP)
		listen_for_greeting(dialer, line);
	else
		conclude(line, line->curl ? code : CURLE_OUT_OF_MEMORY);
	if (!line->greeting)
		settle(dialer, line);
}

static void listen_to_all(struct dialer *dialer)
{
	size_t kept = 0;

	for (size_t i = 0; i < dialer->n_listening; i++) {
		struct line *line = dialer->listening[i];

		if (read_greeting(dialer, line))
			settle(dialer, line);
		else
			dialer->listening[kept++] = line;
	}
	dialer->n_listening = kept;
}

/* What there is to do now; then waits, at most so long, for more. */
static int step(struct dialer *dialer, int wait_ms)
{
	int running, left;
	CURLMsg *message;

	if (curl_multi_perform(dialer->multi, &running))
		return -EIO;
	while ((message = curl_multi_info_read(dialer->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			finish(dialer, message->easy_handle, message->data.result);
	listen_to_all(dialer);
	if (!dialer->active)
		return 0;
	for (size_t i = 0; i < dialer->n_listening; i++) {
		curl_socket_t socket = CURL_SOCKET_BAD;

		curl_easy_getinfo(dialer->listening[i]->curl, CURLINFO_ACTIVESOCKET, &socket);
		dialer->fds[i] = (struct curl_waitfd){.fd = socket, .events = CURL_WAIT_POLLIN};
	}
	return curl_multi_poll(dialer->multi, dialer->fds, (unsigned int)dialer->n_listening,
			       wait_ms, NULL)
		       ? -EIO
		       : 0;
}

static size_t at_once(size_t n)
{
	struct rlimit files;
	size_t most = ME_DIALS_AT_ONCE;

	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur / 2 < most)
		most = files.rlim_cur / 2 + 1;
	return n < most ? n : most;
}

static int run(struct dialer *dialer, struct me_dial **dials, size_t n)
{
	size_t most = at_once(n), begun = 0;
	int err = 0;

	while (!err && (begun < n || dialer->active)) {
		bool room = begun < n && dialer->active < most;

		/* One at a time, or the time of each would be the preparation of all. */
		if (room) {
			begin(dialer, &dialer->lines[begun], dials[begun]);
			begun++;
		}
		err = step(dialer, room ? 0 : POLL_MS);
	}
	for (size_t i = 0; i < begun; i++)
		hang_up(dialer, &dialer->lines[i]);
	return err;
}

int me_dial_all(struct me_dial **dials, size_t n, uint64_t timeout_ns)
{
	_cleanup_free_ struct line *lines = calloc(n + 1, sizeof(*lines));
	_cleanup_free_ struct line **listening = calloc(n + 1, sizeof(*listening));
	_cleanup_free_ struct curl_waitfd *fds = calloc(n + 1, sizeof(*fds));
	struct dialer dialer = {
		.lines = lines, .listening = listening, .fds = fds, .timeout_ns = timeout_ns};
	int err;

	if (!lines || !listening || !fds || curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	dialer.multi = curl_multi_init();
	if (!dialer.multi) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	err = run(&dialer, dials, n);
	curl_multi_cleanup(dialer.multi);
	curl_global_cleanup();
	return err;
}
