/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_KERNEL_H
#define MEWATCH_KERNEL_KERNEL_H

/*
 * The programs and maps of the host vantage. Everything is pinned below one folder and goes on
 * without the daemon:
 *
 *	PINS/links/<hook>@<cgroup id>   the attachments, taken over by LINK_UPDATE
 *	PINS/links/<hook>@<ifindex>     those to interfaces (interface_pins.h)
 *	PINS/<layout id>/<map>          the maps of one layout (the hash of what crosses the boundary)
 *
 * What a daemon of another layout left is taken over: ids and the daemon's block when this one is
 * opened, counters, flows and open sockets when the links were switched, its unread records when the
 * ring is read for the first time. Then its folder is removed.
 *
 * Functions return 0 or a negative errno and, where a person must act, one line in *why.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mewatch/abi.h"

struct me_kernel;
struct me_image;

/* One line for people: what failed and what to do about it. */
struct me_why {
	char text[512];
};

struct me_kernel_options {
	const char *pins;   /* folder on a BPF file system; made if it is not there */
	uint32_t flows;     /* size of a new flow table */
	uint32_t endpoints; /* size of a new endpoint array: more than the highest id */
	uint32_t learned;   /* size of a new table of learned addresses */
	size_t kept_size;   /* bytes of the daemon's own block */
	size_t each_size;   /* and of what it has of each endpoint; 0: nothing */
};

/*
 * Loads the programs on the pinned maps, or on new ones, which are pinned. Nothing is attached yet.
 * 0, and a warning in *why or an empty text; -EBUSY: another daemon holds the pins; -EPROTO: what is
 * pinned there cannot be taken over; -ENOSYS: the kernel lacks something; -EPERM; others.
 */
int me_kernel_open(const struct me_kernel_options *options, struct me_kernel **ret_kernel,
		   struct me_why *why);
/* Lets go of it; what is pinned stays. */
void me_kernel_close(struct me_kernel **kernel);

/* Whether there was something to go on from: a restart or a handover, not a first start. */
bool me_kernel_resumed(const struct me_kernel *kernel);

/* How many flows the table has room for: what was asked for when it was made. */
uint32_t me_kernel_flows_max(const struct me_kernel *kernel);

/*
 * Bytes that the maps take in the kernel when they are full; those of the policy and what each socket carries
 * are not in it.
 */
uint64_t me_kernel_memory(const struct me_kernel *kernel);

/* The daemon's block of kept_size bytes, shared and pinned. */
void *me_kernel_kept(const struct me_kernel *kernel);
/* Its elements of each_size bytes by endpoint id, as many as there are counts; shared and pinned. */
void *me_kernel_kept_each(const struct me_kernel *kernel);
/* Counts by endpoint id, shared with the programs: read and add atomically. */
struct me_endpoint_counts *me_kernel_endpoints(const struct me_kernel *kernel, uint32_t *ret_n);

/* --- attach.c ------------------------------------------------------------------------------- */

/*
 * Makes the attachments those of `ids` (`n` cgroup ids, opened at `fds`): present ones are updated
 * to these programs, new ones made, then others removed. On an error what was attached before is
 * attached still. The first time it also takes over what another layout counted meanwhile.
 */
int me_kernel_watch(struct me_kernel *kernel, const uint64_t *ids, const int *fds, size_t n,
		    struct me_why *why);

struct me_interface {
	uint32_t index;
	bool ethernet; /* frames begin with an Ethernet header; else with the network header */
};
/*
 * Makes the attachments to interfaces those of `list`, by tcx where the kernel has it, else by clsact:
 * present ones are updated to these programs, new ones made, then others removed. Indexes are those of
 * the calling thread's network namespace, which must be the one of the daemon before.
 *
 * Each interface stands for itself. One that is gone is passed over. If one cannot be attached, the
 * others are; then the first such error is returned and nothing is removed. To be called before
 * me_kernel_watch(), which ends the take-over from another layout.
 */
int me_kernel_watch_interfaces(struct me_kernel *kernel, const struct me_interface *list, size_t n,
			       struct me_why *why);

struct me_attachment {
	const char *hook;
	bool interface; /* else a cgroup */
	uint64_t id;    /* of the cgroup; the index of the interface */
	bool alive;     /* false: what it is attached to is gone, or somebody detached it */
	bool first;     /* no other program sees a packet of the interface before */
};
/*
 * Calls `fn` for each pinned attachment below `pins`. 0, what `fn` returned, or an errno. Filters of
 * clsact are looked for in the calling thread's network namespace.
 */
int me_attachments_each(const char *pins,
			int (*fn)(const struct me_attachment *attachment, void *userdata),
			void *userdata);
/* Whether a daemon holds the pins. 0 or an errno of opening them. */
int me_kernel_running(const char *pins, bool *ret_running);
/*
 * Removes everything below `pins` and the folder, in the network namespace of the daemon before.
 * -EBUSY: a daemon runs on it. -ENOENT: nothing. Others: an interface could not be detached from.
 */
