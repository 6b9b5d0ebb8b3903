/* SPDX-License-Identifier: GPL-2.0-only */
/* `mewatch explain` beside a daemon: another process that serves the API with some answers in it. */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include "run.h"
#include "../ledger/fixture.h"
#include "export/api.h"
#include "ledger/answers.h"

#define ADDRESS "198.51.100.10"
#define ADDRESS_OLD "198.51.100.11"
#define ADDRESS_DEAD "198.51.100.12"
#define ADDRESS_PRIVATE "10.0.0.7"

static const char site[] = "version: 1\n"
			   "profile: %s\n"
			   "resolvers: [192.0.2.53]\n"
			   "limits: {grace: 30m}\n"
			   "allow:\n"
			   "  - service: updates\n"
			   "    to: [meupdate.gfi.com, \"*.mailshell.net\"]\n"
			   "    ports: tcp/443\n"
			   "  - {service: hard, to: 192.0.2.251, ports: tcp/8443, mode: enforce}\n";
static const char profile[] = "version: 1\n"
			      "allow: [{service: other, to: 192.0.2.250, ports: tcp/9}]\n";

struct fixture {
	char folder[32], socket[64], nowhere[64], site[64], profile[64];
	struct me_kept kept;
	struct me_ledger *ledger;
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	pid_t server;
};

static const struct me_status *status(void *data)
{
	static const struct me_status nothing = {
		.version = "1",
		.mode = {.mode = ME_MODE_SHADOW, .said = ME_MODE_SHADOW},
	};

	(void)data;
	return &nothing;
}

/* Answers until it is killed. */
static void serve(struct fixture *f, int ready)
{
	struct me_api api = {.ledger = f->ledger, .status = status};
	_cleanup_strbuf_ struct me_strbuf error = {0};
	struct me_http *http = NULL;

	if (me_http_new(me_api_answer, &api, &http) ||
	    me_http_listen_unix(http, ME_HTTP_API, f->socket, &error) || write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		struct pollfd pollfd = {.fd = me_http_fd(http), .events = POLLIN};

		poll(&pollfd, 1, 100);
		me_http_run(http, me_clock_now(CLOCK_MONOTONIC));
	}
}

/* An answer seen a minute ago that holds `left_s` seconds more; negative: it is over for so long. */
static void answer(struct fixture *f, const char *name, const char *target, const uint8_t v4[4],
		   int64_t left_s)
{
	uint64_t then = f->now_ns - 60 * ME_NS_PER_S;
	struct me_answer answer = {
		.name = name,
		.target = target,
		.server = me_addr_v4(ME_NET32(0xc0000235u)),
		.since_ns = then,
		.last_ns = then + (uint64_t)v4[3],
		.until_ns = f->now_ns + (uint64_t)(left_s * (int64_t)ME_NS_PER_S),
		.count = 1,
	};

	answer.address.word[2] = ME_MAPPED_PREFIX;
	memcpy(answer.address.byte + 12, v4, 4);
	assert_int_equal(me_answers_add(me_ledger_answers(f->ledger), &answer), 0);
}

static void fill(struct fixture *f)
{
	const struct me_ledger_limits limits = {.answers = 1000};
	uint64_t epoch = me_clock_now(CLOCK_REALTIME);

	/* Not the machine's own: it may have started a minute ago. */
	f->now_ns = 100000 * ME_NS_PER_S;
	assert_int_equal(
		me_ledger_new(&limits, &f->kept, &fixture_names, f->now_ns, epoch, &f->ledger), 0);
	answer(f, "stranger.example", NULL, (uint8_t[]){198, 51, 100, 10}, 600);
	answer(f, "meupdate.gfi.com", "edge.example", (uint8_t[]){198, 51, 100, 10}, 600);
	answer(f, "db11.mailshell.net", NULL, (uint8_t[]){198, 51, 100, 11}, -60);
	answer(f, "db12.mailshell.net", NULL, (uint8_t[]){198, 51, 100, 12}, -7200);
	answer(f, "meupdate.gfi.com", NULL, (uint8_t[]){10, 0, 0, 7}, 600);
}

