/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_LEDGER_FIXTURE_H
#define MEWATCH_TESTS_LEDGER_FIXTURE_H

/* A small world for the ledger: names for ids, flows and records to feed it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "ledger/ledger.h"

#define FIXTURE_EPOCH (1800000000ull * ME_NS_PER_S) /* 2027-01-15T08:00:00Z */
#define FIXTURE_NOW (1000 * ME_NS_PER_S)
#define FIXTURE_SERVICES 5u

static inline const char *fixture_service(void *data, uint32_t id)
{
	static const char *const names[FIXTURE_SERVICES] = {"unlisted", "local", "link", "updates",
							    "smtp"};

	(void)data;
	return id < FIXTURE_SERVICES ? names[id] : NULL;
}

static inline const char *fixture_endpoint(void *data, uint32_t id)
{
	static const char *const names[] = {NULL, "meupdate.gfi.com", "*.mailshell.net", "any"};

	(void)data;
	return id < ME_ARRAY_SIZE(names) ? names[id] : NULL;
}

static inline const char *fixture_endpoint_service(void *data, uint32_t id)
{
	(void)data;
	return id == 3 ? "smtp" : "updates";
}

static inline const char *fixture_rule(void *data, uint32_t id)
{
	(void)data;
	return id == 1 ? "updates/engines" : "smtp/outbound mail";
}

static inline const char *fixture_place(void *data, uint32_t id)
{
	(void)data;
	return id == 1 ? "policy.yaml:12" : NULL;
}

static inline const char *fixture_zone(void *data, uint32_t id)
{
	static const char *const names[] = {NULL, "zen.spamhaus.org", NULL, "multi.surbl.org"};

	(void)data;
	return id < ME_ARRAY_SIZE(names) ? names[id] : NULL;
}

static inline const char *fixture_exe(void *data, const struct me_proc_key *proc)
{
	static char text[32];

	(void)data;
	snprintf(text, sizeof(text), "/usr/bin/p%u", proc->tgid);
	return text;
}

static inline const char *fixture_cgroup(void *data, uint64_t id)
{
	(void)data;
	return id == 1 ? "/mail" : NULL;
}

static const struct me_names fixture_names = {
	.service = fixture_service,
	.endpoint = fixture_endpoint,
	.endpoint_service = fixture_endpoint_service,
	.rule = fixture_rule,
	.place = fixture_place,
	.zone = fixture_zone,
	.exe = fixture_exe,
	.cgroup = fixture_cgroup,
};

static inline struct me_ledger *fixture_ledger(struct me_kept *kept, uint32_t flows,
					       uint32_t groups)
{
	const struct me_ledger_limits limits = {.flows = flows, .groups = groups, .answers = 64};
	struct me_ledger *ledger = NULL;

	assert_int_equal(me_ledger_new(&limits, kept, &fixture_names, FIXTURE_NOW,
				       FIXTURE_EPOCH + FIXTURE_NOW, &ledger),
			 0);
	return ledger;
}

static inline struct me_flow_key fixture_key(uint32_t v4, uint16_t port, uint8_t proto)
{
	struct me_flow_key key = {
		.peer = me_addr_v4(ME_NET32(v4)), .port = port, .proto = proto, .vantage = ME_HOST};

	return key;
}

/* A flow opened one second before FIXTURE_NOW by process `tgid`. */
static inline struct me_flow fixture_flow(uint64_t id, uint8_t verdict, uint8_t reason,
					  uint32_t tgid)
{
	struct me_flow flow = {
		.id = id,
		.first_ns = FIXTURE_NOW - ME_NS_PER_S,
		.last_ns = FIXTURE_NOW - ME_NS_PER_S,
		.origin = {.proc = {.tgid = tgid}, .cgroup = 1, .uid = 33, .comm = "curl"},
		.state = {.verdict = verdict, .reason = reason},
		.generation = 1,
		.service = 3,
		.direction = ME_DIRECTION_OUT,
	};

	return flow;
}

#endif
