/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes are a DNS message or none; what is read of them is what a plain reader finds, which knows
 * neither places nor bounds of work, and does not depend on what was in memory before.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "mewatch/dns_use.h"

/* Beyond that the bound on owners that are compared may be met. */
#define PLAIN_RECORDS (ME_DNS_EXPANDED_MAX / ME_DNS_PASSES_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* --- The plain reader ---------------------------------------------------------------------------- */

struct plain_name {
	size_t length; /* 0: unreadable */
	uint8_t wire[256];
};

struct plain_record {
	struct plain_name owner;
	unsigned int type, class, size;
	uint32_t ttl;
	size_t at; /* of the data */
	bool answer;
};

struct plain_link {
	struct plain_name name;
	uint32_t ttl;
};

struct plain {
	size_t n_records, n_chain, n_addresses, others;
	bool malformed, grown;
	struct plain_record records[PLAIN_RECORDS];
	struct plain_link chain[PLAIN_RECORDS + 1];
	struct me_dns_address addresses[PLAIN_RECORDS];
};

static unsigned int word(const uint8_t *data, size_t at)
{
	return data[at] * 256u + data[at + 1];
}

/* The name at `at`; where it ends is *ret_end, unless it is unreadable. */
static struct plain_name plain_name(const uint8_t *data, size_t size, size_t at, size_t *ret_end)
{
	static const struct plain_name none;
	struct plain_name name = {.length = 0};
	size_t start = at, end = 0;

	for (;;) {
		size_t n;

		if (at >= size)
			return none;
		n = data[at];
		if (n >= 0xc0) {
			if (at + 2 > size)
				return none;
			n = (n - 0xc0) * 256 + data[at + 1];
			end = end ? end : at + 2;
			if (n >= start)
				return none;
			at = start = n;
			continue;
		}
		if (n > 63 || at + 1 + n > size || name.length + 1 + n > 255)
			return none;
		name.wire[name.length++] = (uint8_t)n;
		for (size_t i = 1; i <= n; i++) {
			uint8_t c = data[at + i];

			name.wire[name.length++] = c >= 'A' && c <= 'Z' ? c + 32 : c;
		}
		at += 1 + n;
		if (!n)
			break;
	}
	*ret_end = end ? end : at;
	return name;
}

/* Behind the name at `at`, readable or not; 0: there is no end. */
static size_t plain_skip(const uint8_t *data, size_t size, size_t at)
{
	for (int labels = 0; labels < 255 && at < size; labels++) {
		if (data[at] >= 0xc0)
			return at + 2;
		if (!data[at])
			return at + 1;
		if (data[at] > 63)
			return 0;
		at += 1 + data[at];
	}
	return 0;
}

/* Reads the records. False: there are too many for this reader. */
static bool plain_records(struct plain *plain, const uint8_t *data, size_t size, size_t at)
{
	size_t n = word(data, 6) + word(data, 8) + word(data, 10);

	for (size_t i = 0; i < n; i++) {
		struct plain_record *r = &plain->records[i];
		size_t end = plain_skip(data, size, at), ignored;

		if (!end || end + 10 > size || end + 10 + word(data, end + 8) > size) {
			plain->malformed = true;
			return true;
		}
		if (i == PLAIN_RECORDS)
			return false;
		r->owner = plain_name(data, size, at, &ignored);
		r->type = word(data, end);
		r->class = word(data, end + 2);
		r->ttl = word(data, end + 4) * 65536u + word(data, end + 6);
		r->ttl = r->ttl >= 0x80000000u ? 0 : r->ttl;
		r->size = word(data, end + 8);
		r->at = end + 10;
		r->answer = i < word(data, 6);
		at = r->at + r->size;
		plain->n_records++;
	}
	return true;
}

static const struct plain_link *plain_find(const struct plain *plain, const struct plain_name *name)
{
	for (size_t i = 0; i < plain->n_chain && name->length; i++) {
		const struct plain_name *known = &plain->chain[i].name;

		if (known->length == name->length && !memcmp(known->wire, name->wire, name->length))
			return &plain->chain[i];
	}
	return NULL;
}

static void plain_take(struct plain *plain, const struct plain_record *r, const uint8_t *data,
		       size_t size, bool *strays)
{
	bool is_address = (r->type == 1 && r->size == 4) || (r->type == 28 && r->size == 16);
	const struct plain_link *owner = plain_find(plain, &r->owner);
	uint32_t ttl = owner && owner->ttl < r->ttl ? owner->ttl : r->ttl;

	if (r->class != 1 || (!is_address && (r->type != 5 || !r->answer)))
		return;
	if (!owner) {
		*strays = true;
		plain->others += is_address;
	} else if (is_address && r->answer) {
		struct me_dns_address *address = &plain->addresses[plain->n_addresses++];

		*address = (struct me_dns_address){.ttl = ttl};
		if (r->size == 4)
			memset(address->address.byte + 10, 0xff, 2);
		memcpy(address->address.byte + 16 - r->size, data + r->at, r->size);
	} else if (r->type == 5 && r->answer) {
		size_t end = 0;
		struct plain_name target = plain_name(data, size, r->at, &end);

		if (!target.length || end != r->at + r->size) {
			plain->malformed = true;
		} else if (!plain_find(plain, &target)) {
			plain->chain[plain->n_chain++] =
				(struct plain_link){.name = target, .ttl = ttl};
			plain->grown |= *strays;
		}
	}
}

