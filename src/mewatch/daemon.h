/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_DAEMON_H
#define MEWATCH_MEWATCH_DAEMON_H

/*
 * The daemon: what `mewatch run` does once it knows its options. daemon.c has the order of things,
 * daemon_policy.c loads policies, daemon_watch.c attaches and reloads, daemon_read.c reads the kernel
 * side, daemon_flows.c reads and settles flows, daemon_dns.c and daemon_learn.c learn names,
 * daemon_claims.c hears the second witness, daemon_flow_names.c names flows, daemon_proxy.c follows what
 * goes through the proxy, surroundings.c knows namespaces and open sockets, remoting.c who listens,
 * outputs.c answers and writes, recording.c keeps the history.
 */
#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
#include "kernel/kernel.h"
#include "ledger/events.h"
#include "ledger/kept.h"
#include "ledger/ledger.h"
#include "mewatch/sweeps.h"
#include "policy/compile.h"
#include "mewatch/wire.h"
#include "policy/registry.h"

struct me_cgroups;
struct me_aliases;
struct me_answer;
struct me_daemon_dns;
struct me_interfaces;
struct me_dns;
struct me_outputs;
struct me_policy;
struct me_recording;
struct me_request;
struct me_strbuf;
struct me_surroundings;
struct me_table;
struct me_witness;

struct me_daemon_options {
	const char *policy;  /* path, or NULL: the default if it is there */
	const char *profile; /* or NULL */
	/* What is watched; any of these replaces the whole of the policy's `watch:`. */
	const char **cgroups;
	size_t n_cgroups;
	const char **interfaces;
	size_t n_interfaces;
	const char **hosts;
	size_t n_hosts;
	const char *listen;     /* ADDR:PORT */
	const char *api_listen; /* or NULL */
	const char *socket;
	const char *textfile; /* or NULL */
	const char *events;   /* path, "-", or NULL: none */
	const char *state;    /* NULL in a replay: nothing is to outlive it */
	const char *pins;
	bool enforce;
	uint64_t enforce_ns; /* for so long; 0: there is no end */
};

/* The block that outlives the daemon (me_kernel_kept()). */
struct me_daemon_kept {
	struct me_kept ledger;
	uint64_t heartbeat_ns; /* CLOCK_MONOTONIC, of the last round of the last daemon */
	uint64_t fresh_ns;     /* when the state was fresh: the warm-up counts from there */
	struct me_swept packet;
	struct me_swept outside;
	struct me_swept listeners; /* told as foreign */
	uint64_t surveyed; /* 1: what was open before the first attachment is in the ledger */
	/* daemon_mode.c */
	uint64_t said; /* 1 + enum me_mode, instead of the policy's; 0: nothing */
	uint64_t said_until_ns;
	uint64_t said_by_command; /* 1; else by the options */
	uint64_t mode_told;       /* as the last event has it */
	uint64_t stopped;         /* 1: the last daemon ended in good order */
};

struct me_daemon {
	struct me_daemon_options options;
	int state;     /* the state folder, locked */
	bool opened;   /* the kernel side is loaded */
	bool watching; /* and attached */
	struct me_kernel *kernel;
	struct me_cgroups *cgroups;
	struct me_surroundings *surroundings;
	struct me_interfaces *interfaces;
	struct me_registry *registry;
	uint32_t ids_saved[ME_ID_KINDS]; /* of each kind: how many are in the pinned registry */
	struct me_policy *policy;
	struct me_image *image;
	char **watched; /* cgroup paths, topmost ones */
	size_t n_watched;
	struct me_daemon_kept *kept;
	struct me_ledger *ledger;
	struct me_events *events;
	struct me_outputs *outputs;
	struct me_recording *recording;
	struct me_names names;
	struct me_daemon_dns *dns;
	struct me_aliases *aliases; /* names that stand for others */
	bool replaying; /* records that were counted when they were read for the first time */
	struct me_witness *witness;
	uint64_t recursive; /* cgroup of the recursive resolver, or 0 */
	struct me_wire_limits wire_limits;
	bool cutting;              /* this walk over the flows met one of a socket that is cut */
	uint64_t drained_ns;       /* records told before then have been read */
	struct me_table *released; /* cookies of sockets that are gone, until the next walk */
	uint64_t *cells;
	uint64_t totals[ME_TOTALS_ALL];
	const uint64_t *time; /* of a replay, since the epoch: the only clock then; else NULL */
	/* Called for each flow that leaves the table, if there is somebody to hear it. */
	void (*gone)(struct me_daemon *daemon, uint64_t id);
	/* The same for each address that an answer gives a name. */
	void (*answered)(struct me_daemon *daemon, const struct me_answer *answer);
	void *heard_data; /* of both */
	bool ending;      /* of a replay: every flow is looked at once more */
	uint64_t now_ns;  /* CLOCK_MONOTONIC of the present round, or of a record later than it */
	uint64_t started_ns;  /* CLOCK_MONOTONIC */
	uint64_t downtime_ns; /* between the last daemon's heartbeat and this one's start */
	uint64_t loaded_epoch_ns;
	char last_error[512]; /* of the last reload; empty if it worked */
	uint64_t rounds;
	uint64_t walks;
	uint64_t walked_ns;                        /* when the flow table was read last */
	uint64_t walk_ns;                          /* how long that took */
	struct me_map_level levels[ME_MAP_LEVELS]; /* as of then */
	uint64_t preexisting_refused; /* flows that were open before and are not listed */
	struct me_proc proc;          /* what names.exe answers with */
	char exe[ME_EXE_LEN + 1];
};

