/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts for ids: the ledger's view of the registry, of processes and of cgroups. */
#include <string.h>
#include "kernel/cgroup.h"
#include "mewatch/daemon.h"
#include "policy/registry.h"

static const struct me_id_entry *id_get(void *data, enum me_id_kind kind, uint32_t id)
{
	const struct me_daemon *daemon = data;

	return me_registry_get(daemon->registry, kind, id);
}

static const char *service_name(void *data, uint32_t id)
{
	const struct me_id_entry *entry = id_get(data, ME_ID_SERVICE, id);

	return entry ? entry->service : NULL;
}

static const char *endpoint_name(void *data, uint32_t id)
{
	const struct me_id_entry *entry = id_get(data, ME_ID_ENDPOINT, id);

	return entry ? entry->text : NULL;
}

static const char *endpoint_service_name(void *data, uint32_t id)
{
	const struct me_id_entry *entry = id_get(data, ME_ID_ENDPOINT, id);

	return entry ? entry->service : NULL;
}

static const char *rule_name(void *data, uint32_t id)
{
	const struct me_id_entry *entry = id_get(data, ME_ID_RULE, id);

	return entry ? entry->text : NULL;
}

static const char *rule_place(void *data, uint32_t id)
{
	const struct me_id_entry *entry = id_get(data, ME_ID_RULE, id);

	return entry ? entry->at : NULL;
}

static const char *zone_name(void *data, uint32_t id)
{
	const struct me_id_entry *entry = id_get(data, ME_ID_ZONE, id);

	return entry ? entry->text : NULL;
}

static const char *exe_path(void *data, const struct me_proc_key *key)
{
	struct me_daemon *daemon = data;
	const struct me_proc *proc = &daemon->proc;

	if (!me_kernel_proc(daemon->kernel, key, &daemon->proc) || !proc->len ||
	    proc->len > ME_EXE_LEN)
		return NULL;
	memcpy(daemon->exe, proc->exe + ME_EXE_LEN - proc->len, proc->len);
	daemon->exe[proc->len] = '\0';
	return daemon->exe;
}

static const char *cgroup_name(void *data, uint64_t id)
{
	const struct me_daemon *daemon = data;

	return id ? me_cgroup_path(daemon->cgroups, id) : NULL;
}

const struct me_names me_daemon_names = {
	.service = service_name,
	.endpoint = endpoint_name,
	.endpoint_service = endpoint_service_name,
	.rule = rule_name,
	.place = rule_place,
	.zone = zone_name,
	.exe = exe_path,
	.cgroup = cgroup_name,
};
