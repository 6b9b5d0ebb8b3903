/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_ABI_H
#define MEWATCH_ABI_H

/*
 * What crosses the kernel boundary: keys and values of the maps, records of the ring, arguments of
 * the resolver program. Fixed-width fields, sizes asserted, native byte order but for addresses.
 * Times are CLOCK_MONOTONIC nanoseconds. The hash of this file is part of the layout id of the pins.
 */
#include "mewatch/answer.h"
#include "mewatch/judge.h"
#include "mewatch/name.h"

#define ME_COMM_LEN 16
#define ME_EXE_LEN 512
#define ME_EXE_SLACK 256 /* lets the verifier see that a component ends inside */

/* Whose flow it is: a socket's at the host, a mail host's address in transit and replay. */
union me_opener {
	struct {
		__u64 cookie;
		__u64 zero;
	};
	struct me_addr address;
};

struct me_flow_key {
	union me_opener opener;
	struct me_addr peer;
	__u16 port;  /* of the peer, host order */
	__u16 sport; /* transit and replay; 0 at the host */
	__u8 proto;
	__u8 vantage; /* enum me_vantage */
	/* 0, or which of those that were set aside when the same was opened once more */
	__u16 earlier;
};
_Static_assert(sizeof(struct me_flow_key) == 40, "the key has no holes");

/* Identity of a process: exec in the same process changes `exe`. */
struct me_proc_key {
	__u64 start_ns; /* CLOCK_BOOTTIME */
	__u64 exe;      /* opaque */
	__u32 tgid;
	__u32 zero;
};

/* The path of its program: the last `len` of the first ME_EXE_LEN bytes of `exe`, without a NUL. */
struct me_proc {
	__u32 len;       /* 0: not readable */
	__u32 truncated; /* the path is longer, its beginning is missing */
	char exe[ME_EXE_LEN + ME_EXE_SLACK];
};

/* Origin: of the socket's owner, never of a worker. All zero when unknown. */
struct me_origin {
	struct me_proc_key proc;
	__u64 cgroup; /* cgroup2 id */
	__u64 netns;  /* cookie */
	__u32 uid;
	__u32 zero;
	char comm[ME_COMM_LEN]; /* NUL-padded */
};

/*
 * What the packets of a flow have shown (transit and replay), by side: 0 the mail host's, 1 the
 * peer's. mewatch/wire.h changes it.
 */
struct me_wire_side {
	__u32 isn;  /* of the SYN */
	__u32 next; /* the sequence number behind what was counted */
	__u32 fin;  /* the one behind the FIN */
	__u32 is;   /* ME_WIRE_SYN … */
};

struct me_wire {
	struct me_wire_side side[2];
	__u64 syn_ns;    /* of the last SYN of the opener */
	__u64 gap_ns;    /* between the last two */
	__u32 segments;  /* of first payload that were told */
	__u32 errors;    /* ICMP errors that came for it: ME_WIRE_REFUSED, _UNREACHABLE */
	__u64 interface; /* index, of the first packet */
};

/* me_wire_side.is */
#define ME_WIRE_SYN 1u   /* it sent a SYN */
#define ME_WIRE_FIN 2u   /* it sent a FIN */
#define ME_WIRE_ENDED 4u /* the other side acknowledged that */
#define ME_WIRE_SEEN 8u  /* it sent anything at all */

/* me_wire.errors */
#define ME_WIRE_REFUSED 1u
#define ME_WIRE_UNREACHABLE 2u

_Static_assert(sizeof(struct me_wire) <= sizeof(struct me_origin), "they share their place");

/* The verdict of a flow: one word, so that one compare-and-swap makes it final. */
union me_state {
	struct {
		__u8 verdict;  /* enum me_verdict */
		__u8 reason;   /* enum me_reason */
		__u8 evidence; /* enum me_evidence */
		__u8 flags;    /* ME_STATE_TOLD … */
	};
	__u32 word;
};

