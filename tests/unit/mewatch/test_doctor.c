/* SPDX-License-Identifier: GPL-2.0-only */
/* `mewatch doctor`: what it reads out of the files of the system, and how it prints. */
#include <jansson.h>
#include <stdlib.h>
#include "run.h"
#include "mewatch/doctor.h"
#include "mewatch/doctor_parse.h"

static void lockdown_is_the_marked_one(void **state)
{
	char level[32] = "as it was";

	assert_true(me_doctor_lockdown_level("none [integrity] confidentiality\n", level, 32));
	assert_string_equal(level, "integrity");
	assert_true(me_doctor_lockdown_level("[none] integrity confidentiality\n", level, 32));
	assert_string_equal(level, "none");
	assert_true(me_doctor_lockdown_level("none [confidentiality]", level, 5));
	assert_string_equal(level, "conf");
	assert_false(me_doctor_lockdown_level("none integrity\n", level, 32));
	assert_false(me_doctor_lockdown_level("none [integrity", level, 32));
	assert_false(me_doctor_lockdown_level("", level, 32));
}

static void nsswitch_has_an_order(void **state)
{
	static const struct {
		const char *text;
		bool resolve;
	} cases[] = {
		{"hosts: files dns\n", false},
		{"hosts: files resolve dns\n", true},
		{"hosts:\tfiles mymachines resolve [!UNAVAIL=return] dns\n", true},
		{"hosts: resolve[!UNAVAIL=return] files dns", true},
		{"hosts: resolve", true},
		{"hosts: dns resolve\n", false},
		{"hosts: files mdns4_minimal [NOTFOUND=return] dns resolve\n", false},
		{"hosts: files [resolve] dns\n", false},
		{"hosts: files # resolve\n", false},
		{"# hosts: resolve\npasswd: resolve\nhosts: files dns\n", false},
		{"passwd: files\n  hosts: files resolve\n", true},
		{"hosts: files resolved dns\n", false},
		{"hosts:\nnetworks: resolve\n", false},
		{"hosts: [resolve\n", false},
		{"hosts:", false},
		{"", false},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++)
		if (me_doctor_nsswitch_first(cases[i].text, "resolve") != cases[i].resolve)
			fail_msg("%s", cases[i].text);
}

static void a_setting_is_the_last_one(void **state)
{
	char value[16] = "as it was";

	assert_true(me_doctor_setting("[Resolve]\nDNSOverTLS=yes\n", "DNSOverTLS", value, 16));
	assert_string_equal(value, "yes");
	assert_true(me_doctor_setting("DNSOverTLS=yes\n DNSOverTLS = no \r\n", "DNSOverTLS", value,
				      16));
	assert_string_equal(value, "no");
	assert_true(me_doctor_setting("DNSOverTLS=", "DNSOverTLS", value, 16));
	assert_string_equal(value, "");
	assert_false(me_doctor_setting("#DNSOverTLS=yes\nDNSOverTLSx=yes\nDNSOverTLS\n",
				       "DNSOverTLS", value, 16));
	assert_false(me_doctor_setting("", "DNSOverTLS", value, 16));
}

static int print_text(int argc, char **argv)
{
	static char text_all[] = "all", text_wrong[] = "wrong", text_no[] = "no";
	static struct me_doctor doctor = {
		.line = {{"programs", ME_HEALTH_GOOD, text_all, ""},
			 {"clock", ME_HEALTH_WARNING, text_wrong, "run chrony"},
			 {"state", ME_HEALTH_FAILURE, text_no, "make it"}},
		.n = 3,
		.dropped = 2,
		.count = {1, 1, 3},
	};

	return argc > 1 ? me_doctor_print_json(&doctor) : me_doctor_print(&doctor);
}

/* What a policy or a process is called cannot write to the terminal. */
static void text_is_made_safe(void **state)
{
	static struct me_doctor doctor = {.check = "outside"};

	me_doctor_say(&doctor, ME_HEALTH_WARNING, "do", "%s", "a\x1b[31mb\nc");
	assert_string_equal(doctor.line[0].text, "a\\x1b[31mb\\x0ac");
	for (size_t i = 0; i < ME_DOCTOR_LINES_MAX; i++)
		me_doctor_say(&doctor, ME_HEALTH_GOOD, NULL, "%zu", i);
	assert_int_equal(doctor.n, ME_DOCTOR_LINES_MAX);
	assert_int_equal(doctor.dropped, 1);
	assert_int_equal(doctor.count[ME_HEALTH_GOOD], ME_DOCTOR_LINES_MAX);
	for (size_t i = 0; i < doctor.n; i++)
		free(doctor.line[i].text);
}

static void text_is_aligned(void **state)
{
	_cleanup_free_ char *output = NULL;

	assert_int_equal(RUN(print_text, STDOUT_FILENO, &output, "doctor"), 0);
	assert_string_equal(output, "+ programs      all\n"
				    "- clock         wrong\n"
				    "                -> run chrony\n"
				    "! state         no\n"
				    "                -> make it\n"
				    "and 2 more\n"
				    "1 good, 1 warning, 3 failures\n");
}

static const char *member(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static void json_has_all_of_it(void **state)
{
	_cleanup_free_ char *output = NULL;
	json_t *root, *checks, *row;

	assert_int_equal(RUN(print_text, STDOUT_FILENO, &output, "doctor", "--json"), 0);
	root = json_loads(output, 0, NULL);
	checks = json_object_get(root, "checks");
	assert_int_equal(json_array_size(checks), 3);
	row = json_array_get(checks, 1);
	assert_string_equal(member(row, "check"), "clock");
	assert_string_equal(member(row, "result"), "warning");
	assert_string_equal(member(row, "text"), "wrong");
	assert_string_equal(member(row, "remedy"), "run chrony");
	assert_int_equal(json_integer_value(json_object_get(root, "good")), 1);
	assert_int_equal(json_integer_value(json_object_get(root, "warnings")), 1);
	assert_int_equal(json_integer_value(json_object_get(root, "failures")), 3);
	assert_int_equal(json_integer_value(json_object_get(root, "dropped")), 2);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lockdown_is_the_marked_one),
		cmocka_unit_test(nsswitch_has_an_order),
		cmocka_unit_test(a_setting_is_the_last_one),
		cmocka_unit_test(text_is_made_safe),
		cmocka_unit_test(text_is_aligned),
		cmocka_unit_test(json_has_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
