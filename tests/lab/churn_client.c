/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * The clients of the churn: churn_client key=value…
 *
 *	names=FILE      lines NAME KIND, the kinds being `listed`, `shared` (a stranger that lives on
 *	                addresses of listed names) and `stranger` (on addresses of its own)
 *	truth=FILE      every attempt is written to FILE.<worker>
 *	count=N workers=N rate=N   connections in all, at most so many a second (0: as fast as it goes)
 *	halves=1        each ClientHello is large and goes in two halves, 30 ms apart
 *	stub=ADDRESS    a resolver, over UDP
 *	direct=ADDRESS direct6=ADDRESS   resolvers, over UDP and TCP
 *	wrong=ADDRESS   no resolver of the policy
 *	nowhere4=ADDRESS nowhere6=ADDRESS   the first of 256 addresses that no answer gives
 *
 * A client resolves a name for real, connects to one of its addresses and says the name, or does one
 * of the things that a client must not do. A line of truth is
 *
 *	PROTO SPORT DST DPORT VERDICT REASON EVIDENCE NAME
 *
 * with `-` for what is not known or not the same each time. Ends with the totals on one line.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include "churn_resolve.h"
#include "churn_tls.h"
#include "../seed.h"

#define NAMES_MAX 4096u
#define WORKERS_MAX 64u
#define RESOLVE_TRIES 300u
#define RETRY_US 100000u
#define UNLISTED_PORT 96u /* which of a hundred connections goes there */
#define LARGE_HELLO 1500u /* bytes more, as with a post-quantum key share */
#define KEPT 32u          /* addresses that a worker remembers past their life */

enum kind { KIND_LISTED, KIND_SHARED, KIND_STRANGER, KIND_COUNT };

static const char *const kind_names[KIND_COUNT] = {"listed", "shared", "stranger"};

/* What a worker did. */
struct totals {
	unsigned long connections, attempts, probes, queries, answers, failed;
};

struct fleet {
	const char *names, *truth, *stub, *direct, *direct6, *wrong, *nowhere4, *nowhere6;
	unsigned long count, workers, rate, halves;
	char (*name[KIND_COUNT])[CHURN_NAME_LEN];
	size_t n[KIND_COUNT];
	struct totals *totals; /* of each worker, shared with them */
};

/* An address and the name that an answer gave it to. */
struct place {
	const char *name;
	char address[INET6_ADDRSTRLEN];
	bool v6;
};

struct worker {
	const struct fleet *fleet;
	struct totals *totals;
	uint64_t random;
	FILE *truth;
	SSL_CTX *tls;
	struct churn_hello hello;
	struct place kept[KEPT];
	size_t n_kept;
	bool no_stream; /* asks over UDP: only then an address is known before the answer is read */
};

static unsigned long pick(struct worker *w, unsigned long below)
{
	return me_seed_next(&w->random) % below;
}

static const char *pick_name(struct worker *w, enum kind kind)
{
	return w->fleet->name[kind][pick(w, w->fleet->n[kind])];
}

/* What an attempt must come to. */
struct expected {
	const char *verdict, *reason, *evidence, *name;
};

/* --- Attempts ----------------------------------------------------------------------------------- */

static void write_truth(struct worker *w, const char *proto, int fd, const char *address,
			unsigned int port, struct expected expected)
{
	struct me_peer own = {.len = sizeof(own.in6)};

	getsockname(fd, &own.sa, &own.len);
	w->totals->attempts++;
	fprintf(w->truth, "%s %u %s %u %s %s %s %s\n", proto, ntohs(own.in.sin_port), address, port,
		expected.verdict, expected.reason, expected.evidence, expected.name);
}

/* A connection. A negative errno: there is none; the attempt was one all the same. */
static int connect_to(struct worker *w, const char *address, unsigned int port,
		      struct expected expected)
{
	struct me_peer peer = lab_peer(address, port);
	int fd = me_traffic_socket(peer.sa.sa_family, SOCK_STREAM, 0), error = 0;

	if (connect(fd, &peer.sa, peer.len))
		error = errno;
	write_truth(w, "tcp", fd, address, port, expected);
	if (!error)
		return fd;
	close(fd);
	return -error;
}

/* A connection to where somebody listens. */
static int connect_well(struct worker *w, const char *address, unsigned int port,
			struct expected expected)
{
	int fd = connect_to(w, address, port, expected);

