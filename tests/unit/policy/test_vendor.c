/* SPDX-License-Identifier: GPL-2.0-only */
/* Each row of the vendor's documents, by each profile, at both vantages: what the judge says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "policy/builtin.h"
#include "policy/compile.h"
#include "policy/explain.h"
#include "policy/registry.h"
#include "yaml_text.h"
#include "../../vendor_rows.h"

#define SITE_TEXT "version: 1\nresolvers: 192.0.2.53\npeers: 192.0.2.11\n"

/* clang-format off */
/* Note 1: updates may pass a proxy. What passes it not is allowed still. */
static const struct row by_address[] = {
	{"note 1", "192.0.2.1", "3128/tcp", BOTH, {{EACH, "proxy allowed"}}},
	{"note 1, past it", "meupdate.gfi.com", WEB, BOTH, {{EACH, ALLOWED}}},
	{"another port", "192.0.2.1", "3129/tcp", BOTH, {{EACH, "unlisted unlisted-port"}}},
	{"another host", "192.0.2.2", "3128/tcp", BOTH, {{EACH, "proxy unlisted-destination"}}},
};

static const struct row by_name[] = {
	{"note 1", "proxy.corp.example", "8080/tcp", BOTH, {{EACH, "proxy allowed"}}},
	{"note 1, past it", "meupdate.gfi.com", WEB, BOTH, {{EACH, ALLOWED}}},
	{"another host", "192.0.2.2", "8080/tcp", BOTH, {{EACH, "proxy ?unlisted-destination"}}},
};

/* "The remoting ports can be modified through the switchboard." */
static const struct row moved[] = {
	{"remoting 7013", "127.0.0.1", "7013/tcp", HOST, {{EACH, REMOTING}}},
	{"remoting 7013", "192.0.2.99", "7013/tcp", BOTH, {{EACH, OFF_HOST}}},
	{"not 9093", "127.0.0.1", "9093/tcp", HOST, {{EACH, LOCAL}}},
	{"not 9093", "192.0.2.99", "9093/tcp", BOTH, {{EACH, UNLISTED}}},
	{"7095", "192.0.2.11", "7095/tcp", BOTH, {{EACH, "multi-server allowed"}}},
	{"7095, no peer", "192.0.2.99", "7095/tcp", BOTH, {{EACH, "multi-server peer-unknown"}}},
	{"not 9095", "192.0.2.11", "9095/tcp", BOTH, {{EACH, "unlisted unlisted-port"}}},
};
/* clang-format on */

/* What was allowed or local by an entry. */
struct hit {
	uint32_t endpoint;
	uint16_t port;
	uint8_t proto;
};

/* A profile with a site file, compiled. */
struct judged {
	struct me_policy *policy;
	struct me_registry *registry;
	struct me_image *image;
	struct hit hits[512];
	size_t n_hits;
};

static void judged_end(struct judged *judged)
{
	me_image_free(&judged->image);
	me_registry_free(&judged->registry);
	me_policy_free(&judged->policy);
}

static void judged_start(struct judged *judged, const char *profile, const char *text)
{
	_cleanup_diagnostics_ struct me_diagnostics diagnostics = {0};
	const struct me_environment environment = {0};

	*judged = (struct judged){.registry = me_registry_new()};
	assert_int_equal(
		me_policy_parse(SITE, text, strlen(text), profile, &diagnostics, &judged->policy),
		0);
	assert_int_equal(me_compile(judged->policy, &environment, judged->registry, 1, &diagnostics,
				    &judged->image),
			 0);
	assert_int_equal(diagnostics.count, 0);
}

/* Judges as a vantage does; a name stands for an address that a trusted answer gave it. */
static void judge(const struct judged *judged, const struct me_query *query, unsigned int where,
		  struct me_judgement *ret_judgement)
{
	struct me_learned_endpoint learned[ME_NAME_ENDPOINTS];
	struct me_named named = {0};
	struct me_name name;
	struct me_facts facts = {
		.dst = query->address,
		.dport = query->port,
		.proto = query->proto,
		.flags = where == WIRE  ? ME_FACT_WIRE
			 : where == OWN ? ME_FACT_OWN
					: 0,
	};

