/* SPDX-License-Identifier: GPL-2.0-only */
/* Values as text: what an endpoint answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "export/value.h"
#include "mewatch/answer.h"

static void answers(void **state)
{
	static const struct {
		uint16_t answer;
		const char *text; /* NULL: absent */
	} all[] = {
		{0, NULL},
		{200, "http 200"},
		{503, "http 503"},
		{ME_ANSWER_ALERT | 40, "tls alert 40 handshake_failure"},
		{ME_ANSWER_ALERT, "tls alert 0 close_notify"},
		{ME_ANSWER_ALERT | 255, "tls alert 255"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct me_value value = me_value_answer(all[i].answer);
		char buffer[ME_VALUE_LEN];
		size_t length = 0;
		const char *text = me_value_show(&value, buffer, &length);

		if (!all[i].text) {
			assert_null(text);
			continue;
		}
		assert_string_equal(text, all[i].text);
		assert_int_equal(length, strlen(all[i].text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(answers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
