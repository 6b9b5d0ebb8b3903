/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch doctor: what the kernel can do and lets us do, and what is attached already. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/feature.h"
#include "kernel/links.h"
#include "kernel/mounts.h"
#include "kernel/tcx.h"
#include "mewatch/doctor.h"
#include "mewatch/doctor_parse.h"
#include "mewatch/privileges.h"

#define FILES_NEEDED 1024 /* descriptors: two for each namespace, and clients */
/* Of the namespaces that the kernel starts with: include/linux/proc_ns.h. */
#define FIRST_CGROUP_NAMESPACE 0xeffffffbu
#define FIRST_PID_NAMESPACE 0xeffffffcu

void me_doctor_capabilities(struct me_doctor *doctor)
{
	char missing[256];
	int n = me_privileges_missing(missing, sizeof(missing));

	if (n < 0)
		me_doctor_say(doctor, ME_HEALTH_WARNING, "mount /proc",
			      "the capabilities of this process cannot be read");
	else if (n)
		me_doctor_say(doctor, ME_HEALTH_FAILURE,
			      "run as root, or give the service these capabilities", "missing: %s",
			      missing);
	else
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "all that watching needs");
}

void me_doctor_programs(struct me_doctor *doctor)
{
	struct me_why why = {};
	size_t n;
	int err = me_feature_load(&n, &why);

	if (!err) {
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL,
			      "the kernel takes all %zu, with their maps; to interfaces by %s", n,
			      me_tcx_supported() ? "tcx" : "clsact");
	} else if (err == -EPERM || err == -EACCES) {
		me_doctor_say(doctor, ME_HEALTH_FAILURE, "run mewatch doctor as root", "%s",
			      why.text);
	} else {
		doctor->lacking = err == -ENOSYS;
		me_doctor_say(doctor, ME_HEALTH_FAILURE,
			      "run a kernel of 6.1 or later with BTF (CONFIG_DEBUG_INFO_BTF) and "
			      "CONFIG_CGROUP_BPF; Debian's are such",
			      "%s", why.text);
	}
}

/* The text of a file of /proc or /sys, cut off at `size`; false: it is not there. */
static bool read_text(const char *path, char *out, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file)
		return false;
	out[fread(out, 1, size - 1, file)] = '\0';
	return true;
}

void me_doctor_lockdown(struct me_doctor *doctor)
{
	char text[128], level[32];

	if (!read_text("/sys/kernel/security/lockdown", text, sizeof(text)) ||
	    !me_doctor_lockdown_level(text, level, sizeof(level)))
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL,
			      "this kernel has none, or none is visible");
	else if (!strcmp(level, "confidentiality"))
		me_doctor_say(
			doctor, ME_HEALTH_FAILURE,
			"boot with lockdown=integrity: programs must read fields of the kernel",
			"%s", level);
	else
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%s", level);
}

void me_doctor_unprivileged(struct me_doctor *doctor)
{
	char text[16];

	if (read_text("/proc/sys/kernel/unprivileged_bpf_disabled", text, sizeof(text)) &&
	    text[0] == '0')
		me_doctor_say(doctor, ME_HEALTH_WARNING,
			      "sysctl kernel.unprivileged_bpf_disabled=1",
			      "any user may load BPF programs");
	else
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "users may not load BPF programs");
}

void me_doctor_limits(struct me_doctor *doctor)
{
	struct rlimit files = {.rlim_cur = RLIM_INFINITY};

	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < FILES_NEEDED)
		me_doctor_say(doctor, ME_HEALTH_WARNING,
			      "LimitNOFILE=1024 in the service, or ulimit -n",
			      "%llu open files, %u may be needed",
			      (unsigned long long)files.rlim_cur, FILES_NEEDED);
	else
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%llu open files",
			      (unsigned long long)files.rlim_cur);
}

/* Whether this process is in the namespace that the kernel began with. */
static bool is_first(const char *path, ino_t first)
{
	struct stat found;

	return !stat(path, &found) && found.st_ino == first;
}

void me_doctor_namespaces(struct me_doctor *doctor)
{
	bool cgroup = is_first("/proc/self/ns/cgroup", FIRST_CGROUP_NAMESPACE);
	bool pid = is_first("/proc/self/ns/pid", FIRST_PID_NAMESPACE);

	if (!cgroup)
		me_doctor_say(
			doctor, ME_HEALTH_WARNING,
			"run it outside of the container, or with the host's cgroup namespace",
			"this is a cgroup namespace: `/` is only a part of the machine");
	if (!pid)
		me_doctor_say(doctor, ME_HEALTH_WARNING,
			      "run it outside of the container, or with the host's PID namespace",
			      "this is a PID namespace: processes outside of it are not found");
	if (cgroup && pid)
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "those of the machine");
}

static int is_bpffs(const struct me_mount *mount, void *userdata)
{
	return !strcmp(mount->type, "bpf");
}

void me_doctor_pins(struct me_doctor *doctor)
{
	bool running = false;
	size_t n = 0;
	int err = me_feature_older(doctor->pins, &n);

	if (err == -ENOENT && me_mounts_each(is_bpffs, NULL) == 1)
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%s: nothing yet", doctor->pins);
	else if (err == -ENOENT)
		me_doctor_say(doctor, ME_HEALTH_WARNING, "mount -t bpf bpf " ME_BPFFS,
			      "no BPF file system is mounted: the start mounts one");
	else if (err || (err = me_kernel_running(doctor->pins, &running)))
		me_doctor_say(doctor, ME_HEALTH_FAILURE, "run mewatch doctor as the daemon's user",
			      "%s: %s", doctor->pins, strerror(-err));
	else if (n)
		me_doctor_say(
			doctor, ME_HEALTH_WARNING,
			running ? "restart the daemon: it is of another version than this command"
				: "start the daemon, which takes them over; or mewatch detach",
			"%s: maps of another version (%zu)", doctor->pins, n);
	else
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%s: a daemon %s", doctor->pins,
			      running ? "runs" : "was here, what it attached goes on counting");
}

struct seen {
	struct me_doctor *doctor;
	size_t good, bad;
};

static int see_attachment(const struct me_attachment *attachment, void *userdata)
{
	struct seen *seen = userdata;
	char name[IF_NAMESIZE], target[64];

	snprintf(target, sizeof(target), "cgroup %llu", (unsigned long long)attachment->id);
	if (attachment->interface)
		me_link_name(attachment->id, name);
	if (attachment->alive && attachment->first) {
		seen->good++;
		return 0;
	}
	seen->bad++;
	if (!attachment->alive)
		me_doctor_say(seen->doctor, ME_HEALTH_FAILURE,
			      "restart the daemon, which attaches anew", "%s of %s is detached",
			      attachment->hook, attachment->interface ? name : target);
	else
		me_doctor_say(seen->doctor, ME_HEALTH_WARNING,
			      "restart the daemon, which comes first again; see: bpftool net",
			      "%s of %s: another program sees the packets before", attachment->hook,
			      attachment->interface ? name : target);
	return 0;
}

void me_doctor_attached(struct me_doctor *doctor)
{
	struct seen seen = {.doctor = doctor};
	int err = me_attachments_each(doctor->pins, see_attachment, &seen);

	if (err && err != -ENOENT)
		me_doctor_say(doctor, ME_HEALTH_WARNING, "run mewatch doctor as root", "%s: %s",
			      doctor->pins, strerror(-err));
	else if (!seen.good && !seen.bad)
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "nothing yet");
	else if (!seen.bad)
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%zu programs, all alive", seen.good);
}
