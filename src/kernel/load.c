/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs and maps: loaded, pinned, taken over from an earlier daemon. */
#include "kernel/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "gen/layout.h"
#include "kernel/handover.h"
#include "kernel/mounts.h"
#include "kernel/needs.h"

int me_why(struct me_why *why, int err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	return err;
}

int me_pin_path(char out[ME_PIN_PATH_MAX], const char *pins, const char *folder, const char *name)
{
	int length = snprintf(out, ME_PIN_PATH_MAX, "%s/%s%s%s", pins, folder, name ? "/" : "",
			      name ? name : "");

	return length < ME_PIN_PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* What libbpf says is told only as part of an error: its last warning. */
static char libbpf_text[256];

static int libbpf_print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN && strncmp(format, "libbpf: failed to load object", 29))
		vsnprintf(libbpf_text, sizeof(libbpf_text), format, arguments);
	return 0;
}

void me_load_quiet(void)
{
	libbpf_set_print(libbpf_print);
}

int me_load_failed(struct me_why *why, int err, const char *what)
{
	if (err == -EPERM)
		return me_why(why, err,
			      "%s: not permitted; run as root, or with CAP_BPF, CAP_NET_ADMIN and "
			      "CAP_PERFMON",
			      what);
	if (err == -ENOMEM)
		return me_why(
			why, err,
			"not enough memory for the BPF programs and their maps, of which limits.flows and "
			"limits.learned are the largest; or a control group has a limit for them");
	libbpf_text[strcspn(libbpf_text, "\n")] = '\0';
	return me_why(why, err, "%s: %s (%s)", what, strerror(-err), libbpf_text);
}

static int make_folder(const char *path, struct me_why *why)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return me_why(why, -errno, "%s: cannot be made: %m", path);
	return 0;
}

/* The folders of the pins, and the lock that one daemon holds. */
static int lock_pins(struct me_kernel *kernel, struct me_why *why)
{
	char path[ME_PIN_PATH_MAX];
	const char *remedy = NULL;
	int err;

	if (strlen(kernel->pins) > ME_PIN_PATH_MAX - 128)
		return me_why(why, -ENAMETOOLONG, "--pins: the path is too long");
	err = me_mounts_ensure_bpffs(kernel->pins, &remedy);
	if (err)
		return me_why(why, err, "%s: %s", kernel->pins, remedy ? remedy : strerror(-err));
	me_pin_path(path, kernel->pins, ME_PIN_LINKS, NULL);
	err = make_folder(kernel->pins, why);
	if (!err)
		err = make_folder(path, why);
	if (err)
		return err;
	kernel->lock = open(kernel->pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (kernel->lock < 0)
		return me_why(why, -errno, "%s: %m", kernel->pins);
	if (flock(kernel->lock, LOCK_EX | LOCK_NB))
		return me_why(why, -EBUSY, "%s: another mewatch runs on these pins", kernel->pins);
	return 0;
}

/* Takes over the pinned maps of this layout; libbpf's own stay out of it. */
int me_reuse_maps(struct me_kernel *kernel, struct bpf_object *object, struct me_why *why)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		_cleanup_close_ int fd = -1;
		char path[ME_PIN_PATH_MAX];
		int err;

		if (bpf_map__is_internal(map) || bpf_map__fd(map) >= 0)
			continue;
		err = me_pin_path(path, kernel->pins, ME_LAYOUT_ID, bpf_map__name(map));
		if (err)
			return me_why(why, err, "--pins: the path is too long");
		fd = bpf_obj_get(path);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return me_why(why, -errno, "%s: %m", path);
		err = bpf_map__reuse_fd(map, fd);
		if (err)
			return me_why(why, err, "%s: cannot be used: %s", path, strerror(-err));
	}
	return 0;
}

int me_pin_maps(struct me_kernel *kernel, struct bpf_object *object, const char *folder,
		struct me_why *why)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		char path[ME_PIN_PATH_MAX];

		if (bpf_map__is_internal(map) ||
		    me_pin_path(path, kernel->pins, folder, bpf_map__name(map)))
			continue;
		if (bpf_obj_pin(bpf_map__fd(map), path) && errno != EEXIST)
			return me_why(why, -errno, "%s: cannot be pinned: %m", path);
	}
	return 0;
}

