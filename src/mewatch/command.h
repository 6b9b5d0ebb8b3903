/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_COMMAND_H
#define MEWATCH_MEWATCH_COMMAND_H

/*
 * The subcommands, one file each. argv[0] is the subcommand's own name; the return is the exit code.
 */

/* Exit codes: an interface that scripts depend on. */
enum me_exit {
	ME_EXIT_OK = 0,
	ME_EXIT_FINDINGS = 1, /* findings, or a verdict that is a violation */
	ME_EXIT_USAGE = 2,    /* usage, or a policy that cannot be used */
	ME_EXIT_KERNEL = 3,   /* the kernel cannot do it, or does not let us */
	ME_EXIT_STATE = 4,    /* state is lost, or held by another */
};

#define ME_DEFAULT_POLICY "/etc/mewatch/policy.yaml"
#define ME_DEFAULT_PINS "/sys/fs/bpf/mewatch"
#define ME_DEFAULT_STATE "/var/lib/mewatch"
#define ME_DEFAULT_SOCKET "/run/mewatch/mewatch.sock"
#define ME_DEFAULT_LISTEN "127.0.0.1:9815"

int me_cmd_run(int argc, char **argv);
int me_cmd_check(int argc, char **argv);
int me_cmd_explain(int argc, char **argv);
int me_cmd_firewall(int argc, char **argv);
int me_cmd_profiles(int argc, char **argv);
int me_cmd_probe(int argc, char **argv);
int me_cmd_replay(int argc, char **argv);
int me_cmd_report(int argc, char **argv);
int me_cmd_status(int argc, char **argv);
int me_cmd_suggest(int argc, char **argv);
int me_cmd_doctor(int argc, char **argv);
int me_cmd_selftest(int argc, char **argv);
int me_cmd_detach(int argc, char **argv);
int me_cmd_mode(int argc, char **argv);

#endif