	if (*query->name) {
		assert_int_equal(me_inet_parse("198.51.100.7", facts.dst.byte), 0);
		assert_int_equal(me_name_from_text(query->name, &name), 0);
		me_image_names_find(judged->image, &name, &named);
	}
	for (uint32_t i = 0; i < named.n; i++)
		learned[i] = (struct me_learned_endpoint){named.endpoint[i], ME_EVIDENCE_LEARNED};
	me_image_judge(judged->image, &facts, learned, named.n, ret_judgement);
}

static void describe(const struct judged *judged, const struct me_judgement *judgement, char *out,
		     size_t size)
{
	const char *service =
		me_registry_get(judged->registry, ME_ID_SERVICE, judgement->service)->service;
	bool wrong = judgement->verdict == ME_VIOLATION || judgement->verdict == ME_PENDING;
	const char *what = wrong ? me_reason_label(judgement->reason)
			   : judgement->flags & ME_ENTRY_RETIRED
				   ? "retired"
				   : me_verdict_label(judgement->verdict);

	snprintf(out, size, "%s %s%s", service, judgement->verdict == ME_PENDING ? "?" : "", what);
}

static void note(struct judged *judged, const struct me_query *query,
		 const struct me_judgement *judgement)
{
	if (!judgement->endpoint)
		return;
	assert_true(judged->n_hits < ME_ARRAY_SIZE(judged->hits));
	judged->hits[judged->n_hits++] =
		(struct hit){judgement->endpoint, query->port, query->proto};
}

static void assert_flow(struct judged *judged, const struct row *row, const char *port,
			unsigned int where, const char *expected)
{
	bool v6 = strchr(row->to, ':') != NULL;
	const char *wanted;
	struct me_judgement judgement;
	char text[128], is[128];
	struct me_query query;

	snprintf(text, sizeof(text), "%s%s%s:%s", v6 ? "[" : "", row->to, v6 ? "]" : "", port);
	assert_int_equal(me_query_parse(text, &query, &wanted), 0);
	judge(judged, &query, where, &judgement);
	describe(judged, &judgement, is, sizeof(is));
	if (strcmp(is, expected) != 0)
		fail_msg("%s: `%s`, %s %s: is `%s`, expected `%s`", judged->policy->profile,
			 row->document, where == WIRE ? "transit" : "host", text, is, expected);
	note(judged, &query, &judgement);
}

static void assert_row(struct judged *judged, const struct row *row, const char *expected)
{
	char ports[64], *rest = NULL;

	snprintf(ports, sizeof(ports), "%s", row->ports);
	for (char *port = strtok_r(ports, " ", &rest); port; port = strtok_r(NULL, " ", &rest))
		for (unsigned int where = HOST; where <= OWN; where <<= 1)
			if (row->where & where)
				assert_flow(judged, row, port, where, expected);
}

static const char *expectation(const struct row *row, unsigned int profile)
{
	const char *what = NULL;

	for (size_t i = 0; i < ME_ARRAY_SIZE(row->is); i++) {
		if (!(row->is[i].profiles & profile))
			continue;
		assert_null(what);
		what = row->is[i].what;
	}
	assert_non_null(what);
	return what;
}

static bool was_hit(const struct judged *judged, uint32_t endpoint, const struct me_ports *ports)
{
	for (size_t i = 0; i < judged->n_hits; i++) {
		const struct hit *hit = &judged->hits[i];

		if (hit->endpoint == endpoint && hit->proto == ports->proto &&
		    hit->port == ports->low)
			return true;
	}
	return false;
}

/* No entry of the profile without a row above, on each of its ports. */
static void assert_complete(const struct judged *judged)
{
	const struct me_policy *policy = judged->policy;

	for (uint32_t rank = 1; rank < judged->image->head->entries; rank++) {
		const struct me_image_source *source = &judged->image->sources[rank];
		const struct me_rule *rule = &policy->rules[source->rule];

		for (size_t k = 0; k < rule->n_ports; k++) {
			assert_int_equal(rule->ports[k].low, rule->ports[k].high);
			if (!was_hit(judged, judged->image->entries[rank].endpoint,
				     &rule->ports[k]))
				fail_msg("%s: no row for %s of %s, port %u", policy->profile,
					 rule->to[source->to].text, rule->slug, rule->ports[k].low);
		}
	}
}

