/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_JUDGE_H
#define MEWATCH_JUDGE_H

/*
 * The judge: pure, one function, the same in the kernel, in replay, in explain and in the tests. It
 * receives the results of lookups, never a map. Meaning: DESIGN, "Semantics".
 *
 * The order of work at every caller:
 *	me_judge_row()   which static row the destination has, from its kind and the lookup's result;
 *	                 the caller reads the rank at table[row][column]
 *	me_judge_is_recursive()   if so, the rank in the row ME_ROW_RECURSIVE counts too
 *	                          (me_judge_better())
 *	me_judge_fold()  unless the destination is local, for each endpoint that was learned for it:
 *	                 the rank in its row
 *	me_judge()       the verdict, with the entry of the rank that is left
 */
#include "mewatch/address.h"

#define ME_HTTP_PORT 80
#define ME_HTTPS_PORT 443

/* me_facts.flags */
#define ME_FACT_OWN 1u         /* an own address of the origin's network namespace */
#define ME_FACT_UNPARSABLE 2u  /* no destination could be read */
#define ME_FACT_OWN_UNKNOWN 4u /* the own addresses of that namespace are not known yet */
#define ME_FACT_RECURSIVE 8u   /* the origin is the configured recursive resolver */
#define ME_FACT_WIRE 16u       /* seen on the wire: nothing is local there */
#define ME_FACT_DHCP 32u       /* from the port of a DHCP client to that of a server */
#define ME_FACT_AWAY 64u       /* for the caller: it leaves by another interface than lo */

/* What is asked. */
struct me_facts {
	struct me_addr dst;
	__u16 dport; /* host order; 0 where the protocol has none */
	__u8 proto;
	__u8 flags;
};

/* What the lookups found. */
struct me_found {
	const struct me_head *head;     /* never NULL */
	const struct me_column *column; /* of (proto, dport); NULL if the slot could not be read */
	const struct me_dest *dest;     /* listed address or prefix; NULL for a stranger */
	const struct me_entry *entry;   /* of the smallest rank; NULL if there is none */
	__u8 evidence;                  /* enum me_evidence of `entry`, if it is a name's */
	__u8 learned; /* answers gave the address to names of this policy, whatever their ports */
};

/* What DNS answers said of one address. */
struct me_learned_slot {
	union {
		struct {
			__u32 endpoint; /* 0: free */
			__u32 version;  /* grows when the times do */
		};
		__u64 word;
	};
	__u64 expires_ns; /* CLOCK_MONOTONIC: the end of the answer's life; 0: it is a mere claim */
	__u64 stale_ns;   /* the end of the grace after it, and of a claim */
};

struct me_learned {
	struct me_learned_slot slot[ME_NAME_ENDPOINTS];
};

struct me_judgement {
	__u32 endpoint; /* 0: none */
	__u32 rule;     /* 0: none */
	__u16 service;
	__u8 verdict;  /* enum me_verdict */
	__u8 reason;   /* enum me_reason: of a violation, or what a pending flow would become */
	__u8 evidence; /* enum me_evidence */
	__u8 flags;    /* of the entry */
	__u8 mode;     /* of violations on that port: ME_MODE_ALL; and ME_MODE_NAMED */
	__u8 acts;     /* 0; flags of the state by the mode that holds, where that is known */
};

#define ME_MODE_NAMED 8u /* me_judgement.mode: pending for want of a name, and of nothing else */

/* The smaller rank that is not 0. */
static inline __u32 me_judge_better(__u32 a, __u32 b)
{
	return !a || (b && b < a) ? b : a;
}

/*
 * What the answer behind a slot is worth now: LEARNED, STALE or NONE; CLAIMED for one that came from a
 * server that nobody configured (DESIGN, "Trust in answers").
 */
static inline enum me_evidence me_judge_learned(const struct me_learned_slot *slot, __u64 now_ns)
{
	if (!slot->endpoint || (now_ns > slot->expires_ns && now_ns > slot->stale_ns))
		return ME_EVIDENCE_NONE;
	if (!slot->expires_ns)
		return ME_EVIDENCE_CLAIMED;
	return now_ns <= slot->expires_ns ? ME_EVIDENCE_LEARNED : ME_EVIDENCE_STALE;
}