/* Reads the message again. False: it is too large for this reader. */
static bool plain_read(struct plain *plain, const uint8_t *data, size_t size)
{
	size_t end = 0;
	bool malformed;

	plain->n_records = 0;
	plain->malformed = false;
	plain->chain[0].name = plain_name(data, size, 12, &end);
	plain->chain[0].ttl = UINT32_MAX;
	plain->n_chain = 1;
	if (!plain_records(plain, data, size, end + 4))
		return false;
	malformed = plain->malformed;
	for (unsigned int pass = 0; pass < ME_DNS_PASSES_MAX; pass++) {
		bool strays = false;

		plain->malformed = malformed;
		plain->grown = false;
		plain->n_addresses = plain->others = 0;
		for (size_t i = 0; i < plain->n_records; i++)
			plain_take(plain, &plain->records[i], data, size, &strays);
		if (!plain->grown)
			break;
	}
	return plain->n_chain <= ME_DNS_CHAIN_MAX;
}

/* --- What must hold ------------------------------------------------------------------------------ */

static void compare(const struct me_dns *dns, const struct plain *plain)
{
	check(dns->n_chain == plain->n_chain);
	check(dns->n_addresses == plain->n_addresses);
	check(dns->other_names == plain->others);
	check(dns->malformed == plain->malformed);
	check(!dns->too_many);
	for (size_t i = 0; i < plain->n_chain; i++) {
		check(dns->chain[i].name.length == plain->chain[i].name.length);
		check(!memcmp(dns->chain[i].name.wire, plain->chain[i].name.wire,
			      dns->chain[i].name.length));
		check(dns->chain[i].ttl == plain->chain[i].ttl);
	}
	for (size_t i = 0; i < plain->n_addresses; i++) {
		check(dns->address[i].ttl == plain->addresses[i].ttl);
		check(me_addr_equal(&dns->address[i].address, &plain->addresses[i].address));
	}
}

static void check_name(const struct me_name *name, uint16_t type)
{
	static const struct me_named nothing;
	struct me_name bare = {.length = name->length, .labels = name->labels}, again;
	char text[ME_NAME_TEXT_MAX];

	check(name->length >= 1 && name->length <= ME_NAME_MAX && !name->wire[name->length - 1]);
	me_name_to_text(name, text);
	check(strlen(text) < sizeof(text));
	for (const char *c = text; *c; c++)
		check(*c > ' ' && *c < 127 && !(*c >= 'A' && *c <= 'Z'));
	if (*text && !strchr(text, '\\')) {
		check(!me_name_from_text(text, &again));
		check(me_name_equal(name, &again) && again.labels == name->labels);
		check(me_name_hash(name, 0) == me_name_hash(&again, 0));
	}
	memcpy(bare.wire, name->wire, name->length);
	check(me_dns_category(name, type, &nothing) == me_dns_category(&bare, type, &nothing));
	check(me_dns_category(name, type, &nothing) < ME_DNS_CATEGORY_COUNT);
}

static void check_bounds(const struct me_dns *dns)
{
	check(dns->n_chain >= 1 && dns->n_chain <= ME_DNS_CHAIN_MAX);
	check(dns->n_addresses <= ME_DNS_ADDRESSES_MAX);
	check(dns->n_addresses + dns->other_names + dns->too_many <= dns->records);
	check(dns->malformed <= 1 && dns->refuses <= 1);
	for (uint32_t i = 0; i < dns->n_chain; i++) {
		check_name(&dns->chain[i].name, dns->type);
		for (uint32_t j = 0; j < i; j++)
			check(!me_name_equal(&dns->chain[i].name, &dns->chain[j].name));
	}
	for (uint32_t i = 0; i < dns->n_addresses; i++) {
		enum me_refused refused = me_dns_refused(&dns->address[i].address, 0);

		check(dns->address[i].ttl <= INT32_MAX);
		check(refused == ME_REFUSED_COUNT || refused == ME_REFUSED_SPECIAL ||
		      refused == ME_REFUSED_PRIVATE);
	}
}

static void same(const struct me_dns *a, const struct me_dns *b)
{
	check(a->id == b->id && a->flags == b->flags && a->type == b->type);
	check(a->answers == b->answers && a->records == b->records && a->body == b->body);
	check(a->n_addresses == b->n_addresses && a->n_chain == b->n_chain);
	check(a->other_names == b->other_names && a->too_many == b->too_many);
	check(a->malformed == b->malformed && a->refuses == b->refuses);
	for (uint32_t i = 0; i < a->n_addresses; i++)
		check(a->address[i].ttl == b->address[i].ttl &&
		      me_addr_equal(&a->address[i].address, &b->address[i].address));
	for (uint32_t i = 0; i < a->n_chain; i++)
		check(a->chain[i].ttl == b->chain[i].ttl &&
		      me_name_equal(&a->chain[i].name, &b->chain[i].name));
}

/* Reads exactly these bytes, so that a look behind them is seen. */
static int read_over(const uint8_t *data, size_t size, int fill, struct me_dns *dns)
{
	_cleanup_free_ uint8_t *copy = malloc(size);
	int r;

	if (size)
		memcpy(copy, data, size);
	memset(dns, fill, sizeof(*dns));
	r = me_dns_question(copy, (uint32_t)size, dns);
	if (!r)
		me_dns_answers(copy, (uint32_t)size, dns);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct me_dns dns, other;
	static struct plain plain;
	int r = read_over(data, size, 0, &dns);

	check(read_over(data, size, '_', &other) == r);
	if (r)
		return 0;
	same(&dns, &other);
	check_bounds(&other);
	if (plain_read(&plain, data, size))
		compare(&dns, &plain);
	return 0;
}
