/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/prometheus.h"

#include "base/file.h"
#include "export/metric.h"
#include "export/prometheus_dns.h"
#include "export/prometheus_endpoints.h"

/* Calls `each` for the services that have a name. */
static const char *service_name(const struct me_ledger *ledger, uint32_t service)
{
	const struct me_names *names = me_ledger_names(ledger);

	return names->service(names->data, service);
}

/* Transit is not shown where it was never used: it would only be rows of zeros. */
static bool is_shown(const struct me_ledger *ledger, uint32_t vantage)
{
	return vantage == ME_HOST || me_cells_attempts(me_ledger_cells(ledger), vantage);
}

static void attempts(const struct me_ledger *ledger, struct me_strbuf *out)
{
	const uint64_t *cells = me_ledger_cells(ledger);

	me_metric_head(out, "mewatch_attempts_total", "counter",
		       "Outbound attempts: TCP connects, and first datagrams to a peer. Flat on a "
		       "busy host: its traffic goes another way, see mewatch_attached.");
	for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		me_metric_sample(out, "mewatch_attempts_total",
				 ME_LABELS({"vantage", me_vantage_label(v)}),
				 me_cells_attempts(cells, v));
	me_metric_head(out, "mewatch_pending_flows", "gauge",
		       "Flows without a final verdict: a rule with a name may still allow them, "
		       "or their client has not spoken yet. Many for long: DNS answers do not "
		       "pass here, see mewatch_names_learned.");
	for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		me_metric_sample(out, "mewatch_pending_flows",
				 ME_LABELS({"vantage", me_vantage_label(v)}),
				 me_cells_pending(cells, v));
}

static void connection(const struct me_ledger *ledger, uint32_t v, uint32_t s, uint8_t verdict,
		       uint8_t reason, struct me_strbuf *out)
{
	me_metric_sample(
		out, "mewatch_connections_total",
		ME_LABELS({"vantage", me_vantage_label(v)}, {"service", service_name(ledger, s)},
			  {"verdict", me_verdict_label(verdict)},
			  {"reason", me_reason_label(reason)}),
		me_cells_ended(me_ledger_cells(ledger), v, s, me_cell_end(verdict, reason)));
}

static void connections(const struct me_ledger *ledger, struct me_strbuf *out)
{
	me_metric_head(out, "mewatch_connections_total", "counter",
		       "Attempts by their final verdict and, for violations, the reason. If "
		       "violation grows, see metop --view violations; if unresolved does, metop "
		       "--view health.");
	for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++) {
		for (uint32_t s = 0; is_shown(ledger, v) && s < ME_SERVICES_MAX; s++) {
			if (!service_name(ledger, s))
				continue;
			for (uint8_t verdict = 0; verdict < ME_VIOLATION; verdict++)
				connection(ledger, v, s, verdict, ME_REASON_NONE, out);
			for (uint8_t r = ME_REASON_NONE + 1; r < ME_REASON_COUNT; r++)
				connection(ledger, v, s, ME_VIOLATION, r, out);
		}
	}
}

static uint64_t violations_of(const struct me_ledger *ledger, uint32_t s, uint32_t r,
			      enum me_stage stage)
{
	uint64_t sum = 0;

	for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		sum += me_cells_violations(me_ledger_cells(ledger), v, s, r, stage);
	return sum;
}

static void violations(const struct me_ledger *ledger, struct me_strbuf *out)
{
	me_metric_head(out, "mewatch_violations_total", "counter",
		       "Violations: provisional are told early, confirmed are final, retracted "
		       "were taken back; open is the difference. If confirmed grows, see metop "
		       "--view violations, and mewatch explain.");
	for (uint32_t s = 0; s < ME_SERVICES_MAX; s++)
		for (uint32_t r = ME_REASON_NONE + 1;
		     service_name(ledger, s) && r < ME_REASON_COUNT; r++)
			for (unsigned int stage = 0; stage < ME_STAGE_COUNT; stage++)
				me_metric_sample(out, "mewatch_violations_total",
						 ME_LABELS({"service", service_name(ledger, s)},
							   {"reason", me_reason_label(r)},
							   {"state", me_stage_label(stage)}),
						 violations_of(ledger, s, r, stage));
}

