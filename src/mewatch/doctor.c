/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch doctor: whether this machine lets mewatch see what it should, and what to do where not. */
#include "mewatch/doctor.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "mewatch/command.h"
#include "mewatch/here.h"
#include "policy/diagnostics.h"

#define LINE_SHOWN 768 /* bytes of a line or a remedy */

static const char usage[] =
	"usage: mewatch doctor [-c FILE] [--cgroup PATH]… [--interface IF]… [--state DIR]\n"
	"                      [--socket PATH] [--pins DIR] [--json]\n"
	"Tries what mewatch needs of this machine, and says what it would not see, each with the remedy:\n"
	"+ good, - warning, ! failure. Changes nothing. Options are those of the daemon:\n"
	"\n"
	"  -c, --config FILE       policy\n"
	"      --cgroup PATH       watched, instead of the policy's (several times)\n"
	"      --interface IF      watched, instead of the policy's (several times)\n"
	"      --state DIR         (" ME_DEFAULT_STATE ")\n"
	"      --socket PATH       (" ME_DEFAULT_SOCKET ")\n"
	"      --pins DIR          (" ME_DEFAULT_PINS ")\n"
	"      --json              one JSON object\n"
	"\n"
	"Exit 0: no failure; 1: a failure; 3: the kernel cannot do it.\n";

static const struct {
	const char *name;
	void (*run)(struct me_doctor *doctor);
} checks[] = {
#define ME_DOCTOR_ROW(label, function) {#label, function},
	ME_DOCTOR_CHECKS(ME_DOCTOR_ROW)
#undef ME_DOCTOR_ROW
};

/* A safe copy; NULL without memory. */
static char *safe_copy(const char *text)
{
	char safe[LINE_SHOWN];

	me_text_escape(safe, sizeof(safe), text, strlen(text));
	return strdup(safe);
}

void me_doctor_say(struct me_doctor *doctor, enum me_health health, const char *remedy,
		   const char *format, ...)
{
	struct me_doctor_line line = {.check = doctor->check, .health = health};
	char text[LINE_SHOWN];
	va_list arguments;

	doctor->count[health]++;
	if (doctor->n == ME_DOCTOR_LINES_MAX) {
		doctor->dropped++;
		return;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	line.text = safe_copy(text);
	line.remedy = remedy ?: "";
	if (!line.text)
		doctor->failed = true;
	else
		doctor->line[doctor->n++] = line;
}

static void doctor_free(struct me_doctor **held)
{
	struct me_doctor *doctor = *held;

	for (size_t i = 0; doctor && i < doctor->n; i++)
		free(doctor->line[i].text);
	free(doctor);
}

/* -1: go on; else the exit code. Room for `argc` words each is at `cgroups` and behind. */
static int read_options(int argc, char **argv, const char **words, struct me_doctor *doctor,
			bool *ret_json)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"cgroup", required_argument, NULL, 'g'},
		{"interface", required_argument, NULL, 'i'},
		{"state", required_argument, NULL, 's'},
		{"socket", required_argument, NULL, 'S'},
		{"pins", required_argument, NULL, 'p'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	int option;

	doctor->cgroups = words;
	doctor->interfaces = words + argc;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			doctor->policy_path = optarg;
			break;
		case 'g':
			words[doctor->n_cgroups++] = optarg;
			break;
		case 'i':
			words[argc + doctor->n_interfaces++] = optarg;
			break;
		case 's':
			doctor->state = optarg;
			break;
		case 'S':
			doctor->socket = optarg;
			break;
		case 'p':
			doctor->pins = optarg;
			break;
		case 'j':
			*ret_json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return ME_EXIT_OK;
		default:
			fputs(usage, stderr);
			return ME_EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fputs(usage, stderr);
	return ME_EXIT_USAGE;
}

/* The options replace both, as for the daemon. */
static void take_watch(struct me_doctor *doctor, const struct me_policy *policy)
{
	doctor->policy = policy;
	if (!policy || doctor->n_cgroups || doctor->n_interfaces)
		return;
	doctor->cgroups = policy->cgroups;
	doctor->n_cgroups = policy->n_cgroups;
	doctor->interfaces = policy->interfaces;
	doctor->n_interfaces = policy->n_interfaces;
}

int me_cmd_doctor(int argc, char **argv)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	_cleanup_(doctor_free) struct me_doctor *doctor = calloc(1, sizeof(*doctor));
	_cleanup_free_ const char **words = calloc(2 * (size_t)argc, sizeof(*words));
	bool json = false;
	int err, code;

	if (!doctor || !words) {
		me_log_error("out of memory");
		return ME_EXIT_USAGE;
	}
	doctor->pins = ME_DEFAULT_PINS;
	doctor->state = ME_DEFAULT_STATE;
	doctor->socket = ME_DEFAULT_SOCKET;
	code = read_options(argc, argv, words, doctor, &json);
	if (code >= 0)
		return code;
	doctor->policy_path = me_here_policy(doctor->policy_path);
	me_policy_load(doctor->policy_path, NULL, &diagnostics, &policy);
	doctor->policy_errors = diagnostics.errors;
	take_watch(doctor, policy);
	for (size_t i = 0; i < ME_ARRAY_SIZE(checks); i++) {
		doctor->check = checks[i].name;
		checks[i].run(doctor);
	}
	err = doctor->failed ? -ENOMEM
	      : json         ? me_doctor_print_json(doctor)
			     : me_doctor_print(doctor);
	if (err) {
		me_log_error("cannot write the answer: %s", strerror(-err));
		return ME_EXIT_USAGE;
	}
	if (doctor->lacking)
		return ME_EXIT_KERNEL;
	return doctor->count[ME_HEALTH_FAILURE] ? ME_EXIT_FINDINGS : ME_EXIT_OK;
}
