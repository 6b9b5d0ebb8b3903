/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/prometheus_endpoints.h"

#include "export/metric.h"

/* Writes the samples of one endpoint; `labels` begins with endpoint and service. */
typedef void (*sampler)(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
			struct me_label *labels, const char *name, struct me_strbuf *out);

static void attempts(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
		     struct me_label *labels, const char *name, struct me_strbuf *out)
{
	(void)ledger;
	me_metric_sample(out, name, labels, endpoint->counts.attempts);
}

static void connections(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
			struct me_label *labels, const char *name, struct me_strbuf *out)
{
	(void)ledger;
	for (unsigned int i = ME_OUTCOME_NONE + 1; i < ME_OUTCOME_COUNT; i++) {
		labels[2] = (struct me_label){"outcome", me_outcome_label(i)};
		me_metric_sample(out, name, labels, endpoint->counts.outcome[i]);
	}
}

static void resets(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
		   struct me_label *labels, const char *name, struct me_strbuf *out)
{
	(void)ledger;
	me_metric_sample(out, name, labels, endpoint->counts.resets);
}

static void bytes(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
		  struct me_label *labels, const char *name, struct me_strbuf *out)
{
	(void)ledger;
	labels[2] = (struct me_label){"direction", "sent"};
	me_metric_sample(out, name, labels, endpoint->counts.bytes_sent);
	labels[2].value = "received";
	me_metric_sample(out, name, labels, endpoint->counts.bytes_received);
}

static void answers(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
		    struct me_label *labels, const char *name, struct me_strbuf *out)
{
	(void)ledger;
	labels[2] = (struct me_label){"answer", "http_error"};
	me_metric_sample(out, name, labels, endpoint->counts.http_errors);
	labels[2].value = "tls_alert";
	me_metric_sample(out, name, labels, endpoint->counts.tls_alerts);
}

static void dns_failures(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
			 struct me_label *labels, const char *name, struct me_strbuf *out)
{
	(void)ledger;
	for (unsigned int i = 0; i < ME_DNS_FAILURE_COUNT; i++) {
		labels[2] = (struct me_label){"cause", me_dns_failure_label(i)};
		me_metric_sample(out, name, labels, endpoint->counts.dns_failures[i]);
	}
}

static void last_success(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
			 struct me_label *labels, const char *name, struct me_strbuf *out)
{
	me_metric_sample_nano(out, name, labels, me_ledger_last_success(ledger, endpoint));
}

static void overdue(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
		    struct me_label *labels, const char *name, struct me_strbuf *out)
{
	(void)ledger;
	me_metric_sample(out, name, labels, endpoint->state == ME_ENDPOINT_OVERDUE);
}

static void failing(const struct me_ledger *ledger, const struct me_endpoint *endpoint,
		    struct me_label *labels, const char *name, struct me_strbuf *out)
{
	(void)ledger;
	me_metric_sample(out, name, labels, endpoint->failing);
}

static void each(const struct me_ledger *ledger, const char *name, const char *type,
		 const char *help, sampler sample, struct me_strbuf *out)
{
	const struct me_names *names = me_ledger_names(ledger);
	struct me_endpoint endpoint;

	me_metric_head(out, name, type, help);
	for (size_t cursor = 0; me_ledger_next_endpoint(ledger, &cursor, &endpoint);) {
		struct me_label labels[ME_METRIC_LABELS_MAX] = {
			{"endpoint", names->endpoint(names->data, endpoint.id)},
			{"service", names->endpoint_service(names->data, endpoint.id)},
		};

		sample(ledger, &endpoint, labels, name, out);
	}
}

static void engines(const struct me_ledger *ledger, struct me_strbuf *out)
{
	const char *name = "mewatch_engine_last_update_timestamp_seconds";

	me_metric_head(out, name, "gauge",
		       "When an anti-virus engine of the mail filter was last updated, in seconds "
		       "since the epoch, by the path of its download. If it stands still, see the "
		       "updates of the mail filter.");
	for (enum me_engine i = 0; i < ME_ENGINE_COUNT; i++)
		if (me_ledger_engine(ledger, i))
			me_metric_sample_nano(out, name, ME_LABELS({"engine", me_engine_label(i)}),
					      me_ledger_epoch(ledger, me_ledger_engine(ledger, i)));
}

void me_prometheus_endpoints(const struct me_ledger *ledger, struct me_strbuf *out)
{
	each(ledger, "mewatch_endpoint_attempts_total", "counter",
	     "Attempts to an endpoint of the policy.", attempts, out);
	each(ledger, "mewatch_endpoint_connections_total", "counter",
	     "Attempts to an endpoint by what became of them. If refused, timeout, unreachable or "
	     "unanswered grows, mewatch probe says where the way is shut.",
	     connections, out);
	each(ledger, "mewatch_endpoint_resets_total", "counter",
	     "Established connections to an endpoint that were reset. If it grows, something "
	     "between breaks them, such as a firewall that inspects TLS.",
	     resets, out);
	each(ledger, "mewatch_endpoint_answers_total", "counter",
	     "Connections that the endpoint answered first of all with an HTTP status from 400 "
	     "on, or with a fatal TLS alert: it was reached and does not do what it should, see "
	     "mewatch probe.",
	     answers, out);
	each(ledger, "mewatch_endpoint_dns_failures_total", "counter",
	     "Questions for the addresses of the endpoint's names that the resolver answered with "
	     "an error, or not at all. If it grows, ask the resolver yourself, with dig.",
	     dns_failures, out);
	each(ledger, "mewatch_endpoint_bytes_total", "counter",
	     "Bytes of payload exchanged with an endpoint, each once.", bytes, out);
	each(ledger, "mewatch_endpoint_last_success_timestamp_seconds", "gauge",
	     "When the endpoint last worked, in seconds since the epoch; 0 means never, as far as "
	     "is known.",
	     last_success, out);
	each(ledger, "mewatch_endpoint_overdue", "gauge",
	     "1 where the policy expects a success and there was none for too long: nobody tries, "
	     "or it fails, see mewatch_endpoint_failing.",
	     overdue, out);
	each(ledger, "mewatch_endpoint_failing", "gauge",
	     "1 where an attempt since the last success failed and none succeeded; mewatch probe "
	     "says where it ends.",
	     failing, out);
	engines(ledger, out);
}
