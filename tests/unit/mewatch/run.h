/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_MEWATCH_RUN_H
#define MEWATCH_TESTS_MEWATCH_RUN_H

/* Subcommands run in this process, with what they print in a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "mewatch/command.h"

/* Runs a command with its standard output (and errors, if asked) in *ret_output, to be freed. */
static inline int run(int (*command)(int, char **), const char *const *arguments, int stream,
		      char **ret_output)
{
	char path[] = "/tmp/mewatch-run-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path), saved = dup(stream);
	char *argv[32] = {0};
	int argc = 0, code;
	size_t length;

	assert_true(fd >= 0 && saved >= 0);
	while (arguments[argc]) {
		argv[argc] = (char *)arguments[argc];
		argc++;
	}
	fflush(NULL);
	dup2(fd, stream);
	optind = 0; /* from the start again */
	code = command(argc, argv);
	fflush(NULL);
	dup2(saved, stream);
	assert_int_equal(me_file_read(path, 1 << 20, ret_output, &length), 0);
	unlink(path);
	return code;
}

#define RUN(command, stream, output, ...)                                                          \
	run(command, (const char *const[]){__VA_ARGS__, NULL}, stream, output)

/* A site file with this text; the caller removes it. */
static inline void write_site(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

#endif
