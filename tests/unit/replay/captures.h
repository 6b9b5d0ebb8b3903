/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_UNIT_REPLAY_CAPTURES_H
#define MEWATCH_TESTS_UNIT_REPLAY_CAPTURES_H

/* Captures as tests want them: IPv4 packets of one mail host, in files of any kind. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURES_HOST "192.0.2.10"
#define CAPTURES_START 1700000000ull /* seconds: of the first packet, which is 10 ms later */

enum captures_link {
	CAPTURES_ETHERNET,
	CAPTURES_VLAN,
	CAPTURES_RAW,
	CAPTURES_COOKED,
	CAPTURES_COOKED2,
	CAPTURES_NULL,
	CAPTURES_LINKS
};

enum captures_format { CAPTURES_MICRO, CAPTURES_NANO, CAPTURES_NG, CAPTURES_FORMATS };

struct captures;

/* A file that goes with captures_end(). `snaplen` 0: whole packets. */
struct captures *captures_begin(enum captures_link link, enum captures_format format,
				uint32_t snaplen);
/* Closes the file. Its path. */
const char *captures_path(struct captures *captures);
void captures_end(struct captures **captures);

/* Who the host is from now on. */
void captures_as(struct captures *captures, const char *host);
/* Time passes before the next packet. */
void captures_wait(struct captures *captures, uint64_t ms);
/* The last `size` bytes of the file are lost. */
void captures_cut(struct captures *captures, size_t size);

/* Between a port of the mail host and one of a peer. */
void captures_tcp(struct captures *captures, bool sent, uint16_t sport, const char *peer,
		  uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack, const void *payload,
		  size_t size);
void captures_udp(struct captures *captures, bool sent, uint16_t sport, const char *peer,
		  uint16_t port, const void *payload, size_t size);
/* A connection from SYN to the last ACK: a request, if there is one, and 100 bytes of an answer. */
void captures_connection(struct captures *captures, uint16_t sport, const char *peer, uint16_t port,
			 const char *request);
/* A query and its answer, of a name's address. */
void captures_lookup(struct captures *captures, const char *resolver, const char *name,
		     const char *address);

#endif
