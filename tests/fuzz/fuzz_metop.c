/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whatever a daemon answers, and whatever keys are typed: metop shows what can be read, and nothing of it
 * moves the terminal. The input is a script of steps: what (enum what), a length (2 bytes), and so many
 * bytes.
 */
#include <errno.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include "base/clock.h"
#include "metop/draw.h"
#include "metop/keys.h"
#include "metop/model.h"
#include "metop/once.h"
#include "metop/screen.h"
#include "metop/shown.h"
#include "tests/fuzz/check.h"
#include "tests/unit/metop/begin.h"

#define STEP 3u
#define CELL_MAX 4096

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum what {
	KEYS,   /* a byte each; from 0x80 on those beyond Unicode */
	SIZE,   /* lines and columns of the screen */
	ANSWER, /* the rest of the kinds are answers: enum me_api_kind */
	REFUSAL = ANSWER + ME_API_KINDS,
	SILENCE,
	ONCE, /* the answer is printed as --once does */
	WHAT_COUNT
};

/* Stands for the terminal: the library of the real one is not linked. */
struct me_screen {
	size_t lines, columns;
};

size_t me_screen_lines(const struct me_screen *screen)
{
	return screen->lines;
}

size_t me_screen_columns(const struct me_screen *screen)
{
	return screen->columns;
}

void me_screen_erase(struct me_screen *screen)
{
}

/* What the real one does with a text, and then it may not hold anything that a terminal obeys. */
static void put(size_t width, const char *text)
{
	char shown[ME_SHOWN_SIZE(CELL_MAX)];
	size_t used = me_shown_fit(shown, text, width < CELL_MAX ? width : CELL_MAX);

	check(used <= width);
	for (const unsigned char *c = (const unsigned char *)shown; *c; c++)
		check(*c >= ' ' && *c != 0x7f && !(c[0] == 0xc2 && c[1] < 0xa0));
}

void me_screen_put(struct me_screen *screen, size_t line, size_t column, size_t width,
		   unsigned int style, const char *text)
{
	put(width, text);
}

void me_screen_put_right(struct me_screen *screen, size_t line, size_t column, size_t width,
			 unsigned int style, const char *text)
{
	put(width, text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	return 0;
}

static void press(struct me_model *model, const uint8_t *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int key = keys[i] < 0x80 ? keys[i] : ME_KEY_SPECIAL + (keys[i] - 0x80);

		check(!me_model_key(model, key));
	}
}

/* Takes over the questions that the live view would ask now. */
static void ask(struct me_model *model, enum me_api_kind kind)
{
	const struct me_row *row = model->detail ? me_model_selected(model) : NULL;
	_cleanup_strbuf_ struct me_strbuf path = {0};

	if (kind == ME_API_LIST) {
		model->want = false;
		me_model_query(model, &model->asked);
		me_query_path(&model->asked, &path);
	} else if (kind == ME_API_NAMES) {
		me_known_ask(&model->known, me_known_address(row), &path);
	} else if (kind == ME_API_STORY) {
		me_story_path(&me_views[model->view], row, &path);
		check(!path.len || !me_story_ask(&model->story, path.data));
	} else if (kind == ME_API_NEWS) {
		me_news_path(&model->news, &path);
	}
	for (size_t i = 0; i < path.len; i++)
		check((uint8_t)path.data[i] > ' ' && (uint8_t)path.data[i] < 0x7f);
}

static void answer(struct me_model *model, enum me_api_kind kind, long status, const uint8_t *body,
		   size_t n, uint64_t now_ns)
{
	_cleanup_reply_ struct me_reply reply = {.kind = kind, .status = status, .len = n};

	ask(model, kind);
	reply.body = strndup((const char *)body, n);
	reply.len = strlen(reply.body);
	if (!status)
		me_strbuf_adds(&reply.trouble.what, reply.body);
	check(!me_model_take(model, &reply, now_ns));
}

static void print_once(enum me_view_id view, const uint8_t *body, size_t n, size_t columns)
{
	_cleanup_rows_ struct me_rows *rows = NULL;
	char *text = NULL;
	size_t length;
	FILE *out;

	if (me_view_read(&me_views[view], false, (const char *)body, n, &rows))
		return;
	out = open_memstream(&text, &length);
	check(out && !me_once_print(out, view, rows, columns));
	fclose(out);
	for (const char *c = text; *c; c++)
		check((uint8_t)*c >= ' ' || *c == '\n');
	free(text);
}

static void step(struct me_model *model, struct me_screen *screen, enum what what,
		 const uint8_t *bytes, size_t n, uint64_t now_ns)
{
	if (what == KEYS)
		press(model, bytes, n);
	else if (what == SIZE)
		*screen = (struct me_screen){n > 0 ? bytes[0] : 0, n > 1 ? 2 * bytes[1] : 0};
	else if (what < REFUSAL)
		answer(model, (enum me_api_kind)(what - ANSWER), 200, bytes, n, now_ns);
	else if (what == REFUSAL)
		answer(model, ME_API_LIST, 400, bytes, n, now_ns);
	else if (what == SILENCE)
		answer(model, ME_API_HEALTH, 0, bytes, n, now_ns);
	else
		print_once(model->view, bytes, n, screen->columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct me_source source = {.socket = "/run/mewatch/mewatch.sock"};
	struct me_screen screen = {24, 80};
	uint64_t now_ns = 1000 * ME_NS_PER_S;
	struct me_model model;

	begin_model(&model, &source, ME_VIEW_ENDPOINTS);
	while (size >= STEP && !model.quit) {
		size_t n = data[1] | (size_t)data[2] << 8;

		n = n < size - STEP ? n : size - STEP;
		now_ns += ME_NS_PER_S;
		step(&model, &screen, data[0] % WHAT_COUNT, data + STEP, n, now_ns);
		check(!me_draw(&model, &screen, "host", now_ns));
		data += STEP + n;
		size -= STEP + n;
	}
	me_model_free(&model);
	return 0;
}
