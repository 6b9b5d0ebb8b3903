/* SPDX-License-Identifier: GPL-2.0-only */
/* What is wrong with a policy, where, and all of it at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "yaml_text.h"

struct bad {
	const char *text;
	const char *errors;
};

static void assert_all_bad(const struct bad *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_errors(cases[i].text, strlen(cases[i].text), cases[i].errors);
}

static void yaml_itself(void **state)
{
	static const struct bad cases[] = {
		{"", "1:1 empty\n"},
		{"# nothing\n", "1:1 empty\n"},
		{"- a\n", "1:1 wrong-type\n"},
		{"hello\n", "1:1 wrong-type\n"},
		{"version: 1\n---\nversion: 1\n", "2:1 documents\n"},
		{"version: 1\nwatch:\n\tcgroups: [/]\n", "3:1 syntax\n"},
		{"version: 1\npeers: [\n", "3:1 syntax\n"},
		{"version: 1\npeers: [::1]\n", "2:9 syntax\n"},
		{"version: 1\nremove: [*.example.com]\n", "2:11 syntax\n"},
		{"version: !!int 1\n", "1:10 tag\n"},
		{"version: &a 1\nproxy: *a\n", "1:10 anchor\n2:8 alias\n"},
		{"version: 1\nproxy: \"a\\0b\"\n", "2:8 encoding\n"},
		{"version: 1\nproxy: \xc3(\n", "2:9 encoding\n"},
		{"\xff\xfe", "1:1 encoding\n"},
		{"version: 1\nnote: \x01\n", "2:7 encoding\n"},
		{"version: 1\nallow: [[[[[[[[[[[[[[[[[[", "2:23 depth\n"},
	};

	assert_all_bad(cases, ME_ARRAY_SIZE(cases));
	assert_errors("version: 1\n\0", 12, "2:1 encoding\n");
}

static void keys(void **state)
{
	static const struct bad cases[] = {
		{"strict_names: true\n", "1:1 missing-key\n"},
		{"version: 2\n", "1:10 bad-version\n"},
		{"version: [1]\n", "1:10 bad-version\n"},
		{"version: 1\nversion: 1\n", "2:1 duplicate-key\n"},
		{"version: 1\nwhatever: 1\n? [a]\n: 1\n", "2:1 unknown-key\n3:3 unknown-key\n"},
		{"version: 1\nprofile: [a]\n", "2:10 wrong-type\n"},
		{"version: 1\nprofile: mailessential\n", "2:10 unknown-profile\n"},
		{"version: 1\nprofile: ./none.yaml\n", "2:10 unreadable\n"},
		{"version: 1\nstrict_names: yes\non_exit: kep\n",
		 "2:15 wrong-type\n3:10 unknown-word\n"},
		{"version: 1\nlimits: {flows: 1, learned: x, pending: 10, grace: 9d, warmap: 1s}\n",
		 "2:17 bad-number\n2:29 bad-number\n2:41 bad-duration\n2:52 bad-duration\n"
		 "2:56 unknown-key\n"},
		{"version: 1\nlimits: {tcp_syn: 2h, tcp_idle: 31d}\n",
		 "2:19 bad-duration\n2:33 bad-duration\n"},
		{"version: 1\nlimits: 5\nhistory: {keep: 1s, size: 1GB}\n",
		 "2:9 wrong-type\n3:17 bad-duration\n3:27 bad-size\n"},
		{"version: 1\nhistory: {size: 99999999999999999999TiB}\n", "2:17 bad-size\n"},
		{"version: 1\nhistory: none\n", "2:10 unknown-word\n"},
		{"version: 1\ndns: {ip_zones: [\"*.x.example\"], uri_zone: []}\n",
		 "2:18 bad-wildcard\n2:34 unknown-key\n"},
		{"version: 1\nremoting: {ports: [], processes: [bin/x]}\n",
		 "2:19 wrong-type\n2:35 bad-path\n"},
	};

	assert_all_bad(cases, ME_ARRAY_SIZE(cases));
}

static void watch_and_resolvers(void **state)
{
	static const struct bad cases[] = {
		{"version: 1\nwatch: {cgroups: [a, /b/../c, /d/..]}\n",
		 "2:19 bad-path\n2:22 bad-path\n2:31 bad-path\n"},
		{"version: 1\nwatch: {interfaces: [lan0]}\n", "2:21 missing-key\n"},
		{"version: 1\nwatch: {interfaces: [lan0], hosts: []}\n", "2:21 missing-key\n"},
		{"version: 1\nwatch: {interfaces: [sixteen-bytes-xx, a/b, \"\"], hosts: [192.0.2.1]}\n",
		 "2:22 bad-interface\n2:40 bad-interface\n2:45 wrong-type\n"},
		{"version: 1\nwatch: {hosts: [host.example, 192.0.2.1/24, {mac: \"02:00\"}, {mak: x}]}\n",
		 "2:17 bad-address\n2:31 host-bits\n2:51 bad-mac\n2:61 missing-key\n2:62 unknown-key\n"},
		{"version: 1\nwatch: {hosts: [\"01:00:5e:00:00:01\", {mac: \"00:00:00:00:00:00\"},"
		 " \"02:00:00:00:00:1g\"]}\n",
		 "2:17 bad-mac\n2:44 bad-mac\n2:66 bad-address\n"},
		{"version: 1\nresolvers: sytem\n", "2:12 unknown-word\n"},
		{"version: 1\nresolvers: []\n", "2:12 wrong-type\n"},
		{"version: 1\nresolvers: [192.0.2.0/24, dns.example, {stub: 127.0.0.53}]\n",
		 "2:13 bad-address\n2:27 bad-address\n2:40 missing-key\n"},
		{"version: 1\nresolvers: {recursive: {cgroup: /a, exe: /b}}\n",
		 "2:24 duplicate-key\n"},
		{"version: 1\nresolvers: {recursive: {}}\n", "2:24 missing-key\n"},
		{"version: 1\nresolvers: {recursive: {exe: unbound}}\n", "2:30 bad-path\n"},
		{"version: 1\nresolvers: {recursive: {exe: []}}\n", "2:30 wrong-type\n"},
		{"version: 1\nresolvers: {recursive: {exe: [/a, /b]}}\n", "2:30 wrong-type\n"},
		{"version: 1\nproxy: 192.0.2.1\n", "2:8 bad-proxy\n"},
		{"version: 1\nproxy: proxy.example:0\n", "2:8 bad-proxy\n"},
		{"version: 1\nproxy: 192.0.2.300:3128\n", "2:8 bad-proxy\n"},
		{"version: 1\nproxy: pro*xy:3128\n", "2:8 bad-wildcard\n"},
		{"version: 1\npeers: [a.example, 192.0.2.1/32]\n",
		 "2:9 bad-address\n2:20 bad-address\n"},
	};

	assert_all_bad(cases, ME_ARRAY_SIZE(cases));
}

#define RULE(to, ports) "version: 1\nallow: [{service: x, to: " to ", ports: " ports "}]\n"

static void destinations(void **state)
{
	static const struct bad cases[] = {
		{RULE("10.0.0.1/24", "tcp/1"), "2:26 host-bits\n"},
		{RULE("2001:db8::1/32", "tcp/1"), "2:26 host-bits\n"},
		{RULE("10.0.0.0/33", "tcp/1"), "2:26 bad-prefix\n"},
		{RULE("\"::/129\"", "tcp/1"), "2:26 bad-prefix\n"},
		{RULE("10.0.0.0/", "tcp/1"), "2:26 bad-prefix\n"},
		{RULE("example.com/24", "tcp/1"), "2:26 bad-prefix\n"},
		{RULE("http://example.com/", "tcp/1"), "2:26 bad-prefix\n"},
		{RULE("1.2.3", "tcp/1"), "2:26 bad-address\n"},
		{RULE("1.2.3.400", "tcp/1"), "2:26 bad-address\n"},
		{RULE("fe80::1%eth0", "tcp/1"), "2:26 bad-address\n"},
		{RULE("example.com:25", "tcp/1"), "2:26 bad-name\n"},
		{RULE("a..b", "tcp/1"), "2:26 bad-name\n"},
		{RULE("-a.example", "tcp/1"), "2:26 bad-name\n"},
		{RULE("a-.example", "tcp/1"), "2:26 bad-name\n"},
		{RULE("a b.example", "tcp/1"), "2:26 bad-name\n"},
		{RULE("host.123", "tcp/1"), "2:26 bad-name\n"},
		{RULE("münchen.example", "tcp/1"), "2:26 bad-name\n"},
		{RULE("\"foo.*.example\"", "tcp/1"), "2:26 bad-wildcard\n"},
		{RULE("\"*foo.example\"", "tcp/1"), "2:26 bad-wildcard\n"},
		{RULE("\"***.example\"", "tcp/1"), "2:26 bad-wildcard\n"},
		{RULE("\"*.\"", "tcp/1"), "2:26 bad-name\n"},
		{RULE("\".\"", "tcp/1"), "2:26 bad-name\n"},
		{RULE("\"\"", "tcp/1"), "2:26 wrong-type\n"},
		{RULE("[]", "tcp/1"), "2:26 wrong-type\n"},
		{RULE("[[any]]", "tcp/1"), "2:27 wrong-type\n"},
		{RULE("{entri: any}", "tcp/1"), "2:26 missing-key\n2:27 unknown-key\n"},
		/* 63 bytes are a label, 64 are none. */
		{RULE("[a123456789012345678901234567890123456789012345678901234567890bc.example, "
		      "a123456789012345678901234567890123456789012345678901234567890bcd.example]",
		      "tcp/1"),
		 "2:100 bad-name\n"},
	};

	assert_all_bad(cases, ME_ARRAY_SIZE(cases));
}

