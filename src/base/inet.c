/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/inet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "base/text.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

void me_inet_format(const uint8_t address[16], char out[ME_INET_LEN])
{
	if (!memcmp(address, mapped, sizeof(mapped)))
		inet_ntop(AF_INET, address + sizeof(mapped), out, ME_INET_LEN);
	else
		inet_ntop(AF_INET6, address, out, ME_INET_LEN);
}

int me_inet_parse(const char *text, uint8_t ret_address[16])
{
	uint8_t v4[4], v6[16];

	if (inet_pton(AF_INET, text, v4) == 1) {
		memcpy(ret_address, mapped, sizeof(mapped));
		memcpy(ret_address + sizeof(mapped), v4, sizeof(v4));
		return 0;
	}
	if (inet_pton(AF_INET6, text, v6) != 1)
		return -EINVAL;
	memcpy(ret_address, v6, sizeof(v6));
	return 0;
}

int me_inet_parse_hostport(const char *text, uint8_t ret_address[16], uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	char host[ME_INET_LEN];
	uint8_t address[16];
	uint64_t port;
	size_t len;

	if (!colon || !me_text_parse_u64(colon + 1, 0, UINT16_MAX, &port))
		return -EINVAL;
	len = (size_t)(colon - text);
	/* Brackets belong to IPv6 and to nothing else. */
	if (!memchr(text, ':', len)) {
		if (text[0] == '[')
			return -EINVAL;
	} else {
		if (text[0] != '[' || text[len - 1] != ']')
			return -EINVAL;
		text++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (me_inet_parse(host, address))
		return -EINVAL;
	memcpy(ret_address, address, sizeof(address));
	*ret_port = (uint16_t)port;
	return 0;
}
