/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/metric.h"

#include <inttypes.h>
#include <string.h>
#include "base/clock.h"
#include "base/text.h"

#define LABEL_MAX 1024u /* bytes of a label's value that are shown */

void me_metric_head(struct me_strbuf *out, const char *name, const char *type, const char *help)
{
	me_strbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/*
 * The text was made safe first, so the only characters that the format wants escaped are the
 * backslashes of that.
 */
static void add_value(struct me_strbuf *out, const char *value)
{
	char safe[ME_TEXT_ESCAPED(LABEL_MAX)];
	const char *rest = safe;

	me_text_escape(safe, sizeof(safe), value, strnlen(value, LABEL_MAX));
	for (const char *at; (at = strchr(rest, '\\')); rest = at + 1) {
		me_strbuf_add(out, rest, (size_t)(at + 1 - rest));
		me_strbuf_addc(out, '\\');
	}
	me_strbuf_adds(out, rest);
}

static void add_series(struct me_strbuf *out, const char *name,
		       const struct me_label labels[ME_METRIC_LABELS_MAX])
{
	me_strbuf_adds(out, name);
	for (unsigned int i = 0; i < ME_METRIC_LABELS_MAX && labels[i].name; i++) {
		me_strbuf_addc(out, i ? ',' : '{');
		me_strbuf_adds(out, labels[i].name);
		me_strbuf_adds(out, "=\"");
		add_value(out, labels[i].value ? labels[i].value : "");
		me_strbuf_addc(out, '"');
	}
	if (labels[0].name)
		me_strbuf_addc(out, '}');
}

void me_metric_sample(struct me_strbuf *out, const char *name,
		      const struct me_label labels[ME_METRIC_LABELS_MAX], uint64_t value)
{
	add_series(out, name, labels);
	me_strbuf_addf(out, " %" PRIu64 "\n", value);
}

void me_metric_sample_nano(struct me_strbuf *out, const char *name,
			   const struct me_label labels[ME_METRIC_LABELS_MAX], uint64_t nano)
{
	add_series(out, name, labels);
	me_strbuf_addf(out, " %" PRIu64 ".%09" PRIu64 "\n", (uint64_t)(nano / ME_NS_PER_S),
		       (uint64_t)(nano % ME_NS_PER_S));
}