static void write_text(const char *path, const char *text)
{
	assert_int_equal(me_file_write_atomic(path, text, strlen(text), 0600), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char text[512], byte;
	int ready[2];

	snprintf(f->folder, sizeof(f->folder), "/tmp/mewatch-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->socket, sizeof(f->socket), "%s/sock", f->folder);
	snprintf(f->nowhere, sizeof(f->nowhere), "%s/nowhere", f->folder);
	snprintf(f->site, sizeof(f->site), "%s/site.yaml", f->folder);
	snprintf(f->profile, sizeof(f->profile), "%s/profile.yaml", f->folder);
	snprintf(text, sizeof(text), site, f->profile);
	write_text(f->site, text);
	write_text(f->profile, profile);
	fill(f);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	f->server = fork();
	if (!f->server)
		serve(f, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kill(f->server, SIGKILL);
	waitpid(f->server, NULL, 0);
	unlink(f->socket);
	unlink(f->site);
	unlink(f->profile);
	rmdir(f->folder);
	me_ledger_free(&f->ledger);
	free(f);
	return 0;
}

/* Runs it beside the daemon; what it says has to contain each of the texts. */
static void says(struct fixture *f, const char *destination, int code, const char *const *texts)
{
	_cleanup_free_ char *output = NULL;

	assert_int_equal(RUN(me_cmd_explain, STDOUT_FILENO, &output, "explain", "-c", f->site,
			     "--socket", f->socket, destination),
			 code);
	for (size_t i = 0; texts[i]; i++)
		if (!strstr(output, texts[i]))
			fail_msg("%s: no `%s` in\n%s", destination, texts[i], output);
}

#define SAYS(f, destination, code, ...)                                                            \
	says(f, destination, code, (const char *const[]){__VA_ARGS__, NULL})

static void an_address_is_judged_by_its_names(void **state)
{
	SAYS(*state, ADDRESS ":443", ME_EXIT_OK, ADDRESS ":443/tcp: allowed\n",
	     "\n  vantage   host: a process of this machine\n",
	     "\n  endpoint  meupdate.gfi.com\n  evidence  learned\n",
	     "\n  why       a DNS answer gave the address to meupdate.gfi.com; the name is listed\n",
	     "\n  before    pending (unlisted-destination): nothing allows it yet",
	     "\n  known     meupdate.gfi.com (edge.example), from 192.0.2.53, since 20",
	     "\n  known     stranger.example, from 192.0.2.53, since 20");
	SAYS(*state, ADDRESS_OLD ":443", ME_EXIT_OK, ": allowed\n",
	     "\n  endpoint  *.mailshell.net\n", "\n  evidence  stale\n",
	     "db11.mailshell.net (past its life, inside the grace); *.mailshell.net stands for "
	     "exactly one label more, here `db11`\n",
	     ", stale\n");
	/* Beyond the grace it is as if no answer had been seen. */
	SAYS(*state, ADDRESS_DEAD ":443", ME_EXIT_FINDINGS, ": pending (unlisted-destination)\n",
	     "\n  known     db12.mailshell.net, ", ", over\n");
	/* A listed name on a port that is not: the reason knows it. */
	SAYS(*state, ADDRESS ":25", ME_EXIT_FINDINGS, ": violation (unlisted-port)\n");
	/* The daemon does not learn private addresses for a name that may not have any. */
	SAYS(*state, ADDRESS_PRIVATE ":443", ME_EXIT_FINDINGS, ": pending",
	     "\n  known     meupdate.gfi.com, ");
	SAYS(*state, "203.0.113.9:443", ME_EXIT_FINDINGS, ": pending",
	     "\n  known     nothing: the daemon has seen no DNS answer that gave the address\n");
}

static json_t *explain_json(struct fixture *f, const char *socket, const char *destination,
			    int code)
{
	_cleanup_free_ char *output = NULL;
	json_t *root;

	assert_int_equal(RUN(me_cmd_explain, STDOUT_FILENO, &output, "explain", "-c", f->site,
			     "--json", "--socket", socket, destination),
			 code);
	root = json_loads(output, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	return root;
}

/* The daemon of the test was told shadow, which is for those without a rule's. */
static void the_mode_of_a_violation(void **state)
{
	struct fixture *f = *state;
	json_t *root = explain_json(f, f->nowhere, "203.0.113.9:8443", ME_EXIT_FINDINGS);

	assert_string_equal(json_string_value(json_object_get(root, "mode")), "enforce");
	assert_string_equal(json_string_value(json_object_get(root, "mode_rule")),
			    "hard/192.0.2.251");
	assert_string_equal(json_string_value(json_object_get(root, "action")), "denied");
	json_decref(root);
	root = explain_json(f, f->nowhere, "203.0.113.9:25", ME_EXIT_FINDINGS);
	assert_string_equal(json_string_value(json_object_get(root, "mode")), "monitor");
	assert_true(json_is_null(json_object_get(root, "mode_rule")));
	assert_string_equal(json_string_value(json_object_get(root, "action")), "none");
	json_decref(root);
	SAYS(f, "203.0.113.9:25", ME_EXIT_FINDINGS,
	     "\n  mode      shadow, as the daemon was told: would be denied (shadow)\n");
	SAYS(f, "203.0.113.9:8443", ME_EXIT_FINDINGS,
	     "\n  mode      enforce, by hard/192.0.2.251 (", ": denied\n");
	SAYS(f, "203.0.113.9:443", ME_EXIT_FINDINGS, ": not denied while it is pending\n");
}

static void a_name_is_told_with_its_addresses(void **state)
{
	SAYS(*state, "meupdate.gfi.com:443", ME_EXIT_OK,
	     ": allowed once an answer for the name was seen\n",
	     "\n  known     198.51.100.10 (edge.example), from 192.0.2.53, since 20",
	     "\n  known     10.0.0.7, from 192.0.2.53, since 20");
	SAYS(*state, "unknown.example:443", ME_EXIT_FINDINGS,
	     "\n  known     nothing: the daemon has seen no DNS answer for the name\n");
}

static void json_says_the_same(void **state)
{
	struct fixture *f = *state;
	json_t *root = explain_json(f, f->socket, ADDRESS ":443", ME_EXIT_OK);
	const char *verdict, *evidence, *before, *name, *address, *server, *since, *until;

	assert_int_equal(json_unpack(root, "{s:s, s:s, s:{s:s}, s:[{s:s, s:s, s:s, s:s, s:s}]}",
				     "verdict", &verdict, "evidence", &evidence, "before",
				     "verdict", &before, "known", "name", &name, "address",
				     &address, "server", &server, "since", &since, "until", &until),
			 0);
	assert_string_equal(verdict, "allowed");
	assert_string_equal(evidence, "learned");
	assert_string_equal(before, "pending");
	assert_string_equal(name, "meupdate.gfi.com");
	assert_string_equal(address, ADDRESS);
	assert_string_equal(server, "192.0.2.53");
	assert_true(strcmp(since, until) < 0);
	assert_int_equal(json_array_size(json_object_get(root, "known")), 2);
	json_decref(root);

	root = explain_json(f, f->nowhere, ADDRESS ":443", ME_EXIT_FINDINGS);
	assert_true(json_is_null(json_object_get(root, "known")));
	assert_true(json_is_null(json_object_get(root, "before")));
	json_decref(root);
}

/* A second policy in the fixture's folder: what is watched decides for whom it is asked. */
static void the_vantage_is_chosen(void **state)
{
	static const char host[] = "\n  vantage   host: a process of this machine\n";
	static const char transit[] = "\n  vantage   transit: a mail host behind this machine\n";
	static const struct {
		const char *watch;
		bool option;
		int code;
		const char *vantage;
	} cases[] = {
		{"", false, ME_EXIT_OK, host},
		{"", true, ME_EXIT_FINDINGS, transit},
		{"watch: {interfaces: lan0, hosts: 192.0.2.1}\n", false, ME_EXIT_FINDINGS, transit},
		{"watch: {interfaces: lan0, hosts: 192.0.2.1}\n", true, ME_EXIT_FINDINGS, transit},
		{"watch: {cgroups: /, interfaces: lan0, hosts: 192.0.2.1}\n", false, ME_EXIT_OK,
		 host},
		{"watch: {cgroups: /, interfaces: lan0, hosts: 192.0.2.1}\n", true,
		 ME_EXIT_FINDINGS, transit},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		char path[] = "/tmp/mewatch-site-XXXXXX", text[512];
		const char *arguments[] = {"explain",
					   "-c",
					   path,
					   "--socket",
					   f->socket,
					   "127.0.0.1:9093",
					   cases[i].option ? "--transit" : NULL,
					   NULL};
		_cleanup_free_ char *output = NULL;
		int code;

		snprintf(text, sizeof(text), "version: 1\nprofile: %s\n%s", f->profile,
			 cases[i].watch);
		write_site(path, text);
		code = run(me_cmd_explain, arguments, STDOUT_FILENO, &output);
		unlink(path);
		assert_int_equal(code, cases[i].code);
		assert_non_null(strstr(output, cases[i].vantage));
		assert_non_null(
			strstr(output, cases[i].vantage == host ? ": local\n" : ": violation ("));
	}
}

/* On the wire the recursive resolver may be any program of the mail host, at the port of DNS. */
static void a_mail_host_may_walk_the_dns(void **state)
{
	static const char text[] = "version: 1\n"
				   "watch: {interfaces: lan0, hosts: 192.0.2.1}\n"
				   "resolvers: {recursive: {exe: /usr/sbin/unbound}}\n";
	struct fixture *f = *state;
	char path[] = "/tmp/mewatch-site-XXXXXX";
	_cleanup_free_ char *allowed = NULL, *other = NULL;

	write_site(path, text);
	assert_int_equal(RUN(me_cmd_explain, STDOUT_FILENO, &allowed, "explain", "-c", path,
			     "--socket", f->nowhere, "203.0.113.9:53/udp"),
			 ME_EXIT_OK);
	assert_non_null(strstr(allowed, "\n  why       who walks the DNS itself may ask any"));
	assert_int_equal(RUN(me_cmd_explain, STDOUT_FILENO, &other, "explain", "-c", path,
			     "--socket", f->nowhere, "203.0.113.9:853/tcp"),
			 ME_EXIT_FINDINGS);
	assert_non_null(strstr(other, ": violation (encrypted-dns)\n"));
	unlink(path);
}

static void names_count_in_transit_too(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *output = NULL;
	const char *vantage, *evidence;
	json_t *root;

	assert_int_equal(RUN(me_cmd_explain, STDOUT_FILENO, &output, "explain", "-c", f->site,
			     "--transit", "--json", "--socket", f->socket, ADDRESS ":443"),
			 ME_EXIT_OK);
	root = json_loads(output, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(
		json_unpack(root, "{s:s, s:s}", "vantage", &vantage, "evidence", &evidence), 0);
	assert_string_equal(vantage, "transit");
	assert_string_equal(evidence, "learned");
	json_decref(root);
}

static void without_a_daemon_it_says_so(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *gone = NULL, *file = NULL, *endless = NULL;
	char line[256], path[200];

	assert_int_equal(RUN(me_cmd_explain, STDOUT_FILENO, &gone, "explain", "-c", f->site,
			     "--socket", f->nowhere, ADDRESS ":443"),
			 ME_EXIT_FINDINGS);
	snprintf(line, sizeof(line),
		 "\n  known     not asked: no daemon answers on %s (No such file or directory)\n",
		 f->nowhere);
	assert_non_null(strstr(gone, line));
	assert_non_null(strstr(gone, ": pending (unlisted-destination)\n"));
	assert_int_equal(RUN(me_cmd_explain, STDOUT_FILENO, &file, "explain", "-c", f->site,
			     "--socket", f->site, ADDRESS ":443"),
			 ME_EXIT_FINDINGS);
	assert_non_null(strstr(file, "(Connection refused)\n"));
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(RUN(me_cmd_explain, STDOUT_FILENO, &endless, "explain", "-c", f->site,
			     "--socket", path, ADDRESS ":443"),
			 ME_EXIT_FINDINGS);
	assert_non_null(strstr(endless, "(File name too long)\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_judged_by_its_names),
		cmocka_unit_test(the_mode_of_a_violation),
		cmocka_unit_test(a_name_is_told_with_its_addresses),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(the_vantage_is_chosen),
		cmocka_unit_test(a_mail_host_may_walk_the_dns),
		cmocka_unit_test(names_count_in_transit_too),
		cmocka_unit_test(without_a_daemon_it_says_so),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
