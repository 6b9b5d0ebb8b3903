/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/replay_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "export/ndjson.h"
#include "mewatch/command.h"
#include "policy/policy.h"
#include "replay/ends.h"
#include "replay/program.h"

#define ENDPOINTS_SPARE 1u /* ids begin with 1 */
/* Rounds between two readings of the counters, from which some findings come. */
#define READ_ROUNDS 10u
/* Rounds that are made of a time in which nothing is there, at its beginning and at its end. */
#define QUIET_ROUNDS 20u
/* So long a silence of the capture is gone through by the second; of a longer one a round is such a part. */
#define SILENCE_NS (600 * ME_NS_PER_S)
#define SILENCE_PARTS 16u

struct me_replay {
	struct me_daemon daemon;
	uint64_t now_ns;  /* the daemon's clock */
	uint64_t next_ns; /* of the next round */
	uint64_t rounds;
	uint64_t read_packets; /* packets by the last reading of the counters */
	struct me_replay_counts counts;
	struct me_ndjson *ndjson;
	struct me_event_sink file, sink; /* the latter before the former */
	me_replay_flow_fn *fn;
	me_replay_answer_fn *answer_fn;
	void *userdata;
};

/* --- Beginning and end -------------------------------------------------------------------------- */

/* Counts findings on their way to the file. */
static int write_event(void *data, const struct me_event *event)
{
	struct me_replay *replay = data;

	if (event->kind == ME_EVENT_FINDING && event->finding >= 0)
		replay->counts.findings[event->finding] += event->has_count ? event->count : 1;
	return replay->file.write(replay->file.data, event);
}

static void mark_event(void *data, struct me_event_mark *ret_mark)
{
	struct me_replay *replay = data;

	replay->file.mark(replay->file.data, ret_mark);
}

static int check_event(void *data, const struct me_event_mark *mark, const char *id)
{
	struct me_replay *replay = data;

	return replay->file.check(replay->file.data, mark, id);
}

static int open_events(struct me_replay *replay)
{
	struct me_daemon *daemon = &replay->daemon;
	const char *path = daemon->options.events;
	int err = me_ndjson_open(path, daemon->ledger, &replay->ndjson);

	if (err) {
		me_log_error("--events %s: %s", path ? path : "", strerror(-err));
		return err;
	}
	replay->file = me_ndjson_sink(replay->ndjson);
	replay->sink = (struct me_event_sink){
		.data = replay, .write = write_event, .mark = mark_event, .check = check_event};
	return me_events_new(daemon->ledger, &replay->sink, &daemon->events);
}

static int open_kernel(struct me_replay *replay, const struct me_policy *policy)
{
	struct me_daemon *daemon = &replay->daemon;
	const struct me_kernel_options options = {
		.flows = policy->limits.flows,
		.learned = policy->limits.learned,
		.endpoints = me_registry_count(daemon->registry, ME_ID_ENDPOINT) + ENDPOINTS_SPARE,
		.kept_size = sizeof(struct me_daemon_kept),
		.each_size = sizeof(struct me_endpoint_kept)};
	struct me_why why = {};

	if (me_kernel_open(&options, &daemon->kernel, &why)) {
		me_log_error("%s", why.text);
		return -ENOMEM;
	}
	daemon->kept = me_kernel_kept(daemon->kernel);
	daemon->kept->fresh_ns = daemon->started_ns;
	return 0;
}

/* Everything between the policy and the packets, in the order of me_daemon_open(). */
static int open_daemon(struct me_replay *replay, struct me_policy **policy, struct me_image **image)
{
	struct me_ledger_limits limits = {.flows = 2 * (*policy)->limits.flows,
					  .unseen_ns = UINT64_MAX};
	struct me_daemon *daemon = &replay->daemon;
	int err = open_kernel(replay, *policy);
	uint32_t n;

	if (err)
		return err;
	daemon->names = me_daemon_names;
	daemon->names.data = daemon;
	daemon->cells = calloc(ME_CELL_COUNT, sizeof(*daemon->cells));
	err = daemon->cells ? me_ledger_new(&limits, &daemon->kept->ledger, &daemon->names,
					    replay->now_ns, replay->now_ns, &daemon->ledger)
			    : -ENOMEM;
	me_kernel_endpoints(daemon->kernel, &n);
	if (!err)
		me_ledger_keep_endpoints(daemon->ledger, me_kernel_kept_each(daemon->kernel), n);
	if (!err)
		err = open_events(replay);
	if (!err)
		err = me_daemon_dns_open(daemon);
	return err ? err : me_daemon_policy_use(daemon, policy, image);
}

