/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/interface.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include "base/cleanup.h"
#include "kernel/clsact.h"
#include "kernel/interface_pins.h"
#include "kernel/tcx.h"

/* One direction of one interface. */
struct hook {
	const char *pins;
	uint32_t index;
	bool egress;
	char path[ME_PIN_PATH_MAX];
	char next[ME_PIN_PATH_MAX]; /* the pin of what takes the place of the one at `path` */
};

/* --- Pins --------------------------------------------------------------------------------------- */

static int describe(struct hook *hook, const char *pins, uint32_t index, bool egress)
{
	const char *name = me_interface_hooks[egress];
	int err = me_interface_path(hook->path, pins, name, index, "");

	hook->pins = pins;
	hook->index = index;
	hook->egress = egress;
	return err ? err : me_interface_path(hook->next, pins, name, index, "+");
}

static bool is_link(int fd)
{
	uint32_t index;

	return !me_tcx_info(fd, &index);
}

static uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.id;
}

static uint32_t link_program_id(int fd)
{
	struct bpf_link_info info = {};
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.prog_id;
}

/* The filter that runs the pinned program `fd`. 0, -ENOENT, others. */
static int find_filter(const struct hook *hook, int fd, struct me_clsact_filter *ret_filter)
{
	return me_clsact_find(hook->index, hook->egress, program_id(fd), ret_filter);
}

static int detach_filter(const struct hook *hook, int fd)
{
	struct me_clsact_filter filter;
	int err = find_filter(hook, fd, &filter);

	if (!err)
		err = me_clsact_detach(hook->index, hook->egress, &filter);
	return err == -ENOENT ? 0 : err;
}

/*
 * Detaches what is pinned at `path` and unpins it. 0, also when there is nothing, or an errno. A link
 * that is only unpinned would go on for a while.
 */
static int remove_pin(const struct hook *hook, const char *path)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	int err;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	err = is_link(fd) ? bpf_link_detach(fd) : detach_filter(hook, fd);
	if (!err && unlink(path))
		err = -errno;
	return err;
}

/* --- tcx ---------------------------------------------------------------------------------------- */

static int make_link(const struct hook *hook, int program)
{
	_cleanup_close_ int fd = -1;
	int err = me_tcx_attach(program, hook->index, hook->egress, &fd);

	if (err)
		return err;
	return bpf_obj_pin(fd, hook->path) ? -errno : 0;
}

/* Gives the link `fd`, which is the first, the program and the place of the pinned one. */
static int succeed_link(const struct hook *hook, int fd, int program)
{
	if (bpf_obj_pin(fd, hook->next))
		return -errno;
	if (!bpf_link_update(fd, program, NULL) && !rename(hook->next, hook->path))
		return 0;
	return -errno;
}

/*
 * A link cannot be moved, and making and releasing one takes the kernel a while. So a new link that
 * does nothing is put in front, then it gets the program and the old one gets the one that does
 * nothing: in between packets meet both.
 */
static int move_link(const struct hook *hook, int old, int program)
{
	_cleanup_close_ int blank = -1, fd = -1;
	int err = me_tcx_blank(&blank);

	if (!err)
		err = me_tcx_attach(blank, hook->index, hook->egress, &fd);
	if (!err)
		err = succeed_link(hook, fd, program);
	if (err) {
		remove_pin(hook, hook->next);
		return err;
	}
	bpf_link_update(old, blank, NULL);
	bpf_link_detach(old);
	return 0;
}

static int attach_tcx(const struct hook *hook, int program)
{
	_cleanup_close_ int fd = bpf_obj_get(hook->path);
	uint32_t place = 0;
	int err = fd < 0 ? -errno : me_tcx_place(fd, hook->index, hook->egress, &place);

	/* None, a dead one, one in another namespace, a filter. */
	if (err == -ENOENT || err == -EMEDIUMTYPE) {
		err = remove_pin(hook, hook->path);
		return err ? err : make_link(hook, program);
	}
	if (err)
		return err;
	if (place && link_program_id(fd) != program_id(program) && !move_link(hook, fd, program))
		return 0;
	if (!bpf_link_update(fd, program, NULL))
		return 0;
	return errno == ENOLINK ? -ENODEV : -errno; /* it went just now */
}

/* --- clsact ------------------------------------------------------------------------------------- */

/* Makes the qdisc and notes that it was made here. */
static int make_qdisc(const struct hook *hook)
{
	char path[ME_PIN_PATH_MAX];
	bool made = false;
	int err = me_interface_path(path, hook->pins, ME_INTERFACE_QDISC, hook->index, "");

	if (!err)
		err = me_clsact_make(hook->index, &made);
	if (err || !made || !symlink("made", path) || errno == EEXIST)
		return err;
	err = -errno;
	me_clsact_remove(hook->index);
	return err;
}

