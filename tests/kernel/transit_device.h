/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_TRANSIT_DEVICE_H
#define MEWATCH_TESTS_KERNEL_TRANSIT_DEVICE_H

/*
 * A device whose other end is the test itself, with the programs in both directions: a tap, or a tun,
 * which has no link-layer header. A frame has passed its program when the call comes back.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transit;

struct transit_device {
	bool ethernet;
	uint32_t index;
	int fd;     /* what is written here comes in */
	int packet; /* what is sent here goes out */
};

struct transit_device transit_device_open(struct transit *transit, bool ethernet);
void transit_device_close(struct transit_device *device);

/* A frame, or of a tun a packet with the ethertype that its driver gives it. */
void transit_device_pass(const struct transit_device *device, bool sent, uint16_t protocol,
			 const uint8_t *byte, size_t size);
/*
 * A frame comes in as one of a virtual machine does: only the first `linear` bytes, at least 14, are
 * where programs can look at them; segment_size is not 0 if the network card is to cut up its TCP.
 */
void transit_device_come_in(const struct transit_device *device, const uint8_t *frame, size_t size,
			    size_t linear, uint16_t segment_size);

#endif
