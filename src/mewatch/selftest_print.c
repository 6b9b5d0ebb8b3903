/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of `mewatch selftest`, as text and as JSON. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/utsname.h>
#include "base/text.h"
#include "gen/version.h"
#include "mewatch/selftest.h"

static const char *const families[] = {[4] = "IPv4", [6] = "IPv6", [46] = "both"};

static int finish(int err)
{
	return err || fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

static void print_head(void)
{
	printf("  %-22s %-20s %-20s %s\n", "PATH", "HOST", "TRANSIT", "");
}

/* Marked with `!` where it is otherwise than declared; then what was expected and found is below. */
void me_selftest_print_row(const struct me_path_row *row)
{
	bool holds = true;

	if (row->path == me_paths)
		print_head();
	for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		holds &= me_cell_holds(row, v);
	printf("%c %-22s %-20s %-20s %s\n", holds ? ' ' : '!', row->path->name,
	       me_sight_label(row->seen[ME_HOST].sight),
	       me_sight_label(row->seen[ME_TRANSIT].sight), row->path->text);
	for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++) {
		char why[ME_TEXT_ESCAPED(sizeof(row->seen[v].why))];

		if (me_cell_holds(row, v))
			continue;
		me_text_escape(why, sizeof(why), row->seen[v].why, strlen(row->seen[v].why));
		printf("    %s: expected: %s; found: %s%s%s\n", me_vantage_label(v),
		       me_sight_label(row->path->sight[v]), me_sight_label(row->seen[v].sight),
		       *why ? "; " : "", why);
	}
	fflush(stdout);
}

int me_selftest_print_sums(const struct me_path_row *rows, size_t n)
{
	struct me_path_sums sums = me_paths_sum(rows, n);

	printf("%zu paths: %zu as declared, %zu otherwise, %zu not on this kernel\n", sums.rows,
	       sums.rows - sums.wrong - sums.absent, sums.wrong, sums.absent);
	return finish(0);
}

static int dump(json_t *root)
{
	int err;

	if (!root)
		return -ENOMEM;
	err = json_dumpf(root, stdout, JSON_INDENT(2));
	json_decref(root);
	putchar('\n');
	return finish(err);
}

static json_t *cell(const struct me_path_row *row, enum me_vantage v)
{
	return json_pack("{s:s, s:s, s:s, s:b}", "declared", me_sight_label(row->path->sight[v]),
			 "found", me_sight_label(row->seen[v].sight), "why", row->seen[v].why,
			 "as_declared", me_cell_holds(row, v));
}

int me_selftest_print_json(const struct me_path_row *rows, size_t n)
{
	struct me_path_sums sums = me_paths_sum(rows, n);
	json_t *list = json_array();
	struct utsname kernel;
	int err = uname(&kernel);

	for (size_t i = 0; i < n && !err; i++)
		err = json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:o}", "path", rows[i].path->name, "text",
					rows[i].path->text, "host", cell(&rows[i], ME_HOST),
					"transit", cell(&rows[i], ME_TRANSIT)));
	return dump(json_pack("{s:s, s:s, s:o, s:I, s:I, s:I}", "version", ME_VERSION, "kernel",
			      err ? "" : kernel.release, "paths", list, "as_declared",
			      (json_int_t)(sums.rows - sums.wrong - sums.absent), "otherwise",
			      (json_int_t)sums.wrong, "not_on_this_kernel",
			      (json_int_t)sums.absent));
}

static int list_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ME_PATH_COUNT; i++)
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "path", me_paths[i].name, "text",
				  me_paths[i].text, "families", families[me_paths[i].families],
				  "host", me_sight_label(me_paths[i].sight[ME_HOST]), "transit",
				  me_sight_label(me_paths[i].sight[ME_TRANSIT])));
	return dump(json_pack("{s:s, s:o}", "version", ME_VERSION, "paths", list));
}

int me_selftest_print_list(bool json)
{
	if (json)
		return list_json();
	print_head();
	for (size_t i = 0; i < ME_PATH_COUNT; i++)
		printf("  %-22s %-20s %-20s %s\n", me_paths[i].name,
		       me_sight_label(me_paths[i].sight[ME_HOST]),
		       me_sight_label(me_paths[i].sight[ME_TRANSIT]), me_paths[i].text);
	return finish(0);
}
