/* SPDX-License-Identifier: GPL-2.0-only */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "metop/format.h"
#include "metop/headline.h"
#include "metop/shown.h"

#define GAP 2         /* columns between two pieces */
#define OLD_AFTER_S 5 /* data older than this is told as old */
#define RANK_LAST 9
#define PROFILE_MAX 100   /* bytes; who has more looks into the view Health */
#define GENERATION_MAX 20 /* bytes: any 64-bit number */

static struct me_piece *add(struct me_headline *headline, unsigned int rank, enum me_style style)
{
	struct me_piece *piece = &headline->pieces[headline->n++];

	assert(headline->n <= ME_HEADLINE_PIECES);
	*piece = (struct me_piece){.rank = rank, .style = style};
	return piece;
}

/* A number; `rank` when it is 0 and `rank_some` when it is not, which is when it has its style. */
static void add_count(struct me_headline *headline, const char *label, uint64_t count,
		      unsigned int rank, unsigned int rank_some, enum me_style style)
{
	struct me_piece *piece =
		add(headline, count ? rank_some : rank, count ? style : ME_STYLE_PLAIN);
	char number[ME_FORMAT_LEN];

	me_format_quantity((double)count, number);
	snprintf(piece->text, sizeof(piece->text), "%s %s", label, number);
}

static void add_identity(struct me_headline *headline, const struct me_health *health,
			 const char *host)
{
	struct me_piece *piece = add(headline, 3, ME_STYLE_STRONG);
	char uptime[ME_FORMAT_LEN];
	bool whole = health->hooks_ok == health->hooks_total;

	snprintf(piece->text, sizeof(piece->text), "mewatch %s", health->version);
	piece = add(headline, 5, ME_STYLE_PLAIN);
	snprintf(piece->text, sizeof(piece->text), "on %s", host);
	me_format_uptime(health->uptime_s, uptime);
	piece = add(headline, 7, ME_STYLE_PLAIN);
	snprintf(piece->text, sizeof(piece->text), "up %s", uptime);
	piece = add(headline, 6, ME_STYLE_PLAIN);
	snprintf(piece->text, sizeof(piece->text), "policy %.*s #%.*s", PROFILE_MAX,
		 health->profile, GENERATION_MAX, health->generation);
	piece = add(headline, whole ? 4 : 0, whole ? ME_STYLE_PLAIN : ME_STYLE_BAD);
	snprintf(piece->text, sizeof(piece->text), "%shooks %" PRIu64 "/%" PRIu64,
		 whole ? "" : "! ", health->hooks_ok, health->hooks_total);
}

/* What is done about violations, unless they are only told. */
static void add_mode(struct me_headline *headline, const struct me_health *health)
{
	bool enforce = !strcmp(health->mode, "enforce"), shadow = !strcmp(health->mode, "shadow");
	struct me_piece *piece;

	if (!enforce && !shadow && !health->enforcing && !*health->until)
		return;
	piece = add(headline, 1, health->enforcing ? ME_STYLE_BAD : ME_STYLE_WAIT);
	snprintf(piece->text, sizeof(piece->text), "%s%s%s%.16s%s",
		 enforce  ? "ENFORCE"
		 : shadow ? "SHADOW"
			  : "MONITOR",
		 health->enforcing && !enforce ? ", rules enforce" : "",
		 *health->until ? " until " : "", health->until, *health->until ? "Z" : "");
}

static void add_age(struct me_headline *headline, const struct me_model *model, uint64_t now_ns)
{
	uint64_t fresh_ns = me_model_fresh(model);
	uint64_t age = fresh_ns < now_ns ? (now_ns - fresh_ns) / ME_NS_PER_S : 0;
	bool old = age > OLD_AFTER_S;
	struct me_piece *piece = add(headline, old ? 0 : 4, old ? ME_STYLE_WAIT : ME_STYLE_PLAIN);
	char text[ME_FORMAT_LEN];

	me_format_age(age, text);
	snprintf(piece->text, sizeof(piece->text), "data %s old%s", text,
		 old && model->waiting && !model->trouble.what.data ? ", waiting" : "");
}

static void add_numbers(struct me_headline *headline, const struct me_model *model)
{
	const struct me_health *health = &model->health;
	struct me_piece *piece = add(headline, 3, ME_STYLE_PLAIN);
	char total[ME_FORMAT_LEN], rate[ME_FORMAT_LEN];

	me_format_quantity((double)health->attempts, total);
	me_format_rate(model->attempt_rate, rate);
	snprintf(piece->text, sizeof(piece->text), "attempts %s%s%s%s", total, *rate ? " (" : "",
		 rate, *rate ? "/s)" : "");
	piece->breaks = true;
	add_count(headline, "+ allowed", health->allowed, 5, 5, ME_STYLE_GOOD);
	add_count(headline, ". local", health->local, 8, 8, ME_STYLE_DIM);
	add_count(headline, "! violation", health->violation, 0, 0, ME_STYLE_BAD);
	add_count(headline, "? pending", health->pending, 2, 1, ME_STYLE_WAIT);
	add_count(headline, "~ unresolved", health->unresolved, RANK_LAST, 2, ME_STYLE_WAIT);
	add_count(headline, "lost", health->lost, 4, 1, ME_STYLE_BAD);
	if (health->problems)
		add_count(headline, "! problems", health->problems, 1, 1, ME_STYLE_BAD);
}

/* Places the pieces up to a rank. False: they take more lines than there are. */
static bool place(struct me_headline *headline, unsigned int rank, size_t columns, size_t lines)
{
	size_t line = 0, column = 0;

	for (size_t i = 0; i < headline->n; i++) {
		struct me_piece *piece = &headline->pieces[i];
		bool full;

		piece->width = me_shown_width(piece->text);
		piece->shown = piece->rank <= rank && (!piece->rank || piece->width <= columns);
		if (!piece->shown)
			continue;
		full = column && column + GAP + piece->width > columns;
		if (full || (column && piece->breaks && line + 1 < lines)) {
			line++;
			column = 0;
		}
		piece->line = line;
		piece->column = column ? column + GAP : 0;
		column = piece->column + piece->width;
	}
	headline->lines = line + 1;
	return line < lines;
}

void me_headline(const struct me_model *model, const char *host, uint64_t now_ns, size_t columns,
		 size_t lines, struct me_headline *ret_headline)
{
	unsigned int rank = RANK_LAST;

	ret_headline->n = 0;
	add_identity(ret_headline, &model->health, host);
	add_mode(ret_headline, &model->health);
	add_numbers(ret_headline, model);
	add_age(ret_headline, model, now_ns);
	while (!place(ret_headline, rank, columns, lines) && rank)
		rank--;
	/* At rank 0 what does not fit is cut by the screen. */
	if (ret_headline->lines > lines)
		ret_headline->lines = lines;
}