/* The time of a clock, or of the replay. */
static inline uint64_t me_daemon_clock(const struct me_daemon *daemon, clockid_t clock)
{
	return daemon->time ? *daemon->time : me_clock_now(clock);
}

/* daemon.c */

/*
 * Brings everything up, in this order: policy, kernel, namespaces, policy into the kernel, attach.
 * Problems are logged. 0 or an exit code; the daemon is to be closed either way.
 */
int me_daemon_open(struct me_daemon *daemon, const struct me_daemon_options *options);
void me_daemon_close(struct me_daemon *daemon);
/* One round: counters, ring, flows, outputs. Once a second. */
void me_daemon_round(struct me_daemon *daemon);
/* For an answer: counters and records as of now, flows as of a moment ago. */
void me_daemon_refresh(struct me_daemon *daemon);
/* The last round and the stop event. */
void me_daemon_stop(struct me_daemon *daemon);

/* daemon_read.c */

/*
 * Only the ring, up to what was told before the call: whoever fills it faster than it is read holds
 * up nothing else. How many records there were.
 */
int me_daemon_drain(struct me_daemon *daemon);
/*
 * The counters as of now, and all records of what they have counted. Between the two nothing may be
 * told from the counters (ledger/events.h).
 */
void me_daemon_read(struct me_daemon *daemon);
/* What grows with the number of flows. */
void me_daemon_walk(struct me_daemon *daemon);

/* daemon_policy.c */

/* Reads and compiles; *daemon is untouched unless it worked. Diagnostics are logged. 0 or exit code. */
int me_daemon_policy_read(struct me_daemon *daemon, struct me_policy **ret_policy,
			  struct me_image **ret_image);
/* Puts what was read in force; takes it over. 0 or a negative errno (logged). */
int me_daemon_policy_use(struct me_daemon *daemon, struct me_policy **policy,
			 struct me_image **image);
/* Takes ids from the pinned registry. 0 or a negative errno. */
int me_daemon_ids_restore(struct me_daemon *daemon);

/* daemon_watch.c */

/*
 * Attaches to the cgroups and interfaces of `policy`; present ones are taken over, and those no longer
 * named let go. 0 or a negative errno (logged); then all is as it was.
 */
int me_daemon_watch(struct me_daemon *daemon, const struct me_policy *policy);
/* Forgets which cgroups are watched; the attachments stay. */
void me_daemon_unwatch(struct me_daemon *daemon);
/* SIGHUP: a bad policy changes nothing and says so. */
void me_daemon_reload(struct me_daemon *daemon);

/* daemon_flows.c */

/* Folds every flow into the ledger; settles pending ones; ends and forgets what is over. */
int me_daemon_flows(struct me_daemon *daemon);
/* A datagram socket is gone: its flows end with the next me_daemon_flows(). */
void me_daemon_released(struct me_daemon *daemon, uint64_t cookie);
/* What the kernel would ask the judge of this flow. */
void me_daemon_facts(const struct me_daemon *daemon, const struct me_flow_key *key,
		     const struct me_flow *flow, struct me_facts *ret_facts);
/* Judges by the image in memory and what is learned, as the kernel would now. */
void me_daemon_judge(const struct me_daemon *daemon, const struct me_flow_key *key,
		     const struct me_flow *flow, struct me_judgement *ret_judgement);
