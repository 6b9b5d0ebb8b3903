/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/landing.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/text.h"

#define TEXT_MAX 256u    /* bytes of a text that are shown */
#define DIGEST_SHOWN 12u /* digits, as git shows them */

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>mewatch</title>\n"
	"<style>\n"
	":root { color-scheme: light dark }\n"
	"body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 40em; padding: 0 1em }\n"
	"table { border-collapse: collapse; margin: 1em 0 }\n"
	"caption, th { text-align: left; font-weight: bold }\n"
	"th { font-weight: normal; min-width: 9em; padding: .1em 1em .1em 0 }\n"
	"td { font-family: monospace }\n"
	".bad { color: #c00; font-weight: bold }\n"
	"@media (prefers-color-scheme: dark) { .bad { color: #f77 } }\n"
	"</style>\n"
	"</head>\n"
	"<body>\n"
	"<h1>mewatch</h1>\n"
	"<p>Watches what a mail host sends out, and judges it by a list of endpoints.</p>\n";

static void add_safe(struct me_strbuf *out, const char *text)
{
	char safe[ME_TEXT_ESCAPED(TEXT_MAX)];

	me_text_escape(safe, sizeof(safe), text, strnlen(text, TEXT_MAX));
	for (const char *c = safe; *c; c++)
		/* Quotes are escaped by now, and no text stands in an attribute. */
		if (*c == '&')
			me_strbuf_adds(out, "&amp;");
		else if (*c == '<')
			me_strbuf_adds(out, "&lt;");
		else if (*c == '>')
			me_strbuf_adds(out, "&gt;");
		else
			me_strbuf_addc(out, *c);
}

/* A row, the value in the words of a class or, with NULL, as it is. */
static void row_as(struct me_strbuf *out, const char *name, const char *class, const char *value)
{
	me_strbuf_adds(out, "<tr><th scope=\"row\">");
	add_safe(out, name);
	if (class)
		me_strbuf_addf(out, "</th><td class=\"%s\">", class);
	else
		me_strbuf_adds(out, "</th><td>");
	add_safe(out, value);
	me_strbuf_adds(out, "</td></tr>\n");
}

static void row(struct me_strbuf *out, const char *name, const char *value)
{
	row_as(out, name, NULL, value);
}

static void row_uptime(struct me_strbuf *out, const struct me_status *status)
{
	uint64_t s = status->uptime_ns / ME_NS_PER_S;
	char text[64];

	snprintf(text, sizeof(text), "%ud %02u:%02u:%02u", (unsigned int)(s / 86400),
		 (unsigned int)(s / 3600 % 24), (unsigned int)(s / 60 % 60),
		 (unsigned int)(s % 60));
	row(out, "Running for", text);
}

/* A profile of the site's own is given by its path: only the file's name is anybody's business. */
static void row_policy(struct me_strbuf *out, const struct me_policy_status *policy)
{
	const char *profile = policy->profile ? policy->profile : "";
	const char *slash = strrchr(profile, '/');
	char digest[DIGEST_SHOWN + 1];

	snprintf(digest, sizeof(digest), "%s", policy->sha256 ? policy->sha256 : "");
	row(out, "Profile", slash ? slash + 1 : profile);
	row(out, "Policy, SHA-256", digest);
	if (policy->last_error)
		row(out, "Last reload", "failed: the policy before it is in force");
}

/* How many of the hooks of one name are attached; nothing for all but the first of them. */
static void row_hook(struct me_strbuf *out, const struct me_attached *rows, size_t n, size_t at)
{
	size_t all = 0, good = 0;
	char text[64];

	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].hook, rows[at].hook) != 0)
			continue;
		if (i < at)
			return;
		all++;
		good += rows[i].ok;
	}
	snprintf(text, sizeof(text), "%zu of %zu", good, all);
	row_as(out, rows[at].hook, good < all ? "bad" : NULL, text);
}

int me_landing_write(const struct me_status *status, struct me_strbuf *out)
{
	me_strbuf_adds(out, head);
	me_strbuf_adds(out, "<p><a href=\"/metrics\">Metrics</a>, for Prometheus</p>\n<table>\n");
	row(out, "Version", status->version);
	row_uptime(out, status);
	row_policy(out, &status->policy);
	me_strbuf_adds(out, "</table>\n<table>\n<caption>Hooks attached</caption>\n");
	for (size_t i = 0; i < status->n_attached; i++)
		row_hook(out, status->attached, status->n_attached, i);
	me_strbuf_adds(out, "</table>\n</body>\n</html>\n");
	return out->err;
}
