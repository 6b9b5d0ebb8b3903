/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/dns.h"
#include "metop/health.h"
#include "metop/view.h"

/* clang-format off */
static const struct me_column flows[] = {
	{.title = "VERDICT", .help = "what the judge says", .fields = {"verdict", "direction"},
	 .kind = ME_COLUMN_MARK, .sort = "verdict", .width = 12},
	{.title = "DESTINATION", .help = "the name where one is known, else the address",
	 .fields = {"name", "sni", "http_host", "dst"}, .sort = "name", .width = 22, .grow = 3},
	{.title = "ADDRESS", .help = "address of the destination", .fields = {"dst"},
	 .sort = "dst", .width = 15, .grow = 1, .rank = 8},
	{.title = "PORT", .help = "port and protocol of the destination",
	 .fields = {"dport", "proto"}, .kind = ME_COLUMN_PORT, .sort = "dport", .width = 9,
	 .rank = 1},
	{.title = "PROCESS", .help = "command and pid; in transit the mail host",
	 .fields = {"comm", "pid", "host", "src"}, .kind = ME_COLUMN_PROCESS, .sort = "comm",
	 .width = 14, .grow = 2, .rank = 3},
	{.title = "SERVICE", .help = "service of the policy", .fields = {"service"},
	 .sort = "service", .width = 9, .grow = 1, .rank = 6},
	{.title = "WHY", .help = "reason of a violation, else the rule that allows it",
	 .fields = {"reason", "rule"}, .sort = "reason", .width = 20, .grow = 2, .rank = 9},
	{.title = "OUTCOME", .help = "how it ended, or how far it came", .fields = {"outcome"},
	 .sort = "outcome", .width = 11, .rank = 7},
	{.title = "SENT", .help = "payload bytes sent", .fields = {"bytes_sent"},
	 .kind = ME_COLUMN_QUANTITY, .sort = "bytes_sent", .width = 5, .rank = 10},
	{.title = "RECV", .help = "payload bytes received", .fields = {"bytes_received"},
	 .kind = ME_COLUMN_QUANTITY, .sort = "bytes_received", .width = 5, .rank = 10},
	{.title = "SENT/S", .help = "bytes sent a second", .kind = ME_COLUMN_RATE, .rate = 0,
	 .width = 6, .rank = 4},
	{.title = "RECV/S", .help = "bytes received a second", .kind = ME_COLUMN_RATE,
	 .rate = 1, .width = 6, .rank = 4},
	{.title = "LAST", .help = "how long ago it was last seen", .fields = {"last"},
	 .kind = ME_COLUMN_AGE, .sort = "last", .width = 4, .rank = 2},
};

static const struct me_column endpoints[] = {
	{.title = "STATE", .help = "whether it works", .fields = {"state"},
	 .kind = ME_COLUMN_MARK, .sort = "state", .width = 9},
	{.title = "ENDPOINT", .help = "entry of the policy", .fields = {"endpoint"},
	 .sort = "endpoint", .width = 15, .grow = 3},
	{.title = "SERVICE", .help = "service of the policy", .fields = {"service"},
	 .sort = "service", .width = 9, .grow = 1, .rank = 3},
	{.title = "RULE", .help = "rule of the policy", .fields = {"rule"}, .sort = "rule",
	 .width = 12, .grow = 1, .rank = 9},
	{.title = "TRIES", .help = "attempts", .fields = {"attempts"},
	 .kind = ME_COLUMN_QUANTITY, .sort = "attempts", .width = 5, .rank = 2},
	{.title = "TRIES/S", .help = "attempts a second", .kind = ME_COLUMN_RATE, .rate = 0,
	 .width = 7, .rank = 5},
	{.title = "OK", .help = "established or answered",
	 .fields = {"outcomes.established", "outcomes.answered"}, .kind = ME_COLUMN_QUANTITY,
	 .width = 5, .rank = 1},
	{.title = "FAIL", .help = "refused, timeout, unreachable or unanswered",
	 .fields = {"outcomes.refused", "outcomes.timeout", "outcomes.unreachable", "outcomes.unanswered"},
	 .kind = ME_COLUMN_QUANTITY, .width = 5, .rank = 1},
	{.title = "SENT", .help = "payload bytes sent", .fields = {"bytes_sent"},
	 .kind = ME_COLUMN_QUANTITY, .sort = "bytes_sent", .width = 5, .rank = 6},
	{.title = "RECV", .help = "payload bytes received", .fields = {"bytes_received"},
	 .kind = ME_COLUMN_QUANTITY, .sort = "bytes_received", .width = 5, .rank = 6},
	{.title = "RECV/S", .help = "bytes received a second", .kind = ME_COLUMN_RATE,
	 .rate = 1, .width = 6, .rank = 8},
	{.title = "LAST-OK", .help = "how long ago it last worked", .fields = {"last_success"},
	 .kind = ME_COLUMN_AGE, .sort = "last_success", .width = 7, .rank = 4},
	{.title = "LAST", .help = "how long ago it was last tried", .fields = {"last_attempt"},
	 .kind = ME_COLUMN_AGE, .sort = "last_attempt", .width = 4, .rank = 7},
};

