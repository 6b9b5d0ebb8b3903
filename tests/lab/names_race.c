/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Connects at the moment when the answer is there: names_race RESOLVER4 RESOLVER6 PORT COUNT
 * [key=value…]. For each connect one name is asked for and the answer awaited by polling; then the
 * connect follows with a socket that was made before.
 *
 *	threads=2    who share the count
 *	first=0      id of the first query; the others follow
 *	fresh=0      1: a socket of its own, not connected, for each query; else two for each thread
 *	strangers=0  1: names that the policy almost has
 *
 * The names eN.race.example, *.wN.race.example and **.sN.race.example take turns, N below NAMES_EACH,
 * and so do both types and both resolvers.
 *
 * It says how many nanoseconds passed between recv() and connect(): the fewest, and half of them.
 */
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include "names.h"

#define THREADS_MAX 16u
#define NAMES_EACH                                                                                 \
	67u       /* three times that shares no divisor with the turns of types and resolvers */
#define POLLS 50u /* before others may run: the server needs a CPU too */
#define DEADLINE_NS 5000000000ull
#define NS_PER_S 1000000000ull

struct race {
	struct me_peer resolver[2];
	unsigned long port, count, threads, first, fresh, strangers;
	uint32_t *waited; /* ns between answer and connect, for each connect */
};

