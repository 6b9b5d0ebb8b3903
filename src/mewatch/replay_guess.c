/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/replay_guess.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/table.h"
#include "replay/capture.h"
#include "replay/ends.h"

struct me_guess {
	struct me_table *opened; /* struct me_addr -> how many, 64 bits */
};

struct me_guess *me_guess_new(void)
{
	struct me_guess *guess = calloc(1, sizeof(*guess));

	if (!guess)
		return NULL;
	guess->opened =
		me_table_new(sizeof(struct me_addr), sizeof(uint64_t), ME_GUESS_ADDRESSES_MAX);
	if (!guess->opened)
		me_guess_free(&guess);
	return guess;
}

void me_guess_free(struct me_guess **guess)
{
	if (!*guess)
		return;
	me_table_free(&(*guess)->opened);
	free(*guess);
	*guess = NULL;
}

int me_guess_packet(struct me_guess *guess, const struct me_capture_packet *packet)
{
	struct me_packet_ends ends;
	void *n;
	int r;

	me_packet_ends(packet, &ends);
	if (!ends.opens)
		return 0;
	r = me_table_put(guess->opened, &ends.src, &n);
	if (r >= 0)
		++*(uint64_t *)n;
	return r == -ENOMEM ? r : 0;
}

int me_guess_file(struct me_guess *guess, const char *path)
{
	_cleanup_(me_capture_closep) struct me_capture *capture = NULL;
	char error[ME_CAPTURE_ERROR_MAX];
	struct me_capture_packet packet;
	int err = 0;

	if (me_capture_open(path, &capture, error))
		return 0;
	while (!err && me_capture_next(capture, &packet, error) == 1)
		err = me_guess_packet(guess, &packet);
	return err;
}

int me_guess_made(const struct me_guess *guess, struct me_addr *ret_address, uint64_t *ret_opened)
{
	struct me_addr address = {};
	const void *key;
	uint64_t most = 0;
	size_t cursor = 0;
	void *value;

	while (me_table_next(guess->opened, &cursor, &key, &value)) {
		uint64_t times = *(const uint64_t *)value;

		if (times < most || (times == most && memcmp(key, &address, sizeof(address)) > 0))
			continue;
		most = times;
		memcpy(&address, key, sizeof(address));
	}
	if (!most)
		return -ENOENT;
	*ret_address = address;
	*ret_opened = most;
	return 0;
}
