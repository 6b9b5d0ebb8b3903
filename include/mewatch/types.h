/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_TYPES_H
#define MEWATCH_TYPES_H

/*
 * The vocabulary: every enumeration of the program, once. Each list gives the constant, the label
 * (what metrics, events and the API say) and a help text for people. Compiled for the kernel and for
 * the host: no include but the UAPI integer types.
 */
#include <linux/types.h>

#define ME_PICK_CONSTANT(prefix, constant, label, help) prefix##constant,

/* What the judge says of an attempt. All but `pending` are final. */
#define ME_VERDICT_LIST(X, p)                                                                      \
	X(p, ALLOWED, "allowed", "a rule allows it")                                               \
	X(p, LOCAL, "local", "loopback, an own address, or the link itself")                       \
	X(p, UNRESOLVED, "unresolved", "could not be judged: no room, or still warming up")        \
	X(p, VIOLATION, "violation", "no rule allows it")                                          \
	X(p, PENDING, "pending", "a name rule may still allow it")

enum me_verdict { ME_VERDICT_LIST(ME_PICK_CONSTANT, ME_) ME_VERDICT_COUNT };
#define ME_VERDICT_FINAL_COUNT ME_PENDING

/* Why it is a violation: the first that fits. */
#define ME_REASON_LIST(X, p)                                                                       \
	X(p, NONE, "none", "not a violation")                                                      \
	X(p, UNPARSABLE, "unparsable", "the packet could not be parsed")                           \
	X(p, UNLISTED_PROTOCOL, "unlisted-protocol", "no rule names this IP protocol")             \
	X(p, WRONG_RESOLVER, "wrong-resolver",                                                     \
	  "DNS to a server that is not a configured resolver")                                     \
	X(p, ENCRYPTED_DNS, "encrypted-dns", "DNS over TLS, QUIC or HTTPS")                        \
	X(p, PEER_UNKNOWN, "peer-unknown", "synchronisation port to a host that is no peer")       \
	X(p, REMOTING_OFF_HOST, "remoting-off-host", "a remoting port of another host")            \
	X(p, FTP_UNANNOUNCED, "ftp-unannounced", "FTP data that no control connection announced")  \
	X(p, NAME_MISMATCH, "name-mismatch", "the client asked for a name that is not listed")     \
	X(p, QUIC, "quic", "UDP port 443")                                                         \
	X(p, UNLISTED_PORT, "unlisted-port", "a listed destination, another port")                 \
	X(p, UNLISTED_DESTINATION, "unlisted-destination", "no rule names this destination")

enum me_reason { ME_REASON_LIST(ME_PICK_CONSTANT, ME_REASON_) ME_REASON_COUNT };

/* What an allowed verdict rests on. */
#define ME_EVIDENCE_LIST(X, p)                                                                     \
	X(p, NONE, "none", "nothing")                                                              \
	X(p, LISTED, "listed", "an address rule")                                                  \
	X(p, LEARNED, "learned", "a DNS answer that was seen")                                     \
	X(p, VERIFIED, "verified", "a DNS answer, and SNI or Host agrees")                         \
	X(p, STALE, "stale", "a DNS answer past its life, inside the grace")                       \
	X(p, CLAIMED, "claimed", "a listed SNI or Host to an address that no answer gave")         \
	X(p, ANNOUNCED, "announced", "FTP data that the server announced")                         \
	X(p, CONTROL_ONLY, "control-only", "FTP data beside an encrypted control connection")      \
	X(p, DOCUMENTED, "documented", "FTP data in the documented range 1-1023")

enum me_evidence { ME_EVIDENCE_LIST(ME_PICK_CONSTANT, ME_EVIDENCE_) ME_EVIDENCE_COUNT };

/* What is done about violations. */
#define ME_MODE_LIST(X, p)                                                                         \
	X(p, MONITOR, "monitor", "they are told")                                                  \
	X(p, SHADOW, "shadow", "they are told, and what would be denied is counted")               \
	X(p, ENFORCE, "enforce", "they are denied")

enum me_mode { ME_MODE_LIST(ME_PICK_CONSTANT, ME_MODE_) ME_MODE_COUNT };