static int remove_qdisc(const char *pins, uint32_t index)
{
	char path[ME_PIN_PATH_MAX];
	int err = me_interface_path(path, pins, ME_INTERFACE_QDISC, index, "");

	if (!err && unlink(path))
		return errno == ENOENT ? 0 : -errno;
	if (!err)
		err = me_clsact_remove(index);
	/* The interface or the qdisc is gone, or it is one of another kind by now. */
	return err == -ENODEV || err == -ENOENT || err == -EINVAL ? 0 : err;
}

/* The new program is pinned before it runs, and the old one until it does not. */
static int put_filter(const struct hook *hook, int program, const struct me_clsact_filter *old)
{
	bool move = !old || old->behind;
	int err;

	if (bpf_obj_pin(program, hook->next))
		return -errno;
	err = move ? me_clsact_attach(program, hook->index, hook->egress)
		   : me_clsact_replace(program, hook->index, hook->egress, old);
	if (err) {
		remove_pin(hook, hook->next);
		return err;
	}
	if (rename(hook->next, hook->path))
		return -errno;
	return old && move ? me_clsact_detach(hook->index, hook->egress, old) : 0;
}

static int attach_clsact(const struct hook *hook, int program)
{
	_cleanup_close_ int fd = bpf_obj_get(hook->path);
	struct me_clsact_filter filter;
	int err = fd < 0 ? -errno : 0;

	if (!err && is_link(fd)) {
		err = remove_pin(hook, hook->path);
		if (!err)
			err = -ENOENT;
	} else if (!err) {
		err = find_filter(hook, fd, &filter);
	}
	if (err == -ENOENT) {
		err = make_qdisc(hook);
		return err ? err : put_filter(hook, program, NULL);
	}
	if (err || program_id(fd) == program_id(program))
		return err;
	return put_filter(hook, program, &filter);
}

/* --- Attach and remove -------------------------------------------------------------------------- */

/*
 * Ends an exchange that was cut short. A new link goes again: whether it has the program already or
 * does nothing yet cannot be told, and the old one is still at work. A new filter, where it is in
 * place, stays.
 */
static int recover(const struct hook *hook)
{
	_cleanup_close_ int fd = bpf_obj_get(hook->next);
	struct me_clsact_filter filter;
	int err;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	err = is_link(fd) ? -ENOENT : find_filter(hook, fd, &filter);
	if (err == -ENOENT)
		return remove_pin(hook, hook->next);
	if (!err)
		err = remove_pin(hook, hook->path);
	if (!err && rename(hook->next, hook->path))
		err = -errno;
	return err;
}

static int attach(const char *pins, uint32_t index, bool egress, int program, bool tcx)
{
	struct hook hook;
	int err = describe(&hook, pins, index, egress);

	if (!err)
		err = recover(&hook);
	if (err)
		return err;
	return tcx ? attach_tcx(&hook, program) : attach_clsact(&hook, program);
}

int me_interface_attach(const char *pins, uint32_t index, const int programs[2], bool tcx)
{
	bool alive[2], first;
	int err = 0;

	for (int egress = 0; egress < 2; egress++)
		me_interface_state(pins, index, egress, &alive[egress], &first);
	for (int egress = 0; egress < 2 && !err; egress++)
		err = attach(pins, index, egress, programs[egress], tcx);
	if (err && !alive[0] && !alive[1])
		me_interface_remove(pins, index);
	return err;
}

void me_interface_state(const char *pins, uint32_t index, bool egress, bool *ret_alive,
			bool *ret_first)
{
	struct me_clsact_filter filter = {.first = true};
	_cleanup_close_ int fd = -1;
	uint32_t at = 0, place = 0;
	struct hook hook;

	*ret_alive = *ret_first = false;
	if (describe(&hook, pins, index, egress))
		return;
	fd = bpf_obj_get(hook.path);
	if (fd < 0)
		return;
	if (!me_tcx_info(fd, &at)) {
		*ret_alive = at == index;
		*ret_first = *ret_alive && (me_tcx_place(fd, index, egress, &place) || !place);
		return;
	}
	*ret_alive = find_filter(&hook, fd, &filter) != -ENOENT;
	*ret_first = *ret_alive && filter.first;
}

int me_interface_remove(const char *pins, uint32_t index)
{
	struct hook hook;
	int err = 0;

	for (int egress = 0; egress < 2 && !err; egress++) {
		err = describe(&hook, pins, index, egress);
		if (!err)
			err = remove_pin(&hook, hook.next);
		if (!err)
			err = remove_pin(&hook, hook.path);
	}
	return err ? err : remove_qdisc(pins, index);
}

int me_interface_prune(const char *pins, const uint32_t *wanted, size_t n)
{
	char folder[ME_PIN_PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int first = me_pin_path(folder, pins, ME_PIN_LINKS, NULL);

	if (first)
		return first;
	dir = opendir(folder);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		uint32_t index;
		const char *hook;
		bool keep = !me_interface_pin(entry->d_name, &index, &hook);
		int err;

		for (size_t i = 0; i < n && !keep; i++)
			keep = wanted[i] == index;
		err = keep ? 0 : me_interface_remove(pins, index);
		if (err && !first)
			first = err;
	}
	closedir(dir);
	return first;
}