/* A name of `length` bytes between two texts: it has these errors, or none. */
static void assert_name(const char *before, size_t length, const char *after, const char *errors)
{
	struct me_policy *policy = NULL;
	char name[300], text[400];

	for (size_t i = 0; i < length; i++)
		name[i] = i % 60 == 59 ? '.' : 'a';
	name[length] = '\0';
	snprintf(text, sizeof(text), "%s%s%s", before, name, after);
	if (*errors)
		assert_errors(text, strlen(text), errors);
	else
		policy = load_good(text);
	me_policy_free(&policy);
}

/* What cannot be on the wire is no name: 255 bytes there are 253 here, a wildcard needs two more. */
static void the_longest_names(void **state)
{
#define TO "version: 1\nallow: [{service: x, ports: tcp/1, to: "
	static const struct {
		const char *before, *after;
		size_t most;
		const char *errors;
	} cases[] = {
		{TO, "}]\n", 253, "2:40 bad-name\n"},
		{TO, ".}]\n", 253, "2:40 bad-name\n"},
		{TO "\"*.", "\"}]\n", 251, "2:40 bad-name\n"},
		{TO "\"**.", ".\"}]\n", 251, "2:40 bad-name\n"},
		{"version: 1\ndns: {ip_zones: [", "]}\n", 253, "2:18 bad-name\n"},
		{"version: 1\nproxy: ", ":1\n", 253, "2:8 bad-name\n"},
	};
#undef TO

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		size_t most = cases[i].most;

		assert_name(cases[i].before, most, cases[i].after, "");
		assert_name(cases[i].before, most + 1, cases[i].after, cases[i].errors);
	}
}

