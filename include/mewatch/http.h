/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_HTTP_H
#define MEWATCH_HTTP_H

/* The name in the head of an HTTP request, and its path (mewatch/claim.h). */
#include "mewatch/claim_reader.h"

static inline int me_http_is_blank(int c)
{
	return c == ' ' || c == '\t';
}

/* A byte of a token (RFC 9110, 5.6.2). */
static inline int me_http_is_token(int c)
{
	switch (c) {
	case '!':
	case '#':
	case '$':
	case '%':
	case '&':
	case '\'':
	case '*':
	case '+':
	case '-':
	case '.':
	case '^':
	case '_':
	case '`':
	case '|':
	case '~':
		return 1;
	default:
		return me_claim_is_digit(c) || me_claim_is_letter(c);
	}
}

/* A byte of a request target: all that is visible, and what is not ASCII. */
static inline int me_http_is_target(int c)
{
	return c > ' ' && c != 0x7f;
}

/*
 * The next byte; -1 once stopped. A line ends with LF, with or without CR before it, and reads as
 * '\n'; where a field value goes on in the next line (RFC 9112, 5.2) it reads as a space.
 */
static inline int me_http_byte(struct me_claim_reader *r)
{
	int c = -1;

	if (!r->stopped && r->at < r->length)
		c = r->data[r->at++];
	if (c == '\r') {
		c = r->at < r->length ? r->data[r->at++] : -1;
		if (c >= 0 && c != '\n')
			me_claim_stop(r, ME_CLAIM_NONE);
	}
	if (c < 0)
		me_claim_stop(r, ME_CLAIM_MORE);
	if (c == '\n' && r->folds && r->at < r->length && me_http_is_blank(r->data[r->at]))
		c = ' ';
	return r->stopped ? -1 : c;
}

/* What must come now. */
static inline void me_http_expect(struct me_claim_reader *r, const char *text)
{
	while (*text && !r->stopped) {
		if (me_http_byte(r) != *text++)
			me_claim_stop(r, ME_CLAIM_NONE);
	}
}

/* What follows a host and begins with `c`: a port, if it is a colon. Gives the byte after it. */
static inline int me_http_port(struct me_claim_reader *r, int c, __u32 *ret_port)
{
	__u32 port = 0;

	*ret_port = 0;
	if (c != ':')
		return c;
	for (c = me_http_byte(r); me_claim_is_digit(c); c = me_http_byte(r)) {
		port = port * 10 + (__u32)(c - '0');
		if (port > 0xffff)
			me_claim_stop(r, ME_CLAIM_NONE);
	}
	*ret_port = port;
	return c;
}

/* A host that begins with `c`, and its port (RFC 3986, 3.2); gives the byte after them. */
static inline int me_http_authority(struct me_claim_reader *r, int c, struct me_claim_name *name)
{
	__u32 port;

	while (me_claim_name_add(name, c))
		c = me_http_byte(r);
	return me_http_port(r, c, &port);
}

/* A path, query and fragment that begin with `c`; gives the byte after them. */
static inline int me_http_path(struct me_claim_reader *r, int c, struct me_claim *ret)
{
	for (; me_http_is_target(c) && c != '?' && c != '#'; c = me_http_byte(r)) {
		if (ret->path_length < ME_CLAIM_PATH_MAX - 1)
			ret->path[ret->path_length++] = (char)c;
	}
	while (me_http_is_target(c))
		c = me_http_byte(r);
	return c;
}

/* What stands before the authority in absolute-form (RFC 3986, 3.1); `c` begins it. */
static inline void me_http_scheme(struct me_claim_reader *r, int c)
{
	if (!me_claim_is_letter(c))
		me_claim_stop(r, ME_CLAIM_NONE);
	while (me_claim_is_letter(c) || me_claim_is_digit(c) || c == '+' || c == '-' || c == '.')
		c = me_http_byte(r);
	if (c != ':')
		me_claim_stop(r, ME_CLAIM_NONE);
	me_http_expect(r, "//");
}

/* Whether the method, read up to the space after it, is CONNECT. */
static inline int me_http_method(struct me_claim_reader *r)
{
	static const char connect[] = "CONNECT";
	int c = me_http_byte(r), same = 1;
	__u32 n = 0;

	for (; me_http_is_token(c) && n < ME_CLAIM_METHOD_MAX; n++) {
		same = same && n < sizeof(connect) - 1 && c == connect[n];
		c = me_http_byte(r);
	}
	if (!n || c != ' ')
		me_claim_stop(r, ME_CLAIM_NONE);
	return same && n == sizeof(connect) - 1;
}

/* The end of a request line, after its target: `c` is the byte that follows that. */
static inline void me_http_version(struct me_claim_reader *r, int c)
{
	if (c != ' ')
		me_claim_stop(r, ME_CLAIM_NONE);
	me_http_expect(r, "HTTP/1.");
	if (!me_claim_is_digit(me_http_byte(r)))
		me_claim_stop(r, ME_CLAIM_NONE);
	me_http_expect(r, "\n");
}