struct racer {
	const struct race *race;
	unsigned long index; /* it makes the connects index, index + threads, … */
	int fd[2];           /* to the resolvers, connected */
	unsigned long queries, dns_attempts, connects, failed, lost;
	int error;
	pthread_t thread;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/*
 * What stands before the name number i / 3 of its kind, so that the policy has it, or that it has not
 * but almost: `*.` is one label, `**.` one or more, neither is none.
 */
static const char *prefix(const struct race *race, unsigned long i)
{
	static const char *const listed[] = {"", "", "x.", "y.", "x.", "a.b.x."};
	static const char *const strange[] = {"x.", "a.b.", "", "a.x.", "", ""};

	return (race->strangers ? strange : listed)[i % 3 * 2 + (i & 1)];
}

/* In letters of either case. */
static void write_name(const struct race *race, unsigned long i, char *name, size_t size)
{
	snprintf(name, size, "%s%c%lu.%s", prefix(race, i), "ews"[i % 3], i / 3 % NAMES_EACH,
		 i % 5 ? "race.example" : "RaCe.eXamPle");
}

/* A socket for the query, which is sent. */
static int ask(struct racer *racer, unsigned int which, const struct names_message *query)
{
	const struct me_peer *resolver = &racer->race->resolver[which];
	bool fresh = racer->race->fresh;
	int fd =
		fresh ? me_traffic_socket(resolver->sa.sa_family, SOCK_DGRAM, 0) : racer->fd[which];

	racer->queries++;
	racer->dns_attempts += fresh;
	if (sendto(fd, query->bytes, query->length, 0, fresh ? &resolver->sa : NULL,
		   fresh ? resolver->len : 0) < 0)
		err(1, "query");
	return fd;
}

/* Polls for the answer to the id. False: it does not come. */
static bool await(int fd, unsigned int id, struct names_message *answer)
{
	uint64_t deadline = now_ns() + DEADLINE_NS;

	for (unsigned int polls = 1;; polls++) {
		ssize_t n = recv(fd, answer->bytes, sizeof(answer->bytes), MSG_DONTWAIT);

		if (n > (ssize_t)NAMES_HEADER && names_get16(answer, 0) == id) {
			answer->length = n;
			return true;
		}
		if (n < 0 && errno != EAGAIN)
			err(1, "answer");
		if (polls % POLLS)
			continue;
		if (now_ns() > deadline)
			return false;
		sched_yield();
	}
}

/* The address is the last thing in the message. */
static struct me_peer last_address(const struct names_message *answer, int family,
				   unsigned int port)
{
	struct me_peer peer = names_address(family, 0, port);
	size_t length;
	void *bytes = (void *)names_bytes(&peer, &length);

	memcpy(bytes, answer->bytes + answer->length - length, length);
	return peer;
}

static void one_connect(struct racer *racer, unsigned long i)
{
	const struct race *race = racer->race;
	unsigned long turn = i / race->threads;
	unsigned int type = turn & 1 ? NAMES_AAAA : NAMES_A, id = race->first + i;
	int stream = me_traffic_socket(names_family(type), SOCK_STREAM, 0), fd;
	struct names_message query, answer;
	struct me_peer peer;
	uint64_t answered;
	char name[128];

	write_name(race, i, name, sizeof(name));
	names_begin(&query, id, 0x0100, name, type);
	fd = ask(racer, turn >> 1 & 1, &query);
	if (await(fd, id, &answer)) {
		answered = now_ns();
		peer = last_address(&answer, names_family(type), race->port);
		race->waited[i] = now_ns() - answered;
		racer->connects++;
		if (!connect(stream, &peer.sa, peer.len) || errno != ECONNREFUSED) {
			racer->failed++;
			racer->error = errno;
		}
	} else {
		racer->lost++;
	}
	if (race->fresh)
		close(fd);
	close(stream);
}

static void *run(void *argument)
{
	struct racer *racer = argument;
	const struct race *race = racer->race;

	for (int which = 0; which < 2 && !race->fresh; which++) {
		const struct me_peer *resolver = &race->resolver[which];

		racer->fd[which] = me_traffic_socket(resolver->sa.sa_family, SOCK_DGRAM, 0);
		racer->dns_attempts++;
		if (connect(racer->fd[which], &resolver->sa, resolver->len))
			err(1, "resolver");
	}
	for (unsigned long i = racer->index; i < race->count; i += race->threads)
		one_connect(racer, i);
	return NULL;
}

static void read_option(struct race *race, const char *text)
{
	if (!strncmp(text, "threads=", 8))
		race->threads = lab_number(text + 8, THREADS_MAX);
	else if (!strncmp(text, "first=", 6))
		race->first = lab_number(text + 6, 65535);
	else if (!strncmp(text, "fresh=", 6))
		race->fresh = lab_number(text + 6, 1);
	else if (!strncmp(text, "strangers=", 10))
		race->strangers = lab_number(text + 10, 1);
	else
		errx(2, "%s: no such option", text);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct race race = {.threads = 2};
	struct racer racers[THREADS_MAX] = {0}, sum = {0};
	uint64_t start;
	double seconds;

	if (argc < 5)
		errx(2, "usage: names_race RESOLVER4 RESOLVER6 PORT COUNT [key=value…]");
	race.resolver[0] = lab_peer(argv[1], NAMES_PORT);
	race.resolver[1] = lab_peer(argv[2], NAMES_PORT);
	race.port = lab_number(argv[3], 65535);
	race.count = lab_number(argv[4], 65536);
	for (int i = 5; i < argc; i++)
		read_option(&race, argv[i]);
	if (!race.threads || !race.count || race.first + race.count > 65536)
		errx(2, "threads and count are at least 1, and ids have 16 bits");
	race.waited = calloc(race.count, sizeof(*race.waited));
	if (!race.waited)
		err(1, "memory");
	start = now_ns();
	for (unsigned long i = 0; i < race.threads; i++) {
		racers[i] = (struct racer){.race = &race, .index = i};
		if (pthread_create(&racers[i].thread, NULL, run, &racers[i]))
			errx(1, "pthread_create");
	}
	for (unsigned long i = 0; i < race.threads; i++) {
		pthread_join(racers[i].thread, NULL);
		sum.queries += racers[i].queries;
		sum.dns_attempts += racers[i].dns_attempts;
		sum.connects += racers[i].connects;
		sum.failed += racers[i].failed;
		sum.lost += racers[i].lost;
		sum.error = racers[i].error ? racers[i].error : sum.error;
	}
	seconds = (double)(now_ns() - start) / NS_PER_S;
	qsort(race.waited, race.count, sizeof(*race.waited), compare);
	printf("connects=%lu queries=%lu dns_attempts=%lu failed=%lu lost=%lu errno=%d rate=%.0f least_ns=%u median_ns=%u\n",
	       sum.connects, sum.queries, sum.dns_attempts, sum.failed, sum.lost, sum.error,
	       (double)sum.connects / seconds, race.waited[0], race.waited[race.count / 2]);
	free(race.waited);
	return 0;
}
