/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_NAMES_ANSWER_H
#define MEWATCH_LAB_NAMES_ANSWER_H

/* An answer of names_server while it is made: sections, records, and how it is sent. */
#include "names.h"

#define NAMES_OTHER_PORT 5353u /* answers from there are not from port 53 */

enum names_section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

/* What the server was told on its command line. */
struct names_options {
	unsigned long addresses; /* of an answer */
	unsigned long chain;     /* CNAMEs before them */
	unsigned long ttl;
};

struct names_job {
	const struct names_options *options;
	const struct names_message *query;
	size_t question_end; /* in the query */
	unsigned int id;
	unsigned int type;
	int fd;       /* bound to port 53 */
	int other_fd; /* bound to NAMES_OTHER_PORT */
	struct sockaddr_in6 client;
	struct in6_pktinfo server;   /* the address that was asked */
	struct names_message answer; /* begins with the question of the query */
	unsigned long sent;
};

/* --- Records: the owner is put first, then one of these. Where the data begins is returned. ------- */

static inline void names_count(struct names_job *job, enum names_section section, int n)
{
	size_t at = 6 + 2 * section;

	names_set16(&job->answer, at, names_get16(&job->answer, at) + n);
}

static inline size_t names_record(struct names_job *job, enum names_section section,
				  unsigned int type, const void *data, size_t length)
{
	names_put16(&job->answer, type);
	names_put16(&job->answer, NAMES_IN);
	names_put32(&job->answer, job->options->ttl);
	names_put16(&job->answer, length);
	names_put(&job->answer, data, length);
	names_count(job, section, 1);
	return job->answer.length - length;
}

/* Address `k` of the query's id. */
static inline void names_record_address(struct names_job *job, enum names_section section,
					unsigned long k)
{
	struct me_peer peer =
		names_address(names_family(job->type), job->id * job->options->addresses + k, 0);
	size_t length;
	const void *bytes = names_bytes(&peer, &length);

	names_record(job, section, job->type, bytes, length);
}

static inline size_t names_record_cname(struct names_job *job, const char *target)
{
	struct names_message name = {.length = 0};

	names_put_name(&name, target);
	return names_record(job, SECTION_ANSWER, NAMES_CNAME, name.bytes, name.length);
}

/* The same in one go: owner, then the record. An owner is a pointer or a text. */
static inline void names_put_pointer(struct names_job *job, size_t at)
{
	names_put16(&job->answer, NAMES_POINTER | at);
}

static inline void names_address_of(struct names_job *job, size_t owner, unsigned long k)
{
	names_put_pointer(job, owner);
	names_record_address(job, SECTION_ANSWER, k);
}

static inline size_t names_cname_of(struct names_job *job, size_t owner, const char *target)
{
	names_put_pointer(job, owner);
	return names_record_cname(job, target);
}

/* CNAMEs from the question on; where the last name stands. */
static inline size_t names_chain(struct names_job *job, unsigned long n)
{
	size_t owner = NAMES_HEADER;
	char target[64];

	for (unsigned long i = 1; i <= n; i++) {
		snprintf(target, sizeof(target), "hop%lu-%u.stranger.example", i, job->id);
		owner = names_cname_of(job, owner, target);
	}
	return owner;
}

/* --- Sending ------------------------------------------------------------------------------------ */

/* Begins anew: header and question as in the query. */
static inline void names_restart(struct names_job *job)
{
	job->answer.length = 0;
	names_put(&job->answer, job->query->bytes, job->question_end);
	names_set16(&job->answer, 2, NAMES_ANSWER);
	memset(job->answer.bytes + 6, 0, NAMES_HEADER - 6);
}

/* From the address that was asked: the control data names it. */
static inline void names_send_by(struct names_job *job, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = {.head = {CMSG_LEN(sizeof(struct in6_pktinfo)), IPPROTO_IPV6, IPV6_PKTINFO}};
	struct iovec part = {.iov_base = job->answer.bytes, .iov_len = job->answer.length};
	struct msghdr message = {
		.msg_name = &job->client,
		.msg_namelen = sizeof(job->client),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &job->server, sizeof(job->server));
	if (sendmsg(fd, &message, 0) < 0) {
		if (errno != ECONNREFUSED)
			warn("answer");
		return;
	}
	job->sent++;
}

static inline void names_send(struct names_job *job)
{
	names_send_by(job, job->fd);
}

/* As names_send(), from the address of the server whose last byte is `v4` or `v6`. */
static inline void names_send_from(struct names_job *job, unsigned char v4, unsigned char v6)
{
	bool mapped = IN6_IS_ADDR_V4MAPPED(&job->client.sin6_addr);

	job->server.ipi6_addr.s6_addr[15] = mapped ? v4 : v6;
	names_send(job);
}

#endif
