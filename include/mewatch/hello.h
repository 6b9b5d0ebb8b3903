/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_HELLO_H
#define MEWATCH_HELLO_H

/*
 * The second witness: the name that a client asks for in the first bytes of a TCP connection, in a
 * TLS ClientHello or in the head of an HTTP request. Pure. The bytes come from outside and are read
 * once from front to back, each only if it is there: a call costs no more than its length.
 */
#include <linux/types.h>

#define ME_CLAIM_NAME_MAX 254   /* with the NUL */
#define ME_CLAIM_PATH_MAX 512   /* with the NUL */
#define ME_CLAIM_BYTES_MAX 4096 /* who still says MORE after so many bytes will name nobody */
#define ME_CLAIM_METHOD_MAX 32

enum me_claim_kind {
	ME_CLAIM_MORE, /* so far it fits, more bytes are needed */
	ME_CLAIM_NONE, /* it names nobody: neither TLS nor HTTP, no name, malformed, an IP literal */
	ME_CLAIM_NAME,
};

struct me_claim {
	__u8 kind;         /* enum me_claim_kind */
	__u8 ech;          /* TLS: another ClientHello is hidden in this one */
	__u16 name_length; /* 0 unless the kind is NAME */
	__u16 path_length; /* 0 unless the request line of an HTTP request was read to its end */
	char name[ME_CLAIM_NAME_MAX]; /* lower case, without port and trailing dot */
	char path[ME_CLAIM_PATH_MAX]; /* as it came, without query and fragment; cut at the end */
};

/* --- What both parsers use ------------------------------------------------------------------- */

struct me_claim_reader {
	const __u8 *data;
	__u32 length;
	__u32 at;
	__u32 record;  /* TLS: bytes left in the record */
	__u32 message; /* TLS: bytes left in the handshake message */
	__u8 folds;    /* HTTP: inside a field value, which may be folded */
	__u8 stopped;
	__u8 kind; /* why it stopped: enum me_claim_kind */
};

struct me_claim_name {
	__u16 length;
	__u8 label; /* length of the last label; 0 at the start and after a dot, which is not held */
	char text[ME_CLAIM_NAME_MAX];
};

/* The first to stop decides; whoever finds it stopped reads nothing that counts. */
static inline void me_claim_stop(struct me_claim_reader *r, enum me_claim_kind kind)
{
	if (!r->stopped)
		r->kind = kind;
	r->stopped = 1;
}

static inline int me_claim_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline int me_claim_is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline int me_claim_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Adds a byte of a host name (RFC 1123, 2.1, and the underscore). 0 if no name goes on like this. */
static inline int me_claim_name_add(struct me_claim_name *name, int c)
{
	if (c == '.') {
		if (!name->label)
			return 0;
		name->label = 0;
		return 1;
	}
	if ((!me_claim_is_letter(c) && !me_claim_is_digit(c) && c != '-' && c != '_') ||
	    name->label == 63)
		return 0;
	if (!name->label && name->length) {
		if (name->length >= ME_CLAIM_NAME_MAX - 2)
			return 0;
		name->text[name->length++] = '.';
	}
	if (name->length >= ME_CLAIM_NAME_MAX - 1)
		return 0;
	name->text[name->length++] = (char)me_claim_lower(c);
	name->label++;
	return 1;
}

/*
 * Whether it is a name, now that it ended. One whose last label is a number is an IPv4 address in
 * one of the spellings that resolvers and browsers take (inet_aton(3); WHATWG URL, "ends in a number").
 */
static inline int me_claim_name_is_valid(const struct me_claim_name *name)
{
	__u32 at = name->length;
	int hex;

	while (at && name->text[at - 1] != '.')
		at--;
	hex = name->length - at >= 2 && name->text[at] == '0' && name->text[at + 1] == 'x';
	for (at += hex ? 2 : 0; at < name->length; at++) {
		int c = name->text[at];

		if (!me_claim_is_digit(c) && !(hex && c >= 'a' && c <= 'f'))
			return 1;
	}
	return 0;
}

