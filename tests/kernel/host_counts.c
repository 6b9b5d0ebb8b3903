/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs counted, told and keep. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "host.h"
#include "kernel/enter.h"
#include "policy/registry.h"

struct host_counts host_counts(struct host *host)
{
	struct host_counts now = {};

	assert_int_equal(me_kernel_counters(host->kernel, ME_SERVICES_MAX, host->cells, now.total),
			 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(now.total); i++)
		now.total[i] -= host->marked_totals[i];
	for (uint32_t service = 0; service < ME_SERVICES_MAX; service++)
		for (uint32_t kind = 0; kind < ME_CELL_KINDS; kind++)
			for (uint32_t what = 0; what < ME_CELL_ENDS; what++) {
				uint32_t cell = me_cell(ME_HOST, service, kind, what);

				now.cell[kind][what] += host->cells[cell];
				now.cell[kind][what] -= host->marked_cells[cell];
			}
	return now;
}

uint64_t host_cell(struct host *host, const char *service, enum me_cell_kind kind, uint32_t what)
{
	uint32_t id, cell;

	assert_int_equal(me_registry_id(host->registry, ME_ID_SERVICE, service, "", &id), 0);
	host_counts(host);
	cell = me_cell(ME_HOST, id, kind, what);
	return host->cells[cell] - host->marked_cells[cell];
}

/* Keeps the first of them; the count goes on. */
static int keep(const struct me_record *record, void *userdata)
{
	struct host *host = userdata;

	if (host->n_records < HOST_RECORDS_MAX)
		host->records[host->n_records] = *record;
	host->n_records++;
	return 0;
}

void host_ring_skip(struct host *host)
{
	assert_true(me_kernel_ring(host->kernel, keep, NULL, host) >= 0);
	host->n_records = 0;
}

static int forget(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct host *host = userdata;

	assert_int_equal(me_kernel_flow_take(host->kernel, key, flow->id, NULL), 0);
	return 0;
}

void host_mark(struct host *host)
{
	const struct me_endpoint_counts *endpoints;
	uint32_t n;

	assert_int_equal(me_kernel_flows_each(host->kernel, forget, host), 0);
	host_ring_skip(host);
	assert_int_equal(me_kernel_counters(host->kernel, ME_SERVICES_MAX, host->marked_cells,
					    host->marked_totals),
			 0);
	endpoints = me_kernel_endpoints(host->kernel, &n);
	memcpy(host->endpoints, endpoints, n * sizeof(*endpoints));
}

void host_expect(struct host *host, const struct host_counts *expected, const char *file, int line)
{
	static const char *const kinds[ME_CELL_KINDS] = {"final", "opened", "via", "shed",
							 "gained"};
	struct host_counts seen = host_counts(host);
	bool same = true;

	for (uint32_t kind = 0; kind < ME_CELL_KINDS; kind++)
		for (uint32_t what = 0; what < ME_CELL_ENDS; what++) {
			if (seen.cell[kind][what] == expected->cell[kind][what])
				continue;
			same = false;
			print_error("%s %u: %llu, expected %llu\n", kinds[kind], what,
				    (unsigned long long)seen.cell[kind][what],
				    (unsigned long long)expected->cell[kind][what]);
		}
	for (size_t i = 0; i < ME_ARRAY_SIZE(seen.total); i++) {
		if (seen.total[i] == expected->total[i])
			continue;
		same = false;
		print_error("total %zu: %llu, expected %llu\n", i,
			    (unsigned long long)seen.total[i],
			    (unsigned long long)expected->total[i]);
	}
	if (!same)
		_fail(file, line);
}

struct me_endpoint_counts host_endpoint(struct host *host, const char *service, const char *text)
{
	const struct me_endpoint_counts *all, *then;
	struct me_endpoint_counts now;
	uint32_t n, id;

	assert_int_equal(me_registry_id(host->registry, ME_ID_ENDPOINT, service, text, &id), 0);
	all = me_kernel_endpoints(host->kernel, &n);
	assert_true(id < n);
	now = all[id];
	then = &host->endpoints[id];
	now.attempts -= then->attempts;
	for (int i = 0; i < ME_OUTCOME_COUNT; i++)
		now.outcome[i] -= then->outcome[i];
	now.resets -= then->resets;
	now.bytes_sent -= then->bytes_sent;
	now.bytes_received -= then->bytes_received;
	now.retired_used -= then->retired_used;
	now.http_errors -= then->http_errors;
	now.tls_alerts -= then->tls_alerts;
	for (int i = 0; i < ME_DNS_FAILURE_COUNT; i++)
		now.dns_failures[i] -= then->dns_failures[i];
	return now;
}

/* --- Flows -------------------------------------------------------------------------------------- */

struct search {
	struct me_addr peer;
	uint16_t port; /* 0: every flow */
	size_t found;
	struct host_flow last;
};

static int look(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct search *search = userdata;

	if (search->port && (!me_addr_equal(&key->peer, &search->peer) ||
			     key->port != search->port || key->earlier))
		return 0;
	search->found++;
	search->last = (struct host_flow){*key, *flow};
	return 0;
}

size_t host_flows(struct host *host)
{
	struct search search = {};

	assert_int_equal(me_kernel_flows_each(host->kernel, look, &search), 0);
	return search.found;
}

static int sync_streams(void *kernel)
{
	return me_kernel_sync_streams(kernel);
}

struct host_flow host_flow(struct host *host, const char *address, uint16_t port)
{
	struct search search = {.port = port};

	assert_int_equal(me_inet_parse(address, search.peer.byte), 0);
	assert_int_equal(me_kernel_sync(host->kernel), 0);
	assert_int_equal(me_enter_netns(host->world.ns, sync_streams, host->kernel), 0);
	assert_int_equal(me_kernel_flows_each(host->kernel, look, &search), 0);
	if (search.found != 1)
		fail_msg("%zu flows to %s port %u", search.found, address, port);
	assert_int_equal(search.last.key.vantage, ME_HOST);
	return search.last;
}

struct closing {
	struct host *host;
	const char *address;
	uint16_t port;
	struct host_flow flow;
};

static bool is_closed(void *userdata)
{
	struct closing *closing = userdata;

	closing->flow = host_flow(closing->host, closing->address, closing->port);
	return closing->flow.flow.flags & ME_FLOW_CLOSED;
}

struct host_flow host_flow_closed(struct host *host, const char *address, uint16_t port)
{
	struct closing closing = {.host = host, .address = address, .port = port};

	world_wait(is_closed, &closing);
	assert_true(closing.flow.flow.closed_ns >= closing.flow.flow.first_ns);
	return closing.flow;
}

void host_assert_bytes(const struct host_flow *flow, uint64_t sent, uint64_t received)
{
	assert_int_equal(flow->flow.bytes_sent, sent);
	assert_int_equal(flow->flow.bytes_received, received);
}

/* --- The ring ----------------------------------------------------------------------------------- */

size_t host_told(struct host *host, enum me_record_kind kind)
{
	size_t n = 0;

	assert_true(me_kernel_ring(host->kernel, keep, NULL, host) >= 0);
	assert_true(host->n_records <= HOST_RECORDS_MAX);
	for (size_t i = 0; i < host->n_records; i++)
		n += host->records[i].kind == kind;
	return n;
}
