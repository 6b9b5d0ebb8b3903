/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs counted, told and keep. */
#include "transit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/inet.h"
#include "kernel/internal.h"
#include "policy/registry.h"

int transit_map(const struct transit *transit, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(transit->kernel->transit->obj, name);

	assert_true(fd >= 0);
	return fd;
}

#define KEY_MAX 64

size_t transit_entries(const struct transit *transit, const char *name)
{
	int fd = transit_map(transit, name);
	uint8_t key[KEY_MAX], next[KEY_MAX];
	size_t n = 0;

	for (bool first = true; !bpf_map_get_next_key(fd, first ? NULL : key, next); n++) {
		memcpy(key, next, sizeof(key));
		first = false;
	}
	return n;
}

static void empty(const struct transit *transit, const char *name)
{
	int fd = transit_map(transit, name);
	uint8_t key[KEY_MAX];

	while (!bpf_map_get_next_key(fd, NULL, key))
		assert_int_equal(bpf_map_delete_elem(fd, key), 0);
}

struct me_host_counts transit_host(struct transit *transit, const char *address)
{
	struct me_host_counts counts = {};
	struct me_addr key;

	assert_int_equal(me_inet_parse(address, key.byte), 0);
	bpf_map_lookup_elem(transit_map(transit, "me_host_table"), &key, &counts);
	return counts;
}

/* --- Counters ------------------------------------------------------------------------------------ */

struct host_counts transit_counts(struct transit *transit)
{
	struct host_counts now = {};

	assert_int_equal(
		me_kernel_counters(transit->kernel, ME_SERVICES_MAX, transit->cells, now.total), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(now.total); i++)
		now.total[i] -= transit->marked_totals[i];
	for (uint32_t service = 0; service < ME_SERVICES_MAX; service++)
		for (uint32_t kind = 0; kind < ME_CELL_KINDS; kind++)
			for (uint32_t what = 0; what < ME_CELL_ENDS; what++) {
				uint32_t cell = me_cell(ME_TRANSIT, service, kind, what);

				now.cell[kind][what] += transit->cells[cell];
				now.cell[kind][what] -= transit->marked_cells[cell];
			}
	return now;
}

uint64_t transit_total(struct transit *transit, uint32_t which)
{
	struct me_kernel *kernel = transit->kernel;
	uint64_t sum = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(kernel->bpf->maps.me_totals), &which,
					     kernel->percpu),
			 0);
	for (size_t cpu = 0; cpu < kernel->n_cpus; cpu++)
		sum += kernel->percpu[cpu];
	return sum - transit->marked_totals[which];
}

static bool same(const char *what, size_t index, uint64_t seen, uint64_t expected)
{
	if (seen != expected)
		print_error("%s %zu: %llu, expected %llu\n", what, index, (unsigned long long)seen,
			    (unsigned long long)expected);
	return seen == expected;
}

void transit_expect(struct transit *transit, const struct host_counts *expected, const char *file,
		    int line)
{
	static const char *const kinds[ME_CELL_KINDS] = {"final", "opened", "via", "shed",
							 "gained"};
	struct host_counts seen = transit_counts(transit);
	bool all = true;

	for (uint32_t kind = 0; kind < ME_CELL_KINDS; kind++)
		for (uint32_t what = 0; what < ME_CELL_ENDS; what++)
			all &= same(kinds[kind], what, seen.cell[kind][what],
				    expected->cell[kind][what]);
	for (size_t i = 0; i < ME_ARRAY_SIZE(seen.total); i++)
		all &= same("total", i, seen.total[i], expected->total[i]);
	if (!all)
		_fail(file, line);
}

uint64_t transit_dns(struct transit *transit, uint32_t which)
{
	uint64_t counts[ME_DNS_COUNTS];

	assert_int_equal(me_kernel_dns(transit->kernel, counts), 0);
	return counts[which] - transit->marked_dns[which];
}

