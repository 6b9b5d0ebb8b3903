/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPORT_HTML_STYLE_H
#define MEWATCH_REPORT_HTML_STYLE_H

/* How the HTML report looks: on a wide screen and a narrow one, in the dark, on paper. */
extern const char me_html_style[];

#endif
