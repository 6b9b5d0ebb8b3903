/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/listeners.h"

struct key {
	struct me_addr address; /* :: for every address */
	uint32_t port;
	uint32_t proto;
};
_Static_assert(sizeof(struct key) == 24, "compared as bytes: no holes");

struct me_table *me_listeners_new(size_t max)
{
	return me_table_new(sizeof(struct key), 0, max);
}

static struct key key_of(uint8_t proto, const struct me_addr *address, uint16_t port)
{
	struct key key = {.port = port, .proto = proto};

	if (!me_addr_is_v4(address) || address->word[3] != 0)
		key.address = *address;
	return key;
}

int me_listeners_add(struct me_table *listeners, uint8_t proto, const struct me_addr *address,
		     uint16_t port)
{
	const struct key key = key_of(proto, address, port);
	int r = me_table_put(listeners, &key, NULL);

	return r < 0 ? r : 0;
}

bool me_listeners_have(const struct me_table *listeners, uint8_t proto,
		       const struct me_addr *address, uint16_t port)
{
	const struct key exact = key_of(proto, address, port);
	const struct key every = {.port = port, .proto = proto};

	return me_table_get(listeners, &exact) || me_table_get(listeners, &every);
}
