/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch-replay: what `mewatch replay` runs. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/inet.h"
#include "base/log.h"
#include "base/text.h"
#include "mewatch/command.h"
#include "mewatch/offences.h"
#include "mewatch/replay_guess.h"
#include "mewatch/replay_input.h"
#include "mewatch/replay_print.h"

/* Between two looks at how far it is, and the smallest capture that takes long enough. */
#define PROGRESS_PACKETS 65536u
#define PROGRESS_BYTES (64u << 20)

static const char usage[] =
	"usage: mewatch replay [-c FILE] [--profile P] [--host ADDR]… [--dns] [--json]\n"
	"                      [--events FILE] PCAP…\n"
	"\n"
	"Judges the flows of captures as the daemon would have, had it been on the gateway.\n"
	"\n"
	"  -c, --config FILE   the policy (" ME_DEFAULT_POLICY " if there)\n"
	"      --profile P     a vendor profile instead of the policy's\n"
	"      --host ADDR     a mail host: address, prefix or MAC address; may be given again\n"
	"      --dns           also each address that an answer gave a name\n"
	"      --json          one object a flow, and an answer\n"
	"      --events FILE   appends what the daemon would have told, as lines of JSON\n"
	"\n"
	"PCAP is a pcap or pcapng file; - is standard input. Several are read one after the other.\n"
	"Without --host the mail hosts are those of the policy, else the address that opens most\n"
	"connections; of standard input in its first 16 MiB.\n";

enum { OPT_PROFILE = 256, OPT_HOST, OPT_DNS, OPT_JSON, OPT_EVENTS, OPT_REPLAY, OPT_ANY };

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"profile", required_argument, NULL, OPT_PROFILE},
	{"host", required_argument, NULL, OPT_HOST},
	{"dns", no_argument, NULL, OPT_DNS},
	{"json", no_argument, NULL, OPT_JSON},
	{"events", required_argument, NULL, OPT_EVENTS},
	/* of `mewatch suggest` */
	{"replay", no_argument, NULL, OPT_REPLAY},
	{"any", no_argument, NULL, OPT_ANY},
	{"help", no_argument, NULL, 'h'},
	{},
};

struct command {
	struct me_replay_options options;
	struct me_replay_printer printer;
	struct me_replay *replay;
	char **paths;
	size_t n_paths, at;
	char guessed[ME_INET_LEN];
	const char *guess[1];
	bool suggests, any, json;
	bool damaged;
	bool tells; /* how far it is */
};

/* -1: go on. Otherwise an exit code. */
static int read_options(int argc, char **argv, const char **hosts, struct command *command)
{
	struct me_replay_options *o = &command->options;
	int option;

	o->hosts = hosts;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'c') {
			o->policy = optarg;
		} else if (option == OPT_PROFILE) {
			o->profile = optarg;
		} else if (option == OPT_HOST) {
			hosts[o->n_hosts++] = optarg;
		} else if (option == OPT_DNS) {
			o->answer_fn = me_replay_print_answer;
		} else if (option == OPT_JSON) {
			command->json = true;
		} else if (option == OPT_EVENTS) {
			o->events = optarg;
		} else if (option == OPT_REPLAY) {
			command->suggests = true;
		} else if (option == OPT_ANY) {
			command->any = true;
		} else {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? ME_EXIT_OK : ME_EXIT_USAGE;
		}
	}
	command->paths = argv + optind;
	command->n_paths = argc - optind;
	command->printer.form = command->suggests ? ME_REPLAY_NOTHING
				: command->json   ? ME_REPLAY_JSON
						  : ME_REPLAY_TEXT;
	if (command->any && !command->suggests)
		me_log_error("--any: only of `mewatch suggest`");
	else if (o->events && !strcmp(o->events, "-"))
		me_log_error("--events -: standard output has the flows, expected a file");
	else if (command->n_paths)
		return -1;
	fputs(usage, stderr);
	return ME_EXIT_USAGE;
}

/* --- Who the mail host is ----------------------------------------------------------------------- */

static int begin(struct command *command, uint64_t start_ns)
{
	me_replay_free(&command->replay);
	return me_replay_new(&command->options, start_ns, me_replay_print_flow, &command->printer,
			     &command->replay);
}

static int guess_by(const struct me_capture_packet *packet, void *userdata)
{
	return me_guess_packet(userdata, packet);
}