static void ports(void **state)
{
	static const struct bad cases[] = {
		{RULE("any", "[]"), "2:38 wrong-type\n"},
		{RULE("any", "25"), "2:38 bad-port\n"},
		{RULE("any", "25/tcp"), "2:38 bad-port\n"},
		{RULE("any", "tcp"), "2:38 bad-port\n"},
		{RULE("any", "tcp/0"), "2:38 bad-port\n"},
		{RULE("any", "tcp/65536"), "2:38 bad-port\n"},
		{RULE("any", "tcp/20-10"), "2:38 bad-port\n"},
		{RULE("any", "tcp/1-2-3"), "2:38 bad-port\n"},
		{RULE("any", "tcp/-5"), "2:38 bad-port\n"},
		{RULE("any", "tpc/25"), "2:38 bad-port\n"},
		{RULE("any", "icmp/8"), "2:38 bad-port\n"},
		{RULE("any", "proto/256"), "2:38 bad-port\n"},
		{RULE("any", "proto/6"), "2:38 bad-port\n"},
		{RULE("any", "{tcp: 25}"), "2:38 bad-port\n"},
		{RULE("any", "tcp/00000000000000000000000000000025"), "2:38 bad-port\n"},
		{RULE("any", "[tcp/1, x/2, udp/3, y]"), "2:46 bad-port\n2:58 bad-port\n"},
	};

	assert_all_bad(cases, ME_ARRAY_SIZE(cases));
}