/* me_state.flags */
#define ME_STATE_TOLD 1u /* was told as provisional; PENDING without it: being opened */
#define ME_STATE_HELD 2u /* allowed by a name; final when the second witness has spoken */
/* What becomes of it if it is a violation, by the mode in which it was opened (mewatch/mode.h). */
#define ME_STATE_DENY 4u
#define ME_STATE_SHADOW 8u
#define ME_STATE_STRICT 16u /* and also while it is pending: `strict_names: true` */
#define ME_STATE_OWN 32u /* it is pending, and denied if its packets leave by another way than lo */
#define ME_STATE_MODE (ME_STATE_DENY | ME_STATE_SHADOW | ME_STATE_STRICT)

/* Whether the verdict is counted and stays. */
static inline int me_state_is_final(union me_state state)
{
	return state.verdict != ME_PENDING && !(state.flags & ME_STATE_HELD);
}

/* me_flow.flags */
#define ME_FLOW_CLOSED 1u      /* it ended; nothing is added any more */
#define ME_FLOW_SENT 2u        /* the SYN or a first datagram left */
#define ME_FLOW_PREEXISTING 4u /* under way at start: no attempt */
#define ME_FLOW_RESET 8u       /* reset after it was established */
#define ME_FLOW_MPTCP 16u      /* a subflow beyond the first */
#define ME_FLOW_RETIRED 32u    /* the entry is retired */
#define ME_FLOW_CARRIED 64u    /* from another layout, where its outcome was counted */
#define ME_FLOW_OUTCOME 128u   /* its outcome is in the endpoint's counts */
#define ME_FLOW_RESETS 256u    /* and its reset */
#define ME_FLOW_ANSWER 4096u   /* and its answer, if that is an error */
#define ME_FLOW_UNHEARD 512u   /* some of its first payload was lost on the way to the daemon */
#define ME_FLOW_GOING 1024u    /* somebody is taking it out of the table */
#define ME_FLOW_PROXY 2048u    /* it goes to the configured proxy */
#define ME_FLOW_FTP_SHIFT 8    /* ME_ENTRY_FTP, so much further left */
#define ME_FLOW_FTP (ME_ENTRY_FTP << ME_FLOW_FTP_SHIFT)

struct me_flow {
	/* what each packet in transit touches: one cache line, or two */
	__u64 last_ns;
	union me_state state;
	__u8 outcome;   /* enum me_outcome */
	__u8 direction; /* enum me_direction */
	__u16 flags;
	__u64 bytes_sent; /* payload, each sequence byte once */
	__u64 packets_sent;
	__u64 wire_bytes_sent; /* network-layer bytes */
	__u64 bytes_received;
	__u64 packets_received;
	__u64 wire_bytes_received;
	union {
		struct me_origin origin; /* host */
		struct me_wire wire;     /* transit and replay */
	};
	__u64 id; /* unique since attach: CPU in the top 16 bits, a count below */
	__u64 first_ns;
	__u64 closed_ns;     /* 0: open */
	__u64 seen_ns;       /* TCP: the last sync that found its socket */
	__u64 credited_sent; /* how much of the payload is in the endpoint's counts */
	__u64 credited_received;
	struct me_addr src; /* unspecified until known */
	__u32 generation;   /* of the policy that judged it */
	__u32 endpoint;     /* 0: none */
	__u32 rule;         /* 0: none */
	__u16 service;
	__u16 sport; /* host order; 0 until known */
	__u16 answer; /* what the peer answered first (mewatch/answer.h); 0: neither HTTP nor an alert */
	__u16 zero[3];
};

_Static_assert(__builtin_offsetof(struct me_flow, outcome) % 4 == 0 &&
		       __builtin_offsetof(struct me_flow, flags) ==
			       __builtin_offsetof(struct me_flow, outcome) + 2,
	       "outcome, direction and flags are one word, which is changed as one");

/*
 * Counter cells, one per-CPU array: index me_cell(vantage, service, kind, what). FINAL and OPENED
 * count attempts; the rest says how pending ones ended:
 *
 *	attempts            = sum FINAL + sum OPENED
 *	connections{v,r}    = FINAL + VIA
 *	pending             = sum OPENED - sum VIA              (VIA is read first)
 *	violations confirmed   = FINAL[violation] + VIA[violation]
 *	           provisional = FINAL[violation] + OPENED + GAINED
 *	           retracted   = SHED
 *
 *	denied, would be denied     = DENIED, SHADOWED          (of pending ones, when that is known)
 *
 * A flow that is held (ME_STATE_HELD) was opened for the reason NONE, which is no violation.
 */
