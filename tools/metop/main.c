/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include "gen/version.h"
#include "metop/live.h"
#include "metop/once.h"
#include "metop/options.h"
#include "metop/shown.h"

enum { EXIT_DONE = 0, EXIT_UNREACHABLE = 1, EXIT_USAGE = 2 };

#define LINE_COLUMNS 1024 /* a longer message is cut */

/* For the handler of a crash. */
static struct me_screen_restore restore;

static void crashed(int signal)
{
	me_screen_restore(&restore);
	/* The default is in force again (SA_RESETHAND): this time it ends the program. */
	raise(signal);
}

static void catch_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_NODEFER};

	for (size_t i = 0; i < ME_ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

static void say(const char *text)
{
	char shown[ME_SHOWN_SIZE(LINE_COLUMNS)];

	if (!text)
		return;
	me_shown_fit(shown, text, LINE_COLUMNS);
	fprintf(stderr, "metop: %s\n", shown);
}

static int finish(const struct me_options *options, int error, const struct me_trouble *trouble)
{
	char line[256];

	if (!error)
		return EXIT_DONE;
	if (trouble->what.data) {
		say(trouble->what.data);
		say(trouble->remedy.data);
	} else if (error == -EINVAL) {
		snprintf(line, sizeof(line), "'%.200s' is no %s",
			 options->source.url ? options->source.url : options->source.socket,
			 options->source.url ? "http:// or https:// URL" : "path of a socket");
		say(line);
	} else {
		say(strerror(-error));
	}
	return error == -EINVAL ? EXIT_USAGE : EXIT_UNREACHABLE;
}

static int once(struct me_options *options)
{
	struct me_trouble trouble = {0};
	int r = me_once(options, stdout, &trouble);

	r = finish(options, r, &trouble);
	me_trouble_free(&trouble);
	return r;
}

static int live(struct me_options *options)
{
	const struct me_trouble none = {0};
	int r;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		say("not on a terminal: use --once or --json");
		return EXIT_USAGE;
	}
	catch_crashes();
	r = me_live(options, &restore);
	if (r == -ENOTTY) {
		say("this terminal cannot move its cursor (TERM): printing once");
		options->mode = ME_MODE_ONCE;
		return once(options);
	}
	return finish(options, r, &none);
}

int main(int argc, char **argv)
{
	_cleanup_strbuf_ struct me_strbuf problem = {0};
	struct me_options options;

	setlocale(LC_CTYPE, "");
	if (me_options_parse(argc, argv, &options, &problem) < 0) {
		say(problem.data);
		say("metop --help tells the options");
		return EXIT_USAGE;
	}
	switch (options.mode) {
	case ME_MODE_HELP:
		me_options_help(stdout);
		return EXIT_DONE;
	case ME_MODE_VERSION:
		printf("metop %s\n", ME_VERSION);
		return EXIT_DONE;
	case ME_MODE_ONCE:
	case ME_MODE_JSON:
		return once(&options);
	case ME_MODE_LIVE:
		break;
	}
	return live(&options);
}
