/* SPDX-License-Identifier: GPL-2.0-only */
/* Before the kernel's headers, which give way to the C library's that it includes. */
#define CARES_NO_DEPRECATED
#include <ares.h>

#include "probe/resolve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/inet.h"

#define TRIES 2u
#define TRIES_TAKE 3u /* first timeouts: the second one is twice as long */

/* Each server has a channel of its own, so that each answer is that server's. */
struct resolver {
	ares_channel channel[ME_LOOKUP_SERVERS_MAX];
	size_t n_servers;
	struct me_dns *dns;
	size_t active;
};

struct question {
	struct resolver *resolver;
	struct me_lookup *lookup;
	size_t server;
	uint64_t begun_ns;
	bool asked;
};

static void ask(struct question *question);

/* --- Answers ------------------------------------------------------------------------------------ */

static void take_addresses(struct me_lookup *lookup, const struct me_dns *dns)
{
	for (uint32_t i = 0; i < dns->n_addresses; i++) {
		if (lookup->n < ME_LOOKUP_ADDRESSES_MAX)
			lookup->address[lookup->n++] = dns->address[i].address;
		else
			lookup->more++;
	}
	lookup->more += dns->too_many;
	if (dns->n_chain > 1 && (lookup->canonical = malloc(ME_NAME_TEXT_MAX)))
		me_name_to_text(&dns->chain[dns->n_chain - 1].name, lookup->canonical);
}

static enum me_probe_outcome take_answer(struct question *question, const uint8_t *message,
					 size_t length)
{
	struct me_lookup *lookup = question->lookup;
	struct me_dns *dns = question->resolver->dns;

	if (lookup->type != ME_DNS_A && lookup->type != ME_DNS_AAAA)
		return ME_PROBE_OK;
	if (me_dns_question(message, (uint32_t)length, dns) < 0)
		return ME_PROBE_PROTOCOL;
	me_dns_answers(message, (uint32_t)length, dns);
	take_addresses(lookup, dns);
	return lookup->n ? ME_PROBE_OK : ME_PROBE_NO_ADDRESS;
}

static enum me_probe_outcome outcome_of(int status)
{
	switch (status) {
	case ARES_ENODATA:
		return ME_PROBE_NO_ADDRESS;
	case ARES_ENOTFOUND:
		return ME_PROBE_NXDOMAIN;
	case ARES_ESERVFAIL:
		return ME_PROBE_SERVFAIL;
	case ARES_EREFUSED:
		return ME_PROBE_DNS_REFUSED;
	case ARES_ETIMEOUT:
	case ARES_ECONNREFUSED:
		return ME_PROBE_NO_ANSWER;
	case ARES_EFORMERR:
	case ARES_ENOTIMP:
	case ARES_EBADRESP:
		return ME_PROBE_PROTOCOL;
	default:
		return ME_PROBE_INTERNAL;
	}
}

/* An answer that settles the question, whoever gave it. */
static bool is_final(enum me_probe_outcome outcome)
{
	return outcome == ME_PROBE_OK || outcome == ME_PROBE_NO_ADDRESS ||
	       outcome == ME_PROBE_NXDOMAIN;
}

static void answered(void *context, int status, int timeouts, unsigned char *message, int length)
{
	struct question *question = context;
	struct me_lookup *lookup = question->lookup;
	enum me_probe_outcome outcome = status == ARES_SUCCESS
						? take_answer(question, message, (size_t)length)
						: outcome_of(status);
	bool further = lookup->server == ME_LOOKUP_ANY_SERVER &&
		       question->server + 1 < question->resolver->n_servers;

	if (status == ARES_EDESTRUCTION)
		return;
	/* What a server said tells more than the silence of another. */
	if (!question->asked || is_final(outcome) || lookup->outcome == ME_PROBE_NO_ANSWER)
		lookup->outcome = outcome;
	question->asked = true;
	if (!is_final(outcome) && further) {
		question->server++;
		ask(question);
		return;
	}
	lookup->ms =
		(uint32_t)((me_clock_now(CLOCK_MONOTONIC) - question->begun_ns) / ME_NS_PER_MS);
	question->resolver->active--;
}

static void ask(struct question *question)
{
	ares_query(question->resolver->channel[question->server], question->lookup->name, ME_DNS_IN,
		   question->lookup->type, answered, question);
}

/* --- The library -------------------------------------------------------------------------------- */

static int error_of(int status)
{
	return status == ARES_SUCCESS ? 0 : status == ARES_ENOMEM ? -ENOMEM : -EIO;
}

