/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/inet.h"
#include "policy/diagnostics.h"
#include "policy/firewall.h"
#include "policy/policy.h"

#define SAYS_MAX 10

/* What is printed for a policy; `resolvers: system` is 192.0.2.53 and 2001:db8::53. */
static void print(const char *text, const struct me_firewall_options *options, bool dnsmasq,
		  struct me_strbuf *out)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	struct me_addr resolvers[2];
	struct me_environment environment = {
		.resolvers = resolvers, .n_resolvers = 2, .now_epoch_ns = 1700000000000000000ull};
	int err;

	assert_int_equal(me_inet_parse("192.0.2.53", resolvers[0].byte), 0);
	assert_int_equal(me_inet_parse("2001:db8::53", resolvers[1].byte), 0);
	err = me_policy_parse("site.yaml", text, strlen(text), NULL, &diagnostics, &policy);
	if (err)
		fail_msg("%s", diagnostics.list[0].text);
	err = dnsmasq ? me_firewall_dnsmasq(policy, &environment, &diagnostics, out)
		      : me_firewall_print(policy, &environment, options, &diagnostics, out);
	assert_int_equal(err, 0);
}

struct line {
	const char *policy; /* below the head */
	struct me_firewall_options options;
	bool dnsmasq;
	const char *says[SAYS_MAX]; /* in this order; where a `!` stands before, it is nowhere */
};

#define SITE "version: 1\n"
#define ALLOW SITE "allow:\n"

