/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include "metop/keys.h"
#include "metop/palette.h"
#include "metop/screen.h"
#include "metop/shown.h"
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>
/* Macros of term.h that would eat ordinary words. */
#undef columns
#undef lines

#define COLUMNS_MAX 1024 /* a wider terminal is used up to here */
#define TERM_MAX 128     /* bytes of a terminal's name */
#define ESCAPE_MS 50     /* how long an Esc waits for the rest of a key's sequence */

struct me_screen {
	SCREEN *terminal;
	attr_t styles[ME_STYLE_COUNT][2]; /* and as they are when selected */
};

/* Asked of terminfo before curses, which ends the program when it does not like the terminal. */
bool me_screen_possible(void)
{
	const char *move;
	int error;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return false;
	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return false;
	move = tigetstr("cup");
	del_curterm(cur_term);
	return move && move != (const char *)-1;
}

/* Adds a terminfo string without its "$<delay>" parts, which only a library can wait for. */
static void add_restore(struct me_screen_restore *restore, const char *capability)
{
	const char *string = tigetstr(capability);

	if (!string || string == (const char *)-1)
		return;
	while (*string && restore->len < sizeof(restore->bytes)) {
		if (string[0] == '$' && string[1] == '<' && strchr(string, '>'))
			string = strchr(string, '>') + 1;
		else
			restore->bytes[restore->len++] = *string++;
	}
}

