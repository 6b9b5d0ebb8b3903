/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/rows.h"
#include "base/text.h"
#include "export/views.h"

/* constant, name, largest first */
#define FIELD_LIST(X)                                                                              \
	X(ID, "id", 0)                                                                             \
	X(SERVICE, "service", 0)                                                                   \
	X(REASON, "reason", 0)                                                                     \
	X(STATE, "state", 0)                                                                       \
	X(DST, "dst", 0)                                                                           \
	X(DPORT, "dport", 1)                                                                       \
	X(PROTO, "proto", 0)                                                                       \
	X(NAME, "name", 0)                                                                         \
	X(EXE, "exe", 0)                                                                           \
	X(COMM, "comm", 0)                                                                         \
	X(PID, "pid", 1)                                                                           \
	X(UID, "uid", 1)                                                                           \
	X(CGROUP, "cgroup", 0)                                                                     \
	X(HOST, "host", 0)                                                                         \
	X(VANTAGE, "vantage", 0)                                                                   \
	X(COUNT, "count", 1)                                                                       \
	X(FIRST, "first", 1)                                                                       \
	X(LAST, "last", 1)                                                                         \
	X(SERIAL, "serial", 1)

#define PICK_CONSTANT(constant, name, descending) F_##constant,
#define PICK_NAME(constant, name, descending) name,
#define PICK_BIT(constant, name, descending) | (uint64_t)descending << F_##constant
enum { FIELD_LIST(PICK_CONSTANT) F_END };

static const char *const names[] = {FIELD_LIST(PICK_NAME)};

static struct me_value get(const void *item, unsigned int field)
{
	const struct me_item *row = item;
	const struct me_group *group = row->group;
	const struct me_names *n = me_ledger_names(row->ledger);
	const struct me_value none = {0};

	switch (field) {
	case F_ID:
		return me_value_text(group->last_id);
	case F_SERVICE:
		return me_value_text(n->service(n->data, group->key.service));
	case F_REASON:
		return me_value_text(me_reason_label(group->key.reason));
	case F_STATE:
		return me_value_text(me_stage_label(group->key.stage));
	case F_DST:
		return me_value_address(&group->key.dst);
	case F_DPORT:
		return me_proto_has_ports(group->key.proto) ? me_value_number(group->key.dport)
							    : none;
	case F_PROTO:
		return me_value_proto(group->key.proto);
	case F_NAME:
		return me_value_name(me_ledger_text(row->ledger, group->name));
	case F_EXE:
		return me_value_text(me_ledger_text(row->ledger, group->key.exe));
	case F_COMM:
		return me_value_bytes(group->comm, sizeof(group->comm));
	case F_PID:
		return group->tgid ? me_value_number(group->tgid) : none;
	case F_UID:
		return group->tgid ? me_value_number(group->uid) : none;
	case F_CGROUP:
		return me_value_text(me_ledger_text(row->ledger, group->cgroup));
	case F_HOST:
		return me_value_address(&group->key.host);
	case F_VANTAGE:
		return me_value_text(me_vantage_label(group->key.vantage));
	case F_COUNT:
		return me_value_number(group->count);
	case F_FIRST:
		return me_value_time(me_ledger_epoch(row->ledger, group->first_ns));
	case F_LAST:
		return me_value_time(me_ledger_epoch(row->ledger, group->last_ns));
	default:
		return me_value_number(group->serial);
	}
}

/* They are the ledger's; only the parameter is looked at. */
static int check(const struct me_ledger *ledger, const struct me_query *query,
		 struct me_strbuf *error, void **ret_items)
{
	uint64_t since;

	(void)ledger;
	(void)ret_items;
	if (query->since && !me_text_parse_u64(query->since, 0, UINT64_MAX, &since))
		return me_view_invalid(error, "since", query->since, "a serial");
	return 0;
}

static bool next(const struct me_ledger *ledger, const void *items, size_t *cursor,
		 struct me_item *ret_row)
{
	(void)items;
	*ret_row =
		(struct me_item){.ledger = ledger, .group = me_ledger_next_group(ledger, cursor)};
	return ret_row->group;
}

static void more_of_list(const struct me_ledger *ledger, const struct me_query *query,
			 struct me_json *object)
{
	const struct me_group *group;
	uint64_t since, new = 0;

	me_json_set_number(object, "untold", me_ledger_untold(ledger));
	me_json_set_number(object, "serial", me_ledger_group_serial(ledger));
	if (!query->since || !me_text_parse_u64(query->since, 0, UINT64_MAX, &since))
		return;
	for (size_t cursor = 0; (group = me_ledger_next_group(ledger, &cursor));)
		new += group->serial > since;
	me_json_set_number(object, "new", new);
}

const struct me_rows me_rows_violations = {
	.path = "violations",
	.list = "violations",
	.fields = {names, F_END, get},
	.sort = "last",
	.descending = 0 FIELD_LIST(PICK_BIT),
	.identified = true,
	.identity = F_SERIAL,
	.open = check,
	.next = next,
	.more_of_list = more_of_list,
};
