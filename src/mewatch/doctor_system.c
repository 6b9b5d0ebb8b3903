/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch doctor: the policy, and the machine around: names, clock, disk. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include "base/cleanup.h"
#include "base/file.h"
#include "base/inet.h"
#include "mewatch/doctor.h"
#include "mewatch/doctor_parse.h"
#include "policy/system.h"

#define CONFIG_MAX (64u << 10) /* bytes of a file of the system's configuration */
#define FREE_WANTED (64ull << 20)

void me_doctor_policy(struct me_doctor *doctor)
{
	const char *path = doctor->policy_path ?: "the built-in one";

	if (doctor->policy)
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%s: profile %s, %zu rules", path,
			      doctor->policy->profile, doctor->policy->n_rules);
	else
		me_doctor_say(doctor, ME_HEALTH_FAILURE, "mewatch check -c FILE tells them",
			      "%s cannot be used: %zu errors", path, doctor->policy_errors);
}

/* --- Names -------------------------------------------------------------------------------------- */

static bool is_listed(const struct me_resolvers *resolvers, const struct me_addr *address)
{
	for (size_t i = 0; i < resolvers->n_list; i++)
		if (me_addr_equal(&resolvers->list[i].address, address))
			return true;
	return false;
}

/* Servers that programs here ask, and the policy does not let them. */
static size_t say_unlisted(struct me_doctor *doctor, const struct me_system_list *asked)
{
	char address[ME_INET_LEN];
	size_t n = 0;

	if (!doctor->policy || doctor->policy->resolvers.kind != ME_RESOLVERS_LIST)
		return 0;
	for (size_t i = 0; i < asked->n; i++) {
		if (is_listed(&doctor->policy->resolvers, &asked->address[i]))
			continue;
		me_inet_format(asked->address[i].byte, address);
		me_doctor_say(
			doctor, ME_HEALTH_WARNING,
			"put it into `resolvers:`, or the policy's servers into /etc/resolv.conf",
			"%s of /etc/resolv.conf is none of the policy's: its answers teach "
			"nothing, queries are wrong-resolver",
			address);
		n++;
	}
	return n;
}

void me_doctor_resolvers(struct me_doctor *doctor)
{
	struct me_system system;
	bool stub = false;

	if (!doctor->n_cgroups) {
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL,
			      "those of mail hosts behind the interfaces are not known here");
		return;
	}
	me_system_read(&system, "");
	for (size_t i = 0; i < system.resolvers.n; i++)
		stub |= me_addr_kind(&system.resolvers.address[i]) == ME_ADDR_LOOPBACK;
	if (!system.resolvers.n)
		me_doctor_say(doctor, ME_HEALTH_WARNING, "nameserver ADDRESS in /etc/resolv.conf",
			      "/etc/resolv.conf names no server");
	else if (say_unlisted(doctor, &system.resolvers))
		return;
	else if (stub && !system.upstream.n &&
		 (!doctor->policy || doctor->policy->resolvers.kind == ME_RESOLVERS_SYSTEM))
		me_doctor_say(doctor, ME_HEALTH_WARNING,
			      "resolvers: [{stub: ADDRESS, upstream: [ADDRESS]}] in the policy",
			      "a stub on loopback answers, and whom it asks is not known: its own "
			      "queries are wrong-resolver");
	else
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%zu in /etc/resolv.conf%s",
			      system.resolvers.n, stub ? ", a stub on loopback among them" : "");
}

/* Whether systemd-resolved is told to encrypt what it asks. */
static bool is_encrypted(void)
{
	glob_t files = {};
	bool encrypted = false;

	glob("/etc/systemd/resolved.conf", GLOB_NOSORT, NULL, &files);
	glob("/etc/systemd/resolved.conf.d/*.conf", GLOB_APPEND, NULL, &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		_cleanup_free_ char *text = NULL;
		char value[32];
		size_t length;

		if (!me_file_read(files.gl_pathv[i], CONFIG_MAX, &text, &length) &&
		    me_doctor_setting(text, "DNSOverTLS", value, sizeof(value)))
			encrypted = strcasecmp(value, "no") && strcasecmp(value, "false") &&
				    strcasecmp(value, "off") && strcmp(value, "0");
	}
	globfree(&files);
	return encrypted;
}

