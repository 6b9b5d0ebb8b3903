/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/links.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "kernel/netlink.h"

/* A table that changes between two parts of a dump is asked again so often. */
#define ATTEMPTS 16

struct table {
	struct me_link *link;
	size_t n, room, refused;
};

struct me_links {
	int fd;
	bool stale;
	struct table table;
};

/* --- One interface ------------------------------------------------------------------------------ */

/* Kinds whose IFLA_LINK is the interface that the tunnel's own packets leave by. */
static bool is_tunnel(const char *kind)
{
	static const char *const kinds[] = {
		"vxlan", "geneve", "gre",    "gretap", "ip6gre", "ip6gretap", "erspan", "ip6erspan",
		"ipip",  "sit",    "ip6tnl", "vti",    "vti6",   "xfrm",      "macsec", "amt",
	};

	for (size_t i = 0; i < ME_ARRAY_SIZE(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

static void get_text(const struct nlattr *attr, char *out, size_t size)
{
	size_t length = attr->nla_len - NLA_HDRLEN;

	if (length >= size)
		length = size - 1;
	memcpy(out, (const char *)attr + NLA_HDRLEN, length);
	out[length] = '\0';
}

static void get_kind(const struct nlattr *info, char *out, size_t size)
{
	for (const struct nlattr *a = me_netlink_inside(info, NULL); a;
	     a = me_netlink_inside(info, a))
		if (a->nla_type == IFLA_INFO_KIND)
			get_text(a, out, size);
}

static bool parse(const struct nlmsghdr *message, struct me_link *ret)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);
	struct me_link link = {};
	bool elsewhere = false;
	char kind[32] = "";

	if (message->nlmsg_type != RTM_NEWLINK ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*info)) || info->ifi_index <= 0)
		return false;
	link.index = (uint32_t)info->ifi_index;
	link.up = info->ifi_flags & IFF_UP;
	link.ethernet = info->ifi_type == ARPHRD_ETHER || info->ifi_type == ARPHRD_LOOPBACK;
	for (const struct nlattr *a = me_netlink_first(message, sizeof(*info)); a;
	     a = me_netlink_next(message, a)) {
		switch (a->nla_type & NLA_TYPE_MASK) {
		case IFLA_IFNAME:
			get_text(a, link.name, sizeof(link.name));
			break;
		case IFLA_MASTER:
			me_netlink_get(a, &link.master, sizeof(link.master));
			break;
		case IFLA_LINK:
			me_netlink_get(a, &link.lower, sizeof(link.lower));
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		case IFLA_LINKINFO:
			get_kind(a, kind, sizeof(kind));
			break;
		}
	}
	if (elsewhere || is_tunnel(kind) || link.lower == link.index)
		link.lower = 0;
	*ret = link;
	return true;
}

/* --- The table ---------------------------------------------------------------------------------- */

static int see(const struct nlmsghdr *message, void *userdata)
{
	struct table *table = userdata;
	struct me_link link;

	if (!parse(message, &link))
		return 0;
	if (table->n == ME_LINKS_MAX) {
		table->refused++;
		return 0;
	}
	if (table->n == table->room) {
		size_t room = table->room ? 2 * table->room : 16;
		struct me_link *grown = realloc(table->link, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		table->link = grown;
		table->room = room;
	}
	table->link[table->n++] = link;
	return 0;
}

static int by_index(const void *a, const void *b)
{
	const struct me_link *left = a, *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

static int read_links(struct table *table)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	_cleanup_close_ int fd = -1;
	int r = me_netlink_open(-1, NETLINK_ROUTE, 0, &fd);

	if (r)
		return r;
	for (int i = 0; i < ATTEMPTS; i++) {
		table->n = table->refused = 0;
		r = me_netlink_dump(fd, RTM_GETLINK, &any, sizeof(any), see, table);
		if (r != -EAGAIN)
			break;
	}
	return r;
}

static int read_table(struct me_links *links)
{
	struct table table = {};
	int r = read_links(&table);

	links->stale = r < 0;
	if (r < 0) {
		free(table.link);
		return r;
	}
	if (table.n)
		qsort(table.link, table.n, sizeof(*table.link), by_index);
	free(links->table.link);
	links->table = table;
	return 0;
}

void me_links_free(struct me_links **links)
{
	if (!*links)
		return;
	me_closep(&(*links)->fd);
	free((*links)->table.link);
	free(*links);
	*links = NULL;
}

ME_DEFINE_CLEANUP(struct me_links *, me_links_free)

int me_links_open(struct me_links **ret_links)
{
	_cleanup_(me_links_freep) struct me_links *links = calloc(1, sizeof(*links));
	int r;

	if (!links)
		return -ENOMEM;
	links->fd = -1;
	/* First the subscription: what happens after the dump is heard of. */
	r = me_netlink_open(-1, NETLINK_ROUTE, RTMGRP_LINK, &links->fd);
	if (!r)
		r = read_table(links);
	if (!r)
		*ret_links = me_steal_ptr(&links);
	return r;
}

int me_links_fd(const struct me_links *links)
{
	return links->fd;
}

int me_links_dispatch(struct me_links *links)
{
	int r = me_netlink_drain(links->fd);

	if (!r && !links->stale)
		return 0;
	if (r < 0 && r != -ENOBUFS)
		return r;
	r = read_table(links);
	return r ? r : 1;
}

const struct me_link *me_links_table(const struct me_links *links, size_t *ret_n)
{
	*ret_n = links->table.n;
	return links->table.link;
}

const struct me_link *me_links_by_name(const struct me_links *links, const char *name)
{
	for (size_t i = 0; i < links->table.n; i++)
		if (!strcmp(links->table.link[i].name, name))
			return &links->table.link[i];
	return NULL;
}

static const struct me_link *find(const struct me_link *links, size_t n, uint32_t index)
{
	const struct me_link key = {.index = index};

	return n ? bsearch(&key, links, n, sizeof(*links), by_index) : NULL;
}

const struct me_link *me_links_by_index(const struct me_links *links, uint32_t index)
{
	return find(links->table.link, links->table.n, index);
}

const char *me_link_name(uint64_t index, char out[IF_NAMESIZE])
{
	if (index > UINT32_MAX || !if_indextoname((unsigned int)index, out))
		snprintf(out, IF_NAMESIZE, "#%u", (unsigned int)index);
	return out;
}

size_t me_links_refused(const struct me_links *links)
{
	return links->table.refused;
}

/* --- Routes ------------------------------------------------------------------------------------- */

static int see_route(const struct nlmsghdr *message, void *userdata)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	bool *found = userdata;

	if (message->nlmsg_type == RTM_NEWROUTE &&
	    message->nlmsg_len >= NLMSG_LENGTH(sizeof(*route)) && route->rtm_dst_len == 0 &&
	    route->rtm_type == RTN_UNICAST)
		*found = true;
	return 0;
}