/* What was done about one. */
#define ME_ACTION_LIST(X, p)                                                                       \
	X(p, NONE, "none", "nothing")                                                              \
	X(p, WOULD_DENY, "would-deny", "it would have been denied (shadow)")                       \
	X(p, DENIED, "denied", "it was denied")

enum me_action { ME_ACTION_LIST(ME_PICK_CONSTANT, ME_ACTION_) ME_ACTION_COUNT };

/* How a flow ended, or how far it came. `none` while nothing is known; the others partition. */
#define ME_OUTCOME_LIST(X, p)                                                                      \
	X(p, NONE, "none", "not known yet")                                                        \
	X(p, ESTABLISHED, "established", "the TCP handshake completed")                            \
	X(p, REFUSED, "refused", "reset in answer to the SYN")                                     \
	X(p, TIMEOUT, "timeout", "nobody answered the SYN")                                        \
	X(p, UNREACHABLE, "unreachable", "no route, or ICMP said so")                              \
	X(p, ABORTED, "aborted", "closed by this side before it was established")                  \
	X(p, ANSWERED, "answered", "a datagram came back")                                         \
	X(p, UNANSWERED, "unanswered", "no datagram came back")

enum me_outcome { ME_OUTCOME_LIST(ME_PICK_CONSTANT, ME_OUTCOME_) ME_OUTCOME_COUNT };

#define ME_VANTAGE_LIST(X, p)                                                                      \
	X(p, HOST, "host", "cgroup hooks: processes of this machine")                              \
	X(p, TRANSIT, "transit", "tc hooks: packets forwarded for a mail host")                    \
	X(p, REPLAY, "replay", "a capture file")

enum me_vantage { ME_VANTAGE_LIST(ME_PICK_CONSTANT, ME_) ME_VANTAGE_COUNT };
#define ME_VANTAGE_KERNEL_COUNT ME_REPLAY

#define ME_DIRECTION_LIST(X, p)                                                                    \
	X(p, OUT, "out", "opened by the watched side")                                             \
	X(p, IN, "in", "opened by the other side")                                                 \
	X(p, UNKNOWN, "unknown", "under way at start, opener not known")

enum me_direction { ME_DIRECTION_LIST(ME_PICK_CONSTANT, ME_DIRECTION_) ME_DIRECTION_COUNT };

/* How the deciding rule names its destination, in order of precedence (DESIGN: "Deciding rule"). */
#define ME_MATCH_LIST(X, p)                                                                        \
	X(p, NAME, "name", "an exact name")                                                        \
	X(p, WILDCARD, "wildcard", "*.name: exactly one label more")                               \
	X(p, SUBTREE, "subtree", "**.name: one label more, or several")                            \
	X(p, ADDRESS, "address", "an address")                                                     \
	X(p, PREFIX, "prefix", "an address prefix")                                                \
	X(p, KEYWORD, "keyword", "resolvers, proxy or peers")                                      \
	X(p, ANY, "any", "any global unicast address")                                             \
	X(p, LOCAL, "local", "loopback and own addresses")

enum me_match { ME_MATCH_LIST(ME_PICK_CONSTANT, ME_MATCH_) ME_MATCH_COUNT };

/* Observations that are not verdicts. */
#define ME_FINDING_LIST(X, p)                                                                      \
	X(p, PROXY_BYPASSED, "proxy-bypassed", "a direct flow to a listed name beside a proxy")    \
	X(p, PROXY_UNLISTED, "proxy-unlisted", "the proxy was asked for what is not listed")       \
	X(p, FOREIGN_LISTENER, "foreign-listener", "another program listens on a remoting port")   \
	X(p, INBOUND_REMOTING, "inbound-remoting", "a remoting port reached from outside")         \
	X(p, RETIRED_USED, "retired-used", "a flow to an entry that later lists dropped")          \
	X(p, FTP_BOUNCE, "ftp-bounce", "an FTP reply named another host")                          \
	X(p, RAW_SOCKET, "raw-socket", "a watched process opened a raw socket")                    \
	X(p, PACKET_SOCKET, "packet-socket", "a packet socket is open")                            \
	X(p, BLOCKLIST_REFUSES, "blocklist-refuses", "a DNS blocklist refuses to answer")          \
	X(p, COVERAGE_LOST, "coverage-lost", "flows that could not be judged")                     \
	X(p, NO_DNS_SEEN, "no-dns-seen", "name rules, and no DNS answer was ever seen")            \
	X(p, ECH, "ech", "encrypted ClientHello: the inner name is hidden")                        \
	X(p, SAME_MAC_OTHER_ADDRESS, "same-mac-other-address",                                     \
	  "a watched MAC under another address")                                                   \
	X(p, BEFORE_START, "before-start", "a flow that was open before the watch began")