/* Makes an open flow final by a verdict that is. Somebody else may have been first. */
void me_daemon_settle(struct me_daemon *daemon, const struct me_flow_key *key,
		      const struct me_flow *flow, const struct me_judgement *judged);

/* daemon_dns.c */

/* After the ledger is there: reads the names kept. 0 or -ENOMEM. */
int me_daemon_dns_open(struct me_daemon *daemon);
void me_daemon_dns_close(struct me_daemon *daemon);
/* Finds the cgroup of the recursive resolver: a service that is started again has another one. */
void me_daemon_dns_follow(struct me_daemon *daemon);
/* Once a round: forgets what is over, saves the names. */
void me_daemon_dns_round(struct me_daemon *daemon);
/* Reads again what the daemon of before had read half of. Before the ring is read. */
void me_daemon_dns_replay(struct me_daemon *daemon);
/* Connections of DNS over TCP that could not be followed. */
uint64_t me_daemon_dns_lost(const struct me_daemon *daemon);
/* A record of bytes from the wire. 0 or -ENOMEM. */
int me_daemon_payload(struct me_daemon *daemon, const struct me_payload *head,
		      const uint8_t *bytes);
/* The endpoints learned for an address and what that is worth now. How many. */
uint32_t me_daemon_learned(const struct me_daemon *daemon, const struct me_addr *address,
			   struct me_learned_endpoint ret_learned[ME_NAME_ENDPOINTS]);

/* daemon_learn.c */

/* Adds to user space's own counts (me_dns_queries() …), which outlive it. */
void me_daemon_dns_count(struct me_daemon *daemon, uint32_t which, uint64_t n);
/* Learns what the programs have not learned from an answer: `dns` is read, `head` says whence. */
void me_daemon_dns_learn(struct me_daemon *daemon, const struct me_dns *dns,
			 const struct me_payload *head);
/* Puts an answer into the cache of the ledger, for the names in front of it too. */
void me_daemon_dns_remember(struct me_daemon *daemon, const struct me_dns *dns,
			    const struct me_payload *head);
/* Another policy is in force: what was answered before is learned for its names. */
void me_daemon_dns_relearn(struct me_daemon *daemon);

/* daemon_claims.c */

/* A segment of a first payload: settles its flow when it says enough. True: it needs the next one. */
bool me_daemon_claim(struct me_daemon *daemon, const struct me_payload *head, const uint8_t *bytes);

/* daemon_flow_names.c */

/*
 * The names that the flow's peer had until it was over: first those known when it was opened, the newest
 * in front. And the one of them that it is shown by, which stays: one of its endpoint, if there is one;
 * of a flow that was opened and `told` now the one that was asked for last, else the first. Into *ret_text, which
 * points into `names` and the cache. False: none is known.
 */
bool me_daemon_flow_names(const struct me_daemon *daemon, const struct me_flow_key *key,
			  const struct me_flow *flow, bool told, struct me_strbuf *names,
			  struct me_flow_text *ret_text);

/* daemon_proxy.c */

/* What a flow to the proxy asks it for: `head` is the record that decided it. */
void me_daemon_request(struct me_daemon *daemon, const struct me_payload *head,
		       const struct me_flow *flow, const struct me_request *request);
/*
 * What came of the request of a flow to the proxy is known of the endpoint that it was for: tried, or, when
 * the proxy says so, reached. It counts for nothing else.
 */
void me_daemon_proxied(struct me_daemon *daemon, const struct me_flow *flow);
/* Links a flow of a proxy on this machine to the request it was opened for. `claimed` may be NULL. */
void me_daemon_upstream(struct me_daemon *daemon, const struct me_flow_key *key,
			const struct me_flow *flow, const char *claimed);
/* Whether a flow that is over may be linked yet: the records of its time have not been read. */
bool me_daemon_upstream_waits(const struct me_daemon *daemon, const struct me_flow_key *key,
			      const struct me_flow *flow);
/* Whether a flow with that verdict goes past the proxy: HTTP or HTTPS straight to a listed name. */
bool me_daemon_is_bypass(const struct me_daemon *daemon, const struct me_flow_key *key,
			 const struct me_flow *flow, const struct me_judgement *judged);

/* daemon_names_file.c */

/* The cache of answers, in the state folder if there is one. Problems are logged. */
void me_daemon_names_load(struct me_daemon *daemon);
void me_daemon_names_save(const struct me_daemon *daemon);

/* daemon_names.c */
extern const struct me_names me_daemon_names; /* `data` is the daemon */

#endif
