/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Many attempts, exactly counted: storm KIND DEST PORT COUNT [key=value…]
 *
 *	tcp          connect, exchange `bytes` with the echo, end in order
 *	tcp-abort    connect without waiting, close at once
 *	udp          one socket a thread, a peer of its own for each datagram
 *	udp-fresh    a socket of its own for each datagram
 *	udp-fork     a process of its own for each datagram
 *
 *	threads=1    who share the count
 *	ports=1      attempt i goes to PORT + i % ports …
 *	addresses=1  … and to DEST + (i / ports) % addresses
 *	bytes=0      payload of a connection or datagram
 *	hold=0       1: keep all sockets open until a byte on standard input
 *	rate=0       attempts a second of all together; 0: as fast as they can
 *
 * COUNT 0 goes on until then. A failed call is counted in `failed`; `ms` is how long it took.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include "lab.h"

#define THREADS_MAX 64u
#define DATAGRAM_MAX 1400u
#define FDS_MAX 262144u
#define SPINS 100000u
#define PACE_ATTEMPTS 64u /* between two looks at the clock */

enum kind { KIND_TCP, KIND_TCP_ABORT, KIND_UDP, KIND_UDP_FRESH, KIND_UDP_FORK, KINDS };

static const char *const kind_names[KINDS] = {"tcp", "tcp-abort", "udp", "udp-fresh", "udp-fork"};

struct storm {
	enum kind kind;
	struct me_peer first;
	unsigned long count, threads, ports, addresses, bytes, hold, rate;
	uint64_t started_ns;
	unsigned long *ready; /* threads that are about to begin */
};

struct worker {
	const struct storm *storm;
	unsigned long index; /* it makes the attempts index, index + threads, … */
	struct me_truth truth;
	unsigned long failed;
	pthread_t thread;
};

static struct me_peer peer_of(const struct storm *storm, unsigned long i)
{
	struct me_peer peer = me_peer_next_port(&storm->first, i % storm->ports);
	uint32_t step = i / storm->ports % storm->addresses, word;
	void *last = peer.sa.sa_family == AF_INET ? (void *)&peer.in.sin_addr
						  : (void *)&peer.in6.sin6_addr.s6_addr[12];

	memcpy(&word, last, sizeof(word));
	word = htonl(ntohl(word) + step);
	memcpy(last, &word, sizeof(word));
	return peer;
}

static void let_go(const struct storm *storm, int fd)
{
	if (!storm->hold)
		close(fd);
}

static void one_stream(struct worker *worker, const struct me_peer *peer)
{
	const struct storm *storm = worker->storm;
	int flags = storm->kind == KIND_TCP_ABORT ? SOCK_NONBLOCK : 0;
	int fd = me_traffic_socket(peer->sa.sa_family, SOCK_STREAM | flags, 0);

	worker->truth.attempts++;
	worker->truth.error = 0;
	if (connect(fd, &peer->sa, peer->len))
		worker->truth.error = errno;
	else if (storm->kind == KIND_TCP && !storm->hold)
		me_traffic_exchange(fd, storm->bytes, &worker->truth);
	worker->failed += worker->truth.error && worker->truth.error != EINPROGRESS;
	let_go(storm, fd);
}

static void one_datagram(struct worker *worker, int fd, const struct me_peer *peer)
{
	static const char payload[DATAGRAM_MAX];
	ssize_t n = sendto(fd, payload, worker->storm->bytes, 0, &peer->sa, peer->len);

	worker->truth.attempts++;
	if (n < 0) {
		worker->truth.error = errno;
		worker->failed++;
		return;
	}
	worker->truth.datagrams++;
	worker->truth.sent += n;
}

