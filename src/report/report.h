/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPORT_REPORT_H
#define MEWATCH_REPORT_REPORT_H

/* From a history to a document, and from a document to one of its forms. */
#include "report/document.h"
#include "store/past.h"

/*
 * What the history says of the period; the end of one that reaches beyond what is written is that, while
 * a daemon writes. `version` is borrowed. 0, -ENOMEM, or what reading gives.
 */
int me_report_read(struct me_past *past, const struct me_period *period, const char *version,
		   struct me_document **ret_document);

/*
 * Append the document. All times of JSON and CSV are UTC, those of text and HTML of the local zone.
 * JSON: one object with a member for each sheet, an array of objects. CSV (RFC 4180): the sheets one after
 * the other with an empty line between, the first field of each line names the sheet. HTML: one file, which
 * refers to nothing outside and has no script. 0 or -ENOMEM.
 */
int me_report_text(const struct me_document *document, struct me_strbuf *out);
int me_report_json(const struct me_document *document, struct me_strbuf *out);
int me_report_csv(const struct me_document *document, struct me_strbuf *out);
int me_report_html(const struct me_document *document, struct me_strbuf *out);

#endif
