/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_HOST_H
#define MEWATCH_TESTS_KERNEL_HOST_H

/*
 * The host programs without the daemon: loaded on pins of their own, attached to a cgroup of their
 * own, judging by a policy of text. The test itself lives in that cgroup; servers have their sockets
 * made outside. Everybody talks in one network namespace, whose addresses are all on its loopback
 * device and are no own addresses as far as the programs know. Everything goes away with the test,
 * whichever way it ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/kernel.h"
#include "policy/compile.h"
#include "world.h"

#define HOST_GOOD "192.0.2.1" /* listed for every port */
#define HOST_GOOD6 "2001:db8::1"
#define HOST_BAD "192.0.2.2" /* a stranger */
#define HOST_BAD6 "2001:db8::2"
#define HOST_OLD "192.0.2.3"     /* listed, retired */
#define HOST_SILENT "192.0.2.8"  /* a stranger who never answers TCP */
#define HOST_NOROUTE "192.0.2.9" /* a stranger whom no route leads to */
#define HOST_NAMED 7000          /* up to 7999: a name may explain it, so strangers are pending */
#define HOST_SERVICE "good"
#define HOST_ENDPOINT "good/hosts" /* of HOST_GOOD and HOST_GOOD6 */

/* Counters since the last host_mark(), cells summed over the services. */
struct host_counts {
	uint64_t cell[ME_CELL_KINDS][ME_CELL_ENDS];
	uint64_t total[ME_TOTALS_ALL];
};

struct host_flow {
	struct me_flow_key key;
	struct me_flow flow;
};

#define HOST_RECORDS_MAX 1024

struct host {
	struct me_kernel *kernel;
	struct me_registry *registry;
	struct me_image *image; /* of the policy in force */
	struct me_kernel_options options;
	char pins[64];
	char file[64];
	char *mount;     /* of the cgroup hierarchy */
	char group[64];  /* the watched one, below the mount */
	char home[4096]; /* where the test came from */
	uint64_t group_id;
	struct world world;
	uint64_t *cells, *marked_cells;
	uint64_t marked_totals[ME_TOTALS_ALL];
	struct me_endpoint_counts *endpoints; /* as they were at the mark */
	struct me_record records[HOST_RECORDS_MAX];
	size_t n_records; /* told since the mark */
};

/*
 * Loads and attaches. `name` makes the pins and the cgroup unique, `limits` goes into the policy's
 * `limits:` ("" for none), `flows` is the size of the flow table.
 */
struct host *host_begin(const char *name, const char *limits, uint32_t flows);
void host_end(struct host **host);

/* Puts a policy of text in force. */
void host_policy(struct host *host, const char *yaml);
/* Puts the policy that is in force there once more, as another generation. */
void host_again(struct host *host);

/* Moves the test into the watched cgroup, or back to where it came from. */
void host_enter(struct host *host);
void host_leave(struct host *host);

/* Makes a cgroup below the mount and returns its id; removes it. */
uint64_t host_group_make(const struct host *host, const char *name, int *ret_fd);
void host_group_remove(const struct host *host, const char *name);

/* --- Sockets, all in host->world ---------------------------------------------------------------- */

int host_socket(struct host *host, int family, int type, int protocol);
/* One that is not watched, bound to `address`. */
int host_server(struct host *host, int type, const char *address, uint16_t *ret_port);
/* 0 or a negative errno. */
int host_connect(int fd, const char *address, uint16_t port);
/* Sends one datagram of a byte by address: 0 or a negative errno. */
int host_try_send(int fd, const char *address, uint16_t port);
/* Sends one datagram of `size` bytes by address. */
void host_send(int fd, const char *address, uint16_t port, size_t size);
/* Reads one datagram at a server and answers with `size` bytes unless 0. */
void host_answer(int server, size_t size);
/* Writes or reads exactly so many bytes. */
void host_write(int fd, size_t size);
void host_read(int fd, size_t size);

/* A connection of a watched client to a server that is not watched. */
struct host_pair {
	const char *address;
	uint16_t port;
	int server, client, accepted;
};

struct host_pair host_pair_open(struct host *host, const char *address);
void host_pair_close(struct host_pair *pair);

/* --- What the programs say ---------------------------------------------------------------------- */

/* From here on counters, records and endpoint counts are counted; flows are forgotten. */
void host_mark(struct host *host);
struct host_counts host_counts(struct host *host);
/* One cell of one service since the mark. */
uint64_t host_cell(struct host *host, const char *service, enum me_cell_kind kind, uint32_t what);
/* Fails unless the counters since the mark are these and all others 0. */
#define HOST_EXPECT(host, ...)                                                                     \
	host_expect(host, &(const struct host_counts){__VA_ARGS__}, __FILE__, __LINE__)
void host_expect(struct host *host, const struct host_counts *expected, const char *file, int line);
/* Counts of an endpoint since the mark. */
struct me_endpoint_counts host_endpoint(struct host *host, const char *service, const char *text);

size_t host_flows(struct host *host);
/* The one flow to this peer after a sync; there must be no other. */
struct host_flow host_flow(struct host *host, const char *address, uint16_t port);
/* The same, once it is closed. */
struct host_flow host_flow_closed(struct host *host, const char *address, uint16_t port);

/* Fails unless the flow has so many bytes of payload. */
void host_assert_bytes(const struct host_flow *flow, uint64_t sent, uint64_t received);

/* Reads the ring and keeps nothing of it. */
void host_ring_skip(struct host *host);
/* Reads the ring into host->records; how many of a kind there are since the mark. */
size_t host_told(struct host *host, enum me_record_kind kind);

#define FINAL(end) .cell[ME_CELL_FINAL][end]
#define OPENED(reason) .cell[ME_CELL_OPENED][reason]
#define VIA(end) .cell[ME_CELL_VIA][end]
#define SHED(reason) .cell[ME_CELL_SHED][reason]
#define GAINED(reason) .cell[ME_CELL_GAINED][reason]
#define TOTAL(which) .total[ME_TOTAL_##which]
#define BLIND(which) .total[ME_TOTAL_BLIND(ME_BLIND_##which)]
#define STRANGER (ME_VIOLATION + ME_REASON_UNLISTED_DESTINATION)

#endif