static void each_row_by_each_profile_at_both_vantages(void **state)
{
	assert_int_equal(ME_ARRAY_SIZE(profiles), me_n_builtin_profiles);
	for (size_t p = 0; p < ME_ARRAY_SIZE(profiles); p++) {
		_cleanup_(judged_end) struct judged judged = {0};

		judged_start(&judged, profiles[p].name, SITE_TEXT);
		for (size_t i = 0; i < ME_ARRAY_SIZE(rows); i++)
			assert_row(&judged, &rows[i], expectation(&rows[i], profiles[p].bit));
		assert_complete(&judged);
	}
}

static void with_a_proxy(void **state)
{
	for (size_t p = 0; p < ME_ARRAY_SIZE(profiles); p++) {
		_cleanup_(judged_end) struct judged address = {0}, name = {0};

		judged_start(&address, profiles[p].name, SITE_TEXT "proxy: 192.0.2.1:3128\n");
		for (size_t i = 0; i < ME_ARRAY_SIZE(by_address); i++)
			assert_row(&address, &by_address[i], by_address[i].is[0].what);
		judged_start(&name, profiles[p].name, SITE_TEXT "proxy: proxy.corp.example:8080\n");
		for (size_t i = 0; i < ME_ARRAY_SIZE(by_name); i++)
			assert_row(&name, &by_name[i], by_name[i].is[0].what);
	}
}

static void with_other_ports(void **state)
{
	_cleanup_(judged_end) struct judged judged = {0};

	judged_start(&judged, "mailessentials-2015",
		     SITE_TEXT "remoting: {ports: [tcp/7013]}\n"
			       "override: [{entry: peers, ports: tcp/7095}]\n");
	for (size_t i = 0; i < ME_ARRAY_SIZE(moved); i++)
		assert_row(&judged, &moved[i], moved[i].is[0].what);
}

/* Who may listen where, and who may come in: all ports that a profile makes remoting ports. */
static void assert_remoting(const struct judged *judged, const char *expected)
{
	const struct me_head *head = judged->image->head;
	char is[128] = "";
	size_t n = 0;

	for (uint32_t slot = 0; slot < ME_SLOT_COUNT; slot++) {
		uint16_t flags = head->column[head->slot[slot]].flags;

		if (!(flags & ME_COLUMN_REMOTING))
			continue;
		n += (size_t)snprintf(is + n, sizeof(is) - n, "%s%u%s", n ? " " : "", slot,
				      flags & ME_COLUMN_PEERS ? "p" : "");
		assert_true(n < sizeof(is));
	}
	assert_string_equal(is, expected);
}

static void the_remoting_ports_of_each_profile(void **state)
{
	static const char *const expected[] = {
		"8013 8015 8021", /* mailessentials-14, and in the order of `profiles` */
		"8013 8015 8021",
		"8015 9090 9091",
		"8015 9091 9093 9095p 9096p",
		"8015 9090 9091 9095p 9096p 61000",
		"8013 8015 8021 9090 9091 9093 9095p 9096p 61000",
	};
	_cleanup_(judged_end) struct judged site = {0};

	for (size_t p = 0; p < ME_ARRAY_SIZE(profiles); p++) {
		_cleanup_(judged_end) struct judged judged = {0};

		/* What the site gives to its peers besides is no remoting. */
		judged_start(&judged, profiles[p].name,
			     SITE_TEXT
			     "allow: [{service: a, to: peers, ports: [tcp/22, tcp/25]}]\n");
		assert_remoting(&judged, expected[p]);
	}
	judged_start(&site, "mailessentials-2015",
		     SITE_TEXT "remoting: {ports: [tcp/7013, tcp/7095], processes: [/opt/x]}\n"
			       "override: [{entry: peers, ports: tcp/7095}]\n");
	assert_remoting(&site, "7013 7095p");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_by_each_profile_at_both_vantages),
		cmocka_unit_test(with_a_proxy),
		cmocka_unit_test(with_other_ports),
		cmocka_unit_test(the_remoting_ports_of_each_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
