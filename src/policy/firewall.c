/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>
#include "base/text.h"
#include "policy/firewall_parts.h"
#include "policy/registry.h"

static const char preamble[] =
	"# What nft cannot tell, and the monitor can: names in TLS and HTTP (name-mismatch, claimed),\n"
	"# which program it was, what FTP announces inside TLS. A set of a name holds whatever dnsmasq\n"
	"# put there, until it is flushed; after a load, let dnsmasq forget its cache (SIGHUP).\n"
	"table inet mewatch\n"
	"delete table inet mewatch\n"
	"table inet mewatch {\n";

static int compare(const void *left, const void *right)
{
	const struct me_target *a = left, *b = right;
	int order;

	if (a->entry != b->entry)
		return a->entry < b->entry ? -1 : 1;
	order = memcmp(a->address.byte, b->address.byte, sizeof(a->address.byte));
	if (order)
		return order;
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return a->flags < b->flags ? -1 : a->flags > b->flags;
}

int me_firewall_begin(struct me_firewall *f, const struct me_environment *environment,
		      struct me_diagnostics *diagnostics)
{
	_cleanup_(me_registry_freep) struct me_registry *registry = me_registry_new();
	int err = -ENOMEM;

	if (registry)
		err = me_compile_entries(f->policy, environment, registry, diagnostics,
					 &f->entries);
	if (err)
		return err;
	f->families = calloc(f->entries.count, sizeof(*f->families));
	if (!f->families)
		return -ENOMEM;
	if (f->entries.n_targets)
		qsort(f->entries.targets, f->entries.n_targets, sizeof(*f->entries.targets),
		      compare);
	return 0;
}

void me_firewall_end(struct me_firewall *f)
{
	me_entries_free(&f->entries);
	free(f->families);
}

static void quoted(struct me_strbuf *out, const char *text)
{
	char safe[ME_POLICY_TEXT_MAX];

	me_text_escape(safe, sizeof(safe), text, strlen(text));
	me_strbuf_addf(out, "\"%s\"", safe);
}

/*
 * In front of NAT and of every filter, where the monitor's hooks are too: a destination is the one that
 * was meant.
 */
static void print_hook(struct me_strbuf *out, const char *hook)
{
	me_strbuf_addf(out,
		       "\tchain %s {\n\t\ttype filter hook %s priority mangle; policy accept;\n",
		       hook, hook);
}

/* A cgroup as nft has it: how deep, and the path without the first slash. */
static void print_cgroup(struct me_strbuf *out, const char *path)
{
	unsigned int level = 1;

	path += strspn(path, "/");
	if (!*path) {
		me_strbuf_adds(out, "\t\tgoto host\n");
		return;
	}
	for (const char *c = path; *c; c++)
		level += *c == '/' && c[1] && c[1] != '/';
	me_strbuf_addf(out, "\t\tsocket cgroupv2 level %u ", level);
	quoted(out, path);
	me_strbuf_adds(out, " goto host\n");
}

static void print_host_chains(const struct me_firewall *f)
{
	struct me_strbuf *out = f->out;

	print_hook(out, "output");
	for (size_t i = 0; i < f->policy->n_cgroups; i++)
		print_cgroup(out, f->policy->cgroups[i]);
	me_strbuf_adds(out, "\t}\n\tchain host {\n"
			    "\t\tfib daddr type local goto own\n\t\tgoto judge\n\t}\n"
			    "\tchain own {\n");
	me_firewall_own(f);
	me_strbuf_adds(out, "\t}\n");
}

static void print_hosts(const struct me_firewall *f)
{
	struct me_strbuf *out = f->out;
	bool v4 = false, v6 = false;

	for (size_t i = 0; i < f->policy->n_hosts; i++) {
		const struct me_watch_host *host = &f->policy->hosts[i];

		if (host->is_mac)
			me_strbuf_addf(out,
				       "\t\tether saddr %02x:%02x:%02x:%02x:%02x:%02x goto judge\n",
				       host->mac[0], host->mac[1], host->mac[2], host->mac[3],
				       host->mac[4], host->mac[5]);
		else if (host->bits >= 96 && me_addr_is_v4(&host->address))
			v4 = true;
		else
			v6 = true;
	}
	if (v4)
		me_strbuf_adds(out, "\t\tip saddr @hosts4 goto judge\n");
	if (v6)
		me_strbuf_adds(out, "\t\tip6 saddr @hosts6 goto judge\n");
}

static void print_transit_chains(const struct me_firewall *f)
{
	struct me_strbuf *out = f->out;

	print_hook(out, "prerouting");
	me_strbuf_adds(out, "\t\tiifname {");
	for (size_t i = 0; i < f->policy->n_interfaces; i++) {
		me_strbuf_adds(out, i ? ", " : " ");
		quoted(out, f->policy->interfaces[i]);
	}
	me_strbuf_adds(out, " } goto transit\n\t}\n\tchain transit {\n");
	print_hosts(f);
	me_strbuf_adds(out, "\t}\n");
}

int me_firewall_print(const struct me_policy *policy, const struct me_environment *environment,
		      const struct me_firewall_options *options, struct me_diagnostics *diagnostics,
		      struct me_strbuf *out)
{
	struct me_firewall f = {.policy = policy, .options = options, .out = out};
	int err = me_firewall_begin(&f, environment, diagnostics);

	if (!err) {
		me_strbuf_adds(out, preamble);
		me_firewall_sets(&f);
		me_strbuf_adds(out, "\tchain violations {\n");
		me_firewall_violations(&f);
		me_strbuf_adds(out, "\t}\n\tchain judge {\n");
		me_firewall_allow(&f);
		me_strbuf_adds(out, "\t}\n");
		if (policy->n_cgroups)
			print_host_chains(&f);
		if (policy->n_interfaces)
			print_transit_chains(&f);
		me_strbuf_adds(out, "}\n");
		err = out->err;
	}
	me_firewall_end(&f);
	return err;
}
