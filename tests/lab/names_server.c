/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * The far side's name server: names_server [key=value…]. It has an address for every name, from every
 * address that it is asked at, and does what the first label of the name says (see the table below).
 *
 *	addresses=1  in an answer: for the query with the id N the numbers N * addresses … of the far side
 *	chain=0      CNAMEs before them
 *	ttl=60
 *
 * The first label `to-PORT` sends the answer to that port of the client. It serves IPv4 and IPv6, says
 * `ready` when all is bound, and at SIGTERM what it saw.
 */
#include <signal.h>
#include <strings.h>
#include <sys/signalfd.h>
#include "names_records.h"

#define LABEL_MAX 63u

static const struct {
	const char *label;
	void (*answer)(struct names_job *job);
} ways[] = {
	{"mute", way_mute},
	{"wrong-resolver", way_wrong_resolver},
	{"other-resolver", way_other_resolver},
	{"wrong-port", way_wrong_port},
	{"duplicate", way_duplicate},
	{"wrong-id", way_wrong_id},
	{"wrong-name", way_wrong_name},
	{"wrong-type", way_wrong_type},
	{"wrong-class", way_wrong_class},
	{"no-answer-bit", way_no_answer_bit},
	{"opcode", way_opcode},
	{"two-questions", way_two_questions},
	{"no-question", way_no_question},
	{"case", way_case},
	{"loop-question", way_loop_question},
	{"forward-question", way_forward_question},
	{"odd-label", way_odd_label},
	{"long-name", way_long_name},
	{"other-name", way_other_name},
	{"authority", way_authority},
	{"additional", way_additional},
	{"additional-own", way_additional_own},
	{"record-class", way_record_class},
	{"short-record", way_short_record},
	{"loop-owner", way_loop_owner},
	{"loop-pair", way_loop_pair},
	{"forward-owner", way_forward_owner},
	{"cut", way_cut},
	{"cut-question", way_cut_question},
	{"cut-header", way_cut_header},
	{"count", way_count},
	{"large", way_large},
	{"many", way_many},
	{"special", way_special},
	{"private", way_private},
	{"cname", way_cname},
	{"chain", way_chain},
	{"chain-long", way_chain_long},
	{"chain-back", way_chain_back},
	{"circle", way_circle},
	{"loop-cname", way_loop_cname},
	{"cname-listed", way_cname_listed},
	{"alias", way_alias},
};

struct server {
	struct names_options options;
	struct names_job job;
	struct names_message query;
	unsigned long queries, answers;
};

static int serve(unsigned int port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = me_traffic_socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int on = 1, off = 0;

	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)))
		err(1, "port %u", port);
	return fd;
}

/* One query, with the addresses of both sides. False: there is none. */
static bool take(struct server *server)
{
	char control[256];
	struct iovec part = {server->query.bytes, sizeof(server->query.bytes)};
	struct msghdr message = {
		.msg_name = &server->job.client,
		.msg_namelen = sizeof(server->job.client),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(server->job.fd, &message, 0);

	if (n < 0)
		return false;
	server->query.length = n;
	if (!message.msg_controllen)
		errx(1, "a query without its destination");
	memcpy(&server->job.server, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(server->job.server));
	server->job.server.ipi6_ifindex = 0;
	return true;
}

/* Where the question ends; 0: there is none. */
static size_t question_end(const struct names_message *query)
{
	size_t at = NAMES_HEADER;

	while (at < query->length && query->bytes[at])
		at += query->bytes[at] + 1u;
	return at + 5 <= query->length ? at + 5 : 0;
}

/* What the first label asks for. */
static void answer(struct names_job *job)
{
	char label[LABEL_MAX + 1] = {0};
	size_t length = job->query->bytes[NAMES_HEADER] & LABEL_MAX;

	memcpy(label, job->query->bytes + NAMES_HEADER + 1, length);
	if (!strncasecmp(label, "to-", 3))
		job->client.sin6_port = htons(lab_number(label + 3, 65535));
	for (size_t i = 0; i < LAB_ARRAY_SIZE(ways); i++) {
		if (strcasecmp(ways[i].label, label))
			continue;
		ways[i].answer(job);
		return;
	}
	way_good(job);
}

static void serve_all(struct server *server)
{
	struct names_job *job = &server->job;

	while (take(server)) {
		job->question_end = question_end(&server->query);
		if (!job->question_end)
			errx(1, "a query without a question");
		server->queries++;
		job->id = names_get16(&server->query, 0);
		job->type = names_get16(&server->query, job->question_end - 4);
		job->sent = 0;
		names_restart(job);
		answer(job);
		server->answers += job->sent;
	}
}

static void read_option(struct names_options *options, const char *text)
{
	if (!strncmp(text, "addresses=", 10))
		options->addresses = lab_number(text + 10, 256);
	else if (!strncmp(text, "chain=", 6))
		options->chain = lab_number(text + 6, 16);
	else if (!strncmp(text, "ttl=", 4))
		options->ttl = lab_number(text + 4, UINT32_MAX);
	else
		errx(2, "%s: no such option", text);
}

int main(int argc, char **argv)
{
	static struct server server = {.options = {.addresses = 1, .ttl = 60}};
	sigset_t end;

	for (int i = 1; i < argc; i++)
		read_option(&server.options, argv[i]);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	server.job.options = &server.options;
	server.job.query = &server.query;
	server.job.fd = serve(NAMES_PORT);
	server.job.other_fd = serve(NAMES_OTHER_PORT);
	struct pollfd ready[] = {
		{.fd = server.job.fd, .events = POLLIN},
		{.fd = signalfd(-1, &end, SFD_CLOEXEC), .events = POLLIN},
	};

	printf("ready\n");
	fflush(stdout);
	while (poll(ready, LAB_ARRAY_SIZE(ready), -1) > 0 && !ready[1].revents)
		serve_all(&server);
	printf("queries=%lu answers=%lu\n", server.queries, server.answers);
	return 0;
}
