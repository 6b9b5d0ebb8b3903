/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom a probe may contact, and what is said of a target in all. */
#include "site.h"
#include "probe/probe.h"

static const char site[] =
	"version: 1\n"
	"resolvers: [192.0.2.53]\n"
	"proxy: proxy.example:3128\n"
	"allow:\n"
	"- {service: web, to: [a.example, \"*.wild.example\"], ports: tcp/443}\n"
	"- {service: inside, to: in.example, ports: tcp/389, private: true}\n"
	"- {service: mirror, to: [192.0.2.1, 127.0.0.2], ports: tcp/80}\n"
	"- {service: over, to: over.example, ports: tcp/80, until: 2020-01-01}\n";

static void as_the_daemon_would_judge(void **state)
{
	static const struct {
		const char *name, *address;
		uint8_t proto;
		uint16_t port;
		const char *why; /* a part of it; NULL: it may be contacted */
	} cases[] = {
		{"a.example", "203.0.113.1", IPPROTO_TCP, 443, NULL},
		{"a.example", "2001:db8::1", IPPROTO_TCP, 443, NULL},
		{"x.wild.example", "203.0.113.1", IPPROTO_TCP, 443, NULL},
		{"x.y.wild.example", "203.0.113.1", IPPROTO_TCP, 443, "does not allow"},
		{"a.example", "203.0.113.1", IPPROTO_TCP, 80, "does not allow"},
		{"a.example", "203.0.113.1", IPPROTO_UDP, 443, "does not allow"},
		{"b.example", "203.0.113.1", IPPROTO_TCP, 443, "does not allow"},
		{NULL, "203.0.113.1", IPPROTO_TCP, 443, "does not allow"},
		{"over.example", "203.0.113.1", IPPROTO_TCP, 80, "does not allow"},
		{"a.example", "10.0.0.1", IPPROTO_TCP, 443, "private space"},
		{"a.example", "fd00::1", IPPROTO_TCP, 443, "private space"},
		{"in.example", "10.0.0.1", IPPROTO_TCP, 389, NULL},
		{"proxy.example", "10.0.0.1", IPPROTO_TCP, 3128, NULL},
		{"a.example", "0.0.0.0", IPPROTO_TCP, 443, "nobody may believe"},
		{"a.example", "::", IPPROTO_TCP, 443, "nobody may believe"},
		{"a.example", "127.0.0.1", IPPROTO_TCP, 443, "nobody may believe"},
		{"in.example", "127.0.0.1", IPPROTO_TCP, 389, "nobody may believe"},
		{"a.example", "169.254.169.254", IPPROTO_TCP, 443, "nobody may believe"},
		{"a.example", "224.0.0.251", IPPROTO_TCP, 443, "nobody may believe"},
		{NULL, "192.0.2.1", IPPROTO_TCP, 80, NULL},
		{NULL, "127.0.0.2", IPPROTO_TCP, 80, NULL},
		{NULL, "192.0.2.53", IPPROTO_UDP, 53, NULL},
		{NULL, "192.0.2.54", IPPROTO_UDP, 53, "does not allow"},
	};
	const struct me_environment environment = {.now_epoch_ns = 1800000000000000000ull};
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = load_site(site);
	_cleanup_(me_gate_freep) struct me_gate *gate = NULL;

	assert_int_equal(me_gate_new(policy, &environment, &diagnostics, &gate), 0);
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		const struct me_addr address = address_of(cases[i].address);
		const char *why = NULL;
		bool allowed = me_gate_allows(gate, cases[i].name, &address, cases[i].proto,
					      cases[i].port, &why);

		if (allowed != !cases[i].why)
			fail_msg("%s %s %u: %s", cases[i].name, cases[i].address, cases[i].port,
				 allowed ? "allowed" : why);
		if (cases[i].why)
			assert_non_null(strstr(why, cases[i].why));
	}
}

/* o: works, f: refused, n: no route, u: not probed; in capitals through the proxy. */
static void of_all_rows(void **state)
{
	static const struct {
		const char *rows;
		enum me_probe_state state;
	} cases[] = {
		{"o", ME_PROBE_WORKS},    {"oo", ME_PROBE_WORKS},   {"of", ME_PROBE_FAILS},
		{"fo", ME_PROBE_FAILS},   {"f", ME_PROBE_FAILS},    {"on", ME_PROBE_WORKS},
		{"no", ME_PROBE_WORKS},   {"n", ME_PROBE_FAILS},    {"nn", ME_PROBE_FAILS},
		{"nf", ME_PROBE_FAILS},   {"ou", ME_PROBE_WORKS},   {"u", ME_PROBE_UNKNOWN},
		{"uu", ME_PROBE_UNKNOWN}, {"nu", ME_PROBE_FAILS},   {"fO", ME_PROBE_WORKS},
		{"oF", ME_PROBE_FAILS},   {"offO", ME_PROBE_WORKS}, {"nO", ME_PROBE_WORKS},
	};
	static const struct me_probe_target target, other;

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		struct me_probe_row rows[8] = {0};
		size_t n = strlen(cases[i].rows), next = 0;

		for (size_t k = 0; k < n; k++) {
			char c = cases[i].rows[k];

			rows[1 + k].target = &target;
			rows[1 + k].dial.outcome = c == 'o' || c == 'O'   ? ME_PROBE_OK
						   : c == 'f' || c == 'F' ? ME_PROBE_REFUSED
						   : c == 'n'             ? ME_PROBE_NO_ROUTE
									  : ME_PROBE_NOT_PROBED;
			rows[1 + k].dial.proxy = c == 'O' || c == 'F' ? "192.0.2.1:3128" : NULL;
		}
		/* What is around it is somebody else's. */
		rows[0].target = rows[1 + n].target = &other;
		rows[0].dial.outcome = rows[1 + n].dial.outcome = ME_PROBE_TIMEOUT;
		assert_int_equal(me_probe_state(rows, n + 2, 1, &next), cases[i].state);
		assert_int_equal(next, n + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_daemon_would_judge),
		cmocka_unit_test(of_all_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
