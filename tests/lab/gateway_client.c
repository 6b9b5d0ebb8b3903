/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Attempts of a mail host, each written down: gateway_client KIND SOURCE DEST PORT COUNT [key=value…]
 *
 *	tcp     connects to gateway_server, and moves a number of bytes that both know
 *	abort   connects without waiting, and closes when the peer's answer was due
 *	udp     sends to an echo, from a socket of its own
 *	mute    sends to nobody who answers
 *	raw     sends packets of the IP protocol PORT
 *
 *	up=N down=N   up to so many bytes each way, of any number (tcp); or exactly `up` (the others)
 *	datagrams=1   so many of them a socket
 *	ends=N        the first N ways to end (gateway.h), in turn
 *	threads=1     who share the count
 *	id=0          of the first request
 *	truth=FILE    a line for each attempt is added to it:
 *
 *	PROTO SOURCE SPORT DEST DPORT OUTCOME SENT RECEIVED ID END
 *
 * Bytes are payload. Ends with the totals on one line; `failed` counts what did not go as agreed.
 */
#include <pthread.h>
#include "gateway.h"

#define THREADS_MAX 64u
#define SIZE_MAX_UP (1u << 24)
#define DATAGRAM_MAX 65000u
#define ABORT_MS 50
#define RAW_PORT 0

enum kind { KIND_TCP, KIND_ABORT, KIND_UDP, KIND_MUTE, KIND_RAW, KINDS };

static const char *const kind_names[KINDS] = {"tcp", "abort", "udp", "mute", "raw"};

#define END_NAME(constant, label) label,
static const char *const end_names[GATEWAY_ENDS] = {GATEWAY_END_LIST(END_NAME)};
#undef END_NAME

struct client {
	enum kind kind;
	struct me_peer source, dest;
	const char *source_text, *dest_text;
	unsigned long port, count, up, down, datagrams, ends, threads, id;
	FILE *truth;
	uint64_t seed;
};

struct worker {
	const struct client *client;
	unsigned long index;
	uint64_t random;
	struct me_truth total;
	unsigned long failed;
	pthread_t thread;
};

/* One attempt. */
struct attempt {
	int fd;
	unsigned long id, sport, sent, received;
	enum gateway_end end;
	const char *outcome;
};

static struct attempt begin(const struct client *client, int type, int protocol, unsigned long i)
{
	struct attempt attempt = {.id = client->id + i, .end = i % client->ends};
	struct me_peer own = client->source;

	attempt.fd = me_traffic_socket(own.sa.sa_family, type, protocol);
	if (bind(attempt.fd, &own.sa, own.len) || getsockname(attempt.fd, &own.sa, &own.len))
		err(1, "%s", client->source_text);
	attempt.sport = type == SOCK_RAW ? RAW_PORT : ntohs(own.in.sin_port);
	return attempt;
}

static const char *outcome_of(int error)
{
	switch (error) {
	case 0:
		return "established";
	case ECONNREFUSED:
		return "refused";
	case ETIMEDOUT:
		return "timeout";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "unreachable";
	default:
		errx(1, "connect: %s", strerror(error));
	}
}

static void finish(struct attempt *attempt)
{
	switch (attempt->end) {
	case GATEWAY_END_CLIENT:
		shutdown(attempt->fd, SHUT_WR);
		gateway_receive(attempt->fd, 1);
		break;
	case GATEWAY_END_CLIENT_RESET:
		gateway_reset(attempt->fd);
		break;
	case GATEWAY_END_TOGETHER:
	case GATEWAY_END_SILENT:
		break;
	default:
		gateway_receive(attempt->fd, 1);
	}
}

