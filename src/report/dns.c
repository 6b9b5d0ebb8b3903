/* SPDX-License-Identifier: GPL-2.0-only */
/* What was asked of the DNS, and what came of it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "base/strbuf.h"
#include "mewatch/types.h"
#include "report/gather.h"
#include "report/sums.h"

struct dns {
	struct me_gather *gather;
	struct me_sheet *sheet, *refusals;
	struct me_sums *categories; /* queries, then the response codes */
	uint64_t refused;
};

static unsigned int rcode_of(const char *label)
{
	unsigned int rcode = 0;

	while (rcode < ME_RCODE_COUNT && strcmp(label, me_rcode_label(rcode)))
		rcode++;
	return rcode;
}

static int take_refusal(struct dns *dns, const struct me_past_count *count)
{
	struct me_cell *row = me_sheet_row(dns->gather->document, dns->refusals);

	me_cell_text(dns->gather->document, &row[0], count->kind);
	me_cell_number(&row[1], count->count);
	dns->refused += count->count;
	return 0;
}

static int take_count(void *data, const struct me_past_count *count)
{
	bool queries = count->series == ME_SERIES_DNS_QUERIES;
	struct dns *dns = data;
	unsigned int rcode;
	uint64_t *sums;

	if (count->series == ME_SERIES_DNSBL_REFUSALS)
		return take_refusal(dns, count);
	if (!queries && count->series != ME_SERIES_DNS_RESPONSES)
		return 0;
	sums = me_sums_at(dns->categories, count->kind, NULL, NULL);
	if (!sums)
		return -ENOMEM;
	rcode = queries ? 0 : rcode_of(count->detail);
	if (rcode < ME_RCODE_COUNT)
		sums[queries ? 0 : 1 + rcode] += count->count;
	return 0;
}

int me_gather_dns(struct me_gather *gather)
{
#define PICK_COLUMN(prefix, constant, label, help) {label, label, ME_SHEET_NUMBER},
	static const struct me_sheet_column columns[] = {{"category", "Category", ME_SHEET_TEXT},
							 {"queries", "Queries", ME_SHEET_NUMBER},
							 ME_RCODE_LIST(PICK_COLUMN, )};
#undef PICK_COLUMN
	static const struct me_sheet_column refusals[] = {
		{"zone", "Block list", ME_SHEET_TEXT},
		{"refusals", "Refusals", ME_SHEET_NUMBER},
	};
	struct me_document *document = gather->document;
	_cleanup_sums_ struct me_sums *categories = me_sums_new(document->texts);
	struct dns dns = {.gather = gather, .categories = categories};
	_cleanup_strbuf_ struct me_strbuf text = {0};
	int err;

	if (!categories)
		return -ENOMEM;
	dns.sheet = me_document_sheet(document, &(struct me_sheet){.key = "dns",
								   .title = "DNS by category",
								   .none = "Nothing was asked.",
								   ME_COLUMNS(columns)});
	dns.refusals = me_document_sheet(
		document,
		&(struct me_sheet){.key = "dnsbl_refusals",
				   .title = "Block lists that refuse to answer",
				   .note = "While a list refuses, the filter goes without it.",
				   .none = "None did.",
				   ME_COLUMNS(refusals)});
	err = me_past_counts(gather->past, &gather->period, 0, ME_SERIES_COUNT, take_count, &dns);
	if (err)
		return err;
	for (size_t i = 0; i < me_sums_count(categories); i++) {
		const struct me_sum *sum = me_sums_get(categories, i);
		struct me_cell *row = me_sheet_row(document, dns.sheet);

		me_cell_text(document, &row[0], me_sums_word(categories, sum, 0));
		for (unsigned int k = 0; k <= ME_RCODE_COUNT; k++)
			me_cell_number(&row[1 + k], sum->values[k]);
	}
	if (dns.refused) {
		me_strbuf_addf(&text, "Block lists refused to answer %" PRIu64 " times.",
			       dns.refused);
		me_document_state(document, ME_TONE_BAD, &text);
	}
	return 0;
}