static const struct line lines[] = {
	/* addresses before longer prefixes before shorter ones, ports merged, the rule named */
	{ALLOW "  - {service: a, to: [10.0.0.0/8, 10.1.0.0/16, 10.1.1.1, \"2001:db8:1::/48\"], "
	       "ports: [tcp/1-5, tcp/4-9, tcp/80, udp/*, icmp, proto/47]}\n",
	 {0},
	 false,
	 {"10.1.1.1,\n", "10.1.0.0/16,\n", "2001:db8:1::/48,\n", "chain judge {",
	  "tcp dport { 1-9, 80 } counter accept comment \"a/10.0.0.0/8 (site.yaml:3)\"",
	  "meta l4proto 17 counter accept comment \"a/10.0.0.0/8 (site.yaml:3)\"",
	  "meta l4proto { 1, 47 } counter accept", "goto violations"}},
	/* what expired is not there; what is retired says so */
	{ALLOW "  - {service: a, to: 192.0.2.1, ports: tcp/1, until: 2020-01-01}\n"
	       "  - {service: b, to: 192.0.2.2, ports: tcp/2, retired: true}\n",
	 {0},
	 false,
	 {"!192.0.2.1,", "192.0.2.2,",
	  "counter accept comment \"b/192.0.2.2 (site.yaml:4), retired\""}},
	/* a name has sets that dnsmasq fills, and leads nowhere private unless told */
	{ALLOW "  - {service: a, to: x.example, ports: tcp/1001}\n"
	       "  - {service: b, to: y.example, private: true, ports: tcp/1002}\n",
	 {0},
	 false,
	 {"flags timeout",
	  "ip daddr != @special4 ip daddr != @private4 tcp dport { 1001 } counter accept comment "
	  "\"a/x.example (site.yaml:3)\"",
	  "ip daddr != @special4 tcp dport { 1002 } counter accept comment \"b/y.example "
	  "(site.yaml:4)\"",
	  "!@private4 tcp dport { 1002 }"}},
	/* `any` is what is not special; then every stranger's port is unlisted */
	{ALLOW "  - {service: a, to: any, ports: tcp/25}\n",
	 {0},
	 false,
	 {"ip daddr != @special4 counter accept comment \"violation: unlisted-port\"",
	  "counter accept comment \"violation: unlisted-destination\"",
	  "ip daddr != @special4 tcp dport { 25 } counter accept comment \"a/any (site.yaml:3)\"",
	  "ip6 daddr != @special6 tcp dport { 25 } counter accept comment \"a/any (site.yaml:3)\""}},
	/* keywords stand for their addresses; reasons in the order of the judge */
	{"version: 1\npeers: [192.0.2.9]\nproxy: 192.0.2.8:3128\nremoting: {ports: [tcp/9093]}\n"
	 "allow:\n  - {service: multi, to: peers, ports: tcp/9095}\n",
	 {0},
	 false,
	 {"set resolvers4", "192.0.2.53", "chain violations", "violation: unlisted-protocol",
	  "th dport 53 ip daddr != @resolvers4 counter accept comment \"violation: wrong-resolver\"",
	  "th dport 853 counter accept comment \"violation: encrypted-dns\"",
	  "tcp dport { 9095 } counter accept comment \"violation: peer-unknown\"",
	  "9093 } counter accept comment \"violation: remoting-off-host\"",
	  "udp dport 443 counter accept comment \"violation: quic\"",
	  "tcp dport { 3128 } counter accept comment \"proxy/proxy"}},
	/* this machine: its own addresses are local, with the rule where there is one */
	{SITE "watch: {cgroups: [/]}\n",
	 {0},
	 false,
	 {"hook output", "goto host", "fib daddr type local goto own", "chain own",
	  "counter accept comment \"remoting/", "counter accept comment \"local\"",
	  "!hook prerouting"}},
	{SITE "watch: {cgroups: [/mail/filter]}\n",
	 {0},
	 false,
	 {"socket cgroupv2 level 2 \"mail/filter\" goto host"}},
	/* a gateway: nothing is local */
	{SITE "watch: {interfaces: [lan0, lan1], hosts: [192.0.2.10, \"2001:db8::/64\", "
	      "{mac: \"02:00:00:00:00:10\"}]}\n",
	 {0},
	 false,
	 {"set hosts4", "192.0.2.10,", "2001:db8::/64,", "hook prerouting",
	  "iifname { \"lan0\", \"lan1\" } goto transit", "ether saddr 02:00:00:00:00:10 goto judge",
	  "ip saddr @hosts4 goto judge", "ip6 saddr @hosts6 goto judge", "!hook output",
	  "!fib daddr"}},
	/* FTP: by what its rule takes */
	{ALLOW "  - {service: ftp, to: 192.0.2.21, ports: tcp/21, passive: any}\n",
	 {0},
	 false,
	 {"ct helper ftp {", "violation: ftp-unannounced",
	  "tcp dport 21 update @ftp4 { ip saddr . ip daddr timeout 60s } update @ftp_any4 { ip "
	  "saddr . ip daddr timeout 60s } ct helper set \"ftp\" counter accept comment "
	  "\"ftp/192.0.2.21 (site.yaml:3)\"",
	  "@ftp_any4 meta l4proto 6 counter accept comment \"FTP data, any\""}},
	{ALLOW "  - {service: ftp, to: 192.0.2.21, ports: tcp/21, passive: documented}\n",
	 {0},
	 false,
	 {"update @ftp_documented4 { ip saddr . ip daddr timeout 60s } counter accept comment "
	  "\"ftp/192.0.2.21",
	  "@ftp_documented4 tcp dport 1-1023 counter accept"}},
	{ALLOW "  - {service: ftp, to: 192.0.2.21, ports: tcp/21}\n",
	 {.no_helper = true},
	 false,
	 {"update @ftp4", "!ct helper"}},
	{ALLOW "  - {service: a, to: 192.0.2.1, ports: tcp/1}\n",
	 {.drop = true},
	 false,
	 {"counter drop comment \"violation: unlisted-destination\"", "counter accept comment \"a/",
	  "!counter accept comment \"violation", "policy accept"}},
	/* ::/0 is every address, IPv4 too, as the judge has it */
	{ALLOW "  - {service: a, to: \"::/0\", ports: tcp/1}\n",
	 {0},
	 false,
	 {"set listed4", "0.0.0.0/0,", "set listed6", "::/0,"}},
	/* the longest domain alone counts for dnsmasq: it names what covers it */
	{"version: 1\nprofile: mailessentials-14\nallow:\n"
	 "  - {service: a, to: [x.example, \"*.example\"], ports: tcp/1}\n"
	 "  - {service: b, to: [\"**.example\", a.b.example], ports: tcp/2}\n",
	 {0},
	 true,
	 {"nftset=/a.b.example/4#inet#mewatch#e2_4,6#inet#mewatch#e2_6,4#inet#mewatch#e15_4,"
	  "6#inet#mewatch#e15_6\n",
	  "nftset=/example/4#inet#mewatch#e12_4,6#inet#mewatch#e12_6,4#inet#mewatch#e15_4,"
	  "6#inet#mewatch#e15_6\n",
	  "nftset=/x.example/4#inet#mewatch#e1_4,6#inet#mewatch#e1_6,4#inet#mewatch#e12_4,"
	  "6#inet#mewatch#e12_6,4#inet#mewatch#e15_4,6#inet#mewatch#e15_6\n"}},
	{"version: 1\nproxy: proxy.example:3128\n", {0}, true, {"nftset=/proxy.example/4#"}},
};

static void test_lines(void **state)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		_cleanup_strbuf_ struct me_strbuf out = {0};
		const char *at;

		print(lines[i].policy, &lines[i].options, lines[i].dnsmasq, &out);
		at = out.data;
		for (size_t j = 0; j < SAYS_MAX && lines[i].says[j]; j++) {
			const char *say = lines[i].says[j];
			const char *found =
				strstr(*say == '!' ? out.data : at, say + (*say == '!'));

			if (*say == '!' ? found != NULL : found == NULL)
				fail_msg("line %zu: `%s` in\n%s", i, say, out.data);
			if (*say != '!')
				at = found;
		}
	}
}

/* Texts that could end a quotation or a line stay inside. */
static void test_quotes(void **state)
{
	_cleanup_strbuf_ struct me_strbuf out = {0};
	struct me_firewall_options options = {0};

	print(SITE "watch: {cgroups: ['/a\"b']}\n", &options, false, &out);
	assert_non_null(strstr(out.data, "level 1 \"a\\x22b\" goto host"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
