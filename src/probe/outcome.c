/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/outcome.h"

#define ME_PICK(constant, label) label,

const char *me_probe_method_label(enum me_probe_method method)
{
	static const char *const labels[] = {ME_PROBE_METHOD_LIST(ME_PICK)};

	return labels[method];
}

const char *me_probe_outcome_label(enum me_probe_outcome outcome)
{
	static const char *const labels[] = {ME_PROBE_OUTCOME_LIST(ME_PICK)};

	return labels[outcome];
}

const char *me_certificate_label(enum me_certificate_problem problem)
{
	static const char *const labels[] = {ME_CERTIFICATE_LIST(ME_PICK)};

	return labels[problem];
}
