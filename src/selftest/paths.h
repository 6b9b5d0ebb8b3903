/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_PATHS_H
#define MEWATCH_SELFTEST_PATHS_H

/*
 * What this version declares of each path on which a process can send: the one list that the self-test
 * measures, and that README.md and mewatch(1) show.
 */

/* What is seen of a path from a vantage; of a trick, what becomes of it. X(constant, label, help) */
#define ME_SIGHT_LIST(X)                                                                           \
	X(DENIABLE, "seen judged deniable", "and nothing leaves where the policy denies it")       \
	X(DROPPED, "seen judged dropped",                                                          \
	  "the same, but the sender is not told that it was denied")                               \
	X(DENIED, "seen judged denied", "the same; the moment decides whether the sender is told") \
	X(JUDGED, "seen judged", "each attempt is counted once, listed, and judged by the policy") \
	X(FOUND, "blind spot, found", "no hook sees it; a sweep finds the socket")                 \
	X(BLIND, "blind spot", "not seen")                                                         \
	X(LEARNED, "learned", "allowed: the answer was believed")                                  \
	X(VERIFIED, "verified", "allowed: an answer, and the client says the same name")           \
	X(CLAIMED, "claimed", "allowed, by what the client says alone")                            \
	X(LISTED, "listed", "allowed: the address is listed")                                      \
	X(ANNOUNCED, "announced", "allowed: who waits for it announced it")                        \
	X(CONTROL_ONLY, "control-only", "allowed: beside an encrypted control connection")         \
	X(DOCUMENTED, "documented", "allowed: beside a control connection, a port below 1024")     \
	X(NOT_LEARNED, "not learned", "nothing is learned of the address")                         \
	X(NOT_BELIEVED, "not believed", "a violation: unlisted-destination")                       \
	X(NAME_MISMATCH, "name-mismatch", "a violation, as all that follow")                       \
	X(WRONG_RESOLVER, "wrong-resolver", "a violation")                                         \
	X(ENCRYPTED_DNS, "encrypted-dns", "a violation")                                           \
	X(QUIC, "quic", "a violation")                                                             \
	X(FTP_UNANNOUNCED, "ftp-unannounced", "a violation")                                       \
	X(UNLISTED_PORT, "unlisted-port", "a violation")                                           \
	X(NOTHING, "no attempt",                                                                   \
	  "nothing is sent, or only what belongs to a connection that others opened")              \
	X(ABSENT, "not on this kernel", "the kernel has no such thing")                            \
	X(OTHER, "otherwise", "none of these, or not each time")

#define ME_SIGHT_CONSTANT(constant, label, help) ME_SIGHT_##constant,
enum me_sight { ME_SIGHT_LIST(ME_SIGHT_CONSTANT) ME_SIGHT_COUNT };
#undef ME_SIGHT_CONSTANT

/* Of whom an attempt is: where its sockets are made and used. */
enum me_where {
	ME_WHERE_IN,     /* made and used inside the control group */
	ME_WHERE_INTO,   /* made outside, used inside */
	ME_WHERE_OUT_OF, /* made inside, used outside */
};

#define ME_PORT 20000  /* echoes over TCP, UDP and UDP-Lite */
#define ME_MPTCP 20100 /* over MPTCP; the next one, where a path has it announced */
#define ME_CLOSED 20999

/*
 * X(name, run, families, where, port, times, host, transit, text): `run` is the path of
 * selftest/traffic.h that is done `times` times over IPv4 (4), IPv6 (6) or each (46); what is
 * expected at the host vantage and in transit.
 */
