/* SPDX-License-Identifier: GPL-2.0-only */
/* Attachments: one pinned link for each hook and cgroup; interfaces are in interface.c. */
#include "kernel/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/text.h"
#include "kernel/handover.h"
#include "kernel/interface.h"
#include "kernel/interface_pins.h"

#define ME_HOOK(hook, attach, program_)                                                            \
	{                                                                                          \
		.name = hook, .type = attach, .program = offsetof(struct host_bpf, progs.program_) \
	}

const struct me_hook me_hooks[ME_HOOKS] = {
	ME_HOOK("sock_create", BPF_CGROUP_INET_SOCK_CREATE, me_sock_create),
	ME_HOOK("sock_release", BPF_CGROUP_INET_SOCK_RELEASE, me_sock_release),
	ME_HOOK("sock_ops", BPF_CGROUP_SOCK_OPS, me_sockops),
	ME_HOOK("ingress", BPF_CGROUP_INET_INGRESS, me_ingress),
	ME_HOOK("egress", BPF_CGROUP_INET_EGRESS, me_egress),
	ME_HOOK("sendmsg4", BPF_CGROUP_UDP4_SENDMSG, me_sendmsg4),
	ME_HOOK("sendmsg6", BPF_CGROUP_UDP6_SENDMSG, me_sendmsg6),
	ME_HOOK("connect4", BPF_CGROUP_INET4_CONNECT, me_connect4),
	ME_HOOK("connect6", BPF_CGROUP_INET6_CONNECT, me_connect6),
};

static int hook_program(const struct me_kernel *kernel, const struct me_hook *hook)
{
	struct bpf_program *const *program =
		(const void *)((const char *)kernel->bpf + hook->program);

	return bpf_program__fd(*program);
}

static int link_path(char out[ME_PIN_PATH_MAX], const char *pins, const char *hook, uint64_t id)
{
	char name[64];

	snprintf(name, sizeof(name), "%s@%llu", hook, (unsigned long long)id);
	return me_pin_path(out, pins, ME_PIN_LINKS, name);
}

/* The link's cgroup; 0: the cgroup is gone and the link dead. */
static int link_cgroup(int fd, uint64_t *ret_id)
{
	struct bpf_link_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return -errno;
	*ret_id = info.cgroup.cgroup_id;
	return 0;
}

/* Takes over a pinned link. -ENOENT: there is none, or it is dead (then its pin is removed). */
static int update_link(const struct me_kernel *kernel, const struct me_hook *hook, const char *path)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	uint64_t id = 0;
	int err;

	if (fd < 0)
		return -errno;
	err = link_cgroup(fd, &id);
	if (err)
		return err;
	if (!id) {
		unlink(path);
		return -ENOENT;
	}
	return bpf_link_update(fd, hook_program(kernel, hook), NULL) ? -errno : 0;
}

