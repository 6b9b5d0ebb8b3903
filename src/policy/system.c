/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/system.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "base/inet.h"

#define ME_RESOLV_CONF_MAX 65536u

/* Where local stubs keep the servers that they ask: systemd-resolved, dnsmasq and resolvconf. */
static const char *const stub_files[] = {
	"/run/systemd/resolve/resolv.conf",
	"/run/dnsmasq/resolv.conf",
	"/run/resolvconf/resolv.conf",
};

static void list_add(struct me_system_list *list, const struct me_addr *address)
{
	for (size_t i = 0; i < list->n; i++)
		if (me_addr_equal(&list->address[i], address))
			return;
	if (list->n < ME_SYSTEM_RESOLVERS_MAX)
		list->address[list->n++] = *address;
}

void me_system_parse(struct me_system_list *list, const char *text)
{
	static const char key[] = "nameserver";

	while (*text) {
		const char *word = text + strspn(text, " \t");
		char address[ME_INET_LEN] = "";
		struct me_addr parsed;
		size_t length;

		text += strcspn(text, "\n");
		text += *text == '\n';
		if (strncmp(word, key, sizeof(key) - 1))
			continue;
		word += sizeof(key) - 1;
		length = strspn(word, " \t");
		if (!length)
			continue;
		word += length;
		length = strcspn(word, " \t\r\n%#;");
		if (length >= sizeof(address))
			continue;
		memcpy(address, word, length);
		if (!me_inet_parse(address, parsed.byte))
			list_add(list, &parsed);
	}
}

static void read_file(struct me_system_list *list, const char *root, const char *name)
{
	_cleanup_free_ char *text = NULL;
	char path[4096];
	size_t length;

	snprintf(path, sizeof(path), "%s%s", root, name);
	if (!me_file_read(path, ME_RESOLV_CONF_MAX, &text, &length))
		me_system_parse(list, text);
}

void me_system_read(struct me_system *ret_system, const char *root)
{
	bool stub = false;

	*ret_system = (struct me_system){};
	read_file(&ret_system->resolvers, root, "/etc/resolv.conf");
	for (size_t i = 0; i < ret_system->resolvers.n; i++)
		stub |= me_addr_kind(&ret_system->resolvers.address[i]) == ME_ADDR_LOOPBACK;
	for (size_t i = 0; stub && i < ME_ARRAY_SIZE(stub_files); i++)
		read_file(&ret_system->upstream, root, stub_files[i]);
}