	if (fd >= 0)
		return fd;
	warnx("[%s]:%u: %s", address, port, strerror(-fd));
	w->totals->failed++;
	return -1;
}

/* A datagram from a socket of its own. */
static int send_datagram(struct worker *w, const char *address, unsigned int port,
			 const struct churn_query *query, struct expected expected)
{
	struct me_peer peer = lab_peer(address, port);
	int fd = me_traffic_socket(peer.sa.sa_family, SOCK_DGRAM, 0);

	if (connect(fd, &peer.sa, peer.len) || !churn_query(fd, false, query))
		err(1, "[%s]:%u", address, port);
	w->totals->probes++;
	write_truth(w, "udp", fd, address, port, expected);
	return fd;
}

/* --- Names -------------------------------------------------------------------------------------- */

/* Asks once, one of the ways. False: nobody answered, or there was no address in the answer. */
static bool ask_once(struct worker *w, const char *name, bool v6, struct churn_answers *ret)
{
	static uint8_t data[CHURN_DNS_MAX];
	const struct expected local = {"local", "none", "-", "-"};
	const struct expected allowed = {"allowed", "none", "listed", "-"};
	unsigned long way = pick(w, w->no_stream ? 17 : 20);
	bool by_stub = way < 12, stream = way >= 17;
	const char *direct = pick(w, 2) ? w->fleet->direct : w->fleet->direct6;
	struct churn_query query;
	size_t length;
	int fd;

	churn_ask(&query, pick(w, 65536), name, v6);
	if (stream)
		fd = connect_to(w, direct, 53, allowed);
	else if (by_stub)
		fd = send_datagram(w, w->fleet->stub, 53, &query, local);
	else
		fd = send_datagram(w, direct, 53, &query, allowed);
	if (fd < 0)
		return false;
	if (!stream || churn_query(fd, true, &query))
		w->totals->queries++;
	length = churn_receive(fd, stream, data);
	w->totals->answers += length > 0;
	close(fd);
	return length && churn_read(&query, data, length, ret) && ret->n;
}

/* Resolves the name; resolvers may be away for a while. */
static bool resolve(struct worker *w, const char *name, struct place *ret_place)
{
	struct churn_answers answers = {0};
	bool v6 = pick(w, 3) == 0;

	for (unsigned int i = 0; i < RESOLVE_TRIES && !ask_once(w, name, v6, &answers); i++)
		usleep(RETRY_US);
	if (!answers.n) {
		warnx("%s: cannot be resolved", name);
		w->totals->failed++;
		return false;
	}
	ret_place->name = name;
	ret_place->v6 = v6;
	inet_ntop(v6 ? AF_INET6 : AF_INET, &answers.address[pick(w, answers.n)], ret_place->address,
		  sizeof(ret_place->address));
	return true;
}

/* The same for a listed name, whose address is remembered. */
static bool resolve_listed(struct worker *w, struct place *ret_place)
{
	if (!resolve(w, pick_name(w, KIND_LISTED), ret_place))
		return false;
	w->kept[w->n_kept++ % KEPT] = *ret_place;
	return true;
}

/* An address that no answer gave. */
static void nowhere(struct worker *w, struct place *ret_place)
{
	struct me_peer peer;

	ret_place->v6 = pick(w, 2);
	peer = lab_peer(ret_place->v6 ? w->fleet->nowhere6 : w->fleet->nowhere4, 0);
	if (ret_place->v6)
		peer.in6.sin6_addr.s6_addr[15] = pick(w, 256);
	else
		peer.in.sin_addr.s_addr |= htonl(pick(w, 256));
	inet_ntop(peer.sa.sa_family,
		  ret_place->v6 ? (void *)&peer.in6.sin6_addr : &peer.in.sin_addr,
		  ret_place->address, sizeof(ret_place->address));
}

/* --- What clients do ---------------------------------------------------------------------------- */

/* Speaks TLS or HTTP for `name`; NULL: without a name. */
static void speak(struct worker *w, const struct place *place, const char *name,
		  struct expected expected)
{
	bool tls = pick(w, 5) > 0, done;
	char request[512], answer[4096];
	int fd = connect_well(w, place->address, tls ? 443 : 80, expected);