enum me_cell_kind {
	ME_CELL_FINAL,  /* judged outright; what = me_cell_end() */
	ME_CELL_OPENED, /* became pending; what = the reason it would have */
	ME_CELL_VIA,    /* was pending and ended; what = me_cell_end() */
	ME_CELL_SHED, /* ended as something else than its provisional reason; what = that reason */
	ME_CELL_GAINED,   /* ended as a violation for another reason; what = the new reason */
	ME_CELL_DENIED,   /* what = the reason */
	ME_CELL_SHADOWED, /* what = the reason */
	ME_CELL_KINDS
};

#define ME_CELL_ENDS 16u /* room for ALLOWED, LOCAL, UNRESOLVED and each reason */
#define ME_CELL_COUNT (ME_VANTAGE_KERNEL_COUNT * ME_SERVICES_MAX * ME_CELL_KINDS * ME_CELL_ENDS)
_Static_assert(ME_VIOLATION + ME_REASON_COUNT <= ME_CELL_ENDS, "every end has a cell");

/* The end of a final flow: the verdict, and for violations the reason. */
static inline __u32 me_cell_end(__u8 verdict, __u8 reason)
{
	return verdict < ME_VIOLATION ? verdict : (__u32)ME_VIOLATION + reason;
}

static inline __u32 me_cell(__u32 vantage, __u32 service, __u32 kind, __u32 what)
{
	return ((vantage * ME_SERVICES_MAX + service) * ME_CELL_KINDS + kind) * ME_CELL_ENDS + what;
}

/* Totals that belong to no service: index into the per-CPU array `totals`. */
#define ME_TOTAL_LIST(X)                                                                           \
	X(UDP_PROBES, "UDP connects")                                                              \
	X(FLOW_OVERFLOW, "attempts for which the flow table had no room")                          \
	X(RING_LOST, "records for which the ring had no room")                                     \
	X(STORAGE_FAILED, "sockets for which no storage could be had")                             \
	X(PROC_OVERFLOW, "processes for which the process table had no room")                      \
	X(LINK, "sends that stay on the link: no attempts")                                        \
	X(OWN_UNKNOWN, "sends from a network namespace whose addresses are not known yet")         \
	X(STRAYS, "TCP segments without payload that belong to no flow")                           \
	X(ONE_SIDED, "established flows of which only one direction was seen")                     \
	X(ERRORS_UNMATCHED, "ICMP errors about no known flow")                                     \
	X(FRAGMENTS_FULL, "fragments for which the table had no room")                             \
	X(HOSTS_FULL, "attempts of mail hosts beyond those that are counted one by one")           \
	X(FTP_FULL, "FTP control connections and announcements for which there was no room")

#define ME_PICK(constant, help) ME_TOTAL_##constant,
enum me_total { ME_TOTAL_LIST(ME_PICK) ME_TOTAL_COUNT };
#undef ME_PICK

/* The per-CPU array holds the totals, and behind them what else belongs to no service. */
#define ME_TOTAL_BLIND(kind) (ME_TOTAL_COUNT + (kind))                      /* enum me_blind */
#define ME_TOTAL_UNPARSED(cause) (ME_TOTAL_BLIND(ME_BLIND_COUNT) + (cause)) /* enum me_unparsed */
/* Flows under way when they were seen first, in transit, by enum me_verdict. */
#define ME_TOTAL_PREEXISTING(verdict) (ME_TOTAL_UNPARSED(ME_UNPARSED_COUNT) + (verdict))
/* Data connections of FTP, passive and active, by enum me_evidence: none is ftp-unannounced. */
#define ME_TOTAL_FTP(active, evidence)                                                             \
	(ME_TOTAL_PREEXISTING(ME_VERDICT_COUNT) + (active)*ME_EVIDENCE_COUNT + (evidence))
/* Sockets of a blind kind that were refused, or would have been (1), by enum me_blind. */
#define ME_TOTAL_REFUSED(shadow, kind) (ME_TOTAL_FTP(2, 0) + (shadow)*ME_BLIND_COUNT + (kind))
#define ME_TOTALS_ALL ME_TOTAL_REFUSED(2, 0)

