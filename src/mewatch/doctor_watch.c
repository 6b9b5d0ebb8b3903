/* SPDX-License-Identifier: GPL-2.0-only */
/* mewatch doctor: what is to be watched, and what would pass it by. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/inet.h"
#include "kernel/cgroup.h"
#include "kernel/feature.h"
#include "kernel/links.h"
#include "kernel/mounts.h"
#include "kernel/netns.h"
#include "kernel/outside.h"
#include "mewatch/doctor.h"

static void free_links(struct me_links **links)
{
	me_links_free(links);
}

/* --- Control groups ----------------------------------------------------------------------------- */

struct group {
	struct me_doctor *doctor;
	const char *path;
	size_t foreign;
};

static int say_foreign(const struct me_foreign *foreign, void *userdata)
{
	struct group *group = userdata;

	group->foreign++;
	me_doctor_say(group->doctor, ME_HEALTH_WARNING,
		      foreign->before
			      ? "whose it is: bpftool cgroup tree; if it rewrites destinations, "
				"the new ones are judged"
			      : "whose it is: bpftool cgroup tree; if it rewrites or denies, "
				"what was asked for is judged",
		      "%s: program %s (id %u) on %s runs %s mewatch's", group->path,
		      *foreign->name ? foreign->name : "without a name", foreign->id, foreign->hook,
		      foreign->before ? "before" : "after");
	return 0;
}

static void check_group(struct me_doctor *doctor, const struct me_cgroups *cgroups,
			const char *path)
{
	struct group group = {.doctor = doctor, .path = path};
	_cleanup_close_ int fd = -1;
	const char *hook = "";
	uint64_t id;
	int err = me_cgroup_open(cgroups, path, &fd, &id);

	if (err) {
		me_doctor_say(doctor, ME_HEALTH_FAILURE,
			      "correct the path, or start the service that it belongs to; "
			      "systemd-cgls shows what there is",
			      "%s: %s", path, strerror(-err));
		return;
	}
	err = me_feature_foreign(doctor->pins, fd, id, say_foreign, &group, &hook);
	if (err == -EINVAL) {
		doctor->lacking = true;
		me_doctor_say(doctor, ME_HEALTH_FAILURE, "run a kernel with CONFIG_CGROUP_BPF",
			      "%s: the kernel has no hook %s", path, hook);
	} else if (err) {
		me_doctor_say(doctor, ME_HEALTH_WARNING, "run mewatch doctor as root",
			      "%s: the programs on %s cannot be listed: %s", path, hook,
			      strerror(-err));
	} else if (!group.foreign) {
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%s: nobody else is on its hooks",
			      path);
	}
}

/* The hierarchy; NULL: said. */
static struct me_cgroups *open_cgroups(struct me_doctor *doctor)
{
	_cleanup_free_ char *mount = NULL;
	struct me_cgroups *cgroups = NULL;
	const char *remedy = NULL;
	int err = me_mounts_cgroup2(&mount, &remedy);

	if (!err)
		err = me_cgroups_new(mount, &cgroups);
	if (err)
		me_doctor_say(doctor, ME_HEALTH_FAILURE,
			      "mount -t cgroup2 none /sys/fs/cgroup, or boot with "
			      "systemd.unified_cgroup_hierarchy=1",
			      "%s", remedy ?: strerror(-err));
	return cgroups;
}

void me_doctor_cgroups(struct me_doctor *doctor)
{
	_cleanup_(me_cgroups_free) struct me_cgroups *cgroups = NULL;

	if (!doctor->n_cgroups) {
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "none is watched");
		return;
	}
	cgroups = open_cgroups(doctor);
	for (size_t i = 0; cgroups && i < doctor->n_cgroups; i++)
		check_group(doctor, cgroups, doctor->cgroups[i]);
}

/* --- Sockets from elsewhere --------------------------------------------------------------------- */

/* Own addresses are of no interest here. */
static void ignore(enum me_netns_event event, const struct me_own_key *own, void *userdata)
{
}

struct outside {
	struct me_socket socket;
	struct me_owner holder;
	size_t n;
};

static void keep_first(const struct me_socket *socket, const struct me_owner *holder,
		       void *userdata)
{
	struct outside *found = userdata;

	if (found->n++)
		return;
	found->socket = *socket;
	found->holder = *holder;
}

/* The paths in normal form; those that are not there are said elsewhere. */
static size_t normalize(const struct me_doctor *doctor, const struct me_cgroups *cgroups,
			char **tops)
{
	size_t n = 0;

	for (size_t i = 0; i < doctor->n_cgroups; i++) {
		_cleanup_close_ int fd = -1;
		uint64_t id;

		if (!me_cgroup_open(cgroups, doctor->cgroups[i], &fd, &id) &&
		    !me_cgroup_normalize(cgroups, doctor->cgroups[i], &tops[n]))
			n++;
	}
	return me_cgroup_reduce(tops, n);
}