/* A flow has left the table: nothing more will be known of it. */
static void tell_flow(struct me_daemon *daemon, uint64_t id)
{
	struct me_replay *replay = daemon->heard_data;
	const struct me_ledger_flow *flow = me_ledger_find(daemon->ledger, id);
	struct me_ledger_flow copy;

	if (!flow)
		return;
	copy = *flow;
	copy.vantage = ME_REPLAY;
	replay->fn(daemon->ledger, &copy, replay->userdata);
}

static void tell_answer(struct me_daemon *daemon, const struct me_answer *answer)
{
	struct me_replay *replay = daemon->heard_data;

	replay->answer_fn(daemon->ledger, answer, replay->userdata);
}

int me_replay_new(const struct me_replay_options *options, uint64_t start_ns, me_replay_flow_fn *fn,
		  void *userdata, struct me_replay **ret_replay)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	_cleanup_(me_image_freep) struct me_image *image = NULL;
	struct me_replay *replay = calloc(1, sizeof(*replay));
	struct me_daemon *daemon;
	int code, err;

	*ret_replay = replay;
	if (!replay)
		return ME_EXIT_KERNEL;
	replay->fn = fn;
	replay->answer_fn = options->answer_fn;
	replay->userdata = userdata;
	replay->now_ns = start_ns;
	replay->next_ns = start_ns + ME_NS_PER_S;
	replay->counts.first_ns = start_ns;
	daemon = &replay->daemon;
	*daemon = (struct me_daemon){.options = {.policy = options->policy,
						 .profile = options->profile,
						 .hosts = options->hosts,
						 .n_hosts = options->n_hosts,
						 .events = options->events},
				     .state = -1,
				     .time = &replay->now_ns,
				     .gone = tell_flow,
				     .answered = options->answer_fn ? tell_answer : NULL,
				     .heard_data = replay,
				     .now_ns = start_ns,
				     .started_ns = start_ns};
	daemon->registry = me_registry_new();
	if (!daemon->registry)
		return ME_EXIT_KERNEL;
	code = me_daemon_policy_read(daemon, &policy, &image);
	if (code)
		return code;
	me_program_time(start_ns);
	err = open_daemon(replay, &policy, &image);
	if (err == -ENOMEM)
		me_log_error("out of memory");
	return err == -ENOMEM ? ME_EXIT_KERNEL : err ? ME_EXIT_USAGE : ME_EXIT_OK;
}

void me_replay_free(struct me_replay **replay)
{
	struct me_daemon *daemon;

	if (!*replay)
		return;
	daemon = &(*replay)->daemon;
	me_daemon_dns_close(daemon);
	me_events_free(&daemon->events);
	me_ndjson_close(&(*replay)->ndjson);
	me_ledger_free(&daemon->ledger);
	me_kernel_close(&daemon->kernel);
	me_image_free(&daemon->image);
	me_policy_free(&daemon->policy);
	me_registry_free(&daemon->registry);
	free(daemon->cells);
	free(*replay);
	*replay = NULL;
}

bool me_replay_has_hosts(const struct me_replay *replay)
{
	return replay->daemon.image->n_hosts || replay->daemon.image->n_macs;
}

/* --- Time --------------------------------------------------------------------------------------- */

static void set_time(struct me_replay *replay, uint64_t now_ns)
{
	replay->now_ns = replay->daemon.now_ns = now_ns;
	me_program_time(now_ns);
}

/* As me_daemon_round(), but that counters are read only where packets may have changed them. */
static void make_round(struct me_replay *replay)
{
	struct me_daemon *daemon = &replay->daemon;

	if (replay->rounds++ % READ_ROUNDS == 0 && replay->read_packets != replay->counts.packets) {
		replay->read_packets = replay->counts.packets;
		me_daemon_read(daemon);
	} else {
		me_ledger_tick(daemon->ledger, replay->now_ns, replay->now_ns);
		me_daemon_drain(daemon);
	}
	me_daemon_walk(daemon);
	me_events_tick(daemon->events, false);
	me_daemon_dns_round(daemon);
}

/* Whether nothing is there that time ends: what was learned is looked at when it is asked for. */
static bool is_quiet(const struct me_daemon *daemon)
{
	static const char *const live[] = {"flows", "queries", "fragments"};

	for (size_t i = 0; i < ME_MAP_LEVELS; i++)
		for (size_t j = 0; j < sizeof(live) / sizeof(*live); j++)
			if (daemon->levels[i].map && daemon->levels[i].entries &&
			    !strcmp(daemon->levels[i].map, live[j]))
				return false;
	return true;
}

