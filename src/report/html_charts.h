/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPORT_HTML_CHARTS_H
#define MEWATCH_REPORT_HTML_CHARTS_H

/* The pictures of the HTML report: SVG inside of it, from the sheets that stand below them. */
#include "report/document.h"

/* Appends text with what HTML means by a character taken from it. */
void me_html_text(struct me_strbuf *out, const char *text);

/* The picture that belongs to the sheet, if there is one. */
void me_html_chart(const struct me_document *document, const struct me_sheet *sheet,
		   struct me_strbuf *out);

#endif
