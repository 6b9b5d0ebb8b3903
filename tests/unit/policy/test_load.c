/* SPDX-License-Identifier: GPL-2.0-only */
/* Every key of the language, and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/inet.h"
#include "policy/ports.h"
#include "yaml_text.h"

static void assert_address(const struct me_addr *address, const char *text)
{
	char found[ME_INET_LEN];

	me_inet_format(address->byte, found);
	assert_string_equal(found, text);
}

/* "tcp/25 tcp/587" */
static void assert_ports(const struct me_ports *ports, size_t n, const char *expected)
{
	_cleanup_strbuf_ struct me_strbuf found = {0};

	for (size_t i = 0; i < n; i++) {
		char text[ME_PORTS_LEN];

		me_ports_format(&ports[i], text);
		me_strbuf_addf(&found, "%s%s", i ? " " : "", text);
	}
	assert_string_equal(found.data, expected);
}

static void the_defaults(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load_good("version: 1\n");

	assert_string_equal(policy->path, SITE);
	assert_string_equal(policy->profile, "mailessentials");
	assert_string_equal(policy->shipped, "mailessentials.yaml");
	assert_null(policy->watch_at.file);
	assert_int_equal(policy->n_cgroups, 1);
	assert_string_equal(policy->cgroups[0], "/");
	assert_true(policy->watch_whole);
	assert_int_equal(policy->resolvers.kind, ME_RESOLVERS_SYSTEM);
	assert_false(policy->has_proxy);
	assert_false(policy->strict_names);
	assert_false(policy->on_exit_open);
	assert_int_equal(policy->mode, ME_MODE_MONITOR);
	assert_int_equal(policy->refuse, 0);
	assert_int_equal(policy->limits.flows, 65536);
	assert_int_equal(policy->limits.learned, 65536);
	assert_int_equal(policy->limits.pending_ns, 10 * ME_NS_PER_S);
	assert_int_equal(policy->limits.grace_ns, 1800 * ME_NS_PER_S);
	assert_int_equal(policy->limits.warmup_ns, 1800 * ME_NS_PER_S);
	assert_int_equal(policy->limits.ftp_ns, 60 * ME_NS_PER_S);
	assert_int_equal(policy->limits.udp_idle_ns, 180 * ME_NS_PER_S);
	assert_int_equal(policy->limits.tcp_syn_ns, 10 * ME_NS_PER_S);
	assert_int_equal(policy->limits.tcp_idle_ns, 7200 * ME_NS_PER_S);
	assert_int_equal(policy->history_keep_ns, 400 * 86400 * ME_NS_PER_S);
	assert_int_equal(policy->history_size, 1 << 30);
	assert_int_equal(strlen(policy->sha256), 64);
	assert_ports(policy->remoting, policy->n_remoting,
		     "tcp/8013 tcp/8015 tcp/8021 tcp/9090 tcp/9091 tcp/9093 tcp/61000");
}

