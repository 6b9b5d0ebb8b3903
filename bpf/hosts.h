/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BPF_HOSTS_H
#define MEWATCH_BPF_HOSTS_H

/* The mail hosts whose packets pass here, and who else there is on their side. */
#include "bpf/dns.h"
#include "bpf/ftp.h"

/* A packet on its way through an interface, and what it leads to. */
struct me_passage {
	struct me_packet packet;
	struct me_flow_key key; /* of its flow, should there be one */
	__u64 now;              /* coarse */
	struct me_judgement judged;
	__u32 generation; /* of the policy that judged */
	__u16 number;     /* of the mail host, from 1 */
	__u16 link;       /* bytes in front of the network header */
	__u16 flags;      /* ME_FLOW_PREEXISTING … of the flow that is to be made */
	__u8 direction;   /* of that flow */
	__u8 sent;        /* 1: from the mail hosts' side */
	__u8 open;        /* 1: the verdict of its flow is not final */
	__u8 proxied;     /* 1: its flow goes to the proxy, and the first payload is not all told */
	__u8 first;       /* 1: it was the first fragment */
	__u8 denied;      /* 1: its flow is */
};
_Static_assert(sizeof(struct me_passage) % 8 == 0, "no holes");

/*
 * What is next for a packet. The entry program takes one step after the other, for the sake of the
 * verifier, which counts nested calls and adds their stacks.
 */
enum me_step {
	ME_STEP_DONE,
	ME_STEP_FAIL,     /* it cannot be told whose it is */
	ME_STEP_PASS,     /* it is parsed */
	ME_STEP_JUDGE,    /* it belongs to a new flow that a mail host opened */
	ME_STEP_ATTEMPT,  /* that was judged, and is an attempt */
	ME_STEP_PUT,      /* it belongs to a new flow that is no attempt */
	ME_STEP_READ,     /* it is counted, and may say something of names */
	ME_STEP_RESOLVER, /* as DNS of a resolver that is not watched */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ME_HOSTS_MAX);
	__type(key, struct me_addr);
	__type(value, struct me_host_counts);
} me_host_table SEC(".maps");

/* Addresses under a mail host's MAC address; the value is the mail host's. Unspecified: any. */
struct me_mac_key {
	__u64 mac;
	struct me_addr address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct me_mac_key);
	__type(value, struct me_addr);
} me_mac_addresses SEC(".maps");

/* The MAC address on the mail hosts' side; 0: the interface has none. */
static __always_inline __u64 me_passage_mac(struct __sk_buff *skb, const struct me_passage *p)
{
	__u8 mac[6] = {};

	if (p->link < 14 || bpf_skb_load_bytes(skb, p->sent ? 6 : 0, mac, sizeof(mac)))
		return 0;
	return me_mac(mac);
}

/* The number of the mail host whose packet it is; 0: it is nobody's who is watched. */
static __noinline __u32 me_host_number(struct __sk_buff *skb, const struct me_passage *p)
{
	const struct me_control *control = me_control_get();
	struct me_prefix prefix = {.bits = 128};
	const struct me_head *head;
	__u32 zero = 0, slot;
	const __u32 *number;
	__u64 mac;

	if (!p || !control)
		return 0;
	slot = me_policy_slot(control);
	head = me_slot_lookup(&me_heads, slot, &zero);
	if (!head || !head->generation)
		return 0; /* nothing is judged yet */
	__builtin_memcpy(prefix.address, p->key.opener.address.byte, sizeof(prefix.address));
	number = me_slot_lookup(&me_hosts, slot, &prefix);
	if (!number && (head->flags & ME_HEAD_MACS)) {
		mac = me_passage_mac(skb, p);
		number = mac ? me_slot_lookup(&me_macs, slot, &mac) : NULL;
	}
	return number ? *number : 0;
}

static const struct me_host_counts me_host_none;

/* The counts of the mail host; NULL: there is no room for one more. */
static __always_inline struct me_host_counts *me_host_counts_of(const struct me_addr *address)
{
	struct me_host_counts *counts = bpf_map_lookup_elem(&me_host_table, address);

	if (counts)
		return counts;
	bpf_map_update_elem(&me_host_table, address, &me_host_none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&me_host_table, address);
}

/* Counts an attempt of the mail host. Its counts, or NULL. */
static __always_inline struct me_host_counts *me_host_attempted(const struct me_addr *address,
								__u32 number, bool violation)
{
	struct me_host_counts *counts = me_host_counts_of(address);
	__u64 now = bpf_ktime_get_ns();

	if (!counts) {
		me_count_total(ME_TOTAL_HOSTS_FULL);
		return NULL;
	}
	__sync_fetch_and_add(&counts->attempts, 1);
	if (violation)
		__sync_fetch_and_add(&counts->violations, 1);
	if (!counts->first_ns)
		counts->first_ns = now;
	counts->last_ns = now;
	counts->number = number;
	return counts;
}

/* Counts an attempt of a mail host. */
static __noinline int me_host_attempt(struct __sk_buff *skb, const struct me_passage *p)
{
	struct me_host_counts *counts;
	struct me_mac_key key = {};
	struct me_addr owner;

	if (!p)
		return 0;
	owner = p->key.opener.address;
	counts = me_host_attempted(&owner, p->number, p->judged.verdict == ME_VIOLATION);
	if (!counts || counts->mac)
		return 0;
	key.mac = me_passage_mac(skb, p);
	counts->mac = key.mac;
	if (key.mac)
		bpf_map_update_elem(&me_mac_addresses, &key, &owner, BPF_ANY);
	return 0;
}

