/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/table.h"
#include "policy/compile_blame.h"
#include "policy/compile_columns.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"

/* Slots low..high, inclusive. */
struct range {
	uint32_t low, high;
};

/* What makes a column; compared as bytes. */
struct column_key {
	uint64_t rules[2];
	uint64_t flags;
};

struct sweep {
	/*
	 * A set of rules is the exclusive or of 128-bit numbers, one a rule, so that one pass over
	 * the slots keeps it up to date: `change` is what comes in and goes out at each slot.
	 */
	uint64_t (*change)[2];
	uint16_t *flags;
	uint32_t first_slot[ME_COLUMNS_MAX]; /* of each column, ascending */
};

static struct range range_of(const struct me_ports *ports)
{
	if (!me_proto_has_ports(ports->proto))
		return (struct range){me_slot(ports->proto, 0), me_slot(ports->proto, 0)};
	return (struct range){me_slot(ports->proto, ports->low),
			      me_slot(ports->proto, ports->high)};
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return a->low < b->low ? -1 : a->low > b->low;
}

/* The ports of a rule without overlaps, into `ranges` (room for all); how many. */
static size_t merge_ranges(const struct me_rule *rule, struct range *ranges)
{
	size_t n = 0;

	for (size_t i = 0; i < rule->n_ports; i++)
		ranges[i] = range_of(&rule->ports[i]);
	qsort(ranges, rule->n_ports, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (n && ranges[i].low <= ranges[n - 1].high + 1) {
			if (ranges[i].high > ranges[n - 1].high)
				ranges[n - 1].high = ranges[i].high;
		} else {
			ranges[n++] = ranges[i];
		}
	}
	return n;
}

/* A well-mixed number for each index (the finaliser of splitmix64, Steele and others 2014). */
static uint64_t mix(uint64_t index)
{
	uint64_t z = (index + 1) * 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static void mark(struct sweep *sweep, uint32_t low, uint32_t high, uint16_t flag)
{
	for (uint32_t slot = low; slot <= high; slot++)
		sweep->flags[slot] |= flag;
}

/* What slots are by themselves, and whether some rule in force names their protocol. */
static void mark_slots(struct sweep *sweep, const struct me_policy *policy, uint64_t now)
{
	static const struct {
		uint16_t port, flag;
	} known[] = {
		{53, ME_COLUMN_DNS},
		{853, ME_COLUMN_DOT},
		{443, ME_COLUMN_HTTPS},
	};
	bool named[256] = {false};

	for (size_t i = 0; i < ME_ARRAY_SIZE(known); i++) {
		sweep->flags[ME_SLOT_TCP + known[i].port] |= known[i].flag;
		sweep->flags[ME_SLOT_UDP + known[i].port] |= known[i].flag;
	}
	sweep->flags[ME_SLOT_UDP + 443] |= ME_COLUMN_QUIC;
	for (size_t i = 0; i < policy->n_remoting; i++) {
		struct range range = range_of(&policy->remoting[i]);

		mark(sweep, range.low, range.high, ME_COLUMN_REMOTING);
	}
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];

		for (size_t k = 0; !me_rule_expired(rule, now) && k < rule->n_ports; k++)
			named[rule->ports[k].proto] = true;
	}
	for (unsigned int proto = 0; proto < ME_ARRAY_SIZE(named); proto++) {
		if (named[proto])
			mark(sweep, me_slot((uint8_t)proto, 0),
			     me_slot((uint8_t)proto,
				     me_proto_has_ports((uint8_t)proto) ? 65535 : 0),
			     ME_COLUMN_LISTED);
	}
}

/* Notes where each rule in force comes in and goes out. */
static int mark_rules(struct sweep *sweep, const struct me_policy *policy, uint64_t now)
{
	size_t most = 1;
	_cleanup_free_ struct range *ranges = NULL;

	for (size_t i = 0; i < policy->n_rules; i++)
		most = policy->rules[i].n_ports > most ? policy->rules[i].n_ports : most;
	ranges = calloc(most, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_rules; i++) {
		size_t n = me_rule_expired(&policy->rules[i], now)
				   ? 0
				   : merge_ranges(&policy->rules[i], ranges);

		for (size_t k = 0; k < n; k++) {
			for (unsigned int half = 0; half < 2; half++) {
				sweep->change[ranges[k].low][half] ^= mix(2 * i + half);
				sweep->change[ranges[k].high + 1][half] ^= mix(2 * i + half);
			}
		}
	}
	return 0;
}

/* Gives every slot its column. How many there are, which may be more than fit; or -ENOMEM. */
static int number_slots(struct sweep *sweep, struct me_head *head)
{
	struct me_table *known = me_table_new(sizeof(struct column_key), sizeof(uint32_t), 0);
	struct column_key key = {0};
	uint32_t column = 0;
	int r = known ? 0 : -ENOMEM;

	for (uint32_t slot = 0; r >= 0 && slot < ME_SLOT_COUNT; slot++) {
		bool same = slot && !sweep->change[slot][0] && !sweep->change[slot][1] &&
			    sweep->flags[slot] == key.flags;
		void *value;

		if (!same) {
			key.rules[0] ^= sweep->change[slot][0];
			key.rules[1] ^= sweep->change[slot][1];
			key.flags = sweep->flags[slot];
			r = me_table_put(known, &key, &value);
			if (r == 0) {
				*(uint32_t *)value = (uint32_t)me_table_count(known) - 1;
				if (*(uint32_t *)value < ME_COLUMNS_MAX)
					sweep->first_slot[*(uint32_t *)value] = slot;
			}
			if (r >= 0)
				column = *(uint32_t *)value;
		}
		head->slot[slot] = (uint16_t)column;
	}
	if (r >= 0)
		r = (int)me_table_count(known);
	me_table_free(&known);
	return r;
}