static void every_setting(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load_good(
		"version: 1\n"
		"profile: mailessentials-2015\n"
		"watch:\n"
		"  cgroups: [/mail.slice, /b]\n"
		"  interfaces: [lan0]\n"
		"  hosts: [192.0.2.10, 2001:db8::/64, {mac: \"02:00:00:00:00:1F\"}]\n"
		"proxy: 192.0.2.1:3128\n"
		"peers: [192.0.2.11, \"2001:db8::b\"]\n"
		"strict_names: true\n"
		"remoting: {ports: [tcp/9093], processes: [/opt/a, /opt/b]}\n"
		"dns: {ip_zones: [Bl.Example.], uri_zones: [uri.example, u2.example]}\n"
		"on_exit: open\n"
		"mode: shadow\n"
		"refuse_sockets: [raw, sctp]\n"
		"limits: {flows: 1024, learned: 512, pending: 100ms, grace: 0s, warmup: 2h, ftp: 5s,\n"
		"         udp_idle: 1d, tcp_syn: 500ms, tcp_idle: 5d}\n"
		"history: {keep: 30d, size: 64MiB}\n");

	assert_string_equal(policy->profile, "mailessentials-2015");
	assert_int_equal(policy->watch_at.line, 4);
	assert_int_equal(policy->n_cgroups, 2);
	assert_string_equal(policy->cgroups[0], "/mail.slice");
	assert_false(policy->watch_whole);
	assert_int_equal(policy->n_interfaces, 1);
	assert_string_equal(policy->interfaces[0], "lan0");
	assert_int_equal(policy->n_hosts, 3);
	assert_address(&policy->hosts[0].address, "192.0.2.10");
	assert_int_equal(policy->hosts[0].bits, 128);
	assert_int_equal(policy->hosts[1].bits, 64);
	assert_true(policy->hosts[2].is_mac);
	assert_memory_equal(policy->hosts[2].mac, "\x02\0\0\0\0\x1f", 6);
	assert_true(policy->has_proxy);
	assert_int_equal(policy->proxy.kind, ME_TO_ADDRESS);
	assert_address(&policy->proxy.address, "192.0.2.1");
	assert_int_equal(policy->proxy_port, 3128);
	assert_int_equal(policy->n_peers, 2);
	assert_address(&policy->peers[1], "2001:db8::b");
	assert_true(policy->strict_names);
	assert_ports(policy->remoting, policy->n_remoting, "tcp/9093");
	assert_int_equal(policy->n_remoting_processes, 2);
	assert_string_equal(policy->remoting_processes[1], "/opt/b");
	assert_string_equal(policy->ip_zones[0], "zen.spamhaus.org");
	assert_string_equal(policy->ip_zones[policy->n_ip_zones - 1], "bl.example");
	assert_string_equal(policy->uri_zones[policy->n_uri_zones - 1], "u2.example");
	assert_true(policy->on_exit_open);
	assert_int_equal(policy->mode, ME_MODE_SHADOW);
	assert_int_equal(policy->refuse, 1u << ME_BLIND_RAW | 1u << ME_BLIND_SCTP);
	assert_int_equal(policy->limits.flows, 1024);
	assert_int_equal(policy->limits.learned, 512);
	assert_int_equal(policy->limits.pending_ns, 100 * ME_NS_PER_MS);
	assert_int_equal(policy->limits.grace_ns, 0);
	assert_int_equal(policy->limits.warmup_ns, 7200 * ME_NS_PER_S);
	assert_int_equal(policy->limits.ftp_ns, 5 * ME_NS_PER_S);
	assert_int_equal(policy->limits.udp_idle_ns, 86400 * ME_NS_PER_S);
	assert_int_equal(policy->limits.tcp_syn_ns, 500 * ME_NS_PER_MS);
	assert_int_equal(policy->limits.tcp_idle_ns, 5 * 86400 * ME_NS_PER_S);
	assert_int_equal(policy->history_keep_ns, 30 * 86400 * ME_NS_PER_S);
	assert_int_equal(policy->history_size, 64 << 20);
}

static void every_form_of_resolvers(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *one =
		load_good("version: 1\nresolvers: 192.0.2.53\n");
	_cleanup_(me_policy_freep) struct me_policy *list = load_good(
		"version: 1\nresolvers: [192.0.2.53, {stub: 127.0.0.53, upstream: [192.0.2.54, "
		"2001:db8::35]}]\n");
	_cleanup_(me_policy_freep) struct me_policy *cgroup =
		load_good("version: 1\nresolvers: {recursive: {cgroup: /unbound.service}}\n");
	_cleanup_(me_policy_freep) struct me_policy *exe =
		load_good("version: 1\nresolvers: {recursive: {exe: /usr/sbin/unbound}}\n");

	assert_int_equal(one->resolvers.kind, ME_RESOLVERS_LIST);
	assert_int_equal(one->resolvers.n_list, 1);
	assert_address(&one->resolvers.list[0].address, "192.0.2.53");
	assert_int_equal(list->resolvers.n_list, 2);
	assert_false(list->resolvers.list[0].stub);
	assert_true(list->resolvers.list[1].stub);
	assert_address(&list->resolvers.list[1].address, "127.0.0.53");
	assert_int_equal(list->resolvers.list[1].n_upstream, 2);
	assert_address(&list->resolvers.list[1].upstream[1], "2001:db8::35");
	assert_int_equal(list->resolvers.at.column, 12);
	assert_int_equal(cgroup->resolvers.kind, ME_RESOLVERS_RECURSIVE);
	assert_string_equal(cgroup->resolvers.recursive_cgroup, "/unbound.service");
	assert_null(cgroup->resolvers.recursive_exe);
	assert_string_equal(exe->resolvers.recursive_exe, "/usr/sbin/unbound");
}

