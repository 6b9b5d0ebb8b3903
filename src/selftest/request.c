/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/request.h"

#include <string.h>
#include "base/cleanup.h"
#include "kernel/netlink.h"

struct me_request me_request(uint16_t type, const void *body, size_t size)
{
	struct me_request request = {.head = {.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type}};

	memcpy(NLMSG_DATA(&request.head), body, size);
	return request;
}

struct nlattr *me_request_put(struct me_request *request, uint16_t type, const void *data,
			      size_t size)
{
	size_t at = NLMSG_ALIGN(request->head.nlmsg_len);
	struct nlattr *attr = (struct nlattr *)(request->room + at);

	if (at + NLA_HDRLEN + size > ME_REQUEST_ROOM)
		return (struct nlattr *)request->room;
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + size;
	if (size)
		memcpy((char *)attr + NLA_HDRLEN, data, size);
	request->head.nlmsg_len = at + NLA_ALIGN(attr->nla_len);
	return attr;
}

void me_request_close(const struct me_request *request, struct nlattr *attr)
{
	attr->nla_len = request->room + request->head.nlmsg_len - (char *)attr;
}

int me_request_do(struct me_request *request, int protocol, uint16_t flags)
{
	_cleanup_close_ int fd = -1;
	int err = me_netlink_open(-1, protocol, 0, &fd);

	return err ? err : me_netlink_do(fd, &request->head, flags);
}
