/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/tcx.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <bpf/bpf.h>
#include "base/cleanup.h"
#include "vendor/linux/tcx.h"

#define LOOPBACK 1      /* interface index, in every network namespace */
#define PROGRAMS_MAX 64 /* BPF_MPROG_MAX, include/linux/bpf_mprog.h */

static enum bpf_attach_type direction(bool egress)
{
	return (enum bpf_attach_type)(egress ? BPF_TCX_EGRESS : BPF_TCX_INGRESS);
}

/* A kernel without tcx does not know the attach type; one with it may say that nothing is attached. */
bool me_tcx_supported(void)
{
	uint32_t n = 0;

	return !bpf_prog_query(LOOPBACK, direction(false), 0, NULL, NULL, &n) || errno != EINVAL;
}

int me_tcx_attach(int program, uint32_t interface, bool egress, int *ret_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = BPF_F_BEFORE);
	int fd = bpf_link_create(program, (int)interface, direction(egress), &opts);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int link_info(int fd, struct bpf_link_info *ret_info, struct bpf_link_info_tcx *ret_tcx)
{
	uint32_t length = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	if (bpf_obj_get_info_by_fd(fd, ret_info, &length))
		return -errno;
	/* Of a program or a map the first word is its type, too: none of tc has this number. */
	if (ret_info->type != BPF_LINK_TYPE_TCX)
		return -EMEDIUMTYPE;
	memcpy(ret_tcx, (const char *)ret_info + offsetof(struct bpf_link_info, xdp),
	       sizeof(*ret_tcx));
	return 0;
}

int me_tcx_info(int fd, uint32_t *ret_interface)
{
	struct bpf_link_info_tcx tcx;
	struct bpf_link_info info;
	int err = link_info(fd, &info, &tcx);

	if (!err)
		*ret_interface = tcx.ifindex;
	return err;
}

int me_tcx_place(int fd, uint32_t interface, bool egress, uint32_t *ret_place)
{
	uint32_t ids[PROGRAMS_MAX] = {}, n = PROGRAMS_MAX;
	struct bpf_link_info_tcx tcx;
	struct bpf_link_info info;
	int err = link_info(fd, &info, &tcx);

	if (err)
		return err;
	if (bpf_prog_query((int)interface, direction(egress), 0, NULL, ids, &n))
		return -errno;
	if (tcx.ifindex != interface)
		return -ENOENT;
	for (uint32_t i = 0; i < n; i++) {
		if (ids[i] != info.prog_id)
			continue;
		*ret_place = i;
		return 0;
	}
	return -ENOENT;
}

int me_tcx_blank(int *ret_program)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TCX_NEXT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "me_blank", "GPL", code,
			       ME_ARRAY_SIZE(code), NULL);

	if (fd < 0)
		return -errno;
	*ret_program = fd;
	return 0;
}
