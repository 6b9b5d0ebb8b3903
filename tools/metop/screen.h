/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METOP_SCREEN_H
#define METOP_SCREEN_H

/*
 * The terminal. The only place that knows the curses library, and the only way to the screen: all
 * text passes metop/shown.h here. What reaches beyond the edges is cut.
 */
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>
#include "base/cleanup.h"
#include "metop/style.h"

struct me_screen;

/* How to give the terminal back without any library: for a signal handler. */
struct me_screen_restore {
	struct termios termios;
	char bytes[128];
	size_t len;
};

/* Whether a live view is possible on this terminal: standard input and output, and a cursor. */
bool me_screen_possible(void);

/*
 * Takes over the terminal. With AUTO there are as many colours as the terminal has, 8 or 256, or none with
 * NO_COLOR in the environment (no-color.org); ALWAYS does not look there. 256 tries the terminal's own
 * variant with so many. `restore` is filled before anything changes. 0, -ENOTTY when it is not
 * possible, or -ENOMEM. There is one screen at a time.
 */
int me_screen_new(enum me_colours colours, struct me_screen_restore *restore,
		  struct me_screen **ret_screen);
/* Gives the terminal back. */
void me_screen_free(struct me_screen **screen);
ME_DEFINE_CLEANUP(struct me_screen *, me_screen_free)
#define _cleanup_screen_ _cleanup_(me_screen_freep)

/* Gives the terminal back after a crash; safe in a signal handler. */
void me_screen_restore(const struct me_screen_restore *restore);

size_t me_screen_lines(const struct me_screen *screen);
size_t me_screen_columns(const struct me_screen *screen);

/* Asks the terminal for its size again. */
void me_screen_resize(struct me_screen *screen);

/* Drawing: erase, put …, show. With `anew` nothing is taken for drawn already. */
void me_screen_erase(struct me_screen *screen);
void me_screen_show(struct me_screen *screen, bool anew);

/* Writes `text` flush left in `width` columns, filled with spaces. `style` is an enum me_style. */
void me_screen_put(struct me_screen *screen, size_t line, size_t column, size_t width,
		   unsigned int style, const char *text);
/* The same, flush right. */
void me_screen_put_right(struct me_screen *screen, size_t line, size_t column, size_t width,
			 unsigned int style, const char *text);

/* The next key typed (metop/keys.h), or ME_KEY_NONE; does not wait. */
int me_screen_key(struct me_screen *screen);

#endif
