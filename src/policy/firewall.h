/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_FIREWALL_H
#define MEWATCH_POLICY_FIREWALL_H

/*
 * The policy as an nftables ruleset, made of the same entries as the image: one set and its rules for
 * each, in the order of the judge, and behind them what no rule allows, by reason.
 */
#include <stdbool.h>
#include "base/strbuf.h"
#include "policy/compile.h"

struct me_firewall_options {
	bool drop;      /* what no rule allows is dropped; else it is only counted */
	bool no_helper; /* leave FTP's connection tracking out: the kernel has none */
};

/*
 * Appends the table `inet mewatch`, for nft(8). 0, -EINVAL (diagnosed) or -ENOMEM, after which the
 * text is good for nothing.
 */
int me_firewall_print(const struct me_policy *policy, const struct me_environment *environment,
		      const struct me_firewall_options *options, struct me_diagnostics *diagnostics,
		      struct me_strbuf *out);

/* Appends the lines for dnsmasq(8) that fill the sets of names of that very table. The same errors. */
int me_firewall_dnsmasq(const struct me_policy *policy, const struct me_environment *environment,
			struct me_diagnostics *diagnostics, struct me_strbuf *out);

#endif
