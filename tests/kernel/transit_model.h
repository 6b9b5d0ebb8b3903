/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TESTS_KERNEL_TRANSIT_MODEL_H
#define MEWATCH_TESTS_KERNEL_TRANSIT_MODEL_H

/*
 * What a frame has to come to where no flow is known yet, by the same headers compiled here and by the
 * image of the policy: the flow, and what is counted of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mewatch/abi.h"
#include "mewatch/packet.h"
#include "policy/compile.h"

#define MODEL_HOSTS_MAX 4096

/* All that the frames since the beginning have come to. */
struct model {
	const struct me_image *image;
	uint64_t cells[ME_CELL_COUNT];
	uint64_t totals[ME_TOTALS_ALL];
	/* Mail hosts that attempted something, and whose their MAC addresses are. */
	size_t n_hosts, n_macs;
	struct {
		struct me_addr address;
		struct me_host_counts counts;
	} hosts[MODEL_HOSTS_MAX];
	struct {
		uint64_t mac;
		struct me_addr owner;
	} macs[MODEL_HOSTS_MAX];
};

/* A frame as the programs get it. */
struct model_frame {
	const uint8_t *byte; /* behind the Ethernet header, if there is one */
	size_t size;
	uint16_t protocol;
	uint64_t mac; /* on the mail hosts' side; 0: there is no Ethernet header */
	bool sent, broadcast;
};

struct model_result {
	enum me_unparsed cause; /* ME_UNPARSED_COUNT: it can be parsed */
	struct me_packet packet;
	bool is_flow; /* there has to be a flow */
	struct me_flow_key key;
	struct me_flow flow;
	bool is_fragment; /* something has to be remembered of a datagram in fragments */
	struct me_fragment_key fragment_key;
	struct me_fragment fragment;
};

/* Begins with nothing known. */
void model_begin(struct model *model, const struct me_image *image);
/* The frame passes, `times` times. */
void model_pass(struct model *model, const struct model_frame *frame, unsigned int times,
		struct model_result *ret);

#endif