/* What was done about violations, or would have been. */
static void denied(const struct me_ledger *ledger, enum me_cell_kind kind, const char *name,
		   const char *help, struct me_strbuf *out)
{
	const uint64_t *cells = me_ledger_cells(ledger);

	me_metric_head(out, name, "counter", help);
	for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		for (uint32_t s = 0; is_shown(ledger, v) && s < ME_SERVICES_MAX; s++)
			for (uint32_t r = ME_REASON_NONE + 1;
			     service_name(ledger, s) && r < ME_REASON_COUNT; r++)
				me_metric_sample(out, name,
						 ME_LABELS({"vantage", me_vantage_label(v)},
							   {"service", service_name(ledger, s)},
							   {"reason", me_reason_label(r)}),
						 cells[me_cell(v, s, kind, r)]);
}

static void refused(const struct me_ledger *ledger, bool shadow, const char *name, const char *help,
		    struct me_strbuf *out)
{
	me_metric_head(out, name, "counter", help);
	for (unsigned int kind = 0; kind < ME_BLIND_PACKET; kind++)
		me_metric_sample(out, name, ME_LABELS({"kind", me_blind_label(kind)}),
				 me_ledger_totals(ledger)[ME_TOTAL_REFUSED(shadow, kind)]);
}

static void acted(const struct me_ledger *ledger, struct me_strbuf *out)
{
	denied(ledger, ME_CELL_DENIED, "mewatch_denied_total", "Attempts that were denied.", out);
	denied(ledger, ME_CELL_SHADOWED, "mewatch_shadow_denied_total",
	       "Attempts that would have been denied (shadow).", out);
	refused(ledger, false, "mewatch_sockets_denied_total",
		"Sockets that were refused (refuse_sockets), by kind.", out);
	refused(ledger, true, "mewatch_sockets_shadow_denied_total",
		"Sockets that would have been refused (shadow), by kind.", out);
}

static void observations(const struct me_ledger *ledger, struct me_strbuf *out)
{
	const struct me_kept *kept = me_ledger_kept(ledger);

	me_metric_head(out, "mewatch_findings_total", "counter",
		       "Observations beside the verdicts, by kind. If one grows, the events say "
		       "who and when.");
	for (unsigned int kind = 0; kind < ME_FINDING_COUNT; kind++)
		me_metric_sample(out, "mewatch_findings_total",
				 ME_LABELS({"kind", me_finding_label(kind)}), kept->findings[kind]);
	me_metric_head(out, "mewatch_preexisting_flows_total", "counter",
		       "Flows that were under way when the watch began, by what the policy says "
		       "of them; they are no attempts. If violation is not 0, see metop --view "
		       "flows.");
	for (uint32_t v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++)
		for (unsigned int verdict = 0; verdict < ME_VERDICT_COUNT; verdict++)
			me_metric_sample(out, "mewatch_preexisting_flows_total",
					 ME_LABELS({"vantage", me_vantage_label(v)},
						   {"verdict", me_verdict_label(verdict)}),
					 me_ledger_underway(ledger, v, verdict));
	me_metric_head(out, "mewatch_blind_spots_total", "counter",
		       "Sockets that the connect hooks do not see, by kind. If packet or outside "
		       "grows, somebody can send unseen: metop --view health says who.");
	for (unsigned int kind = 0; kind < ME_BLIND_COUNT; kind++)
		me_metric_sample(out, "mewatch_blind_spots_total",
				 ME_LABELS({"kind", me_blind_label(kind)}),
				 me_ledger_totals(ledger)[ME_TOTAL_BLIND(kind)]);
}

/* What only packets in transit show. */
static void passing(const struct me_ledger *ledger, struct me_strbuf *out)
{
	const uint64_t *totals = me_ledger_totals(ledger);

	me_metric_head(out, "mewatch_unparsed_packets_total", "counter",
		       "Packets in transit that could not be parsed, by cause; none of them is "
		       "allowed. If it grows, capture on the interface to see what they are.");
	for (unsigned int cause = 0; cause < ME_UNPARSED_COUNT; cause++)
		me_metric_sample(out, "mewatch_unparsed_packets_total",
				 ME_LABELS({"cause", me_unparsed_label(cause)}),
				 totals[ME_TOTAL_UNPARSED(cause)]);
	me_metric_head(out, "mewatch_stray_segments_total", "counter",
		       "TCP segments in transit without payload that belong to no flow: late "
		       "ones, and scans. That it grows needs nobody.");
	me_metric_sample(out, "mewatch_stray_segments_total", ME_NO_LABELS,
			 totals[ME_TOTAL_STRAYS]);
	me_metric_head(out, "mewatch_one_sided_flows_total", "counter",
		       "Connections in transit of which only one direction passed here. If it "
		       "grows, the other way is routed elsewhere, and outcomes and bytes are not "
		       "known.");
	me_metric_sample(out, "mewatch_one_sided_flows_total", ME_NO_LABELS,
			 totals[ME_TOTAL_ONE_SIDED]);
}