/* Fills in what the parser found; until the bytes suffice nothing counts. */
static inline void me_claim_finish(const struct me_claim_reader *r,
				   const struct me_claim_name *name, struct me_claim *ret)
{
	if (r->kind == ME_CLAIM_MORE) {
		*ret = (struct me_claim){.kind = ME_CLAIM_MORE};
		return;
	}
	ret->kind = r->kind;
	if (r->kind != ME_CLAIM_NAME)
		return;
	ret->name_length = name->length;
	for (__u32 i = 0; i < name->length; i++)
		ret->name[i] = name->text[i];
}

/* --- TLS ------------------------------------------------------------------------------------- */

#define ME_TLS_HANDSHAKE 22
#define ME_TLS_RECORD_MAX 16384u
#define ME_TLS_CLIENT_HELLO 1
#define ME_TLS_SERVER_NAME 0
#define ME_TLS_ECH 0xfe0d /* RFC 9849, 5; bytes that imitate it (6.2) look the same */
#define ME_TLS_ECH_OUTER 0

/* The header of the next record (RFC 8446, 5.1): of a handshake, of any 3.x, and not empty. */
static inline void me_hello_record(struct me_claim_reader *r)
{
	__u32 size = 0;

	for (int i = 0; i < 5 && !r->stopped; i++) {
		__u8 byte = 0;

		if (r->at == r->length)
			me_claim_stop(r, ME_CLAIM_MORE);
		else
			byte = r->data[r->at++];
		if ((i == 0 && byte != ME_TLS_HANDSHAKE) || (i == 1 && byte != 3))
			me_claim_stop(r, ME_CLAIM_NONE);
		if (i >= 3)
			size = size << 8 | byte;
	}
	if (!size || size > ME_TLS_RECORD_MAX)
		me_claim_stop(r, ME_CLAIM_NONE);
	r->record = size;
}

/* The next byte of the message, whichever record it is in; 0 once stopped. */
static inline __u8 me_hello_byte(struct me_claim_reader *r)
{
	if (!r->message)
		me_claim_stop(r, ME_CLAIM_NONE);
	if (!r->stopped && !r->record)
		me_hello_record(r);
	if (!r->stopped && r->at == r->length)
		me_claim_stop(r, ME_CLAIM_MORE);
	if (r->stopped)
		return 0;
	r->record--;
	r->message--;
	return r->data[r->at++];
}

/* A number of `bytes` bytes between the two; 0 once stopped. */
static inline __u32 me_hello_number(struct me_claim_reader *r, int bytes, __u32 min, __u32 max)
{
	__u32 number = 0;

	while (bytes--)
		number = number << 8 | me_hello_byte(r);
	if (number < min || number > max)
		me_claim_stop(r, ME_CLAIM_NONE);
	return r->stopped ? 0 : number;
}

static inline void me_hello_skip(struct me_claim_reader *r, __u32 bytes)
{
	while (bytes-- && !r->stopped)
		me_hello_byte(r);
}

/*
 * The `size` bytes of extension server_name (RFC 6066, 3): a list, with one host_name at most. Types
 * of name that are not known yet begin with a length as well.
 */
static inline void me_hello_server_name(struct me_claim_reader *r, __u32 size,
					struct me_claim_name *name)
{
	__u32 left = me_hello_number(r, 2, 3, 0xffff);

	if (left + 2 != size)
		me_claim_stop(r, ME_CLAIM_NONE);
	while (left && !r->stopped) {
		__u32 type = me_hello_byte(r);
		__u32 length = me_hello_number(r, 2, 1, left < 3 ? 0 : left - 3);

		left -= 3 + length;
		if (type != 0) {
			me_hello_skip(r, length);
			continue;
		}
		if (name->length)
			me_claim_stop(r, ME_CLAIM_NONE);
		while (length-- && !r->stopped) {
			if (!me_claim_name_add(name, me_hello_byte(r)))
				me_claim_stop(r, ME_CLAIM_NONE);
		}
		if (!me_claim_name_is_valid(name))
			me_claim_stop(r, ME_CLAIM_NONE);
	}
}

