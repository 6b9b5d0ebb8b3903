/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch selftest: whether each path is seen on this kernel as this version declares. */
#include "mewatch/selftest.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "mewatch/command.h"

static const char usage[] =
	"usage: mewatch selftest [--list] [--json] [PATH…]\n"
	"Sends on every path that there is, in namespaces and a control group of its own, and compares what\n"
	"is seen of it with what this version declares. As root.\n"
	"\n"
	"      --list              only what is declared; no root\n"
	"      --json              one JSON object\n"
	"\n"
	"Exit 0: all as declared; 1: something is not; 2: it could not run; 3: the kernel cannot do it.\n";

struct options {
	bool list, json;
	char **names; /* of paths; none: all */
	int n;
};

static const struct me_path *find_path(const char *name)
{
	for (size_t i = 0; i < ME_PATH_COUNT; i++)
		if (!strcmp(me_paths[i].name, name))
			return &me_paths[i];
	return NULL;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option options[] = {
		{"list", no_argument, NULL, 'l'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	int option;

	*ret_options = (struct options){};
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'l':
			ret_options->list = true;
			break;
		case 'j':
			ret_options->json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return ME_EXIT_OK;
		default:
			fputs(usage, stderr);
			return ME_EXIT_USAGE;
		}
	}
	ret_options->names = argv + optind;
	ret_options->n = argc - optind;
	for (int i = 0; i < ret_options->n; i++) {
		if (find_path(ret_options->names[i]))
			continue;
		me_log_error("no path `%s`, expected one of `mewatch selftest --list`",
			     ret_options->names[i]);
		return ME_EXIT_USAGE;
	}
	return -1;
}

static bool is_wanted(const struct options *options, const struct me_path *path)
{
	bool wanted = !options->n;

	for (int i = 0; i < options->n; i++)
		wanted |= !strcmp(options->names[i], path->name);
	return wanted;
}

/* 0 or an exit code. */
static int run(struct me_selftest *selftest, const struct options *options,
	       struct me_path_row *rows, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < ME_PATH_COUNT; i++) {
		struct me_path_row *row = &rows[n];

		if (!is_wanted(options, &me_paths[i]))
			continue;
		row->path = &me_paths[i];
		for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
			if (me_selftest_path(selftest, row->path, v, &row->seen[v]))
				return ME_EXIT_USAGE;
		if (!options->json)
			me_selftest_print_row(row);
		n++;
	}
	*ret_n = n;
	return ME_EXIT_OK;
}

int me_cmd_selftest(int argc, char **argv)
{
	_cleanup_free_ struct me_path_row *rows = calloc(ME_PATH_COUNT, sizeof(*rows));
	_cleanup_free_ struct me_selftest *selftest = calloc(1, sizeof(*selftest));
	struct options options;
	size_t n = 0;
	int code, err;

	code = read_options(argc, argv, &options);
	if (code >= 0)
		return code;
	if (!rows || !selftest) {
		me_log_error("out of memory");
		return ME_EXIT_USAGE;
	}
	if (options.list)
		return me_selftest_print_list(options.json) ? ME_EXIT_USAGE : ME_EXIT_OK;
	me_log_set_level(ME_LOG_WARNING); /* modes change all the time */
	code = me_selftest_begin(selftest);
	if (!code)
		code = run(selftest, &options, rows, &n);
	me_selftest_end(selftest);
	if (code)
		return code;
	err = options.json ? me_selftest_print_json(rows, n) : me_selftest_print_sums(rows, n);
	if (err) {
		me_log_error("cannot write the answer: %s", strerror(-err));
		return ME_EXIT_USAGE;
	}
	return me_paths_sum(rows, n).wrong ? ME_EXIT_FINDINGS : ME_EXIT_OK;
}
