/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/prometheus_dns.h"

#include "export/metric.h"

static void queries(const uint64_t *counts, struct me_strbuf *out)
{
	me_metric_head(out, "mewatch_dns_queries_total", "counter",
		       "DNS queries of watched processes and mail hosts, by what they are for.");
	for (uint32_t category = 0; category < ME_DNS_CATEGORY_COUNT; category++)
		me_metric_sample(out, "mewatch_dns_queries_total",
				 ME_LABELS({"category", me_dns_category_label(category)}),
				 counts[me_dns_queries(category)]);
	me_metric_head(out, "mewatch_dns_responses_total", "counter",
		       "Answers to these queries, by response code. If servfail or refused grows, "
		       "ask the resolver yourself, with dig.");
	for (uint32_t category = 0; category < ME_DNS_CATEGORY_COUNT; category++)
		for (uint32_t rcode = 0; rcode < ME_RCODE_COUNT; rcode++)
			me_metric_sample(out, "mewatch_dns_responses_total",
					 ME_LABELS({"category", me_dns_category_label(category)},
						   {"rcode", me_rcode_label(rcode)}),
					 counts[me_dns_responses(category, rcode)]);
}

static void refusals(const struct me_ledger *ledger, struct me_strbuf *out)
{
	const struct me_names *names = me_ledger_names(ledger);
	uint32_t n;
	const struct me_zone_counts *zones = me_ledger_zones(ledger, &n);

	me_metric_head(out, "mewatch_dnsbl_refusals_total", "counter",
		       "Answers by which a block list of the policy refuses to serve this host. "
		       "If it grows, the mail filter does without that list: ask by a resolver of "
		       "your own, or take a key.");
	for (uint32_t id = 1; id < n; id++) {
		const char *zone = names->zone(names->data, id);

		if (zone)
			me_metric_sample(out, "mewatch_dnsbl_refusals_total",
					 ME_LABELS({"zone", zone}), zones[id].refusals);
	}
}

static void learned(const struct me_ledger *ledger, struct me_strbuf *out)
{
	const uint64_t *counts = me_ledger_dns_counts(ledger);

	me_metric_head(out, "mewatch_names_learned", "gauge",
		       "Addresses that DNS answers gave to names of the policy, as known now. At "
		       "0 with names in the policy, answers do not pass here.");
	me_metric_sample(out, "mewatch_names_learned", ME_NO_LABELS, me_ledger_learned(ledger));
	me_metric_head(out, "mewatch_names_refused_total", "counter",
		       "What DNS messages said and nothing was learned from, by cause. If full "
		       "grows, raise limits.learned; if wrong-resolver, unsolicited or malformed "
		       "does, somebody may forge answers.");
	for (uint32_t cause = 0; cause < ME_REFUSED_COUNT; cause++)
		me_metric_sample(out, "mewatch_names_refused_total",
				 ME_LABELS({"cause", me_refused_label(cause)}),
				 counts[me_dns_refusals(cause)]);
}

void me_prometheus_dns(const struct me_ledger *ledger, struct me_strbuf *out)
{
	queries(me_ledger_dns_counts(ledger), out);
	refusals(ledger, out);
	learned(ledger, out);
}
