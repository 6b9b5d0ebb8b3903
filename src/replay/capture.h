/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_REPLAY_CAPTURE_H
#define MEWATCH_REPLAY_CAPTURE_H

/*
 * Captures: pcap and pcapng, in microseconds and nanoseconds, of Ethernet, Linux cooked (both versions),
 * raw IP and loopback. The one user of libpcap.
 */
#include <stdbool.h>
#include <stdint.h>
#include "base/cleanup.h"

#define ME_CAPTURE_ERROR_MAX 512

struct me_capture;

/* A packet; the bytes hold until the next one is read. */
struct me_capture_packet {
	uint64_t number; /* in the file, from 1 */
	uint64_t ts_ns;  /* since the epoch */
	const uint8_t *bytes;
	uint32_t have;     /* of them: what was captured */
	uint32_t length;   /* on the wire; both from the first of the bytes */
	uint16_t protocol; /* ethertype, host order */
	bool ethernet;     /* they begin with an Ethernet header; else with the network header */
	bool broadcast;
};

/* Opens a file, or with "-" standard input. 0, or a negative errno with one line in `error`. */
int me_capture_open(const char *path, struct me_capture **ret_capture,
		    char error[ME_CAPTURE_ERROR_MAX]);
void me_capture_close(struct me_capture **capture);
ME_DEFINE_CLEANUP(struct me_capture *, me_capture_close)

/* 1: a packet. 0: that was all. -EBADMSG: the capture is damaged from here on, `error` says how. */
int me_capture_next(struct me_capture *capture, struct me_capture_packet *ret_packet,
		    char error[ME_CAPTURE_ERROR_MAX]);

/* Packets too short for the header of their link: passed over. */
uint64_t me_capture_short(const struct me_capture *capture);
/* How many bytes of the file have been read, and how many it has; 0: that is not known. */
void me_capture_progress(const struct me_capture *capture, uint64_t *ret_read, uint64_t *ret_size);

#endif
