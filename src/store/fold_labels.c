/* SPDX-License-Identifier: GPL-2.0-only */
#include "store/fold_labels.h"

#include "base/cleanup.h"
#include "ledger/cells.h"

static const char *const bytes_label[] = {"sent", "received"};
static const char *const answer_label[] = {"http_error", "tls_alert"};
static const char *const ftp_label[] = {"passive", "active"};
static const char *const lost_label[] = {"ring", "file"};
static const char *const reload_label[] = {"ok", "failed"};

static void name_endpoint(const struct me_names *names, const struct me_counter *c,
			  struct me_labels *labels)
{
	labels->endpoint = names->endpoint(names->data, c->a);
	labels->service = names->endpoint_service(names->data, c->a);
	if (c->series == ME_SERIES_ENDPOINT_CONNECTIONS)
		labels->kind = me_outcome_label(c->b);
	else if (c->series == ME_SERIES_ENDPOINT_ANSWERS)
		labels->kind = answer_label[c->b];
	else if (c->series == ME_SERIES_ENDPOINT_DNS_FAILURES)
		labels->kind = me_dns_failure_label(c->b);
	else if (c->series == ME_SERIES_ENDPOINT_BYTES)
		labels->kind = bytes_label[c->b];
}

void me_labels_of(const struct me_names *names, const struct me_counter *c,
		  struct me_labels *labels)
{
	*labels = (struct me_labels){0};
	switch (c->series) {
	case ME_SERIES_ATTEMPTS:
		labels->vantage = me_vantage_label(c->a);
		break;
	case ME_SERIES_CONNECTIONS:
		labels->vantage = me_vantage_label(c->a);
		labels->service = names->service(names->data, c->b);
		labels->kind = me_verdict_label(c->c < ME_VIOLATION ? c->c : ME_VIOLATION);
		labels->detail =
			me_reason_label(c->c < ME_VIOLATION ? ME_REASON_NONE : c->c - ME_VIOLATION);
		break;
	case ME_SERIES_VIOLATIONS:
		labels->service = names->service(names->data, c->a);
		labels->detail = me_reason_label(c->b);
		labels->kind = me_stage_label(c->c);
		break;
	case ME_SERIES_DENIED:
	case ME_SERIES_SHADOW_DENIED:
		labels->vantage = me_vantage_label(c->a);
		labels->service = names->service(names->data, c->b);
		labels->kind = me_reason_label(c->c);
		break;
	case ME_SERIES_FINDINGS:
		labels->kind = me_finding_label(c->a);
		break;
	case ME_SERIES_PREEXISTING:
		labels->vantage = me_vantage_label(c->a);
		labels->kind = me_verdict_label(c->b);
		break;
	case ME_SERIES_BLIND_SPOTS:
	case ME_SERIES_SOCKETS_DENIED:
	case ME_SERIES_SOCKETS_SHADOW_DENIED:
		labels->kind = me_blind_label(c->a);
		break;
	case ME_SERIES_UNPARSED:
		labels->kind = me_unparsed_label(c->a);
		break;
	case ME_SERIES_FTP:
		labels->kind = ftp_label[c->a];
		labels->detail = me_evidence_label(c->b);
		break;
	case ME_SERIES_EVENTS_LOST:
		labels->kind = lost_label[c->a];
		break;
	case ME_SERIES_RELOADS:
		labels->kind = reload_label[c->a];
		break;
	case ME_SERIES_DNS_QUERIES:
		labels->kind = me_dns_category_label(c->a);
		break;
	case ME_SERIES_DNS_RESPONSES:
		labels->kind = me_dns_category_label(c->a);
		labels->detail = me_rcode_label(c->b);
		break;
	case ME_SERIES_DNSBL_REFUSALS:
		labels->kind = names->zone(names->data, c->a);
		break;
	case ME_SERIES_NAMES_REFUSED:
		labels->kind = me_refused_label(c->a);
		break;
	default:
		if (c->series >= ME_SERIES_ENDPOINT_ATTEMPTS)
			name_endpoint(names, c, labels);
	}
}
