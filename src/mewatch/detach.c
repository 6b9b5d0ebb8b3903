/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch detach: removes programs, maps and pins. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include "base/log.h"
#include "kernel/kernel.h"
#include "mewatch/command.h"

static void usage(FILE *to)
{
	fputs("usage: mewatch detach [--pins DIR]\n"
	      "Detaches all programs and removes all maps: counters and ids start anew.\n",
	      to);
}

int me_cmd_detach(int argc, char **argv)
{
	static const struct option options[] = {
		{"pins", required_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	const char *pins = ME_DEFAULT_PINS;
	struct me_why why;
	int option, err;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return ME_EXIT_OK;
		}
		if (option != 'p') {
			usage(stderr);
			return ME_EXIT_USAGE;
		}
		pins = optarg;
	}
	if (optind != argc) {
		usage(stderr);
		return ME_EXIT_USAGE;
	}
	err = me_kernel_detach(pins, &why);
	if (err == -ENOENT) {
		printf("nothing is attached below %s\n", pins);
		return ME_EXIT_OK;
	}
	if (err) {
		me_log_error("%s", why.text);
		return err == -EBUSY ? ME_EXIT_STATE : ME_EXIT_KERNEL;
	}
	printf("detached: %s\n", pins);
	return ME_EXIT_OK;
}