static int fill_restore(struct me_screen_restore *restore)
{
	static const char *const capabilities[] = {"sgr0", "rmkx", "cnorm", "rmcup"};
	int error;

	restore->len = 0;
	if (tcgetattr(STDIN_FILENO, &restore->termios) < 0 ||
	    setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return -ENOTTY;
	for (size_t i = 0; i < ME_ARRAY_SIZE(capabilities); i++)
		add_restore(restore, capabilities[i]);
	del_curterm(cur_term);
	return 0;
}

void me_screen_restore(const struct me_screen_restore *restore)
{
	size_t done = 0;

	if (!restore->len)
		return; /* nothing was changed yet */
	while (done < restore->len) {
		ssize_t n = write(STDOUT_FILENO, restore->bytes + done, restore->len - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	tcsetattr(STDIN_FILENO, TCSANOW, &restore->termios);
}

/* The terminal's variant with 256 colours, where TERM has fewer; NULL: TERM as it is. */
static const char *with_256(char *name, size_t size)
{
	const char *term = getenv("TERM");
	int error, colours;

	if (!term || setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return NULL;
	colours = tigetnum("colors");
	del_curterm(cur_term);
	snprintf(name, size, "%s-256color", term);
	if (colours >= 256 || setupterm(name, STDOUT_FILENO, &error) != OK)
		return NULL;
	del_curterm(cur_term);
	return name;
}

/* How many colours are to be used of those that there are. */
static int count_colours(enum me_colours colours)
{
	const char *no_color = getenv("NO_COLOR");

	if (colours == ME_COLOURS_NEVER || (colours == ME_COLOURS_AUTO && no_color && *no_color) ||
	    !has_colors() || start_color() != OK || use_default_colors() != OK)
		return 0;
	return colours == ME_COLOURS_8 && COLORS > 8 ? 8 : COLORS;
}

static attr_t attributes_of(struct me_look look, short pair)
{
	attr_t attributes =
		(look.bold ? A_BOLD : 0) | (look.dim ? A_DIM : 0) | (look.reverse ? A_REVERSE : 0);

	if ((look.front != ME_LOOK_DEFAULT || look.back != ME_LOOK_DEFAULT) &&
	    init_pair(pair, look.front, look.back) == OK)
		attributes |= (attr_t)COLOR_PAIR(pair);
	return attributes;
}

static void set_styles(struct me_screen *screen, int colours)
{
	for (short i = 0; i < ME_STYLE_COUNT; i++) {
		for (short selected = 0; selected < 2; selected++) {
			short pair = (short)(1 + 2 * i + selected);

			screen->styles[i][selected] = attributes_of(
				me_palette_look(colours, (enum me_style)i, selected), pair);
		}
	}
}

int me_screen_new(enum me_colours colours, struct me_screen_restore *restore,
		  struct me_screen **ret_screen)
{
	_cleanup_free_ struct me_screen *screen = calloc(1, sizeof(*screen));
	char variant[TERM_MAX];
	int r;

	if (!screen)
		return -ENOMEM;
	r = me_screen_possible() ? fill_restore(restore) : -ENOTTY;
	if (r < 0)
		return r;
	screen->terminal =
		newterm(colours == ME_COLOURS_256 ? with_256(variant, sizeof(variant)) : NULL,
			stdout, stdin);
	if (!screen->terminal)
		return -ENOTTY;
	set_term(screen->terminal);
	set_styles(screen, count_colours(colours));
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl(); /* Enter arrives as such, and so does Ctrl-J */
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	*ret_screen = me_steal_ptr(&screen);
	return 0;
}

void me_screen_free(struct me_screen **screen)
{
	if (!*screen)
		return;
	endwin();
	delscreen((*screen)->terminal);
	free(*screen);
	*screen = NULL;
}

size_t me_screen_lines(const struct me_screen *screen)
{
	return (size_t)LINES;
}

size_t me_screen_columns(const struct me_screen *screen)
{
	return COLS < COLUMNS_MAX ? (size_t)COLS : (size_t)COLUMNS_MAX;
}

void me_screen_resize(struct me_screen *screen)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
}

void me_screen_erase(struct me_screen *screen)
{
	erase();
}

void me_screen_show(struct me_screen *screen, bool anew)
{
	if (anew)
		clearok(stdscr, TRUE);
	refresh();
}

static void put(struct me_screen *screen, size_t line, size_t column, size_t width,
		unsigned int style, const char *text, bool right)
{
	char shown[ME_SHOWN_SIZE(COLUMNS_MAX)];
	size_t columns = me_screen_columns(screen), used;
	bool selected = style & ME_STYLE_SELECTED;
	attr_t attributes = screen->styles[style & ~ME_STYLE_SELECTED][selected];

	if (line >= me_screen_lines(screen) || column >= columns)
		return;
	if (width > columns - column)
		width = columns - column;
	used = me_shown_fit(shown, text, width);
	attrset((int)attributes);
	mvhline((int)line, (int)column, (chtype)' ' | attributes, (int)width);
	mvaddstr((int)line, (int)(right ? column + width - used : column), shown);
}

void me_screen_put(struct me_screen *screen, size_t line, size_t column, size_t width,
		   unsigned int style, const char *text)
{
	put(screen, line, column, width, style, text, false);
}

void me_screen_put_right(struct me_screen *screen, size_t line, size_t column, size_t width,
			 unsigned int style, const char *text)
{
	put(screen, line, column, width, style, text, true);
}

int me_screen_key(struct me_screen *screen)
{
	static const struct {
		wint_t code;
		int key;
	} special[] = {
		{KEY_UP, ME_KEY_UP},
		{KEY_DOWN, ME_KEY_DOWN},
		{KEY_LEFT, ME_KEY_LEFT},
		{KEY_RIGHT, ME_KEY_RIGHT},
		{KEY_PPAGE, ME_KEY_PAGE_UP},
		{KEY_NPAGE, ME_KEY_PAGE_DOWN},
		{KEY_HOME, ME_KEY_HOME},
		{KEY_END, ME_KEY_END},
		{KEY_BACKSPACE, ME_KEY_BACKSPACE},
		{KEY_BTAB, ME_KEY_BACKTAB},
		{KEY_DC, ME_KEY_DELETE},
		{KEY_ENTER, ME_KEY_ENTER},
	};
	wint_t code;
	int kind = get_wch(&code);

	if (kind == ERR)
		return ME_KEY_NONE;
	if (kind == OK) {
		if (code == '\r')
			return ME_KEY_ENTER;
		if (code == 0x7f || code == '\b')
			return ME_KEY_BACKSPACE;
		return code < ME_KEY_SPECIAL ? (int)code : ME_KEY_NONE;
	}
	for (size_t i = 0; i < ME_ARRAY_SIZE(special); i++) {
		if (special[i].code == code)
			return special[i].key;
	}
	if (code >= KEY_F(1) && code <= KEY_F(12))
		return ME_KEY_F0 + (int)(code - KEY_F0);
	return ME_KEY_SPECIAL; /* known to nobody, but more may wait behind it */
}
