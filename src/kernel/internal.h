/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_KERNEL_INTERNAL_H
#define MEWATCH_KERNEL_INTERNAL_H

/* What the files behind kernel.h share. Nobody else sees the skeleton or libbpf. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bpf/host.skel.h"
#include "bpf/transit.skel.h"
#include "kernel/kernel.h"

struct me_older;

struct me_kernel {
	struct host_bpf *bpf;
	struct transit_bpf *transit;     /* NULL until there is an interface for it */
	struct transit_bpf *transit_raw; /* for those without Ethernet headers */
	uint64_t *watched;               /* ids of the cgroups that are watched */
	size_t n_watched;
	struct ring_buffer *ring;
	struct bpf_link *sync;         /* the iterator over datagram sockets */
	struct bpf_link *sync_streams; /* and over TCP sockets */
	char *pins;
	int lock;
	bool resumed;           /* on maps of this layout */
	bool handed;            /* on what another layout left */
	bool clsact;            /* interfaces by clsact, also where there is tcx */
	struct me_older *older; /* the layouts that are not taken over yet */
	struct me_control *control;
	struct me_endpoint_counts *endpoints;
	uint32_t n_endpoints;
	struct me_zone_counts *zones; /* ME_ZONES_MAX */
	void *kept;
	size_t kept_size;
	void *kept_each; /* n_endpoints elements */
	size_t each_size;
	uint64_t *percpu; /* room for all cells of all CPUs */
	size_t n_cpus;
	int (*ring_fn)(const struct me_record *record, void *userdata);
	me_payload_fn *payload_fn;
	void *ring_data;
};

/* Formats `why` and returns `err`. */
int me_why(struct me_why *why, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for what libbpf says. */
int me_load_failed(struct me_why *why, int err, const char *what);
/* libbpf says no more than what me_load_failed() tells of it. */
void me_load_quiet(void);
/* Takes over the pinned maps of this layout for those of `object` that are not there yet. */
int me_reuse_maps(struct me_kernel *kernel, struct bpf_object *object, struct me_why *why);
/* Pins them in PINS/folder. */
int me_pin_maps(struct me_kernel *kernel, struct bpf_object *object, const char *folder,
		struct me_why *why);

/* transit.c */

/* Maps of `object` that `with` has too become those. */
int me_share_maps(struct bpf_object *object, const struct bpf_object *with, struct me_why *why);

/* Loads the programs of the transit vantage, if they are not there; `raw`: those without Ethernet, too. */
int me_transit_load(struct me_kernel *kernel, bool raw, struct me_why *why);
/* The file descriptor of the program for one direction of an interface; -ENOENT: it is not loaded. */
int me_transit_program(const struct me_kernel *kernel, bool egress, bool ethernet);
/* Tells the programs which cgroups are watched: kernel->watched. 0 or a negative errno. */
int me_transit_watched(struct me_kernel *kernel);

/* Runs a syscall program; it writes its answer back into the `size` bytes of its argument. */
int me_program_run(const struct bpf_program *program, void *argument, size_t size);

/* Folders below the pins besides those of the layouts. */
#define ME_PIN_LINKS "links"
#define ME_PIN_NEW "new" /* the maps of this layout until they are complete */

/* PINS/links and PINS/<layout id>, written to `out`. -ENAMETOOLONG. */
#define ME_PIN_PATH_MAX 512
int me_pin_path(char out[ME_PIN_PATH_MAX], const char *pins, const char *folder, const char *name);

/* Removes the pins in one folder, and the folder. */
void me_pin_remove(const char *folder);

/* The program of each hook, by the hook's name in me_hooks. */
struct me_hook {
	const char *name;
	enum bpf_attach_type type;
	size_t program; /* offset in host_bpf of its struct bpf_program * */
};
#define ME_HOOKS 9
extern const struct me_hook me_hooks[ME_HOOKS];

#endif
