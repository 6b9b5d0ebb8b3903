/* SPDX-License-Identifier: GPL-2.0-only */
/* What a client says of the name that it means: to an address that was learned, and to one that was not. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include "mewatch/abi.h"
#include "mewatch/hello.h"
#include "selftest/trick_talk.h"

/* Bytes of a ClientHello that are anything. */
#define RANDOM 32u
#define SHARES 1700u
#define INNER 239u
#define SEGMENT 1400u /* less than all of the shares */

/* What is in a ClientHello beside the name: shares of keys in front of it, an encrypted one behind it. */
enum with { WITH_NOTHING, WITH_SHARES, WITH_INNER };

/* A server at the target, which the client knows the address of by an answer if `learned`. */
static void meet(struct me_trick *trick, uint16_t port, bool learned, int *ret_client)
{
	int server = me_trick_server(trick, SOCK_STREAM, trick->target, port), accepted;
	struct me_talk talk = me_talk_begin(trick, ME_TRICK_RESOLVER);

	if (learned) {
		me_talk_ask(&talk, ME_TALK_ID(trick), ME_TRICK_NAME);
		me_talk_answer(&talk, talk.server, ME_TALK_ID(trick), ME_TRICK_NAME, trick->target);
	}
	me_trick_note(trick, trick->target, port);
	me_trick_pair(server, trick->target, port, ret_client, &accepted);
	/* what comes is read by nobody */
}

/* --- TLS ---------------------------------------------------------------------------------------- */

struct hello {
	uint8_t data[2048];
	size_t length;
};

static void put(struct hello *hello, size_t bytes, size_t value)
{
	while (bytes--)
		hello->data[hello->length++] = value >> 8 * bytes;
}

/* A length of that many bytes, of all that is put before end(). Where it is. */
static size_t begin(struct hello *hello, size_t bytes)
{
	hello->length += bytes;
	return hello->length;
}

static void end(struct hello *hello, size_t bytes, size_t begun)
{
	size_t length = hello->length;

	hello->length = begun - bytes;
	put(hello, bytes, length - begun);
	hello->length = length;
}

/* RFC 6066, 3 */
static void put_name(struct hello *hello, const char *name)
{
	size_t extension, list;

	put(hello, 2, 0); /* server_name */
	extension = begin(hello, 2);
	list = begin(hello, 2);
	put(hello, 1, 0);
	put(hello, 2, strlen(name));
	memcpy(hello->data + hello->length, name, strlen(name));
	hello->length += strlen(name);
	end(hello, 2, list);
	end(hello, 2, extension);
}

/* As that of X25519MLKEM768 (RFC 8446, 4.2.8), with others. */
static void put_shares(struct hello *hello)
{
	size_t extension, list;

	put(hello, 2, 51); /* key_share */
	extension = begin(hello, 2);
	list = begin(hello, 2);
	put(hello, 2, 0x11ec);
	put(hello, 2, SHARES);
	hello->length += SHARES;
	end(hello, 2, list);
	end(hello, 2, extension);
}

/* RFC 9849, 5 */
static void put_inner(struct hello *hello)
{
	size_t extension;

	put(hello, 2, ME_TLS_ECH);
	extension = begin(hello, 2);
	put(hello, 1, ME_TLS_ECH_OUTER);
	put(hello, 2, 1); /* HKDF-SHA256 */
	put(hello, 2, 1); /* AES-128-GCM */
	put(hello, 1, 7); /* config_id */
	put(hello, 2, RANDOM);
	hello->length += RANDOM; /* enc */
	put(hello, 2, INNER);
	hello->length += INNER; /* payload */
	end(hello, 2, extension);
}

/* A ClientHello with one cipher and the name (RFC 8446, 4.1.2); what is not said is zero. */
static struct hello hello_for(const char *name, enum with with)
{
	size_t record, message, extensions;
	struct hello hello = {.length = 0};

	put(&hello, 1, ME_TLS_HANDSHAKE);
	put(&hello, 2, 0x0301);
	record = begin(&hello, 2);
	put(&hello, 1, ME_TLS_CLIENT_HELLO);
	message = begin(&hello, 3);
	put(&hello, 2, 0x0303);
	hello.length += RANDOM;
	put(&hello, 1, 0); /* no session */
	put(&hello, 2, 2);
	put(&hello, 2, 0xc02f);
	put(&hello, 1, 1);
	put(&hello, 1, 0); /* no compression */
	extensions = begin(&hello, 2);
	if (with == WITH_SHARES)
		put_shares(&hello);
	put_name(&hello, name);
	if (with == WITH_INNER)
		put_inner(&hello);
	end(&hello, 2, extensions);
	end(&hello, 3, message);
	end(&hello, 2, record);
	return hello;
}