enum me_finding { ME_FINDING_LIST(ME_PICK_CONSTANT, ME_FINDING_) ME_FINDING_COUNT };

/* Sockets whose traffic the connect and sendmsg hooks do not see (counted at their creation). */
#define ME_BLIND_LIST(X, p)                                                                        \
	X(p, RAW, "raw", "raw IP sockets")                                                         \
	X(p, PING, "ping", "ICMP echo sockets")                                                    \
	X(p, UDPLITE, "udplite", "UDP-Lite sockets")                                               \
	X(p, SCTP, "sctp", "SCTP sockets")                                                         \
	X(p, DCCP, "dccp", "DCCP sockets")                                                         \
	X(p, OTHER, "other", "sockets of any other kind")                                          \
	X(p, PACKET, "packet", "packet sockets found by the sweep")                                \
	X(p, OUTSIDE, "outside", "sockets born outside a watched cgroup, used inside it")

enum me_blind { ME_BLIND_LIST(ME_PICK_CONSTANT, ME_BLIND_) ME_BLIND_COUNT };

/* What a DNS query of a mail filter is for. */
#define ME_DNS_CATEGORY_LIST(X, p)                                                                 \
	X(p, OTHER, "other", "any other name")                                                     \
	X(p, SPF, "spf", "TXT records of senders")                                                 \
	X(p, SPAMRAZER, "spamrazer", "names of the SpamRazer engine")                              \
	X(p, IP_DNSBL, "ip-dnsbl", "an address in a block list")                                   \
	X(p, URI_DNSBL, "uri-dnsbl", "a domain in a block list")

enum me_dns_category { ME_DNS_CATEGORY_LIST(ME_PICK_CONSTANT, ME_DNS_) ME_DNS_CATEGORY_COUNT };

/* Response codes (RFC 1035, section 4.1.1). */
#define ME_RCODE_LIST(X, p)                                                                        \
	X(p, NOERROR, "noerror", "no error")                                                       \
	X(p, FORMERR, "formerr", "the server could not read the query")                            \
	X(p, SERVFAIL, "servfail", "the server failed")                                            \
	X(p, NXDOMAIN, "nxdomain", "there is no such name")                                        \
	X(p, NOTIMP, "notimp", "the server does not know this kind of query")                      \
	X(p, REFUSED, "refused", "the server does not want to")                                    \
	X(p, OTHER, "other", "any other code")

enum me_rcode { ME_RCODE_LIST(ME_PICK_CONSTANT, ME_RCODE_) ME_RCODE_COUNT };

/* How the question for an endpoint's addresses came to nothing. */
#define ME_DNS_FAILURE_LIST(X, p)                                                                  \
	X(p, NXDOMAIN, "nxdomain", "there is no such name")                                        \
	X(p, SERVFAIL, "servfail", "the server failed")                                            \
	X(p, NO_ANSWER, "no_answer", "no answer came")                                             \
	X(p, OTHER, "other", "any other error")

enum me_dns_failure { ME_DNS_FAILURE_LIST(ME_PICK_CONSTANT, ME_DNS_FAILED_) ME_DNS_FAILURE_COUNT };

/* Why something in a DNS answer was not learned. */
#define ME_REFUSED_LIST(X, p)                                                                      \
	X(p, WRONG_RESOLVER, "wrong-resolver", "answers from no configured resolver")              \
	X(p, NOT_LOCAL, "not-local", "answers over loopback from an address of elsewhere")         \
	X(p, FOREIGN, "foreign-namespace", "answers in network namespaces of unprivileged users")  \
	X(p, WRONG_PORT, "wrong-port", "answers from another port than 53")                        \
	X(p, UNSOLICITED, "unsolicited", "answers to no query that was seen, or once more")        \
	X(p, MALFORMED, "malformed", "messages that cannot be read")                               \
	X(p, OTHER_NAME, "other-name", "addresses of names that were not asked for")               \
	X(p, SPECIAL, "special-address", "loopback, link-local and other unusable addresses")      \
	X(p, PRIVATE, "private-address", "private addresses of names that may not have any")       \
	X(p, MANY_NAMES, "many-names", "endpoints beyond the eight of one address")                \
	X(p, MANY_ANSWERS, "many-answers", "addresses beyond the bound for an answer or endpoint") \
	X(p, RATE, "rate", "addresses beyond the bound for a minute")                              \
	X(p, FULL, "full", "addresses for which the table had no room")                            \
	X(p, QUERIES_FULL, "queries-full", "queries that could not be remembered")                 \
	X(p, BUSY, "busy", "messages for which there was no room to read them")

