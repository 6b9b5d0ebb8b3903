/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/html_ticks.h"

#include <time.h>
#include "base/clock.h"

#define TICKS_MAX 9u
#define DAY 1440 /* minutes */
/* A label that is nearer to an end, in percent, does not reach beyond it. */
#define EDGE 6.0
#define LABEL_LEN 32

double me_html_at(const struct me_document *document, uint64_t ns)
{
	double length = (double)(document->until_ns - document->since_ns);

	if (ns <= document->since_ns)
		return 0;
	if (ns >= document->until_ns)
		return 100;
	return (double)(ns - document->since_ns) / length * 100;
}

/* Minutes between two of them. */
static int spacing_of(uint64_t length_ns)
{
	static const int round[] = {1,   5,   10,  15,      30,      60,       120,     180,
				    360, 720, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY};
	uint64_t minutes = length_ns / (60 * ME_NS_PER_S);
	size_t i = 0;
	int spacing;

	while (i + 1 < ME_ARRAY_SIZE(round) && minutes / (uint64_t)round[i] >= TICKS_MAX)
		i++;
	for (spacing = round[i]; minutes / (uint64_t)spacing >= TICKS_MAX;)
		spacing *= 2;
	return spacing;
}

static void label(const struct tm *when, int spacing, char out[LABEL_LEN])
{
	if (spacing >= 28 * DAY)
		strftime(out, LABEL_LEN, "%e %b %Y", when);
	else if (spacing >= DAY || (!when->tm_hour && !when->tm_min))
		strftime(out, LABEL_LEN, "%e %b", when);
	else
		strftime(out, LABEL_LEN, "%H:%M", when);
}

static const char *anchor_of(double x)
{
	if (x < EDGE)
		return "start";
	return x > 100 - EDGE ? "end" : "middle";
}

static void tick(double x, bool minor, const char *text, struct me_strbuf *out)
{
	me_strbuf_addf(out,
		       "<g%s><line x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"0\" y2=\"5\"/><text "
		       "x=\"%.3f%%\" y=\"17\" text-anchor=\"%s\">%s</text></g>",
		       minor ? " class=\"minor\"" : "", x, x, x, anchor_of(x), text);
}

/* From midnight of the first day on, by the clock on the wall: also where that is set twice a year. */
void me_html_ticks(const struct me_document *document, struct me_strbuf *out)
{
	int spacing = spacing_of(document->until_ns - document->since_ns);
	time_t since = (time_t)(document->since_ns / ME_NS_PER_S), last = 0;
	unsigned int n = 0;
	struct tm midnight;

	localtime_r(&since, &midnight);
	midnight.tm_hour = midnight.tm_min = midnight.tm_sec = 0;
	me_strbuf_adds(out, "<svg class=\"ticks\" aria-hidden=\"true\">");
	for (int i = 0; n < 2 * TICKS_MAX; i++) {
		struct tm when = midnight;
		char text[LABEL_LEN];
		time_t at;

		when.tm_mday += i * (spacing / DAY);
		when.tm_min += i * (spacing % DAY);
		when.tm_isdst = -1;
		at = mktime(&when);
		if (at < 0 || (uint64_t)at * ME_NS_PER_S > document->until_ns)
			break;
		if (at >= since && at > last) {
			label(&when, spacing, text);
			tick(me_html_at(document, (uint64_t)at * ME_NS_PER_S), n++ % 3 != 0, text,
			     out);
		}
		last = at;
	}
	me_strbuf_adds(out, "</svg>\n");
}
