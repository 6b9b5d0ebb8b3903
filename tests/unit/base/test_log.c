/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/cleanup.h"
#include "base/strbuf.h"

static void name_journal(uintmax_t beside)
{
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino + beside);
	setenv("JOURNAL_STREAM", stream, 1);
}

/*
 * What some lines look like on stderr. JOURNAL_STREAM names a file with stderr's device, and its inode plus
 * `beside`; negative: there is none.
 */
static char *log_to(enum me_log_level level, int beside)
{
	_cleanup_fclose_ FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	_cleanup_strbuf_ struct me_strbuf text = {0};
	int c;

	assert_non_null(file);
	assert_true(saved >= 0);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	if (beside >= 0)
		name_journal((uintmax_t)beside);
	me_log_to_journal();
	me_log_set_level(level);
	me_log_error("one %d", 1);
	me_log_warning("two %s", "2");
	errno = ENOENT;
	me_log_info("three %m");
	assert_int_equal(errno, ENOENT);
	me_log_debug("four");
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	me_strbuf_adds(&text, "");
	while ((c = getc(file)) != EOF)
		me_strbuf_addc(&text, (char)c);
	return me_steal_ptr(&text.data);
}

static char *log_of(enum me_log_level level)
{
	return log_to(level, -1);
}

static void the_journal_gets_the_level_in_front(void **state)
{
	_cleanup_free_ char *own = log_to(ME_LOG_DEBUG, 0);
	_cleanup_free_ char *other = log_to(ME_LOG_ERROR, 1);

	assert_string_equal(own, "<3>error: one 1\n"
				 "<4>warning: two 2\n"
				 "<6>info: three No such file or directory\n"
				 "<7>debug: four\n");
	assert_string_equal(other, "test_log: error: one 1\n");
}

static void writes_what_the_level_admits(void **state)
{
	_cleanup_free_ char *few = log_of(ME_LOG_ERROR);
	_cleanup_free_ char *some = log_of(ME_LOG_INFO);
	_cleanup_free_ char *all = log_of(ME_LOG_DEBUG);

	assert_string_equal(few, "test_log: error: one 1\n");
	assert_string_equal(some, "test_log: error: one 1\n"
				  "test_log: warning: two 2\n"
				  "test_log: info: three No such file or directory\n");
	assert_string_equal(all, "test_log: error: one 1\n"
				 "test_log: warning: two 2\n"
				 "test_log: info: three No such file or directory\n"
				 "test_log: debug: four\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_the_level_admits),
		cmocka_unit_test(the_journal_gets_the_level_in_front),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
