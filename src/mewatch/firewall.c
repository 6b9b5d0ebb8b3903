/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/text.h"
#include "mewatch/here.h"
#include "policy/diagnostics.h"
#include "policy/firewall.h"
#include "policy/policy.h"

#define SHOWN 512 /* bytes of a path in the output */

static const char usage[] =
	"usage: mewatch firewall [OPTION]…\n"
	"Prints the policy as an nftables ruleset: nft -c -f FILE tries it, nft -f FILE loads it.\n"
	"\n"
	"  -c, --config FILE       policy (" ME_DEFAULT_POLICY
	" if there, else the built-in profile)\n"
	"      --profile NAME      vendor profile, instead of the policy's\n"
	"      --cgroup PATH       for the processes of this cgroup (several times)\n"
	"      --interface IF      for what comes in here from the mail hosts (several times)\n"
	"      --host ADDR         a mail host: address, prefix or MAC address (several times)\n"
	"      --drop              drop what no rule allows; without it, it is only counted\n"
	"      --no-ftp-helper     for a kernel that cannot follow FTP\n"
	"      --dnsmasq           print the lines for dnsmasq that fill the sets of names instead\n";

enum { OPT_PROFILE = 256, OPT_CGROUP, OPT_INTERFACE, OPT_HOST, OPT_DROP, OPT_HELPER, OPT_DNSMASQ };

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"profile", required_argument, NULL, OPT_PROFILE},
	{"cgroup", required_argument, NULL, OPT_CGROUP},
	{"interface", required_argument, NULL, OPT_INTERFACE},
	{"host", required_argument, NULL, OPT_HOST},
	{"drop", no_argument, NULL, OPT_DROP},
	{"no-ftp-helper", no_argument, NULL, OPT_HELPER},
	{"dnsmasq", no_argument, NULL, OPT_DNSMASQ},
	{"help", no_argument, NULL, 'h'},
	{},
};

struct request {
	const char *path;
	const char *profile;
	const char **words; /* room for the lists of `watch`, each as long as argv */
	struct me_watch_options watch;
	struct me_firewall_options firewall;
	bool dnsmasq;
};

/* Notes one option. False: it is none of these. */
static bool take(struct request *r, int argc, int option)
{
	switch (option) {
	case 'c':
		r->path = optarg;
		return true;
	case OPT_PROFILE:
		r->profile = optarg;
		return true;
	case OPT_CGROUP:
		r->words[r->watch.n_cgroups++] = optarg;
		return true;
	case OPT_INTERFACE:
		r->words[argc + (int)r->watch.n_interfaces++] = optarg;
		return true;
	case OPT_HOST:
		r->words[2 * argc + (int)r->watch.n_hosts++] = optarg;
		return true;
	case OPT_DROP:
		r->firewall.drop = true;
		return true;
	case OPT_HELPER:
		r->firewall.no_helper = true;
		return true;
	case OPT_DNSMASQ:
		r->dnsmasq = true;
		return true;
	default:
		return false;
	}
}

/* -1: go on. Otherwise an exit code. */
static int read_options(int argc, char **argv, struct request *r)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return ME_EXIT_OK;
		}
		if (!take(r, argc, option))
			return ME_EXIT_USAGE;
	}
	if (argv[optind] || !r->watch.n_interfaces != !r->watch.n_hosts) {
		fputs(usage, stderr);
		return ME_EXIT_USAGE;
	}
	r->watch.cgroups = r->words;
	r->watch.interfaces = r->words + argc;
	r->watch.hosts = r->words + 2 * argc;
	r->path = me_here_policy(r->path);
	return -1;
}

static int print(const struct request *r, struct me_diagnostics *diagnostics, struct me_strbuf *out)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	struct me_here here;
	int err = me_policy_load(r->path, r->profile, diagnostics, &policy);

	if (!err)
		err = me_policy_watch(policy, &r->watch, diagnostics);
	if (err)
		return err;
	me_here_read(&here);
	return r->dnsmasq ? me_firewall_dnsmasq(policy, &here.environment, diagnostics, out)
			  : me_firewall_print(policy, &here.environment, &r->firewall, diagnostics,
					      out);
}

static void log_failure(const struct me_diagnostics *diagnostics, int err)
{
	for (size_t i = 0; i < diagnostics->count; i++) {
		const struct me_diagnostic *d = &diagnostics->list[i];
		char file[SHOWN];

		if (d->severity != ME_ERROR)
			continue;
		me_text_escape(file, sizeof(file), d->at.file ? d->at.file : "",
			       d->at.file ? strlen(d->at.file) : 0);
		me_log_error("%s:%u:%u: %s", file, d->at.line, d->at.column, d->text);
	}
	if (!diagnostics->errors)
		me_log_error("no firewall: %s", strerror(-err));
}

/* mewatch firewall: the policy for nft, or its names for dnsmasq. */
int me_cmd_firewall(int argc, char **argv)
{
	_cleanup_free_ const char **words = calloc(3 * (size_t)argc, sizeof(*words));
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_strbuf_ struct me_strbuf out = {0};
	struct request request = {.words = words};
	int err, code;

	if (!words) {
		me_log_error("out of memory");
		return ME_EXIT_USAGE;
	}
	code = read_options(argc, argv, &request);
	if (code >= 0)
		return code;
	err = print(&request, &diagnostics, &out);
	if (err) {
		log_failure(&diagnostics, err);
		return ME_EXIT_USAGE;
	}
	if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout)) {
		me_log_error("cannot write the ruleset: %m");
		return ME_EXIT_USAGE;
	}
	return ME_EXIT_OK;
}