/* The column is covered by a rule iff its first slot is. */
static void cover_range(struct me_cover *cover, const struct sweep *sweep, size_t rule,
			struct range range)
{
	uint64_t *set = cover->bits + rule * cover->words;
	uint32_t from = 0, to = cover->columns;

	while (from < to) {
		uint32_t middle = (from + to) / 2;

		if (sweep->first_slot[middle] < range.low)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < cover->columns && sweep->first_slot[from] <= range.high; from++)
		set[from / 64] |= 1ull << from % 64;
}

static int cover_rules(struct me_cover *cover, const struct sweep *sweep,
		       const struct me_policy *policy, uint64_t now)
{
	cover->words = (cover->columns + 63) / 64;
	cover->bits =
		calloc(policy->n_rules ? policy->n_rules : 1, cover->words * sizeof(*cover->bits));
	if (!cover->bits)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct me_rule *rule = &policy->rules[i];

		for (size_t k = 0; !me_rule_expired(rule, now) && k < rule->n_ports; k++)
			cover_range(cover, sweep, i, range_of(&rule->ports[k]));
	}
	return 0;
}

/* What the columns are: by their slots, and by the entries that cover them, strongest first. */
static void describe(struct me_head *head, const struct sweep *sweep,
		     const struct me_policy *policy, const struct me_entries *entries,
		     const struct me_cover *cover)
{
	bool served[ME_COLUMNS_MAX] = {false};

	for (uint32_t c = 0; c < head->columns; c++) {
		head->column[c].service = ME_SERVICE_UNLISTED;
		head->column[c].flags = sweep->flags[sweep->first_slot[c]];
	}
	for (uint32_t rank = 1; rank < entries->count; rank++) {
		const struct me_entry *entry = &entries->list[rank];
		const struct me_image_source *source = &entries->sources[rank];
		const struct me_rule *rule = &policy->rules[source->rule];
		bool peers = rule->to[source->to].kind == ME_TO_PEERS;

		for (uint32_t c = me_cover_next(cover, source->rule, 0); c < head->columns;
		     c = me_cover_next(cover, source->rule, c + 1)) {
			if (!served[c])
				head->column[c].service = entry->service;
			served[c] = true;
			if (entry->match <= ME_MATCH_SUBTREE)
				head->column[c].flags |= ME_COLUMN_NAMED;
			if (peers)
				head->column[c].flags |= ME_COLUMN_PEERS;
			/* A site may give peers any port; the vendor's are remoting ports. */
			if (peers && rule->from_profile)
				head->column[c].flags |= ME_COLUMN_REMOTING;
		}
	}
}

static int too_many(const struct me_policy *policy, uint64_t now, int columns,
		    struct me_diagnostics *diagnostics)
{
	_cleanup_free_ uint32_t *shares = calloc(policy->n_rules, sizeof(*shares));

	if (!shares)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_rules; i++) {
		if (!me_rule_expired(&policy->rules[i], now))
			shares[i] = (uint32_t)policy->rules[i].n_ports;
	}
	me_compile_blame(diagnostics, policy, shares, "port ranges", "too-many-port-classes",
			 "the ports of the rules fall into %d classes, %u at the most", columns,
			 ME_COLUMNS_MAX);
	return -EINVAL;
}

/* What is done about violations in each column: as me_policy_mode_rule() says of each port. */
static void choose_modes(struct me_head *head, const struct me_policy *policy,
			 const struct me_cover *cover)
{
	uint16_t mode;

	for (uint32_t c = 0; c < head->columns; c++)
		head->column[c].flags |= (uint16_t)(policy->mode << ME_COLUMN_MODE_SHIFT);
	/* The last one first: those before it take its place. An expired one covers nothing. */
	for (uint32_t i = (uint32_t)policy->n_rules; i-- > 0;) {
		if (!policy->rules[i].has_mode)
			continue;
		mode = (uint16_t)(ME_MODE_OWN | policy->rules[i].mode);
		for (uint32_t c = me_cover_next(cover, i, 0); c < head->columns;
		     c = me_cover_next(cover, i, c + 1)) {
			head->column[c].flags &= (uint16_t) ~(ME_MODE_ALL << ME_COLUMN_MODE_SHIFT);
			head->column[c].flags |= (uint16_t)(mode << ME_COLUMN_MODE_SHIFT);
		}
	}
}

int me_compile_columns(const struct me_policy *policy, uint64_t now_epoch_ns,
		       const struct me_entries *entries, struct me_diagnostics *diagnostics,
		       struct me_head *head, struct me_cover *ret_cover)
{
	_cleanup_free_ void *change = calloc(ME_SLOT_COUNT + 1, sizeof(uint64_t[2]));
	_cleanup_free_ uint16_t *flags = calloc(ME_SLOT_COUNT, sizeof(*flags));
	struct sweep sweep = {.change = change, .flags = flags};
	int r;

	if (!change || !flags)
		return -ENOMEM;
	mark_slots(&sweep, policy, now_epoch_ns);
	r = mark_rules(&sweep, policy, now_epoch_ns);
	if (r == 0)
		r = number_slots(&sweep, head);
	if (r < 0)
		return r;
	if ((uint32_t)r > ME_COLUMNS_MAX)
		return too_many(policy, now_epoch_ns, r, diagnostics);
	ret_cover->columns = head->columns = (uint32_t)r;
	r = cover_rules(ret_cover, &sweep, policy, now_epoch_ns);
	if (r == 0)
		describe(head, &sweep, policy, entries, ret_cover);
	if (r == 0)
		choose_modes(head, policy, ret_cover);
	return r;
}

void me_cover_free(struct me_cover *cover)
{
	free(cover->bits);
	*cover = (struct me_cover){0};
}