/* The request line (RFC 9112, 3); stops with NAME or NONE if its target has an authority. */
static inline void me_http_request_line(struct me_claim_reader *r, struct me_claim_name *name,
					struct me_claim *ret)
{
	int connect = me_http_method(r), c = me_http_byte(r), decides = 1;

	if (connect) {
		c = me_http_authority(r, c, name);
	} else if (c == '/' || c == '*') {
		decides = 0;
		c = c == '/' ? me_http_path(r, c, ret) : me_http_byte(r);
	} else {
		me_http_scheme(r, c);
		c = me_http_authority(r, me_http_byte(r), name);
		if (c == '/' || c == '?' || c == '#')
			c = me_http_path(r, c, ret);
	}
	if (decides && !me_claim_name_is_valid(name))
		me_claim_stop(r, ME_CLAIM_NONE);
	me_http_version(r, c);
	if (r->stopped)
		*ret = (struct me_claim){0};
	else if (decides)
		me_claim_stop(r, ME_CLAIM_NAME);
}

/* Whether the field line that begins with `c` is Host; its name and colon are read. */
static inline int me_http_is_host(struct me_claim_reader *r, int c)
{
	static const char host[] = "host";
	int same = 1;
	__u32 n = 0;

	for (; me_http_is_token(c); n++) {
		same = same && n < sizeof(host) - 1 && me_claim_lower(c) == host[n];
		c = me_http_byte(r);
	}
	if (!n || c != ':')
		me_claim_stop(r, ME_CLAIM_NONE);
	return same && n == sizeof(host) - 1 && !r->stopped;
}

/* The value of a Host line (RFC 9110, 7.2), to the end of the line that its name is in. */
static inline void me_http_host(struct me_claim_reader *r, struct me_claim_name *name)
{
	int c;

	do {
		c = me_http_byte(r);
	} while (me_http_is_blank(c));
	r->folds = 0;
	c = me_http_authority(r, c, name);
	while (me_http_is_blank(c))
		c = me_http_byte(r);
	r->folds = 1;
	/* So far it is empty, but the next line may fold into it. */
	if (c == '\n' && !name->length && r->at == r->length)
		me_claim_stop(r, ME_CLAIM_MORE);
	if (c != '\n' || !me_claim_name_is_valid(name))
		me_claim_stop(r, ME_CLAIM_NONE);
}

/* Reads on to the end of the next Host line. 0 if it stopped before there was one. */
static inline int me_http_next_host(struct me_claim_reader *r, struct me_claim_name *name)
{
	while (!r->stopped) {
		int c = me_http_byte(r);

		/* The empty line after the head is no field, and stops it. */
		if (me_http_is_host(r, c)) {
			me_http_host(r, name);
			return 1;
		}
		while (!r->stopped && c != '\n')
			c = me_http_byte(r);
	}
	return 0;
}

/* Whether more was folded into the Host line just read than blanks. */
static inline int me_http_goes_on(struct me_claim_reader *r)
{
	int c;

	if (r->at == r->length || !me_http_is_blank(r->data[r->at]))
		return 0;
	do {
		c = me_http_byte(r);
	} while (me_http_is_blank(c));
	return c >= 0 && c != '\n';
}

/* Whether what comes after the first Host line, as far as it is there, makes it another host. */
static inline int me_http_is_contradicted(struct me_claim_reader rest,
					  const struct me_claim_name *name)
{
	while (!me_http_goes_on(&rest)) {
		struct me_claim_name other = {0};

		if (!me_http_next_host(&rest, &other))
			return 0;
		if (rest.stopped)
			return rest.kind == ME_CLAIM_NONE;
		if (other.length != name->length)
			return 1;
		for (__u32 i = 0; i < name->length; i++) {
			if (other.text[i] != name->text[i])
				return 1;
		}
	}
	return 1;
}

/*
 * Reads the first `length` bytes of an HTTP/1.x connection: the head of a request (RFC 9112, 2-5).
 * NAME comes from an authority in the target (absolute-form, CONNECT) with the end of the request
 * line, otherwise with the end of the Host line; a head without one gives NONE and still the path.
 * More bytes never change NONE, nor a name into another; they turn NAME into NONE if they bring
 * another Host, or fold more into the first, which a server has to refuse (3.2).
 */
static inline void me_http_parse(const __u8 *data, __u32 length, struct me_claim *ret)
{
	struct me_claim_reader r = {.data = data, .length = length};
	struct me_claim_name name = {0};

	*ret = (struct me_claim){0};
	me_http_request_line(&r, &name, ret);
	if (!r.stopped) {
		r.folds = 1;
		me_http_next_host(&r, &name);
	}
	if (!r.stopped) {
		int other = me_http_is_contradicted(r, &name);

		me_claim_stop(&r, other ? ME_CLAIM_NONE : ME_CLAIM_NAME);
	}
	me_claim_finish(&r, &name, ret);
}

#endif