/* The kernel picks the routes of the interface and the table: there may be a million others. */
static int find_default_route(uint8_t family, uint32_t index, bool *found)
{
	const struct {
		struct rtmsg route;
		struct nlattr attr;
		uint32_t index;
	} body = {
		.route = {.rtm_family = family, .rtm_table = RT_TABLE_MAIN},
		.attr = {.nla_type = RTA_OIF, .nla_len = NLA_HDRLEN + sizeof(index)},
		.index = index,
	};
	_cleanup_close_ int fd = -1;
	int one = 1, r = me_netlink_open(-1, NETLINK_ROUTE, 0, &fd);

	if (r)
		return r;
	if (setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one)))
		return -errno;
	for (int i = 0; i < ATTEMPTS; i++) {
		*found = false;
		r = me_netlink_dump(fd, RTM_GETROUTE, &body, sizeof(body), see_route, found);
		if (r != -EAGAIN)
			break;
	}
	/* There is no such interface, table or family. */
	return r == -ENODEV || r == -ENOENT || r == -EOPNOTSUPP || r == -EAFNOSUPPORT ? 0 : r;
}

int me_links_default_route(uint32_t index)
{
	bool found = false;
	int r = find_default_route(AF_INET, index, &found);

	if (!r && !found)
		r = find_default_route(AF_INET6, index, &found);
	return r ? r : found;
}

/* --- Nesting ------------------------------------------------------------------------------------ */

static size_t position(const struct me_link *links, size_t n, uint32_t index)
{
	const struct me_link *link = index ? find(links, n, index) : NULL;

	return link ? (size_t)(link - links) : n;
}

/* Marks what the packets of the marked ones go on to: what lies upon them, and what they are ports of. */
static void mark_above(const struct me_link *links, size_t n, bool *marked)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < n; i++) {
			size_t lower = position(links, n, links[i].lower);
			size_t master = position(links, n, links[i].master);

			if (!marked[i] && lower < n && marked[lower])
				marked[i] = more = true;
			if (marked[i] && master < n && !marked[master])
				marked[master] = more = true;
		}
	}
}

int me_links_nested(const struct me_link *links, size_t n, const uint32_t *wanted, size_t n_wanted,
		    uint32_t *ret_lower, uint32_t *ret_upper)
{
	_cleanup_free_ bool *marked = calloc(n + 1, sizeof(*marked));

	if (!marked)
		return -ENOMEM;
	for (size_t i = 0; i < n_wanted; i++) {
		size_t from = position(links, n, wanted[i]);

		if (from == n)
			continue;
		memset(marked, 0, n * sizeof(*marked));
		marked[from] = true;
		mark_above(links, n, marked);
		for (size_t j = 0; j < n_wanted; j++) {
			size_t to = position(links, n, wanted[j]);

			if (to == n || to == from || !marked[to])
				continue;
			*ret_lower = wanted[i];
			*ret_upper = wanted[j];
			return 1;
		}
	}
	return 0;
}