#define ME_PATH_LIST(X)                                                                            \
	X("tcp", "tcp", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE, "connect()")                       \
	X("tcp-mapped", "tcp-mapped", 4, IN, ME_PORT, 2, DENIABLE, DENIABLE,                       \
	  "an IPv6 socket to an IPv4 address")                                                     \
	X("tcp-nonblocking", "tcp-nonblocking", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,            \
	  "connect() again and again until it is through")                                         \
	X("tcp-bind", "tcp-bind", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE, "bind() before")         \
	X("tcp-again", "tcp-again", 46, IN, ME_CLOSED, 2, DENIABLE, DENIABLE,                      \
	  "refused, and once more on the same socket")                                             \
	X("tcp-fastopen-sendto", "tcp-fastopen-sendto", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,    \
	  "Fast Open by sendto()")                                                                 \
	X("tcp-fastopen-sendmsg", "tcp-fastopen-sendmsg", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,  \
	  "Fast Open by sendmsg()")                                                                \
	X("tcp-fastopen-connect", "tcp-fastopen-connect", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,  \
	  "Fast Open by connect()")                                                                \
	X("tcp-uring", "tcp-uring", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE, "connect by io_uring") \
	X("tcp-uring-worker", "tcp-uring-worker", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,          \
	  "by a worker thread of io_uring")                                                        \
	X("tcp-uring-sqpoll", "tcp-uring-sqpoll", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,          \
	  "by the polling thread of io_uring")                                                     \
	X("tcp-uring-fastopen", "tcp-uring-fastopen", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,      \
	  "Fast Open by io_uring")                                                                 \
	X("tcp-sendfile", "tcp-sendfile", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE, "sendfile()")    \
	X("tcp-splice", "tcp-splice", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE, "splice()")          \
	X("mptcp", "mptcp", 46, IN, ME_MPTCP, 2, DENIABLE, DENIABLE, "Multipath TCP")              \
	X("mptcp-subflow", "mptcp-subflow", 46, IN, ME_MPTCP, 1, DENIABLE, DENIABLE,               \
	  "one more attempt: a subflow to an address that the peer names")                         \
	X("mptcp-subflow-port", "mptcp-subflow-port", 4, IN, ME_MPTCP, 1, DENIABLE, DENIABLE,      \
	  "the same, to another port of the same address")                                         \
	X("udp-probe", "udp-probe", 46, IN, ME_PORT, 2, NOTHING, NOTHING,                          \
	  "connect() of a UDP socket, and no datagram")                                            \
	X("udp-connect", "udp-connect", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,                    \
	  "connect() and send()")                                                                  \
	X("udp-sendto", "udp-sendto", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE, "sendto()")          \
	X("udp-sendmmsg", "udp-sendmmsg", 46, IN, ME_PORT, 3, DENIABLE, DENIABLE,                  \
	  "sendmmsg() to several ports")                                                           \
	X("udp-gso", "udp-gso", 46, IN, ME_PORT, 3, DENIABLE, DENIABLE,                            \
	  "one send that the kernel cuts into datagrams")                                          \
	X("udp-another", "udp-another", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,                    \
	  "connected to one port, sendto() another")                                               \
	X("udp-cork", "udp-cork", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,                          \
	  "several sends that become one datagram")                                                \
	X("udp-sendfile", "udp-sendfile", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE, "sendfile()")    \
	X("udp-mapped-connect", "udp-mapped-connect", 4, IN, ME_PORT, 2, DENIABLE, DENIABLE,       \
	  "an IPv6 socket connected to an IPv4 address")                                           \
	X("udp-mapped-sendto", "udp-mapped-sendto", 4, IN, ME_PORT, 2, DENIABLE, DENIABLE,         \
	  "an IPv6 socket, sendto() an IPv4 address in mapped form")                               \
	X("udp-v6-socket-v4-peer", "udp-v6-socket-v4-peer", 4, IN, ME_PORT, 2, DENIABLE, DENIABLE, \
	  "an IPv6 socket, sendto() a plain IPv4 address")                                         \
	X("udp-uring", "udp-uring", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE, "sendmsg by io_uring") \
	X("udp-uring-sqpoll", "udp-uring-sqpoll", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,          \
	  "by the polling thread of io_uring")                                                     \
	X("udplite-connect", "udplite-connect", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,            \
	  "UDP-Lite, connect() and send()")                                                        \
	X("udplite-sendto", "udplite-sendto", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,              \
	  "UDP-Lite, sendto()")                                                                    \
	X("sctp", "sctp", 46, IN, ME_PORT, 1, DROPPED, DENIABLE, "SCTP")                           \
	X("dccp", "dccp", 46, IN, ME_PORT, 1, DROPPED, DENIABLE, "DCCP")                           \
	X("raw-hdrincl", "raw-hdrincl", 4, IN, ME_PORT, 2, DENIABLE, DENIABLE,                     \
	  "a raw socket that makes its own headers, with UDP in it")                               \
	X("raw-protocol", "raw-protocol", 46, IN, 0, 2, DENIABLE, DENIABLE,                        \
	  "a raw socket of another protocol")                                                      \
	X("raw-echo", "raw-echo", 46, IN, 0, 2, DENIABLE, DENIABLE, "ping by a raw socket")        \
	X("ping-sendto", "ping-sendto", 4, IN, 0, 2, DENIABLE, DENIABLE,                           \
	  "ping by a ping socket, sendto()")                                                       \
	X("ping-connect", "ping-connect", 4, IN, 0, 2, DENIABLE, DENIABLE,                         \
	  "ping by a ping socket, connect()")                                                      \
	X("ping6-sendto", "ping-sendto", 6, IN, 0, 2, DROPPED, DENIABLE,                           \
	  "the same over IPv6, where the kernel drops the error")                                  \
	X("ping6-connect", "ping-connect", 6, IN, 0, 2, DROPPED, DENIABLE, "the same, connect()")  \
	X("packet", "packet", 4, IN, ME_PORT, 2, FOUND, DENIABLE,                                  \
	  "a packet socket (AF_PACKET), with UDP over IPv4 in it")                                 \
	X("packet-bypass", "packet-bypass", 4, IN, ME_PORT, 2, FOUND, DENIABLE,                    \
	  "the same past the queues (PACKET_QDISC_BYPASS)")                                        \
	X("xdp", "xdp", 4, IN, ME_PORT, 2, BLIND, DENIABLE,                                        \
	  "an XDP socket (AF_XDP), with UDP over IPv4 in it")                                      \
	X("tun", "tun", 4, IN, ME_PORT, 2, BLIND, DENIABLE,                                        \
	  "packets put into a tun device, which the kernel forwards")                              \
	X("moved-in", "moved", 46, INTO, ME_PORT, 2, FOUND, DENIABLE,                              \
	  "a socket whose process came into the control group")                                    \
	X("passed-in", "passed", 46, INTO, ME_PORT, 2, FOUND, DENIABLE,                            \
	  "a socket that was passed into the control group")                                       \
	X("moved-out", "moved", 46, OUT_OF, ME_PORT, 2, DENIABLE, DENIABLE,                        \
	  "a socket whose process left the control group")                                         \
	X("passed-out", "passed", 46, OUT_OF, ME_PORT, 2, DENIABLE, DENIABLE,                      \
	  "a socket that was passed out of the control group")                                     \
	X("short-lived", "short-lived", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,                    \
	  "a process that is gone before anybody can look")                                        \
	X("accepted", "accepted", 46, IN, 0, 2, NOTHING, NOTHING,                                  \
	  "a connection that the far end opened")                                                  \
	X("child-netns", "child-netns", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,                    \
	  "a process in a network namespace that it has made")                                     \
	X("child-netns-new", "child-netns-new", 46, IN, ME_PORT, 1, DENIED, DENIABLE,              \
	  "the same at once, before the addresses of that are known")                              \
	X("child-netns-new-udp", "child-netns-new-udp", 46, IN, ME_PORT, 2, DENIABLE, DENIABLE,    \
	  "the same, datagrams")                                                                   \
	X("unix", "unix", 4, IN, ME_PORT, 2, NOTHING, NOTHING,                                     \
	  "a Unix socket to a relay, whose flow it is then")

