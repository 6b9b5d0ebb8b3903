/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "policy/suggest_parts.h"

/* Another suggestion that would do for the offence. */
static size_t other_of(const struct me_suggestions *s, const bool *gone, size_t at,
		       const struct me_offence *offence)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i != at && !gone[i] && s->list[i].kind == ME_SUGGEST_NAME &&
		    me_offence_has_name(offence, s->list[i].to))
			return i;
	}
	return ME_NOT_SUGGESTED;
}

/* Leaves out names all of whose offences others would allow, if they had the ports. */
static void merge(struct me_suggestions *s, const struct me_offence *offences, size_t n, bool *gone)
{
	for (size_t at = 0; at < s->n; at++) {
		bool needed = s->list[at].kind != ME_SUGGEST_NAME;

		for (size_t i = 0; i < n && !needed; i++)
			needed = s->of[i] == at &&
				 other_of(s, gone, at, &offences[i]) == ME_NOT_SUGGESTED;
		if (needed)
			continue;
		for (size_t i = 0; i < n; i++) {
			if (s->of[i] == at)
				s->of[i] = other_of(s, gone, at, &offences[i]);
		}
		gone[at] = true;
	}
}

/* What lies behind the first label, if that is more than a public suffix of one label. */
static const char *parent_of(const struct me_suggestion *suggestion)
{
	const char *dot = suggestion->kind == ME_SUGGEST_NAME ? strchr(suggestion->to, '.') : NULL;

	return dot && strchr(dot + 1, '.') ? dot + 1 : NULL;
}

/* One wildcard for names that differ in their first label alone. */
static void widen(struct me_suggestions *s, size_t n, bool *gone)
{
	for (size_t at = 0; at < s->n; at++) {
		const char *parent = gone[at] ? NULL : parent_of(&s->list[at]);
		char wildcard[sizeof(s->list[at].to)];
		size_t alike = 0;

		for (size_t j = at; parent && j < s->n; j++) {
			const char *other = gone[j] ? NULL : parent_of(&s->list[j]);

			alike += other && !strcmp(parent, other);
		}
		if (alike < ME_SUGGEST_WILDCARD_MIN)
			continue;
		snprintf(wildcard, sizeof(wildcard), "*.%s", parent);
		for (size_t j = at + 1; j < s->n; j++) {
			const char *other = gone[j] ? NULL : parent_of(&s->list[j]);

			if (!other || strcmp(parent, other))
				continue;
			gone[j] = true;
			for (size_t i = 0; i < n; i++) {
				if (s->of[i] == j)
					s->of[i] = at;
			}
		}
		s->list[at].kind = ME_SUGGEST_WILDCARD;
		memcpy(s->list[at].to, wildcard, sizeof(wildcard));
	}
}

static bool leads_to(const struct me_suggestion *suggestion, const struct me_offence *offence)
{
	char address[ME_INET_LEN];

	switch (suggestion->kind) {
	case ME_SUGGEST_NAME:
		return me_offence_has_name(offence, suggestion->to);
	case ME_SUGGEST_WILDCARD:
		for (size_t i = 0; i < offence->n_names; i++) {
			const char *dot = strchr(offence->names[i].name, '.');

			if (!strcmp(dot, suggestion->to + 1) &&
			    me_offence_serves(offence, &offence->names[i]))
				return true;
		}
		return false;
	case ME_SUGGEST_ADDRESS:
		me_inet_format(offence->dst.byte, address);
		return !me_offence_is_said(offence) && !strcmp(address, suggestion->to);
	default:
		return !me_offence_is_said(offence) &&
		       me_addr_kind(&offence->dst) == ME_ADDR_GLOBAL;
	}
}

/* Another suggestion that allows the offence as it is, or ME_NOT_SUGGESTED. */
static size_t other_with_port(const struct me_suggestions *s, const struct me_offence *offences,
			      size_t n, const bool *gone, size_t at,
			      const struct me_offence *offence)
{
	for (size_t i = 0; i < n; i++) {
		size_t other = s->of[i];

		if (other != at && other != ME_NOT_SUGGESTED && !gone[other] &&
		    offences[i].proto == offence->proto && offences[i].dport == offence->dport &&
		    leads_to(&s->list[other], offence))
			return other;
	}
	return ME_NOT_SUGGESTED;
}

/* Leaves out those that others make superfluous: afterwards none can be missed. */
static void prune(struct me_suggestions *s, const struct me_offence *offences, size_t n, bool *gone)
{
	for (size_t at = 0; at < s->n; at++) {
		bool needed = gone[at];

		for (size_t i = 0; i < n && !needed; i++)
			needed = s->of[i] == at &&
				 other_with_port(s, offences, n, gone, at, &offences[i]) ==
					 ME_NOT_SUGGESTED;
		if (needed)
			continue;
		for (size_t i = 0; i < n; i++) {
			if (s->of[i] == at)
				s->of[i] = other_with_port(s, offences, n, gone, at, &offences[i]);
		}
		gone[at] = true;
	}
}

/* Closes the gaps. */
static void pack(struct me_suggestions *s, size_t n, const bool *gone)
{
	size_t kept = 0;

	for (size_t at = 0; at < s->n; at++) {
		if (gone[at])
			continue;
		for (size_t i = 0; i < n; i++) {
			if (s->of[i] == at)
				s->of[i] = kept;
		}
		s->list[kept++] = s->list[at];
	}
	s->n = kept;
}

void me_suggest_fewer(struct me_suggestions *s, const struct me_offence *offences, size_t n,
		      bool *gone)
{
	merge(s, offences, n, gone);
	widen(s, n, gone);
	prune(s, offences, n, gone);
	pack(s, n, gone);
}
