/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/inet.h"
#include "policy/endpoint.h"
#include "policy/suggest_parts.h"

const char *me_suggest_refused(const struct me_offence *offence)
{
	/* The kernel lets a program connect to it; nobody can mean that. */
	if (!offence->dport && me_proto_has_ports(offence->proto))
		return "there is no port 0";
	switch (offence->reason) {
	case ME_REASON_UNPARSABLE:
		return "nobody knows where it went";
	case ME_REASON_WRONG_RESOLVER:
		return "DNS goes to the configured resolvers: name it in `resolvers:` if it is one";
	case ME_REASON_ENCRYPTED_DNS:
		return "it hides the names by which the rest is judged";
	case ME_REASON_PEER_UNKNOWN:
		return "name it in `peers:` if it is one";
	case ME_REASON_REMOTING_OFF_HOST:
		return "remoting is for the host itself";
	case ME_REASON_FTP_UNANNOUNCED:
		return "`passive:` of the FTP rule says which data connections it takes";
	case ME_REASON_QUIC:
		return "nobody can read whom it asks; clients take TCP instead when it fails";
	default:
		return NULL;
	}
}

/* Names as policies have them; anything else came from who knows where. */
static bool is_name(const char *name)
{
	struct me_addr address;

	return strchr(name, '.') && strlen(name) <= ME_HOSTNAME_MAX && !me_name_fault(name) &&
	       me_inet_parse(name, address.byte);
}

bool me_suggest_name(struct me_offence *offence, const char *name, uint8_t witness)
{
	char lower[ME_NAME_ROOM];
	size_t length = 0;

	for (; name[length] && length < sizeof(lower) - 1; length++)
		lower[length] = name[length] >= 'A' && name[length] <= 'Z'
					? (char)(name[length] - 'A' + 'a')
					: name[length];
	lower[length] = '\0';
	if (name[length] || !is_name(lower))
		return false;
	for (size_t i = 0; i < offence->n_names; i++) {
		if (strcmp(offence->names[i].name, lower))
			continue;
		offence->names[i].witnesses |= witness;
		return true;
	}
	if (offence->n_names == ME_SUGGEST_NAMES_MAX)
		return false;
	memcpy(offence->names[offence->n_names].name, lower, length + 1);
	offence->names[offence->n_names++].witnesses = witness;
	return true;
}

/* Whether the client said a name: then an address may be allowed, and the flow a mismatch still. */
bool me_offence_is_said(const struct me_offence *offence)
{
	bool said = offence->reason == ME_REASON_NAME_MISMATCH;

	for (size_t i = 0; i < offence->n_names; i++)
		said |= (offence->names[i].witnesses & ME_WITNESS_CLIENT) != 0;
	return said;
}

/*
 * Whether a rule for this name of it would allow the offence: where the client says a name, only that
 * one does, and against a mismatch only what a client said.
 */
bool me_offence_serves(const struct me_offence *offence, const struct me_offence_name *name)
{
	return !me_offence_is_said(offence) || (name->witnesses & ME_WITNESS_CLIENT);
}

bool me_offence_has_name(const struct me_offence *offence, const char *name)
{
	for (size_t i = 0; i < offence->n_names; i++) {
		if (!strcmp(offence->names[i].name, name))
			return me_offence_serves(offence, &offence->names[i]);
	}
	return false;
}

/* The name that serves most offences. */
static const char *best_name(const struct me_offence *offences, size_t n,
			     const struct me_offence *offence)
{
	const struct me_offence_name *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < offence->n_names; i++) {
		const struct me_offence_name *name = &offence->names[i];
		size_t served = 0;

		if (!me_offence_serves(offence, name))
			continue;
		for (size_t j = 0; j < n; j++)
			served += !me_suggest_refused(&offences[j]) &&
				  me_offence_has_name(&offences[j], name->name);
		if (!best || served > most) {
			best = name;
			most = served;
		}
	}
	return best ? best->name : NULL;
}

/* Whether so many destinations without a name were asked on this port that one rule says it better. */
static bool is_for_any(const struct me_offence *offences, size_t n,
		       const struct me_offence *offence)
{
	const struct me_offence *seen[ME_SUGGEST_ANY_MIN];
	size_t n_seen = 0;

	if (me_offence_is_said(offence) || me_addr_kind(&offence->dst) != ME_ADDR_GLOBAL)
		return false;
	for (size_t i = 0; i < n && n_seen < ME_SUGGEST_ANY_MIN; i++) {
		bool again = false;

		if (offences[i].n_names || me_suggest_refused(&offences[i]) ||
		    offences[i].proto != offence->proto || offences[i].dport != offence->dport ||
		    me_addr_kind(&offences[i].dst) != ME_ADDR_GLOBAL)
			continue;
		for (size_t j = 0; j < n_seen; j++)
			again |= me_addr_equal(&seen[j]->dst, &offences[i].dst);
		if (!again)
			seen[n_seen++] = &offences[i];
	}
	return n_seen == ME_SUGGEST_ANY_MIN;
}

/* The suggestion with this destination, made if there is none. */
static size_t find_or_add(struct me_suggestions *s, enum me_suggestion_kind kind, const char *to)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->list[i].to, to))
			return i;
	}
	s->list[s->n].kind = kind;
	snprintf(s->list[s->n].to, sizeof(s->list[s->n].to), "%s", to);
	return s->n++;
}

static size_t choose(struct me_suggestions *s, const struct me_offence *offences, size_t n,
		     size_t at, bool any)
{
	const struct me_offence *offence = &offences[at];
	char address[ME_INET_LEN];
	const char *name;

	if (me_suggest_refused(offence))
		return ME_NOT_SUGGESTED;
	if (any && is_for_any(offences, n, offence))
		return find_or_add(s, ME_SUGGEST_ANY, "any");
	name = best_name(offences, n, offence);
	if (name)
		return find_or_add(s, ME_SUGGEST_NAME, name);
	if (offence->reason == ME_REASON_NAME_MISMATCH)
		return ME_NOT_SUGGESTED;
	me_inet_format(offence->dst.byte, address);
	return find_or_add(s, ME_SUGGEST_ADDRESS, address);
}

int me_suggest(const struct me_offence *offences, size_t n, bool any,
	       struct me_suggestions *ret_suggestions)
{
	struct me_suggestions s = {
		.list = calloc(n + 1, sizeof(*s.list)),
		.of = calloc(n + 1, sizeof(*s.of)),
	};
	_cleanup_free_ bool *gone = calloc(n + 1, sizeof(*gone));

	if (!s.list || !s.of || !gone) {
		me_suggestions_free(&s);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		s.of[i] = choose(&s, offences, n, i, any);
	me_suggest_fewer(&s, offences, n, gone);
	*ret_suggestions = s;
	return 0;
}

void me_suggestions_free(struct me_suggestions *suggestions)
{
	free(suggestions->list);
	free(suggestions->of);
	*suggestions = (struct me_suggestions){0};
}
