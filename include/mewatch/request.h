/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_REQUEST_H
#define MEWATCH_REQUEST_H

/*
 * What a client asks a proxy for: CONNECT, or a request in absolute-form. Pure, and as careful as
 * mewatch/claim_reader.h with bytes from outside.
 */
#include "mewatch/http.h"

#define ME_REQUEST_ADDRESS_MAX 45u /* bytes of an IPv6 address as text */

enum me_request_kind {
	ME_REQUEST_MORE, /* so far it fits, more bytes are needed */
	ME_REQUEST_NONE, /* it asks for nothing elsewhere, or nobody can say for what */
	ME_REQUEST_CONNECT,
	ME_REQUEST_ABSOLUTE,
};

enum me_request_scheme { ME_REQUEST_HTTP, ME_REQUEST_HTTPS, ME_REQUEST_FTP };

struct me_request {
	__u8 kind;   /* enum me_request_kind; the rest is 0 unless it is CONNECT or ABSOLUTE */
	__u8 scheme; /* enum me_request_scheme, of ABSOLUTE */
	__u8 named;  /* `host` is a name, not an address in whatever spelling */
	__u8 zero;
	__u16 port; /* host order; of ABSOLUTE the scheme's, if none is given */
	__u16 path_length;
	char method[ME_CLAIM_METHOD_MAX + 1];
	char host[ME_CLAIM_NAME_MAX]; /* lower case, without brackets and trailing dot */
	char path[ME_CLAIM_PATH_MAX]; /* as it came, without query and fragment; cut at the end */
};

static inline __u16 me_request_scheme_port(__u8 scheme)
{
	return scheme == ME_REQUEST_HTTP ? 80 : scheme == ME_REQUEST_HTTPS ? 443 : 21;
}

/* "http", "https" or "ftp", begun by `c`, and what stands between it and the authority. */
static inline void me_request_read_scheme(struct me_claim_reader *r, int c, struct me_request *ret)
{
	static const char known[][6] = {"http", "https", "ftp"};
	__u32 n = 0, fits = 7; /* a bit for each that it may still be */

	for (; me_claim_is_letter(c) && n < 5; n++) {
		for (__u32 i = 0; i < 3; i++) {
			if (known[i][n] != me_claim_lower(c))
				fits &= ~(1u << i);
		}
		c = me_http_byte(r);
	}
	for (__u32 i = 0; i < 3; i++) {
		if (known[i][n])
			fits &= ~(1u << i);
	}
	if (c != ':' || !fits)
		me_claim_stop(r, ME_CLAIM_NONE);
	me_http_expect(r, "//");
	ret->scheme = fits == 1 ? ME_REQUEST_HTTP : fits == 2 ? ME_REQUEST_HTTPS : ME_REQUEST_FTP;
}

/* Who asks may say as whom (RFC 3986, 3.2.1): nobody else needs to know, so it is skipped. */
static inline void me_request_skip_user(struct me_claim_reader *r)
{
	for (__u32 at = r->at; at < r->length; at++) {
		int c = r->data[at];

		if (c == '@')
			r->at = at + 1;
		if (!me_http_is_target(c) || c == '/' || c == '?' || c == '#')
			return;
	}
	/* The authority goes on, and what is there of it may be a password. */
	me_claim_stop(r, ME_CLAIM_MORE);
}

/* An address in brackets, the first of which was read. Gives the byte after the second. */
static inline int me_request_address(struct me_claim_reader *r, struct me_claim_name *host)
{
	int c = me_http_byte(r);

	while (me_claim_is_digit(c) || c == ':' || c == '.' ||
	       (me_claim_lower(c) >= 'a' && me_claim_lower(c) <= 'f')) {
		if (host->length == ME_REQUEST_ADDRESS_MAX)
			me_claim_stop(r, ME_CLAIM_NONE);
		else
			host->text[host->length++] = (char)me_claim_lower(c);
		c = me_http_byte(r);
	}
	if (c != ']' || !host->length)
		me_claim_stop(r, ME_CLAIM_NONE);
	return me_http_byte(r);
}

/* Host and port. Gives the byte after them. */
static inline int me_request_authority(struct me_claim_reader *r, struct me_claim_name *host,
				       struct me_request *ret)
{
	int c = me_http_byte(r);
	__u32 port;

	if (c == '[') {
		c = me_request_address(r, host);
	} else {
		while (me_claim_name_add(host, c))
			c = me_http_byte(r);
		ret->named = (__u8)me_claim_name_is_valid(host);
	}
	if (!host->length)
		me_claim_stop(r, ME_CLAIM_NONE);
	c = me_http_port(r, c, &port);
	ret->port = (__u16)port;
	return c;
}

/* The request line, as far as a proxy is asked for something; else it stops with NONE. */
static inline void me_request_line(struct me_claim_reader *r, struct me_claim_name *host,
				   struct me_claim *path, struct me_request *ret)
{
	int connect = me_http_method(r), c;

	for (__u32 i = 0; i + 1 < r->at && i < ME_CLAIM_METHOD_MAX; i++)
		ret->method[i] = (char)r->data[i];
	ret->kind = connect ? ME_REQUEST_CONNECT : ME_REQUEST_ABSOLUTE;
	if (!connect)
		me_request_read_scheme(r, me_http_byte(r), ret);
	if (!r->stopped)
		me_request_skip_user(r);
	c = me_request_authority(r, host, ret);
	if (!ret->port && connect)
		me_claim_stop(r, ME_CLAIM_NONE);
	if (!ret->port)
		ret->port = me_request_scheme_port(ret->scheme);
	if (!connect && (c == '/' || c == '?' || c == '#'))
		c = me_http_path(r, c, path);
	me_http_version(r, c);
}

/*
 * Reads the first `length` bytes that a client sent to a proxy (RFC 9112, 3.2.2 and 3.2.3). It is
 * decided at the end of the request line, and more bytes change nothing then. Every field of *ret is
 * set. `data` may be NULL if `length` is 0.
 */
static inline void me_request_parse(const __u8 *data, __u32 length, struct me_request *ret)
{
	struct me_claim_reader r = {.data = data, .length = length};
	struct me_claim_name host = {0};
	struct me_claim path = {0};

	*ret = (struct me_request){0};
	me_request_line(&r, &host, &path, ret);
	if (r.stopped) {
		*ret = (struct me_request){.kind = r.kind == ME_CLAIM_MORE ? ME_REQUEST_MORE
									   : ME_REQUEST_NONE};
		return;
	}
	for (__u32 i = 0; i < host.length; i++)
		ret->host[i] = host.text[i];
	ret->path_length = path.path_length;
	for (__u32 i = 0; i < path.path_length; i++)
		ret->path[i] = path.path[i];
}

#endif
