/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/sockdiag.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>
#include "base/cleanup.h"
#include "kernel/enter.h"
#include "kernel/listeners.h"
#include "kernel/netlink.h"
#include "kernel/netns.h"

/* include/net/tcp_states.h; the kernel exports these numbers in the UAPI only to BPF. */
enum {
	ESTABLISHED = 1,
	SYN_SENT,
	SYN_RECV,
	FIN_WAIT1,
	FIN_WAIT2,
	TIME_WAIT,
	CLOSE,
	CLOSE_WAIT,
	LAST_ACK,
	LISTEN,
	CLOSING,
};
#define BIT(state) (1u << (state))
#define TCP_FLOWS                                                                                  \
	(BIT(ESTABLISHED) | BIT(SYN_SENT) | BIT(SYN_RECV) | BIT(FIN_WAIT1) | BIT(FIN_WAIT2) |      \
	 BIT(CLOSE_WAIT) | BIT(LAST_ACK) | BIT(CLOSING))
#define FIN_RECEIVED (BIT(CLOSE_WAIT) | BIT(LAST_ACK) | BIT(CLOSING))

static int read_namespace(void *userdata)
{
	struct me_sockdiag *diag = userdata;
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	socklen_t size = sizeof(diag->netns);
	int r = me_netlink_open(-1, NETLINK_SOCK_DIAG, 0, &diag->fd);

	if (r < 0)
		return r;
	if (getsockopt(diag->fd, SOL_SOCKET, SO_NETNS_COOKIE, &diag->netns, &size) < 0)
		return -errno;
	if (!file || fscanf(file, "%hu %hu", &diag->ephemeral_low, &diag->ephemeral_high) != 2)
		return -EIO;
	return 0;
}

int me_sockdiag_open(int ns_fd, struct me_sockdiag *ret_diag)
{
	struct me_sockdiag diag = {.fd = -1};
	int r = ns_fd < 0 ? read_namespace(&diag) : me_enter_netns(ns_fd, read_namespace, &diag);

	if (r < 0) {
		me_closep(&diag.fd);
		return r;
	}
	*ret_diag = diag;
	return 0;
}

static struct me_addr address_of(uint8_t family, const __be32 word[4])
{
	struct me_addr address;

	if (family == AF_INET)
		return me_addr_v4(word[0]);
	memcpy(&address, word, sizeof(address));
	return address;
}

static void add_bytes(struct me_socket *socket, const struct nlattr *attr)
{
	struct tcp_info info = {0};
	size_t size = attr->nla_len - NLA_HDRLEN;

	/* The kernel's struct may be shorter or longer than this one. */
	if (!me_netlink_get(attr, &info, size < sizeof(info) ? size : sizeof(info)))
		return;
	socket->bytes_sent = info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
	socket->bytes_received = info.tcpi_bytes_received;
	/* The peer's FIN is counted as a byte. */
	if (BIT(socket->state) & FIN_RECEIVED && socket->bytes_received > 0)
		socket->bytes_received--;
}

ME_DEFINE_CLEANUP(struct me_table *, me_table_free)

struct listing {
	const struct me_sockdiag *diag;
	uint8_t proto;
	me_socket_fn fn;
	void *userdata;
	struct me_table *listeners; /* what listens, where flows are listed; else NULL */
};

static enum me_direction direction_of(const struct listing *l, const struct me_socket *s)
{
	bool picked; /* the local port is one that the kernel picks for a connect */

	if (!l->listeners)
		return ME_DIRECTION_IN;
	if (s->proto == IPPROTO_TCP && s->state == SYN_SENT)
		return ME_DIRECTION_OUT;
	if (me_listeners_have(l->listeners, s->proto, &s->local, s->sport))
		return ME_DIRECTION_IN;
	picked = s->sport >= l->diag->ephemeral_low && s->sport <= l->diag->ephemeral_high;
	if (picked && s->dport < l->diag->ephemeral_low)
		return ME_DIRECTION_OUT;
	return s->dport < 1024 && s->sport >= 1024 ? ME_DIRECTION_OUT : ME_DIRECTION_UNKNOWN;
}

