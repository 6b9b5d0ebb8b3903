/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * An authoritative server whose answers rotate: churn_authority ADDRESS PORT FILE, over UDP and TCP.
 * Each line of the file is one of
 *
 *	NAME TTL pool V4 V6 COUNT WINDOW	COUNT addresses from V4 and from V6 on (or `-`), of which
 *						each answer has the next WINDOW
 *	NAME TTL cname TARGET			nothing but the CNAME: who asks has to ask on
 *
 * It says `ready` when it listens.
 */
#include <ctype.h>
#include <netinet/tcp.h>
#include <signal.h>
#include "base/table.h"
#include "churn.h"

#define UDP_PLAIN 512u /* what a client without EDNS takes (RFC 1035, section 4.2.1) */

struct record {
	unsigned long ttl, count, window, turn;
	bool has[2]; /* IPv4, IPv6 */
	struct in_addr v4;
	struct in6_addr v6;
	char target[CHURN_NAME_LEN]; /* of a CNAME, or empty */
};

struct message {
	uint8_t data[CHURN_DNS_MAX];
	size_t length;
};

static struct me_table *zone;

static void key_of(const char *name, char ret_key[CHURN_NAME_LEN])
{
	memset(ret_key, 0, CHURN_NAME_LEN);
	for (size_t i = 0; name[i] && i < CHURN_NAME_LEN - 1; i++)
		ret_key[i] = tolower((unsigned char)name[i]);
}

/* --- The file ----------------------------------------------------------------------------------- */

static void read_line(const char *path, char *line)
{
	static const char blanks[] = " \t\n";
	char *word[8] = {0}, *rest = line, key[CHURN_NAME_LEN];
	struct record *record;
	void *value;
	size_t n = 0;

	while (n < LAB_ARRAY_SIZE(word) && (word[n] = strsep(&rest, blanks)))
		n += *word[n] != '\0';
	if (!n)
		return;
	if (n < 4 || (n < 7 && !strcmp(word[2], "pool")))
		errx(2, "%s: %s: words are missing", path, word[0]);
	key_of(word[0], key);
	if (me_table_put(zone, key, &value) < 0)
		errx(1, "out of memory");
	record = value;
	record->ttl = lab_number(word[1], 604800);
	if (!strcmp(word[2], "cname")) {
		key_of(word[3], record->target);
		return;
	}
	record->has[0] = inet_pton(AF_INET, word[3], &record->v4) == 1;
	record->has[1] = inet_pton(AF_INET6, word[4], &record->v6) == 1;
	record->count = lab_number(word[5], 4096);
	record->window = lab_number(word[6], 4096);
	if (!record->window || record->window > record->count)
		errx(2, "%s: %s: the window is 1 to all addresses", path, word[0]);
}

static void read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	zone = me_table_new(CHURN_NAME_LEN, sizeof(struct record), 0);
	if (!file || !zone)
		err(1, "%s", path);
	while (getline(&line, &room, file) >= 0)
		read_line(path, line);
	free(line);
	fclose(file);
}

/* --- Answers ------------------------------------------------------------------------------------ */

/* A record for the question's name. */
static void add_record(struct message *m, unsigned int type, unsigned long ttl, const void *data,
		       size_t length)
{
	uint8_t *at = m->data + m->length;

	at[0] = 0xc0;
	at[1] = CHURN_DNS_HEADER;
	churn_put16(at + 2, type);
	churn_put16(at + 4, ns_c_in);
	churn_put16(at + 6, ttl >> 16);
	churn_put16(at + 8, ttl);
	churn_put16(at + 10, length);
	memcpy(at + 12, data, length);
	m->length += 12 + length;
	churn_put16(m->data + 6, churn_get16(m->data + 6) + 1);
}

static void add_cname(struct message *m, const struct record *record)
{
	uint8_t target[NS_MAXCDNAME];
	int length = ns_name_pton(record->target, target, sizeof(target));

	if (length < 0)
		errx(1, "%s: no name", record->target);
	for (length = 0; target[length]; length += target[length] + 1)
		;
	add_record(m, ns_t_cname, record->ttl, target, length + 1);
}

/* The next addresses of the pool. */
static void add_addresses(struct message *m, struct record *record, bool v6)
{
	for (unsigned long i = 0; i < record->window; i++) {
		unsigned long n = (record->turn + i) % record->count;
		struct in6_addr a6 = record->v6;
		uint32_t a4 = htonl(ntohl(record->v4.s_addr) + n);

		a6.s6_addr[15] += n;
		if (v6)
			add_record(m, ns_t_aaaa, record->ttl, &a6, sizeof(a6));
		else
			add_record(m, ns_t_a, record->ttl, &a4, sizeof(a4));
	}
	record->turn += record->window;
}

