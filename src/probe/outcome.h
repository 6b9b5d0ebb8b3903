/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_OUTCOME_H
#define MEWATCH_PROBE_OUTCOME_H

/* The vocabulary of a probe: how an endpoint is spoken to, and what comes of it. Each list once. */
#include <stdbool.h>

#define ME_PROBE_METHOD_LIST(X)                                                                    \
	X(NONE, "none")       /* it cannot be probed by itself */                                  \
	X(CONNECT, "connect") /* a TCP connection, and nothing said */                             \
	X(TLS, "tls")         /* a handshake */                                                    \
	X(HTTP, "http")       /* HEAD / */                                                         \
	X(FTP, "ftp")         /* the server's greeting */                                          \
	X(DNS, "dns")         /* a question */

/* Those before REFUSED are nothing in the way; ME_PROBE_NO_ROUTE only beside one that works. */
#define ME_PROBE_OUTCOME_LIST(X)                                                                   \
	X(OK, "ok")                   /* it works */                                               \
	X(NOT_PROBED, "not-probed")   /* nothing was tried, the detail says why */                 \
	X(NO_ROUTE, "no-route")       /* this machine has no way to the address */                 \
	X(REFUSED, "refused")         /* by a TCP reset, or an ICMP error that means one */        \
	X(TIMEOUT, "timeout")         /* the detail says of what */                                \
	X(UNREACHABLE, "unreachable") /* by an ICMP error */                                       \
	X(DENIED, "denied")           /* by this machine itself */                                 \
	X(RESET, "reset")             /* connected, then cut before an answer */                   \
	X(NXDOMAIN, "nxdomain")       /* there is no such name */                                  \
	X(SERVFAIL, "servfail")       /* the resolver failed */                                    \
	X(DNS_REFUSED, "dns-refused") /* the resolver does not answer such questions */            \
	X(NO_ANSWER, "no-answer")     /* no resolver answered */                                   \
	X(NO_ADDRESS, "no-address")   /* the name has none */                                      \
	X(UNLISTED, "unlisted")       /* an answer's address that the policy would not let out */  \
	X(TLS, "tls")                 /* no handshake: an alert, or another protocol */            \
	X(CERTIFICATE, "certificate") /* a handshake, but a certificate that nobody accepts */     \
	X(HTTP, "http")               /* a status that is no success */                            \
	X(FTP, "ftp")                 /* a greeting that is no welcome */                          \
	X(PROXY, "proxy")             /* the proxy cannot be used, or does not want to */          \
	X(PROTOCOL, "protocol")       /* something else answers there */                           \
	X(INTERNAL, "internal")       /* this machine could not try */

/* What is wrong with a certificate. */
#define ME_CERTIFICATE_LIST(X)                                                                     \
	X(GOOD, "")                                                                                \
	X(NAME, "name")               /* it is another's */                                        \
	X(EXPIRED, "expired")         /* */                                                        \
	X(EARLY, "not-yet-valid")     /* */                                                        \
	X(SELF_SIGNED, "self-signed") /* nobody vouches for it */                                  \
	X(ISSUER, "issuer")           /* nobody who is trusted here vouches for it */

#define ME_PICK(constant, label) ME_PROBE_BY_##constant,
enum me_probe_method { ME_PROBE_METHOD_LIST(ME_PICK) ME_PROBE_METHODS };
#undef ME_PICK

#define ME_PICK(constant, label) ME_PROBE_##constant,
enum me_probe_outcome { ME_PROBE_OUTCOME_LIST(ME_PICK) ME_PROBE_OUTCOMES };
#undef ME_PICK

#define ME_PICK(constant, label) ME_CERTIFICATE_##constant,
enum me_certificate_problem { ME_CERTIFICATE_LIST(ME_PICK) ME_CERTIFICATE_PROBLEMS };
#undef ME_PICK

const char *me_probe_method_label(enum me_probe_method method);
const char *me_probe_outcome_label(enum me_probe_outcome outcome);
const char *me_certificate_label(enum me_certificate_problem problem);

/* Whether something is in the way. */
static inline bool me_probe_is_bad(enum me_probe_outcome outcome)
{
	return outcome >= ME_PROBE_REFUSED;
}

#endif
