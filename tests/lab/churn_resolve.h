/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_CHURN_RESOLVE_H
#define MEWATCH_LAB_CHURN_RESOLVE_H

/*
 * A resolver of its own: one question a socket, so that every socket, query and answer can be written
 * down. Nothing is remembered.
 */
#include "churn.h"

#define CHURN_ANSWERS_MAX 64u

struct churn_answers {
	size_t n;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} address[CHURN_ANSWERS_MAX];
};

struct churn_query {
	uint8_t data[CHURN_DNS_HEADER + NS_MAXCDNAME + 4];
	size_t length;
};

static inline void churn_ask(struct churn_query *query, unsigned int id, const char *name, bool v6)
{
	uint8_t wire[NS_MAXCDNAME];
	size_t n = 0;

	if (ns_name_pton(name, wire, sizeof(wire)) < 0)
		errx(2, "%s: no name", name);
	while (wire[n])
		n += wire[n] + 1;
	*query = (struct churn_query){.length = CHURN_DNS_HEADER + n + 5};
	churn_put16(query->data, id);
	query->data[2] = 1; /* RD */
	query->data[5] = 1; /* one question */
	memcpy(query->data + CHURN_DNS_HEADER, wire, n + 1);
	churn_put16(query->data + CHURN_DNS_HEADER + n + 1, v6 ? ns_t_aaaa : ns_t_a);
	churn_put16(query->data + CHURN_DNS_HEADER + n + 3, ns_c_in);
}

/*
 * Reads the addresses of the question's type out of the answer. False: it answers something else, or
 * ends before its time.
 */
static inline bool churn_read(const struct churn_query *query, const uint8_t *data, size_t length,
			      struct churn_answers *ret_answers)
{
	unsigned int type = churn_get16(query->data + query->length - 4);
	size_t size = type == ns_t_aaaa ? 16 : 4, at = query->length;
	struct churn_answers answers = {0};

	if (length < query->length || memcmp(data, query->data, 2) || !(data[2] & 0x80) ||
	    memcmp(data + CHURN_DNS_HEADER, query->data + CHURN_DNS_HEADER,
		   query->length - CHURN_DNS_HEADER))
		return false;
	for (unsigned int left = churn_get16(data + 6); left; left--) {
		int skip = dn_skipname(data + at, data + length);
		size_t rest;

		if (skip < 0 || at + skip + 10 > length)
			return false;
		at += skip;
		rest = churn_get16(data + at + 8);
		if (at + 10 + rest > length)
			return false;
		if (churn_get16(data + at) == type && rest == size && answers.n < CHURN_ANSWERS_MAX)
			memcpy(&answers.address[answers.n++], data + at + 10, size);
		at += 10 + rest;
	}
	*ret_answers = answers;
	return true;
}

/* One message from the socket; a stream has its length before it. 0: there is none. */
static inline size_t churn_receive(int fd, bool stream, uint8_t *data)
{
	uint8_t size[2];
	ssize_t n;

	if (!stream) {
		n = recv(fd, data, CHURN_DNS_MAX, 0);
		return n > 0 ? n : 0;
	}
	if (recv(fd, size, 2, MSG_WAITALL) != 2)
		return 0;
	n = recv(fd, data, churn_get16(size), MSG_WAITALL);
	return n == (ssize_t)churn_get16(size) ? n : 0;
}

/* Sends the query over a connected socket. */
static inline bool churn_query(int fd, bool stream, const struct churn_query *query)
{
	uint8_t data[2 + sizeof(query->data)];

	churn_put16(data, query->length);
	memcpy(data + 2, query->data, query->length);
	if (stream)
		return send(fd, data, 2 + query->length, MSG_NOSIGNAL) > 0;
	return send(fd, query->data, query->length, MSG_NOSIGNAL) > 0;
}

#endif