/* The payload that the sender of the query takes: behind the question there is at most OPT. */
static size_t room_of(const struct message *query, size_t end)
{
	size_t size = UDP_PLAIN;

	if (churn_get16(query->data + 10) && end + 5 <= query->length && !query->data[end] &&
	    churn_get16(query->data + end + 1) == ns_t_opt)
		size = churn_get16(query->data + end + 3);
	return size < UDP_PLAIN ? UDP_PLAIN : size;
}

/* Answers the query in place. False: it is none. */
static bool answer(struct message *m, bool stream)
{
	char name[NS_MAXDNAME], key[CHURN_NAME_LEN];
	struct record *record;
	unsigned int type;
	size_t end, room;
	int n;

	if (m->length < CHURN_DNS_HEADER + 5 || churn_get16(m->data + 4) != 1)
		return false;
	n = dn_expand(m->data, m->data + m->length, m->data + CHURN_DNS_HEADER, name, sizeof(name));
	if (n < 0 || (end = CHURN_DNS_HEADER + n + 4) > m->length)
		return false;
	room = stream ? CHURN_DNS_MAX : room_of(m, end);
	type = churn_get16(m->data + end - 4);
	m->data[2] = 0x84 | (m->data[2] & 1); /* QR, AA, RD */
	m->data[3] = 0;
	memset(m->data + 6, 0, 6);
	m->length = end;
	key_of(name, key);
	record = me_table_get(zone, key);
	if (record && record->target[0])
		add_cname(m, record);
	else if (record && (type == ns_t_a || type == ns_t_aaaa) && record->has[type == ns_t_aaaa])
		add_addresses(m, record, type == ns_t_aaaa);
	if (m->length > room) {
		m->data[2] |= 2; /* TC */
		churn_put16(m->data + 6, 0);
		m->length = end;
	}
	return true;
}

/* --- Serving ------------------------------------------------------------------------------------ */

static int serve(const struct me_peer *at, int type)
{
	int fd = socket(at->sa.sa_family, type | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, &at->sa, at->len) || (type == SOCK_STREAM && listen(fd, 256)))
		err(1, "cannot listen");
	return fd;
}

static void serve_datagram(int fd, struct message *m)
{
	struct me_peer from = {.len = sizeof(from.in6)};
	ssize_t n = recvfrom(fd, m->data, sizeof(m->data), 0, &from.sa, &from.len);

	if (n <= 0)
		return;
	m->length = n;
	if (answer(m, false))
		sendto(fd, m->data, m->length, 0, &from.sa, from.len);
}

/* One connection to its end: resolvers ask by TCP only what was too long. */
static void serve_stream(int listener, struct message *m)
{
	struct timeval deadline = {.tv_sec = 1};
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
	uint8_t size[2];

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (recv(fd, size, 2, MSG_WAITALL) == 2) {
		m->length = churn_get16(size);
		if (recv(fd, m->data, m->length, MSG_WAITALL) != (ssize_t)m->length ||
		    !answer(m, true))
			break;
		churn_put16(size, m->length);
		if (send(fd, size, 2, MSG_MORE | MSG_NOSIGNAL) != 2 ||
		    send(fd, m->data, m->length, MSG_NOSIGNAL) != (ssize_t)m->length)
			break;
	}
	close(fd);
}

int main(int argc, char **argv)
{
	static struct message message;
	struct pollfd fds[2];
	struct me_peer at;

	if (argc != 4)
		errx(2, "usage: churn_authority ADDRESS PORT FILE");
	at = lab_peer(argv[1], lab_number(argv[2], 65535));
	read_file(argv[3]);
	fds[0] = (struct pollfd){.fd = serve(&at, SOCK_DGRAM), .events = POLLIN};
	fds[1] = (struct pollfd){.fd = serve(&at, SOCK_STREAM), .events = POLLIN};
	printf("ready\n");
	fflush(stdout);
	while (poll(fds, LAB_ARRAY_SIZE(fds), -1) > 0 || errno == EINTR) {
		if (fds[0].revents)
			serve_datagram(fds[0].fd, &message);
		if (fds[1].revents)
			serve_stream(fds[1].fd, &message);
	}
	err(1, "poll");
}
