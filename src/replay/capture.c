/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/capture.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/clock.h"

#define SLL_SIZE 16
#define SLL2_SIZE 20
#define NULL_SIZE 4

/* Until the year 2262 nanoseconds have room; a damaged fraction may be worth more than a second. */
#define SECONDS_MAX (INT64_MAX / (int64_t)ME_NS_PER_S - 8192)

struct me_capture {
	pcap_t *pcap;
	int link;
	uint64_t number, too_short, size;
};

/* What a link has in front of the network header. */
static const struct link {
	int type;
	uint32_t size; /* of its header, which is taken off but for Ethernet's */
} links[] = {
	{DLT_EN10MB, 0},
	{DLT_LINUX_SLL, SLL_SIZE},
	{DLT_LINUX_SLL2, SLL2_SIZE},
	{DLT_NULL, NULL_SIZE},
	{DLT_LOOP, NULL_SIZE},
	{DLT_RAW, 0},
	{DLT_IPV4, 0},
	{DLT_IPV6, 0},
};

static const struct link *link_of(int type)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(links); i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

static int fail(int err, char error[ME_CAPTURE_ERROR_MAX], const char *text)
{
	snprintf(error, ME_CAPTURE_ERROR_MAX, "%s", text);
	return err;
}

int me_capture_open(const char *path, struct me_capture **ret_capture,
		    char error[ME_CAPTURE_ERROR_MAX])
{
	_cleanup_(me_capture_closep) struct me_capture *capture = calloc(1, sizeof(*capture));
	FILE *file = !strcmp(path, "-") ? stdin : fopen(path, "rbe");
	char why[PCAP_ERRBUF_SIZE] = "";
	const char *name;
	struct stat st;

	if (!file)
		return fail(-errno, error, strerror(errno));
	if (!capture)
		return fail(-ENOMEM, error, "out of memory");
	if (!fstat(fileno(file), &st) && S_ISREG(st.st_mode))
		capture->size = st.st_size;
	capture->pcap =
		pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!capture->pcap) {
		if (file != stdin)
			fclose(file);
		return fail(-EBADMSG, error, why);
	}
	capture->link = pcap_datalink(capture->pcap);
	if (!link_of(capture->link)) {
		name = pcap_datalink_val_to_name(capture->link);
		snprintf(error, ME_CAPTURE_ERROR_MAX,
			 "a capture of %s, expected one of Ethernet, Linux cooked, raw IP or "
			 "loopback",
			 name ? name : "a link of an unknown kind");
		return -EPROTONOSUPPORT;
	}
	*ret_capture = me_steal_ptr(&capture);
	return 0;
}

void me_capture_close(struct me_capture **capture)
{
	if (!*capture)
		return;
	if ((*capture)->pcap)
		pcap_close((*capture)->pcap);
	free(*capture);
	*capture = NULL;
}

static uint16_t big16(const uint8_t *bytes)
{
	return bytes[0] << 8 | bytes[1];
}

static uint16_t by_version(const uint8_t *bytes, uint32_t have)
{
	if (!have)
		return 0;
	return bytes[0] >> 4 == 6 ? ETH_P_IPV6 : bytes[0] >> 4 == 4 ? ETH_P_IP : 0;
}

/* The ethertype for the packet's link; `bytes` are all of its header. */
static uint16_t protocol_of(int link, const uint8_t *bytes, uint32_t have)
{
	switch (link) {
	case DLT_EN10MB:
		return big16(bytes + 12);
	case DLT_LINUX_SLL:
		return big16(bytes + 14);
	case DLT_LINUX_SLL2:
		return big16(bytes);
	case DLT_NULL: /* an address family in the order of whoever captured, IPv6's differ */
	case DLT_LOOP:
		return by_version(bytes + NULL_SIZE, have - NULL_SIZE);
	default:
		return by_version(bytes, have);
	}
}

/* Whether it was sent to all, by the link's own word: Linux' PACKET_BROADCAST. */
static bool is_broadcast(int link, const uint8_t *bytes)
{
	static const uint8_t all[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (link == DLT_EN10MB)
		return !memcmp(bytes, all, sizeof(all));
	if (link == DLT_LINUX_SLL)
		return big16(bytes) == 1;
	return link == DLT_LINUX_SLL2 && bytes[10] == 1;
}

/* Takes the link's header off. False: it is not all there. */
static bool unwrap(struct me_capture *capture, struct me_capture_packet *packet)
{
	const struct link *link = link_of(capture->link);
	uint32_t needed = capture->link == DLT_EN10MB ? ETH_HLEN : link->size;

	if (packet->have < needed || packet->length < needed)
		return false;
	packet->ethernet = capture->link == DLT_EN10MB;
	packet->protocol = protocol_of(capture->link, packet->bytes, packet->have);
	packet->broadcast = is_broadcast(capture->link, packet->bytes);
	packet->bytes += link->size;
	packet->have -= link->size;
	packet->length -= link->size;
	return true;
}

/* False: nobody has captured then. The precision is what was asked for: tv_usec has nanoseconds. */
static bool time_of(const struct timeval *ts, uint64_t *ret_ns)
{
	int64_t ns;

	if (ts->tv_sec < 0 || ts->tv_sec > SECONDS_MAX)
		return false;
	ns = ts->tv_sec * (int64_t)ME_NS_PER_S + ts->tv_usec;
	*ret_ns = ns;
	return ns >= 0;
}

int me_capture_next(struct me_capture *capture, struct me_capture_packet *ret_packet,
		    char error[ME_CAPTURE_ERROR_MAX])
{
	struct pcap_pkthdr *head;
	const uint8_t *bytes;
	uint64_t ts_ns;

	for (;;) {
		int r = pcap_next_ex(capture->pcap, &head, &bytes);

		if (r == PCAP_ERROR_BREAK)
			return 0;
		if (r != 1)
			return fail(-EBADMSG, error, pcap_geterr(capture->pcap));
		if (!time_of(&head->ts, &ts_ns))
			return fail(-EBADMSG, error,
				    "the next one is not of a time between 1970 and 2262");
		*ret_packet = (struct me_capture_packet){
			.number = ++capture->number,
			.ts_ns = ts_ns,
			.bytes = bytes,
			.have = head->caplen < head->len ? head->caplen : head->len,
			.length = head->len,
		};
		if (unwrap(capture, ret_packet))
			return 1;
		capture->too_short++;
	}
}

uint64_t me_capture_short(const struct me_capture *capture)
{
	return capture->too_short;
}

void me_capture_progress(const struct me_capture *capture, uint64_t *ret_read, uint64_t *ret_size)
{
	long at = ftell(pcap_file(capture->pcap));

	*ret_read = at > 0 ? at : 0;
	*ret_size = capture->size;
}
