/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/inet.h"
#include "policy/firewall_parts.h"

#define ADDRESS_OF_4 "type ipv4_addr"
#define ADDRESS_OF_6 "type ipv6_addr"

/* ::ffff:0:0, around which a short prefix means every IPv4 address as well */
static const struct me_addr mapped = {.word = {0, 0, ME_MAPPED_PREFIX, 0}};

static unsigned int families_of(const struct me_target *target)
{
	if (target->bits >= 96)
		return me_addr_is_v4(&target->address) ? ME_FIREWALL_V4 : ME_FIREWALL_V6;
	return ME_FIREWALL_V6 |
	       (me_addr_in(&mapped, &target->address, target->bits) ? ME_FIREWALL_V4 : 0);
}

static void print_element(struct me_strbuf *out, const struct me_target *target,
			  unsigned int family)
{
	uint8_t width = family == ME_FIREWALL_V4 ? 32 : 128;
	uint8_t bits = family == ME_FIREWALL_V6 ? target->bits
		       : target->bits >= 96     ? (uint8_t)(target->bits - 96)
						: 0;
	char text[ME_INET_LEN];

	me_inet_format(target->bits < 96 && family == ME_FIREWALL_V4 ? me_addr_v4(0).byte
								     : target->address.byte,
		       text);
	me_strbuf_addf(out, "\t\t\t%s", text);
	if (bits != width)
		me_strbuf_addf(out, "/%u", bits);
	me_strbuf_adds(out, ",\n");
}

/* Whether the target is the one before it over again. */
static bool is_again(const struct me_target *targets, size_t i)
{
	return i && targets[i].entry == targets[i - 1].entry &&
	       targets[i].bits == targets[i - 1].bits &&
	       me_addr_equal(&targets[i].address, &targets[i - 1].address);
}

/* The set NAME4 or NAME6 of those targets that have the flags; none without one. */
static bool print_family(struct me_strbuf *out, const char *name, const char *flags,
			 const struct me_target *targets, size_t n, uint8_t wanted,
			 unsigned int family)
{
	bool begun = false;

	for (size_t i = 0; i < n; i++) {
		if ((targets[i].flags & wanted) != wanted || !(families_of(&targets[i]) & family) ||
		    (is_again(targets, i) && targets[i].flags == targets[i - 1].flags))
			continue;
		if (!begun)
			me_strbuf_addf(out, "\tset %s%c {\n\t\t%s\n\t\t%s\n\t\telements = {\n",
				       name, family == ME_FIREWALL_V4 ? '4' : '6',
				       family == ME_FIREWALL_V4 ? ADDRESS_OF_4 : ADDRESS_OF_6,
				       flags);
		begun = true;
		print_element(out, &targets[i], family);
	}
	if (begun)
		me_strbuf_adds(out, "\t\t}\n\t}\n");
	return begun;
}

static uint8_t print_both(struct me_strbuf *out, const char *name, const char *flags,
			  const struct me_target *targets, size_t n, uint8_t wanted)
{
	uint8_t made = 0;

	if (print_family(out, name, flags, targets, n, wanted, ME_FIREWALL_V4))
		made |= ME_FIREWALL_V4;
	if (print_family(out, name, flags, targets, n, wanted, ME_FIREWALL_V6))
		made |= ME_FIREWALL_V6;
	return made;
}

/* Sets that others fill. */
static void print_empty(struct me_strbuf *out, const char *name)
{
	me_strbuf_addf(out,
		       "\tset %s4 {\n\t\t" ADDRESS_OF_4 "\n\t\tflags timeout\n\t}\n"
		       "\tset %s6 {\n\t\t" ADDRESS_OF_6 "\n\t\tflags timeout\n\t}\n",
		       name, name);
}

static void print_entry(struct me_firewall *f, uint32_t rank, const struct me_target *targets,
			size_t n)
{
	const char *text = me_firewall_to(f, rank)->text;
	bool is_name = me_firewall_is_name(f, rank);
	char name[16];

	if (!is_name && !n)
		return;
	snprintf(name, sizeof(name), "e%u_", rank);
	me_strbuf_adds(f->out, "\t# ");
	me_firewall_who(f, rank);
	me_strbuf_addf(f->out, ": %s\n", n > 1 ? "its addresses" : text ? text : "");
	if (is_name)
		print_empty(f->out, name);
	f->families[rank] =
		is_name ? ME_FIREWALL_V4 | ME_FIREWALL_V6
			: print_both(f->out, name, "flags interval, timeout", targets, n, 0);
}

