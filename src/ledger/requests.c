/* SPDX-License-Identifier: GPL-2.0-only */
#include "ledger/requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/table.h"

/* For whom they are: the hash of the host, and the port. */
struct target {
	uint64_t hash;
	uint64_t port;
};

struct entry {
	struct me_requested requested; /* host and text are its own */
	struct target target;
	uint64_t number; /* from 1; its place is what is left of it */
	uint64_t older;  /* number of the one before with the same target; it may be gone */
};

struct me_requests {
	struct me_table *flows;     /* id of the client's flow -> number */
	struct me_table *upstreams; /* id of the proxy's flow -> number */
	struct me_table *targets;   /* struct target -> number of the latest */
	uint64_t hash_key[2];
	uint64_t last; /* number; 0: there is none yet */
	uint64_t evicted;
	struct entry entries[ME_REQUESTS_MAX];
};

struct me_requests *me_requests_new(void)
{
	struct me_requests *requests = calloc(1, sizeof(*requests));

	if (!requests)
		return NULL;
	requests->flows = me_table_new(sizeof(uint64_t), sizeof(uint64_t), ME_REQUESTS_MAX);
	requests->upstreams = me_table_new(sizeof(uint64_t), sizeof(uint64_t), ME_REQUESTS_MAX);
	requests->targets = me_table_new(sizeof(struct target), sizeof(uint64_t), ME_REQUESTS_MAX);
	if (!requests->flows || !requests->upstreams || !requests->targets ||
	    getrandom(requests->hash_key, sizeof(requests->hash_key), 0) < 0)
		me_requests_free(&requests);
	return requests;
}

/* The entry with that number, or NULL: it has made room. */
static struct entry *at(const struct me_requests *requests, uint64_t number)
{
	const struct entry *entry = &requests->entries[number % ME_REQUESTS_MAX];

	return number && entry->number == number ? (struct entry *)entry : NULL;
}

static void forget(struct me_requests *requests, struct entry *entry)
{
	const uint64_t *latest;

	if (!entry)
		return;
	latest = me_table_get(requests->targets, &entry->target);
	if (latest && *latest == entry->number)
		me_table_remove(requests->targets, &entry->target);
	me_table_remove(requests->flows, &entry->requested.flow);
	if (entry->requested.upstream)
		me_table_remove(requests->upstreams, &entry->requested.upstream);
	free((char *)entry->requested.host);
	free((char *)entry->requested.text);
	*entry = (struct entry){0};
}

void me_requests_free(struct me_requests **requests)
{
	struct me_requests *held = me_steal_ptr(requests);

	if (!held)
		return;
	for (size_t i = 0; held->targets && i < ME_REQUESTS_MAX; i++)
		if (held->entries[i].number)
			forget(held, &held->entries[i]);
	me_table_free(&held->flows);
	me_table_free(&held->upstreams);
	me_table_free(&held->targets);
	free(held);
}

void me_requests_place(const struct me_addr *address, uint16_t port,
		       char out[ME_REQUESTS_PLACE_LEN])
{
	char text[ME_INET_LEN];

	me_inet_format(address->byte, text);
	snprintf(out, ME_REQUESTS_PLACE_LEN, me_addr_is_v4(address) ? "%s:%u" : "[%s]:%u", text,
		 port);
}

void me_requests_text(const struct me_request *request, struct me_strbuf *out)
{
	static const char *const schemes[] = {"http", "https", "ftp"};
	bool absolute = request->kind == ME_REQUEST_ABSOLUTE;
	bool brackets = strchr(request->host, ':');

	me_strbuf_addf(out, "%s ", request->method);
	if (absolute)
		me_strbuf_addf(out, "%s://", schemes[request->scheme]);
	me_strbuf_addf(out, brackets ? "[%s]" : "%s", request->host);
	if (!absolute || request->port != me_request_scheme_port(request->scheme))
		me_strbuf_addf(out, ":%u", request->port);
	me_strbuf_adds(out, request->path);
}