/* Says it to the target, the `first` bytes in a segment of their own. */
static void tls(struct me_trick *trick, const struct hello *hello, bool learned, size_t first)
{
	int client, on = 1;

	meet(trick, 443, learned, &client);
	if (setsockopt(client, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on)))
		me_traffic_die("TCP_NODELAY");
	me_trick_send(client, hello->data, first);
	if (first < hello->length)
		me_trick_send(client, hello->data + first, hello->length - first);
}

static void whole(struct me_trick *trick, const char *name, enum with with, bool learned)
{
	struct hello hello = hello_for(name, with);

	tls(trick, &hello, learned, hello.length);
}

/* The name does not end in the first segment. */
static void cut(struct me_trick *trick, const char *name)
{
	struct hello hello = hello_for(name, WITH_NOTHING);

	tls(trick, &hello, true, hello.length - 10);
}

/* The name begins in the second. */
static void large(struct me_trick *trick, const char *name)
{
	struct hello hello = hello_for(name, WITH_SHARES);

	tls(trick, &hello, true, SEGMENT);
}

static void sni(struct me_trick *trick)
{
	whole(trick, ME_TRICK_NAME, WITH_NOTHING, true);
}

static void sni_cut(struct me_trick *trick)
{
	cut(trick, ME_TRICK_NAME);
}

static void sni_large(struct me_trick *trick)
{
	large(trick, ME_TRICK_NAME);
}

static void sni_other(struct me_trick *trick)
{
	whole(trick, ME_TRICK_STRANGER, WITH_NOTHING, true);
}

static void sni_other_cut(struct me_trick *trick)
{
	cut(trick, ME_TRICK_STRANGER);
}

static void sni_other_large(struct me_trick *trick)
{
	large(trick, ME_TRICK_STRANGER);
}

static void sni_other_late(struct me_trick *trick)
{
	struct hello hello = hello_for(ME_TRICK_STRANGER, WITH_NOTHING);
	int client;

	meet(trick, 443, true, &client);
	poll(NULL, 0, ME_TRICK_LATE_MS);
	me_trick_send(client, hello.data, hello.length);
}

static void sni_ech(struct me_trick *trick)
{
	whole(trick, ME_TRICK_STRANGER, WITH_INNER, true);
}

static void sni_unlearned(struct me_trick *trick)
{
	whole(trick, ME_TRICK_NAME, WITH_NOTHING, false);
}

static void sni_stranger(struct me_trick *trick)
{
	whole(trick, ME_TRICK_STRANGER, WITH_NOTHING, false);
}

/* --- HTTP --------------------------------------------------------------------------------------- */

static void http(struct me_trick *trick, const char *name)
{
	char request[256];
	int client;

	meet(trick, 80, true, &client);
	snprintf(request, sizeof(request), "GET /incav2/avira HTTP/1.1\r\nHost: %s\r\n\r\n", name);
	me_trick_send(client, request, strlen(request));
}

static void host(struct me_trick *trick)
{
	http(trick, ME_TRICK_NAME);
}

static void host_other(struct me_trick *trick)
{
	http(trick, ME_TRICK_STRANGER);
}

/* Behind more than is read of what a client says first. */
static void host_behind(struct me_trick *trick)
{
	char request[ME_FIRST_BYTES + 256];
	int client;

	meet(trick, 80, true, &client);
	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nX-Filler: %0*u\r\nHost: %s\r\n\r\n",
		 (int)ME_FIRST_BYTES, 0, ME_TRICK_STRANGER);
	me_trick_send(client, request, strlen(request));
}

/* --- QUIC --------------------------------------------------------------------------------------- */

static void quic(struct me_trick *trick)
{
	me_trick_enter(trick);
	me_trick_note(trick, trick->target, 443);
	me_trick_send(me_trick_connect(trick->target, 443, SOCK_DGRAM), "x", 1);
}

const struct me_trick_entry me_tricks_names[] = {
	{"sni", sni},
	{"sni-cut", sni_cut},
	{"sni-large", sni_large},
	{"sni-other", sni_other},
	{"sni-other-cut", sni_other_cut},
	{"sni-other-large", sni_other_large},
	{"sni-other-late", sni_other_late},
	{"sni-ech", sni_ech},
	{"sni-unlearned", sni_unlearned},
	{"sni-stranger", sni_stranger},
	{"http-host", host},
	{"http-host-other", host_other},
	{"http-host-behind", host_behind},
	{"quic", quic},
	{NULL, NULL},
};