static void every_attribute_of_a_rule(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good("version: 1\n"
			  "allow:\n"
			  "  - service: smtp\n"
			  "    name: Outbound  mail!\n"
			  "    to: any\n"
			  "    ports: [tcp/25, tcp/587]\n"
			  "  - service: directory\n"
			  "    to: [10.0.0.0/24, DC1.corp.example.]\n"
			  "    private: true\n"
			  "    ports: [tcp/389]\n"
			  "    mode: enforce\n"
			  "    expect: {every: 1h}\n"
			  "    until: 2027-03-31\n"
			  "    retired: true\n"
			  "    note: \"change 4711\"\n"
			  "    source: a document, 2015\n"
			  "  - service: smtp\n"
			  "    to: any\n"
			  "    ports: tcp/465\n"
			  "    mode: shadow\n");
	const struct me_rule *mail = find_rule(policy, "smtp/outbound-mail");
	const struct me_rule *directory = find_rule(policy, "directory/10.0.0.0/24");
	const struct me_rule *third = find_rule(policy, "smtp/any");

	assert_ptr_equal(mail, &policy->rules[0]);
	assert_ptr_equal(directory, &policy->rules[1]);
	assert_ptr_equal(third, &policy->rules[2]);
	assert_string_equal(mail->name, "Outbound  mail!");
	assert_string_equal(mail->at.file, SITE);
	assert_int_equal(mail->at.line, 3);
	assert_int_equal(mail->at.column, 5);
	assert_false(mail->from_profile);
	assert_false(mail->has_mode);
	assert_int_equal(mail->passive, ME_PASSIVE_NOT_FTP);
	assert_ports(mail->ports, mail->n_ports, "tcp/25 tcp/587");
	assert_int_equal(directory->n_to, 2);
	assert_int_equal(directory->to[0].kind, ME_TO_PREFIX);
	assert_int_equal(directory->to[0].bits, 96 + 24);
	assert_string_equal(directory->to[1].text, "dc1.corp.example");
	assert_int_equal(directory->to[1].at.column, 23);
	assert_true(directory->private_space);
	assert_true(directory->retired);
	assert_true(directory->has_mode);
	assert_int_equal(directory->mode, ME_MODE_ENFORCE);
	assert_int_equal(directory->expect_ns, 3600 * ME_NS_PER_S);
	assert_string_equal(directory->note, "change 4711");
	assert_string_equal(directory->source, "a document, 2015");
	assert_int_equal(third->mode, ME_MODE_SHADOW);
	assert_true(policy->rules[policy->n_rules - 1].from_profile);
}

static void until_holds_through_its_day(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = load_good(
		"version: 1\nallow: [{service: x, to: any, ports: tcp/1, until: 2027-03-31}]\n");
	const struct me_rule *rule = find_rule(policy, "x/any");
	uint64_t next_day;

	assert_int_equal(me_clock_parse_date("2027-04-01", &next_day), 0);
	assert_false(me_rule_expired(rule, next_day - 1));
	assert_true(me_rule_expired(rule, next_day));
	assert_false(me_rule_expired(&policy->rules[1], UINT64_MAX));
}

