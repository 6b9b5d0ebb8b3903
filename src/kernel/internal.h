/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_INTERNAL_H
#define MEWATCH_KERNEL_INTERNAL_H

/* What the files behind kernel.h share. Nobody else sees the skeleton or libbpf. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bpf/host.skel.h"
#include "kernel/kernel.h"

struct me_kernel {
	struct host_bpf *bpf;
	struct ring_buffer *ring;
	struct bpf_link *sync;         /* the iterator over datagram sockets */
	struct bpf_link *sync_streams; /* and over TCP sockets */
	char *pins;
	int lock;
	bool resumed;
	struct me_control *control;
	struct me_endpoint_counts *endpoints;
	uint32_t n_endpoints;
	void *kept;
	size_t kept_size;
	uint64_t *percpu; /* room for all cells of all CPUs */
	size_t n_cpus;
	int (*ring_fn)(const struct me_record *record, void *userdata);
	void *ring_data;
};

/* Formats `why` and returns `err`. */
int me_why(struct me_why *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* PINS/links and PINS/<layout id>, written to `out`. -ENAMETOOLONG. */
#define ME_PIN_PATH_MAX 512
int me_pin_path(char out[ME_PIN_PATH_MAX], const char *pins, const char *folder, const char *name);

/* The program of each hook, by the hook's name in me_hooks. */
struct me_hook {
	const char *name;
	enum bpf_attach_type type;
	size_t program; /* offset in host_bpf of its struct bpf_program * */
};
#define ME_HOOKS 9
extern const struct me_hook me_hooks[ME_HOOKS];

#endif
