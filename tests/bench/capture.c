/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capture KIND MB SEED: a capture of a mail host's traffic on standard output, the same for the same seed.
 *
 *	mixed	lookups, connections of TLS, HTTP and SMTP with their payload, datagrams
 *	flows	connections that are refused and datagrams that nobody answers: a new flow each
 */
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../seed.h"

#define ETHERNET 14
#define IPV4 20
#define TCP 20
#define UDP 8
#define SEGMENT 1448
#define HOST 0xc000020au     /* 192.0.2.10 */
#define RESOLVER 0xc0000235u /* 192.0.2.53 */
#define SITES 256u

struct writer {
	uint64_t written, now_us, gap_us, random;
	uint16_t port;
};

struct end {
	uint32_t address;
	uint16_t port;
};

static uint32_t below(struct writer *w, uint32_t n)
{
	return me_seed_next(&w->random) % n;
}

static void put(struct writer *w, const void *bytes, size_t size)
{
	if (fwrite(bytes, 1, size, stdout) != size) {
		perror("capture");
		exit(1);
	}
	w->written += size;
}

static uint8_t *put16(uint8_t *at, uint16_t value)
{
	value = htobe16(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

/* A frame of what is behind the IPv4 header, a moment after the one before. */
static void put_frame(struct writer *w, const struct end *from, const struct end *to, uint8_t proto,
		      const uint8_t *transport, size_t size)
{
	static const uint8_t macs[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x10};
	uint8_t head[ETHERNET + IPV4] = {}, *at = head;
	uint32_t record[4];

	w->now_us += below(w, w->gap_us);
	record[0] = w->now_us / 1000000;
	record[1] = w->now_us % 1000000;
	record[2] = record[3] = sizeof(head) + size;
	memcpy(at, from->address == HOST ? macs : macs + 6, 6);
	memcpy(at + 6, from->address == HOST ? macs + 6 : macs, 6);
	at = put16(at + 12, 0x0800);
	at = put16(at, 0x4500);
	at = put16(at, IPV4 + size);
	at = put32(at, 0x4000);
	at = put32(at, 64u << 24 | (uint32_t)proto << 16);
	at = put32(at, from->address);
	put32(at, to->address);
	put(w, record, sizeof(record));
	put(w, head, sizeof(head));
	put(w, transport, size);
}

static void put_tcp(struct writer *w, const struct end *from, const struct end *to, uint8_t flags,
		    uint32_t seq, uint32_t ack, const void *payload, size_t size)
{
	uint8_t bytes[TCP + SEGMENT] = {}, *at = put16(bytes, from->port);

	at = put16(at, to->port);
	at = put32(at, seq);
	at = put32(at, ack);
	at = put16(at, 0x5000 | flags);
	put16(at, 0xffff);
	if (payload)
		memcpy(bytes + TCP, payload, size);
	put_frame(w, from, to, 6, bytes, TCP + size);
}

static void put_udp(struct writer *w, const struct end *from, const struct end *to,
		    const void *payload, size_t size)
{
	uint8_t bytes[UDP + SEGMENT] = {}, *at = put16(bytes, from->port);

	at = put16(at, to->port);
	put16(at, UDP + size);
	memcpy(bytes + UDP, payload, size);
	put_frame(w, from, to, 17, bytes, UDP + size);
}

/* --- What is said --------------------------------------------------------------------------------- */

static struct end near_end(struct writer *w)
{
	w->port = w->port < 60000 ? w->port + 1 : 10000;
	return (struct end){HOST, w->port};
}

/* The address of a site: www0.example.net is 198.51.100.0, and so on. */
static uint32_t site_address(uint32_t site)
{
	return 0xc6336400u + site;
}

static int site_name(uint32_t site, char name[32])
{
	return snprintf(name, 32, "www%u.example.net", site);
}

static size_t put_message(uint8_t *message, uint32_t site, bool answer)
{
	char name[32];
	uint8_t *at = put16(message, site);

	site_name(site, name);
	at = put16(at, answer ? 0x8180 : 0x0100);
	at = put32(at, 1u << 16 | answer);
	at = put32(at, 0);
	for (char *label = strtok(name, "."); label; label = strtok(NULL, ".")) {
		*at++ = strlen(label);
		memcpy(at, label, strlen(label));
		at += strlen(label);
	}
	*at++ = 0;
	at = put32(at, 0x00010001);
	if (answer) {
		at = put16(at, 0xc00c);
		at = put32(at, 0x00010001);
		at = put32(at, 300);
		at = put16(at, 4);
		at = put32(at, site_address(site));
	}
	return at - message;
}

static void put_lookup(struct writer *w, uint32_t site)
{
	const struct end client = near_end(w), server = {RESOLVER, 53};
	uint8_t message[256];

	put_udp(w, &client, &server, message, put_message(message, site, false));
	put_udp(w, &server, &client, message, put_message(message, site, true));
}

/* A ClientHello with nothing but a name. */
static size_t put_hello(uint8_t *hello, uint32_t site)
{
	char name[32];
	int length = site_name(site, name);
	uint8_t *at = put32(hello, 0x16030100);

	*at++ = 56 + length;
	at = put32(at, 1u << 24 | (52 + length));
	at = put16(at, 0x0303);
	memset(at, 7, 32);
	at += 32;
	*at++ = 0; /* no session */
	at = put16(at, 2);
	at = put16(at, 0x1301);
	at = put16(at, 0x0100); /* no compression */
	at = put16(at, 9 + length);
	at = put32(at, 5 + length); /* extension 0 */
	at = put16(at, 3 + length);
	*at++ = 0;
	at = put16(at, length);
	memcpy(at, name, length);
	return at + length - hello;
}

static size_t put_request(uint8_t *request, uint32_t site, uint16_t port)
{
	if (port == 443)
		return put_hello(request, site);
	return snprintf((char *)request, 256,
			port == 80 ? "GET /rules.bin HTTP/1.1\r\nHost: www%u.example.net\r\n\r\n"
				   : "EHLO www%u.example.net\r\n",
			site);
}

/* From the SYN to the last ACK, with up to 40 segments of an answer, two for each ACK. */
static void put_connection(struct writer *w, uint32_t site)
{
	static const uint16_t ports[] = {443, 443, 80, 25};
	const struct end client = near_end(w);
	const struct end server = {site_address(site), ports[below(w, 4)]};
	uint32_t up = me_seed_next(&w->random), down = me_seed_next(&w->random);
	uint32_t segments = 1 + below(w, 40);
	uint8_t bytes[SEGMENT] = {};
	size_t size = put_request(bytes, site, server.port);

	put_tcp(w, &client, &server, 0x02, up++, 0, NULL, 0);
	put_tcp(w, &server, &client, 0x12, down++, up, NULL, 0);
	put_tcp(w, &client, &server, 0x10, up, down, NULL, 0);
	put_tcp(w, &client, &server, 0x18, up, down, bytes, size);
	up += size;
	for (uint32_t i = 0; i < segments; i++) {
		put_tcp(w, &server, &client, 0x10, down, up, bytes, sizeof(bytes));
		down += sizeof(bytes);
		if (i % 2)
			put_tcp(w, &client, &server, 0x10, up, down, NULL, 0);
	}
	put_tcp(w, &client, &server, 0x11, up, down, NULL, 0);
	put_tcp(w, &server, &client, 0x11, down, up + 1, NULL, 0);
	put_tcp(w, &client, &server, 0x10, up + 1, down + 1, NULL, 0);
}

static void put_refused(struct writer *w)
{
	const struct end client = near_end(w), server = {0x0a000000u + below(w, 1 << 22), 443};

	put_tcp(w, &client, &server, 0x02, 1, 0, NULL, 0);
	put_tcp(w, &server, &client, 0x14, 0, 2, NULL, 0);
}

static void put_datagram(struct writer *w)
{
	const struct end client = near_end(w), server = {0x0a000000u + below(w, 1 << 22), 123};
	uint8_t bytes[48] = {0x1b};

	put_udp(w, &client, &server, bytes, sizeof(bytes));
}

int main(int argc, char **argv)
{
	const uint32_t head[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
	struct writer w = {.now_us = 1700000000ull * 1000000, .port = 10000};
	uint64_t most;
	bool mixed;

	if (argc != 4) {
		fputs("usage: capture mixed|flows MB SEED\n", stderr);
		return 2;
	}
	mixed = !strcmp(argv[1], "mixed");
	w.gap_us = mixed ? 40 : 3000; /* so that the flow table has room */
	most = strtoull(argv[2], NULL, 10) << 20;
	w.random = strtoull(argv[3], NULL, 10);
	put(&w, head, sizeof(head));
	while (w.written < most) {
		uint32_t site = below(&w, SITES);

		if (!mixed) {
			put_refused(&w);
			put_datagram(&w);
			continue;
		}
		put_lookup(&w, site);
		for (uint32_t i = below(&w, 4); i; i--)
			put_connection(&w, site);
		put_datagram(&w);
	}
	return fflush(stdout) ? 1 : 0;
}
