/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/compile_hosts.h"
#include "policy/hosts.h"

/* The nearest prefix around the next host: none of those so far is longer and has its address. */
static uint32_t around(const struct me_image *image, const struct me_watch_host *host)
{
	uint32_t at = image->n_hosts ? (uint32_t)image->n_hosts - 1 : ME_NO_PREFIX;

	for (; at != ME_NO_PREFIX; at = image->hosts[at].around) {
		const struct me_prefix *prefix = &image->hosts[at].prefix;
		struct me_addr net;

		memcpy(&net, prefix->address, sizeof(net));
		if (me_addr_in(&host->address, &net, prefix->bits))
			break;
	}
	return at;
}

static void add_prefix(struct me_image *image, const struct me_watch_host *host, uint32_t number)
{
	struct me_image_host *added = &image->hosts[image->n_hosts];

	*added = (struct me_image_host){
		.prefix.bits = host->bits,
		.number = number,
		.around = around(image, host),
	};
	memcpy(added->prefix.address, host->address.byte, sizeof(added->prefix.address));
	image->n_hosts++;
}

int me_compile_hosts(const struct me_policy *policy, struct me_image *image)
{
	_cleanup_free_ const struct me_watch_host **sorted = NULL;
	int r = me_hosts_sort(policy, &sorted);

	if (r < 0)
		return r;
	image->hosts = calloc(policy->n_hosts + 1, sizeof(*image->hosts));
	image->macs = calloc(policy->n_hosts + 1, sizeof(*image->macs));
	if (!image->hosts || !image->macs)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_hosts; i++) {
		const struct me_watch_host *host = sorted[i];
		uint32_t number = (uint32_t)(host - policy->hosts) + 1;

		if (i && me_host_same(sorted[i - 1], host))
			continue;
		if (host->is_mac)
			image->macs[image->n_macs++] =
				(struct me_image_mac){me_mac(host->mac), number};
		else
			add_prefix(image, host, number);
	}
	return 0;
}