static void rules(void **state)
{
	static const struct bad cases[] = {
		{"version: 1\nallow: {service: x}\n", "2:8 wrong-type\n"},
		{"version: 1\nallow: [5, {}]\n",
		 "2:9 wrong-type\n2:12 missing-key\n2:12 missing-key\n2:12 missing-key\n"},
		{"version: 1\nallow:\n  - service: SMTP\n    to: any\n    ports: tcp/25\n",
		 "3:14 bad-service\n"},
		{"version: 1\nallow:\n  - service: local\n    to: any\n    ports: tcp/25\n",
		 "3:14 bad-service\n"},
		{"version: 1\n"
		 "allow:\n"
		 "  - service: x\n"
		 "    to: any\n"
		 "    ports: tcp/1\n"
		 "    mode: monitr\n"
		 "    expect: {evry: 1h}\n"
		 "    until: 2027-02-30\n"
		 "    private: yes\n"
		 "    retired: maybe\n"
		 "    passive: anounced\n"
		 "    note: [a]\n"
		 "    prots: 1\n",
		 "6:11 unknown-word\n7:13 missing-key\n7:14 unknown-key\n8:12 bad-date\n9:14 wrong-type\n"
		 "10:14 wrong-type\n11:14 unknown-word\n12:11 wrong-type\n13:5 unknown-key\n"},
	};

	assert_all_bad(cases, ME_ARRAY_SIZE(cases));
}

static void what_the_profile_does_not_have(void **state)
{
	static const struct bad cases[] = {
		{"version: 1\n"
		 "remove: [update.gfi.co, update.gfi.com, UPDATE.gfi.com., none.example]\n"
		 "override:\n"
		 "  - {entry: ftp.gfisoftware.com, passive: any}\n"
		 "  - {entry: update.gfi.com, retired: true}\n"
		 "  - {entry: \"*.mailshel.net\", ports: tcp/443}\n"
		 "  - {passive: any}\n",
		 "2:10 unknown-entry\n2:41 duplicate-entry\n2:58 unknown-entry\n5:5 duplicate-entry\n"
		 "6:5 unknown-entry\n7:5 missing-key\n"},
	};

	assert_all_bad(cases, ME_ARRAY_SIZE(cases));
}

/* The text of the first error. */
static void assert_says(const char *text, const char *part)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	struct me_policy *policy = NULL;

	assert_int_equal(me_policy_parse(SITE, text, strlen(text), NULL, &diagnostics, &policy),
			 -EINVAL);
	if (!strstr(diagnostics.list[0].text, part))
		fail_msg("`%s` is not in: %s", part, diagnostics.list[0].text);
}

