/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes are a setup of metop, or lines that it does not know; what is written is read as the same. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include "metop/setup.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/metop-fuzz-XXXXXX", path[sizeof(folder) + 16];

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	check(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/metoprc", folder);
	atexit(remove_folder);
	return 0;
}

static void read_setup(struct me_setup *setup)
{
	_cleanup_strbuf_ struct me_strbuf problem = {0};

	check(!me_setup_read(setup, strdup(path), &problem));
	check(setup->read.view < ME_VIEWS && setup->read.tree < ME_TREE_COUNT);
	check(setup->read.interval_ns >= ME_INTERVAL_MIN_NS &&
	      setup->read.interval_ns <= ME_INTERVAL_MAX_NS);
	for (size_t i = 0; i < ME_VIEWS; i++)
		for (size_t j = 0; j < (me_views[i].parts ? me_views[i].n_parts : 1); j++)
			check(setup->read.order[i][j].column <
			      (me_views[i].parts ? me_views[i].parts[j].n_columns
						 : me_views[i].n_columns));
	/* It is shown escaped, and has an end. */
	check(problem.len < 2 * ME_SETUP_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct me_setup setup = {0}, again = {0};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
	read_setup(&setup);
	if (!setup.closed) {
		int r = me_setup_write(&setup, &setup.read, true);

		check(r == 0 || r == 1 || r == -EFBIG);
		read_setup(&again);
		check(!memcmp(&setup.read, &again.read, sizeof(again.read)));
	}
	me_setup_free(&setup);
	me_setup_free(&again);
	return 0;
}
