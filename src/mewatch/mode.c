/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch monitor, shadow, enforce: what is done about violations from now on. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "mewatch/ask.h"
#include "mewatch/command.h"

static const char usage[] =
	"usage: mewatch monitor|shadow|enforce [--for 10m] [--end] [--socket PATH]\n"
	"Tells the running daemon what is to be done about violations: enforce, deny those for which no\n"
	"rule has a mode of its own; shadow, tell what would be denied; monitor, deny nothing, whatever\n"
	"the rules say. It holds until something else is said, over restarts too.\n"
	"\n"
	"      --for 10m      so long, and then what the policy says, also if the daemon is gone by then\n"
	"      --end          what the policy says holds again, from now on\n"
	"      --socket PATH  of the daemon (" ME_DEFAULT_SOCKET ")\n";

static const struct option options[] = {
	{"for", required_argument, NULL, 'f'},
	{"end", no_argument, NULL, 'e'},
	{"socket", required_argument, NULL, 's'},
	{"help", no_argument, NULL, 'h'},
	{},
};

struct wish {
	const char *mode;
	const char *span; /* or NULL */
	const char *socket;
};

/* -1: go on. Otherwise the exit code. */
static int read_wish(int argc, char **argv, struct wish *wish)
{
	uint64_t ns;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'f') {
			wish->span = optarg;
		} else if (option == 's') {
			wish->socket = optarg;
		} else if (option == 'e') {
			wish->mode = "policy";
		} else if (option == 'h') {
			fputs(usage, stdout);
			return ME_EXIT_OK;
		} else {
			return ME_EXIT_USAGE;
		}
	}
	if (argv[optind])
		me_log_error("`%s`: no argument is expected; mewatch %s --help", argv[optind],
			     argv[0]);
	else if (wish->span && (me_clock_parse_duration(wish->span, &ns) < 0 || !ns))
		me_log_error("--for `%s`: expected a duration such as 10m", wish->span);
	else if (wish->span && !strcmp(wish->mode, "policy"))
		me_log_error("--for and --end: one of them");
	else
		return -1;
	return ME_EXIT_USAGE;
}

/* What the daemon says of itself now. */
static int print_answer(const struct me_strbuf *body)
{
	json_t *root = json_loadb(body->data, body->len, 0, NULL);
	const char *mode = NULL, *said = NULL, *until = NULL;
	int enforcing = 0;

	if (!root || json_unpack(root, "{s:{s:s, s:b, s?s, s?s}}", "mode", "mode", &mode,
				 "enforcing", &enforcing, "said", &said, "until", &until)) {
		json_decref(root);
		return -EPROTO;
	}
	printf("%s%s%s%s\n", mode,
	       until  ? " until "
	       : said ? ""
		      : ", by the policy",
	       until ? until : "",
	       enforcing && strcmp(mode, "enforce") ? "; rules of the policy enforce" : "");
	json_decref(root);
	return 0;
}

int me_cmd_mode(int argc, char **argv)
{
	struct wish wish = {.mode = argv[0], .socket = ME_DEFAULT_SOCKET};
	_cleanup_strbuf_ struct me_strbuf path = {0}, body = {0};
	int code = read_wish(argc, argv, &wish), err;

	if (code >= 0)
		return code;
	me_strbuf_addf(&path, "/v1/mode?set=%s", wish.mode);
	if (wish.span) {
		me_strbuf_adds(&path, "&for=");
		me_ask_add_encoded(&path, wish.span);
	}
	err = path.err ? path.err : me_ask_post(wish.socket, path.data, &body);
	if (!err)
		err = print_answer(&body);
	if (!err)
		return ME_EXIT_OK;
	me_log_error("%s: %s", wish.socket,
		     err == -EACCES ? "only root, and who runs the daemon, may say that"
				    : strerror(-err));
	return err == -EACCES ? ME_EXIT_USAGE : ME_EXIT_STATE;
}
