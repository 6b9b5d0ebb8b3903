/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_IMAGE_H
#define MEWATCH_IMAGE_H

/*
 * The compiled policy: what the compiler (src/policy) writes and the judge reads, in the kernel and
 * on the host. Destinations are classes (rows), protocol and port are classes (columns), and
 * table[row * columns + column] is the rank of the deciding entry: smaller is stronger, 0 is none.
 *
 *	addresses  hash:   16-byte address -> struct me_dest
 *	prefixes   LPM:    struct me_prefix -> struct me_dest (nested prefixes folded into children)
 *	head       array:  one struct me_head
 *	table      array:  rank of the deciding entry for each (row, column)
 *	entries    array:  rank -> struct me_entry
 *	endpoints  array:  endpoint id -> row, for endpoints that are names; 0: not one of this policy
 *	names      hash:   hash of a name -> struct me_name_entry, what the policy says of it
 *	hosts      LPM:    struct me_prefix -> number of the mail host in `watch: hosts:`, from 1
 *	macs       hash:   MAC address (me_mac()) -> the same
 *
 * Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. Ports are in host order.
 */
#include "mewatch/types.h"

/* Port slots: four protocols with ports, then one slot for each other IP protocol number. */
#define ME_SLOT_TCP 0u
#define ME_SLOT_UDP 65536u
#define ME_SLOT_UDPLITE 131072u
#define ME_SLOT_SCTP 196608u
#define ME_SLOT_PROTO 262144u
#define ME_SLOT_COUNT (ME_SLOT_PROTO + 256u)

#define ME_COLUMNS_MAX 1024u    /* port classes of one policy */
#define ME_CELLS_MAX (4u << 20) /* rows x columns of one policy */
#define ME_NAME_MAX 255u        /* bytes of a name on the wire (RFC 1035, section 2.3.4) */
#define ME_NAME_ROOM 256u
#define ME_NAME_ENDPOINTS 8u        /* endpoints of one name, and learned ones of one address */
#define ME_ZONES_MAX 1024u          /* zones of block lists since attach; id 0 is "no zone" */
#define ME_RECURSIVE_EXE_MAX 256u   /* bytes of the path of a recursive resolver's program */
#define ME_SERVICES_MAX 128u        /* services since attach; id 0 is ME_SERVICE_UNLISTED */
#define ME_ENDPOINTS_MAX (1u << 20) /* endpoints since attach; id 0 is "no endpoint" */

/* Service ids with a fixed meaning; the registry gives out the rest. */
#define ME_SERVICE_UNLISTED 0u /* label "unlisted": no rule knows the port either */
#define ME_SERVICE_LOCAL 1u    /* label "local": loopback and own addresses without a rule */
#define ME_SERVICE_LINK 2u     /* label "link": broadcast, link multicast, ND, IGMP, MLD */
#define ME_SERVICE_FIRST 3u

/* Rows with a fixed meaning; listed destinations and names follow. */
enum me_row {
	ME_ROW_NOTHING,   /* not global unicast and not listed: no entry in any column */
	ME_ROW_ANY,       /* a global unicast stranger: `to: any` */
	ME_ROW_LOCAL,     /* loopback and own addresses: `to: local` */
	ME_ROW_NAMED,     /* the strongest name entry of the column: what `pending` waits for */
	ME_ROW_RECURSIVE, /* `to: resolvers` for the resolver itself, which asks anybody */
	ME_ROW_FIRST,
};

/* What a destination is besides its row: bits of me_dest.flags. */
#define ME_DEST_LISTED 1u    /* some rule names it, for whatever port */
#define ME_DEST_RESOLVER 2u  /* a configured resolver */
#define ME_DEST_DOH 4u       /* a public resolver known to speak DNS over HTTPS */
#define ME_DEST_PROXY 8u     /* the configured proxy */
#define ME_DEST_PEER 16u     /* a configured peer */
#define ME_DEST_UPSTREAM 32u /* a resolver that a local stub asks: its queries are the stub's */

struct me_dest {
	__u32 row;
	__u32 flags;
};

struct me_prefix {
	__u32 bits; /* 0-128, counted in the mapped form: an IPv4 /24 is 120 */
	__u8 address[16];
};

