/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes are a capture, a damaged one or none. What is said of its flows adds up to what was counted,
 * is JSON, and is the same once more. The last byte chooses the policy; fuzz_capture_mutate.c changes
 * captures so that they stay some.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "ledger/cells.h"
#include "mewatch/replay_guess.h"
#include "mewatch/replay_input.h"
#include "mewatch/replay_print.h"
#include "mewatch/replay_session.h"

#define PATH_LEN 64
#define TWICE 4u /* one of so many sizes is replayed once more */

#define check(holds)                                                                               \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			fprintf(stderr, "fuzz_capture.c:%d: not so: %s\n", __LINE__, #holds);      \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A profile of its own: the vendor's takes longer to compile than a capture to replay. */
static const char profile[] = "version: 1\n"
			      "allow: [{service: profile, to: 192.0.2.250, ports: tcp/9}]\n";

static const char *const policies[] = {
	/* names, FTP, block lists, a directory server */
	"watch: {interfaces: [lan0], hosts: [192.0.2.10, \"2001:db8::10\"]}\n"
	"resolvers: [192.0.2.53, \"2001:db8::53\"]\n"
	"remoting: {ports: [tcp/9093]}\n"
	"peers: [203.0.113.9]\n"
	"dns: {ip_zones: [zen.example.org], uri_zones: [uri.example.org]}\n"
	"limits: {warmup: 0s}\n"
	"allow:\n"
	"  - {service: updates, name: site, to: [update.example.net, \"*.cdn.example.org\"],\n"
	"     ports: [tcp/443, tcp/80], expect: {every: 1h}}\n"
	"  - {service: files, name: ftp, to: [ftp.example.net, 198.51.100.21], ports: tcp/21,\n"
	"     passive: announced}\n"
	"  - {service: smtp, name: mail, to: any, ports: tcp/25}\n"
	"  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}\n",
	/* hardly any room, and all times short */
	"watch: {interfaces: [lan0], hosts: [192.0.2.0/28, {mac: \"02:00:00:00:00:10\"}]}\n"
	"resolvers: [192.0.2.53]\n"
	"strict_names: true\n"
	"limits: {flows: 16, learned: 16, pending: 10ms, grace: 0s, warmup: 0s, ftp: 10ms,\n"
	"         udp_idle: 10ms, tcp_syn: 10ms, tcp_idle: 10ms}\n"
	"allow:\n"
	"  - {service: updates, name: site, to: update.example.net, ports: [tcp/443, tcp/80]}\n"
	"  - {service: files, name: ftp, to: ftp.example.net, ports: tcp/21, passive: any}\n",
	/* a resolver of its own, and everything is allowed somewhere */
	"watch: {interfaces: [lan0], hosts: [192.0.2.10, \"2001:db8::/64\"]}\n"
	"resolvers: {recursive: {exe: /usr/sbin/named}}\n"
	"proxy: 192.0.2.1:3128\n"
	"allow:\n"
	"  - {service: updates, name: site, to: \"**.example.net\", ports: [tcp/443, tcp/80]}\n"
	"  - {service: rest, name: rest, to: any, ports: [tcp/25, udp/123, icmp, proto/47]}\n",
};
#define POLICIES (sizeof(policies) / sizeof(*policies))