	if (fd < 0)
		return;
	snprintf(request, sizeof(request),
		 "GET /lab?q=1 HTTP/1.1\r\nHost: %s%s%s\r\nConnection: close\r\n\r\n",
		 !name && place->v6 ? "[" : "", name ? name : place->address,
		 !name && place->v6 ? "]" : "");
	w->hello.sni = name;
	w->hello.fill = w->fleet->halves || !pick(w, 8) ? LARGE_HELLO : 0;
	w->hello.piece = w->fleet->halves || pick(w, 2) ? LARGE_HELLO / 2 : 0;
	w->hello.gap = w->fleet->halves ? 30 : 0;
	done = tls ? churn_tls_talk(w->tls, fd, &w->hello, pick(w, 3) ? NULL : request)
		   : churn_send(fd, request, strlen(request)) &&
			       recv(fd, answer, sizeof(answer), 0) > 0;
	if (!done) {
		warnx("[%s] for %s: no answer", place->address, name ? name : "nobody");
		w->totals->failed++;
	}
	close(fd);
}

static void no_talk(struct worker *w, const struct place *place, unsigned int port,
		    struct expected expected)
{
	int fd = connect_to(w, place->address, port, expected);

	if (fd >= 0)
		close(fd);
}

static void datagram(struct worker *w, const char *address, unsigned int port, const char *reason)
{
	struct churn_query query;

	churn_ask(&query, 1, "stranger.test", false);
	close(send_datagram(w, address, port, &query,
			    (struct expected){"violation", reason, "none", "-"}));
}

/* A client that does what it should. */
static void behave(struct worker *w, unsigned long how)
{
	struct place place;

	if (how < 10 && w->n_kept)
		place = w->kept[pick(w, w->n_kept < KEPT ? w->n_kept : KEPT)];
	else if (!resolve_listed(w, &place))
		return;
	if (how < 65)
		speak(w, &place, place.name,
		      (struct expected){"allowed", "none", "verified", place.name});
	else if (how < 70)
		speak(w, &place, NULL, (struct expected){"allowed", "none", "learned|stale", "-"});
	else
		no_talk(w, &place, pick(w, 2) ? 443 : 80,
			(struct expected){"allowed", "none", "learned|stale", "-"});
}

/* One that takes an address of a listed name for something else. */
static void misuse(struct worker *w, const struct place *place, unsigned long how)
{
	struct expected expected = {"violation", "name-mismatch", "none", "-"};

	if (how < UNLISTED_PORT) {
		expected.name = pick_name(w, pick(w, 2) ? KIND_SHARED : KIND_STRANGER);
		speak(w, place, expected.name, expected);
	} else if (how == UNLISTED_PORT) {
		expected.reason = "unlisted-port";
		no_talk(w, place, 8443, expected);
	} else if (how < 98) {
		expected.reason = "encrypted-dns";
		no_talk(w, place, 853, expected);
	} else {
		datagram(w, place->address, 443, "quic");
	}
}

/* One that does not. */
static void misbehave(struct worker *w, unsigned long how)
{
	struct expected expected = {"violation", "unlisted-destination", "none", "-"};
	struct place place;

	if (how < 80) {
		expected = (struct expected){"allowed", "none", "claimed", "-"};
		nowhere(w, &place);
		expected.name = pick_name(w, KIND_LISTED);
		speak(w, &place, expected.name, expected);
	} else if (how < 82) {
		nowhere(w, &place);
		speak(w, &place, pick(w, 2) ? pick_name(w, KIND_SHARED) : NULL, expected);
	} else if (how < 85) {
		if (resolve(w, pick_name(w, KIND_STRANGER), &place))
			speak(w, &place, pick(w, 4) ? place.name : NULL, expected);
	} else if (how < 86) {
		datagram(w, w->fleet->wrong, 53, "wrong-resolver");
	} else {
		w->no_stream = how == UNLISTED_PORT;
		if (resolve_listed(w, &place))
			misuse(w, &place, how);
		w->no_stream = false;
	}
}

/* Waits until it is the connection's turn. */
static void keep_pace(const struct fleet *fleet, const struct timespec *start, unsigned long i)
{
	struct timespec now;

	if (!fleet->rate)
		return;
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - start->tv_sec) + (now.tv_nsec - start->tv_nsec) / 1e9 >=
		    (double)i / fleet->rate)
			return;
		usleep(2000);
	}
}

