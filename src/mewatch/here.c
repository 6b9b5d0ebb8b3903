/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/here.h"

#include <getopt.h>
#include <stdio.h>
#include <time.h>
#include "base/clock.h"
#include "base/file.h"
#include "mewatch/command.h"

const char *me_here_policy(const char *given)
{
	if (given)
		return given;
	return me_file_exists(ME_DEFAULT_POLICY) ? ME_DEFAULT_POLICY : NULL;
}

int me_here_options(int argc, char **argv, const char *usage, bool argument,
		    struct me_here_request *ret_request)
{
	static const struct option of_destination[] = {
		{"socket", required_argument, NULL, 's'}, {"transit", no_argument, NULL, 't'},
		{"config", required_argument, NULL, 'c'}, {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},         {},
	};
	static const struct option of_policy[] = {
		{"config", required_argument, NULL, 'c'},
		{"state", required_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	const struct option *known = argument ? of_destination : of_policy;
	struct me_here_request request = {.socket = ME_DEFAULT_SOCKET};
	int option;

	while ((option = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			request.path = optarg;
			break;
		case 'j':
			request.json = true;
			break;
		case 's':
			request.socket = optarg;
			break;
		case 'd':
			request.state = optarg;
			break;
		case 't':
			request.transit = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return ME_EXIT_OK;
		default:
			fputs(usage, stderr);
			return ME_EXIT_USAGE;
		}
	}
	if (argc - optind != argument) {
		fputs(usage, stderr);
		return ME_EXIT_USAGE;
	}
	request.path = me_here_policy(request.path);
	request.argument = argv[optind];
	*ret_request = request;
	return -1;
}

void me_here_read(struct me_here *here)
{
	me_system_read(&here->system, "");
	here->environment = (struct me_environment){
		.resolvers = here->system.resolvers.address,
		.n_resolvers = here->system.resolvers.n,
		.upstream = here->system.upstream.address,
		.n_upstream = here->system.upstream.n,
		.now_epoch_ns = me_clock_now(CLOCK_REALTIME),
	};
}
