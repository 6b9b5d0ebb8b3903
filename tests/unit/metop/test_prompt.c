/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/prompt.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include "../../seed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct me_prompt prompt;

static int begin(void **state)
{
	me_prompt_set_error(&prompt, NULL);
	memset(&prompt, 0, sizeof(prompt));
	return 0;
}

static int end(void **state)
{
	return begin(state);
}

static void press(const int *keys)
{
	for (; *keys; keys++)
		me_prompt_key(&prompt, *keys);
}
#define PRESS(...) press((const int[]){__VA_ARGS__, 0})

static void is(const char *text, size_t cursor)
{
	assert_string_equal(prompt.text, text);
	assert_int_equal(prompt.cursor, cursor);
}

static void text_is_edited_anywhere(void **state)
{
	me_prompt_begin(&prompt, "port:43");
	is("port:43", 7);
	PRESS(ME_KEY_LEFT, '4');
	is("port:443", 7);
	PRESS(ME_KEY_HOME, '-');
	is("-port:443", 1);
	PRESS(ME_KEY_DELETE, ME_KEY_BACKSPACE, ME_KEY_BACKSPACE);
	is("ort:443", 0);
	PRESS(ME_KEY_END, ' ', 'x', ' ', ' ', ME_KEY_CONTROL('w'));
	is("ort:443 ", 8);
	PRESS(ME_KEY_CONTROL('a'), ME_KEY_RIGHT, ME_KEY_CONTROL('f'), ME_KEY_CONTROL('k'));
	is("or", 2);
	PRESS(ME_KEY_CONTROL('b'), ME_KEY_CONTROL('d'), ME_KEY_CONTROL('e'), 'x');
	is("ox", 2);
	PRESS(ME_KEY_CONTROL('u'));
	is("", 0);
	PRESS(ME_KEY_LEFT, ME_KEY_RIGHT, ME_KEY_BACKSPACE, ME_KEY_DELETE, ME_KEY_CONTROL('w'));
	is("", 0);
}

/* The cursor stands between characters, however many bytes they have. */
static void characters_stay_whole(void **state)
{
	me_prompt_begin(&prompt, "");
	PRESS(0xe9, 0x65e5, 'a');
	is("\u00e9\u65e5a", 6);
	PRESS(ME_KEY_LEFT, ME_KEY_LEFT);
	is("\u00e9\u65e5a", 2);
	PRESS(ME_KEY_DELETE);
	is("\u00e9a", 2);
	PRESS(ME_KEY_BACKSPACE);
	is("a", 0);
	for (int i = 0; i < 2 * ME_FILTER_MAX; i++)
		PRESS(0x65e5);
	assert_int_equal(strlen(prompt.text), (ME_FILTER_MAX - 1) / 3 * 3 + 1);
	assert_string_equal(prompt.text + prompt.cursor, "a");
}

static void filters_come_back(void **state)
{
	me_prompt_remember(&prompt, "one");
	me_prompt_remember(&prompt, "two");
	me_prompt_remember(&prompt, "");
	me_prompt_begin(&prompt, "");
	PRESS('d', 'r', ME_KEY_UP);
	is("two", 3);
	PRESS(ME_KEY_UP, ME_KEY_UP);
	is("one", 3);
	PRESS('!');
	is("one!", 4);
	PRESS(ME_KEY_DOWN, ME_KEY_DOWN, ME_KEY_DOWN);
	is("dr", 2);
	/* One that is used again becomes the latest, and stands there once. */
	me_prompt_remember(&prompt, "one");
	assert_int_equal(prompt.n, 2);
	me_prompt_begin(&prompt, "x");
	PRESS(ME_KEY_UP);
	is("one", 3);
	PRESS(ME_KEY_UP);
	is("two", 3);
}

static void history_has_a_limit(void **state)
{
	char text[16];

	for (int i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "%d", i);
		me_prompt_remember(&prompt, text);
	}
	assert_int_equal(prompt.n, ME_PROMPT_HISTORY);
	assert_string_equal(prompt.history[0], "10");
	assert_string_equal(prompt.history[prompt.n - 1], "59");
}

static void an_error_stays_until_a_key(void **state)
{
	me_prompt_begin(&prompt, "prot:tcp");
	me_prompt_set_error(&prompt, strdup("unknown term"));
	assert_string_equal(prompt.error, "unknown term");
	PRESS(ME_KEY_LEFT);
	assert_null(prompt.error);
}

/* Any keys: it stays text, and the cursor in it. */
static void random_keys_do_no_harm(void **state)
{
	uint64_t seed = me_seed();

	me_prompt_begin(&prompt, "");
	for (int i = 0; i < 100000; i++) {
		const struct me_binding *binding =
			&me_prompt_bindings[me_seed_next(&seed) % me_n_prompt_bindings];
		static const int typed[] = {'a', ' ', 0xe9, 0x65e5, 0x1f600, 0x301};
		mbstate_t shift = {0};
		const char *text = prompt.text;

		if (me_seed_next(&seed) % 3)
			me_prompt_key(&prompt, typed[me_seed_next(&seed) % 6]);
		else
			me_prompt_key(&prompt, binding->keys[0]);
		if (me_seed_next(&seed) % 50 == 0)
			me_prompt_remember(&prompt, prompt.text);
		assert_true(prompt.cursor <= strlen(prompt.text));
		assert_true((prompt.text[prompt.cursor] & 0xc0) != 0x80);
		assert_int_not_equal(mbsrtowcs(NULL, &text, 0, &shift), (size_t)-1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(text_is_edited_anywhere, begin, end),
		cmocka_unit_test_setup_teardown(characters_stay_whole, begin, end),
		cmocka_unit_test_setup_teardown(filters_come_back, begin, end),
		cmocka_unit_test_setup_teardown(history_has_a_limit, begin, end),
		cmocka_unit_test_setup_teardown(an_error_stays_until_a_key, begin, end),
		cmocka_unit_test_setup_teardown(random_keys_do_no_harm, begin, end),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
