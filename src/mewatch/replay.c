/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay is a program of its own, which needs neither the kernel nor a privilege: the daemon's objects
 * over src/replay. It is beside this one, or where `make install` puts it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "mewatch/command.h"

#define PROGRAM "mewatch-replay"

int me_cmd_replay(int argc, char **argv)
{
	static const char *const folders[] = {"", "../libexec/mewatch/"};
	char self[4096], path[sizeof(self) + 64];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *name;

	self[length > 0 ? length : 0] = '\0';
	name = strrchr(self, '/');
	for (size_t i = 0; name && i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%.*s%s" PROGRAM, (int)(name + 1 - self), self,
			 folders[i]);
		execv(path, argv);
	}
	me_log_error(PROGRAM ": %m; it belongs beside mewatch or into libexec/mewatch");
	return ME_EXIT_USAGE;
}
