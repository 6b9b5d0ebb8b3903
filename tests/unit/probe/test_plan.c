/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a policy is probed, and how. */
#include "site.h"
#include <errno.h>
#include "base/strbuf.h"
#include "policy/ports.h"
#include "probe/plan.h"

#define NOW 1800000000000000000ull /* 2027-01-15 */

static const char site[] =
	"version: 1\n"
	"peers: [192.0.2.11, 192.0.2.12]\n"
	"proxy: proxy.example:443\n"
	"remove: [\"*.rules.mailshell.net\"]\n"
	"allow:\n"
	"- {service: web, to: [A.example, b.example], ports: [tcp/80, tcp/443, udp/443, icmp]}\n"
	"- {service: web, name: again, to: a.example, ports: [tcp/443, tcp/8443]}\n"
	"- {service: mirror, to: [192.0.2.1, \"2001:db8::/64\"], ports: tcp/21}\n"
	"- {service: wide, to: wide.example, ports: [tcp/1000-1015, tcp/2000-2016]}\n"
	"- {service: tree, to: [\"*.one.example\", \"**.any.example\"], ports: tcp/443}\n"
	"- {service: sync, to: peers, ports: tcp/9095}\n"
	"- {service: old, to: old.example, ports: tcp/80, retired: true}\n"
	"- {service: over, to: over.example, ports: tcp/80, until: 2027-01-01}\n"
	"- {service: holds, to: holds.example, ports: tcp/80, until: 2027-02-01}\n"
	"- {service: smtp, to: any, ports: tcp/25}\n";

/* One line a target: "endpoint [name or address] ports method", or why not. */
static void describe(const struct me_probe_target *target, struct me_strbuf *out)
{
	char ports[ME_PORTS_LEN], address[ME_INET_LEN];

	me_ports_format(&target->ports, ports);
	me_inet_format(target->address.byte, address);
	me_strbuf_addf(out, "%s", target->endpoint);
	if (target->name ? strcmp(target->name, target->endpoint) != 0 : target->method)
		me_strbuf_addf(out, " [%s]", target->name ?: address);
	me_strbuf_addf(out, " %s %s%s%s\n", ports, me_probe_method_label(target->method),
		       target->why_not ? ": " : "", target->why_not ?: "");
}

static int make_plan(const struct me_policy *policy, const char *const *arguments, size_t n,
		     struct me_probe_plan *plan)
{
	const struct me_addr resolver = address_of("192.0.2.53");
	const struct me_probe_servers servers = {&resolver, 1};
	const char *unknown = NULL;
	int err = me_probe_plan(policy, &servers, NOW, arguments, n, plan, &unknown);

	if (err == -ENOENT)
		assert_non_null(unknown);
	return err;
}

/* What the site's own rules come to, or all of what the arguments mean. */
static void assert_plan(const char *const *arguments, size_t n, const char *expected)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load_site(site);
	_cleanup_(me_probe_plan_free) struct me_probe_plan plan;
	_cleanup_strbuf_ struct me_strbuf found = {0};

	assert_int_equal(make_plan(policy, arguments, n, &plan), 0);
	for (size_t i = 0; i < plan.n; i++)
		if (n || !plan.targets[i].rule->from_profile)
			describe(&plan.targets[i], &found);
	assert_string_equal(found.data, expected);
}

#define PLAN(expected, ...)                                                                        \
	assert_plan((const char *const[]){__VA_ARGS__},                                            \
		    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), expected)

static void all_of_a_policy(void **state)
{
	static const char expected[] =
		"a.example tcp/80 http\n"
		"a.example tcp/443 tls\n"
		"a.example udp/443 none: no protocol that everybody answers to\n"
		"a.example icmp none: no protocol that everybody answers to\n"
		"b.example tcp/80 http\n"
		"b.example tcp/443 tls\n"
		"b.example udp/443 none: no protocol that everybody answers to\n"
		"b.example icmp none: no protocol that everybody answers to\n"
		"a.example tcp/8443 connect\n"
		"mirror/192.0.2.1 [192.0.2.1] tcp/21 ftp\n"
		"mirror/192.0.2.1 tcp/21 none: a prefix: name an address in it\n";
	_cleanup_(me_policy_freep) struct me_policy *policy = load_site(site);
	_cleanup_(me_probe_plan_free) struct me_probe_plan plan;
	_cleanup_strbuf_ struct me_strbuf found = {0};
	size_t wide = 0;

	assert_int_equal(make_plan(policy, NULL, 0, &plan), 0);
	for (size_t i = 0; i < 11; i++)
		describe(&plan.targets[i], &found);
	assert_string_equal(found.data, expected);
	for (size_t i = 0; i < plan.n; i++)
		wide += strcmp(plan.targets[i].endpoint, "wide.example") == 0;
	assert_int_equal(wide, ME_PROBE_PORTS_MAX + 1);
	me_strbuf_free(&found);
	for (size_t i = 11 + wide; i < plan.n && !plan.targets[i].rule->from_profile; i++)
		describe(&plan.targets[i], &found);
	assert_string_equal(
		found.data,
		"*.one.example tcp/443 none: a wildcard cannot be probed itself: name one that it "
		"covers\n"
		"**.any.example tcp/443 none: a wildcard cannot be probed itself: name one that it "
		"covers\n"
		"peers [192.0.2.11] tcp/9095 connect\n"
		"peers [192.0.2.12] tcp/9095 connect\n"
		"old.example tcp/80 none: retired: name it\n"
		"holds.example tcp/80 http\n"
		"any tcp/25 none: anybody: name one\n"
		"proxy [proxy.example] tcp/443 connect\n");
}