/* Counts of one endpoint, added to atomically; one shared mmap-able array, index = endpoint id. */
struct me_endpoint_counts {
	__u64 attempts;
	__u64 outcome[ME_OUTCOME_COUNT];
	__u64 resets;
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 last_attempt_ns;
	/* established and a byte received, or an answer; but what began with an HTTP error or an alert */
	__u64 last_success_ns;
	__u64 retired_used;
	__u64 learned;     /* addresses that are learned for it now */
	__u64 http_errors; /* connections whose first answer was a status from 400 on */
	__u64 tls_alerts;  /* or a fatal alert */
	/* questions for its addresses that came to nothing */
	__u64 dns_failures[ME_DNS_FAILURE_COUNT];
	__u64 zero[2];
};
_Static_assert(sizeof(struct me_endpoint_counts) == 192, "three cache lines");

/* Counters of DNS, one per-CPU array: index me_dns_queries(), _responses() or _refused(). */
#define ME_DNS_COUNTS                                                                              \
	(ME_DNS_CATEGORY_COUNT + ME_DNS_CATEGORY_COUNT * ME_RCODE_COUNT + ME_REFUSED_COUNT)

static inline __u32 me_dns_queries(__u32 category)
{
	return category;
}

static inline __u32 me_dns_responses(__u32 category, __u32 rcode)
{
	return ME_DNS_CATEGORY_COUNT + category * ME_RCODE_COUNT + rcode;
}

static inline __u32 me_dns_refusals(__u32 cause)
{
	return ME_DNS_CATEGORY_COUNT + ME_DNS_CATEGORY_COUNT * ME_RCODE_COUNT + cause;
}

/* Counts of one zone of block lists, added to atomically; one shared array, index = zone id. */
struct me_zone_counts {
	__u64 queries;
	__u64 answers;
	__u64 listed;   /* answers with an address */
	__u64 refusals; /* answers by which the list refuses */
};

/* A query that was seen leaving and has no answer yet. */
struct me_asked_key {
	union me_opener opener; /* whose it is: a socket's, or an address's */
	__u64 hash;             /* me_name_hash() of the name */
	struct me_addr server;
	__u16 id;
	__u16 type;
	__u16 sport; /* in transit */
	__u16 zero;
};

/* What one mail host did in transit; the key is its address. Added to atomically. */
struct me_host_counts {
	__u64 first_ns;
	__u64 last_ns; /* of an attempt, or an answer */
	__u64 attempts;
	__u64 violations; /* judged outright */
	__u64 answers;    /* DNS answers that were trusted */
	__u64 mac;        /* of its first packet; 0: there was none */
	__u64 number;     /* in `watch: hosts:`, from 1, by the policy of then */
};
#define ME_HOSTS_MAX 4096u /* mail hosts that are counted one by one */

struct me_asked {
	__u64 asked_ns;
	__u64 upstream; /* 1: by a stub or a recursive resolver */
	struct me_name name;
};

/* A name that stands for others: an answer ended in a CNAME without an address. */
struct me_alias {
	__u64 expires_ns;
	struct me_named named;
	struct me_name name;
};

/* How many addresses came new in the present minute, and how many there are. */
struct me_rate {
	__u64 since_ns;
	__u64 count;
	__u64 entries;
};

/*
 * FTP: the control connection that a client has to a server, and what was announced on it. The client is
 * a mail host's address, or a process: its network namespace and pid.
 */
struct me_ftp_key {
	union me_opener client;
	struct me_addr server;
	__u32 port;   /* announced, host order; 0: of the control connection */
	__u32 active; /* 1: a port of the client's, for a connection from the server */
};

struct me_ftp_control {
	struct me_flow_key flow; /* of the control connection: it says whether that is alive */
	__u64 is;                /* ME_FTP_… */
};
#define ME_FTP_IS_HIDDEN 1u  /* it is encrypted */
#define ME_FTP_IS_BOUNCED 2u /* it named another host */

struct me_ftp_announced {
	__u64 until_ns;
};

#define ME_FTP_CONTROLS_MAX 8192u
#define ME_FTP_ANNOUNCED_MAX 16384u

/*
 * A datagram in fragments: the first one tells the ports of all. Who has come before it is kept apart
 * until then.
 */
