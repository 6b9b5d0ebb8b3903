/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MEWATCH_ANSWER_H
#define MEWATCH_ANSWER_H

/*
 * What an endpoint answers first, pure: the status of an HTTP/1.x response (RFC 9112, section 4), or a
 * fatal alert of TLS (RFC 8446, sections 5.1 and 6). The bytes tell which, the port does not matter:
 * proxies and update servers speak HTTP on any.
 *
 * Only the first segment of a connection is read. A status line that is split over two is not
 * understood; nor is an alert behind another record, as the end of a TLS 1.2 handshake may have it.
 */
#include <linux/types.h>

#define ME_ANSWER_BYTES 12u     /* that are looked at: "HTTP/1.1 503" */
#define ME_ANSWER_TLS_BYTES 7u  /* an alert in its record */
#define ME_ANSWER_ALERT 0x8000u /* in front of the description */
#define ME_ANSWER_FAILED                                                                           \
	400u /* from here on, alerts included, the endpoint did not do what it should */

/* Descriptions of alerts (RFC 8446, section 6; RFC 5246, section 7.2): number, name. */
#define ME_ALERT_LIST(X)                                                                           \
	X(0, "close_notify")                                                                       \
	X(10, "unexpected_message")                                                                \
	X(20, "bad_record_mac")                                                                    \
	X(22, "record_overflow")                                                                   \
	X(40, "handshake_failure")                                                                 \
	X(42, "bad_certificate")                                                                   \
	X(43, "unsupported_certificate")                                                           \
	X(44, "certificate_revoked")                                                               \
	X(45, "certificate_expired")                                                               \
	X(46, "certificate_unknown")                                                               \
	X(47, "illegal_parameter")                                                                 \
	X(48, "unknown_ca")                                                                        \
	X(49, "access_denied")                                                                     \
	X(50, "decode_error")                                                                      \
	X(51, "decrypt_error")                                                                     \
	X(70, "protocol_version")                                                                  \
	X(71, "insufficient_security")                                                             \
	X(80, "internal_error")                                                                    \
	X(86, "inappropriate_fallback")                                                            \
	X(90, "user_canceled")                                                                     \
	X(100, "no_renegotiation")                                                                 \
	X(109, "missing_extension")                                                                \
	X(110, "unsupported_extension")                                                            \
	X(112, "unrecognized_name")                                                                \
	X(113, "bad_certificate_status_response")                                                  \
	X(115, "unknown_psk_identity")                                                             \
	X(116, "certificate_required")                                                             \
	X(120, "no_application_protocol")

static inline int me_answer_digit(__u8 c)
{
	return c >= '0' && c <= '9';
}

/* A record with nothing but a fatal alert. */
static inline int me_answer_is_fatal(const __u8 *bytes)
{
	return bytes[0] == 21 && bytes[1] == 3 && bytes[2] <= 4 && !bytes[3] && bytes[4] == 2 &&
	       bytes[5] == 2;
}

/* "HTTP/1.x NNN". */
static inline int me_answer_is_status(const __u8 *bytes)
{
	return bytes[0] == 'H' && bytes[1] == 'T' && bytes[2] == 'T' && bytes[3] == 'P' &&
	       bytes[4] == '/' && bytes[5] == '1' && bytes[6] == '.' && me_answer_digit(bytes[7]) &&
	       bytes[8] == ' ' && me_answer_digit(bytes[9]) && bytes[9] != '0' &&
	       me_answer_digit(bytes[10]) && me_answer_digit(bytes[11]);
}

/*
 * Reads the first `length` bytes that were received; no more than ME_ANSWER_BYTES are looked at. The
 * status, 100 to 999; ME_ANSWER_ALERT and the description of an alert; 0: neither.
 */
static inline __u16 me_answer_read(const __u8 *bytes, __u32 length)
{
	if (length >= ME_ANSWER_TLS_BYTES && me_answer_is_fatal(bytes))
		return ME_ANSWER_ALERT | bytes[6];
	if (length >= ME_ANSWER_BYTES && me_answer_is_status(bytes))
		return (bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 + bytes[11] - '0';
	return 0;
}

/* Whether it says that the endpoint did not do what it should. */
static inline int me_answer_failed(__u16 answer)
{
	return answer >= ME_ANSWER_FAILED;
}

/* Whether it is the status of a response that is none of these. */
static inline int me_answer_succeeded(__u16 answer)
{
	return answer && !me_answer_failed(answer);
}

#ifndef __bpf__
/* The name of an alert; NULL: it has none. */
static inline const char *me_alert_label(__u8 description)
{
#define ME_PICK_ALERT(number, name)                                                                \
	case number:                                                                               \
		return name;
	switch (description) {
		ME_ALERT_LIST(ME_PICK_ALERT)
	default:
		return (const char *)0;
	}
#undef ME_PICK_ALERT
}
#endif

#endif