static void one_process(struct worker *worker, const struct me_peer *peer)
{
	pid_t pid = fork();
	int status = 1;

	if (!pid) /* whose socket it is says who sends */
		_exit(sendto(socket(peer->sa.sa_family, SOCK_DGRAM, 0), NULL, 0, 0, &peer->sa,
			     peer->len) < 0);
	worker->truth.attempts++;
	worker->truth.datagrams++;
	worker->failed += pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

static bool told_to_end(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&input, 1, 0) > 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Waits until the attempt number `i` of all threads is due. */
static void pace(const struct storm *storm, unsigned long i)
{
	uint64_t due = storm->started_ns + i * 1000000000ull / storm->rate;
	struct timespec when = {due / 1000000000ull, due % 1000000000ull};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

/* All threads begin together, as near to each other as processors let them. */
static void begin(const struct storm *storm)
{
	__atomic_add_fetch(storm->ready, 1, __ATOMIC_SEQ_CST);
	for (unsigned long n = 0; __atomic_load_n(storm->ready, __ATOMIC_SEQ_CST) < storm->threads;)
		if (n++ >= SPINS)
			sched_yield();
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	const struct storm *storm = worker->storm;
	int shared = storm->kind == KIND_UDP
			     ? me_traffic_socket(storm->first.sa.sa_family, SOCK_DGRAM, 0)
			     : -1;

	begin(storm);
	for (unsigned long i = worker->index; !storm->count || i < storm->count;
	     i += storm->threads) {
		struct me_peer peer = peer_of(storm, i);
		int fd;

		if (!storm->count && told_to_end())
			break;
		if (storm->rate && worker->truth.attempts % PACE_ATTEMPTS == 0)
			pace(storm, i);
		switch (storm->kind) {
		case KIND_TCP:
		case KIND_TCP_ABORT:
			one_stream(worker, &peer);
			break;
		case KIND_UDP:
			one_datagram(worker, shared, &peer);
			break;
		case KIND_UDP_FORK:
			one_process(worker, &peer);
			break;
		default:
			fd = me_traffic_socket(peer.sa.sa_family, SOCK_DGRAM, 0);
			one_datagram(worker, fd, &peer);
			let_go(storm, fd);
		}
	}
	if (shared >= 0)
		let_go(storm, shared);
	return NULL;
}

static void read_option(struct storm *storm, const char *text)
{
	const struct {
		const char *name;
		unsigned long *value;
		unsigned long max;
	} options[] = {
		{"threads=", &storm->threads, THREADS_MAX},
		{"ports=", &storm->ports, 65535},
		{"addresses=", &storm->addresses, 1u << 24},
		{"bytes=", &storm->bytes, 1u << 24},
		{"hold=", &storm->hold, 1},
		{"rate=", &storm->rate, LAB_COUNT_MAX},
	};

	for (size_t i = 0; i < LAB_ARRAY_SIZE(options); i++) {
		size_t n = strlen(options[i].name);

		if (strncmp(text, options[i].name, n))
			continue;
		*options[i].value = lab_number(text + n, options[i].max);
		return;
	}
	errx(2, "%s: no such option", text);
}

static struct storm read_arguments(int argc, char **argv)
{
	struct storm storm = {.kind = KINDS, .threads = 1, .ports = 1, .addresses = 1};

	if (argc < 5)
		errx(2, "usage: storm KIND DEST PORT COUNT [key=value…]");
	for (int kind = 0; kind < KINDS; kind++)
		if (!strcmp(argv[1], kind_names[kind]))
			storm.kind = kind;
	if (storm.kind == KINDS)
		errx(2, "%s: no such kind", argv[1]);
	storm.first = lab_peer(argv[2], lab_number(argv[3], 65535));
	storm.count = lab_number(argv[4], LAB_COUNT_MAX);
	for (int i = 5; i < argc; i++)
		read_option(&storm, argv[i]);
	if (!storm.threads || !storm.ports || !storm.addresses)
		errx(2, "threads, ports and addresses are at least 1");
	if (storm.kind >= KIND_UDP && storm.bytes > DATAGRAM_MAX)
		errx(2, "a datagram has at most %u bytes", DATAGRAM_MAX);
	if (storm.kind == KIND_UDP && (!storm.count || storm.count > storm.ports * storm.addresses))
		errx(2, "udp: more datagrams than peers");
	return storm;
}

int main(int argc, char **argv)
{
	struct storm storm = read_arguments(argc, argv);
	struct rlimit files = {FDS_MAX, FDS_MAX};
	struct worker workers[THREADS_MAX] = {0};
	struct me_truth truth = {0};
	unsigned long failed = 0, ready = 0;

	storm.ready = &ready;
	setrlimit(RLIMIT_NOFILE, &files);
	storm.started_ns = now_ns();
	for (unsigned long i = 0; i < storm.threads; i++) {
		workers[i] = (struct worker){.storm = &storm, .index = i};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			errx(1, "pthread_create");
	}
	for (unsigned long i = 0; i < storm.threads; i++) {
		pthread_join(workers[i].thread, NULL);
		truth.attempts += workers[i].truth.attempts;
		truth.datagrams += workers[i].truth.datagrams;
		truth.sent += workers[i].truth.sent;
		truth.received += workers[i].truth.received;
		truth.error = workers[i].truth.error ? workers[i].truth.error : truth.error;
		failed += workers[i].failed;
	}
	printf("failed=%lu ms=%lu ", failed, (now_ns() - storm.started_ns) / 1000000);
	lab_say(kind_names[storm.kind], &truth);
	if (storm.hold)
		lab_hold();
	return 0;
}