static struct target target_of(const struct me_requests *requests, const char *host, uint16_t port)
{
	return (struct target){me_hash(requests->hash_key, host, strlen(host)), port};
}

/* The value of the key, which is added if it is not there. 0 or -ENOMEM. */
static int set(struct me_table *table, const void *key, uint64_t number, uint64_t *ret_before)
{
	void *value;
	int r = me_table_put(table, key, &value);

	if (r < 0)
		return -ENOMEM;
	if (ret_before)
		*ret_before = *(uint64_t *)value;
	*(uint64_t *)value = number;
	return 0;
}

int me_requests_put(struct me_requests *requests, const struct me_requested *requested)
{
	_cleanup_free_ char *host = NULL, *text = NULL;
	uint64_t number = requests->last + 1;
	struct entry *entry = &requests->entries[number % ME_REQUESTS_MAX];

	if (me_table_get(requests->flows, &requested->flow))
		return 0;
	host = strdup(requested->host);
	text = strdup(requested->text);
	if (!host || !text)
		return -ENOMEM;
	if (entry->number) {
		requests->evicted +=
			!entry->requested.upstream &&
			entry->requested.ts_ns + ME_REQUESTS_WAIT_NS > requested->ts_ns;
		forget(requests, entry);
	}
	*entry = (struct entry){.requested = *requested, .number = number};
	entry->requested.host = me_steal_ptr(&host);
	entry->requested.text = me_steal_ptr(&text);
	entry->target = target_of(requests, requested->host, requested->port);
	requests->last = number;
	if (set(requests->flows, &requested->flow, number, NULL) ||
	    set(requests->targets, &entry->target, number, &entry->older)) {
		forget(requests, entry);
		return -ENOMEM;
	}
	return 0;
}

static const struct me_requested *find(const struct me_requests *requests,
				       const struct me_table *table, uint64_t id)
{
	const uint64_t *number = me_table_get(table, &id);
	const struct entry *entry = number ? at(requests, *number) : NULL;

	return entry ? &entry->requested : NULL;
}

const struct me_requested *me_requests_of(const struct me_requests *requests, uint64_t flow)
{
	return find(requests, requests->flows, flow);
}

const struct me_requested *me_requests_behind(const struct me_requests *requests, uint64_t upstream)
{
	return find(requests, requests->upstreams, upstream);
}

const struct me_requested *me_requests_waiting(const struct me_requests *requests, const char *host,
					       uint16_t port, uint64_t opened_ns)
{
	struct target target = target_of(requests, host, port);
	const uint64_t *number = me_table_get(requests->targets, &target);
	const struct entry *entry = number ? at(requests, *number) : NULL;

	for (size_t i = 0; entry && i < ME_REQUESTS_LOOKED_AT; i++) {
		const struct me_requested *requested = &entry->requested;

		if (requested->ts_ns + ME_REQUESTS_WAIT_NS < opened_ns)
			return NULL;
		if (requested->ts_ns <= opened_ns && !requested->upstream &&
		    !strcmp(requested->host, host))
			return requested;
		entry = at(requests, entry->older);
	}
	return NULL;
}

int me_requests_link(struct me_requests *requests, const struct me_requested *requested,
		     uint64_t upstream, const char *to)
{
	const uint64_t *number = me_table_get(requests->flows, &requested->flow);
	struct entry *entry = number ? at(requests, *number) : NULL;

	if (!entry)
		return -ENOENT;
	if (set(requests->upstreams, &upstream, entry->number, NULL))
		return -ENOMEM;
	entry->requested.upstream = upstream;
	snprintf(entry->requested.upstream_to, sizeof(entry->requested.upstream_to), "%s", to);
	return 0;
}

size_t me_requests_count(const struct me_requests *requests)
{
	return me_table_count(requests->flows);
}

uint64_t me_requests_evicted(const struct me_requests *requests)
{
	return requests->evicted;
}