/*
 * From one round to the next, when nothing came for so long and comes in so long: a second. In a long
 * silence it is more, so that years of it are passed as well, and what waits for a time has it by a
 * sixteenth too late; with nothing there only the last rounds are left.
 */
static uint64_t round_step(uint64_t silent_ns, uint64_t left_ns, bool quiet)
{
	uint64_t step = 0;

	if (silent_ns > SILENCE_NS)
		step = (silent_ns - SILENCE_NS) / SILENCE_PARTS;
	if (step > left_ns)
		step = left_ns;
	if (quiet && left_ns > QUIET_ROUNDS * ME_NS_PER_S)
		step = left_ns - QUIET_ROUNDS * ME_NS_PER_S;
	return step > ME_NS_PER_S ? step : ME_NS_PER_S;
}

/* Makes the rounds up to then. */
static void pass_time(struct me_replay *replay, uint64_t now_ns)
{
	uint64_t before_ns = replay->now_ns;
	unsigned int quiet = 0;

	if (now_ns < before_ns) {
		replay->counts.backwards++;
		return;
	}
	while (replay->next_ns <= now_ns) {
		set_time(replay, replay->next_ns);
		make_round(replay);
		quiet = is_quiet(&replay->daemon) ? quiet + 1 : 0;
		replay->next_ns += round_step(replay->next_ns - before_ns, now_ns - replay->next_ns,
					      quiet >= QUIET_ROUNDS);
	}
	set_time(replay, now_ns);
}

/* --- Packets ------------------------------------------------------------------------------------ */

static bool is_host(const struct me_image *image, const struct me_addr *address, uint64_t mac)
{
	return me_image_host(image, address) || (mac && me_image_mac(image, mac));
}

static bool is_resolver(const struct me_image *image, const struct me_addr *address)
{
	const struct me_dest *dest = me_image_lookup(image, address);

	return dest && (dest->flags & ME_DEST_RESOLVER);
}

/*
 * From which side of the gateway it comes. What a mail host sends was sent, what it gets received; and
 * so it is with resolvers that ask others, who may be behind the gateway too, and may be resolvers.
 */
static bool is_sent(struct me_replay *replay, const struct me_capture_packet *packet)
{
	const struct me_image *image = replay->daemon.image;
	struct me_packet_ends ends;

	me_packet_ends(packet, &ends);
	if (is_host(image, &ends.src, ends.src_mac))
		return true;
	if (is_host(image, &ends.dst, ends.dst_mac))
		return false;
	replay->counts.elsewhere++;
	if (!ends.ip || !is_resolver(image, &ends.dst))
		return true;
	return is_resolver(image, &ends.src) && !ends.answers;
}

void me_replay_packet(struct me_replay *replay, const struct me_capture_packet *packet)
{
	const struct me_program_packet one = {
		.bytes = packet->bytes,
		.have = packet->have,
		.length = packet->length,
		.protocol = packet->protocol,
		.ethernet = packet->ethernet,
		.broadcast = packet->broadcast,
		.sent = is_sent(replay, packet),
	};

	pass_time(replay, packet->ts_ns);
	replay->counts.packets++;
	replay->counts.bytes += packet->length;
	replay->counts.cut += packet->have < packet->length;
	replay->counts.last_ns = replay->now_ns;
	me_program_packet(&one);
	me_daemon_drain(&replay->daemon);
}

/* The last walk may have settled it. */
static int tell_open(const struct me_flow_key *key, const struct me_flow *flow, void *userdata)
{
	struct me_replay *replay = userdata;
	int err = me_ledger_flow(replay->daemon.ledger, key, flow, NULL);

	tell_flow(&replay->daemon, flow->id);
	return err;
}

void me_replay_end(struct me_replay *replay)
{
	replay->daemon.ending = true;
	me_daemon_read(&replay->daemon);
	me_daemon_walk(&replay->daemon);
	me_daemon_read(&replay->daemon);
	me_events_tick(replay->daemon.events, true);
	me_kernel_flows_each(replay->daemon.kernel, tell_open, replay);
}

const struct me_ledger *me_replay_ledger(const struct me_replay *replay)
{
	return replay->daemon.ledger;
}

const struct me_replay_counts *me_replay_counts(const struct me_replay *replay)
{
	return &replay->counts;
}

const uint64_t *me_replay_totals(const struct me_replay *replay)
{
	return replay->daemon.totals;
}

const uint64_t *me_replay_cells(const struct me_replay *replay)
{
	return replay->daemon.cells;
}