void me_doctor_nsswitch(struct me_doctor *doctor)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	bool resolve = !me_file_read("/etc/nsswitch.conf", CONFIG_MAX, &text, &length) &&
		       me_doctor_nsswitch_first(text, "resolve");

	if (resolve)
		me_doctor_say(
			doctor, ME_HEALTH_WARNING,
			"take `resolve` out of the line `hosts:`, so that programs ask the stub "
			"by DNS",
			"/etc/nsswitch.conf: names are asked from systemd-resolved over a Unix "
			"socket, where no answer is seen");
	if (is_encrypted())
		me_doctor_say(
			doctor, ME_HEALTH_WARNING, "DNSOverTLS=no in /etc/systemd/resolved.conf",
			"systemd-resolved encrypts its queries: they are not seen, and port 853 "
			"is encrypted-dns");
	else if (!resolve)
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "names are asked by DNS");
}

/* --- Clock and disk ----------------------------------------------------------------------------- */

void me_doctor_clock(struct me_doctor *doctor)
{
	struct timex timex = {};

	if (adjtimex(&timex) < 0 || timex.status & STA_UNSYNC)
		me_doctor_say(doctor, ME_HEALTH_WARNING,
			      "run an NTP client: chrony, or systemd-timesyncd",
			      "it is not kept right: times of events may be wrong, and jump");
	else
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "synchronized");
}

/* The folder, or what is there of the way to it. 0 or a negative errno. */
static int existing(const char *path, char out[PATH_MAX])
{
	struct stat found;

	if (path[0] != '/' || (size_t)snprintf(out, PATH_MAX, "%s", path) >= PATH_MAX)
		return path[0] == '/' ? -ENAMETOOLONG : -EINVAL;
	while (stat(out, &found)) {
		char *slash = strrchr(out, '/');

		if (errno != ENOENT)
			return -errno;
		slash[slash == out] = '\0'; /* "/a" becomes "/", which is always there */
	}
	return S_ISDIR(found.st_mode) ? 0 : -ENOTDIR;
}

/* By making a file without a name, of which nothing is left. */
static int try_to_write(const char *folder)
{
	_cleanup_close_ int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd >= 0)
		return 0;
	if (errno == EOPNOTSUPP) /* not every file system has them */
		return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) ? -errno : 0;
	return -errno;
}

static void check_folder(struct me_doctor *doctor, const char *path, const char *remedy)
{
	char folder[PATH_MAX] = "";
	struct statvfs fs;
	uint64_t left;
	int err = existing(path, folder);

	if (!err)
		err = try_to_write(folder);
	if (!err && statvfs(folder, &fs))
		err = -errno;
	if (err) {
		me_doctor_say(doctor, ME_HEALTH_FAILURE, remedy, "%s: cannot be written: %s", path,
			      strerror(-err));
		return;
	}
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left < FREE_WANTED)
		me_doctor_say(doctor, ME_HEALTH_WARNING, "make room on the file system",
			      "%s: %llu MiB left", path, (unsigned long long)left >> 20);
	else if (fs.f_files && !fs.f_favail)
		me_doctor_say(doctor, ME_HEALTH_WARNING, "remove files from the file system",
			      "%s: no inode left", path);
	else
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%s: can be written, %llu MiB left",
			      path, (unsigned long long)left >> 20);
}

void me_doctor_state(struct me_doctor *doctor)
{
	check_folder(doctor, doctor->state,
		     "make it a folder that the daemon may write; --state names another");
}

/* The folder of the API's socket. */
void me_doctor_run(struct me_doctor *doctor)
{
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", doctor->socket);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	check_folder(doctor, folder,
		     "make it a folder that the daemon may write; --socket names another");
}