static int find_outside(struct me_doctor *doctor, struct me_cgroups *cgroups, char **tops, size_t n,
			struct outside *found)
{
	struct me_outside *outside = me_outside_new();
	struct me_netns *netns = NULL;
	int err = outside ? me_netns_new(ignore, NULL, &netns) : -ENOMEM;

	if (!err)
		err = me_netns_scan(netns);
	if (!err)
		err = me_outside_run(outside, netns, cgroups, (const char *const *)tops, n,
				     keep_first, found);
	me_netns_free(&netns);
	me_outside_free(&outside);
	return err;
}

static void say_outside(struct me_doctor *doctor, int err, const struct outside *found)
{
	char peer[ME_INET_LEN];

	if (err)
		me_doctor_say(doctor, ME_HEALTH_WARNING, "run mewatch doctor as root",
			      "not every process could be looked into: %s", strerror(-err));
	if (found->n) {
		me_inet_format(found->socket.peer.byte, peer);
		me_doctor_say(doctor, ME_HEALTH_WARNING,
			      "restart the program inside of the group; what such a socket sends, "
			      "no hook of the group sees",
			      "%zu sockets were born outside; %s (pid %d) holds one, to %s port %u",
			      found->n, found->holder.comm, (int)found->holder.pid, peer,
			      found->socket.dport);
	} else if (!err) {
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "no socket was born outside");
	}
}

void me_doctor_outside(struct me_doctor *doctor)
{
	_cleanup_(me_cgroups_free) struct me_cgroups *cgroups = NULL;
	_cleanup_free_ char **tops = calloc(doctor->n_cgroups + 1, sizeof(*tops));
	_cleanup_free_ char *mount = NULL;
	struct outside found = {};
	const char *remedy;
	size_t n;
	int err;

	if (!tops || me_mounts_cgroup2(&mount, &remedy) || me_cgroups_new(mount, &cgroups))
		return; /* said where the groups are */
	n = normalize(doctor, cgroups, tops);
	err = n ? find_outside(doctor, cgroups, tops, n, &found) : 0;
	say_outside(doctor, err, &found);
	for (size_t i = 0; i < n; i++)
		free(tops[i]);
}

/* --- Interfaces --------------------------------------------------------------------------------- */

static void check_link(struct me_doctor *doctor, const struct me_link *link)
{
	size_t before = doctor->count[ME_HEALTH_GOOD] + doctor->count[ME_HEALTH_WARNING];
	bool xdp = false;

	if (!link->up)
		me_doctor_say(doctor, ME_HEALTH_WARNING, "ip link set the interface up",
			      "%s is down", link->name);
	if (me_links_default_route(link->index) == 1)
		me_doctor_say(
			doctor, ME_HEALTH_WARNING,
			"watch the interface towards the mail host: here packets are behind NAT",
			"%s has the default route", link->name);
	if (!me_feature_xdp(link->index, &xdp) && xdp)
		me_doctor_say(doctor, ME_HEALTH_WARNING,
			      "see ip link: packets that it takes or sends on are not seen",
			      "%s has an XDP program", link->name);
	if (before == doctor->count[ME_HEALTH_GOOD] + doctor->count[ME_HEALTH_WARNING])
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "%s is there and up", link->name);
}

void me_doctor_interfaces(struct me_doctor *doctor)
{
	_cleanup_(free_links) struct me_links *links = NULL;
	int err;

	if (!doctor->n_interfaces) {
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "none is watched");
		return;
	}
	err = me_links_open(&links);
	if (err)
		me_doctor_say(doctor, ME_HEALTH_FAILURE, "run mewatch doctor as root",
			      "they cannot be listed: %s", strerror(-err));
	for (size_t i = 0; !err && i < doctor->n_interfaces; i++) {
		const struct me_link *link = me_links_by_name(links, doctor->interfaces[i]);

		if (link)
			check_link(doctor, link);
		else
			me_doctor_say(
				doctor, ME_HEALTH_FAILURE,
				"correct the name, or bring it up; ip link shows what there is",
				"%s is not there", doctor->interfaces[i]);
	}
}

void me_doctor_offload(struct me_doctor *doctor)
{
	size_t n = 0;
	int err = me_feature_offload(&n);

	if (n)
		me_doctor_say(doctor, ME_HEALTH_WARNING,
			      "take `flags offload` out of the flowtable: what the hardware "
			      "forwards, no program sees",
			      "%zu flowtables of nft are offloaded to hardware", n);
	else if (err == -EPERM)
		me_doctor_say(doctor, ME_HEALTH_WARNING, "run mewatch doctor as root",
			      "the flowtables of nft cannot be listed");
	else
		me_doctor_say(doctor, ME_HEALTH_GOOD, NULL, "no flowtable in hardware");
}
