/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_TCX_H
#define MEWATCH_KERNEL_TCX_H

/*
 * tcx: links of programs to interfaces (kernel 6.6 on; kernel/bpf/tcx.c, mprog.c). An interface has a
 * list of programs for each direction, each of them at most once. Interfaces are those of the calling
 * thread's network namespace.
 */
#include <stdbool.h>
#include <stdint.h>

/* Whether the kernel has it, found by asking. */
bool me_tcx_supported(void);

/*
 * Attaches a tc program in front of all others. *ret_fd is the caller's to pin and close; without a
 * pin the link goes with it. 0; -ENODEV: no such interface; -EEXIST: the program is attached there;
 * -ERANGE: there are 64 programs; -EINVAL: no tcx; others.
 */
int me_tcx_attach(int program, uint32_t interface, bool egress, int *ret_fd);

/*
 * The interface of a link, 0: it is gone and the link dead. 0; -EMEDIUMTYPE: no tcx link; others.
 */
int me_tcx_info(int fd, uint32_t *ret_interface);

/*
 * How many programs are before the link's, which is expected at this interface. 0; -ENOENT: it is not
 * there, but dead or in another namespace; -ENODEV: no such interface; -EMEDIUMTYPE as above.
 */
int me_tcx_place(int fd, uint32_t interface, bool egress, uint32_t *ret_place);

/* Loads a program that does nothing and lets the next one run. 0 or an errno. */
int me_tcx_blank(int *ret_program);

#endif
