/* SPDX-License-Identifier: GPL-2.0-only */
#include "transit_model.h"
#include <stdlib.h>
#include <string.h>
#include "mewatch/frame.h"
#include "mewatch/packet_parse.h"
#include "mewatch/wire.h"

void model_begin(struct model *model, const struct me_image *image)
{
	memset(model, 0, sizeof(*model));
	model->image = image;
}

/* --- Mail hosts ---------------------------------------------------------------------------------- */

static const struct me_addr *mac_owner(const struct model *model, uint64_t mac)
{
	for (size_t i = 0; i < model->n_macs; i++)
		if (mac && model->macs[i].mac == mac)
			return &model->macs[i].owner;
	return NULL;
}

static void own_mac(struct model *model, uint64_t mac, const struct me_addr *owner)
{
	size_t i = 0;

	while (i < model->n_macs && model->macs[i].mac != mac)
		i++;
	if (i == MODEL_HOSTS_MAX)
		abort();
	model->n_macs += i == model->n_macs;
	model->macs[i].mac = mac;
	model->macs[i].owner = *owner;
}

static void count_host(struct model *model, const struct model_frame *frame,
		       const struct me_flow_key *key, uint32_t number, bool violation)
{
	struct me_host_counts *counts;
	size_t i = 0;

	while (i < model->n_hosts && !me_addr_equal(&model->hosts[i].address, &key->opener.address))
		i++;
	if (i == MODEL_HOSTS_MAX)
		abort();
	model->n_hosts += i == model->n_hosts;
	model->hosts[i].address = key->opener.address;
	counts = &model->hosts[i].counts;
	counts->attempts++;
	counts->violations += violation;
	counts->number = number;
	if (frame->mac && !counts->mac) {
		counts->mac = frame->mac;
		own_mac(model, frame->mac, &key->opener.address);
	}
}

static uint32_t host_number(const struct model *model, const struct model_frame *frame,
			    const struct me_addr *address)
{
	uint32_t number = me_image_host(model->image, address);

	return !number && frame->mac ? me_image_mac(model->image, frame->mac) : number;
}

/* --- The first packet of a flow ------------------------------------------------------------------ */

static void make_key(const struct model_frame *frame, const struct me_packet *packet,
		     struct me_flow_key *ret_key)
{
	*ret_key = (struct me_flow_key){
		.peer = frame->sent ? packet->dst : packet->src,
		.port = frame->sent ? packet->dport : packet->sport,
		.sport = frame->sent ? packet->sport : packet->dport,
		.proto = packet->proto,
		.vantage = ME_TRANSIT,
	};
	ret_key->opener.address = frame->sent ? packet->src : packet->dst;
}

static void judge(const struct model *model, const struct me_flow_key *key, uint8_t flags,
		  struct me_judgement *ret_judgement)
{
	struct me_facts facts = {.dst = key->peer,
				 .dport = key->port,
				 .proto = key->proto,
				 .flags = ME_FACT_WIRE | flags};

	if (key->port == 53 && (model->image->head->flags & ME_HEAD_RECURSIVE))
		facts.flags |= ME_FACT_RECURSIVE;
	me_image_judge(model->image, &facts, NULL, 0, ret_judgement);
}

static void open_flow(const struct model *model, const struct me_judgement *judged,
		      uint8_t direction, uint16_t flags, struct model_result *ret)
{
	struct me_flow *flow = &ret->flow;

	ret->is_flow = true;
	flow->state = (union me_state){.verdict = judged->verdict, .evidence = judged->evidence};
	flow->endpoint = judged->endpoint;
	flow->rule = judged->rule;
	flow->service = judged->service;
	flow->generation = model->image->head->generation;
	flow->sport = ret->key.sport;
	flow->direction = direction;
	flow->flags = flags | (judged->flags & ME_ENTRY_RETIRED ? ME_FLOW_RETIRED : 0) |
		      (judged->flags & ME_ENTRY_PROXY ? ME_FLOW_PROXY : 0);
}

/* How likely the mail host (or its peer) listens on a port. */
static unsigned int listens(const struct model *model, uint8_t proto, uint16_t port)
{
	const struct me_head *head = model->image->head;
	const struct me_column *column = &head->column[head->slot[me_slot(proto, port)]];

	if (port < 1024)
		return 2;
	return column->service != ME_SERVICE_UNLISTED || (column->flags & ME_COLUMN_REMOTING);
}

