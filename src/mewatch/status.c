/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch status: what is attached where, also when no daemon runs. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/cgroup.h"
#include "kernel/kernel.h"
#include "kernel/links.h"
#include "kernel/mounts.h"
#include "mewatch/command.h"

ME_DEFINE_CLEANUP(struct me_cgroups *, me_cgroups_free)

struct me_status {
	struct me_cgroups *cgroups;
	json_t *attached;
	size_t dead;
};

static void usage(FILE *to)
{
	fputs("usage: mewatch status [--pins DIR] [--json]\n"
	      "Tells what is attached where. Exit 0: all of it alive; 1: something is not.\n",
	      to);
}

static int add_row(const struct me_attachment *attachment, void *userdata)
{
	struct me_status *status = userdata;
	char name[IF_NAMESIZE];
	const char *target =
		attachment->interface ? me_link_name(attachment->id, name)
				      : me_cgroup_path(status->cgroups, attachment->id);
	json_t *row = json_pack("{s:s, s:s, s:b, s:b}", "hook", attachment->hook, "target", target,
				"ok", attachment->alive, "first", attachment->first);

	if (!row || json_array_append_new(status->attached, row))
		return -ENOMEM;
	status->dead += !attachment->alive;
	return 0;
}

/* What is to be said of an attachment besides. */
static const char *remark(const json_t *row)
{
	if (!json_is_true(json_object_get(row, "ok")))
		return "  DEAD: what it was attached to is gone, or somebody detached it";
	if (!json_is_true(json_object_get(row, "first")))
		return "  not first: another program sees the packets before";
	return "";
}

static void print(const struct me_status *status, const char *pins, bool running)
{
	json_t *row;
	size_t i;

	printf("pins     %s\ndaemon   %s\n", pins,
	       running ? "running" : "not running: attached programs go on counting");
	json_array_foreach(status->attached, i, row)
		printf("%-9s%-14s%s%s\n", i ? "" : "attached",
		       json_string_value(json_object_get(row, "hook")),
		       json_string_value(json_object_get(row, "target")), remark(row));
}

static int show(const char *pins, bool json)
{
	_cleanup_free_ char *mount = NULL;
	_cleanup_(me_cgroups_freep) struct me_cgroups *cgroups = NULL;
	struct me_status status = {.attached = json_array()};
	const char *remedy = NULL;
	bool running = false, none;
	int err = me_mounts_cgroup2(&mount, &remedy);

	if (!err)
		err = me_cgroups_new(mount, &cgroups);
	if (err) {
		me_log_error("%s", remedy ? remedy : strerror(-err));
		json_decref(status.attached);
		return ME_EXIT_KERNEL;
	}
	status.cgroups = cgroups;
	err = me_attachments_each(pins, add_row, &status);
	if (!err)
		err = me_kernel_running(pins, &running);
	if (err && err != -ENOENT) {
		me_log_error("%s: %s", pins, strerror(-err));
	} else if (json) {
		json_t *all = json_pack("{s:s, s:b, s:O}", "pins", pins, "running", running,
					"attached", status.attached);

		json_dumpf(all, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(all);
	} else if (err || !json_array_size(status.attached)) {
		printf("nothing is attached below %s\n", pins);
	} else {
		print(&status, pins, running);
	}
	none = !json_array_size(status.attached);
	json_decref(status.attached);
	if (err)
		return err == -ENOENT ? ME_EXIT_FINDINGS : ME_EXIT_KERNEL;
	/* A daemon that is attached to nothing waits for an interface. */
	return status.dead || (running && none) ? ME_EXIT_FINDINGS : ME_EXIT_OK;
}

int me_cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{"pins", required_argument, NULL, 'p'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	const char *pins = ME_DEFAULT_PINS;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			pins = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage(stdout);
			return ME_EXIT_OK;
		default:
			usage(stderr);
			return ME_EXIT_USAGE;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return ME_EXIT_USAGE;
	}
	return show(pins, json);
}
