/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef MEWATCH_VENDOR_LINUX_TCX_H
#define MEWATCH_VENDOR_LINUX_TCX_H

/*
 * What include/uapi/linux/bpf.h of the kernel has for tcx since 6.6 (e420bed02507, 053c8e1f235d) and
 * the headers of Debian 12 have not. Macros, so that newer headers, where these are enumerators, do
 * not collide.
 */
#include <linux/bpf.h>

/* enum bpf_attach_type */
#define BPF_TCX_INGRESS 46
#define BPF_TCX_EGRESS	47

/* enum bpf_link_type */
#define BPF_LINK_TYPE_TCX 11

/* Flags of BPF_LINK_CREATE. With no other program named: before all. */
#define BPF_F_BEFORE (1U << 3)

/* enum tcx_action_base: the values of TC_ACT_UNSPEC, _OK, _SHOT and _REDIRECT. */
#define TCX_NEXT     (-1)
#define TCX_PASS     0
#define TCX_DROP     2
#define TCX_REDIRECT 7

/* The member `tcx` of the union in struct bpf_link_info. */
struct bpf_link_info_tcx {
	__u32 ifindex;
	__u32 attach_type;
};

#endif
