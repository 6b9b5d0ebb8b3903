/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_STORE_SERIES_H
#define MEWATCH_STORE_SERIES_H

/*
 * What the history counts: every counter of /metrics, under the name it has there without "mewatch_" and
 * "_total". The columns say which label of /metrics stands where; a column that is not used is "".
 */

/* constant, name, vantage, service and endpoint are used, what `kind` and `detail` hold */
#define ME_SERIES_LIST(X)                                                                          \
	X(ATTEMPTS, "attempts", 1, 0, 0, "", "")                                                   \
	X(CONNECTIONS, "connections", 1, 1, 0, "verdict", "reason")                                \
	X(VIOLATIONS, "violations", 0, 1, 0, "state", "reason")                                    \
	X(DENIED, "denied", 1, 1, 0, "reason", "")                                                 \
	X(SHADOW_DENIED, "shadow_denied", 1, 1, 0, "reason", "")                                   \
	X(SOCKETS_DENIED, "sockets_denied", 0, 0, 0, "kind", "")                                   \
	X(SOCKETS_SHADOW_DENIED, "sockets_shadow_denied", 0, 0, 0, "kind", "")                     \
	X(FINDINGS, "findings", 0, 0, 0, "kind", "")                                               \
	X(PREEXISTING, "preexisting_flows", 1, 0, 0, "verdict", "")                                \
	X(BLIND_SPOTS, "blind_spots", 0, 0, 0, "kind", "")                                         \
	X(UNPARSED, "unparsed_packets", 0, 0, 0, "cause", "")                                      \
	X(STRAYS, "stray_segments", 0, 0, 0, "", "")                                               \
	X(ONE_SIDED, "one_sided_flows", 0, 0, 0, "", "")                                           \
	X(FTP, "ftp_data_connections", 0, 0, 0, "mode", "evidence")                                \
	X(UDP_PROBES, "udp_probes", 0, 0, 0, "", "")                                               \
	X(OVERFLOW, "flow_overflow", 0, 0, 0, "", "")                                              \
	X(EVENTS_LOST, "events_lost", 0, 0, 0, "source", "")                                       \
	X(RELOADS, "policy_reloads", 0, 0, 0, "result", "")                                        \
	X(DNS_QUERIES, "dns_queries", 0, 0, 0, "category", "")                                     \
	X(DNS_RESPONSES, "dns_responses", 0, 0, 0, "category", "rcode")                            \
	X(DNSBL_REFUSALS, "dnsbl_refusals", 0, 0, 0, "zone", "")                                   \
	X(NAMES_REFUSED, "names_refused", 0, 0, 0, "cause", "")                                    \
	X(ENDPOINT_ATTEMPTS, "endpoint_attempts", 0, 1, 1, "", "")                                 \
	X(ENDPOINT_CONNECTIONS, "endpoint_connections", 0, 1, 1, "outcome", "")                    \
	X(ENDPOINT_RESETS, "endpoint_resets", 0, 1, 1, "", "")                                     \
	X(ENDPOINT_ANSWERS, "endpoint_answers", 0, 1, 1, "answer", "")                             \
	X(ENDPOINT_DNS_FAILURES, "endpoint_dns_failures", 0, 1, 1, "cause", "")                    \
	X(ENDPOINT_BYTES, "endpoint_bytes", 0, 1, 1, "direction", "")

#define ME_PICK_SERIES(constant, name, vantage, service, endpoint, kind, detail)                   \
	ME_SERIES_##constant,
enum me_series { ME_SERIES_LIST(ME_PICK_SERIES) ME_SERIES_COUNT };
#undef ME_PICK_SERIES

/* The name; "?" for none of them. */
const char *me_series_name(enum me_series series);

/* The one with that name; ME_SERIES_COUNT: none. */
enum me_series me_series_find(const char *name);

#endif