static void open_underway(struct model *model, const struct model_frame *frame,
			  struct model_result *ret)
{
	bool syn = ret->packet.tcp_flags & ME_TCP_SYN;
	unsigned int here = listens(model, ret->key.proto, ret->key.sport);
	unsigned int there = listens(model, ret->key.proto, ret->key.port);
	struct me_judgement judged = {.verdict = ME_UNRESOLVED};
	uint8_t direction = here == there  ? ME_DIRECTION_UNKNOWN
			    : here > there ? ME_DIRECTION_IN
					   : ME_DIRECTION_OUT;

	if (syn)
		direction = frame->sent ? ME_DIRECTION_IN : ME_DIRECTION_OUT;
	if (direction == ME_DIRECTION_OUT)
		judge(model, &ret->key, 0, &judged);
	if (judged.verdict == ME_PENDING)
		judged = (struct me_judgement){.verdict = ME_UNRESOLVED};
	open_flow(model, &judged, direction, ME_FLOW_PREEXISTING | ME_FLOW_OUTCOME | ME_FLOW_SENT,
		  ret);
	ret->flow.state.reason = judged.reason;
	ret->flow.outcome = syn ? ME_OUTCOME_NONE : ME_OUTCOME_ESTABLISHED;
	if (direction != ME_DIRECTION_OUT)
		ret->flow.generation = 0;
	model->totals[ME_TOTAL_PREEXISTING(judged.verdict)]++;
}

static void open_attempt(struct model *model, const struct model_frame *frame, uint32_t number,
			 uint8_t facts, struct model_result *ret)
{
	struct me_judgement judged;
	uint32_t cell;

	judge(model, &ret->key, facts, &judged);
	open_flow(model, &judged, ME_DIRECTION_OUT, ME_FLOW_SENT, ret);
	ret->flow.state.reason = judged.reason;
	if (judged.verdict == ME_PENDING) {
		ret->flow.state.flags = ME_STATE_TOLD;
		cell = me_cell(1, judged.service, ME_CELL_OPENED, judged.reason);
	} else {
		cell = me_cell(1, judged.service, ME_CELL_FINAL,
			       me_cell_end(judged.verdict, judged.reason));
	}
	model->cells[cell]++;
	count_host(model, frame, &ret->key, number, judged.verdict == ME_VIOLATION);
}

static void open_inbound(const struct model *model, struct model_result *ret)
{
	const struct me_judgement judged = {.verdict = ME_UNRESOLVED};

	open_flow(model, &judged, ME_DIRECTION_IN, ME_FLOW_SENT, ret);
	ret->flow.generation = 0;
}

/* --- Packets ------------------------------------------------------------------------------------- */

/* A packet of the flow. */
static void count(struct model *model, const struct model_frame *frame, struct model_result *ret)
{
	struct me_flow *flow = &ret->flow;
	struct me_wire_change change;

	me_wire_packet(flow, &ret->packet, frame->sent, 1, &change);
	*(frame->sent ? &flow->bytes_sent : &flow->bytes_received) += change.payload;
	*(frame->sent ? &flow->packets_sent : &flow->packets_received) += 1;
	*(frame->sent ? &flow->wire_bytes_sent : &flow->wire_bytes_received) += ret->packet.length;
	if ((change.flags & ME_FLOW_CLOSED) && !(flow->flags & ME_FLOW_CLOSED) &&
	    me_wire_is_one_sided(flow))
		model->totals[ME_TOTAL_ONE_SIDED]++;
	flow->flags |= change.flags;
	if (!flow->outcome)
		flow->outcome = change.outcome;
}

static void pass_unparsed(struct model *model, const struct model_frame *frame,
			  struct model_result *ret)
{
	const struct me_addr none = {.half = {0, 0}};
	const struct me_addr *owner;
	uint32_t number;

	model->totals[ME_TOTAL_UNPARSED(ret->cause)]++;
	if (!frame->sent)
		return;
	ret->packet = (struct me_packet){.src = ret->packet.src,
					 .dst = ret->packet.dst,
					 .proto = ME_PROTO_UNPARSED,
					 .length = ret->packet.length};
	make_key(frame, &ret->packet, &ret->key);
	owner = me_addr_equal(&ret->key.opener.address, &none) ? mac_owner(model, frame->mac)
							       : NULL;
	if (owner)
		ret->key.opener.address = *owner;
	number = host_number(model, frame, &ret->key.opener.address);
	if (!number)
		return;
	if (!ret->is_flow)
		open_attempt(model, frame, number, ME_FACT_UNPARSABLE, ret);
	count(model, frame, ret);
}