static int on_message(const struct nlmsghdr *message, void *userdata)
{
	const struct inet_diag_msg *d = NLMSG_DATA(message);
	struct listing *l = userdata;
	struct me_socket s;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*d)))
		return -EBADMSG;
	s = (struct me_socket){
		.cookie = (uint64_t)d->id.idiag_cookie[1] << 32 | d->id.idiag_cookie[0],
		.netns = l->diag->netns,
		.local = address_of(d->idiag_family, d->id.idiag_src),
		.peer = address_of(d->idiag_family, d->id.idiag_dst),
		.inode = d->idiag_inode,
		.uid = d->idiag_uid,
		.sport = ME_NET16(d->id.idiag_sport),
		.dport = ME_NET16(d->id.idiag_dport),
		.proto = l->proto,
		.state = d->idiag_state,
	};
	for (const struct nlattr *a = me_netlink_first(message, sizeof(*d)); a;
	     a = me_netlink_next(message, a)) {
		if (a->nla_type == INET_DIAG_CGROUP_ID)
			me_netlink_get(a, &s.cgroup, sizeof(s.cgroup));
		else if (a->nla_type == INET_DIAG_INFO && s.proto == IPPROTO_TCP)
			add_bytes(&s, a);
	}
	s.direction = direction_of(l, &s);
	return l->fn(&s, l->userdata);
}

static int list(struct listing *l, uint8_t proto, uint32_t states)
{
	static const uint8_t family[] = {AF_INET, AF_INET6};
	int r = 0;

	l->proto = proto;
	for (size_t i = 0; i < ME_ARRAY_SIZE(family) && r == 0; i++) {
		const struct inet_diag_req_v2 request = {
			.sdiag_family = family[i],
			.sdiag_protocol = proto,
			.idiag_ext = BIT(INET_DIAG_INFO - 1),
			.idiag_states = states,
		};

		r = me_netlink_dump(l->diag->fd, SOCK_DIAG_BY_FAMILY, &request, sizeof(request),
				    on_message, l);
	}
	return r;
}

int me_sockdiag_listeners(const struct me_sockdiag *diag, me_socket_fn fn, void *userdata)
{
	struct listing l = {.diag = diag, .fn = fn, .userdata = userdata};
	int r = list(&l, IPPROTO_TCP, BIT(LISTEN));

	return r ? r : list(&l, IPPROTO_UDP, BIT(CLOSE));
}

static int add_listener(const struct me_socket *socket, void *userdata)
{
	return me_listeners_add(userdata, socket->proto, &socket->local, socket->sport);
}

int me_sockdiag_flows(const struct me_sockdiag *diag, me_socket_fn fn, void *userdata)
{
	_cleanup_(me_table_freep) struct me_table *listeners = me_listeners_new(ME_LISTENERS_MAX);
	struct listing l = {
		.diag = diag,
		.fn = fn,
		.userdata = userdata,
		.listeners = listeners,
	};
	int r;

	if (!listeners)
		return -ENOMEM;
	r = me_sockdiag_listeners(diag, add_listener, listeners);
	if (r < 0)
		return r;
	r = list(&l, IPPROTO_TCP, TCP_FLOWS);
	return r ? r : list(&l, IPPROTO_UDP, BIT(ESTABLISHED));
}

static int has_owner(const struct me_socket *socket, void *userdata)
{
	(void)userdata;
	return socket->inode != 0;
}

int me_sockdiag_in_use(const struct me_sockdiag *diag)
{
	struct listing l = {.diag = diag, .fn = has_owner};
	int r = list(&l, IPPROTO_TCP, TCP_FLOWS | BIT(LISTEN));

	return r ? r : list(&l, IPPROTO_UDP, BIT(CLOSE) | BIT(ESTABLISHED));
}

int me_sockdiag_each(const struct me_netns *netns,
		     int (*list_fn)(const struct me_sockdiag *diag, me_socket_fn fn,
				    void *userdata),
		     me_socket_fn fn, void *userdata)
{
	uint64_t cookie;
	size_t cursor = 0;
	int err = 0;

	while (!err && me_netns_next(netns, &cursor, &cookie)) {
		_cleanup_close_ int ns = -1;
		struct me_sockdiag diag;

		if (me_netns_open(netns, cookie, &ns) || me_sockdiag_open(ns, &diag))
			continue;
		err = list_fn(&diag, fn, userdata);
		close(diag.fd);
	}
	return err;
}
