/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_TRANSIT_H
#define MEWATCH_TESTS_KERNEL_TRANSIT_H

/*
 * The programs of the transit vantage without the daemon: loaded on pins of their own, judging by a
 * policy of text, each frame given to them by BPF_PROG_TEST_RUN. The test is in a network namespace of
 * its own, with lan0 as the interface that the frames say they passed. Everything goes away with the
 * test, whichever way that ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host.h" /* struct host_counts and the names of its parts */
#include "kernel/kernel.h"

#define TRANSIT_RECORDS_MAX 1024
#define TRANSIT_PAYLOADS_MAX 64
#define TRANSIT_BYTES_MAX 8192 /* of one payload */

struct transit_payload {
	struct me_payload head;
	uint8_t byte[TRANSIT_BYTES_MAX];
};

struct transit {
	struct me_kernel *kernel;
	struct me_registry *registry;
	struct me_image *image; /* of the policy in force */
	struct me_kernel_options options;
	char pins[64];
	char file[64];
	uint32_t interface; /* index of lan0 */
	unsigned int n_talks;
	bool dropped; /* the last packet */
	/* As they were at the mark. */
	uint64_t *cells, *marked_cells;
	uint64_t marked_totals[ME_TOTALS_ALL];
	uint64_t marked_dns[ME_DNS_COUNTS];
	struct me_endpoint_counts *endpoints;
	/* Told since the mark; of more than there is room for only the number. */
	struct me_record records[TRANSIT_RECORDS_MAX];
	size_t n_records;
	struct transit_payload payloads[TRANSIT_PAYLOADS_MAX];
	size_t n_payloads;
};

/* `name` makes the pins unique, `flows` is the size of the flow table. */
struct transit *transit_begin(const char *name, const char *policy, uint32_t flows);
void transit_end(struct transit **transit);

/* Puts a policy of text in force, or the one that is in force there once more. */
void transit_policy(struct transit *transit, const char *yaml);
void transit_again(struct transit *transit);

/* --- Frames ------------------------------------------------------------------------------------- */

/*
 * Runs the program that mail hosts' packets pass on their way in (`sent`) or out. The frame has an
 * Ethernet header. 0; -EINVAL: it is too short for this kernel to run.
 */
int transit_run(struct transit *transit, bool sent, const uint8_t *frame, size_t size);
/* The same, `times` times. */
int transit_run_often(struct transit *transit, bool sent, const uint8_t *frame, size_t size,
		      int times);
/* The same for `segments` that go together, of `size_of_one` bytes of payload each. */
int transit_run_segments(struct transit *transit, bool sent, const uint8_t *frame, size_t size,
			 uint32_t segments, uint32_t size_of_one);

/* --- What the programs say ---------------------------------------------------------------------- */

/* From here on counters and records are counted; flows, fragments and mail hosts are forgotten. */
void transit_mark(struct transit *transit);
/* Cells are those of the vantage, summed over the services. */
struct host_counts transit_counts(struct transit *transit);
/* One total; it is faster. */
uint64_t transit_total(struct transit *transit, uint32_t which);
/* Fails unless the counters since the mark are these and all others 0. */
#define TRANSIT_EXPECT(transit, ...)                                                               \
	transit_expect(transit, &(const struct host_counts){__VA_ARGS__}, __FILE__, __LINE__)
void transit_expect(struct transit *transit, const struct host_counts *expected, const char *file,
		    int line);
/* One counter of DNS since the mark: me_dns_queries() and so on. */
uint64_t transit_dns(struct transit *transit, uint32_t which);
/* Counts of an endpoint since the mark, after a sync. */
struct me_endpoint_counts transit_endpoint(struct transit *transit, const char *service,
					   const char *text);

/* The file descriptor of a map of the programs. */
int transit_map(const struct transit *transit, const char *name);
/* How many entries it has. */
size_t transit_entries(const struct transit *transit, const char *name);
/* What is counted of one mail host; all 0 if nothing is. */
struct me_host_counts transit_host(struct transit *transit, const char *address);

/* Reads the ring and keeps nothing of it. */
void transit_ring_skip(struct transit *transit);
/* Reads the ring; how many records there are since the mark, payloads apart. */
size_t transit_ring_count(struct transit *transit);
/* Reads the ring; how many records of a kind there are since the mark. */
size_t transit_told(struct transit *transit, enum me_record_kind kind);
/* The same for findings. */
size_t transit_found(struct transit *transit, enum me_finding finding);

/* Settles a flow. 0 or what the program said. */
int transit_settle(struct transit *transit, const struct me_flow_key *key, enum me_settle_what what,
		   enum me_verdict verdict, enum me_reason reason);

#endif