/* The vendor's entries: the resolver is asked a question, nobody calls port 20. */
static void of_the_profile(void **state)
{
	PLAN("resolvers [192.0.2.53] udp/53 dns\n"
	     "resolvers [192.0.2.53] tcp/53 connect\n",
	     "resolvers");
	PLAN("ftp.gfisoftware.com tcp/20 none: the server calls from this port, in active mode\n"
	     "ftp.gfisoftware.com tcp/21 ftp\n",
	     "ftp.gfisoftware.com");
}

static void what_arguments_mean(void **state)
{
	PLAN("a.example tcp/80 http\n"
	     "a.example tcp/443 tls\n"
	     "a.example udp/443 none: no protocol that everybody answers to\n"
	     "a.example icmp none: no protocol that everybody answers to\n"
	     "a.example tcp/8443 connect\n",
	     "A.EXAMPLE.", "a.example");
	PLAN("old.example tcp/80 http\n", "old.example");
	PLAN("*.one.example [x.one.example] tcp/443 tls\n", "x.one.example");
	PLAN("**.any.example [x.y.any.example] tcp/443 tls\n", "x.y.any.example");
	PLAN("*.one.example tcp/443 none: a wildcard cannot be probed itself: name one that it "
	     "covers\n",
	     "*.one.example");
	PLAN("mirror/192.0.2.1 [192.0.2.1] tcp/21 ftp\n"
	     "mirror/192.0.2.1 tcp/21 none: a prefix: name an address in it\n",
	     "mirror/192.0.2.1");
	PLAN("mirror/192.0.2.1 [192.0.2.1] tcp/21 ftp\n", "192.0.2.1");
	PLAN("mirror/192.0.2.1 [2001:db8::7] tcp/21 ftp\n", "2001:db8::7");
	PLAN("peers [192.0.2.12] tcp/9095 connect\n", "192.0.2.12");
	PLAN("any [192.0.2.99] tcp/25 connect\n", "192.0.2.99");
}

static void what_is_not_listed(void **state)
{
	static const char *const arguments[] = {
		"c.example",
		"one.example",
		"x.y.one.example",
		"any.example",
		"xone.example",
		"over.example",
		"",
		".",
		"a..example",
		"a.example:443",
		"*.two.example",
		"x.one.example\x1b",
		"192.0.2.0/24",
	};
	_cleanup_(me_policy_freep) struct me_policy *policy = load_site(site);

	for (size_t i = 0; i < ME_ARRAY_SIZE(arguments); i++) {
		_cleanup_(me_probe_plan_free) struct me_probe_plan plan;

		assert_int_equal(make_plan(policy, &arguments[i], 1, &plan), -ENOENT);
		assert_int_equal(plan.n, 0);
	}
}

static void too_many(void **state)
{
	_cleanup_strbuf_ struct me_strbuf text = {0};

	me_strbuf_adds(&text, "version: 1\nallow:\n");
	for (unsigned int i = 0; i <= ME_PROBE_TARGETS_MAX; i++)
		me_strbuf_addf(&text, "- {service: x, to: a%u.example, ports: tcp/1}\n", i);
	assert_int_equal(text.err, 0);
	_cleanup_(me_policy_freep) struct me_policy *policy = load_site(text.data);
	_cleanup_(me_probe_plan_free) struct me_probe_plan all, one;
	const char *const argument = "a7.example";

	assert_int_equal(make_plan(policy, NULL, 0, &all), -E2BIG);
	assert_int_equal(make_plan(policy, &argument, 1, &one), 0);
	assert_int_equal(one.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_policy),
		cmocka_unit_test(of_the_profile),
		cmocka_unit_test(what_arguments_mean),
		cmocka_unit_test(what_is_not_listed),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