/* How strong the evidence for a name is; 0: there is none. */
static inline __u32 me_judge_strength(__u8 evidence)
{
	return evidence == ME_EVIDENCE_VERIFIED  ? 4
	       : evidence == ME_EVIDENCE_LEARNED ? 3
	       : evidence == ME_EVIDENCE_STALE   ? 2
						 : evidence == ME_EVIDENCE_CLAIMED;
}

/*
 * Folds one learned endpoint into the rank that decides so far and, where that is a name's, its
 * evidence. `candidate` is the rank in the endpoint's row; without evidence it does not count.
 * Returns the rank that decides now. Endpoints may come in any order: of two with the same rank the
 * stronger evidence stands.
 */
static inline __u32 me_judge_fold(__u32 rank, __u32 candidate, __u8 candidate_evidence,
				  __u8 *evidence)
{
	__u32 strength = me_judge_strength(candidate_evidence);

	if (!candidate || !strength || (rank && rank < candidate))
		return rank;
	if (rank != candidate || me_judge_strength(*evidence) < strength)
		*evidence = candidate_evidence;
	return candidate;
}

/* Whether the evidence is of a name, and the client has yet to say whom it means. */
static inline int me_evidence_waits(__u8 evidence)
{
	return evidence == ME_EVIDENCE_LEARNED || evidence == ME_EVIDENCE_STALE ||
	       evidence == ME_EVIDENCE_CLAIMED;
}

/* Whether the client of such a flow says in the clear whom it means: in HTTP, or in TLS. */
static inline int me_client_names_peer(__u8 proto, __u16 port)
{
	return proto == IPPROTO_TCP && (port == ME_HTTP_PORT || port == ME_HTTPS_PORT);
}

static inline int me_judge_is_local(enum me_addr_kind kind, __u8 flags)
{
	return !(flags & ME_FACT_WIRE) && (kind == ME_ADDR_LOOPBACK || (flags & ME_FACT_OWN));
}

/* The row of the destination: `dest` is what the address or prefix lookup gave, or NULL. */
static inline __u32 me_judge_row(enum me_addr_kind kind, __u8 flags, const struct me_dest *dest)
{
	if (me_judge_is_local(kind, flags))
		return ME_ROW_LOCAL;
	if (dest && (dest->flags & ME_DEST_LISTED))
		return dest->row;
	return kind == ME_ADDR_GLOBAL ? ME_ROW_ANY : ME_ROW_NOTHING;
}

/* Whether the origin is the resolver that asks any server, and this may be one. */
static inline int me_judge_is_recursive(enum me_addr_kind kind, __u8 flags)
{
	return (flags & ME_FACT_RECURSIVE) && kind == ME_ADDR_GLOBAL &&
	       !me_judge_is_local(kind, flags);
}

/* The reason of a violation, the first that fits (DESIGN, "Reason"). */
static inline enum me_reason me_judge_reason(const struct me_facts *facts, enum me_addr_kind kind,
					     const struct me_found *found)
{
	__u16 is = found->column ? found->column->flags : 0;
	__u32 dest = found->dest ? found->dest->flags : 0;

	/* TCP and UDP always have a reason that says more. */
	if (!(is & ME_COLUMN_LISTED) && facts->proto != IPPROTO_TCP && facts->proto != IPPROTO_UDP)
		return ME_REASON_UNLISTED_PROTOCOL;
	if ((is & ME_COLUMN_DNS) && !(dest & ME_DEST_RESOLVER))
		return ME_REASON_WRONG_RESOLVER;
	if ((is & ME_COLUMN_DOT) ||
	    ((is & ME_COLUMN_HTTPS) && (dest & (ME_DEST_DOH | ME_DEST_RESOLVER))))
		return ME_REASON_ENCRYPTED_DNS;
	if (is & ME_COLUMN_PEERS)
		return ME_REASON_PEER_UNKNOWN;
	if (is & ME_COLUMN_REMOTING)
		return ME_REASON_REMOTING_OFF_HOST;
	if (is & ME_COLUMN_QUIC)
		return ME_REASON_QUIC;
	if ((dest & ME_DEST_LISTED) || found->learned ||
	    ((found->head->flags & ME_HEAD_ANY) && kind == ME_ADDR_GLOBAL))
		return ME_REASON_UNLISTED_PORT;
	return ME_REASON_UNLISTED_DESTINATION;
}