/* Pairs of client and server: who has a control connection of FTP, and so may have others. */
static void print_ftp(struct me_firewall *f)
{
	static const char *const names[] = {"ftp", "ftp_documented", "ftp_any"};

	for (uint32_t rank = 1; rank < f->entries.count; rank++) {
		if (f->entries.list[rank].flags & ME_ENTRY_FTP)
			f->ftp = ME_FIREWALL_V4 | ME_FIREWALL_V6;
	}
	for (size_t i = 0; f->ftp && i < ME_ARRAY_SIZE(names); i++) {
		me_strbuf_addf(f->out,
			       "\tset %s4 {\n\t\ttypeof ip saddr . ip daddr\n\t\tsize 65536\n"
			       "\t\tflags dynamic, timeout\n\t}\n"
			       "\tset %s6 {\n\t\ttypeof ip6 saddr . ip6 daddr\n\t\tsize 65536\n"
			       "\t\tflags dynamic, timeout\n\t}\n",
			       names[i], names[i]);
	}
	if (f->ftp && !f->options->no_helper)
		me_strbuf_adds(f->out, "\tct helper ftp {\n\t\ttype \"ftp\" protocol tcp\n\t}\n");
}

static void print_hosts(const struct me_firewall *f)
{
	const struct me_policy *policy = f->policy;

	for (unsigned int v = 4; v <= 6; v += 2) {
		bool begun = false;

		for (size_t i = 0; i < policy->n_hosts; i++) {
			const struct me_watch_host *host = &policy->hosts[i];
			const struct me_target target = {.address = host->address,
							 .bits = host->bits};
			unsigned int family = v == 4 ? ME_FIREWALL_V4 : ME_FIREWALL_V6;

			if (host->is_mac || !(families_of(&target) & family))
				continue;
			if (!begun)
				me_strbuf_addf(f->out,
					       "\tset hosts%u {\n\t\ttype ipv%u_addr\n"
					       "\t\tflags interval\n\t\tauto-merge\n"
					       "\t\telements = {\n",
					       v, v);
			begun = true;
			print_element(f->out, &target, family);
		}
		if (begun)
			me_strbuf_adds(f->out, "\t\t}\n\t}\n");
	}
}

/* Where names lead nobody (DESIGN, "Trust in answers"), and where only `private: true` lets them. */
static void print_fixed(struct me_firewall *f, const struct me_target *nobody, size_t n)
{
	static const char interval[] = "flags interval";

	me_strbuf_adds(f->out, "\t# not global unicast: nothing that `any` or a name stands for\n");
	print_both(f->out, "special", interval, nobody, n, ME_TARGET_SPECIAL);
	me_strbuf_adds(f->out,
		       "\t# private space: a name stands for it only with `private: true`\n"
		       "\tset private4 {\n\t\t" ADDRESS_OF_4 "\n\t\tflags interval\n"
		       "\t\telements = { 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16 "
		       "}\n\t}\n"
		       "\tset private6 {\n\t\t" ADDRESS_OF_6 "\n\t\tflags interval\n"
		       "\t\telements = { fc00::/7 }\n\t}\n");
	f->resolvers = print_both(f->out, "resolvers", interval, nobody, n, ME_DEST_RESOLVER);
	f->doh = print_both(f->out, "doh", interval, nobody, n, ME_DEST_DOH);
}

void me_firewall_sets(struct me_firewall *f)
{
	const struct me_target *targets = f->entries.targets;
	size_t n = f->entries.n_targets, nobody = 0, at;

	while (nobody < n && !targets[nobody].entry)
		nobody++;
	print_fixed(f, targets, nobody);
	f->listed = print_both(f->out, "listed", "flags interval\n\t\tauto-merge", targets + nobody,
			       n - nobody, 0);
	print_hosts(f);
	print_ftp(f);
	at = nobody;
	for (uint32_t rank = 1; rank < f->entries.count; rank++) {
		size_t end = at;

		while (end < n && targets[end].entry == rank)
			end++;
		print_entry(f, rank, targets + at, end - at);
		at = end;
	}
}
