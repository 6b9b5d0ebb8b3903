/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * One connection that says what it is told to: churn_dial ADDRESS PORT [key=value…]
 *
 *	sni=NAME     TLS with that name; `sni=` TLS without one
 *	fill=N       bytes more in the ClientHello
 *	ech=1        the extension of an encrypted ClientHello
 *	text=BYTES   no TLS: that, where \r and \n stand for themselves
 *	file=FILE answers=N   no TLS: the bytes of that file, which ask for N DNS messages
 *	piece=N      the hello or text leaves in segments of N bytes
 *	gap=MS       … and so long between them
 *	wait=MS      … and so long before the first
 *	mptcp=1      over MPTCP
 *	hold=1       it stays open until there is something on our input
 *
 * Without `sni`, `text` and `file` it says nothing. It prints `sport=… errno=… done=…`: `done` is 1 when the
 * handshake came to its end, or every answer came.
 */
#include "churn_resolve.h"
#include "churn_tls.h"

struct dial {
	struct churn_hello hello;
	const char *text, *file;
	unsigned long answers, wait, mptcp, hold;
	bool tls;
};

static void read_number(const char *text, unsigned long *ret_number)
{
	*ret_number = lab_number(text, CHURN_FILL_MAX);
}

static void read_option(struct dial *dial, const char *text)
{
	unsigned long ech = 0;

	if (!strncmp(text, "sni=", 4)) {
		dial->tls = true;
		dial->hello.sni = text[4] ? text + 4 : NULL;
	} else if (!strncmp(text, "text=", 5)) {
		dial->text = text + 5;
	} else if (!strncmp(text, "file=", 5)) {
		dial->file = text + 5;
	} else if (!strncmp(text, "answers=", 8)) {
		read_number(text + 8, &dial->answers);
	} else if (!strncmp(text, "fill=", 5)) {
		read_number(text + 5, &dial->hello.fill);
	} else if (!strncmp(text, "piece=", 6)) {
		read_number(text + 6, &dial->hello.piece);
	} else if (!strncmp(text, "gap=", 4)) {
		read_number(text + 4, &dial->hello.gap);
	} else if (!strncmp(text, "wait=", 5)) {
		read_number(text + 5, &dial->wait);
	} else if (!strncmp(text, "mptcp=", 6)) {
		read_number(text + 6, &dial->mptcp);
	} else if (!strncmp(text, "hold=", 5)) {
		read_number(text + 5, &dial->hold);
	} else if (!strncmp(text, "ech=", 4)) {
		read_number(text + 4, &ech);
		dial->hello.ech = ech;
	} else {
		errx(2, "%s: no such option", text);
	}
}

/* The text with its escapes as bytes. */
static size_t text_bytes(const char *text, char *out, size_t room)
{
	size_t n = 0;

	for (; *text && n < room; text++) {
		if (text[0] == '\\' && (text[1] == 'r' || text[1] == 'n'))
			out[n++] = *++text == 'r' ? '\r' : '\n';
		else
			out[n++] = *text;
	}
	return n;
}

static bool say_text(int fd, const struct dial *dial)
{
	char bytes[ME_TRAFFIC_CHUNK];
	size_t n = text_bytes(dial->text, bytes, sizeof(bytes));

	return churn_send_pieces(fd, bytes, n, dial->hello.piece, dial->hello.gap) &&
	       recv(fd, bytes, sizeof(bytes), 0) > 0;
}

static bool say_file(int fd, const struct dial *dial)
{
	static uint8_t message[CHURN_DNS_MAX];
	char bytes[ME_TRAFFIC_CHUNK];
	FILE *file = fopen(dial->file, "re");
	size_t n;

	if (!file)
		err(1, "%s", dial->file);
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	if (!churn_send_pieces(fd, bytes, n, dial->hello.piece, dial->hello.gap))
		return false;
	for (n = 0; n < dial->answers && churn_receive(fd, true, message); n++)
		;
	return n == dial->answers;
}

int main(int argc, char **argv)
{
	struct me_peer peer, own = {.len = sizeof(own.in6)};
	struct dial dial = {0};
	bool done = false;
	int fd, error = 0;

	if (argc < 3)
		errx(2, "usage: churn_dial ADDRESS PORT [key=value…]");
	peer = lab_peer(argv[1], lab_number(argv[2], 65535));
	for (int i = 3; i < argc; i++)
		read_option(&dial, argv[i]);
	fd = me_traffic_socket(peer.sa.sa_family, SOCK_STREAM, dial.mptcp ? IPPROTO_MPTCP : 0);
	if (connect(fd, &peer.sa, peer.len))
		error = errno;
	getsockname(fd, &own.sa, &own.len);
	usleep(dial.wait * 1000);
	if (!error && dial.tls)
		done = churn_tls_talk(churn_tls_context(&dial.hello), fd, &dial.hello, NULL);
	else if (!error && dial.text)
		done = say_text(fd, &dial);
	else if (!error && dial.file)
		done = say_file(fd, &dial);
	printf("sport=%u errno=%d done=%d\n", ntohs(own.in.sin_port), error, done);
	fflush(stdout);
	if (dial.hold)
		lab_hold();
	return 0;
}
