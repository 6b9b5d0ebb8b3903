/* SPDX-License-Identifier: GPL-2.0-only */
/* The command: which subcommand, and what there is. */
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "gen/version.h"
#include "mewatch/command.h"

static const struct me_command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments;
	const char *help;
} me_commands[] = {
	{"run", me_cmd_run, "[-c FILE] [--cgroup PATH]… [--listen ADDR:PORT] …",
	 "watch this machine's outbound flows"},
	{"check", me_cmd_check, "[-c FILE] [--json]", "lint a policy"},
	{"explain", me_cmd_explain, "[-c FILE] [--socket PATH] [--json] DEST",
	 "the verdict on a destination, and why"},
	{"firewall", me_cmd_firewall, "[-c FILE] [--drop] [--dnsmasq] …",
	 "the policy for nft, its names for dnsmasq"},
	{"profiles", me_cmd_profiles, "[NAME] [--diff A B]", "the vendor's lists"},
	{"probe", me_cmd_probe, "[-c FILE] [--timeout 5s] [--json] [ENDPOINT…]",
	 "try the policy's endpoints from here"},
	{"replay", me_cmd_replay, "[-c FILE] [--host ADDR]… [--dns] [--json] PCAP…",
	 "judge the flows of captures"},
	{"report", me_cmd_report, "[--since T] [--until T] [--format F] …",
	 "what the history says of a period"},
	{"status", me_cmd_status, "[--pins DIR] [--json]", "what is attached where"},
	{"doctor", me_cmd_doctor, "[-c FILE] [--cgroup PATH]… [--json]",
	 "what this machine lacks, with the remedy"},
	{"selftest", me_cmd_selftest, "[--list] [--json] [PATH…]",
	 "whether each path is seen as declared"},
	{"suggest", me_cmd_suggest, "[--socket PATH] [--any] [--json]",
	 "rules that would allow the violations"},
	{"monitor", me_cmd_mode, "[--for 10m] [--end] [--socket PATH]",
	 "tell violations, deny nothing"},
	{"shadow", me_cmd_mode, "[--for 10m] [--end] [--socket PATH]", "tell what would be denied"},
	{"enforce", me_cmd_mode, "[--for 10m] [--end] [--socket PATH]", "deny violations"},
	{"detach", me_cmd_detach, "[--pins DIR]", "remove programs, maps and pins"},
};

static void usage(FILE *to)
{
	fputs("usage: mewatch COMMAND [OPTION]…\n\n", to);
	for (size_t i = 0; i < ME_ARRAY_SIZE(me_commands); i++)
		fprintf(to, "  %-9s %-42s %s\n", me_commands[i].name, me_commands[i].arguments,
			me_commands[i].help);
	fputs("\nmewatch COMMAND --help tells a command's options.\n", to);
}

int main(int argc, char **argv)
{
	me_log_to_journal();
	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		puts("mewatch " ME_VERSION);
		return ME_EXIT_OK;
	}
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return ME_EXIT_OK;
	}
	for (size_t i = 0; argc > 1 && i < ME_ARRAY_SIZE(me_commands); i++)
		if (!strcmp(argv[1], me_commands[i].name))
			return me_commands[i].run(argc - 1, argv + 1);
	if (argc > 1)
		fprintf(stderr, "mewatch: error: no command `%s`\n", argv[1]);
	usage(stderr);
	return ME_EXIT_USAGE;
}
