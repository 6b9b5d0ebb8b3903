/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/views.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "export/prometheus.h"
#include "ledger/dns_sums.h"

/* Mail hosts in one answer. */
#define HOSTS_SHOWN 256u

static struct me_json *policy(const struct me_status *status, const struct me_kept *kept)
{
	struct me_json *object = me_json_object();
	_cleanup_json_ struct me_json *reloads = me_json_object();

	me_json_set_text(object, "profile", status->policy.profile);
	me_json_set_text(object, "path", status->policy.path);
	me_json_set_text(object, "sha256", status->policy.sha256);
	me_json_set_number(object, "generation", status->policy.generation);
	me_json_set(object, "loaded", me_value_time(status->policy.loaded_ns));
	me_json_set_number(reloads, "ok", kept->reloads_ok);
	me_json_set_number(reloads, "failed", kept->reloads_failed);
	me_json_set_child(object, "reloads", &reloads);
	me_json_set_safe(object, "last_error", status->policy.last_error);
	return object;
}

static struct me_json *mode(const struct me_mode_status *status)
{
	struct me_json *object = me_json_object();
	_cleanup_json_ struct me_json *rules = me_json_object();

	me_json_set_text(object, "mode", me_mode_label(status->mode));
	if (status->said >= 0)
		me_json_set_text(object, "said", me_mode_label(status->said));
	if (status->until_ns)
		me_json_set(object, "until", me_value_time(status->until_ns));
	me_json_set_bool(object, "enforcing", status->enforcing);
	me_json_set_text(object, "on_exit", status->keep ? "keep" : "open");
	for (unsigned int m = 0; m < ME_MODE_COUNT; m++)
		me_json_set_number(rules, me_mode_label(m), status->rules[m]);
	me_json_set_child(object, "rules", &rules);
	return object;
}

static struct me_json *attached(const struct me_status *status)
{
	struct me_json *array = me_json_array();

	for (size_t i = 0; i < status->n_attached; i++) {
		_cleanup_json_ struct me_json *object = me_json_object();

		me_json_set_text(object, "hook", status->attached[i].hook);
		me_json_set_text(object, "target", status->attached[i].target);
		me_json_set_bool(object, "ok", status->attached[i].ok);
		me_json_append(array, &object);
	}
	return array;
}

static struct me_json *maps(const struct me_status *status)
{
	struct me_json *array = me_json_array();

	for (size_t i = 0; i < status->n_maps; i++) {
		_cleanup_json_ struct me_json *object = me_json_object();

		me_json_set_text(object, "map", status->maps[i].map);
		me_json_set_number(object, "entries", status->maps[i].entries);
		me_json_set_number(object, "capacity", status->maps[i].capacity);
		me_json_append(array, &object);
	}
	return array;
}

/* Payload of all endpoints. */
static void set_bytes(struct me_json *health, const struct me_ledger *ledger)
{
	_cleanup_json_ struct me_json *bytes = me_json_object();
	uint64_t sent = 0, received = 0;
	struct me_endpoint endpoint;

	for (size_t cursor = 0; me_ledger_next_endpoint(ledger, &cursor, &endpoint);) {
		sent += endpoint.counts.bytes_sent;
		received += endpoint.counts.bytes_received;
	}
	me_json_set_number(bytes, "sent", sent);
	me_json_set_number(bytes, "received", received);
	me_json_set_child(health, "bytes", &bytes);
}

static void set_counts(struct me_json *health, const struct me_ledger *ledger)
{
	const uint64_t *cells = me_ledger_cells(ledger);
	_cleanup_json_ struct me_json *attempts = me_json_object();
	_cleanup_json_ struct me_json *verdicts = me_json_object();
	_cleanup_json_ struct me_json *violations = me_json_object();
	uint64_t pending = 0;

	for (uint32_t vantage = 0; vantage < ME_VANTAGE_KERNEL_COUNT; vantage++) {
		me_json_set_number(attempts, me_vantage_label(vantage),
				   me_cells_attempts(cells, vantage));
		pending += me_cells_pending(cells, vantage);
	}
	for (unsigned int verdict = 0; verdict < ME_VERDICT_FINAL_COUNT; verdict++)
		me_json_set_number(verdicts, me_verdict_label(verdict),
				   me_cells_verdict(cells, verdict));
	for (unsigned int stage = 0; stage < ME_STAGE_COUNT; stage++)
		me_json_set_number(violations, me_stage_label(stage),
				   me_cells_violations_sum(cells, stage));
	set_bytes(health, ledger);
	me_json_set_child(health, "attempts", &attempts);
	me_json_set_child(health, "verdicts", &verdicts);
	me_json_set_number(health, "pending", pending);
	me_json_set_child(health, "violations", &violations);
	me_json_set_number(health, "denied", me_cells_kind(cells, ME_CELL_DENIED));
	me_json_set_number(health, "would_deny", me_cells_kind(cells, ME_CELL_SHADOWED));
}