/* What a column is: bits of me_column.flags. */
#define ME_COLUMN_NAMED 1u     /* some name rule exists for it */
#define ME_COLUMN_DNS 2u       /* tcp or udp 53 */
#define ME_COLUMN_DOT 4u       /* tcp or udp 853 */
#define ME_COLUMN_HTTPS 8u     /* tcp or udp 443 */
#define ME_COLUMN_QUIC 16u     /* udp 443 */
#define ME_COLUMN_REMOTING 32u /* a remoting port: of `remoting:`, or of the profile for peers */
#define ME_COLUMN_PEERS 64u    /* a port that the policy gives to peers */
#define ME_COLUMN_LISTED 128u  /* some rule names the protocol (any port of it) */
#define ME_COLUMN_MODE_SHIFT 8 /* what is done about its violations: bits of a mode, below */

/* A mode as the policy has it: enum me_mode, and whether it is the policy's or a rule's own. */
#define ME_MODE_BITS 3u
#define ME_MODE_OWN 4u
#define ME_MODE_ALL (ME_MODE_BITS | ME_MODE_OWN)

struct me_column {
	__u16 service; /* of the strongest rule with this port; what a stranger is counted under */
	__u16 flags;
};

/* me_head.flags */
#define ME_HEAD_ADDRESSES 1u  /* the address hash is not empty */
#define ME_HEAD_PREFIXES 2u   /* the prefix trie is not empty */
#define ME_HEAD_NAMES 4u      /* there are name rules */
#define ME_HEAD_ANY 8u        /* there is a `to: any` rule */
#define ME_HEAD_STRICT 16u    /* strict_names: true */
#define ME_HEAD_RECURSIVE 32u /* `resolvers: {recursive: …}` */
#define ME_HEAD_MACS 64u      /* some mail host is known by its MAC address */

struct me_head {
	__u32 generation; /* counts loads; never 0 in a loaded image */
	__u32 columns;    /* width of the table */
	__u32 rows;
	__u32 entries; /* ranks run from 1 to entries - 1 */
	__u32 flags;
	__u32 proxy_port;  /* of `proxy:`, host order; 0: there is none */
	__u32 mode;        /* enum me_mode: the policy's */
	__u32 refuse;      /* of `refuse_sockets:`, a bit for each enum me_blind */
	__u64 udp_idle_ns; /* limits.udp_idle */
	__u64 pending_ns;  /* limits.pending */
	__u64 grace_ns;    /* limits.grace */
	__u64 ftp_ns;      /* limits.ftp */
	__u64 name_depths; /* bit k: some name entry has k labels; 63: or more */
	char recursive_exe[ME_RECURSIVE_EXE_MAX]; /* NUL-padded; empty: it is known by its cgroup */
	struct me_column column[ME_COLUMNS_MAX];
	__u16 slot[ME_SLOT_COUNT]; /* port slot -> column */
};

/* A MAC address as a key: its six bytes in the order of the wire, then zeros. */
static inline __u64 me_mac(const __u8 mac[6])
{
	__u64 key = 0;

	__builtin_memcpy(&key, mac, 6);
	return key;
}

/* me_entry.flags */
#define ME_ENTRY_RETIRED 1u
#define ME_ENTRY_PRIVATE 2u /* the name may resolve into private space */
#define ME_ENTRY_PROXY 4u   /* it is the configured proxy */
/* Of FTP control: which data connections belong to it. */
#define ME_ENTRY_ANNOUNCED 32u  /* those that were announced */
#define ME_ENTRY_DOCUMENTED 64u /* and those to ports 1-1023 */
#define ME_ENTRY_ANY_DATA 128u  /* all to the same host */
#define ME_ENTRY_FTP (ME_ENTRY_ANNOUNCED | ME_ENTRY_DOCUMENTED | ME_ENTRY_ANY_DATA)

/* One endpoint of one rule. The ids are stable since attach (see the registry). */
struct me_entry {
	__u32 endpoint;
	__u32 rule;
	__u16 service;
	__u8 match; /* enum me_match */
	__u8 flags;
};

/*
 * What the policy says of one name (mewatch/name.h): which endpoints are called so, or so behind
 * their `*.` or `**.`; and what queries at or below it are for. The key is me_name_hash(); no two
 * names of a policy have the same.
 */
struct me_name_entry {
	__u32 endpoint[ME_NAME_ENDPOINTS]; /* 0: no more */
	__u8 match[ME_NAME_ENDPOINTS];     /* ME_MATCH_NAME, _WILDCARD or _SUBTREE */
	__u8 flags[ME_NAME_ENDPOINTS];     /* of the entry: ME_ENTRY_PRIVATE */
	__u32 zone;                        /* stable id of a block list; 0: it is none */
	__u8 category;                     /* enum me_dns_category; ME_DNS_OTHER: of no kind */
	__u8 labels;
	__u16 length; /* of `wire` */
	__u8 wire[ME_NAME_ROOM];
};

#endif
