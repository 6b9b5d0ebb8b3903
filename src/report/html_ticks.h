/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPORT_HTML_TICKS_H
#define MEWATCH_REPORT_HTML_TICKS_H

/* Time from left to right, in the pictures of the HTML report. */
#include "report/document.h"

/* Where a time lies in the period, in percent; at an end of it what is outside. */
double me_html_at(const struct me_document *document, uint64_t ns);

/* Appends a line of round times in the local zone, at most 9 of them. */
void me_html_ticks(const struct me_document *document, struct me_strbuf *out);

#endif
