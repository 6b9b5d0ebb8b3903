/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/replay_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int me_input_open(const char *path, struct me_input *ret_input, char error[ME_CAPTURE_ERROR_MAX])
{
	*ret_input = (struct me_input){.over = 1};
	return me_capture_open(path, &ret_input->capture, error);
}

void me_input_close(struct me_input *input)
{
	me_capture_close(&input->capture);
	free(input->held);
	input->held = NULL;
}

static size_t size_of(const struct me_capture_packet *packet)
{
	return sizeof(*packet) + (packet->have + 7u) / 8 * 8;
}

static int hold(struct me_input *input, const struct me_capture_packet *packet)
{
	size_t size = size_of(packet), room = input->room;

	while (room < input->end + size)
		room = room ? 2 * room : ME_INPUT_HELD_MAX / 16;
	if (room != input->room) {
		void *more = realloc(input->held, room);

		if (!more)
			return -ENOMEM;
		input->held = more;
		input->room = room;
	}
	memcpy(input->held + input->end, packet, sizeof(*packet));
	memcpy(input->held + input->end + sizeof(*packet), packet->bytes, packet->have);
	input->end += size;
	return 0;
}

int me_input_ahead(struct me_input *input, const struct me_capture_packet *packet,
		   int (*fn)(const struct me_capture_packet *packet, void *userdata),
		   void *userdata)
{
	struct me_capture_packet next = *packet;
	int err;

	do {
		err = hold(input, &next);
		if (!err)
			err = fn(&next, userdata);
		if (!err && input->end < ME_INPUT_HELD_MAX)
			input->over = me_capture_next(input->capture, &next, input->error);
	} while (!err && input->end < ME_INPUT_HELD_MAX && input->over == 1);
	return err;
}

int me_input_next(struct me_input *input, struct me_capture_packet *ret_packet,
		  char error[ME_CAPTURE_ERROR_MAX])
{
	if (input->at < input->end) {
		memcpy(ret_packet, input->held + input->at, sizeof(*ret_packet));
		ret_packet->bytes = input->held + input->at + sizeof(*ret_packet);
		input->at += size_of(ret_packet);
		return 1;
	}
	if (input->over == 1)
		return me_capture_next(input->capture, ret_packet, error);
	memcpy(error, input->error, sizeof(input->error));
	return input->over;
}