static void the_remedy_is_named(void **state)
{
	assert_says("version: 1\npeers: [::1]\n", "quote an IPv6 address");
	assert_says("version: 1\nproxy: [::1]:3128\n", "quote an IPv6 address");
	assert_says("version: 1\nremove: [*.example.com]\n", "quote a wildcard");
	assert_says("version: 1\nremove:\n  - **.example.com\n", "quote a wildcard");
	assert_says("version: 1\nwatch:\n\tcgroups: [/]\n", "not with tabs");
	assert_says("version: 1\nresolver: system\n", "did you mean `resolvers`?");
	assert_says("version: 1\non_exit: opn\n", "did you mean `open`?");
	assert_says("version: 1\nprofile: mailessentials-2051\n",
		    "did you mean `mailessentials-2015`?");
	assert_says("version: 1\nremove: [update.gfi.co]\n", "did you mean `update.gfi.com`?");
	assert_says(RULE("10.1.2.3/16", "tcp/1"), "expected `10.1.0.0/16`");
	assert_says(RULE("2001:db8::1/32", "tcp/1"), "expected `2001:db8::/32`");
	assert_says(RULE("\"foo.*.example\"", "tcp/1"), "`**.name` for one or more");
	assert_says(RULE("münchen.example", "tcp/1"), "punycode");
	assert_says(RULE("any", "25"), "`tcp/25`");
	assert_says(RULE("any", "25/udp"), "`udp/25`");
	assert_says(RULE("any", "tpc/25"), "did you mean `tcp`?");
	assert_says("version: 1\nallow: [{service: x, to: any, prots: tcp/1, ports: tcp/1}]\n",
		    "did you mean `ports`?");
}

static void what_is_found_is_shown_harmless(void **state)
{
	assert_says("version: 1\nproxy: \"\\e[31m\\\"\\n\"\n", "`\\x1b[31m\\x22\\x0a`");
	assert_says("version: 1\nproxy: {a: b}\n", "a mapping, expected HOST:PORT");
	assert_says("version: 1\nproxy:\n", "nothing, expected HOST:PORT");
}

/* A rule with `n` names or addresses. */
static struct me_strbuf long_rule(size_t n, bool names)
{
	struct me_strbuf text = {0};

	me_strbuf_adds(&text, "version: 1\nallow:\n- service: x\n  ports: tcp/1\n  to:\n");
	for (size_t i = 0; i < n; i++) {
		unsigned int high = (unsigned int)i >> 16, low = (unsigned int)i & 0xffff;

		if (names)
			me_strbuf_addf(&text, "  - a%u.b%u.example\n", high, low);
		else
			me_strbuf_addf(&text, "  - 10.%u.%u.%u\n", high, low >> 8, low & 0xff);
	}
	assert_int_equal(text.err, 0);
	return text;
}

static void limits_are_told_once(void **state)
{
	_cleanup_strbuf_ struct me_strbuf names = long_rule(ME_POLICY_NAMES_MAX + 3, true);
	_cleanup_strbuf_ struct me_strbuf addresses = long_rule(ME_POLICY_ADDRESSES_MAX + 3, false);
	_cleanup_strbuf_ struct me_strbuf ports = {0}, rules = {0}, note = {0}, nodes = {0};
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	char expected[64];
	struct me_policy *policy = NULL;

	/* The profile's names and addresses count as well. */
	assert_int_equal(me_policy_parse(SITE, names.data, names.len, NULL, &diagnostics, &policy),
			 -EINVAL);
	assert_int_equal(diagnostics.errors, 1);
	assert_string_equal(diagnostics.list[0].kind, "limit");
	me_diagnostics_clear(&diagnostics);
	assert_int_equal(
		me_policy_parse(SITE, addresses.data, addresses.len, NULL, &diagnostics, &policy),
		-EINVAL);
	assert_int_equal(diagnostics.errors, 1);
	assert_string_equal(diagnostics.list[0].kind, "limit");
	me_diagnostics_clear(&diagnostics);

	me_strbuf_adds(&ports, "version: 1\nallow: [{service: x, to: any, ports: [tcp/1");
	for (size_t i = 0; i < ME_POLICY_PORTS_MAX; i++)
		me_strbuf_adds(&ports, ", tcp/2");
	me_strbuf_adds(&ports, "]}]\n");
	assert_errors(ports.data, ports.len, "2:38 limit\n");

	me_strbuf_adds(&rules, "version: 1\nallow:\n");
	for (size_t i = 0; i < ME_POLICY_RULES_MAX + 5; i++)
		me_strbuf_adds(&rules, "- {service: x, to: any, ports: tcp/1}\n");
	assert_int_equal(me_policy_parse(SITE, rules.data, rules.len, NULL, &diagnostics, &policy),
			 -EINVAL);
	assert_int_equal(diagnostics.errors, 1);
	assert_string_equal(diagnostics.list[0].kind, "limit");

	me_strbuf_adds(&note, "version: 1\ntitle: ");
	for (size_t i = 0; i < ME_POLICY_TEXT_MAX + 1; i++)
		me_strbuf_addc(&note, 'x');
	assert_errors(note.data, note.len, "2:8 limit\n");

	me_strbuf_adds(&nodes, "version: 1\npeers: [");
	for (size_t i = 0; i < ME_POLICY_NODES_MAX; i++)
		me_strbuf_adds(&nodes, "a,");
	/* The mapping, its two keys, the version and the list come before. */
	snprintf(expected, sizeof(expected), "2:%u limit\n", 9 + 2 * (ME_POLICY_NODES_MAX - 5));
	assert_errors(nodes.data, nodes.len, expected);
}

