/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "gen/version.h"
#include "report/report.h"
#include "report/when.h"

#define DEFAULT_NS (7 * 86400 * ME_NS_PER_S)

static const char usage[] =
	"usage: mewatch report [--since TIME] [--until TIME] [--format text|json|csv|html]\n"
	"                      [--state DIR] [-o FILE]\n"
	"Reports from the history whether only what is allowed went out, whether what is needed works,\n"
	"and what was not watched.\n"
	"\n"
	"      --since TIME   RFC 3339, a day, or how long ago: 24h, 30d (7d, or since there is a history)\n"
	"      --until TIME   the same (now)\n"
	"      --format F     text, json, csv or html (text)\n"
	"      --state DIR    of the daemon (" ME_DEFAULT_STATE ")\n"
	"  -o, --output FILE  there instead of standard output\n";

static const struct option options[] = {
	{"since", required_argument, NULL, 's'},
	{"until", required_argument, NULL, 'u'},
	{"format", required_argument, NULL, 'f'},
	{"state", required_argument, NULL, 'd'},
	{"output", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{},
};

static const struct form {
	const char *name;
	int (*write)(const struct me_document *document, struct me_strbuf *out);
} forms[] = {
	{"text", me_report_text},
	{"json", me_report_json},
	{"csv", me_report_csv},
	{"html", me_report_html},
};

struct request {
	const char *since, *until, *state, *output;
	const struct form *form;
};

static const struct form *form_of(const char *name)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(forms); i++)
		if (!strcmp(name, forms[i].name))
			return &forms[i];
	me_log_error("--format %s: expected text, json, csv or html", name);
	return NULL;
}

/* False: they make no sense (logged). */
static bool period_of(const struct request *request, struct me_past *past,
		      struct me_period *ret_period)
{
	uint64_t now = me_clock_now(CLOCK_REALTIME), first, last;

	*ret_period = (struct me_period){.since_ns = now - DEFAULT_NS, .until_ns = now};
	me_past_extent(past, &first, &last);
	if (ret_period->since_ns < first && first < now)
		ret_period->since_ns = first;
	if (request->since && me_when_parse(request->since, now, &ret_period->since_ns)) {
		me_log_error("--since %s: expected " ME_WHEN_EXPECTED, request->since);
		return false;
	}
	if (request->until && me_when_parse(request->until, now, &ret_period->until_ns)) {
		me_log_error("--until %s: expected " ME_WHEN_EXPECTED, request->until);
		return false;
	}
	if (ret_period->until_ns > now)
		ret_period->until_ns = now;
	if (ret_period->since_ns < ret_period->until_ns)
		return true;
	me_log_error("the period ends before it begins, or has not begun yet");
	return false;
}

static int put(const struct request *request, const struct me_strbuf *out)
{
	int err;

	if (request->output) {
		err = me_file_write_atomic(request->output, out->data, out->len, 0644);
		if (err)
			me_log_error("%s: %s", request->output, strerror(-err));
		return err;
	}
	if (fwrite(out->data, 1, out->len, stdout) == out->len && !fflush(stdout))
		return 0;
	me_log_error("standard output: %s", strerror(errno));
	return -EIO;
}

static int report(const struct request *request)
{
	_cleanup_(me_document_freep) struct me_document *document = NULL;
	_cleanup_(me_past_freep) struct me_past *past = NULL;
	_cleanup_strbuf_ struct me_strbuf out = {0}, why = {0};
	struct me_period period;
	int err = me_past_open(request->state, &why, &past);

	if (err) {
		me_log_error("no history in %s: %s", request->state,
			     why.data ? why.data : strerror(-err));
		return err == -ENOENT ? ME_EXIT_USAGE : ME_EXIT_STATE;
	}
	if (!period_of(request, past, &period))
		return ME_EXIT_USAGE;
	err = me_report_read(past, &period, ME_VERSION, &document);
	if (!err)
		err = request->form->write(document, &out);
	if (err) {
		me_log_error("the history in %s cannot be read: %s", request->state,
			     strerror(-err));
		return ME_EXIT_STATE;
	}
	if (put(request, &out))
		return ME_EXIT_USAGE;
	return me_document_is_clean(document) ? ME_EXIT_OK : ME_EXIT_FINDINGS;
}

/* mewatch report: what the history says of a period. */
int me_cmd_report(int argc, char **argv)
{
	struct request request = {.state = ME_DEFAULT_STATE, .form = &forms[0]};
	int option;

	while ((option = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		switch (option) {
		case 's':
			request.since = optarg;
			break;
		case 'u':
			request.until = optarg;
			break;
		case 'f':
			request.form = form_of(optarg);
			if (!request.form)
				return ME_EXIT_USAGE;
			break;
		case 'd':
			request.state = optarg;
			break;
		case 'o':
			request.output = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return ME_EXIT_OK;
		default:
			return ME_EXIT_USAGE;
		}
	}
	if (argv[optind]) {
		fputs(usage, stderr);
		return ME_EXIT_USAGE;
	}
	return report(&request);
}
