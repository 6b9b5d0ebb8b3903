/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/replay_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/inet.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "export/rows.h"
#include "export/views.h"

#define SHOWN 512 /* bytes of a text in a line, escaped */

/* --- A flow ------------------------------------------------------------------------------------- */

/* The field as text, escaped unless the field does so itself; "" for an absent one. */
static const char *field_text(const struct me_rows *rows, const struct me_item *row,
			      const char *name, char out[SHOWN])
{
	const struct me_fields *fields = &rows->fields;
	char buffer[ME_VALUE_LEN];
	const char *text = NULL;
	size_t length = 0;

	out[0] = '\0';
	for (unsigned int i = 0; i < fields->count && !text; i++) {
		struct me_value value;

		if (strcmp(fields->names[i], name) != 0)
			continue;
		value = fields->get(row, i);
		text = me_value_show(&value, buffer, &length);
	}
	if (text)
		me_text_escape(out, SHOWN, text, length);
	return out;
}

/* An address and its port, as they are written in front of a slash. */
static void print_end(const struct me_addr *address, bool has_port, uint16_t port)
{
	char text[ME_INET_LEN];
	bool brackets = has_port && !me_addr_is_v4(address);

	me_inet_format(address->byte, text);
	printf("%s%s%s", brackets ? "[" : "", text, brackets ? "]" : "");
	if (has_port)
		printf(":%u", port);
}

/* `key`=text, where there is one. */
static void print_field(const struct me_rows *rows, const struct me_item *row, const char *key)
{
	char text[SHOWN];

	if (*field_text(rows, row, key, text))
		printf(" %s=%s", key, text);
}

static void print_line(const struct me_item *row)
{
	static const char *const said[] = {"reason", "service", "rule",      "endpoint", "evidence",
					   "name",   "sni",     "http_host", "outcome"};
	const struct me_ledger_flow *flow = row->flow;
	bool ports = me_proto_has_ports(flow->proto);
	bool in = flow->direction == ME_DIRECTION_IN;
	char text[SHOWN], proto[ME_VALUE_LEN];

	me_value_proto_name(flow->proto, proto);
	printf("%s %-10s %-3s %s ", field_text(&me_rows_flows, row, "first", text),
	       in ? "-" : me_verdict_label(flow->state.verdict),
	       me_direction_label(flow->direction), proto);
	print_end(in ? &flow->dst : &flow->src, ports, in ? flow->dport : flow->sport);
	fputs(" > ", stdout);
	print_end(in ? &flow->src : &flow->dst, ports, in ? flow->sport : flow->dport);
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		print_field(&me_rows_flows, row, said[i]);
	printf(" sent=%" PRIu64 "/%" PRIu64 " received=%" PRIu64 "/%" PRIu64 "%s%s\n",
	       flow->bytes_sent, flow->packets_sent, flow->bytes_received, flow->packets_received,
	       flow->flags & ME_FLOW_PREEXISTING ? " under-way" : "",
	       flow->closed_ns ? "" : " open");
}

static void count(struct me_replay_printer *printer, const struct me_ledger_flow *flow)
{
	printer->flows++;
	printer->directions[flow->direction]++;
	if (flow->direction != ME_DIRECTION_OUT)
		return;
	printer->verdicts[flow->state.verdict]++;
	if (flow->state.verdict == ME_VIOLATION)
		printer->reasons[flow->state.reason]++;
}

static void print_object(const struct me_rows *rows, const struct me_item *row)
{
	_cleanup_json_ struct me_json *object = me_view_row(rows, row);
	_cleanup_strbuf_ struct me_strbuf out = {};

	if (!me_json_write(object, &out))
		puts(out.data);
}

void me_replay_print_flow(const struct me_ledger *ledger, const struct me_ledger_flow *flow,
			  void *userdata)
{
	const struct me_item row = {.ledger = ledger, .flow = flow};
	struct me_replay_printer *printer = userdata;

	count(printer, flow);
	if (printer->form == ME_REPLAY_TEXT)
		print_line(&row);
	else if (printer->form == ME_REPLAY_JSON)
		print_object(&me_rows_flows, &row);
}

void me_replay_print_answer(const struct me_ledger *ledger, const struct me_answer *answer,
			    void *userdata)
{
	static const char *const said[] = {"name", "target", "address", "server", "until"};
	const struct me_item row = {.ledger = ledger, .answer = answer};
	const struct me_replay_printer *printer = userdata;
	char text[SHOWN];

	if (printer->form == ME_REPLAY_JSON)
		print_object(&me_rows_dns, &row);
	if (printer->form != ME_REPLAY_TEXT)
		return;
	printf("%s answer    ", field_text(&me_rows_dns, &row, "last", text));
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		print_field(&me_rows_dns, &row, said[i]);
	putchar('\n');
}

/* --- The summary -------------------------------------------------------------------------------- */

static void print_count(const char *label, uint64_t n)
{
	if (n)
		printf("  %-28s %" PRIu64 "\n", label, n);
}

static void print_packets(const struct me_replay *replay)
{
	const struct me_replay_counts *counts = me_replay_counts(replay);
	const uint64_t *totals = me_replay_totals(replay);
	char first[ME_RFC3339_LEN], last[ME_RFC3339_LEN];

	me_clock_rfc3339(counts->first_ns, first);
	me_clock_rfc3339(counts->last_ns, last);
	printf("\n%" PRIu64 " packets, %" PRIu64 " bytes, %s to %s\n", counts->packets,
	       counts->bytes, first, last);
	print_count("cut short", counts->cut);
	print_count("of no mail host", counts->elsewhere);
	print_count("older than the one before", counts->backwards);
	for (int i = 0; i < ME_UNPARSED_COUNT; i++)
		print_count(me_unparsed_help(i), totals[ME_TOTAL_UNPARSED(i)]);
	print_count("of no known flow", totals[ME_TOTAL_STRAYS]);
	print_count("flows beyond the table", totals[ME_TOTAL_FLOW_OVERFLOW]);
}

void me_replay_print_summary(const struct me_replay_printer *printer,
			     const struct me_replay *replay)
{
	const struct me_replay_counts *counts = me_replay_counts(replay);

	print_packets(replay);
	printf("%" PRIu64 " flows\n", printer->flows);
	for (int i = 0; i < ME_VERDICT_COUNT; i++)
		print_count(me_verdict_label(i), printer->verdicts[i]);
	for (int i = 1; i < ME_REASON_COUNT; i++)
		print_count(me_reason_label(i), printer->reasons[i]);
	print_count("opened by the other side", printer->directions[ME_DIRECTION_IN]);
	print_count("opener not known", printer->directions[ME_DIRECTION_UNKNOWN]);
	for (int i = 0; i < ME_FINDING_COUNT; i++)
		print_count(me_finding_label(i), counts->findings[i]);
}