static int open_channel(const struct me_addr *server, uint64_t timeout_ns,
			ares_channel *ret_channel)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP,
		.timeout = (int)(timeout_ns / TRIES_TAKE / ME_NS_PER_MS),
		.tries = TRIES,
	};
	struct ares_addr_node node = {.family = AF_INET6};
	ares_channel channel;
	int status;

	if (me_addr_is_v4(server)) {
		node.family = AF_INET;
		memcpy(&node.addr.addr4, &server->word[3], sizeof(node.addr.addr4));
	} else {
		memcpy(&node.addr.addr6, server->byte, sizeof(node.addr.addr6));
	}
	if (options.timeout < 1)
		options.timeout = 1;
	status = ares_init_options(&channel, &options,
				   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
	if (status != ARES_SUCCESS)
		return error_of(status);
	status = ares_set_servers(channel, &node);
	if (status != ARES_SUCCESS)
		ares_destroy(channel);
	else
		*ret_channel = channel;
	return error_of(status);
}

static void close_resolver(struct resolver *resolver)
{
	for (size_t i = 0; i < resolver->n_servers; i++)
		ares_destroy(resolver->channel[i]);
	ares_library_cleanup();
	free(resolver->dns);
}

static int open_resolver(struct resolver *resolver, const struct me_addr *servers, size_t n_servers,
			 uint64_t timeout_ns)
{
	int err = error_of(ares_library_init(ARES_LIB_INIT_ALL));

	if (err)
		return err;
	resolver->dns = malloc(sizeof(*resolver->dns));
	if (!resolver->dns)
		err = -ENOMEM;
	while (!err && resolver->n_servers < n_servers) {
		err = open_channel(&servers[resolver->n_servers], timeout_ns / n_servers,
				   &resolver->channel[resolver->n_servers]);
		resolver->n_servers += !err;
	}
	if (err)
		close_resolver(resolver);
	return err;
}

/* --- The loop ----------------------------------------------------------------------------------- */

#define SOCKETS_EACH 4 /* of a channel with one server, which has one for UDP and one for TCP */
#define SOCKETS_MAX (ME_LOOKUP_SERVERS_MAX * SOCKETS_EACH)

/* The sockets of all channels, and whose each is. */
static size_t list_sockets(struct resolver *resolver, struct pollfd *fds, size_t *owner)
{
	ares_socket_t sockets[SOCKETS_EACH];
	size_t n = 0;

	for (size_t i = 0; i < resolver->n_servers; i++) {
		int bits = ares_getsock(resolver->channel[i], sockets, SOCKETS_EACH);

		for (int k = 0; k < SOCKETS_EACH; k++) {
			short events = (short)((ARES_GETSOCK_READABLE(bits, k) ? POLLIN : 0) |
					       (ARES_GETSOCK_WRITABLE(bits, k) ? POLLOUT : 0));

			if (!events)
				continue;
			owner[n] = i;
			fds[n++] = (struct pollfd){.fd = sockets[k], .events = events};
		}
	}
	return n;
}

/* How long until a channel has something to do by itself, in ms. */
static int next_timeout(struct resolver *resolver)
{
	struct timeval soonest = {.tv_sec = 1}, tv;

	for (size_t i = 0; i < resolver->n_servers; i++)
		soonest = *ares_timeout(resolver->channel[i], &soonest, &tv);
	return (int)(soonest.tv_sec * 1000 + soonest.tv_usec / 1000 + 1);
}

static void step(struct resolver *resolver)
{
	struct pollfd fds[SOCKETS_MAX];
	size_t owner[SOCKETS_MAX];
	size_t n = list_sockets(resolver, fds, owner);

	if (poll(fds, n, next_timeout(resolver)) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		short got = fds[i].revents;

		if (got)
			ares_process_fd(resolver->channel[owner[i]],
					got & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
					got & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	}
	for (size_t i = 0; i < resolver->n_servers; i++)
		ares_process_fd(resolver->channel[i], ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void begin(struct resolver *resolver, struct question *question, struct me_lookup *lookup)
{
	*question = (struct question){
		.resolver = resolver,
		.lookup = lookup,
		.server = lookup->server < 0 ? 0 : (size_t)lookup->server,
		.begun_ns = me_clock_now(CLOCK_MONOTONIC),
	};
	resolver->active++;
	ask(question);
}

int me_resolve(const struct me_addr *servers, size_t n_servers, struct me_lookup *lookups, size_t n,
	       uint64_t timeout_ns)
{
	_cleanup_free_ struct question *questions = calloc(n ? n : 1, sizeof(*questions));
	struct resolver resolver = {0};
	int err;

	if (!questions)
		return -ENOMEM;
	if (!n_servers || n_servers > ME_LOOKUP_SERVERS_MAX)
		return -EIO;
	err = open_resolver(&resolver, servers, n_servers, timeout_ns);
	if (err)
		return err;
	for (size_t next = 0; next < n || resolver.active;) {
		while (next < n && resolver.active < ME_LOOKUPS_AT_ONCE) {
			begin(&resolver, &questions[next], &lookups[next]);
			next++;
		}
		if (resolver.active)
			step(&resolver);
	}
	close_resolver(&resolver);
	return 0;
}

void me_lookups_free(struct me_lookup *lookups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(lookups[i].canonical);
}