/* By all captures; of standard input by as much as can be held. */
static int guess(struct command *command, struct me_input *input,
		 const struct me_capture_packet *packet)
{
	_cleanup_(me_guess_freep) struct me_guess *guess = me_guess_new();
	struct me_addr address;
	uint64_t opened;
	int err = guess ? 0 : -ENOMEM;

	for (size_t i = 0; i < command->n_paths && !err; i++) {
		if (strcmp(command->paths[i], "-") != 0)
			err = me_guess_file(guess, command->paths[i]);
		else if (command->at == i)
			err = me_input_ahead(input, packet, guess_by, guess);
	}
	if (!err)
		err = me_guess_made(guess, &address, &opened);
	if (err) {
		me_log_error(err == -ENOENT ? "nobody opens a connection: name the mail host with "
					      "--host"
					    : "out of memory");
		return ME_EXIT_USAGE;
	}
	me_inet_format(address.byte, command->guessed);
	me_log_info("the mail host is taken to be %s, which opens most connections (%" PRIu64 ")",
		    command->guessed, opened);
	command->guess[0] = command->guessed;
	command->options.hosts = command->guess;
	command->options.n_hosts = 1;
	return ME_EXIT_OK;
}

/* The first packet is there: the clock can begin. */
static int start(struct command *command, struct me_input *input,
		 const struct me_capture_packet *packet)
{
	uint64_t start_ns = packet->ts_ns;
	int code = begin(command, start_ns);

	if (code || me_replay_has_hosts(command->replay))
		return code;
	code = guess(command, input, packet);
	return code ? code : begin(command, start_ns);
}

/* --- Captures ----------------------------------------------------------------------------------- */

static void tell_progress(const struct command *command, const struct me_capture *capture,
			  bool over)
{
	uint64_t read, size;

	if (!command->tells)
		return;
	me_capture_progress(capture, &read, &size);
	if (size < PROGRESS_BYTES)
		return;
	fprintf(stderr, over ? "\r\033[K" : "\r%3" PRIu64 " %%", read * 100 / size);
}

/* 0 or an exit code. What was read of a damaged capture counts. */
static int replay_file(struct command *command, const char *path)
{
	_cleanup_(me_input_close) struct me_input input = {};
	char error[ME_CAPTURE_ERROR_MAX], shown[ME_TEXT_ESCAPED(256)];
	char escaped[ME_TEXT_ESCAPED(ME_CAPTURE_ERROR_MAX)];
	struct me_capture_packet packet = {};
	int r = me_input_open(path, &input, error), code = ME_EXIT_OK;
	uint64_t n = 0;

	me_text_escape(shown, sizeof(shown), path, strlen(path));
	if (r) {
		me_text_escape(escaped, sizeof(escaped), error, strlen(error));
		me_log_error("%s: %s", shown, escaped);
		return r == -EBADMSG ? ME_EXIT_FINDINGS : ME_EXIT_USAGE;
	}
	while (!code && (r = me_input_next(&input, &packet, error)) == 1) {
		if (!command->replay) {
			code = start(command, &input, &packet);
			if (input.held) /* from where that packet comes once more */
				continue;
		}
		if (!code)
			me_replay_packet(command->replay, &packet);
		if (++n % PROGRESS_PACKETS == 0)
			tell_progress(command, input.capture, false);
	}
	tell_progress(command, input.capture, true);
	if (me_capture_short(input.capture))
		me_log_warning("%s: %" PRIu64 " packets without a whole link header", shown,
			       me_capture_short(input.capture));
	if (r < 0) {
		me_text_escape(escaped, sizeof(escaped), error, strlen(error));
		me_log_error("%s: damaged after packet %" PRIu64 ": %s", shown, packet.number,
			     escaped);
		command->damaged = true;
	}
	return code;
}

/* The captures have been read. An exit code. */
static int finish(struct command *command)
{
	_cleanup_(me_offences_free) struct me_offences offences = {};
	int err = 0;

	me_replay_end(command->replay);
	if (command->suggests) {
		err = me_offences_of(me_replay_ledger(command->replay), &offences);
		if (!err)
			err = me_suggest_for(&offences, command->any, command->json);
	} else if (!command->json) {
		me_replay_print_summary(&command->printer, command->replay);
	}
	if (err)
		me_log_error("no suggestions: %s", strerror(-err));
	return err ? ME_EXIT_USAGE : ME_EXIT_OK;
}

int main(int argc, char **argv)
{
	const char **hosts = calloc(argc + 1, sizeof(*hosts));
	struct command command = {.tells = isatty(STDERR_FILENO)};
	int code, last;

	program_invocation_short_name = (char[]){"mewatch"};
	code = hosts ? read_options(argc, argv, hosts, &command) : ME_EXIT_KERNEL;
	if (code < 0) {
		code = ME_EXIT_OK;
		for (; command.at < command.n_paths && !code; command.at++)
			code = replay_file(&command, command.paths[command.at]);
		if (command.replay && (!code || code == ME_EXIT_FINDINGS)) {
			last = finish(&command);
			code = code ? code : last;
		}
		if (!code && command.damaged)
			code = ME_EXIT_FINDINGS;
	}
	if (fflush(stdout) || ferror(stdout)) {
		me_log_error("standard output: %m");
		code = ME_EXIT_FINDINGS;
	}
	me_replay_free(&command.replay);
	free(hosts);
	return code;
}