static void set_observations(struct me_json *health, const struct me_ledger *ledger)
{
	const struct me_kept *kept = me_ledger_kept(ledger);
	const uint64_t *totals = me_ledger_totals(ledger);
	_cleanup_json_ struct me_json *lost = me_json_object();
	_cleanup_json_ struct me_json *blind = me_json_object();
	_cleanup_json_ struct me_json *findings = me_json_object();
	_cleanup_json_ struct me_json *preexisting = me_json_object();

	me_json_set_number(health, "udp_probes", totals[ME_TOTAL_UDP_PROBES]);
	me_json_set_number(health, "flow_overflow", totals[ME_TOTAL_FLOW_OVERFLOW]);
	me_json_set_number(lost, "ring", totals[ME_TOTAL_RING_LOST]);
	me_json_set_number(lost, "file", kept->events_lost_file);
	for (unsigned int kind = 0; kind < ME_BLIND_COUNT; kind++)
		me_json_set_number(blind, me_blind_label(kind), totals[ME_TOTAL_BLIND(kind)]);
	for (unsigned int kind = 0; kind < ME_FINDING_COUNT; kind++)
		me_json_set_number(findings, me_finding_label(kind), kept->findings[kind]);
	for (unsigned int verdict = 0; verdict < ME_VERDICT_COUNT; verdict++) {
		uint64_t sum = 0;

		for (uint32_t vantage = 0; vantage < ME_VANTAGE_KERNEL_COUNT; vantage++)
			sum += me_ledger_underway(ledger, vantage, verdict);
		me_json_set_number(preexisting, me_verdict_label(verdict), sum);
	}
	me_json_set_child(health, "events_lost", &lost);
	me_json_set_child(health, "blind_spots", &blind);
	me_json_set_child(health, "findings", &findings);
	me_json_set_child(health, "preexisting", &preexisting);
}

static struct me_json *memory(const struct me_status *status)
{
	struct me_json *object = me_json_object();

	me_json_set_number(object, "used", me_process_resident());
	me_json_set_number(object, "most", status->memory_most);
	me_json_set_number(object, "kernel", status->memory_kernel);
	return object;
}

static void set_dns(struct me_json *health, const struct me_ledger *ledger)
{
	const uint64_t *counts = me_ledger_dns_counts(ledger);
	_cleanup_json_ struct me_json *dns = me_json_object();

	me_json_set_number(dns, "queries", me_dns_sum_queries(counts));
	me_json_set_number(dns, "responses", me_dns_sum_responses(counts));
	me_json_set_number(dns, "learned", me_ledger_learned(ledger));
	me_json_set_number(dns, "refused", me_dns_sum_refusals(counts));
	me_json_set_child(health, "dns", &dns);
}

/* me_mac() as people write it. */
static void set_mac(struct me_json *object, uint64_t key)
{
	uint8_t mac[sizeof(key)];
	char text[18];

	memcpy(mac, &key, sizeof(key));
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	me_json_set_text(object, "mac", text);
}

/* The mail hosts seen in transit. */
static struct me_json *hosts(const struct me_ledger *ledger)
{
	struct me_json *array = me_json_array();
	const struct me_host_counts *counts;
	const struct me_addr *address;
	size_t cursor = 0, n = 0;

	while (n++ < HOSTS_SHOWN && me_ledger_next_host(ledger, &cursor, &address, &counts)) {
		_cleanup_json_ struct me_json *object = me_json_object();

		me_json_set(object, "address", me_value_address(address));
		if (counts->number)
			me_json_set_number(object, "number", counts->number);
		if (counts->mac)
			set_mac(object, counts->mac);
		me_json_set_number(object, "attempts", counts->attempts);
		me_json_set_number(object, "violations", counts->violations);
		me_json_set_number(object, "answers", counts->answers);
		me_json_set(object, "first",
			    me_value_time(me_ledger_epoch(ledger, counts->first_ns)));
		me_json_set(object, "last",
			    me_value_time(me_ledger_epoch(ledger, counts->last_ns)));
		me_json_append(array, &object);
	}
	return array;
}

static struct me_json *history(const struct me_history_view *view)
{
	struct me_json *object = me_json_object();

	me_json_set_text(object, "state", view->state);
	me_json_set_text(object, "path", view->path);
	me_json_set_number(object, "bytes", view->bytes);
	me_json_set_number(object, "cached", view->cached);
	me_json_set_number(object, "rows", view->rows);
	me_json_set(object, "oldest", me_value_time(view->oldest_ns));
	me_json_set(object, "written", me_value_time(view->written_ns));
	me_json_set_number(object, "errors", view->errors);
	me_json_set_safe(object, "why", view->why);
	me_json_set_text(object, "moved_aside", view->aside);
	return object;
}