struct me_fragment_key {
	struct me_addr src, dst;
	__u32 identity;
	__u32 proto; /* of IPv4 */
};

struct me_fragment {
	__u64 first_ns;
	__u64 packets, payload, wire; /* of fragments that came before the first one */
	__u16 sport, dport;           /* host order */
	__u32 number; /* of the mail host that sends them; 0: nobody who is watched */
	__u32 known;  /* 1: ports and protocol hold */
	__u32 proto;
};
#define ME_FRAGMENTS_MAX 16384u
#define ME_FRAGMENT_NS                                                                             \
	(30ull * 1000000000ull) /* for so long a datagram is put together (RFC 8200) */

/* Argument of the program that forgets a datagram, and judges it if its first fragment never came. */
struct me_orphan {
	struct me_fragment_key key;
};

#define ME_PROTO_UNPARSED 255 /* me_flow_key.proto of packets that cannot be parsed */

/* Bounds of learning. */
#define ME_QUERIES_MAX 32768u
#define ME_ALIASES_MAX 4096u
#define ME_QUERY_NS (30ull * 1000000000ull) /* a query waits so long for its answer */
#define ME_LEARNED_ENDPOINT_MAX 16384u      /* addresses of one endpoint */
#define ME_LEARNED_MINUTE_MAX 65536u        /* new addresses in a minute */
#define ME_LEARNED_LOCKED 0xffffffffu /* me_learned_slot.endpoint: the entry is being removed */
#define ME_LEARNED_REMOVABLE_NS (60ull * 1000000000ull) /* an empty entry is kept for so long */

/* Arguments of the programs that change the learned addresses for the daemon. */
struct me_learn {
	struct me_addr address;
	__u64 expires_ns;
	__u64 stale_ns;
	__u32 endpoint;
	__s32 result; /* out: enum me_refused, ME_REFUSED_COUNT when it is learned */
};

struct me_forget {
	struct me_addr address;
	__u64 now_ns; /* what is past its stale_ns then goes */
	__s32 result; /* out: slots that are in use still, or -ENOENT */
	__u32 zero;
};

/* Records of the ring. */
enum me_record_kind {
	ME_RECORD_VIOLATION, /* judged outright */
	ME_RECORD_PENDING,   /* told as a provisional violation */
	ME_RECORD_RESOLVED,  /* a pending flow became final */
	ME_RECORD_SOCKET,    /* a socket of a blind kind was made: `what` says which */
	ME_RECORD_NETNS,     /* a network namespace seen for the first time */
	ME_RECORD_RELEASED,  /* a datagram socket of several peers is gone; key.opener says which */
	ME_RECORD_FINDING,   /* in transit, of a flow: `what` is enum me_finding */
	/* struct me_payload */
	ME_RECORD_ANSWER, /* a DNS answer over UDP that was trusted */
	ME_RECORD_STREAM, /* a segment of DNS over TCP */
	ME_RECORD_FIRST,  /* a segment of a flow's first payload */
};

struct me_record {
	__u64 id; /* unique since attach, like me_flow.id */
	__u64 ts_ns;
	__u32 kind; /* enum me_record_kind */
	__u32 what; /* enum me_blind of ME_RECORD_SOCKET, enum me_finding of ME_RECORD_FINDING */
	struct me_flow_key key;
	struct me_flow flow; /* for SOCKET and NETNS only the origin */
};

/* The head of a record of bytes from the wire; they follow it. */
struct me_payload {
	__u64 id;
	__u64 ts_ns;
	__u32 kind;
	__u32 length; /* of the bytes */
	struct me_flow_key key;
	__u32 seq; /* TCP, host order: of the first byte, as on the wire */
	/*
	 * TCP, host order. Sent: what it acknowledges, 0 in a first SYN. Received, of STREAM: where what
	 * the watched side has not yet had begins, or its stream; 0 if that is not known.
	 */
	__u32 ack;
	__u16 flags; /* ME_PAYLOAD_SENT … */
	__u16 zero[3];
};