/* Sizes apply to maps that are not there yet. */
static void size_maps(struct me_kernel *kernel, const struct me_kernel_options *options)
{
	struct bpf_map *flows = kernel->bpf->maps.me_flows;
	struct bpf_map *endpoints = kernel->bpf->maps.me_endpoints;
	struct bpf_map *learned = kernel->bpf->maps.me_learned;

	bpf_map__set_max_entries(flows, me_handover_entries(kernel, flows, options->flows));
	bpf_map__set_max_entries(endpoints,
				 me_handover_entries(kernel, endpoints, options->endpoints));
	bpf_map__set_max_entries(learned, me_handover_entries(kernel, learned, options->learned));
	bpf_map__set_value_size(kernel->bpf->maps.me_kept, kernel->kept_size);
	bpf_map__set_value_size(kernel->bpf->maps.me_kept_each, kernel->each_size);
	bpf_map__set_max_entries(kernel->bpf->maps.me_kept_each, bpf_map__max_entries(endpoints));
}

/* Maps the whole array `map` of `size` bytes into memory. NULL: errno says why. */
static void *share_map(const struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int share_maps(struct me_kernel *kernel, struct me_why *why)
{
	const struct bpf_map *kept = kernel->bpf->maps.me_kept;
	const struct bpf_map *each = kernel->bpf->maps.me_kept_each;
	const struct bpf_map *endpoints = kernel->bpf->maps.me_endpoints;

	if (bpf_map__value_size(kept) != kernel->kept_size ||
	    bpf_map__value_size(each) != kernel->each_size ||
	    bpf_map__max_entries(each) != bpf_map__max_entries(endpoints))
		return me_why(why, -EPROTO, "%s: pins of another version; run: mewatch detach",
			      kernel->pins);
	kernel->n_endpoints = bpf_map__max_entries(endpoints);
	kernel->control = share_map(kernel->bpf->maps.me_control, sizeof(*kernel->control));
	kernel->endpoints =
		share_map(endpoints, kernel->n_endpoints * sizeof(struct me_endpoint_counts));
	kernel->zones =
		share_map(kernel->bpf->maps.me_zones, ME_ZONES_MAX * sizeof(struct me_zone_counts));
	kernel->kept = share_map(kept, kernel->kept_size);
	kernel->kept_each = share_map(each, kernel->n_endpoints * kernel->each_size);
	if (!kernel->control || !kernel->endpoints || !kernel->zones || !kernel->kept ||
	    !kernel->kept_each)
		return me_why(why, -errno, "%s: maps cannot be shared: %m", kernel->pins);
	return 0;
}

static int ring_record(void *userdata, void *data, size_t size)
{
	struct me_kernel *kernel = userdata;
	const struct me_payload *head = data;

	if (size >= sizeof(*head) && head->kind >= ME_RECORD_ANSWER) {
		if (!kernel->payload_fn || size < sizeof(*head) + head->length)
			return 0;
		return kernel->payload_fn(head, (const uint8_t *)(head + 1), kernel->ring_data);
	}
	return size < sizeof(struct me_record) ? 0 : kernel->ring_fn(data, kernel->ring_data);
}

/* The iterator over the socket storage, the ring, and room to read per-CPU values. */
static int open_readers(struct me_kernel *kernel, struct me_why *why)
{
	union bpf_iter_link_info info = {
		.map = {.map_fd = bpf_map__fd(kernel->bpf->maps.me_socks)},
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	int n_cpus = libbpf_num_possible_cpus();

	if (n_cpus < 0)
		return me_why(why, n_cpus, "the CPUs cannot be counted: %s", strerror(-n_cpus));
	kernel->n_cpus = n_cpus;
	kernel->percpu = calloc((size_t)n_cpus * ME_CELL_COUNT, sizeof(*kernel->percpu));
	if (!kernel->percpu)
		return me_why(why, -ENOMEM, "out of memory");
	kernel->sync = bpf_program__attach_iter(kernel->bpf->progs.me_sync, &opts);
	kernel->sync_streams = bpf_program__attach_iter(kernel->bpf->progs.me_sync_streams, NULL);
	if (!kernel->sync || !kernel->sync_streams)
		return me_load_failed(why, -errno, "the socket iterators");
	kernel->ring =
		ring_buffer__new(bpf_map__fd(kernel->bpf->maps.me_ring), ring_record, kernel, NULL);
	if (!kernel->ring)
		return me_load_failed(why, -errno, "the ring");
	return 0;
}

/*
 * New maps are pinned in a folder that takes its name only when they have what an older layout left,
 * so that a start that is cut short leaves none or all of it.
 */
static int complete_maps(struct me_kernel *kernel, struct me_why *why)
{
	char new[ME_PIN_PATH_MAX], final[ME_PIN_PATH_MAX];
	bool fresh = !kernel->resumed;
	int err;

	me_pin_path(new, kernel->pins, ME_PIN_NEW, NULL);
	me_pin_path(final, kernel->pins, ME_LAYOUT_ID, NULL);
	me_pin_remove(new);
	err = fresh ? make_folder(new, why) : 0;
	if (!err)
		err = me_pin_maps(kernel, kernel->bpf->obj, fresh ? ME_PIN_NEW : ME_LAYOUT_ID, why);
	if (!err)
		err = share_maps(kernel, why);
	if (!err)
		err = me_handover_begin(kernel, why);
	if (!err && fresh && rename(new, final))
		err = me_why(why, -errno, "%s: cannot be made: %m", final);
	if (err && fresh)
		me_pin_remove(new);
	return err;
}

static int load(struct me_kernel *kernel, const struct me_kernel_options *options,
		struct me_why *why)
{
	char folder[ME_PIN_PATH_MAX];
	int err = lock_pins(kernel, why);

	if (err)
		return err;
	if (!me_file_exists("/sys/kernel/btf/vmlinux"))
		return me_why(why, -ENOSYS,
			      "/sys/kernel/btf/vmlinux: this kernel has no BTF; run one built with "
			      "CONFIG_DEBUG_INFO_BTF (Debian's are)");
	kernel->bpf = host_bpf__open();
	if (!kernel->bpf)
		return me_load_failed(why, -errno, "the BPF object");
	me_pin_path(folder, kernel->pins, ME_LAYOUT_ID, NULL);
	kernel->resumed = me_file_exists(folder);
	err = me_handover_find(kernel, why);
	if (err)
		return err;
	size_maps(kernel, options);
	err = me_reuse_maps(kernel, kernel->bpf->obj, why);
	if (err)
		return err;
	err = host_bpf__load(kernel->bpf);
	if (err)
		return me_needs_refused(why, err, "the programs of the host vantage");
	err = complete_maps(kernel, why);
	return err ? err : open_readers(kernel, why);
}

int me_kernel_open(const struct me_kernel_options *options, struct me_kernel **ret_kernel,
		   struct me_why *why)
{
	struct me_kernel *kernel = calloc(1, sizeof(*kernel));
	int err;

	if (!kernel)
		return me_why(why, -ENOMEM, "out of memory");
	why->text[0] = '\0';
	me_load_quiet();
	kernel->lock = -1;
	kernel->kept_size = (options->kept_size + 7) & ~7ul;
	kernel->each_size = options->each_size ? (options->each_size + 7) & ~7ul : 8;
	kernel->pins = strdup(options->pins);
	err = kernel->pins ? load(kernel, options, why) : me_why(why, -ENOMEM, "out of memory");
	if (err) {
		me_kernel_close(&kernel);
		return err;
	}
	*ret_kernel = kernel;
	return 0;
}

void me_kernel_close(struct me_kernel **kernel)
{
	struct me_kernel *k = *kernel;

	if (!k)
		return;
	me_handover_free(k);
	ring_buffer__free(k->ring);
	bpf_link__destroy(k->sync);
	bpf_link__destroy(k->sync_streams);
	if (k->control)
		munmap(k->control, sizeof(*k->control));
	if (k->endpoints)
		munmap(k->endpoints, k->n_endpoints * sizeof(struct me_endpoint_counts));
	if (k->zones)
		munmap(k->zones, ME_ZONES_MAX * sizeof(struct me_zone_counts));
	if (k->kept)
		munmap(k->kept, k->kept_size);
	if (k->kept_each)
		munmap(k->kept_each, k->n_endpoints * k->each_size);
	transit_bpf__destroy(k->transit_raw);
	transit_bpf__destroy(k->transit);
	host_bpf__destroy(k->bpf);
	free(k->watched);
	me_closep(&k->lock);
	free(k->percpu);
	free(k->pins);
	free(k);
	*kernel = NULL;
}

bool me_kernel_resumed(const struct me_kernel *kernel)
{
	return kernel->resumed || kernel->handed;
}

uint32_t me_kernel_flows_max(const struct me_kernel *kernel)
{
	return bpf_map__max_entries(kernel->bpf->maps.me_flows);
}

void *me_kernel_kept(const struct me_kernel *kernel)
{
	return kernel->kept;
}

void *me_kernel_kept_each(const struct me_kernel *kernel)
{
	return kernel->kept_each;
}

struct me_endpoint_counts *me_kernel_endpoints(const struct me_kernel *kernel, uint32_t *ret_n)
{
	*ret_n = kernel->n_endpoints;
	return kernel->endpoints;
}
