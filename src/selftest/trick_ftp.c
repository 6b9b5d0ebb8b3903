/* SPDX-License-Identifier: GPL-2.0-only */
/* Data connections of FTP beside a control connection to a listed server, and without one. */
#include <netinet/in.h> /* before the UAPI's, which then stands back */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include "mewatch/ftp.h"
#include "selftest/network.h"
#include "selftest/trick.h"

#define DATA_PORT(trick) (30000 + (trick)->number)
#define DOCUMENTED_PORT 1023

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

/* Says where it waits: "h1,h2,h3,h4,p1,p2" (RFC 959), between these words. */
static void say_where(int from, int to, const char *before, const char *address, uint16_t port,
		      const char *behind)
{
	struct me_peer at = me_trick_peer(address, port);
	const uint8_t *host = (const uint8_t *)&at.in.sin_addr;
	char line[96];

	snprintf(line, sizeof(line), "%s%u,%u,%u,%u,%u,%u%s\r\n", before, host[0], host[1], host[2],
		 host[3], port >> 8, port & 255, behind);
	say(from, to, line);
}

static void announce(struct me_trick *trick, const char *address)
{
	int client, server;

	control(trick, &client, &server);
	say(client, server, "PASV\r\n");
	say_where(server, client, "227 Entering Passive Mode (", address, DATA_PORT(trick), ")");
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

static void late(struct me_trick *trick)
{
	announce(trick, ME_TRICK_FTP);
	poll(NULL, 0, ME_TRICK_FTP_LATE_MS);
	me_trick_try(trick, ME_TRICK_FTP, DATA_PORT(trick));
}

/* Beside a control connection on which nothing is said. */
static void beside(struct me_trick *trick, uint16_t port)
{
	int client, server;

	control(trick, &client, &server);
	me_trick_try(trick, ME_TRICK_FTP, port);
}

static void unannounced(struct me_trick *trick)
{
	beside(trick, DATA_PORT(trick));
}

static void documented(struct me_trick *trick)
{
	beside(trick, DOCUMENTED_PORT);
}

static void to_data_port(struct me_trick *trick)
{
	beside(trick, ME_FTP_DATA_PORT);
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

/* --- The server calls ----------------------------------------------------------------------------- */

static void active(struct me_trick *trick, bool extended)
{
	int caller = me_trick_caller(trick, ME_TRICK_FTP, ME_FTP_DATA_PORT);
	int client, server, listener;
	char line[96];

	control(trick, &client, &server);
	listener = me_trick_listen(ME_MAIL4, DATA_PORT(trick));
	if (extended) {
		snprintf(line, sizeof(line), "EPRT |1|%s|%u|\r\n", ME_MAIL4, DATA_PORT(trick));
		say(client, server, line);
	} else {
		say_where(client, server, "PORT ", ME_MAIL4, DATA_PORT(trick), "");
	}
	me_trick_called(trick, listener, caller, ME_TRICK_FTP, ME_FTP_DATA_PORT,
			1 /* the control connection */);
}

static void port(struct me_trick *trick)
{
	active(trick, false);
}

static void eprt(struct me_trick *trick)
{
	active(trick, true);
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
	{"ftp-documented", documented},
	{"ftp-late", late},
	{"ftp-to-20", to_data_port},
	{"ftp-active", port},
	{"ftp-eprt", eprt},
	{NULL, NULL},
};
