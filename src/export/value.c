/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/clock.h"
#include "base/inet.h"
#include "mewatch/answer.h"

struct me_value me_value_bytes(const char *text, size_t max)
{
	size_t len = text ? strnlen(text, max) : 0;

	if (!len)
		return (struct me_value){0};
	return (struct me_value){.kind = ME_VALUE_TEXT, .text = text, .len = len};
}

struct me_value me_value_text(const char *text)
{
	return me_value_bytes(text, text ? strlen(text) : 0);
}

struct me_value me_value_name(const char *text)
{
	struct me_value value = me_value_text(text);

	if (value.kind == ME_VALUE_TEXT)
		value.kind = ME_VALUE_NAME;
	return value;
}

struct me_value me_value_names(const char *text)
{
	struct me_value value = me_value_text(text);

	if (value.kind == ME_VALUE_TEXT)
		value.kind = ME_VALUE_NAMES;
	return value;
}

struct me_value me_value_number(uint64_t number)
{
	return (struct me_value){.kind = ME_VALUE_NUMBER, .number = number};
}

struct me_value me_value_time(uint64_t epoch_ns)
{
	return (struct me_value){.kind = epoch_ns ? ME_VALUE_TIME : ME_VALUE_NONE,
				 .number = epoch_ns};
}

struct me_value me_value_address(const struct me_addr *address)
{
	if (!address->half[0] && !address->half[1])
		return (struct me_value){0};
	return (struct me_value){.kind = ME_VALUE_ADDRESS, .address = address};
}

struct me_value me_value_proto(uint8_t proto)
{
	return (struct me_value){.kind = ME_VALUE_PROTO, .number = proto};
}

struct me_value me_value_answer(uint16_t answer)
{
	return (struct me_value){.kind = answer ? ME_VALUE_ANSWER : ME_VALUE_NONE,
				 .number = answer};
}

struct me_value me_value_id(uint64_t id)
{
	return (struct me_value){.kind = ME_VALUE_ID, .number = id};
}

struct me_value me_value_true(bool present)
{
	return (struct me_value){.kind = present ? ME_VALUE_TRUE : ME_VALUE_NONE,
				 .number = present};
}

static int sign(int64_t difference)
{
	return (difference > 0) - (difference < 0);
}

static int compare_text(const struct me_value *a, const struct me_value *b)
{
	int order = strncasecmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return order ? sign(order) : (a->len > b->len) - (a->len < b->len);
}

int me_value_compare(const struct me_value *a, const struct me_value *b)
{
	if (a->kind == ME_VALUE_NONE || b->kind == ME_VALUE_NONE)
		return (a->kind == ME_VALUE_NONE) - (b->kind == ME_VALUE_NONE);
	if (a->text)
		return compare_text(a, b);
	if (a->address)
		return sign(memcmp(a->address, b->address, sizeof(*a->address)));
	return (a->number > b->number) - (a->number < b->number);
}

void me_value_proto_name(uint8_t proto, char buffer[ME_VALUE_LEN])
{
	static const char *const names[256] = {
		[1] = "icmp",  [2] = "igmp",   [6] = "tcp",       [17] = "udp", [33] = "dccp",
		[41] = "ipv6", [47] = "gre",   [50] = "esp",      [51] = "ah",  [58] = "icmp6",
		[89] = "ospf", [132] = "sctp", [136] = "udplite",
	};

	if (names[proto])
		snprintf(buffer, ME_VALUE_LEN, "%s", names[proto]);
	else
		snprintf(buffer, ME_VALUE_LEN, "%u", proto);
}

/* "http 503", "tls alert 40 handshake_failure". */
static void answer_name(uint16_t answer, char buffer[ME_VALUE_LEN])
{
	uint8_t description = (uint8_t)answer;
	const char *label = me_alert_label(description);

	if (!(answer & ME_ANSWER_ALERT))
		snprintf(buffer, ME_VALUE_LEN, "http %u", answer);
	else
		snprintf(buffer, ME_VALUE_LEN, "tls alert %u%s%s", description, label ? " " : "",
			 label ? label : "");
}

const char *me_value_show(const struct me_value *value, char buffer[ME_VALUE_LEN], size_t *ret_len)
{
	switch (value->kind) {
	case ME_VALUE_NONE:
		return NULL;
	case ME_VALUE_TEXT:
	case ME_VALUE_NAME:
	case ME_VALUE_NAMES:
		*ret_len = value->len;
		return value->text;
	case ME_VALUE_NUMBER:
		snprintf(buffer, ME_VALUE_LEN, "%" PRIu64, value->number);
		break;
	case ME_VALUE_TIME:
		me_clock_rfc3339(value->number, buffer);
		break;
	case ME_VALUE_ADDRESS:
		me_inet_format(value->address->byte, buffer);
		break;
	case ME_VALUE_PROTO:
		me_value_proto_name((uint8_t)value->number, buffer);
		break;
	case ME_VALUE_ANSWER:
		answer_name((uint16_t)value->number, buffer);
		break;
	case ME_VALUE_ID:
		snprintf(buffer, ME_VALUE_LEN, "%016" PRIx64, value->number);
		break;
	case ME_VALUE_TRUE:
		snprintf(buffer, ME_VALUE_LEN, "true");
		break;
	}
	*ret_len = strlen(buffer);
	return buffer;
}
