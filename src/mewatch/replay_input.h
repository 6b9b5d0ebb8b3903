/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_REPLAY_INPUT_H
#define MEWATCH_MEWATCH_REPLAY_INPUT_H

/*
 * The packets of a capture, of which the beginning can be looked at before it is read: also that of a pipe,
 * which is held in memory meanwhile.
 */
#include "replay/capture.h"

#define ME_INPUT_HELD_MAX (16u << 20) /* bytes of packets */

struct me_input {
	struct me_capture *capture;
	uint8_t *held;
	size_t room, end, at;
	int over; /* what the capture said behind the packets that are held; 1: it goes on */
	char error[ME_CAPTURE_ERROR_MAX];
};

/* As me_capture_open(). */
int me_input_open(const char *path, struct me_input *ret_input, char error[ME_CAPTURE_ERROR_MAX]);
void me_input_close(struct me_input *input);
/* As me_capture_next(). */
int me_input_next(struct me_input *input, struct me_capture_packet *ret_packet,
		  char error[ME_CAPTURE_ERROR_MAX]);

/*
 * Gives `fn` the packet, which was read last, and those that follow until as many are held as may be;
 * me_input_next() goes on with that very packet. 0, what `fn` returns unless that is 0, or -ENOMEM.
 */
int me_input_ahead(struct me_input *input, const struct me_capture_packet *packet,
		   int (*fn)(const struct me_capture_packet *packet, void *userdata),
		   void *userdata);

#endif
