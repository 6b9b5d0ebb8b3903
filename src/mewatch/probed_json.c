/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/probed.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/inet.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "export/value.h"
#include "gen/version.h"

#define SHOWN 2048 /* bytes of a text in the output */

static const char *const states[ME_PROBE_STATES] = {
	[ME_PROBE_WORKS] = "works",
	[ME_PROBE_FAILS] = "fails",
	[ME_PROBE_UNKNOWN] = "not-probed",
};

/* A member of text that may hold any byte; there is none for NULL and "". */
static void set_text(json_t *object, const char *key, const char *text)
{
	char safe[SHOWN];

	if (!text || !*text)
		return;
	me_text_escape(safe, sizeof(safe), text, strlen(text));
	json_object_set_new(object, key, json_string(safe));
}

static void set_number(json_t *object, const char *key, json_int_t number)
{
	json_object_set_new(object, key, json_integer(number));
}

static void set_time(json_t *object, const char *key, time_t time)
{
	char text[ME_RFC3339_LEN];

	if (time < 0)
		return;
	me_clock_rfc3339((uint64_t)time * ME_NS_PER_S, text);
	set_text(object, key, text);
}

static json_t *certificate_json(const struct me_certificate *certificate)
{
	json_t *json = json_object();

	set_text(json, "problem", me_certificate_label(certificate->problem));
	json_object_set_new(json, "checked", json_boolean(!certificate->unchecked));
	set_text(json, "subject", certificate->subject);
	set_text(json, "issuer", certificate->issuer);
	set_text(json, "names", certificate->names);
	set_time(json, "from", certificate->starts);
	set_time(json, "until", certificate->expires);
	return json;
}

static json_t *attempt_json(const struct me_probe_row *row)
{
	const struct me_dial *dial = &row->dial;
	char address[ME_INET_LEN];
	json_t *json = json_object();

	set_text(json, "via", dial->proxy ? "proxy" : "direct");
	set_text(json, "record", row->record);
	set_text(json, "canonical", row->canonical);
	me_inet_format(dial->address.byte, address);
	if (row->has_address)
		set_text(json, "address", address);
	set_text(json, "outcome", me_probe_outcome_label(dial->outcome));
	if (dial->status)
		set_number(json, "status", dial->status);
	set_number(json, "ms", dial->ms);
	set_text(json, "detail", dial->detail);
	if (*dial->certificate.subject || *dial->certificate.issuer)
		json_object_set_new(json, "certificate", certificate_json(&dial->certificate));
	return json;
}

static void set_place(json_t *json, const struct me_rule *rule)
{
	_cleanup_strbuf_ struct me_strbuf at = {0};

	me_strbuf_addf(&at, "%s:%u", rule->at.file, rule->at.line);
	set_text(json, "at", at.data);
}

/* The target whose first row is `first`; *ret_next is the first of the next one. */
static json_t *target_json(const struct me_probe *probe, size_t first, size_t *ret_next)
{
	const struct me_probe_target *target = probe->rows[first].target;
	enum me_probe_state state = me_probe_state(probe->rows, probe->n_rows, first, ret_next);
	json_t *json = json_object(), *attempts = json_array();
	char proto[ME_VALUE_LEN];

	set_text(json, "endpoint", target->endpoint);
	set_text(json, "name", target->name);
	set_text(json, "service", target->rule->service);
	set_text(json, "rule", target->rule->slug);
	set_place(json, target->rule);
	me_value_proto_name(target->ports.proto, proto);
	set_text(json, "proto", proto);
	if (me_proto_has_ports(target->ports.proto))
		set_number(json, "port", target->ports.low);
	if (target->ports.high > target->ports.low)
		set_number(json, "port_last", target->ports.high);
	set_text(json, "method", me_probe_method_label(target->method));
	set_text(json, "state", states[state]);
	set_text(json, "why_not", target->why_not);
	for (size_t i = first; target->method && i < *ret_next; i++)
		json_array_append_new(attempts, attempt_json(&probe->rows[i]));
	json_object_set_new(json, "attempts", attempts);
	return json;
}

static json_t *policy_json(const struct me_policy *policy)
{
	json_t *json = json_object();

	set_text(json, "file", policy->path);
	set_text(json, "profile", policy->profile);
	set_text(json, "sha256", policy->sha256);
	return json;
}

int me_probed_print_json(const struct me_probe *probe)
{
	json_t *json = json_object(), *targets = json_array();
	char now[ME_RFC3339_LEN];
	int err;

	me_clock_rfc3339(me_clock_now(CLOCK_REALTIME), now);
	set_text(json, "ts", now);
	set_text(json, "version", ME_VERSION);
	json_object_set_new(json, "policy", policy_json(probe->policy));
	set_text(json, "proxy", probe->proxy);
	set_number(json, "works", (json_int_t)probe->states[ME_PROBE_WORKS]);
	set_number(json, "fails", (json_int_t)probe->states[ME_PROBE_FAILS]);
	set_number(json, "not_probed", (json_int_t)probe->states[ME_PROBE_UNKNOWN]);
	for (size_t i = 0; i < probe->n_rows;)
		json_array_append_new(targets, target_json(probe, i, &i));
	json_object_set_new(json, "targets", targets);
	err = json ? json_dumpf(json, stdout, JSON_INDENT(1)) : -1;
	json_decref(json);
	if (err || putchar('\n') == EOF || fflush(stdout))
		return -EIO;
	return 0;
}