/* Fragments. Whether that is all. */
static bool pass_fragment(const struct model *model, const struct model_frame *frame,
			  struct model_result *ret)
{
	const struct me_packet *packet = &ret->packet;
	bool first = packet->flags & ME_PACKET_FIRST;

	if (!(packet->flags & (ME_PACKET_FIRST | ME_PACKET_LATER)))
		return false;
	/* Of IPv6 a later fragment need not say what it is of (RFC 8200, section 4.5). */
	ret->is_fragment = true;
	ret->fragment_key = (struct me_fragment_key){
		.src = packet->src,
		.dst = packet->dst,
		.identity = packet->identity,
		.proto = me_addr_is_v4(&packet->src) ? packet->proto : 0,
	};
	if (first) {
		ret->fragment.sport = packet->sport;
		ret->fragment.dport = packet->dport;
		ret->fragment.known = 1;
		return false;
	}
	ret->fragment.number = frame->sent ? host_number(model, frame, &packet->src) : 0;
	ret->fragment.packets++;
	ret->fragment.payload += packet->payload;
	ret->fragment.wire += packet->length;
	return true;
}

static void pass_parsed(struct model *model, const struct model_frame *frame,
			struct model_result *ret)
{
	const struct me_packet *packet = &ret->packet;
	uint32_t number;

	if ((packet->flags & ME_PACKET_ERROR) && !frame->sent) {
		model->totals[ME_TOTAL_ERRORS_UNMATCHED]++;
		return;
	}
	if (pass_fragment(model, frame, ret))
		return;
	if (ret->is_flow) {
		count(model, frame, ret);
		return;
	}
	make_key(frame, packet, &ret->key);
	number = host_number(model, frame, &ret->key.opener.address);
	if (!number)
		return;
	if ((packet->flags & ME_PACKET_LINK) || frame->broadcast ||
	    me_addr_kind(&packet->dst) == ME_ADDR_LINK) {
		model->totals[ME_TOTAL_LINK]++;
		return;
	}
	if (packet->proto == IPPROTO_TCP && !me_wire_is_syn(packet)) {
		if ((packet->tcp_flags & ME_TCP_RST) ||
		    (!packet->payload && !(packet->tcp_flags & ME_TCP_SYN))) {
			model->totals[ME_TOTAL_STRAYS]++;
			return;
		}
		open_underway(model, frame, ret);
	} else if (frame->sent) {
		open_attempt(model, frame, number, 0, ret);
	} else {
		open_inbound(model, ret);
	}
	count(model, frame, ret);
}

/* Reads the frame. False: it is of the link itself. */
static bool parse(const struct model_frame *frame, struct model_result *ret)
{
	uint32_t have = frame->size < ME_PACKET_ROOM ? (uint32_t)frame->size : ME_PACKET_ROOM;
	uint32_t network = 0, inner = 0;
	uint16_t protocol = frame->protocol;
	int v6;

	memset(&ret->packet, 0, sizeof(ret->packet));
	if (me_frame_untag(frame->byte, have, &inner, &protocol) == ME_UNPARSED_COUNT &&
	    me_frame_is_link(protocol))
		return false;
	ret->cause = me_frame_parse(frame->byte, have, 0, frame->protocol, &network, &v6);
	if (ret->cause == ME_UNPARSED_COUNT) {
		have = frame->size - network < ME_PACKET_ROOM ? (uint32_t)frame->size - network
							      : ME_PACKET_ROOM;
		ret->cause = me_packet_parse(frame->byte + network, have,
					     (uint32_t)frame->size - network, v6, &ret->packet);
	}
	if (ret->cause != ME_UNPARSED_COUNT)
		ret->packet.length = (uint32_t)(frame->size - network);
	return true;
}

void model_pass(struct model *model, const struct model_frame *frame, unsigned int times,
		struct model_result *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->cause = ME_UNPARSED_COUNT;
	for (unsigned int i = 0; i < times; i++) {
		if (!parse(frame, ret))
			return;
		if (ret->cause == ME_UNPARSED_COUNT)
			pass_parsed(model, frame, ret);
		else
			pass_unparsed(model, frame, ret);
	}
}