static void add_hits(struct me_json *problems, uint64_t hits, const char *what, const char *advice)
{
	_cleanup_strbuf_ struct me_strbuf line = {0};

	if (!hits || !advice)
		return;
	me_strbuf_addf(&line, "%llu %s: %s", (unsigned long long)hits, what, advice);
	me_json_append_safe(problems, line.data ? line.data : "");
}

/* Bounds of learning that were met. */
static void add_names(struct me_json *problems, const uint64_t *dns)
{
	add_hits(problems, dns[me_dns_refusals(ME_REFUSED_FULL)], me_refused_help(ME_REFUSED_FULL),
		 "raise limits.learned: flows to them are judged as if no answer had been seen");
	add_hits(problems, dns[me_dns_refusals(ME_REFUSED_QUERIES_FULL)],
		 me_refused_help(ME_REFUSED_QUERIES_FULL),
		 "nothing was learned from their answers");
}

/* One line for each thing that somebody should look at. */
static struct me_json *problems(const struct me_ledger *ledger, const struct me_status *status)
{
	const uint64_t *totals = me_ledger_totals(ledger);
	struct me_json *array = me_json_array();
	_cleanup_strbuf_ struct me_strbuf line = {0};

	for (size_t i = 0; i < status->n_attached; i++) {
		if (status->attached[i].ok)
			continue;
		line.len = 0;
		me_strbuf_addf(&line, "%s is not attached to %s: its traffic is not seen",
			       status->attached[i].hook, status->attached[i].target);
		me_json_append_safe(array, line.data ? line.data : "");
	}
	add_hits(array, totals[ME_TOTAL_FLOW_OVERFLOW],
		 "attempts for which the flow table had no room",
		 "raise limits.flows: they are counted, but not listed");
	add_hits(array, totals[ME_TOTAL_RING_LOST], "records for which the ring had no room",
		 "they are in the totals and in aggregate events");
	add_hits(array, totals[ME_TOTAL_FRAGMENTS_FULL],
		 "fragments for which the table had no room", "they were judged unparsable");
	add_hits(array, totals[ME_TOTAL_HOSTS_FULL],
		 "attempts of mail hosts beyond those that are counted one by one",
		 "name fewer hosts in watch.hosts, or narrower prefixes");
	add_names(array, me_ledger_dns_counts(ledger));
	for (size_t i = 0; i < status->n_limits; i++)
		add_hits(array, status->limits[i].hits, status->limits[i].what,
			 status->limits[i].advice);
	if (me_ledger_kept(ledger)->events_lost_file)
		me_json_append_safe(array, "events could not be written: see events_lost");
	for (size_t i = 0; i < status->n_problems; i++)
		me_json_append_safe(array, status->problems[i]);
	if (status->policy.last_error) {
		line.len = 0;
		me_strbuf_addf(&line, "the policy was not reloaded: %s", status->policy.last_error);
		me_json_append_safe(array, line.data ? line.data : "");
	}
	return array;
}

int me_view_health(const struct me_ledger *ledger, const struct me_status *status,
		   struct me_strbuf *out)
{
	_cleanup_json_ struct me_json *health = me_json_object();
	_cleanup_json_ struct me_json *part = NULL;
	int r;

	me_json_set(health, "ts", me_value_time(status->now_ns));
	me_json_set_text(health, "version", status->version);
	me_json_set_number(health, "pid", (uint64_t)status->pid);
	me_json_set(health, "started", me_value_time(status->started_ns));
	me_json_set_number(health, "uptime_s", status->uptime_ns / ME_NS_PER_S);
	part = policy(status, me_ledger_kept(ledger));
	me_json_set_child(health, "policy", &part);
	part = mode(&status->mode);
	me_json_set_child(health, "mode", &part);
	part = attached(status);
	me_json_set_child(health, "attached", &part);
	part = maps(status);
	me_json_set_child(health, "maps", &part);
	part = memory(status);
	me_json_set_child(health, "memory", &part);
	set_counts(health, ledger);
	set_observations(health, ledger);
	set_dns(health, ledger);
	part = hosts(ledger);
	me_json_set_child(health, "hosts", &part);
	if (status->history) {
		part = history(status->history);
		me_json_set_child(health, "history", &part);
	}
	part = problems(ledger, status);
	me_json_set_child(health, "problems", &part);
	r = me_json_write(health, out);
	me_strbuf_addc(out, '\n');
	return r < 0 ? r : out->err;
}