static void many_errors_are_counted(void **state)
{
	_cleanup_strbuf_ struct me_strbuf text = {0};
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	struct me_policy *policy = NULL;

	me_strbuf_adds(&text, "version: 1\n");
	for (unsigned int i = 0; i < 3 * ME_POLICY_ERRORS_MAX; i++)
		me_strbuf_addf(&text, "unknown%u: 1\n", i);
	assert_int_equal(me_policy_parse(SITE, text.data, text.len, NULL, &diagnostics, &policy),
			 -EINVAL);
	assert_int_equal(diagnostics.count, ME_POLICY_ERRORS_MAX);
	assert_int_equal(diagnostics.dropped, 2 * ME_POLICY_ERRORS_MAX);
	assert_int_equal(diagnostics.errors, 3 * ME_POLICY_ERRORS_MAX);
}

/* Aliases of aliases are refused where they stand: nothing is ever multiplied. */
static void a_billion_laughs(void **state)
{
	_cleanup_strbuf_ struct me_strbuf text = {0};
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	struct me_policy *policy = NULL;

	me_strbuf_adds(&text, "a0: &a0 [x]\n");
	for (unsigned int i = 1; i < 40; i++) {
		me_strbuf_addf(&text, "a%u: &a%u [", i, i);
		for (unsigned int j = 0; j < 10; j++)
			me_strbuf_addf(&text, "*a%u,", i - 1);
		me_strbuf_adds(&text, "]\n");
	}
	assert_int_equal(me_policy_parse(SITE, text.data, text.len, NULL, &diagnostics, &policy),
			 -EINVAL);
	assert_int_equal(diagnostics.count, ME_POLICY_ERRORS_MAX);
}

static void assert_unreadable(const char *path, int err)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	struct me_policy *policy = NULL;

	assert_int_equal(me_policy_load(path, NULL, &diagnostics, &policy), err);
	assert_null(policy);
	assert_int_equal(diagnostics.errors, 1);
	assert_string_equal(diagnostics.list[0].kind, "unreadable");
	assert_string_equal(diagnostics.list[0].at.file, path);
}

static void what_is_no_file(void **state)
{
	char path[] = "/tmp/mewatch-policy-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 1 << 30), 0);
	assert_unreadable(path, -EFBIG);
	assert_int_equal(unlink(path), 0);
	assert_unreadable(path, -ENOENT);
	assert_unreadable("/tmp", -EISDIR);
	assert_unreadable("/dev/zero", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_itself),
		cmocka_unit_test(keys),
		cmocka_unit_test(watch_and_resolvers),
		cmocka_unit_test(destinations),
		cmocka_unit_test(the_longest_names),
		cmocka_unit_test(ports),
		cmocka_unit_test(rules),
		cmocka_unit_test(what_the_profile_does_not_have),
		cmocka_unit_test(the_remedy_is_named),
		cmocka_unit_test(what_is_found_is_shown_harmless),
		cmocka_unit_test(limits_are_told_once),
		cmocka_unit_test(many_errors_are_counted),
		cmocka_unit_test(a_billion_laughs),
		cmocka_unit_test(what_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