int me_kernel_detach(const char *pins, struct me_why *why);

/* --- sync.c --------------------------------------------------------------------------------- */

/* The generation in force; 0: none. */
uint32_t me_kernel_generation(const struct me_kernel *kernel);
/*
 * Puts `image` in force: fills the spare slot, writes the index, waits for running programs. The
 * image's generation must be new.
 */
int me_kernel_policy(struct me_kernel *kernel, const struct me_image *image, struct me_why *why);

/* What the programs do about violations: the members of struct me_control of that name. */
struct me_kernel_mode {
	uint64_t until_ns;
	uint64_t strict_ns;
	uint32_t said;
	uint32_t most;
};
void me_kernel_mode(struct me_kernel *kernel, const struct me_kernel_mode *mode);
/* The mode that holds for a port now, or, with ME_MODE_ALL of a policy, for that. */
enum me_mode me_kernel_mode_now(const struct me_kernel *kernel, uint32_t mode, uint64_t now_ns);
/* For how long they may act on it without hearing of the daemon again; ~0: for good. */
void me_kernel_lease(struct me_kernel *kernel, uint64_t until_ns);
/*
 * A look at all flows begins; and it found none of a socket that is cut, or may have to be. What the programs
 * find to cut in between counts for the next look.
 */
void me_kernel_cut_begin(struct me_kernel *kernel);
void me_kernel_uncut(struct me_kernel *kernel);

/* An own address appeared or went; a namespace's addresses are complete, or it is gone. */
int me_kernel_own(struct me_kernel *kernel, const struct me_own_key *own, bool present);
int me_kernel_netns(struct me_kernel *kernel, uint64_t cookie, bool known);
/* The namespace whose addresses the programs need not ask for: the daemon's own. */
void me_kernel_home(struct me_kernel *kernel, uint64_t cookie);
/* Calls `fn` for each own address that the programs know. */
int me_kernel_own_each(struct me_kernel *kernel,
		       void (*fn)(const struct me_own_key *own, void *userdata), void *userdata);

/* Calls `fn` for each namespace that the programs have seen or were told of. */
int me_kernel_netns_each(struct me_kernel *kernel, void (*fn)(uint64_t cookie, void *userdata),
			 void *userdata);

/* Stable ids kept over restarts. */
int me_kernel_id_put(struct me_kernel *kernel, const struct me_id_key *key, uint32_t id);
int me_kernel_id_each(struct me_kernel *kernel,
		      int (*fn)(const struct me_id_key *key, uint32_t id, void *userdata),
		      void *userdata);

/* --- read.c --------------------------------------------------------------------------------- */

/*
 * Sums the per-CPU counters. Cells of kind VIA and SHED are read before the others, so what they
 * end was opened. Services from `services` on are 0 and not asked for: that is where the time goes.
 * `cells` has ME_CELL_COUNT, `totals` ME_TOTALS_ALL elements.
 */
int me_kernel_counters(struct me_kernel *kernel, uint32_t services, uint64_t *cells,
		       uint64_t *totals);

/* Brings the flows of open datagram sockets up to date. */
int me_kernel_sync(struct me_kernel *kernel);
/* Those of the TCP sockets in the network namespace that the calling thread is in. */
int me_kernel_sync_streams(struct me_kernel *kernel);
/* And the endpoints of the flows in transit. */
int me_kernel_sync_passing(struct me_kernel *kernel);

/* Calls `fn` for each mail host that was seen in transit. 0 or what `fn` returned. */
typedef int me_host_fn(const struct me_addr *address, const struct me_host_counts *counts,
		       void *userdata);
int me_kernel_hosts_each(struct me_kernel *kernel, me_host_fn *fn, void *userdata);
/* Forgets datagrams in fragments that are over; those without a first one are judged. */
int me_kernel_fragments_expire(struct me_kernel *kernel, uint64_t now_ns);

/*
 * Calls `fn` for each flow. One that appears or goes meanwhile may be passed over. `fn` may delete
 * and settle flows. 0 or what `fn` returned.
 */
int me_kernel_flows_each(struct me_kernel *kernel,
			 int (*fn)(const struct me_flow_key *key, const struct me_flow *flow,
				   void *userdata),
			 void *userdata);
/*
 * The flows that may have to be looked at: all of them, or, where the kernel side knows of each change
 * (src/replay), those that changed or whose rest is over.
 */
int me_kernel_flows_changed(struct me_kernel *kernel, uint64_t now_ns,
			    int (*fn)(const struct me_flow_key *key, const struct me_flow *flow,
				      void *userdata),
			    void *userdata);
/* Until then the flow needs to be looked at only if it changes. */
void me_kernel_flow_rest(struct me_kernel *kernel, const struct me_flow_key *key,
			 uint64_t until_ns);