/* The extensions, to the end of the message. */
static inline void me_hello_extensions(struct me_claim_reader *r, struct me_claim_name *name,
				       __u8 *ret_ech)
{
	__u32 all = me_hello_number(r, 2, 0, 0xffff);
	int named = 0;

	if (all != r->message)
		me_claim_stop(r, ME_CLAIM_NONE);
	while (r->message && !r->stopped) {
		__u32 type = me_hello_number(r, 2, 0, 0xffff);
		__u32 size = me_hello_number(r, 2, 0, 0xffff);

		if (size > r->message)
			me_claim_stop(r, ME_CLAIM_NONE);
		if (type == ME_TLS_SERVER_NAME && !r->stopped) {
			if (named++)
				me_claim_stop(r, ME_CLAIM_NONE);
			me_hello_server_name(r, size, name);
		} else if (type == ME_TLS_ECH && size) {
			__u8 which = me_hello_byte(r);

			*ret_ech |= !r->stopped && which == ME_TLS_ECH_OUTER;
			me_hello_skip(r, size - 1);
		} else {
			me_hello_skip(r, size);
		}
	}
}

/*
 * Reads the first `length` bytes of a TLS connection: a ClientHello (RFC 8446, 4.1.2; those of SSL
 * 3.0 to TLS 1.2 look alike), in records cut anywhere. NAME with the host_name of server_name (RFC
 * 6066, 3) and NONE without one come when the last extension was read, as ECH may follow the name.
 * More bytes never change an answer other than MORE.
 */
static inline void me_hello_parse(const __u8 *data, __u32 length, struct me_claim *ret)
{
	struct me_claim_reader r = {.data = data, .length = length, .message = 4};
	struct me_claim_name name = {0};
	__u32 suites;
	__u8 ech = 0;

	*ret = (struct me_claim){0};
	me_hello_number(&r, 1, ME_TLS_CLIENT_HELLO, ME_TLS_CLIENT_HELLO);
	r.message = me_hello_number(&r, 3, 0, 0xffffff);
	me_hello_number(&r, 1, 3, 3); /* legacy_version: 3.x */
	me_hello_skip(&r, 1 + 32);    /* and random */
	me_hello_skip(&r, me_hello_number(&r, 1, 0, 32));
	suites = me_hello_number(&r, 2, 2, 0xfffe);
	if (suites % 2)
		me_claim_stop(&r, ME_CLAIM_NONE);
	me_hello_skip(&r, suites);
	me_hello_skip(&r, me_hello_number(&r, 1, 1, 0xff)); /* compression methods */
	if (r.message)
		me_hello_extensions(&r, &name, &ech);
	if (!r.stopped)
		ret->ech = ech;
	me_claim_stop(&r, name.length ? ME_CLAIM_NAME : ME_CLAIM_NONE);
	me_claim_finish(&r, &name, ret);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

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

/* A host that begins with `c`, and its port (RFC 3986, 3.2); gives the byte after them. */
static inline int me_http_authority(struct me_claim_reader *r, int c, struct me_claim_name *name)
{
	__u32 port = 0;

	while (me_claim_name_add(name, c))
		c = me_http_byte(r);
	if (c != ':')
		return c;
	for (c = me_http_byte(r); me_claim_is_digit(c); c = me_http_byte(r)) {
		port = port * 10 + (__u32)(c - '0');
		if (port > 0xffff)
			me_claim_stop(r, ME_CLAIM_NONE);
	}
	return c;
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
	if (c != ' ' || (decides && !me_claim_name_is_valid(name)))
		me_claim_stop(r, ME_CLAIM_NONE);
	me_http_expect(r, "HTTP/1.");
	if (!me_claim_is_digit(me_http_byte(r)))
		me_claim_stop(r, ME_CLAIM_NONE);
	me_http_expect(r, "\n");
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

/*
 * Reads the first `length` bytes that a client sent to TCP port `port` (host order): a ClientHello to
 * 443, an HTTP request or a ClientHello to 80; other ports have no claims, NONE. Every field of
 * *ret is set. Who gets MORE asks again with more bytes of the same connection, and takes it for NONE
 * once there are ME_CLAIM_BYTES_MAX or no more will come. `data` may be NULL if `length` is 0.
 */
static inline void me_claim_parse(__u16 port, const __u8 *data, __u32 length, struct me_claim *ret)
{
	if (port == 443 || (port == 80 && length && data[0] == ME_TLS_HANDSHAKE))
		me_hello_parse(data, length, ret);
	else if (port == 80)
		me_http_parse(data, length, ret);
	else
		*ret = (struct me_claim){.kind = ME_CLAIM_NONE};
}

#endif
