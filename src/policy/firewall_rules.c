/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include "base/text.h"
#include "mewatch/ftp.h"
#include "policy/firewall_parts.h"

#define COMMENT_ROOM 121 /* nft takes 128 bytes */

/* The two families: how nft writes them. */
static const struct {
	uint8_t family;
	char number;
	const char *ip;
} families[] = {
	{ME_FIREWALL_V4, '4', "ip"},
	{ME_FIREWALL_V6, '6', "ip6"},
};

void me_firewall_who(const struct me_firewall *f, uint32_t rank)
{
	const struct me_rule *rule = me_firewall_rule(f, rank);
	char text[ME_POLICY_TEXT_MAX + 64], safe[COMMENT_ROOM];
	const char *file = rule->at.file ? rule->at.file : "";
	const char *base = strrchr(file, '/');

	snprintf(text, sizeof(text), "%s (%s:%u)%s", rule->slug, base ? base + 1 : file,
		 rule->at.line, rule->retired ? ", retired" : "");
	me_text_escape(safe, sizeof(safe), text, strlen(text));
	me_strbuf_adds(f->out, safe);
}

static void accept_for(const struct me_firewall *f, uint32_t rank)
{
	me_strbuf_adds(f->out, " counter accept comment \"");
	me_firewall_who(f, rank);
	me_strbuf_adds(f->out, "\"\n");
}

/* Whether the entry is one that reaches every global address. */
static bool is_any(const struct me_firewall *f, uint32_t rank)
{
	return f->entries.list[rank].match == ME_MATCH_ANY ||
	       (me_firewall_to(f, rank)->kind == ME_TO_RESOLVERS &&
		f->policy->resolvers.kind == ME_RESOLVERS_RECURSIVE);
}

/* Where the entry leads, in one family. */
static void destination(const struct me_firewall *f, uint32_t rank, size_t v)
{
	struct me_strbuf *out = f->out;

	me_strbuf_addf(out, "\t\t%s daddr ", families[v].ip);
	if (is_any(f, rank)) {
		me_strbuf_addf(out, "!= @special%c", families[v].number);
		return;
	}
	me_strbuf_addf(out, "@e%u_%c", rank, families[v].number);
	if (!me_firewall_is_name(f, rank))
		return;
	me_strbuf_addf(out, " %s daddr != @special%c", families[v].ip, families[v].number);
	if (!me_firewall_rule(f, rank)->private_space)
		me_strbuf_addf(out, " %s daddr != @private%c", families[v].ip, families[v].number);
}

/* The pair of client and server goes into a set, for as long as limits.ftp says. */
static void remember(const struct me_firewall *f, const char *set, size_t v)
{
	me_strbuf_addf(f->out, " update @%s%c { %s saddr . %s daddr timeout %llus }", set,
		       families[v].number, families[v].ip, families[v].ip,
		       (unsigned long long)((f->policy->limits.ftp_ns + 999999999) / 1000000000));
}

/* Control connections, in front of the entry's other ports: data connections follow from them. */
static void allow_control(const struct me_firewall *f, uint32_t rank, size_t v)
{
	uint8_t flags = f->entries.list[rank].flags;

	destination(f, rank, v);
	me_strbuf_addf(f->out, " tcp dport %u", ME_FTP_PORT);
	remember(f, "ftp", v);
	if (flags & ME_ENTRY_DOCUMENTED)
		remember(f, "ftp_documented", v);
	if (flags & ME_ENTRY_ANY_DATA)
		remember(f, "ftp_any", v);
	if ((flags & ME_ENTRY_ANNOUNCED) && !f->options->no_helper)
		me_strbuf_adds(f->out, " ct helper set \"ftp\"");
	accept_for(f, rank);
}

static bool has_control(const struct me_firewall *f, uint32_t rank)
{
	const struct me_rule *rule = me_firewall_rule(f, rank);

	for (size_t i = 0; (f->entries.list[rank].flags & ME_ENTRY_FTP) && i < rule->n_ports; i++) {
		if (rule->ports[i].proto == IPPROTO_TCP && rule->ports[i].low <= ME_FTP_PORT &&
		    rule->ports[i].high >= ME_FTP_PORT)
			return true;
	}
	return false;
}

