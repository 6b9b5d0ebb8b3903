/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_BENCH_TCX_H
#define MEWATCH_BENCH_TCX_H

/* Programs on both ways of a device, for as long as this process holds their links. */
#include <linux/bpf.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "work.h"

/* Since Linux 6.6; headers may be older. */
#define TCX_INGRESS 46u
#define TCX_EGRESS 47u
#define TCX_LINKS_MAX 8u

struct tcx {
	int links[TCX_LINKS_MAX];
	size_t n_links;
};

static inline int tcx_bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static inline int tcx_link(int program, const char *device, uint32_t way)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)program;
	attr.link_create.target_ifindex = if_nametoindex(device);
	attr.link_create.attach_type = way;
	fd = tcx_bpf(BPF_LINK_CREATE, &attr);
	if (fd < 0)
		die("tcx link");
	return fd;
}

static inline void tcx_attach(struct tcx *tcx, const char *device, const char *pinned)
{
	union bpf_attr attr;
	int program;

	if (tcx->n_links + 2 > TCX_LINKS_MAX) {
		errno = ENOSPC;
		die("tcx links");
	}
	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uint64_t)(uintptr_t)pinned;
	program = tcx_bpf(BPF_OBJ_GET, &attr);
	if (program < 0)
		die(pinned);
	tcx->links[tcx->n_links++] = tcx_link(program, device, TCX_INGRESS);
	tcx->links[tcx->n_links++] = tcx_link(program, device, TCX_EGRESS);
	close(program);
}

static inline void tcx_detach(struct tcx *tcx)
{
	while (tcx->n_links)
		close(tcx->links[--tcx->n_links]);
}

#endif
