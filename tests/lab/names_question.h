/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_NAMES_QUESTION_H
#define MEWATCH_LAB_NAMES_QUESTION_H

/*
 * Ways in which names_server answers: as it should be, from elsewhere, and with a header or question
 * that does not fit. `listed.example` is a name of the policy; `stranger.example`, and what is below
 * it, is none.
 */
#include "names_answer.h"

#define NAMES_LISTED "listed.example"

/* As the command line says: CNAMEs, then addresses. */
static void way_good(struct names_job *job)
{
	size_t owner = names_chain(job, job->options->chain);

	for (unsigned long k = 0; k < job->options->addresses; k++)
		names_address_of(job, owner, k);
	names_send(job);
}

static void way_mute(struct names_job *job)
{
}

/* --- Who answers whom --------------------------------------------------------------------------- */

static void way_wrong_resolver(struct names_job *job)
{
	names_address_of(job, NAMES_HEADER, 0);
	names_send_from(job, 54, 0x54);
}

/* It is in the policy too, but was not asked. */
static void way_other_resolver(struct names_job *job)
{
	names_address_of(job, NAMES_HEADER, 0);
	names_send_from(job, 11, 0x11);
}

static void way_wrong_port(struct names_job *job)
{
	names_address_of(job, NAMES_HEADER, 0);
	names_send_by(job, job->other_fd);
}

/* The second answer has another address. */
static void way_duplicate(struct names_job *job)
{
	way_good(job);
	names_restart(job);
	names_address_of(job, NAMES_HEADER, 1);
	names_send(job);
}

/* --- Header and question ------------------------------------------------------------------------ */

static void way_wrong_id(struct names_job *job)
{
	names_address_of(job, NAMES_HEADER, 0);
	names_set16(&job->answer, 0, job->id ^ 1);
	names_send(job);
}

static void way_wrong_name(struct names_job *job)
{
	names_begin(&job->answer, job->id, NAMES_ANSWER, NAMES_LISTED, job->type);
	names_address_of(job, NAMES_HEADER, 0);
	names_send(job);
}

static void way_wrong_type(struct names_job *job)
{
	job->type = job->type == NAMES_A ? NAMES_AAAA : NAMES_A;
	names_set16(&job->answer, job->question_end - 4, job->type);
	names_address_of(job, NAMES_HEADER, 0);
	names_send(job);
}

static void way_wrong_class(struct names_job *job)
{
	names_set16(&job->answer, job->question_end - 2, 3 /* CHAOS */);
	names_address_of(job, NAMES_HEADER, 0);
	names_send(job);
}

static void way_no_answer_bit(struct names_job *job)
{
	names_address_of(job, NAMES_HEADER, 0);
	names_set16(&job->answer, 2, 0x0100);
	names_send(job);
}

static void way_opcode(struct names_job *job)
{
	names_address_of(job, NAMES_HEADER, 0);
	names_set16(&job->answer, 2, NAMES_ANSWER | 4 << 11 /* NOTIFY */);
	names_send(job);
}

static void way_two_questions(struct names_job *job)
{
	names_put_name(&job->answer, NAMES_LISTED);
	names_put16(&job->answer, job->type);
	names_put16(&job->answer, NAMES_IN);
	names_set16(&job->answer, 4, 2);
	names_address_of(job, NAMES_HEADER, 0);
	names_send(job);
}

static void way_no_question(struct names_job *job)
{
	job->answer.length = NAMES_HEADER;
	names_set16(&job->answer, 4, 0);
	names_put(&job->answer, job->query->bytes + NAMES_HEADER,
		  job->question_end - 4 - NAMES_HEADER);
	names_record_address(job, SECTION_ANSWER, 0);
	names_send(job);
}

/* The same case of letters is no condition (and a query's is at random with some resolvers). */
static void way_case(struct names_job *job)
{
	for (size_t at = NAMES_HEADER; at < job->question_end - 4; at++)
		if ((job->answer.bytes[at] | 0x20) >= 'a' && (job->answer.bytes[at] | 0x20) <= 'z')
			job->answer.bytes[at] ^= 0x20;
	names_address_of(job, NAMES_HEADER, 0);
	names_send(job);
}

/* A question whose name is `bytes`, and then `name`, to which the address belongs. */
static void send_odd_question(struct names_job *job, const void *bytes, size_t length)
{
	job->answer.length = NAMES_HEADER;
	names_put(&job->answer, bytes, length);
	names_put16(&job->answer, job->type);
	names_put16(&job->answer, NAMES_IN);
	names_put(&job->answer, job->query->bytes + NAMES_HEADER,
		  job->question_end - 4 - NAMES_HEADER);
	names_record_address(job, SECTION_ANSWER, 0);
	names_send(job);
}

static void way_loop_question(struct names_job *job)
{
	send_odd_question(job, "\xc0\x0c", 2);
}

/* To the owner of the address, where the right name stands. */
static void way_forward_question(struct names_job *job)
{
	send_odd_question(job, "\xc0\x12", 2);
}

/* A length of 128 + 1, which is none (RFC 1035, section 4.1.4). */
static void way_odd_label(struct names_job *job)
{
	send_odd_question(job, "\x81x", 3);
}

static void way_long_name(struct names_job *job)
{
	char name[64 * 4 + 1] = {0};

	for (size_t at = 0; at + 1 < sizeof(name); at += 64)
		name[at] = 63;
	send_odd_question(job, name, sizeof(name));
}

#endif