static void allow_entry(const struct me_firewall *f, uint32_t rank)
{
	const struct me_rule *rule = me_firewall_rule(f, rank);
	struct me_strbuf matches[ME_FIREWALL_MATCHES] = {0};
	uint8_t there = is_any(f, rank) ? ME_FIREWALL_V4 | ME_FIREWALL_V6 : f->families[rank];

	me_firewall_ports(rule->ports, rule->n_ports, matches);
	for (size_t v = 0; v < ME_ARRAY_SIZE(families); v++) {
		if (!(there & families[v].family))
			continue;
		if (has_control(f, rank))
			allow_control(f, rank, v);
		for (size_t i = 0; i < ME_FIREWALL_MATCHES; i++) {
			if (!matches[i].len)
				continue;
			destination(f, rank, v);
			me_strbuf_addf(f->out, " %s", matches[i].data);
			accept_for(f, rank);
		}
	}
	for (size_t i = 0; i < ME_FIREWALL_MATCHES; i++) {
		if (matches[i].err)
			f->out->err = matches[i].err;
		me_strbuf_free(&matches[i]);
	}
}

/* Data connections that no rule allows, by what is known of the control connection beside them. */
static void allow_data(const struct me_firewall *f)
{
	for (size_t v = 0; f->ftp && v < ME_ARRAY_SIZE(families); v++) {
		const char *ip = families[v].ip;

		me_strbuf_addf(f->out,
			       "\t\t%s saddr . %s daddr @ftp_documented%c tcp dport 1-1023 counter "
			       "accept comment \"FTP data, documented\"\n"
			       "\t\t%s saddr . %s daddr @ftp_any%c meta l4proto 6 counter accept "
			       "comment \"FTP data, any\"\n",
			       ip, ip, families[v].number, ip, ip, families[v].number);
	}
}

void me_firewall_allow(const struct me_firewall *f)
{
	/* A control connection that speaks keeps its pair. */
	for (size_t v = 0; f->ftp && v < ME_ARRAY_SIZE(families); v++) {
		static const char *const sets[] = {"ftp", "ftp_documented", "ftp_any"};

		for (size_t i = 0; i < ME_ARRAY_SIZE(sets); i++) {
			me_strbuf_addf(f->out, "\t\ttcp dport %u %s saddr . %s daddr @%s%c",
				       ME_FTP_PORT, families[v].ip, families[v].ip, sets[i],
				       families[v].number);
			remember(f, sets[i], v);
			me_strbuf_adds(f->out, "\n");
		}
	}
	me_strbuf_adds(
		f->out,
		"\t\tct state established counter accept comment \"under way\"\n"
		"\t\tct state related counter accept comment \"FTP data, announced\"\n"
		"\t\tmeta pkttype broadcast counter accept comment \"link\"\n"
		"\t\tip daddr { 224.0.0.0/24, 255.255.255.255 } counter accept comment \"link\"\n"
		"\t\tip6 daddr { ff01::/16, ff02::/16 } counter accept comment \"link\"\n"
		"\t\tmeta l4proto 2 counter accept comment \"link\"\n"
		"\t\ticmpv6 type { 130-137, 143, 151-153 } counter accept comment \"link\"\n"
		"\t\ticmp type { 3, 11, 12 } counter accept comment \"error\"\n"
		"\t\ticmpv6 type { 1-4 } counter accept comment \"error\"\n");
	for (uint32_t rank = 1; rank < f->entries.count; rank++) {
		if (f->entries.list[rank].match != ME_MATCH_LOCAL)
			allow_entry(f, rank);
	}
	allow_data(f);
	me_strbuf_adds(f->out, "\t\tgoto violations\n");
}

void me_firewall_own(const struct me_firewall *f)
{
	for (uint32_t rank = 1; rank < f->entries.count; rank++) {
		const struct me_rule *rule = me_firewall_rule(f, rank);
		struct me_strbuf matches[ME_FIREWALL_MATCHES] = {0};

		if (f->entries.list[rank].match != ME_MATCH_LOCAL)
			continue;
		me_firewall_ports(rule->ports, rule->n_ports, matches);
		for (size_t i = 0; i < ME_FIREWALL_MATCHES; i++) {
			if (matches[i].len) {
				me_strbuf_addf(f->out, "\t\t%s", matches[i].data);
				accept_for(f, rank);
			}
			if (matches[i].err)
				f->out->err = matches[i].err;
			me_strbuf_free(&matches[i]);
		}
	}
	me_strbuf_adds(f->out, "\t\tcounter accept comment \"local\"\n");
}
