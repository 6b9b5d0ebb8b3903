/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_MODEL_H
#define METOP_MODEL_H

/*
 * What the live view knows and what the user made of it: no screen, no network, and the clock is an
 * argument. Replies and keys go in; the draw files read it; me_model_query() says what to ask next.
 *
 * A list may be long: only a window of it is held, a few screens around the selected row.
 * Positions count from the start of the whole list.
 */
#include "metop/api.h"
#include "metop/health.h"
#include "metop/known.h"
#include "metop/news.h"
#include "metop/prompt.h"
#include "metop/pulse.h"
#include "metop/query.h"
#include "metop/settings.h"
#include "metop/story.h"

enum me_panel { ME_PANEL_NONE, ME_PANEL_HELP, ME_PANEL_CHOOSER, ME_PANEL_FILTER };

struct me_list {
	struct me_rows *rows; /* NULL: no answer yet */
	uint64_t fresh_ns;    /* CLOCK_MONOTONIC of their answer */
	uint64_t offset;      /* of the first of them */
	uint64_t position;    /* of the selected row */
	uint64_t top;         /* of the first row on the screen */
	bool chosen;          /* the user chose the row: stay with it, not with the place */
	bool following;       /* and look for it wherever it goes */
	bool seek;            /* it went out of sight: the daemon is asked for its place, once */
	bool gone;            /* the chosen row is not in the list any more */
	char *key;            /* of the chosen row, me_view_identity(); NULL: not known yet */
};

struct me_model {
	const struct me_source *source;
	struct me_settings settings;
	enum me_view_id view; /* in front */
	struct me_list lists[ME_VIEWS];
	struct me_query asked; /* what the reply under way answers */
	struct me_health health;
	struct me_known known; /* of the selected row, while its detail is open */
	struct me_story story; /* and so is this */
	double attempt_rate;
	struct me_pulse pulse;
	struct me_folds folds; /* of the tree of flows */
	struct me_news news;
	char filter[ME_FILTER_MAX + 1];
	char filter_before[ME_FILTER_MAX +
			   1];   /* to go back to if the daemon refuses the one above */
	bool filter_new;         /* no answer says yet whether it does */
	struct me_prompt prompt; /* where the filter is typed */
	enum me_panel panel;
	size_t choice; /* in the chooser: a column, and a direction */
	bool choice_desc;
	size_t help_scroll; /* lines passed over; drawing keeps them in range */
	bool detail;
	size_t detail_scroll;
	bool frozen;
	bool want; /* the list is to be asked for at once */
	bool redraw;
	bool waiting;    /* an answer is under way */
	uint64_t due_ns; /* CLOCK_MONOTONIC: when to ask again */
	bool keep;       /* the setup is to be written */
	bool quit;
	const char *notice; /* what came of the last key, or of a row; NULL: nothing to say */
	size_t page;        /* rows on the screen */
	uint64_t fresh_ns;  /* CLOCK_MONOTONIC of the last answer; 0: never */
	struct me_trouble trouble; /* why there is no daemon; empty: there is one */
	enum me_api_kind troubled; /* what it was that had no answer */
	char *refusal;             /* what was wrong with the question, or NULL */
};

void me_model_init(struct me_model *model, const struct me_source *source,
		   const struct me_settings *settings);
void me_model_free(struct me_model *model);

/* What of it is worth keeping for the next start. */
struct me_settings me_model_settings(const struct me_model *model);

/* What to ask for the view in front. */
void me_model_query(const struct me_model *model, struct me_query *ret_query);

/*
 * Takes in a reply to model->asked, which it empties; `now_ns` is CLOCK_MONOTONIC. What is wrong
 * with it goes into `trouble` or `refusal`. 0, or -ENOMEM with the model as it was.
 */
int me_model_take(struct me_model *model, struct me_reply *reply, uint64_t now_ns);

/* Does what the key asks for. 0 or -ENOMEM. */
int me_model_key(struct me_model *model, int key);
/* The same for the keys about what is shown, and how (keys_show.c). */
int me_model_show(struct me_model *model, enum me_action action);

/* Brings another view to the front. */
void me_model_view(struct me_model *model, enum me_view_id view);

/* How the cells of the view in front are looked at. */
struct me_look_at me_model_look(const struct me_model *model);

/* What of the list in front is shown and how, where that is not everything and plain; or "". */
void me_model_shown(const struct me_model *model, struct me_strbuf *out);

/* Rows of the whole list, as far as they can be reached. */
uint64_t me_list_count(const struct me_model *model, enum me_view_id view);
/* The row at a position, or NULL where the window does not reach. */
const struct me_row *me_list_row(const struct me_list *list, uint64_t position);
/* The selected row, or NULL where it is not in the list any more. */
const struct me_row *me_model_selected(const struct me_model *model);
/* Selects the row at `position` or the nearest there is; -ENOMEM. */
int me_model_select(struct me_model *model, uint64_t position);
/* Goes to the first row, and stays there whatever comes. */
void me_model_home(struct me_model *model);
/* Chooses the row of this identity, wherever it is. 0 or -ENOMEM. */
int me_model_choose(struct me_model *model, const char *identity);
/* Keeps the selected row on the screen. */
void me_model_scroll(struct me_model *model);
/* Puts new rows in front of the user: by the row he chose, else by the place. 0 or -ENOMEM. */
int me_list_settle(struct me_model *model, struct me_list *list);

/* The part of the view in front that the selected row is in; 0 where there is but one. */
size_t me_model_part(const struct me_model *model);
/* Its columns, and how it is ordered. */
struct me_view me_model_columns(const struct me_model *model);
struct me_order me_model_order(const struct me_model *model);
/* Orders it by a column. */
void me_model_sort(struct me_model *model, size_t column, bool desc);
/* Whether a list is not in the daemon's order: then what is held is all there is. */
bool me_model_sorts_here(const struct me_model *model, enum me_view_id view);
/* Whether it is not even all of the rows that are held. */
bool me_model_sorts_some(const struct me_model *model);

/* CLOCK_MONOTONIC of the oldest answer that is in front; 0: there never was one. */
uint64_t me_model_fresh(const struct me_model *model);

#endif