enum me_refused { ME_REFUSED_LIST(ME_PICK_CONSTANT, ME_REFUSED_) ME_REFUSED_COUNT };

/* Why a packet could not be parsed (transit and replay). */
#define ME_UNPARSED_LIST(X, p)                                                                     \
	X(p, TRUNCATED, "truncated", "packets that end inside their headers")                      \
	X(p, VERSION, "version", "packets of another IP version than their frame says")            \
	X(p, HEADER, "header", "packets with a header length below the smallest")                  \
	X(p, LENGTH, "length", "packets that say they are longer than they are")                   \
	X(p, EXTENSIONS, "extensions", "packets with more extension headers than are followed")    \
	X(p, FRAGMENT, "fragment", "fragments without the headers that tell their flow")           \
	X(p, TAGS, "tags", "frames with more VLAN tags than are followed")                         \
	X(p, ETHERTYPE, "ethertype", "frames of another protocol than IP, ARP or of the link")     \
	X(p, BUSY, "busy", "packets for which there was no room to read them")

enum me_unparsed { ME_UNPARSED_LIST(ME_PICK_CONSTANT, ME_UNPARSED_) ME_UNPARSED_COUNT };

#undef ME_PICK_CONSTANT

#ifndef __bpf__
/*
 * Labels and help texts of the lists above: me_verdict_label(v), me_verdict_help(v) and so on. An
 * index outside the list (a damaged record) gives "?".
 */
#define ME_PICK_LABEL(p, constant, label, help) label,
#define ME_PICK_HELP(p, constant, label, help) help,
#define ME_DEFINE_TEXT(name, LIST)                                                                 \
	static inline const char *me_##name##_label(unsigned int i)                                \
	{                                                                                          \
		static const char *const text[] = {LIST(ME_PICK_LABEL, )};                         \
		return i < sizeof(text) / sizeof(*text) ? text[i] : "?";                           \
	}                                                                                          \
	static inline const char *me_##name##_help(unsigned int i)                                 \
	{                                                                                          \
		static const char *const text[] = {LIST(ME_PICK_HELP, )};                          \
		return i < sizeof(text) / sizeof(*text) ? text[i] : "?";                           \
	}

ME_DEFINE_TEXT(verdict, ME_VERDICT_LIST)
ME_DEFINE_TEXT(reason, ME_REASON_LIST)
ME_DEFINE_TEXT(evidence, ME_EVIDENCE_LIST)
ME_DEFINE_TEXT(mode, ME_MODE_LIST)
ME_DEFINE_TEXT(action, ME_ACTION_LIST)
ME_DEFINE_TEXT(outcome, ME_OUTCOME_LIST)
ME_DEFINE_TEXT(vantage, ME_VANTAGE_LIST)
ME_DEFINE_TEXT(direction, ME_DIRECTION_LIST)
ME_DEFINE_TEXT(match, ME_MATCH_LIST)
ME_DEFINE_TEXT(finding, ME_FINDING_LIST)
ME_DEFINE_TEXT(blind, ME_BLIND_LIST)
ME_DEFINE_TEXT(dns_category, ME_DNS_CATEGORY_LIST)
ME_DEFINE_TEXT(rcode, ME_RCODE_LIST)
ME_DEFINE_TEXT(dns_failure, ME_DNS_FAILURE_LIST)
ME_DEFINE_TEXT(refused, ME_REFUSED_LIST)
ME_DEFINE_TEXT(unparsed, ME_UNPARSED_LIST)

#undef ME_PICK_LABEL
#undef ME_PICK_HELP
#undef ME_DEFINE_TEXT
#endif

#endif