static void ftp(const struct me_ledger *ledger, struct me_strbuf *out)
{
	static const uint8_t evidence[] = {ME_EVIDENCE_ANNOUNCED, ME_EVIDENCE_DOCUMENTED,
					   ME_EVIDENCE_CONTROL_ONLY, ME_EVIDENCE_NONE};
	static const char *const mode[] = {"passive", "active"};

	me_metric_head(out, "mewatch_ftp_data_connections_total", "counter",
		       "Data connections beside FTP control connections, by what they rest on. If "
		       "none grows, see the violations with the reason ftp-unannounced.");
	for (unsigned int m = 0; m < ME_ARRAY_SIZE(mode); m++)
		for (size_t e = 0; e < ME_ARRAY_SIZE(evidence); e++)
			me_metric_sample(out, "mewatch_ftp_data_connections_total",
					 ME_LABELS({"mode", mode[m]},
						   {"evidence", me_evidence_label(evidence[e])}),
					 me_ledger_totals(ledger)[ME_TOTAL_FTP(m, evidence[e])]);
}

static void losses(const struct me_ledger *ledger, struct me_strbuf *out)
{
	const uint64_t *totals = me_ledger_totals(ledger);

	me_metric_head(out, "mewatch_udp_probes_total", "counter",
		       "UDP connects; without a datagram they are no attempts. That it grows "
		       "needs nobody.");
	me_metric_sample(out, "mewatch_udp_probes_total", ME_NO_LABELS,
			 totals[ME_TOTAL_UDP_PROBES]);
	me_metric_head(out, "mewatch_flow_overflow_total", "counter",
		       "Attempts that are counted and not listed, as the flow table was full. If "
		       "it grows, raise limits.flows.");
	me_metric_sample(out, "mewatch_flow_overflow_total", ME_NO_LABELS,
			 totals[ME_TOTAL_FLOW_OVERFLOW]);
	me_metric_head(out, "mewatch_events_lost_total", "counter",
		       "Events that were not told one by one; they are in the totals. If ring "
		       "grows, the daemon gets too little CPU time; if file does, the events "
		       "cannot be written: see the disk.");
	me_metric_sample(out, "mewatch_events_lost_total", ME_LABELS({"source", "ring"}),
			 totals[ME_TOTAL_RING_LOST]);
	me_metric_sample(out, "mewatch_events_lost_total", ME_LABELS({"source", "file"}),
			 me_ledger_kept(ledger)->events_lost_file);
}

/* Nothing of it where the policy wants no history. */
static void history(const struct me_history_view *view, struct me_strbuf *out)
{
	if (!view || view->off)
		return;
	me_metric_head(
		out, "mewatch_history_writing", "gauge",
		"1 where the history is written; 0 while it cannot be, or is being opened. If "
		"it stays 0, see the log, and the disk of the state folder.");
	me_metric_sample(out, "mewatch_history_writing", ME_NO_LABELS, view->writing);
	me_metric_head(out, "mewatch_history_bytes", "gauge",
		       "Size of the history's files in bytes.");
	me_metric_sample(out, "mewatch_history_bytes", ME_NO_LABELS, view->bytes);
	me_metric_head(out, "mewatch_history_cache_bytes", "gauge",
		       "Memory that pages of the history take, in bytes; about 8 MiB at most.");
	me_metric_sample(out, "mewatch_history_cache_bytes", ME_NO_LABELS, view->cached);
	me_metric_head(out, "mewatch_history_rows", "gauge",
		       "Rows of counts by the minute in the history.");
	me_metric_sample(out, "mewatch_history_rows", ME_NO_LABELS, view->rows);
	me_metric_head(
		out, "mewatch_history_errors_total", "counter",
		"Times that the history could not be written or read, since the start. If it "
		"grows, see the log, and the disk of the state folder.");
	me_metric_sample(out, "mewatch_history_errors_total", ME_NO_LABELS, view->errors);
	me_metric_head(out, "mewatch_history_oldest_timestamp_seconds", "gauge",
		       "How far back the history reaches; 0: there is nothing in it.");
	me_metric_sample_nano(out, "mewatch_history_oldest_timestamp_seconds", ME_NO_LABELS,
			      view->oldest_ns);
	me_metric_head(out, "mewatch_history_last_write_timestamp_seconds", "gauge",
		       "When the history was written last; 0: not since the start.");
	me_metric_sample_nano(out, "mewatch_history_last_write_timestamp_seconds", ME_NO_LABELS,
			      view->written_ns);
}