static const struct me_column violations[] = {
	{.title = "S", .help = "mark of the state", .fields = {"state"}, .kind = ME_COLUMN_SIGN,
	 .width = 1},
	{.title = "REASON", .help = "why it is a violation", .fields = {"reason"},
	 .sort = "reason", .width = 20},
	{.title = "DESTINATION", .help = "the name where one is known, else the address",
	 .fields = {"name", "dst"}, .sort = "name", .width = 15, .grow = 3},
	{.title = "ADDRESS", .help = "address of the destination", .fields = {"dst"},
	 .sort = "dst", .width = 15, .grow = 1, .rank = 8},
	{.title = "PORT", .help = "port and protocol of the destination",
	 .fields = {"dport", "proto"}, .kind = ME_COLUMN_PORT, .sort = "dport", .width = 9,
	 .rank = 2},
	{.title = "PROCESS",
	 .help = "command and pid of the last one; in transit the mail host",
	 .fields = {"comm", "pid", "host"}, .kind = ME_COLUMN_PROCESS, .sort = "comm",
	 .width = 12, .grow = 2, .rank = 3},
	{.title = "SERVICE", .help = "service that the port belongs to", .fields = {"service"},
	 .sort = "service", .width = 9, .grow = 1, .rank = 7},
	{.title = "EXE", .help = "the program's file", .fields = {"exe"}, .sort = "exe",
	 .width = 16, .grow = 3, .rank = 9},
	{.title = "STATE", .help = "provisional: a name may still allow it", .fields = {"state"},
	 .sort = "state", .width = 11, .rank = 5},
	{.title = "COUNT", .help = "how many", .fields = {"count"}, .kind = ME_COLUMN_QUANTITY,
	 .sort = "count", .width = 5, .rank = 1},
	{.title = "/S", .help = "how many a second", .kind = ME_COLUMN_RATE, .rate = 0,
	 .width = 5, .rank = 4},
	{.title = "FIRST", .help = "how long ago the first one was", .fields = {"first"},
	 .kind = ME_COLUMN_AGE, .sort = "first", .width = 5, .rank = 6},
	{.title = "LAST", .help = "how long ago the last one was", .fields = {"last"},
	 .kind = ME_COLUMN_AGE, .sort = "last", .width = 4, .rank = 1},
};

static const struct me_column dns_categories[] = {
	{.title = "CATEGORY", .help = "what the queries are for", .fields = {"category"},
	 .width = 9, .grow = 1},
	{.title = "QUERIES", .help = "queries", .fields = {"queries"},
	 .kind = ME_COLUMN_QUANTITY, .width = 7},
	{.title = "/S", .help = "queries a second", .kind = ME_COLUMN_RATE, .rate = 0,
	 .width = 5, .rank = 2},
	{.title = "NOERROR", .help = "answers without an error", .fields = {"responses.noerror"},
	 .kind = ME_COLUMN_QUANTITY, .width = 7, .rank = 1},
	{.title = "NXDOMAIN", .help = "answers that there is no such name",
	 .fields = {"responses.nxdomain"}, .kind = ME_COLUMN_QUANTITY, .width = 8, .rank = 3},
	{.title = "SERVFAIL", .help = "answers that the server failed",
	 .fields = {"responses.servfail"}, .kind = ME_COLUMN_QUANTITY, .width = 8, .rank = 3},
	{.title = "REFUSED", .help = "answers that the server does not want to",
	 .fields = {"responses.refused"}, .kind = ME_COLUMN_QUANTITY, .width = 7, .rank = 3},
	{.title = "OTHER", .help = "answers with any other code",
	 .fields = {"responses.formerr", "responses.notimp", "responses.other"},
	 .kind = ME_COLUMN_QUANTITY, .width = 5, .rank = 4},
};

static const struct me_column dns_zones[] = {
	{.title = "S", .help = "mark: ! refuses", .fields = {"state"}, .kind = ME_COLUMN_SIGN,
	 .width = 1},
	{.title = "ZONE", .help = "zone of the block list", .fields = {"zone"}, .width = 16,
	 .grow = 1},
	{.title = "QUERIES", .help = "queries to it", .fields = {"queries"},
	 .kind = ME_COLUMN_QUANTITY, .width = 7, .rank = 2},
	{.title = "/S", .help = "queries a second", .kind = ME_COLUMN_RATE, .rate = 0,
	 .width = 5, .rank = 3},
	{.title = "ANSWERS", .help = "answers of any kind", .fields = {"answers"},
	 .kind = ME_COLUMN_QUANTITY, .width = 7, .rank = 4},
	{.title = "LISTED", .help = "answers that the address or domain is listed",
	 .fields = {"listed"}, .kind = ME_COLUMN_QUANTITY, .width = 6, .rank = 2},
	{.title = "REFUSALS", .help = "answers by which it refuses to serve this host",
	 .fields = {"refusals"}, .kind = ME_COLUMN_QUANTITY, .width = 8, .rank = 1,
	 .marked = true},
};

