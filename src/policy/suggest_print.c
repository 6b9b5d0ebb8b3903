/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "policy/ports.h"
#include "policy/rules.h"
#include "policy/suggest.h"

/* Where names lead only with `private: true` (DESIGN, "Trust in answers"). */
static bool is_private(const struct me_addr *address)
{
	uint32_t v4 = ME_NET32(address->word[3]);

	if (!me_addr_is_v4(address))
		return (address->byte[0] & 0xfe) == 0xfc;
	return v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 || v4 >> 22 == 0x191;
}

bool me_suggest_private(const struct me_suggestions *suggestions, size_t at,
			const struct me_offence *offences, size_t n)
{
	bool found = false;

	if (suggestions->list[at].kind > ME_SUGGEST_WILDCARD)
		return false;
	for (size_t i = 0; i < n; i++)
		found |= suggestions->of[i] == at && is_private(&offences[i].dst);
	return found;
}

const char *me_suggest_service(const struct me_suggestions *suggestions, size_t at,
			       const struct me_offence *offences, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (suggestions->of[i] == at && me_rule_takes_service(offences[i].service))
			return offences[i].service;
	}
	return "suggested";
}

static void add_port(struct me_strbuf *out, const struct me_offence *offence)
{
	const struct me_ports ports = {offence->proto, offence->dport, offence->dport};
	char text[ME_PORTS_LEN];

	me_ports_format(&ports, text);
	me_strbuf_adds(out, text);
}

void me_suggest_ports(const struct me_suggestions *suggestions, size_t at,
		      const struct me_offence *offences, size_t n, struct me_strbuf *out)
{
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		bool again = false;

		if (suggestions->of[i] != at)
			continue;
		for (size_t j = 0; j < i && !again; j++)
			again = suggestions->of[j] == at &&
				offences[j].proto == offences[i].proto &&
				offences[j].dport == offences[i].dport;
		if (again)
			continue;
		me_strbuf_adds(out, first ? "" : ", ");
		add_port(out, &offences[i]);
		first = false;
	}
}

static void add_risk(struct me_strbuf *out, bool *first, const char *text)
{
	me_strbuf_addf(out, "%s%s", *first ? "" : "; ", text);
	*first = false;
}

void me_suggest_risks(const struct me_suggestions *suggestions, size_t at,
		      const struct me_offence *offences, size_t n, struct me_strbuf *out)
{
	const struct me_suggestion *s = &suggestions->list[at];
	uint8_t witnesses = 0;
	bool first = true, shared = false;

	for (size_t i = 0; i < n; i++) {
		if (suggestions->of[i] != at)
			continue;
		shared |= offences[i].n_names > 1;
		for (size_t j = 0; j < offences[i].n_names; j++) {
			if (s->kind == ME_SUGGEST_WILDCARD ||
			    !strcmp(offences[i].names[j].name, s->to))
				witnesses |= offences[i].names[j].witnesses;
		}
	}
	if (s->kind == ME_SUGGEST_ANY)
		add_risk(out, &first, "broad: every global address");
	if (s->kind == ME_SUGGEST_WILDCARD)
		add_risk(out, &first, "broad: every name with one label more, not only those seen");
	if (s->kind == ME_SUGGEST_ADDRESS)
		add_risk(out, &first,
			 "an address, no name is known: whoever answers there is allowed");
	if (shared)
		add_risk(out, &first, "shared address: it has other names as well");
	if (witnesses == ME_WITNESS_DNS)
		add_risk(out, &first, "single witness: the DNS alone, no client said this name");
	if (witnesses == ME_WITNESS_CLIENT)
		add_risk(out, &first,
			 "single witness: clients alone, no answer gave this name the address");
	if (first)
		me_strbuf_adds(out, "none that was seen");
}

/* One line for what was seen, behind a `#`. */
static void add_evidence(struct me_strbuf *out, const struct me_offence *offence)
{
	char address[ME_INET_LEN];

	me_inet_format(offence->dst.byte, address);
	me_strbuf_addf(out, "#   %llu times, %s to %s: %s ", (unsigned long long)offence->count,
		       offence->first, offence->last, address);
	add_port(out, offence);
	me_strbuf_addf(out, " %s", me_reason_label(offence->reason));
	for (size_t i = 0; i < offence->n_names; i++)
		me_strbuf_addf(out, "%s%s (%s)", i ? ", " : "; names: ", offence->names[i].name,
			       offence->names[i].witnesses == ME_WITNESS_DNS      ? "DNS"
			       : offence->names[i].witnesses == ME_WITNESS_CLIENT ? "client"
										  : "DNS, client");
	me_strbuf_addc(out, '\n');
}

static void add_rule(const struct me_suggestions *suggestions, size_t at,
		     const struct me_offence *offences, size_t n, struct me_strbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (suggestions->of[i] != at)
			continue;
		me_strbuf_adds(out, "  ");
		add_evidence(out, &offences[i]);
	}
	me_strbuf_adds(out, "  # risk: ");
	me_suggest_risks(suggestions, at, offences, n, out);
	me_strbuf_addf(out, "\n  - service: \"%s\"\n    to: \"%s\"\n    ports: [",
		       me_suggest_service(suggestions, at, offences, n), suggestions->list[at].to);
	me_suggest_ports(suggestions, at, offences, n, out);
	me_strbuf_adds(out, "]\n");
	if (me_suggest_private(suggestions, at, offences, n))
		me_strbuf_adds(out, "    private: true\n");
}

void me_suggest_print(const struct me_suggestions *suggestions, const struct me_offence *offences,
		      size_t n, struct me_strbuf *out)
{
	me_strbuf_adds(out, "version: 1\n");
	for (size_t i = 0; i < n; i++) {
		const char *why = me_suggest_refused(&offences[i]);

		if (suggestions->of[i] != ME_NOT_SUGGESTED)
			continue;
		me_strbuf_addf(out, "# not suggested, because %s:\n",
			       why ? why : "the client said no name that a rule could have");
		add_evidence(out, &offences[i]);
	}
	me_strbuf_adds(out, suggestions->n ? "allow:\n" : "# nothing to suggest\n");
	for (size_t at = 0; at < suggestions->n; at++)
		add_rule(suggestions, at, offences, n, out);
}
