/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/run_options.h"

#include <getopt.h>
#include <stdio.h>
#include "base/clock.h"
#include "base/log.h"
#include "mewatch/command.h"

static const char usage[] =
	"usage: mewatch run [OPTION]…\n"
	"Watches outbound flows of this machine, or of mail hosts behind it, until told to stop.\n"
	"\n"
	"  -c, --config FILE       policy (" ME_DEFAULT_POLICY
	" if there, else the built-in profile)\n"
	"      --profile NAME      vendor profile, instead of the policy's\n"
	"      --cgroup PATH       watch the processes of this cgroup (several times)\n"
	"      --interface IF      watch what passes here for the mail hosts (several times)\n"
	"      --host ADDR         a mail host: address, prefix or MAC address (several times)\n"
	"      --listen ADDR:PORT  metrics over HTTP (" ME_DEFAULT_LISTEN ")\n"
	"      --api-listen ADDR:PORT  the API over TCP (off)\n"
	"      --socket PATH       the API's Unix socket (" ME_DEFAULT_SOCKET ")\n"
	"      --textfile FILE     write the metrics there as well, once a round\n"
	"      --events FILE       append events as NDJSON; - is standard output\n"
	"      --state DIR         (" ME_DEFAULT_STATE ")\n"
	"      --pins DIR          on a BPF file system (" ME_DEFAULT_PINS ")\n"
	"      --enforce           deny violations, as with `mode: enforce` in the policy\n"
	"      --for 10m           so long, and then what the policy says\n"
	"  -v, --verbose           say more\n"
	"\n"
	"--cgroup, --interface and --host replace the policy's `watch:`; --interface and --host go\n"
	"together.\n"
	"\n"
	"SIGHUP reads the policy again, SIGUSR1 opens the event file again, SIGTERM and SIGINT stop\n"
	"the daemon; what is attached goes on counting. `mewatch detach` removes it.\n";

enum {
	OPT_PROFILE = 256,
	OPT_CGROUP,
	OPT_INTERFACE,
	OPT_HOST,
	OPT_LISTEN,
	OPT_API,
	OPT_SOCKET,
	OPT_TEXTFILE,
	OPT_EVENTS,
	OPT_STATE,
	OPT_PINS,
	OPT_ENFORCE,
	OPT_FOR
};

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"profile", required_argument, NULL, OPT_PROFILE},
	{"cgroup", required_argument, NULL, OPT_CGROUP},
	{"interface", required_argument, NULL, OPT_INTERFACE},
	{"host", required_argument, NULL, OPT_HOST},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"api-listen", required_argument, NULL, OPT_API},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"textfile", required_argument, NULL, OPT_TEXTFILE},
	{"events", required_argument, NULL, OPT_EVENTS},
	{"state", required_argument, NULL, OPT_STATE},
	{"pins", required_argument, NULL, OPT_PINS},
	{"enforce", no_argument, NULL, OPT_ENFORCE},
	{"for", required_argument, NULL, OPT_FOR},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{},
};

/* Where the argument of an option goes. NULL: it has another meaning. */
static const char **text_option(struct me_daemon_options *o, int option)
{
	switch (option) {
	case 'c':
		return &o->policy;
	case OPT_PROFILE:
		return &o->profile;
	case OPT_LISTEN:
		return &o->listen;
	case OPT_API:
		return &o->api_listen;
	case OPT_SOCKET:
		return &o->socket;
	case OPT_TEXTFILE:
		return &o->textfile;
	case OPT_EVENTS:
		return &o->events;
	case OPT_STATE:
		return &o->state;
	case OPT_PINS:
		return &o->pins;
	default:
		return NULL;
	}
}

/* Adds to the list of the option. False: it has none. */
static bool list_option(struct me_daemon_options *o, int option, const char *argument)
{
	switch (option) {
	case OPT_CGROUP:
		o->cgroups[o->n_cgroups++] = argument;
		return true;
	case OPT_INTERFACE:
		o->interfaces[o->n_interfaces++] = argument;
		return true;
	case OPT_HOST:
		o->hosts[o->n_hosts++] = argument;
		return true;
	default:
		return false;
	}
}

/* Whether there is to be denied, and for how long. False: another option, or not understood (logged). */
static bool enforce_option(struct me_daemon_options *o, int option, const char *argument)
{
	if (option == OPT_ENFORCE) {
		o->enforce = true;
		return true;
	}
	if (option != OPT_FOR)
		return false;
	if (!me_clock_parse_duration(argument, &o->enforce_ns) && o->enforce_ns)
		return true;
	me_log_error("--for `%s`: expected a duration such as 10m", argument);
	return false;
}

/* -1: run. Otherwise an exit code. */
static int check(const struct me_daemon_options *o, const char *argument)
{
	if (argument)
		me_log_error("`%s`: no argument is expected; mewatch run --help", argument);
	else if (o->n_interfaces && !o->n_hosts)
		me_log_error(
			"--interface without --host: whose packets? Name the mail hosts behind "
			"it; mewatch run --help");
	else if (o->enforce_ns && !o->enforce)
		me_log_error("--for without --enforce: what for? mewatch run --help");
	else if (o->n_hosts && !o->n_interfaces)
		me_log_error("--host without --interface: where do its packets pass? Name the "
			     "interface towards it; mewatch run --help");
	else
		return -1;
	return ME_EXIT_USAGE;
}

int me_run_options(int argc, char **argv, const char **words, struct me_daemon_options *ret_options)
{
	struct me_daemon_options o = {.cgroups = words,
				      .interfaces = words + argc,
				      .hosts = words + 2 * argc,
				      .listen = ME_DEFAULT_LISTEN,
				      .socket = ME_DEFAULT_SOCKET,
				      .state = ME_DEFAULT_STATE,
				      .pins = ME_DEFAULT_PINS};
	int option, code;

	while ((option = getopt_long(argc, argv, "c:vh", options, NULL)) != -1) {
		const char **text = text_option(&o, option);

		if (text) {
			*text = optarg;
		} else if (option == 'v') {
			me_log_set_level(ME_LOG_DEBUG);
		} else if (option == 'h') {
			fputs(usage, stdout);
			return ME_EXIT_OK;
		} else if (!list_option(&o, option, optarg) &&
			   !enforce_option(&o, option, optarg)) {
			return ME_EXIT_USAGE;
		}
	}
	code = check(&o, argv[optind]);
	if (code < 0)
		*ret_options = o;
	return code;
}
