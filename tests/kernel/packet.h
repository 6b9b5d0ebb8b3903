/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_PACKET_H
#define MEWATCH_TESTS_KERNEL_PACKET_H

/* Packets put together header by header; addresses as text, ports in host order. */
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 1024

struct packet {
	uint8_t byte[PACKET_MAX];
	size_t size;
};

void packet_put(struct packet *p, const void *bytes, size_t size);
void packet_put_zeroes(struct packet *p, size_t size);
/* An IPv4 header with `options` bytes of no-operation; `fragment` is the field as it is. */
void packet_put_ip(struct packet *p, const char *to, uint8_t proto, size_t options,
		   uint16_t fragment);
void packet_put_ip6(struct packet *p, const char *to, uint8_t next);
/* An extension header of 8 * (units + 1) bytes, all padding. */
void packet_put_extension(struct packet *p, uint8_t next, uint8_t units);
void packet_put_udp(struct packet *p, uint16_t port, size_t payload);
/* Fills in the total length, or the payload length, as it became. */
void packet_finish(struct packet *p);

#endif
