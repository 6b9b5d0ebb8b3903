/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/replay_guess.h"

#include <errno.h>
#include <string.h>
#include "base/table.h"
#include "replay/capture.h"
#include "replay/ends.h"

static int count(const char *path, struct me_table *opened)
{
	_cleanup_(me_capture_closep) struct me_capture *capture = NULL;
	char error[ME_CAPTURE_ERROR_MAX];
	struct me_capture_packet packet;
	struct me_packet_ends ends;
	void *n;
	int err;

	if (me_capture_open(path, &capture, error))
		return 0;
	while (me_capture_next(capture, &packet, error) == 1) {
		me_packet_ends(&packet, &ends);
		if (!ends.opens)
			continue;
		err = me_table_put(opened, &ends.src, &n);
		if (err == -ENOMEM)
			return err;
		if (err >= 0)
			++*(uint64_t *)n;
	}
	return 0;
}

int me_replay_guess(char **paths, size_t n, struct me_addr *ret_address, uint64_t *ret_opened)
{
	struct me_table *opened =
		me_table_new(sizeof(struct me_addr), sizeof(uint64_t), ME_GUESS_ADDRESSES_MAX);
	const void *key;
	uint64_t most = 0;
	size_t cursor = 0;
	void *value;
	int err = opened ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !err; i++)
		err = count(paths[i], opened);
	while (!err && me_table_next(opened, &cursor, &key, &value)) {
		uint64_t times = *(const uint64_t *)value;

		if (times < most ||
		    (times == most && memcmp(key, ret_address, sizeof(*ret_address)) > 0))
			continue;
		most = times;
		memcpy(ret_address, key, sizeof(*ret_address));
	}
	me_table_free(&opened);
	*ret_opened = most;
	return err || most ? err : -ENOENT;
}
