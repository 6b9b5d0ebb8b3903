/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_PROMETHEUS_ENDPOINTS_H
#define MEWATCH_EXPORT_PROMETHEUS_ENDPOINTS_H

#include "base/strbuf.h"
#include "ledger/ledger.h"

/* The endpoint_* metrics: a series for each endpoint of the policy and each that counted something. */
void me_prometheus_endpoints(const struct me_ledger *ledger, struct me_strbuf *out);

#endif