static void every_form_of_to(void **state)
{
	static const struct {
		const char *written;
		enum me_to_kind kind;
		const char *text;
		const char *name;
		uint8_t bits;
	} cases[] = {
		{"192.0.2.1", ME_TO_ADDRESS, "192.0.2.1", NULL, 128},
		{"192.0.2.1/32", ME_TO_ADDRESS, "192.0.2.1", NULL, 128},
		{"192.0.2.128/25", ME_TO_PREFIX, "192.0.2.128/25", NULL, 121},
		{"0.0.0.0/0", ME_TO_PREFIX, "0.0.0.0/0", NULL, 96},
		{"2001:DB8:0::1", ME_TO_ADDRESS, "2001:db8::1", NULL, 128},
		{"2001:db8::/32", ME_TO_PREFIX, "2001:db8::/32", NULL, 32},
		{"::ffff:192.0.2.1", ME_TO_ADDRESS, "192.0.2.1", NULL, 128},
		{"Example.COM.", ME_TO_NAME, "example.com", "example.com", 0},
		{"_dmarc.xn--mnchen-3ya.de", ME_TO_NAME, "_dmarc.xn--mnchen-3ya.de",
		 "_dmarc.xn--mnchen-3ya.de", 0},
		{"*.Example.com", ME_TO_WILDCARD, "*.example.com", "example.com", 0},
		{"**.example.com", ME_TO_SUBTREE, "**.example.com", "example.com", 0},
		{"any", ME_TO_ANY, "any", NULL, 0},
		{"local", ME_TO_LOCAL, "local", NULL, 0},
		{"resolvers", ME_TO_RESOLVERS, "resolvers", NULL, 0},
		{"proxy", ME_TO_PROXY, "proxy", NULL, 0},
		{"peers", ME_TO_PEERS, "peers", NULL, 0},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
		const struct me_to *to;
		char text[256];

		snprintf(text, sizeof(text),
			 "version: 1\nallow: [{service: x, to: [\"%s\"], ports: tcp/1}]\n",
			 cases[i].written);
		policy = load_good(text);
		to = policy->rules[0].to;
		assert_int_equal(to->kind, cases[i].kind);
		assert_string_equal(to->text, cases[i].text);
		assert_int_equal(to->bits, cases[i].bits);
		if (cases[i].name)
			assert_string_equal(to->name, cases[i].name);
		else
			assert_null(to->name);
	}
}

static void every_form_of_ports(void **state)
{
	static const struct {
		const char *written;
		struct me_ports ports;
	} cases[] = {
		{"tcp/25", {6, 25, 25}},
		{"udp/1000-1023", {17, 1000, 1023}},
		{"tcp/*", {6, 0, 65535}},
		{"udplite/7", {136, 7, 7}},
		{"sctp/65535", {132, 65535, 65535}},
		{"icmp", {1, 0, 0}},
		{"icmp6", {58, 0, 0}},
		{"proto/50", {50, 0, 0}},
		{"proto/0", {0, 0, 0}},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
		const struct me_ports *ports;
		char text[256];

		snprintf(text, sizeof(text),
			 "version: 1\nallow: [{service: x, to: any, ports: [%s]}]\n",
			 cases[i].written);
		policy = load_good(text);
		ports = policy->rules[0].ports;
		assert_int_equal(ports->proto, cases[i].ports.proto);
		assert_int_equal(ports->low, cases[i].ports.low);
		assert_int_equal(ports->high, cases[i].ports.high);
		assert_ports(ports, 1, cases[i].written);
	}
}

static void ftp_is_told_by_its_port(void **state)
{
	static const struct {
		const char *rule;
		enum me_rule_passive passive;
	} cases[] = {
		{"ports: tcp/21", ME_PASSIVE_DEFAULT},
		{"ports: tcp/20-21", ME_PASSIVE_DEFAULT},
		{"ports: \"tcp/*\"", ME_PASSIVE_NOT_FTP},
		{"ports: udp/21", ME_PASSIVE_NOT_FTP},
		{"ports: tcp/21, passive: announced", ME_PASSIVE_ANNOUNCED},
		{"ports: tcp/2121, passive: documented", ME_PASSIVE_DOCUMENTED},
		{"ports: tcp/21, passive: any", ME_PASSIVE_ANY},
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
		char text[256];

		snprintf(text, sizeof(text),
			 "version: 1\nallow: [{service: x, to: a.example, %s}]\n", cases[i].rule);
		policy = load_good(text);
		assert_int_equal(policy->rules[0].passive, cases[i].passive);
	}
}

