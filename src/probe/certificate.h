/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_PROBE_CERTIFICATE_H
#define MEWATCH_PROBE_CERTIFICATE_H

/* What a TLS server showed, and what is wrong with it. Pure. */
#include <string.h>
#include <time.h>
#include "probe/outcome.h"

#define ME_CERTIFICATE_TEXT_MAX 256u /* bytes kept of a name; the rest is cut off */

/* With how much checking a handshake came about: less each time that it was refused. */
enum me_trust {
	ME_TRUST_ALL,   /* the name, the chain and its times */
	ME_TRUST_CHAIN, /* the chain and its times */
	ME_TRUST_NONE,
};

struct me_certificate {
	char subject[ME_CERTIFICATE_TEXT_MAX]; /* raw: escaped on its way out; "": there is none */
	char issuer[ME_CERTIFICATE_TEXT_MAX];
	char names[ME_CERTIFICATE_TEXT_MAX]; /* "DNS:a.example, DNS:b.example" */
	time_t starts, expires;              /* -1: could not be read */
	bool unchecked; /* this machine has no store of authorities to check it with */
	enum me_certificate_problem problem;
};

/*
 * The problem of a certificate that was accepted with `trust`. Of an endpoint that is an address
 * alone (`named` false) nobody can say what name to expect.
 */
static inline enum me_certificate_problem me_certificate_problem(
	const struct me_certificate *certificate, enum me_trust trust, bool named, time_t now)
{
	if (trust == ME_TRUST_ALL)
		return ME_CERTIFICATE_GOOD;
	if (trust == ME_TRUST_CHAIN)
		return named ? ME_CERTIFICATE_NAME : ME_CERTIFICATE_GOOD;
	if (certificate->expires != -1 && certificate->expires < now)
		return ME_CERTIFICATE_EXPIRED;
	if (certificate->starts != -1 && certificate->starts > now)
		return ME_CERTIFICATE_EARLY;
	if (certificate->unchecked)
		return ME_CERTIFICATE_GOOD;
	return strcmp(certificate->subject, certificate->issuer) == 0 ? ME_CERTIFICATE_SELF_SIGNED
								      : ME_CERTIFICATE_ISSUER;
}

#endif