static char policy_paths[POLICIES][PATH_LEN];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory, and its path. */
static int keep(const void *bytes, size_t size, char path[PATH_LEN])
{
	int fd = memfd_create("mewatch-fuzz", 0);

	check(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	snprintf(path, PATH_LEN, "/proc/self/fd/%d", fd);
	return fd;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[PATH_LEN], text[2048];

	me_log_set_level(ME_LOG_ERROR);
	keep(profile, strlen(profile), path);
	for (size_t i = 0; i < POLICIES; i++) {
		snprintf(text, sizeof(text), "version: 1\nprofile: %s\n%s", path, policies[i]);
		keep(text, strlen(text), policy_paths[i]);
	}
	return 0;
}

/* --- One replay --------------------------------------------------------------------------------- */

struct heard {
	struct me_replay_printer lines, objects;
	FILE *text, *json;
	char *text_data, *json_data;
	size_t text_size, json_size;
	uint64_t attempts, preexisting, inbound; /* flows */
	uint64_t answers;
	uint64_t verdicts[ME_VERDICT_COUNT]; /* of attempts; what is not final is pending */
};

/* The printer writes to standard output, which the GNU library lets be any stream. */
static void print_to(FILE *stream, struct me_replay_printer *printer,
		     const struct me_ledger *ledger, const struct me_ledger_flow *flow)
{
	FILE *before = stdout;

	stdout = stream;
	me_replay_print_flow(ledger, flow, printer);
	stdout = before;
}

static void hear(const struct me_ledger *ledger, const struct me_ledger_flow *flow, void *userdata)
{
	struct heard *heard = userdata;

	print_to(heard->text, &heard->lines, ledger, flow);
	print_to(heard->json, &heard->objects, ledger, flow);
	if (flow->flags & ME_FLOW_PREEXISTING) {
		heard->preexisting++;
	} else if (flow->direction == ME_DIRECTION_IN) {
		heard->inbound++;
	} else {
		heard->attempts++;
		heard->verdicts[me_state_is_final(flow->state) ? flow->state.verdict
							       : ME_PENDING]++;
	}
}

static void hear_answer(const struct me_ledger *ledger, const struct me_answer *answer,
			void *userdata)
{
	struct heard *heard = userdata;
	FILE *before = stdout;

	heard->answers++;
	stdout = heard->text;
	me_replay_print_answer(ledger, answer, &heard->lines);
	stdout = heard->json;
	me_replay_print_answer(ledger, answer, &heard->objects);
	stdout = before;
}

/* Every flow was told of, or there was no room for it and that was counted. */
static void check_sums(const struct heard *heard, const struct me_replay *replay)
{
	const uint64_t *cells = me_ledger_cells(me_replay_ledger(replay)),
		       *totals = me_replay_totals(replay);
	uint64_t attempts = me_cells_attempts(cells, ME_TRANSIT), preexisting = 0, ended = 0;
	uint64_t pending = me_cells_pending(cells, ME_TRANSIT),
		 full = totals[ME_TOTAL_FLOW_OVERFLOW];

	for (int v = 0; v < ME_VERDICT_COUNT; v++) {
		preexisting += totals[ME_TOTAL_PREEXISTING(v)];
		if (v != ME_PENDING)
			ended += me_cells_verdict(cells, v);
	}
	check(attempts == ended + pending);
	check(heard->verdicts[ME_PENDING] == pending);
	check(heard->attempts <= attempts && heard->preexisting <= preexisting);
	check(attempts - heard->attempts + (preexisting - heard->preexisting) <= full);
	if (full)
		return;
	for (int v = 0; v < ME_VERDICT_COUNT; v++)
		check(v == ME_PENDING || heard->verdicts[v] == me_cells_verdict(cells, v));
}

static void end(struct heard *heard, struct me_replay *replay)
{
	FILE *before = stdout;

	if (!replay)
		return;
	me_replay_end(replay);
	check_sums(heard, replay);
	stdout = heard->text;
	me_replay_print_summary(&heard->lines, replay);
	stdout = before;
}

static int guess_by(const struct me_capture_packet *packet, void *userdata)
{
	return me_guess_packet(userdata, packet);
}

/* `ahead`: the capture is looked at in front, as standard input is; or NULL. */
static void replay_once(const char *path, const char *policy, struct me_guess *ahead,
			struct heard *heard)
{
	_cleanup_(me_input_close) struct me_input input = {};
	const struct me_replay_options options = {.policy = policy, .answer_fn = hear_answer};
	char error[ME_CAPTURE_ERROR_MAX];
	struct me_capture_packet packet;
	struct me_replay *replay = NULL;
	int r = me_input_open(path, &input, error);

	heard->objects.form = ME_REPLAY_JSON;
	heard->text = open_memstream(&heard->text_data, &heard->text_size);
	heard->json = open_memstream(&heard->json_data, &heard->json_size);
	check(heard->text && heard->json);
	while (!r && (r = me_input_next(&input, &packet, error)) == 1) {
		r = 0;
		if (!replay) {
			check(!me_replay_new(&options, packet.ts_ns, hear, heard, &replay));
			if (ahead) {
				check(!me_input_ahead(&input, &packet, guess_by, ahead));
				continue; /* from where that packet comes once more */
			}
		}
		me_replay_packet(replay, &packet);
	}
	if (r < 0)
		fputs(error, heard->text);
	end(heard, replay);
	me_replay_free(&replay);
	fclose(heard->text);
	fclose(heard->json);
}

static void forget(struct heard *heard)
{
	free(heard->text_data);
	free(heard->json_data);
}

/* --- What was said ------------------------------------------------------------------------------ */

/* An object a line. */
static void check_json(const struct heard *heard)
{
	uint64_t lines = 0;

	for (char *line = heard->json_data, *next; line < heard->json_data + heard->json_size;
	     line = next) {
		json_t *object;

		next = strchr(line, '\n');
		check(next);
		object = json_loadb(line, next - line, JSON_REJECT_DUPLICATES, NULL);
		check(json_is_object(object));
		json_decref(object);
		next++;
		lines++;
	}
	check(lines == heard->objects.flows + heard->answers);
}

/* By what was held of the capture, and by the whole file. */
static void check_guess(const struct me_guess *guess, const char *path)
{
	_cleanup_(me_guess_freep) struct me_guess *whole = me_guess_new();
	struct me_addr one = {}, other = {};
	uint64_t n = 0, m = 0;

	check(whole && !me_guess_file(whole, path));
	check(me_guess_made(guess, &one, &n) == me_guess_made(whole, &other, &m));
	check(n == m && !memcmp(&one, &other, sizeof(one)));
}

static void check_same(const struct heard *one, const struct heard *other)
{
	check(one->text_size == other->text_size && one->json_size == other->json_size);
	check(!memcmp(one->text_data, other->text_data, one->text_size));
	check(!memcmp(one->json_data, other->json_data, one->json_size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard first = {}, again = {};
	const char *policy = policy_paths[size ? data[size - 1] % POLICIES : 0];
	char path[PATH_LEN];
	int fd = keep(data, size, path);

	replay_once(path, policy, NULL, &first);
	check_json(&first);
	if (size % TWICE == 0) {
		_cleanup_(me_guess_freep) struct me_guess *guess = me_guess_new();

		check(guess);
		replay_once(path, policy, guess, &again);
		check_same(&first, &again);
		check_guess(guess, path);
	}
	forget(&first);
	forget(&again);
	close(fd);
	return 0;
}