static void a_mapping_in_to_is_a_rule_of_its_own(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good("version: 1\n"
			  "allow:\n"
			  "  - service: up\n"
			  "    name: all\n"
			  "    note: outer\n"
			  "    to:\n"
			  "      - {entry: old.example, retired: true, note: inner}\n"
			  "      - new.example\n"
			  "      - {entry: often.example, expect: {every: 1d}, ports: tcp/8080}\n"
			  "    ports: [tcp/80]\n");
	const struct me_rule *all = find_rule(policy, "up/all");
	const struct me_rule *old = find_rule(policy, "up/old.example");
	const struct me_rule *often = find_rule(policy, "up/often.example");

	assert_int_equal(all->n_to, 1);
	assert_string_equal(all->to->text, "new.example");
	assert_true(old->retired);
	assert_false(all->retired);
	assert_string_equal(old->note, "inner");
	assert_int_equal(old->at.line, 7);
	assert_ports(old->ports, old->n_ports, "tcp/80");
	assert_int_equal(often->expect_ns, 86400 * ME_NS_PER_S);
	assert_string_equal(often->note, "outer");
	assert_ports(often->ports, often->n_ports, "tcp/8080");
}

static void equal_slugs_are_told_apart(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good("version: 1\nallow:\n"
			  "  - {service: x, to: any, ports: tcp/1}\n"
			  "  - {service: x, name: any, to: local, ports: tcp/2}\n"
			  "  - {service: x, to: any, ports: tcp/3}\n");

	assert_string_equal(policy->rules[0].slug, "x/any");
	assert_string_equal(policy->rules[1].slug, "x/any#2");
	assert_string_equal(policy->rules[2].slug, "x/any#3");
}

static void settings_imply_rules(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *policy =
		load_good("version: 1\nremoting: {ports: [tcp/7000]}\nproxy: proxy.example:3128\n");
	_cleanup_(me_policy_freep) struct me_policy *own =
		load_good("version: 1\nproxy: \"[2001:db8::1]:3128\"\n"
			  "allow: [{service: web, to: proxy, ports: tcp/3128}]\n");
	const struct me_rule *remoting = find_rule(policy, "remoting/local");
	const struct me_rule *proxy = find_rule(policy, "proxy/proxy");

	assert_ports(remoting->ports, remoting->n_ports, "tcp/7000");
	assert_int_equal(remoting->to->kind, ME_TO_LOCAL);
	assert_false(remoting->from_profile);
	assert_int_equal(remoting->at.line, 2);
	assert_ports(proxy->ports, proxy->n_ports, "tcp/3128");
	assert_int_equal(proxy->to->kind, ME_TO_PROXY);
	assert_int_equal(proxy->at.line, 3);
	assert_string_equal(policy->proxy.name, "proxy.example");
	assert_address(&own->proxy.address, "2001:db8::1");
	for (size_t i = 0; i < own->n_rules; i++)
		assert_string_not_equal(own->rules[i].service, "proxy");
	assert_true(find_rule(own, "remoting/local")->from_profile);
}

static void the_digest_is_of_both_files(void **state)
{
	_cleanup_(me_policy_freep) struct me_policy *a = load_good("version: 1\n");
	_cleanup_(me_policy_freep) struct me_policy *b = load_good("version: 1\n# b\n");
	_cleanup_(me_policy_freep) struct me_policy *c = load_good("version: 1\n");
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *d = NULL;

	assert_string_equal(a->sha256, c->sha256);
	assert_string_not_equal(a->sha256, b->sha256);
	assert_int_equal(
		me_policy_parse(SITE, "version: 1\n", 11, "mailessentials-14", &diagnostics, &d),
		0);
	assert_string_not_equal(a->sha256, d->sha256);
	assert_string_equal(d->profile, "mailessentials-14");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults),
		cmocka_unit_test(every_setting),
		cmocka_unit_test(every_form_of_resolvers),
		cmocka_unit_test(every_attribute_of_a_rule),
		cmocka_unit_test(until_holds_through_its_day),
		cmocka_unit_test(every_form_of_to),
		cmocka_unit_test(every_form_of_ports),
		cmocka_unit_test(ftp_is_told_by_its_port),
		cmocka_unit_test(a_mapping_in_to_is_a_rule_of_its_own),
		cmocka_unit_test(equal_slugs_are_told_apart),
		cmocka_unit_test(settings_imply_rules),
		cmocka_unit_test(the_digest_is_of_both_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
