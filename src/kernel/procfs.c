/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/procfs.h"
#include <dirent.h>
#include <errno.h>
#include "base/cleanup.h"
#include "base/text.h"

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

int me_procfs_each(const char *path, int (*fn)(uint32_t number, void *userdata), void *userdata)
{
	_cleanup_(close_folder) DIR *folder = opendir(path);

	if (!folder)
		return -errno;
	for (;;) {
		const struct dirent *entry;
		uint64_t number;
		int r;

		errno = 0;
		entry = readdir(folder);
		if (!entry)
			return -errno; /* 0 at the end */
		if (!me_text_parse_u64(entry->d_name, 0, UINT32_MAX, &number))
			continue;
		r = fn((uint32_t)number, userdata);
		if (r)
			return r;
	}
}