static void work(const struct fleet *fleet, unsigned long index, uint64_t seed)
{
	struct worker w = {
		.fleet = fleet, .totals = &fleet->totals[index], .random = seed + index * 7919};
	struct timespec start;
	char path[4096];

	snprintf(path, sizeof(path), "%s.%lu", fleet->truth, index);
	w.truth = fopen(path, "we");
	if (!w.truth)
		err(1, "%s", path);
	w.tls = churn_tls_context(&w.hello);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned long i = index; i < fleet->count; i += fleet->workers) {
		unsigned long how = pick(&w, 100);

		keep_pace(fleet, &start, i);
		if (how < 77)
			behave(&w, how);
		else
			misbehave(&w, how);
		w.totals->connections++;
	}
	if (fclose(w.truth))
		err(1, "%s", path);
}

/* --- Arguments ---------------------------------------------------------------------------------- */

static void read_names(struct fleet *fleet)
{
	FILE *file = fopen(fleet->names, "re");
	char name[CHURN_NAME_LEN], kind[16];

	if (!file)
		err(1, "%s", fleet->names);
	for (unsigned int i = 0; i < KIND_COUNT; i++) {
		fleet->name[i] = calloc(NAMES_MAX, sizeof(*fleet->name[i]));
		if (!fleet->name[i])
			errx(1, "out of memory");
	}
	while (fscanf(file, "%95s %15s", name, kind) == 2)
		for (unsigned int i = 0; i < KIND_COUNT; i++)
			if (!strcmp(kind, kind_names[i]) && fleet->n[i] < NAMES_MAX)
				memcpy(fleet->name[i][fleet->n[i]++], name, sizeof(name));
	fclose(file);
	for (unsigned int i = 0; i < KIND_COUNT; i++)
		if (!fleet->n[i])
			errx(2, "%s: no name is %s", fleet->names, kind_names[i]);
}

static void read_option(struct fleet *fleet, const char *text)
{
	const struct {
		const char *name;
		const char **value;
		unsigned long *number;
		unsigned long max;
	} options[] = {
		{"names=", &fleet->names, NULL, 0},
		{"truth=", &fleet->truth, NULL, 0},
		{"stub=", &fleet->stub, NULL, 0},
		{"direct=", &fleet->direct, NULL, 0},
		{"direct6=", &fleet->direct6, NULL, 0},
		{"wrong=", &fleet->wrong, NULL, 0},
		{"nowhere4=", &fleet->nowhere4, NULL, 0},
		{"nowhere6=", &fleet->nowhere6, NULL, 0},
		{"count=", NULL, &fleet->count, LAB_COUNT_MAX},
		{"workers=", NULL, &fleet->workers, WORKERS_MAX},
		{"rate=", NULL, &fleet->rate, 1000000},
		{"halves=", NULL, &fleet->halves, 1},
	};

	for (size_t i = 0; i < LAB_ARRAY_SIZE(options); i++) {
		size_t n = strlen(options[i].name);

		if (strncmp(text, options[i].name, n))
			continue;
		if (options[i].value)
			*options[i].value = text + n;
		else
			*options[i].number = lab_number(text + n, options[i].max);
		return;
	}
	errx(2, "%s: no such option", text);
}

static struct totals add_up(const struct fleet *fleet)
{
	struct totals sum = {0};

	for (unsigned long i = 0; i < fleet->workers; i++) {
		const struct totals *one = &fleet->totals[i];

		sum.connections += one->connections;
		sum.attempts += one->attempts;
		sum.probes += one->probes;
		sum.queries += one->queries;
		sum.answers += one->answers;
		sum.failed += one->failed;
	}
	return sum;
}

int main(int argc, char **argv)
{
	struct fleet fleet = {.workers = 8};
	uint64_t seed = me_seed();
	int status, ended = 0;
	struct totals sum;

	for (int i = 1; i < argc; i++)
		read_option(&fleet, argv[i]);
	if (!fleet.names || !fleet.truth || !fleet.stub || !fleet.direct || !fleet.direct6 ||
	    !fleet.wrong || !fleet.nowhere4 || !fleet.nowhere6 || !fleet.count || !fleet.workers)
		errx(2, "usage: churn_client key=value…: all but workers=, rate= and halves=");
	read_names(&fleet);
	fleet.totals = mmap(NULL, WORKERS_MAX * sizeof(*fleet.totals), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fleet.totals == MAP_FAILED)
		err(1, "mmap");
	fflush(stdout);
	for (unsigned long i = 0; i < fleet.workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			work(&fleet, i, seed);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		ended |= status;
	sum = add_up(&fleet);
	printf("connections=%lu attempts=%lu probes=%lu queries=%lu answers=%lu failed=%lu\n",
	       sum.connections, sum.attempts, sum.probes, sum.queries, sum.answers, sum.failed);
	return ended != 0;
}