struct me_endpoint_counts transit_endpoint(struct transit *transit, const char *service,
					   const char *text)
{
	const struct me_endpoint_counts *all, *then;
	struct me_endpoint_counts now;
	uint32_t n, id;

	assert_int_equal(me_kernel_sync_passing(transit->kernel), 0);
	assert_int_equal(me_registry_id(transit->registry, ME_ID_ENDPOINT, service, text, &id), 0);
	all = me_kernel_endpoints(transit->kernel, &n);
	assert_true(id < n);
	now = all[id];
	then = &transit->endpoints[id];
	now.attempts -= then->attempts;
	for (int i = 0; i < ME_OUTCOME_COUNT; i++)
		now.outcome[i] -= then->outcome[i];
	now.resets -= then->resets;
	now.http_errors -= then->http_errors;
	now.tls_alerts -= then->tls_alerts;
	for (int i = 0; i < ME_DNS_FAILURE_COUNT; i++)
		now.dns_failures[i] -= then->dns_failures[i];
	now.bytes_sent -= then->bytes_sent;
	now.bytes_received -= then->bytes_received;
	return now;
}

/* --- The ring ------------------------------------------------------------------------------------ */

static int keep(const struct me_record *record, void *userdata)
{
	struct transit *transit = userdata;

	if (transit->n_records < TRANSIT_RECORDS_MAX)
		transit->records[transit->n_records] = *record;
	transit->n_records++;
	return 0;
}

static int keep_payload(const struct me_payload *head, const uint8_t *bytes, void *userdata)
{
	struct transit *transit = userdata;
	struct transit_payload *to;

	assert_true(head->length <= TRANSIT_BYTES_MAX);
	if (transit->n_payloads < TRANSIT_PAYLOADS_MAX) {
		to = &transit->payloads[transit->n_payloads];
		to->head = *head;
		memcpy(to->byte, bytes, head->length);
	}
	transit->n_payloads++;
	return 0;
}

static void read_ring(struct transit *transit)
{
	assert_true(me_kernel_ring(transit->kernel, keep, keep_payload, transit) >= 0);
}

size_t transit_ring_count(struct transit *transit)
{
	read_ring(transit);
	return transit->n_records;
}

void transit_ring_skip(struct transit *transit)
{
	read_ring(transit);
	transit->n_records = transit->n_payloads = 0;
}

size_t transit_told(struct transit *transit, enum me_record_kind kind)
{
	size_t n = 0;

	read_ring(transit);
	assert_true(transit->n_records <= TRANSIT_RECORDS_MAX);
	assert_true(transit->n_payloads <= TRANSIT_PAYLOADS_MAX);
	for (size_t i = 0; i < transit->n_records; i++)
		n += transit->records[i].kind == kind;
	for (size_t i = 0; i < transit->n_payloads; i++)
		n += transit->payloads[i].head.kind == kind;
	return n;
}

size_t transit_found(struct transit *transit, enum me_finding finding)
{
	size_t n = 0;

	transit_told(transit, ME_RECORD_FINDING);
	for (size_t i = 0; i < transit->n_records; i++)
		n += transit->records[i].kind == ME_RECORD_FINDING &&
		     transit->records[i].what == finding;
	return n;
}

void transit_mark(struct transit *transit)
{
	const struct me_endpoint_counts *endpoints;
	uint32_t n;

	empty(transit, "me_flows");
	empty(transit, "me_fragments");
	empty(transit, "me_host_table");
	empty(transit, "me_mac_addresses");
	empty(transit, "me_crowd");
	empty(transit, "me_learned");
	empty(transit, "me_queries");
	transit_ring_skip(transit);
	assert_int_equal(me_kernel_counters(transit->kernel, ME_SERVICES_MAX, transit->marked_cells,
					    transit->marked_totals),
			 0);
	assert_int_equal(me_kernel_dns(transit->kernel, transit->marked_dns), 0);
	endpoints = me_kernel_endpoints(transit->kernel, &n);
	memcpy(transit->endpoints, endpoints, n * sizeof(*endpoints));
}

/* --- What the daemon does ------------------------------------------------------------------------- */

int transit_settle(struct transit *transit, const struct me_flow_key *key, enum me_settle_what what,
		   enum me_verdict verdict, enum me_reason reason)
{
	struct me_settle settle = {.key = *key,
				   .now_ns = me_clock_now(CLOCK_MONOTONIC),
				   .what = what,
				   .state = {.verdict = verdict, .reason = reason},
				   .generation = me_kernel_generation(transit->kernel)};
	struct me_flow flow;

	if (me_kernel_flow_get(transit->kernel, key, &flow)) {
		settle.id = flow.id;
		settle.service = flow.service;
	}
	return me_kernel_settle(transit->kernel, &settle);
}
