/* SPDX-License-Identifier: GPL-2.0-only */
/* What a client says of the name that it means: to an address that was learned, and to one that was not. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include "mewatch/abi.h"
#include "selftest/trick_talk.h"

#define RANDOM 32u /* bytes of a ClientHello that are anything */

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
	uint8_t data[512];
	size_t length;
};

static void put(struct hello *hello, size_t bytes, size_t value)
{
	while (bytes--)
		hello->data[hello->length++] = value >> 8 * bytes;
}

/* A ClientHello of TLS 1.2 with one cipher and the name, if there is one (RFC 5246, 6066). */
static struct hello hello_for(const char *name)
{
	size_t length = strlen(name), extension = length + 9, body = 41 + 2 + extension;
	struct hello hello = {.length = 0};

	put(&hello, 1, 22); /* handshake */
	put(&hello, 2, 0x0301);
	put(&hello, 2, body + 4);
	put(&hello, 1, 1); /* ClientHello */
	put(&hello, 3, body);
	put(&hello, 2, 0x0303);
	hello.length += RANDOM;
	put(&hello, 1, 0); /* no session */
	put(&hello, 2, 2);
	put(&hello, 2, 0xc02f);
	put(&hello, 1, 1);
	put(&hello, 1, 0); /* no compression */
	put(&hello, 2, extension);
	put(&hello, 2, 0); /* server_name */
	put(&hello, 2, length + 5);
	put(&hello, 2, length + 3);
	put(&hello, 1, 0);
	put(&hello, 2, length);
	memcpy(hello.data + hello.length, name, length);
	hello.length += length;
	return hello;
}

static void tls(struct me_trick *trick, const char *name, bool learned, bool cut)
{
	struct hello hello = hello_for(name);
	size_t first = cut ? hello.length - 10 : hello.length;
	int client, on = 1;

	meet(trick, 443, learned, &client);
	if (setsockopt(client, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on)))
		me_traffic_die("TCP_NODELAY");
	me_trick_send(client, hello.data, first);
	if (cut)
		me_trick_send(client, hello.data + first, hello.length - first);
}

static void sni(struct me_trick *trick)
{
	tls(trick, ME_TRICK_NAME, true, false);
}

static void sni_cut(struct me_trick *trick)
{
	tls(trick, ME_TRICK_NAME, true, true);
}

static void sni_other(struct me_trick *trick)
{
	tls(trick, ME_TRICK_STRANGER, true, false);
}

static void sni_other_cut(struct me_trick *trick)
{
	tls(trick, ME_TRICK_STRANGER, true, true);
}

static void sni_other_late(struct me_trick *trick)
{
	struct hello hello = hello_for(ME_TRICK_STRANGER);
	int client;

	meet(trick, 443, true, &client);
	poll(NULL, 0, ME_TRICK_LATE_MS);
	me_trick_send(client, hello.data, hello.length);
}

static void sni_unlearned(struct me_trick *trick)
{
	tls(trick, ME_TRICK_NAME, false, false);
}

static void sni_stranger(struct me_trick *trick)
{
	tls(trick, ME_TRICK_STRANGER, false, false);
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
	{"sni-other", sni_other},
	{"sni-other-cut", sni_other_cut},
	{"sni-other-late", sni_other_late},
	{"sni-unlearned", sni_unlearned},
	{"sni-stranger", sni_stranger},
	{"http-host", host},
	{"http-host-other", host_other},
	{"http-host-behind", host_behind},
	{"quic", quic},
	{NULL, NULL},
};