/* X(name, host, transit, text): a trick of selftest/trick.h, and what becomes of it. */
#define ME_TRICK_LIST(X)                                                                           \
	X("dns", LEARNED, LEARNED, "an answer of the resolver")                                    \
	X("dns-chain", LEARNED, LEARNED, "a CNAME to a name that is not listed, with its address") \
	X("dns-chain-apart", LEARNED, LEARNED, "the CNAME in one answer, the address in the next") \
	X("dns-gso", LEARNED, LEARNED, "two queries in one send")                                  \
	X("dns-v6", LEARNED, LEARNED, "over IPv6, the address of IPv6")                            \
	X("dns-tcp", LEARNED, LEARNED, "over TCP")                                                 \
	X("dns-tcp-cut", LEARNED, LEARNED, "over TCP, the answer in three segments")               \
	X("dns-tcp-pipelined", LEARNED, LEARNED, "over TCP, two queries in one segment")           \
	X("dns-truncated", LEARNED, LEARNED, "truncated, and once more over TCP")                  \
	X("dns-other-owner", NOT_BELIEVED, NOT_BELIEVED,                                           \
	  "an answer with a record of another name")                                               \
	X("dns-other-address", NOT_BELIEVED, NOT_BELIEVED, "an answer from another address")       \
	X("dns-other-port", NOT_BELIEVED, NOT_BELIEVED, "from another port of the resolver")       \
	X("dns-other-id", NOT_BELIEVED, NOT_BELIEVED, "with another id")                           \
	X("dns-other-question", NOT_BELIEVED, NOT_BELIEVED, "to another question")                 \
	X("dns-once-more", NOT_BELIEVED, NOT_BELIEVED, "a second answer to one query")             \
	X("dns-unlisted-name", NOT_BELIEVED, NOT_BELIEVED, "for a name that is not listed")        \
	X("dns-private", NOT_BELIEVED, NOT_BELIEVED, "a listed name with a private address")       \
	X("dns-link-local", NOT_BELIEVED, NOT_BELIEVED, "a listed name with a link-local address") \
	X("dns-loopback", NOT_LEARNED, NOT_LEARNED, "a listed name with a loopback address")       \
	X("dns-elsewhere", WRONG_RESOLVER, WRONG_RESOLVER, "a query to another server")            \
	X("dns-over-tls", ENCRYPTED_DNS, ENCRYPTED_DNS, "DNS over TLS")                            \
	X("dns-over-https", ENCRYPTED_DNS, ENCRYPTED_DNS, "DNS over HTTPS to a known resolver")    \
	X("sni", VERIFIED, VERIFIED, "TLS for the name that was resolved")                         \
	X("sni-cut", VERIFIED, VERIFIED, "the same, the name cut by a segment's end")              \
	X("sni-large", VERIFIED, VERIFIED, "the same in 1.8 kB, the name in the second segment")   \
	X("sni-other", NAME_MISMATCH, NAME_MISMATCH, "TLS for another name at that address")       \
	X("sni-other-cut", NAME_MISMATCH, NAME_MISMATCH, "the same, cut")                          \
	X("sni-other-large", NAME_MISMATCH, NAME_MISMATCH,                                         \
	  "the same in 1.8 kB, in the second segment")                                             \
	X("sni-other-late", NAME_MISMATCH, NAME_MISMATCH,                                          \
	  "TLS for another name, after a long silence")                                            \
	X("sni-ech", LEARNED, LEARNED, "TLS for another name, the true one encrypted (ECH)")       \
	X("sni-unlearned", CLAIMED, CLAIMED, "TLS for a listed name, which nobody resolved")       \
	X("sni-stranger", NOT_BELIEVED, NOT_BELIEVED,                                              \
	  "TLS for another name, which nobody resolved")                                           \
	X("http-host", VERIFIED, VERIFIED, "HTTP for the name that was resolved")                  \
	X("http-host-other", NAME_MISMATCH, NAME_MISMATCH,                                         \
	  "HTTP for another name at that address")                                                 \
	X("http-host-behind", LEARNED, LEARNED, "the same behind 4 kB: more than is read")         \
	X("quic", QUIC, QUIC, "UDP to port 443")                                                   \
	X("ftp-pasv", ANNOUNCED, ANNOUNCED, "FTP data where the server said (227)")                \
	X("ftp-epsv", ANNOUNCED, ANNOUNCED, "FTP data where the server said (229)")                \
	X("ftp-twice", FTP_UNANNOUNCED, FTP_UNANNOUNCED,                                           \
	  "a second connection to what was said once")                                             \
	X("ftp-other-port", FTP_UNANNOUNCED, FTP_UNANNOUNCED, "another port than the server said") \
	X("ftp-bounce", NOT_BELIEVED, NOT_BELIEVED, "to another address that the server said")     \
	X("ftp-unannounced", FTP_UNANNOUNCED, FTP_UNANNOUNCED, "data that nobody announced")       \
	X("ftp-before-control", UNLISTED_PORT, UNLISTED_PORT, "data without a control connection") \
	X("ftp-encrypted", CONTROL_ONLY, CONTROL_ONLY, "data, the control connection encrypted")   \
	X("ftp-documented", DOCUMENTED, DOCUMENTED, "data to a port below 1024")                   \
	X("ftp-late", FTP_UNANNOUNCED, FTP_UNANNOUNCED, "what the server said too long ago")       \
	X("ftp-to-20", LISTED, LISTED, "to port 20 of a server that is listed for it")             \
	X("ftp-active", NOTHING, ANNOUNCED, "the server calls where the client said (PORT)")       \
	X("ftp-eprt", NOTHING, ANNOUNCED, "the server calls where the client said (EPRT)")

#define ME_COUNT_PATH(...) +1
#define ME_PATH_COUNT (0 ME_PATH_LIST(ME_COUNT_PATH) ME_TRICK_LIST(ME_COUNT_PATH))

#endif