static void state(const struct me_ledger *ledger, const struct me_status *status,
		  struct me_strbuf *out)
{
	const struct me_kept *kept = me_ledger_kept(ledger);

	me_metric_head(out, "mewatch_map_entries", "gauge",
		       "Entries of a kernel table. Near mewatch_map_capacity, raise its bound in "
		       "limits.");
	for (size_t i = 0; i < status->n_maps; i++)
		me_metric_sample(out, "mewatch_map_entries",
				 ME_LABELS({"map", status->maps[i].map}), status->maps[i].entries);
	me_metric_head(out, "mewatch_map_capacity", "gauge",
		       "Entries for which a kernel table has room.");
	for (size_t i = 0; i < status->n_maps; i++)
		me_metric_sample(out, "mewatch_map_capacity",
				 ME_LABELS({"map", status->maps[i].map}), status->maps[i].capacity);
	me_metric_head(out, "mewatch_limits_hit_total", "counter",
		       "How often another bound was met or something could not be had, by what it "
		       "was. If it grows, metop --view health says what that means.");
	for (size_t i = 0; i < status->n_limits; i++)
		me_metric_sample(out, "mewatch_limits_hit_total",
				 ME_LABELS({"limit", status->limits[i].limit}),
				 status->limits[i].hits);
	me_metric_head(out, "mewatch_attached", "gauge",
		       "1 where a hook is attached to its cgroup or interface. At 0 traffic there "
		       "is not seen, see mewatch status.");
	for (size_t i = 0; i < status->n_attached; i++)
		me_metric_sample(out, "mewatch_attached",
				 ME_LABELS({"hook", status->attached[i].hook},
					   {"target", status->attached[i].target}),
				 status->attached[i].ok);
	me_metric_head(out, "mewatch_policy_info", "gauge",
		       "The policy in force; always 1. Compare its digest with the one that was "
		       "rolled out.");
	me_metric_sample(
		out, "mewatch_policy_info",
		ME_LABELS({"profile", status->policy.profile}, {"sha256", status->policy.sha256}),
		1);
	me_metric_head(out, "mewatch_enforcing", "gauge",
		       "1 while some violations are denied; 0: they are only told.");
	me_metric_sample(out, "mewatch_enforcing", ME_NO_LABELS, status->mode.enforcing);
	me_metric_head(out, "mewatch_policy_reloads_total", "counter",
		       "Reloads of the policy. If failed grows, the policy from before is still "
		       "in force: mewatch check says what is wrong.");
	me_metric_sample(out, "mewatch_policy_reloads_total", ME_LABELS({"result", "ok"}),
			 kept->reloads_ok);
	me_metric_sample(out, "mewatch_policy_reloads_total", ME_LABELS({"result", "failed"}),
			 kept->reloads_failed);
	me_metric_head(out, "mewatch_build_info", "gauge", "The version that runs; always 1.");
	me_metric_sample(out, "mewatch_build_info", ME_LABELS({"version", status->version}), 1);
}

int me_prometheus_write(const struct me_ledger *ledger, const struct me_status *status,
			struct me_strbuf *out)
{
	attempts(ledger, out);
	connections(ledger, out);
	violations(ledger, out);
	acted(ledger, out);
	observations(ledger, out);
	passing(ledger, out);
	ftp(ledger, out);
	losses(ledger, out);
	me_prometheus_endpoints(ledger, out);
	me_prometheus_dns(ledger, out);
	state(ledger, status, out);
	history(status->history, out);
	me_prometheus_process(out);
	return out->err;
}

int me_prometheus_textfile(const struct me_ledger *ledger, const struct me_status *status,
			   const char *path)
{
	_cleanup_strbuf_ struct me_strbuf out = {0};
	int r = me_prometheus_write(ledger, status, &out);

	if (r < 0)
		return r;
	return me_file_write_atomic(path, out.data, out.len, 0644);
}
