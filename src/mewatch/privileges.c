/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include "base/cleanup.h"

/* All of them are needed all the time: a reload attaches, and a sweep enters namespaces. */
static const unsigned int needed[] = {
	CAP_BPF,             /* programs and maps */
	CAP_NET_ADMIN,       /* attach them; list the sockets of others */
	CAP_PERFMON,         /* programs that read packets and fields of the kernel */
	CAP_DAC_READ_SEARCH, /* bpffs; a cgroup by its id; whose a socket is */
	CAP_SYS_PTRACE,      /* the program and the namespaces of others' processes */
	CAP_SYS_ADMIN,       /* enter network namespaces */
	/* As root, files in a folder of somebody else; the service does without. */
	CAP_DAC_OVERRIDE,
};

static bool is_needed(unsigned int capability)
{
	for (size_t i = 0; i < ME_ARRAY_SIZE(needed); i++)
		if (needed[i] == capability)
			return true;
	return false;
}

/* Whether there is anything to give up: the service is started with nothing else, and may not set any. */
static bool has_others(bool may_bound)
{
	const unsigned int sets[] = {CAPNG_PERMITTED, CAPNG_INHERITABLE, CAPNG_BOUNDING_SET};

	for (size_t i = 0; i < ME_ARRAY_SIZE(sets) - !may_bound; i++)
		for (unsigned int capability = 0; capability <= CAP_LAST_CAP; capability++)
			if (capng_have_capability(sets[i], capability) && !is_needed(capability))
				return true;
	return false;
}

int me_privileges_drop(void)
{
	bool held[ME_ARRAY_SIZE(needed)], may_bound;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (capng_get_caps_process())
		return -EIO;
	may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	if (!has_others(may_bound))
		return 0;
	for (size_t i = 0; i < ME_ARRAY_SIZE(needed); i++)
		held[i] = capng_have_capability(CAPNG_PERMITTED, needed[i]);
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < ME_ARRAY_SIZE(needed); i++)
		if (held[i])
			capng_update(CAPNG_ADD,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
				     needed[i]);
	/* Without CAP_SETPCAP the bounding set stays, and is of no use without new privileges. */
	return capng_apply(may_bound ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT)
		       ? -EPERM
		       : 0;
}

int me_privileges_missing(char *out, size_t size)
{
	int n = 0;
	size_t length = 0;

	if (capng_get_caps_process())
		return -EIO;
	*out = '\0';
	for (size_t i = 0; i < ME_ARRAY_SIZE(needed); i++) {
		if (needed[i] == CAP_DAC_OVERRIDE ||
		    capng_have_capability(CAPNG_EFFECTIVE, needed[i]))
			continue;
		if (length < size)
			length += snprintf(out + length, size - length, "%s%s", n ? " " : "",
					   capng_capability_to_name(needed[i]));
		n++;
	}
	return n;
}
