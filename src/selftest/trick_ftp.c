/* SPDX-License-Identifier: GPL-2.0-only */
/* Data connections of FTP beside a control connection to a listed server, and without one. */
#include <stdio.h>
#include <string.h>
#include "selftest/trick.h"

#define DATA_PORT(trick) (30000 + (trick)->number)

static void say(int from, int to, const char *line)
{
	me_trick_pass(from, to, line, strlen(line));
}

static void control(struct me_trick *trick, int *ret_client, int *ret_server)
{
	int server = me_trick_server(trick, SOCK_STREAM, ME_TRICK_FTP, 21);

	me_trick_enter(trick);
	me_trick_pair(server, ME_TRICK_FTP, 21, ret_client, ret_server);
	say(*ret_server, *ret_client, "220 ready\r\n");
}

/* "227 … (h1,h2,h3,h4,p1,p2)" (RFC 959) */
static void announce(struct me_trick *trick, const char *address)
{
	struct me_peer at = me_trick_peer(address, DATA_PORT(trick));
	const uint8_t *host = (const uint8_t *)&at.in.sin_addr;
	int client, server;
	char line[96];

	control(trick, &client, &server);
	say(client, server, "PASV\r\n");
	snprintf(line, sizeof(line), "227 Entering Passive Mode (%u,%u,%u,%u,%u,%u)\r\n", host[0],
		 host[1], host[2], host[3], DATA_PORT(trick) >> 8, DATA_PORT(trick) & 255);
	say(server, client, line);
}

static void passive(struct me_trick *trick)
{
	announce(trick, ME_TRICK_FTP);
	me_trick_try(trick, ME_TRICK_FTP, DATA_PORT(trick));
}

static void extended(struct me_trick *trick)
{
	int client, server;
	char line[96];

	control(trick, &client, &server);
	say(client, server, "EPSV\r\n");
	snprintf(line, sizeof(line), "229 Entering Extended Passive Mode (|||%u|)\r\n",
		 DATA_PORT(trick));
	say(server, client, line);
	me_trick_try(trick, ME_TRICK_FTP, DATA_PORT(trick));
}

static void twice(struct me_trick *trick)
{
	passive(trick);
	me_trick_try(trick, ME_TRICK_FTP, DATA_PORT(trick));
}

static void other_port(struct me_trick *trick)
{
	announce(trick, ME_TRICK_FTP);
	me_trick_try(trick, ME_TRICK_FTP, DATA_PORT(trick) + 1000);
}

/* The address of somebody else: it is no leave to go there. */
static void bounce(struct me_trick *trick)
{
	announce(trick, trick->target);
	me_trick_try(trick, trick->target, DATA_PORT(trick));
}

static void unannounced(struct me_trick *trick)
{
	int client, server;

	control(trick, &client, &server);
	me_trick_try(trick, ME_TRICK_FTP, DATA_PORT(trick));
}

static void before_control(struct me_trick *trick)
{
	me_trick_enter(trick);
	me_trick_try(trick, ME_TRICK_FTP, DATA_PORT(trick));
}

static void encrypted(struct me_trick *trick)
{
	int client, server;

	control(trick, &client, &server);
	say(client, server, "AUTH TLS\r\n");
	say(server, client, "234 go ahead\r\n");
	me_trick_try(trick, ME_TRICK_FTP, DATA_PORT(trick));
}

const struct me_trick_entry me_tricks_ftp[] = {
	{"ftp-pasv", passive},
	{"ftp-epsv", extended},
	{"ftp-twice", twice},
	{"ftp-other-port", other_port},
	{"ftp-bounce", bounce},
	{"ftp-unannounced", unannounced},
	{"ftp-before-control", before_control},
	{"ftp-encrypted", encrypted},
	{NULL, NULL},
};