/*
 * Takes the flow with that id out of the table; another one that was opened under its key since it was
 * read stays. 0, -ENOENT. The flow as it was at the end is in *ret_flow unless NULL.
 */
int me_kernel_flow_take(struct me_kernel *kernel, const struct me_flow_key *key, uint64_t id,
			struct me_flow *ret_flow);
/* Adds or replaces a flow that the programs do not know: one under way at start. 0, -E2BIG … */
int me_kernel_flow_put(struct me_kernel *kernel, const struct me_flow_key *key,
		       const struct me_flow *flow);
bool me_kernel_flow_get(struct me_kernel *kernel, const struct me_flow_key *key,
			struct me_flow *ret_flow);
/* Runs the settling program; 0, -ENOENT or -EALREADY. */
int me_kernel_settle(struct me_kernel *kernel, struct me_settle *settle);

/* A record of bytes from the wire: its head, and head->length bytes. */
typedef int me_payload_fn(const struct me_payload *head, const uint8_t *bytes, void *userdata);

/*
 * Calls `fn`, or `payload_fn` unless NULL, for each record waiting in the ring, until it is empty,
 * older layouts' first. How many, or an errno.
 */
int me_kernel_ring(struct me_kernel *kernel,
		   int (*fn)(const struct me_record *record, void *userdata),
		   me_payload_fn *payload_fn, void *userdata);

/* Forgets announcements of FTP that are over, and control connections that are. */
int me_kernel_ftp_expire(struct me_kernel *kernel, uint64_t now_ns);

/* --- names.c -------------------------------------------------------------------------------- */

/* The counters of DNS, summed: ME_DNS_COUNTS values. */
int me_kernel_dns(struct me_kernel *kernel, uint64_t *counts);
/* Counts of block lists by zone id, ME_ZONES_MAX of them, shared with the programs. */
const struct me_zone_counts *me_kernel_zones(const struct me_kernel *kernel);
/* Adds to them; `zone` 0 is none. */
void me_kernel_zone_add(struct me_kernel *kernel, uint32_t zone, const struct me_zone_counts *more);

/* What is learned of an address; false: nothing. */
bool me_kernel_learned(struct me_kernel *kernel, const struct me_addr *address,
		       struct me_learned *ret_learned);
/* Learns, as the programs do; learn->result says what came of it. 0 or an errno. */
int me_kernel_learn(struct me_kernel *kernel, struct me_learn *learn);
/* Forgets what is stale of an address, and its entry when nothing is left. 0 or an errno. */
int me_kernel_forget(struct me_kernel *kernel, struct me_forget *forget);
/* Calls `fn` for each learned address. `fn` may learn and forget. 0 or what `fn` returned. */
int me_kernel_learned_each(struct me_kernel *kernel,
			   int (*fn)(const struct me_addr *address,
				     const struct me_learned *learned, void *userdata),
			   void *userdata);
/* How many addresses have an entry. */
uint64_t me_kernel_learned_count(struct me_kernel *kernel);
/*
 * Forgets queries that wait no more for an answer, and temporary names whose time is over. Each such
 * query, struct me_asked_key and struct me_asked, is given to `fn`.
 */
int me_kernel_queries_expire(struct me_kernel *kernel, uint64_t now_ns,
			     void (*fn)(const void *key, const void *query, void *userdata),
			     void *userdata);
/* Counts a failure for each endpoint of the name; ME_DNS_FAILURE_COUNT is none. */
void me_kernel_dns_failed(struct me_kernel *kernel, const struct me_named *named,
			  enum me_dns_failure failure);
/* A temporary name by its hash; the caller compares the name itself. */
bool me_kernel_alias(struct me_kernel *kernel, uint64_t hash, struct me_alias *ret_alias);
int me_kernel_alias_put(struct me_kernel *kernel, const struct me_alias *alias);
/* The cgroup of the recursive resolver; 0: there is none. It changes when a service restarts. */
void me_kernel_recursive(struct me_kernel *kernel, uint64_t cgroup);

/* The program of a process; false if it was not recorded. */
bool me_kernel_proc(struct me_kernel *kernel, const struct me_proc_key *key,
		    struct me_proc *ret_proc);
/* Records one that the programs did not see. */
int me_kernel_proc_put(struct me_kernel *kernel, const struct me_proc_key *key,
		       const struct me_proc *proc);
/* Forgets recorded processes that no longer exist and were seen before `before_ns` (boot time). */
int me_kernel_procs_expire(struct me_kernel *kernel, uint64_t before_ns);

/* Fill levels, for metrics: each map that can fill. */
struct me_map_level {
	const char *map;
	uint64_t entries;
	uint64_t capacity;
};
#define ME_MAP_LEVELS 10
int me_kernel_levels(struct me_kernel *kernel, struct me_map_level levels[ME_MAP_LEVELS]);

#endif
