/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_EXPORT_PROMETHEUS_DNS_H
#define MEWATCH_EXPORT_PROMETHEUS_DNS_H

#include "base/strbuf.h"
#include "ledger/ledger.h"

/* The metrics of DNS and of names: dns_*, dnsbl_*, names_*. */
void me_prometheus_dns(const struct me_ledger *ledger, struct me_strbuf *out);

#endif