/* A frame whose sender could not be read is the mail host's that has its MAC address. */
static __always_inline void me_host_by_mac(struct __sk_buff *skb, struct me_passage *p)
{
	struct me_mac_key key = {};
	const struct me_addr *owner;

	if (p->key.opener.address.half[0] | p->key.opener.address.half[1])
		return;
	key.mac = me_passage_mac(skb, p);
	owner = key.mac ? bpf_map_lookup_elem(&me_mac_addresses, &key) : NULL;
	if (owner)
		p->key.opener.address = *owner;
}

static __always_inline void me_host_answered(const struct me_addr *address)
{
	struct me_host_counts *counts = me_host_counts_of(address);

	if (!counts)
		return;
	__sync_fetch_and_add(&counts->answers, 1);
	counts->last_ns = bpf_ktime_get_ns();
	if (!counts->first_ns)
		counts->first_ns = counts->last_ns;
}

/* A packet of somebody who is not watched: is it a mail host under another address? */
static __noinline int me_same_mac(struct __sk_buff *skb, const struct me_passage *p)
{
	struct me_record *record;
	struct me_mac_key key = {};
	struct me_addr *owner;

	if (!p || !p->sent || me_addr_kind(&p->key.opener.address) != ME_ADDR_GLOBAL)
		return 0;
	key.mac = me_passage_mac(skb, p);
	owner = key.mac ? bpf_map_lookup_elem(&me_mac_addresses, &key) : NULL;
	if (!owner)
		return 0;
	key.address = p->key.opener.address;
	if (bpf_map_update_elem(&me_mac_addresses, &key, owner, BPF_NOEXIST))
		return 0;
	record = me_tell_begin(ME_RECORD_FINDING, me_next_id(), bpf_ktime_get_ns());
	if (!record)
		return 0;
	record->what = ME_FINDING_SAME_MAC_OTHER_ADDRESS;
	record->key = p->key;
	__builtin_memset(&record->flow, 0, sizeof(record->flow));
	record->flow.sport = p->key.sport;
	record->flow.id = record->id;
	me_tell_end(record);
	return 0;
}

/* --- DNS of the mail hosts, and of resolvers on their side ---------------------------------------- */

/* Whom the packet's side asks. `resolver`: it is one itself, so whomever it asks answers. */
static __always_inline void me_passage_exchange(const struct me_passage *p, bool resolver,
						struct me_exchange *ret_exchange)
{
	struct me_server *server = &ret_exchange->server;
	const struct me_head *head;
	__u32 zero = 0;

	__builtin_memset(ret_exchange, 0, sizeof(*ret_exchange));
	ret_exchange->opener = p->key.opener;
	ret_exchange->address = p->key.peer;
	ret_exchange->sport = p->key.sport;
	ret_exchange->sent = p->sent;
	ret_exchange->offset = p->link + p->packet.headers;
	if (me_server_known(&ret_exchange->address, server)) {
		head = me_slot_lookup(&me_heads, server->slot, &zero);
		resolver |= head && (head->flags & ME_HEAD_RECURSIVE);
	}
	server->own_leg |= resolver;
	if (!server->trusted && resolver)
		server->trusted = server->claimed = 1;
}

/* A packet of DNS or FTP: room for it, with the exchange that it belongs to; or NULL. */
static __noinline struct me_room *me_passage_exchange_begin(const struct me_passage *p,
							    bool resolver)
{
	struct me_room *room = me_room_take();

	if (!room || !p)
		return NULL;
	me_passage_exchange(p, resolver, &room->exchange);
	room->payload.key = p->key;
	return room;
}

/* Reads what was sent in that exchange, and gives the room back. */
static __noinline int me_passage_names(struct __sk_buff *skb, struct me_room *room)
{
	if (!room)
		return 0;
	if (room->payload.key.port == ME_FTP_PORT)
		return me_ftp_segment(skb, room);
	if (room->exchange.sent)
		me_dns_query(skb, room);
	else if (me_dns_answer(skb, room,
			       room->exchange.server.trusted ? ME_REFUSED_COUNT
							     : ME_REFUSED_WRONG_RESOLVER))
		me_host_answered(&room->exchange.opener.address);
	me_room_give(room);
	return 0;
}

/* Somebody who is not watched: what a resolver among them learns is known, and that is all. */
static __noinline enum me_step me_passage_unwatched(struct __sk_buff *skb,
						    const struct me_passage *p)
{
	const struct me_control *control = me_control_get();
	const struct me_head *head;
	const struct me_dest *dest;
	__u32 zero = 0, slot;

	if (!p || !control)
		return ME_STEP_DONE;
	slot = me_policy_slot(control);
	head = me_slot_lookup(&me_heads, slot, &zero);
	dest = head ? me_policy_dest(slot, head, &p->key.opener.address) : NULL;
	if (dest && (dest->flags & ME_DEST_RESOLVER))
		return ME_STEP_RESOLVER;
	me_same_mac(skb, p);
	return ME_STEP_DONE;
}

#endif