#define ME_PAYLOAD_SENT 1u     /* by the watched side; else received */
#define ME_PAYLOAD_UPSTREAM 2u /* a stub or a recursive resolver asks: not counted as a query */
#define ME_PAYLOAD_RELEARN 4u  /* an address could not be learned for want of a moment */
#define ME_PAYLOAD_CLAIMED 8u  /* the server is none that was configured: a mere claim */
#define ME_PAYLOAD_PROXY 16u   /* the flow goes to the configured proxy */
#define ME_FIRST_BYTES 4096u   /* of a first payload at the most */
#define ME_FIRST_SEGMENTS 4u

/*
 * Argument of the program that settles one flow in one run: makes a pending one final, or ends one
 * that was idle for too long. What is final or ended already is left alone.
 */
enum me_settle_what { ME_SETTLE_VERDICT, ME_SETTLE_END };
#define ME_SETTLE_BYPASSED 256u /* me_settle.flags: proxy-bypassed is found with the verdict */

struct me_settle {
	struct me_flow_key key; /* in */
	__u64 id;               /* in: me_flow.id, against a reused key */
	__u64 now_ns;           /* in */
	__u32 what;             /* in: enum me_settle_what */
	union me_state state;   /* in, VERDICT: the final state */
	__u32 endpoint;         /* in, VERDICT: 0 unless allowed */
	__u32 rule;             /* in, VERDICT: 0 unless a rule decides */
	__u32 service;          /* in, VERDICT */
	__u32 flags;            /* in, VERDICT: of the entry, and ME_SETTLE_BYPASSED */
	__u32 generation;       /* in, VERDICT: of the policy that settles it */
	__s32 result;           /* out: 0, -ENOENT, -EALREADY */
};

/*
 * Argument of the program that takes a flow out of the table. Its key may be that of another flow by
 * then, which began in the meantime and stays.
 */
struct me_take {
	struct me_flow_key key; /* in */
	__u64 id;               /* in: me_flow.id */
	struct me_flow flow;    /* out: as it was at the end */
	__s32 result;           /* out: 0, -ENOENT */
	__u32 zero;
};

/*
 * Arguments of the programs that take over from another layout: which counter, and a flow as it was
 * there, converted.
 */
struct me_carry_counter {
	__u32 index;
};

struct me_carry_flow {
	struct me_flow_key key;
	struct me_flow flow;
};

/* Sockets that are carried in one go. */
#define ME_CARRY_SOCKS 16384u

/* An own address of a network namespace. */
struct me_own_key {
	__u64 netns; /* cookie */
	struct me_addr address;
};

/* A stable id's key: kind is the registry's, texts are NUL-padded. */
#define ME_ID_SERVICE_LEN 64
#define ME_ID_TEXT_LEN 268

struct me_id_key {
	__u32 kind;
	char service[ME_ID_SERVICE_LEN];
	char text[ME_ID_TEXT_LEN];
};

/* me_control.cut */
enum me_cut {
	ME_CUT_NONE,
	ME_CUT_SEEN, /* there was one when the daemon last began to look */
	ME_CUT_NEW,  /* there is one since */
};

/* Which policy is in force. `active` and `generation` are written as one 64-bit word. */
struct me_control {
	__u32 active;      /* slot: 0 or 1 */
	__u32 generation;  /* of the policy in that slot; 0: none yet */
	__u64 udp_idle_ns; /* limits.udp_idle */
	__u64 home; /* cookie of the daemon's own network namespace, whose addresses are known */
	__u64 recursive; /* cgroup of the recursive resolver; 0: none, or it is known otherwise */
	__u64 watched;   /* how many cgroups the host vantage watches */
	__u32 crowded;   /* 1: there was a flow in transit beyond the table */
	__u32 cut; /* enum me_cut: whether some flow of a socket is to be cut, or may have to be */
	__u64 proxy; /* port of the proxy, host order; 0: there is none */
	/* What is done about violations (mewatch/mode.h). */
	__u64 lease_ns;  /* nothing from then on; ~0: there is no end */
	__u64 until_ns;  /* for so long `said` holds; ~0: there is no end */
	__u64 strict_ns; /* from then on pending flows are taken for violations; ~0: never */
	__u32 said;      /* 1 + enum me_mode, instead of the policy's; 0: nothing was said */
	__u32 most;      /* enum me_mode, and no more than that */
};

#endif