/* ME_FACT_DHCP or 0. `sport` is the asker's. */
static inline __u8 me_judge_dhcp(__u8 proto, __u32 sport, __u16 dport)
{
	return proto == IPPROTO_UDP &&
			       ((sport == 68 && dport == 67) || (sport == 546 && dport == 547))
		       ? ME_FACT_DHCP
		       : 0;
}

/*
 * What is to be done about a violation: what the policy says for its port. Without an address nobody
 * can talk to this machine any more, so DHCP is never denied.
 */
static inline __u8 me_judge_mode(const struct me_facts *facts, const struct me_found *found)
{
	if (facts->flags & ME_FACT_DHCP)
		return ME_MODE_OWN | ME_MODE_MONITOR;
	return found->column ? found->column->flags >> ME_COLUMN_MODE_SHIFT & ME_MODE_ALL : 0;
}

/* What is known of the control connection to a destination (mewatch/ftp.h). */
struct me_ftp_facts {
	__u8 entry;     /* ME_ENTRY_ANNOUNCED … of the rule that allows it */
	__u8 announced; /* 1: it announced the very port */
	__u8 blind;     /* 1: what it announces cannot be read, or was of no use */
};

/*
 * A connection that no rule allows, to a host with a live control connection: whether it is a data
 * connection of that. If it is, the caller fills in endpoint, rule and service; else the verdict stays
 * as it was: what is announced is read before its reader has it, so nothing that comes later allows it.
 */
static inline void me_judge_ftp(const struct me_ftp_facts *facts, __u16 port,
				struct me_judgement *judged)
{
	if ((facts->entry & ME_ENTRY_ANNOUNCED) && facts->announced) {
		judged->evidence = ME_EVIDENCE_ANNOUNCED;
	} else if ((facts->entry & ME_ENTRY_DOCUMENTED) && port && port < 1024) {
		judged->evidence = ME_EVIDENCE_DOCUMENTED;
	} else if ((facts->entry & ME_ENTRY_ANY_DATA) ||
		   ((facts->entry & ME_ENTRY_ANNOUNCED) && facts->blind)) {
		judged->evidence = ME_EVIDENCE_CONTROL_ONLY;
	} else {
		judged->evidence = ME_EVIDENCE_NONE;
		judged->reason = ME_REASON_FTP_UNANNOUNCED;
		return;
	}
	judged->verdict = ME_ALLOWED;
	judged->reason = ME_REASON_NONE;
}

/*
 * Judges one attempt. `kind` is me_addr_kind(&facts->dst), which the caller needed for the row.
 * Link destinations are no attempts: the caller does not ask. Every field of the answer is set.
 */
static inline void me_judge(const struct me_facts *facts, enum me_addr_kind kind,
			    const struct me_found *found, struct me_judgement *ret_judgement)
{
	const struct me_entry *entry = found->entry;
	struct me_judgement j = {
		.service = found->column ? found->column->service : ME_SERVICE_UNLISTED,
		.verdict = ME_VIOLATION,
		.mode = me_judge_mode(facts, found),
	};

	if (facts->flags & ME_FACT_UNPARSABLE) {
		j.service = ME_SERVICE_UNLISTED;
		j.reason = ME_REASON_UNPARSABLE;
	} else if (entry) {
		j.verdict = me_judge_is_local(kind, facts->flags) ? ME_LOCAL : ME_ALLOWED;
		j.endpoint = entry->endpoint;
		j.rule = entry->rule;
		j.service = entry->service;
		j.flags = entry->flags;
		j.evidence =
			entry->match <= ME_MATCH_SUBTREE ? found->evidence : ME_EVIDENCE_LISTED;
	} else if (me_judge_is_local(kind, facts->flags)) {
		j.verdict = ME_LOCAL;
		j.service = ME_SERVICE_LOCAL;
	} else {
		j.reason = me_judge_reason(facts, kind, found);
		if (facts->flags & ME_FACT_OWN_UNKNOWN) {
			j.verdict = ME_PENDING;
		} else if (found->column && (found->column->flags & ME_COLUMN_NAMED)) {
			j.verdict = ME_PENDING;
			j.mode |= ME_MODE_NAMED;
		}
	}
	*ret_judgement = j;
}

#endif