static const struct me_column dns_causes[] = {
	{.title = "NOT-LEARNED", .help = "why nothing was learned", .fields = {"cause"},
	 .width = 16, .grow = 1},
	{.title = "COUNT", .help = "how often", .fields = {"count"},
	 .kind = ME_COLUMN_QUANTITY, .width = 5, .rank = 1},
	{.title = "/S", .help = "how often a second", .kind = ME_COLUMN_RATE, .rate = 1,
	 .width = 5, .rank = 2},
};

static const struct me_column dns_answers[] = {
	{.title = "S", .help = "mark: - its life is over", .fields = {"state"},
	 .kind = ME_COLUMN_SIGN, .width = 1},
	{.title = "NAME", .help = "name that was asked for", .fields = {"name"}, .width = 22,
	 .grow = 3},
	{.title = "ADDRESS", .help = "address that it has", .fields = {"address"}, .width = 15,
	 .grow = 1, .rank = 1},
	{.title = "SERVER", .help = "server that said so last", .fields = {"server"},
	 .width = 15, .grow = 1, .rank = 3},
	{.title = "TARGET", .help = "last name of its chain of CNAMEs", .fields = {"target"},
	 .width = 20, .grow = 2, .rank = 6},
	{.title = "COUNT", .help = "answers that said so", .fields = {"count"},
	 .kind = ME_COLUMN_QUANTITY, .width = 5, .rank = 4},
	{.title = "SINCE", .help = "how long ago the first one was", .fields = {"since"},
	 .kind = ME_COLUMN_AGE, .width = 5, .rank = 5},
	{.title = "LAST", .help = "how long ago the last one was", .fields = {"last"},
	 .kind = ME_COLUMN_AGE, .width = 4, .rank = 2},
	{.title = "LEFT", .help = "how long it still holds", .fields = {"until"},
	 .kind = ME_COLUMN_LEFT, .width = 4, .rank = 2},
};

static const struct me_column health[] = {
	{.title = "S", .help = "mark of the state: as it should be, or not", .fields = {"state"},
	 .kind = ME_COLUMN_SIGN, .width = 1},
	{.title = "SECTION", .help = "what it is part of", .fields = {"section"}, .width = 13,
	 .rank = 1},
	{.title = "ITEM", .help = "what it is", .fields = {"item"}, .width = 18, .grow = 1,
	 .rank = 1},
	{.title = "VALUE", .help = "how it stands", .fields = {"value"}, .width = 12, .grow = 9},
};

#define COLUMNS(list) .columns = list, .n_columns = sizeof(list) / sizeof(*list)

static const struct me_part dns_parts[] = {
	[ME_DNS_CATEGORIES] = {"categories", "queries by what they are for", COLUMNS(dns_categories)},
	[ME_DNS_ZONES] = {"zones", "block lists that were asked, the most first", COLUMNS(dns_zones)},
	[ME_DNS_CAUSES] = {"causes", "what nothing was learned from, and why", COLUMNS(dns_causes)},
	[ME_DNS_ANSWERS] = {"answers", "names and their addresses, the latest first",
			    COLUMNS(dns_answers)},
};

const struct me_view me_views[ME_VIEWS] = {
	[ME_VIEW_FLOWS] = {
		.name = "flows", .title = "Flows", COLUMNS(flows), .order = "LAST",
		.keys = {"id"}, .rates = {"bytes_sent", "bytes_received"}, .latest = "last",
		.empty = "no flow seen yet",
	},
	[ME_VIEW_ENDPOINTS] = {
		.name = "endpoints", .title = "Endpoints", COLUMNS(endpoints), .order = "SERVICE",
		.keys = {"service", "endpoint"}, .rates = {"attempts", "bytes_received"},
		.latest = "last_attempt", .empty = "the policy names no endpoint",
	},
	[ME_VIEW_VIOLATIONS] = {
		.name = "violations", .title = "Violations", COLUMNS(violations), .order = "LAST",
		.keys = {"service", "reason", "dst", "dport", "proto", "exe", "host", "vantage"},
		.rates = {"count"}, .latest = "last",
		.empty = "no violation: nothing else went out",
	},
	[ME_VIEW_DNS] = {
		.name = "dns", .title = "DNS", COLUMNS(dns_categories),
		.rates = {"queries", "count"}, .latest = "last", .empty = "nothing known yet",
		.parts = dns_parts, .n_parts = sizeof(dns_parts) / sizeof(*dns_parts),
		.read = me_dns_read,
	},
	[ME_VIEW_HEALTH] = {
		.name = "health", .title = "Health", COLUMNS(health), .empty = "nothing known yet",
		.read = me_health_rows,
	},
};
/* clang-format on */
