/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include "../ledger/fixture.h"
#include "../../seed.h"
#include "export/filter.h"

enum { F_DST, F_DPORT, F_EXE, F_COMM, F_VERDICT, F_PROTO, F_SRC, F_BYTES, F_COUNT };

static const char *const names[] = {"dst",     "dport", "exe", "comm",
				    "verdict", "proto", "src", "bytes_sent"};

struct row {
	struct me_value values[F_COUNT];
};

static struct me_value get(const void *row, unsigned int field)
{
	return ((const struct row *)row)->values[field];
}

static const struct me_fields fields = {names, F_COUNT, get};

static bool matches(const char *text)
{
	static const struct me_addr dst = {.byte = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 7}};
	const struct row row = {{
		[F_DST] = me_value_address(&dst),
		[F_DPORT] = me_value_number(443),
		[F_EXE] = me_value_text("/usr/bin/CURL"),
		[F_COMM] = me_value_bytes("worker\0\0", 8),
		[F_VERDICT] = me_value_text("violation"),
		[F_PROTO] = me_value_proto(IPPROTO_TCP),
		[F_BYTES] = me_value_number(987654),
	}};
	_cleanup_strbuf_ struct me_strbuf error = {0};
	_cleanup_(me_filter_freep) struct me_filter *filter = NULL;

	if (me_filter_new(text, &fields, &error, &filter) < 0)
		fail_msg("%s: %s", text, error.data);
	return me_filter_matches(filter, &row);
}

static void test_terms(void **state)
{
	static const struct {
		const char *filter;
		bool matches;
	} cases[] = {
		{"", true},
		{"   ", true},
		{"port:443", true},
		{"port:44", false},
		{"port:4430", false},
		{"-port:443", false},
		{"-port:80", true},
		{"proc:curl", true},
		{"proc:work", true},
		{"proc:wget", false},
		{"verdict:violation", true},
		{"VERDICT:Violation", true},
		{"verdict:viol", false},
		{"dst:192.0.2", true},
		{"dst:192.0.2.7", true},
		{"dst:92.0", false},
		{"proto:tcp", true},
		{"proto:6", false},
		{"host:192", false}, /* the row has no src */
		{"-host:192", true},
		{"service:smtp", false}, /* such rows have no service */
		{"curl", true},
		{"WORKER", true},
		{"192.0.2.7", true},
		{"987654", false}, /* free text looks at text only */
		{"-curl", false},
		{"-", false},
		{"port:443 proc:curl -proc:wget tcp", true},
		{"port:443 proc:wget", false},
		{"2001:db8::1", false},
		{"abcd::1", false},
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++)
		if (matches(cases[i].filter) != cases[i].matches)
			fail_msg("\"%s\" should%s match", cases[i].filter,
				 cases[i].matches ? "" : " not");
}

static void test_errors(void **state)
{
	char long_text[ME_FILTER_MAX + 2], many[2 * (ME_FILTER_TERMS_MAX + 1) + 1] = "";
	const struct {
		const char *filter, *says;
	} cases[] = {
		{"prot:tcp", "did you mean \"port:\""},
		{"verdit:x", "did you mean \"verdict:\""},
		{"zzz:1", "expected port:"},
		{"port:", "nothing after"},
		{"port:http", "0 to 65535"},
		{"port:65536", "0 to 65535"},
		{long_text, "longer than 512"},
		{many, "more than 16 terms"},
	};

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	for (unsigned int i = 0; i <= ME_FILTER_TERMS_MAX; i++)
		memcpy(many + 2 * i, "a ", 3);
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf error = {0};
		_cleanup_(me_filter_freep) struct me_filter *filter = NULL;

		assert_int_equal(me_filter_new(cases[i].filter, &fields, &error, &filter), -EINVAL);
		assert_null(filter);
		if (!error.data || !strstr(error.data, cases[i].says))
			fail_msg("%s: %s", cases[i].filter, error.data);
	}
}

/* Any bytes: no crash, and what is accepted can be matched. */
static void test_random(void **state)
{
	static const char alphabet[] = "port:proc -name:443.\\\"\x01\xff\t:";
	unsigned int seed = (unsigned int)me_seed();

	(void)state;
	for (int i = 0; i < 20000; i++) {
		_cleanup_strbuf_ struct me_strbuf error = {0};
		_cleanup_(me_filter_freep) struct me_filter *filter = NULL;
		const struct row row = {0};
		char text[40];
		size_t len = (size_t)rand_r(&seed) % sizeof(text);

		for (size_t c = 0; c < len; c++)
			text[c] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		text[len ? len - 1 : 0] = '\0';
		if (me_filter_new(text, &fields, &error, &filter) == 0)
			me_filter_matches(filter, &row);
		else
			assert_non_null(error.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