static int make_link(const struct me_kernel *kernel, const struct me_hook *hook, int cgroup,
		     const char *path)
{
	_cleanup_close_ int fd =
		bpf_link_create(hook_program(kernel, hook), cgroup, hook->type, NULL);

	if (fd < 0)
		return -errno;
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

/* Detaches at once: a link that is only unpinned goes on for a while. */
static void remove_link(const char *folder, const char *name)
{
	_cleanup_close_ int fd = -1;
	char path[ME_PIN_PATH_MAX];

	if (me_pin_path(path, folder, name, NULL))
		return;
	fd = bpf_obj_get(path);
	if (fd >= 0)
		bpf_link_detach(fd);
	unlink(path);
}

/* Removes the links of cgroups that are not among `ids`, or which are dead. */
static int prune_links(const struct me_kernel *kernel, const uint64_t *ids, size_t n)
{
	char folder[ME_PIN_PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	me_pin_path(folder, kernel->pins, ME_PIN_LINKS, NULL);
	dir = opendir(folder);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		const char *at = strchr(entry->d_name, '@');
		bool wanted = entry->d_name[0] == '.';
		const char *hook;
		uint32_t index;
		uint64_t id = 0;

		if (me_interface_pin(entry->d_name, &index, &hook) ||
		    (at && !me_text_parse_u64(at + 1, 0, UINT64_MAX, &id)))
			continue;
		for (size_t i = 0; i < n && !wanted; i++)
			wanted = id == ids[i];
		if (!wanted)
			remove_link(folder, entry->d_name);
	}
	closedir(dir);
	return 0;
}

/* Updates the attachment, or makes it (*ret_made). */
static int ensure_link(const struct me_kernel *kernel, const struct me_hook *hook, uint64_t id,
		       int cgroup, bool *ret_made)
{
	char path[ME_PIN_PATH_MAX];
	int err = link_path(path, kernel->pins, hook->name, id);

	if (!err)
		err = update_link(kernel, hook, path);
	if (err != -ENOENT)
		return err;
	err = make_link(kernel, hook, cgroup, path);
	*ret_made = !err;
	return err;
}

/* Tells the transit vantage whose flows are seen here. */
static int set_watched(struct me_kernel *kernel, const uint64_t *ids, size_t n)
{
	uint64_t *copy = malloc(n * sizeof(*ids) + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, ids, n * sizeof(*ids));
	free(kernel->watched);
	kernel->watched = copy;
	kernel->n_watched = n;
	return me_transit_watched(kernel);
}

int me_kernel_watch(struct me_kernel *kernel, const uint64_t *ids, const int *fds, size_t n,
		    struct me_why *why)
{
	_cleanup_free_ bool *made = calloc(n * ME_HOOKS + 1, sizeof(*made));
	char path[ME_PIN_PATH_MAX];
	size_t i = 0;
	int err;

	if (!made)
		return me_why(why, -ENOMEM, "out of memory");
	err = me_handover_prepare(kernel, why);
	for (; i < n * ME_HOOKS && !err; i++) {
		const struct me_hook *hook = &me_hooks[i % ME_HOOKS];

		err = ensure_link(kernel, hook, ids[i / ME_HOOKS], fds[i / ME_HOOKS], &made[i]);
		if (err)
			me_why(why, err, "hook %s cannot be attached: %s", hook->name,
			       strerror(-err));
	}
	if (!err) {
		err = prune_links(kernel, ids, n);
		if (!err)
			err = set_watched(kernel, ids, n);
		return err ? me_why(why, err, "%s: %s", kernel->pins, strerror(-err))
			   : me_handover_finish(kernel, why);
	}
	while (i--)
		if (made[i] &&
		    !link_path(path, kernel->pins, me_hooks[i % ME_HOOKS].name, ids[i / ME_HOOKS]))
			unlink(path);
	return err;
}

/* What the pin `name` is; false: no attachment. It is cut at the end of the hook's name. */
static bool read_attachment(const char *pins, char *name, struct me_attachment *ret)
{
	char path[ME_PIN_PATH_MAX];
	char *at = strchr(name, '@');
	uint32_t index = 0;
	uint64_t id = 0;

	*ret = (struct me_attachment){.hook = name, .first = true};
	if (me_interface_pin(name, &index, &ret->hook)) {
		if (!ret->hook)
			return false;
		ret->interface = true;
		ret->id = index;
		me_interface_state(pins, index, ret->hook == me_interface_hooks[1], &ret->alive,
				   &ret->first);
		return true;
	}
	if (at && me_text_parse_u64(at + 1, 0, UINT64_MAX, &ret->id) &&
	    !me_pin_path(path, pins, ME_PIN_LINKS, name)) {
		_cleanup_close_ int fd = bpf_obj_get(path);

		ret->alive = fd >= 0 && !link_cgroup(fd, &id) && id;
		*at = '\0';
		return true;
	}
	return false;
}

int me_attachments_each(const char *pins,
			int (*fn)(const struct me_attachment *attachment, void *userdata),
			void *userdata)
{
	struct me_attachment attachment;
	char folder[ME_PIN_PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	err = me_pin_path(folder, pins, ME_PIN_LINKS, NULL);
	if (err)
		return err;
	dir = opendir(folder);
	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir)))
		if (read_attachment(pins, entry->d_name, &attachment))
			err = fn(&attachment, userdata);
	closedir(dir);
	return err;
}

int me_kernel_running(const char *pins, bool *ret_running)
{
	_cleanup_close_ int fd = open(pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_running = flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
	return 0;
}

void me_pin_remove(const char *folder)
{
	struct dirent *entry;
	DIR *dir = opendir(folder);

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(folder);
}

int me_kernel_detach(const char *pins, struct me_why *why)
{
	_cleanup_close_ int lock = open(pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[ME_PIN_PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int err;

	if (lock < 0)
		return me_why(why, -errno, "%s: %m", pins);
	if (flock(lock, LOCK_EX | LOCK_NB))
		return me_why(why, -EBUSY, "%s: a mewatch runs on these pins; stop it first", pins);
	err = me_interface_prune(pins, NULL, 0);
	if (err && err != -ENOENT)
		return me_why(why, err, "%s: not all interfaces could be detached from: %s", pins,
			      strerror(-err));
	if (!me_pin_path(path, pins, ME_PIN_LINKS, NULL))
		me_pin_remove(path);
	dir = opendir(pins);
	if (!dir)
		return me_why(why, -errno, "%s: %m", pins);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !me_pin_path(path, pins, entry->d_name, NULL))
			me_pin_remove(path);
	closedir(dir);
	if (rmdir(pins))
		return me_why(why, -errno, "%s: cannot be removed: %m", pins);
	return 0;
}