/* Returns whether all bytes moved. */
static bool exchange(struct worker *worker, struct attempt *attempt)
{
	const struct client *client = worker->client;
	unsigned long up = sizeof(struct gateway_request) +
			   me_seed_next(&worker->random) % (client->up + 1),
		      down = me_seed_next(&worker->random) % (client->down + 1);
	struct gateway_request request = {
		.magic = htonl(GATEWAY_MAGIC),
		.id = htonl(attempt->id),
		.end = htonl(attempt->end),
		.up = htonl(up),
		.down = htonl(down),
	};

	if (attempt->end == GATEWAY_END_SILENT)
		return true;
	if (send(attempt->fd, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		return false;
	attempt->sent =
		sizeof(request) + gateway_send(attempt->fd, up - sizeof(request), &worker->random);
	if (attempt->end == GATEWAY_END_HALF)
		shutdown(attempt->fd, SHUT_WR);
	attempt->received = gateway_receive(attempt->fd, down);
	return attempt->sent == up && attempt->received == down;
}

static void stream(struct worker *worker, struct attempt *attempt)
{
	const struct me_peer *dest = &worker->client->dest;

	gateway_prepare(attempt->fd);
	attempt->outcome = outcome_of(connect(attempt->fd, &dest->sa, dest->len) ? errno : 0);
	if (strcmp(attempt->outcome, "established"))
		return;
	worker->failed += !exchange(worker, attempt);
	finish(attempt);
}

static void give_up(struct worker *worker, struct attempt *attempt)
{
	const struct me_peer *dest = &worker->client->dest;

	if (!connect(attempt->fd, &dest->sa, dest->len) || errno != EINPROGRESS)
		worker->failed++;
	/* nothing will happen to this socket: it is the time that passes which is waited for */
	poll(NULL, 0, ABORT_MS);
	attempt->outcome = "aborted";
}

static void datagrams(struct worker *worker, struct attempt *attempt)
{
	static const char zeros[DATAGRAM_MAX];
	const struct client *client = worker->client;
	struct me_truth got = {0};

	for (unsigned long i = 0; i < client->datagrams; i++) {
		ssize_t n = sendto(attempt->fd, zeros, client->up, 0, &client->dest.sa,
				   client->dest.len);

		if (n < 0) {
			worker->failed++;
			break;
		}
		attempt->sent += n;
		worker->total.datagrams++;
		if (client->kind == KIND_UDP)
			me_traffic_await(attempt->fd, &got);
	}
	attempt->received = got.received;
	attempt->outcome = client->kind == KIND_UDP ? "answered" : "unanswered";
	worker->failed += client->kind == KIND_UDP && attempt->received != attempt->sent;
}

static void write_down(struct worker *worker, const struct attempt *attempt)
{
	const struct client *client = worker->client;
	static const char *const protocols[KINDS] = {"tcp", "tcp", "udp", "udp"};
	char number[16];

	worker->total.attempts++;
	worker->total.sent += attempt->sent;
	worker->total.received += attempt->received;
	if (!client->truth)
		return;
	snprintf(number, sizeof(number), "%lu", client->port);
	fprintf(client->truth, "%s %s %lu %s %lu %s %lu %lu %lu %s\n",
		protocols[client->kind] ? protocols[client->kind] : number, client->source_text,
		attempt->sport, client->dest_text,
		client->kind == KIND_RAW ? RAW_PORT : client->port, attempt->outcome, attempt->sent,
		attempt->received, attempt->id, end_names[attempt->end]);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	const struct client *client = worker->client;

	for (unsigned long i = worker->index; i < client->count; i += client->threads) {
		struct attempt attempt;

		switch (client->kind) {
		case KIND_TCP:
			attempt = begin(client, SOCK_STREAM, 0, i);
			stream(worker, &attempt);
			break;
		case KIND_ABORT:
			attempt = begin(client, SOCK_STREAM | SOCK_NONBLOCK, 0, i);
			give_up(worker, &attempt);
			break;
		case KIND_RAW:
			attempt = begin(client, SOCK_RAW, client->port, i);
			datagrams(worker, &attempt);
			break;
		default:
			attempt = begin(client, SOCK_DGRAM, 0, i);
			datagrams(worker, &attempt);
		}
		close(attempt.fd);
		write_down(worker, &attempt);
	}
	return NULL;
}

static void read_option(struct client *client, const char *text)
{
	const struct {
		const char *name;
		unsigned long *value;
		unsigned long max;
	} options[] = {
		{"up=", &client->up, SIZE_MAX_UP},
		{"down=", &client->down, SIZE_MAX_UP},
		{"datagrams=", &client->datagrams, LAB_COUNT_MAX},
		{"ends=", &client->ends, GATEWAY_ENDS},
		{"threads=", &client->threads, THREADS_MAX},
		{"id=", &client->id, LAB_COUNT_MAX},
	};

	if (!strncmp(text, "truth=", 6)) {
		client->truth = fopen(text + 6, "ae");
		if (!client->truth)
			err(1, "%s", text + 6);
		return;
	}
	for (size_t i = 0; i < LAB_ARRAY_SIZE(options); i++) {
		size_t n = strlen(options[i].name);

		if (strncmp(text, options[i].name, n))
			continue;
		*options[i].value = lab_number(text + n, options[i].max);
		return;
	}
	errx(2, "%s: no such option", text);
}

static struct client read_arguments(int argc, char **argv)
{
	struct client client = {.kind = KINDS, .datagrams = 1, .ends = 1, .threads = 1};

	if (argc < 6)
		errx(2, "usage: gateway_client KIND SOURCE DEST PORT COUNT [key=value…]");
	for (enum kind kind = 0; kind < KINDS; kind++)
		if (!strcmp(argv[1], kind_names[kind]))
			client.kind = kind;
	if (client.kind == KINDS)
		errx(2, "%s: no such kind", argv[1]);
	client.port = lab_number(argv[4], client.kind == KIND_RAW ? 255 : 65535);
	client.source_text = argv[2];
	client.source = lab_peer(argv[2], 0);
	client.dest_text = argv[3];
	client.dest = lab_peer(argv[3], client.kind == KIND_RAW ? RAW_PORT : client.port);
	client.count = lab_number(argv[5], LAB_COUNT_MAX);
	for (int i = 6; i < argc; i++)
		read_option(&client, argv[i]);
	if (!client.ends || !client.threads || !client.datagrams)
		errx(2, "ends, threads and datagrams are at least 1");
	if (client.kind >= KIND_UDP && client.up > DATAGRAM_MAX)
		errx(2, "a datagram has at most %u bytes", DATAGRAM_MAX);
	client.seed = me_seed() + client.id;
	return client;
}

int main(int argc, char **argv)
{
	struct client client = read_arguments(argc, argv);
	struct worker workers[THREADS_MAX] = {0};
	struct me_truth total = {0};
	unsigned long failed = 0;

	for (unsigned long i = 0; i < client.threads; i++) {
		workers[i] =
			(struct worker){.client = &client, .index = i, .random = client.seed + i};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			errx(1, "no thread");
	}
	for (unsigned long i = 0; i < client.threads; i++) {
		pthread_join(workers[i].thread, NULL);
		total.attempts += workers[i].total.attempts;
		total.datagrams += workers[i].total.datagrams;
		total.sent += workers[i].total.sent;
		total.received += workers[i].total.received;
		failed += workers[i].failed;
	}
	if (client.truth && fclose(client.truth))
		err(1, "truth");
	printf("failed=%lu ", failed);
	lab_say(kind_names[client.kind], &total);
	return 0;
}
