/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_NAMES_RECORDS_H
#define MEWATCH_LAB_NAMES_RECORDS_H

/* Ways in which names_server answers: what is wrong, or odd, in the records. */
#include "names_question.h"

static void send_for_listed(struct names_job *job, enum names_section section)
{
	names_put_name(&job->answer, NAMES_LISTED);
	names_record_address(job, section, 0);
	names_send(job);
}

static void way_other_name(struct names_job *job)
{
	send_for_listed(job, SECTION_ANSWER);
}

static void way_authority(struct names_job *job)
{
	send_for_listed(job, SECTION_AUTHORITY);
}

static void way_additional(struct names_job *job)
{
	send_for_listed(job, SECTION_ADDITIONAL);
}

/* For the name that was asked for, but not where an answer belongs. */
static void way_additional_own(struct names_job *job)
{
	names_put_pointer(job, NAMES_HEADER);
	names_record_address(job, SECTION_ADDITIONAL, 0);
	names_send(job);
}

static void way_record_class(struct names_job *job)
{
	size_t owner = job->answer.length;

	names_address_of(job, NAMES_HEADER, 0);
	names_set16(&job->answer, owner + 4, 3 /* CHAOS */);
	names_send(job);
}

static void way_short_record(struct names_job *job)
{
	size_t owner = job->answer.length;

	names_address_of(job, NAMES_HEADER, 0);
	job->answer.length--;
	names_set16(&job->answer, owner + 10, job->answer.length - owner - 12);
	names_send(job);
}

static void way_loop_owner(struct names_job *job)
{
	names_address_of(job, job->answer.length, 0);
	names_send(job);
}

/* Two pointers to each other. */
static void way_loop_pair(struct names_job *job)
{
	unsigned char back[2] = {0};
	size_t data;

	names_put_pointer(job, NAMES_HEADER);
	data = names_record(job, SECTION_ANSWER, 16 /* TXT */, back, sizeof(back));
	names_set16(&job->answer, data, NAMES_POINTER | job->answer.length);
	names_address_of(job, data, 0);
	names_send(job);
}

/* The owner stands in the record after it. */
static void way_forward_owner(struct names_job *job)
{
	size_t owner = job->answer.length;

	names_address_of(job, 0, 0);
	names_set16(&job->answer, owner, NAMES_POINTER | job->answer.length);
	names_put(&job->answer, job->query->bytes + NAMES_HEADER,
		  job->question_end - 4 - NAMES_HEADER);
	names_record(job, SECTION_ANSWER, 16 /* TXT */, "", 0);
	names_send(job);
}

static void way_cut(struct names_job *job)
{
	names_address_of(job, NAMES_HEADER, 0);
	job->answer.length -= 3;
	names_send(job);
}

static void way_cut_question(struct names_job *job)
{
	job->answer.length = NAMES_HEADER + 5;
	names_set16(&job->answer, 6, 1);
	names_send(job);
}

static void way_cut_header(struct names_job *job)
{
	job->answer.length = NAMES_HEADER - 1;
	names_send(job);
}

/* What stands before the damage holds. */
static void way_count(struct names_job *job)
{
	names_address_of(job, NAMES_HEADER, 0);
	names_count(job, SECTION_ANSWER, 1000);
	names_send(job);
}

static void send_many(struct names_job *job, unsigned long n)
{
	for (unsigned long k = 0; k < n; k++)
		names_address_of(job, NAMES_HEADER, k);
	names_send(job);
}

/* In several fragments. */
static void way_large(struct names_job *job)
{
	send_many(job, 200);
}

static void way_many(struct names_job *job)
{
	send_many(job, 300);
}

/* --- Addresses ---------------------------------------------------------------------------------- */

static void send_list(struct names_job *job, const char *const *list)
{
	for (; *list; list++) {
		struct me_peer peer = lab_peer(*list, 0);
		size_t length;
		const void *bytes = names_bytes(&peer, &length);

		names_put_pointer(job, NAMES_HEADER);
		names_record(job, SECTION_ANSWER, job->type, bytes, length);
	}
	names_send(job);
}

static void way_special(struct names_job *job)
{
	static const char *const v4[] = {"0.0.0.0",         "0.9.9.9",   "127.0.0.1", "127.9.9.9",
					 "169.254.9.9",     "224.0.0.9", "239.9.9.9", "240.9.9.9",
					 "255.255.255.255", NULL};
	static const char *const v6[] = {"::",
					 "::1",
					 "fe80::1",
					 "ff02::1",
					 "ff0e::9",
					 "::ffff:0.9.9.9",
					 "::ffff:127.0.0.1",
					 "::ffff:169.254.9.9",
					 "::ffff:224.0.0.9",
					 NULL};

	send_list(job, job->type == NAMES_A ? v4 : v6);
}

static void way_private(struct names_job *job)
{
	static const char *const v4[] = {"10.9.9.9", "172.16.9.9", "192.168.9.9", "100.64.9.9",
					 NULL};
	static const char *const v6[] = {"fc00::9", "fd09::9", "::ffff:10.9.9.8",
					 "::ffff:100.64.9.8", NULL};

	send_list(job, job->type == NAMES_A ? v4 : v6);
}

/* --- CNAMEs ------------------------------------------------------------------------------------- */

static void send_chain(struct names_job *job, unsigned long n)
{
	names_address_of(job, names_chain(job, n), 0);
	names_send(job);
}

static void way_cname(struct names_job *job)
{
	send_chain(job, 1);
}

static void way_chain(struct names_job *job)
{
	send_chain(job, 8);
}

static void way_chain_long(struct names_job *job)
{
	send_chain(job, 20);
}

/* The address first, then the CNAMEs from the last to the first, all names in full. */
static void way_chain_back(struct names_job *job)
{
	static const char *const name[] = {"a.stranger.example", "b.stranger.example",
					   "c.stranger.example"};

	names_put_name(&job->answer, name[2]);
	names_record_address(job, SECTION_ANSWER, 0);
	for (size_t i = 2; i > 0; i--) {
		names_put_name(&job->answer, name[i - 1]);
		names_record_cname(job, name[i]);
	}
	names_cname_of(job, NAMES_HEADER, name[0]);
	names_send(job);
}

/* In a circle; the address is another name's. */
static void way_circle(struct names_job *job)
{
	struct names_message name = {.length = 0};
	size_t at = names_cname_of(job, NAMES_HEADER, "a.stranger.example");

	names_put(&name, job->query->bytes + NAMES_HEADER, job->question_end - 4 - NAMES_HEADER);
	names_put_pointer(job, at);
	names_record(job, SECTION_ANSWER, NAMES_CNAME, name.bytes, name.length);
	send_for_listed(job, SECTION_ANSWER);
}

/* A target that is a pointer to itself, and an address for whatever that is. */
static void way_loop_cname(struct names_job *job)
{
	unsigned char loop[2] = {0};
	size_t data;

	names_put_pointer(job, NAMES_HEADER);
	data = names_record(job, SECTION_ANSWER, NAMES_CNAME, loop, sizeof(loop));
	names_set16(&job->answer, data, NAMES_POINTER | data);
	names_address_of(job, data, 0);
	names_send(job);
}

static void way_cname_listed(struct names_job *job)
{
	names_address_of(job, names_cname_of(job, NAMES_HEADER, NAMES_LISTED), 0);
	names_send(job);
}

/* No address: the client has to ask for the target. */
static void way_alias(struct names_job *job)
{
	names_cname_of(job, NAMES_HEADER, "target.stranger.example");
	names_send(job);
}

#endif
