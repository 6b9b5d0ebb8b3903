/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/dns_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../seed.h"
#include "base/cleanup.h"
#include "base/inet.h"

#define LABEL63 "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"
#define NAME253                                                                                    \
	LABEL63 "." LABEL63 "." LABEL63 "."                                                        \
		"abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwx"

#define PTR 12u
#define OPT 41u

/* --- Messages are built here ------------------------------------------------------------------- */

enum section { ANSWER = 6, AUTHORITY = 8, ADDITIONAL = 10 }; /* where its count stands */

struct message {
	size_t length;
	uint8_t data[ME_MESSAGE_MAX];
};

static void put8(struct message *m, uint32_t value)
{
	assert_true(m->length < sizeof(m->data));
	m->data[m->length++] = (uint8_t)value;
}

static void put16(struct message *m, uint32_t value)
{
	put8(m, value >> 8);
	put8(m, value);
}

static void put32(struct message *m, uint32_t value)
{
	put16(m, value >> 16);
	put16(m, value);
}

static uint32_t get16(const struct message *m, size_t at)
{
	return (uint32_t)m->data[at] << 8 | m->data[at + 1];
}

static void set16(struct message *m, size_t at, uint32_t value)
{
	m->data[at] = (uint8_t)(value >> 8);
	m->data[at + 1] = (uint8_t)value;
}

static void put_labels(struct message *m, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, ".");

		put8(m, (uint32_t)n);
		for (size_t i = 0; i < n; i++)
			put8(m, (uint8_t)text[i]);
		text += n + (text[n] == '.');
	}
}

/* "" is the root. */
static void put_name(struct message *m, const char *text)
{
	put_labels(m, text);
	put8(m, 0);
}

static void put_pointer(struct message *m, size_t to)
{
	put16(m, 0xc000 | (uint32_t)to);
}

static void begin(struct message *m, uint32_t flags, const char *name, uint32_t type)
{
	m->length = 0;
	put16(m, 0x1234);
	put16(m, flags);
	put16(m, 1);
	put16(m, 0);
	put32(m, 0);
	put_name(m, name);
	put16(m, type);
	put16(m, ME_DNS_IN);
}

/* A record behind an owner that was put already; the data follows. */
static void put_head(struct message *m, enum section section, uint32_t type, uint32_t ttl,
		     uint32_t size)
{
	set16(m, section, get16(m, section) + 1);
	put16(m, type);
	put16(m, ME_DNS_IN);
	put32(m, ttl);
	put16(m, size);
}

/* `owner` NULL: a pointer to the question's name. */
static void put_owner(struct message *m, const char *owner)
{
	if (owner)
		put_name(m, owner);
	else
		put_pointer(m, ME_DNS_HEADER);
}

static void put_address(struct message *m, enum section section, const char *owner,
			const char *text, uint32_t ttl)
{
	uint8_t address[16];
	/* Mapped addresses have colons too: how it is written says what record it is. */
	uint32_t size = strchr(text, ':') ? 16 : 4;

	assert_int_equal(me_inet_parse(text, address), 0);
	put_owner(m, owner);
	put_head(m, section, size == 4 ? ME_DNS_A : ME_DNS_AAAA, ttl, size);
	for (uint32_t i = 16 - size; i < 16; i++)
		put8(m, address[i]);
}

static void put_alias(struct message *m, const char *owner, const char *target, uint32_t ttl)
{
	put_owner(m, owner);
	put_head(m, ANSWER, ME_DNS_CNAME, ttl, (uint32_t)strlen(target) + 2);
	put_name(m, target);
}

/* --- And read ----------------------------------------------------------------------------------- */

/* Reads exactly the first `n` bytes, so that a look behind them is seen, over memory full of `fill`. */
static int read_over(const struct message *m, size_t n, int fill, struct me_dns *dns)
{
	_cleanup_free_ uint8_t *copy = malloc(n);
	int r;

	assert_true(copy || !n);
	if (n)
		memcpy(copy, m->data, n);
	memset(dns, fill, sizeof(*dns));
	r = me_dns_question(copy, (uint32_t)n, dns);
	if (!r)
		me_dns_answers(copy, (uint32_t)n, dns);
	return r;
}

static void check_name(const struct me_name *name)
{
	uint32_t labels = 0, at = 0;

	assert_in_range(name->length, 1, ME_NAME_MAX);
	while (name->wire[at]) {
		uint32_t end = at + name->wire[at] + 1;

		assert_true(name->wire[at] <= 63 && end < name->length);
		while (++at < end)
			assert_false(name->wire[at] >= 'A' && name->wire[at] <= 'Z');
		labels++;
	}
	assert_int_equal(at + 1, name->length);
	assert_int_equal(labels, name->labels);
}

static void same_names(const struct me_name *a, const struct me_name *b)
{
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->labels, b->labels);
	assert_memory_equal(a->wire, b->wire, a->length);
}

static void same_results(const struct me_dns *a, const struct me_dns *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->answers, b->answers);
	assert_int_equal(a->records, b->records);
	assert_int_equal(a->body, b->body);
	assert_int_equal(a->n_addresses, b->n_addresses);
	assert_int_equal(a->n_chain, b->n_chain);
	assert_int_equal(a->other_names, b->other_names);
	assert_int_equal(a->too_many, b->too_many);
	assert_int_equal(a->malformed, b->malformed);
	assert_int_equal(a->refuses, b->refuses);
	for (uint32_t i = 0; i < a->n_chain; i++) {
		same_names(&a->chain[i].name, &b->chain[i].name);
		assert_int_equal(a->chain[i].ttl, b->chain[i].ttl);
	}
	for (uint32_t i = 0; i < a->n_addresses; i++) {
		assert_true(me_addr_equal(&a->address[i].address, &b->address[i].address));
		assert_int_equal(a->address[i].ttl, b->address[i].ttl);
	}
}

/*
 * Reads the first `n` bytes. -1, or 0 and what holds for every message: results are inside their
 * bounds, and do not depend on what was in *dns before.
 */
static int read_part(const struct message *m, size_t n, struct me_dns *dns)
{
	static const int fills[] = {0xff, 0xa5, '_', 1};
	static struct me_dns other;
	int r = read_over(m, n, 0, dns);

	for (size_t i = 0; i < ME_ARRAY_SIZE(fills); i++) {
		assert_int_equal(read_over(m, n, fills[i], &other), r);
		if (!r)
			same_results(dns, &other);
	}
	if (r)
		return r;
	assert_in_range(dns->n_chain, 1, ME_DNS_CHAIN_MAX);
	assert_in_range(dns->n_addresses, 0, ME_DNS_ADDRESSES_MAX);
	assert_in_range(dns->malformed, 0, 1);
	assert_in_range(dns->refuses, 0, 1);
	for (uint32_t i = 0; i < dns->n_chain; i++) {
		check_name(&dns->chain[i].name);
		for (uint32_t j = 0; j < i; j++)
			assert_false(me_name_equal(&dns->chain[i].name, &dns->chain[j].name));
	}
	return 0;
}

static void read_all(const struct message *m, struct me_dns *dns)
{
	assert_int_equal(read_part(m, m->length, dns), 0);
}

static void is_name(const struct me_name *name, const char *text)
{
	char got[ME_NAME_TEXT_MAX];

	me_name_to_text(name, got);
	assert_string_equal(got, text);
}

/* The address `i` of the answer. */
static void has(const struct me_dns *dns, uint32_t i, const char *text, uint32_t ttl)
{
	char got[ME_INET_LEN];

	assert_true(i < dns->n_addresses);
	me_inet_format(dns->address[i].address.byte, got);
	assert_string_equal(got, text);
	assert_int_equal(dns->address[i].ttl, ttl);
}

/* How many addresses, of how many names; of other names; too many; malformed. */
static void counts(const struct me_dns *dns, uint32_t addresses, uint32_t chain, uint32_t others,
		   uint32_t too_many, uint32_t malformed)
{
	assert_int_equal(dns->n_addresses, addresses);
	assert_int_equal(dns->n_chain, chain);
	assert_int_equal(dns->other_names, others);
	assert_int_equal(dns->too_many, too_many);
	assert_int_equal(dns->malformed, malformed);
}

/* --- Questions ---------------------------------------------------------------------------------- */

static void reads_a_question(void **state)
{
	static struct message m;
	static struct me_dns dns;

	(void)state;
	begin(&m, 0x0100, "Db11.SpamCatcher.NET", ME_DNS_AAAA);
	read_all(&m, &dns);
	assert_int_equal(dns.id, 0x1234);
	assert_int_equal(dns.flags, 0x0100);
	assert_int_equal(dns.type, ME_DNS_AAAA);
	assert_int_equal(dns.records, 0);
	assert_int_equal(dns.body, m.length);
	is_name(&dns.chain[0].name, "db11.spamcatcher.net");
	counts(&dns, 0, 1, 0, 0, 0);

	begin(&m, 0x8180, "", ME_DNS_A);
	read_all(&m, &dns);
	is_name(&dns.chain[0].name, "");
	assert_int_equal(dns.chain[0].name.length, 1);
	assert_int_equal(dns.chain[0].name.labels, 0);

	begin(&m, 0x8180, NAME253, ME_DNS_A);
	read_all(&m, &dns);
	is_name(&dns.chain[0].name, NAME253);
	assert_int_equal(dns.chain[0].name.length, 255);

	begin(&m, 0x8180, NAME253 "x", ME_DNS_A);
	assert_int_equal(read_part(&m, m.length, &dns), -1);
}

static void refuses_what_is_no_question(void **state)
{
	static struct message m, good;
	static struct me_dns dns;

	(void)state;
	begin(&good, 0x0100, "a.example", ME_DNS_A);
	for (size_t n = 0; n < good.length; n++)
		assert_int_equal(read_part(&good, n, &dns), -1);
	read_all(&good, &dns);

	for (uint32_t count = 0; count < 4; count++) {
		m = good;
		set16(&m, 4, count);
		assert_int_equal(read_part(&m, m.length, &dns), count == 1 ? 0 : -1);
	}
	for (uint32_t opcode = 0; opcode < 16; opcode++) {
		m = good;
		set16(&m, 2, 0x8180 | opcode << 11);
		assert_int_equal(read_part(&m, m.length, &dns), opcode ? -1 : 0);
	}
	m = good;
	set16(&m, m.length - 2, 3); /* class CH */
	assert_int_equal(read_part(&m, m.length, &dns), -1);
	/* A longer one cannot be; the kernel has no room for it. */
	assert_int_equal(me_dns_question(good.data, ME_MESSAGE_MAX + 1, &dns), -1);
}

static void pointers_lead_back(void **state)
{
	static const uint16_t tails[][2] = {
		{0xc00c, 0},      /* itself */
		{0xc00e, 0xc00c}, /* forth, and back again */
		{0xc00d, 0},      /* forth, into itself */
		{0xffff, 0},      /* far behind */
	};
	static struct message m;
	static struct me_dns dns;

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(tails); i++) {
		begin(&m, 0x0100, "", ME_DNS_A);
		m.length = ME_DNS_HEADER;
		put16(&m, tails[i][0]);
		put16(&m, tails[i][1]);
		put32(&m, ME_DNS_A << 16 | ME_DNS_IN);
		assert_int_equal(read_part(&m, m.length, &dns), -1);
	}
	/* Forth, to a name that could be read. */
	begin(&m, 0x0100, "", ME_DNS_A);
	m.length = ME_DNS_HEADER;
	put_pointer(&m, ME_DNS_HEADER + 6);
	put32(&m, ME_DNS_A << 16 | ME_DNS_IN);
	put_name(&m, "a.example");
	assert_int_equal(read_part(&m, m.length, &dns), -1);
	/* Two labels and a pointer to the first of them. */
	begin(&m, 0x0100, "", ME_DNS_A);
	m.length = ME_DNS_HEADER;
	put_labels(&m, "a.b");
	put_pointer(&m, ME_DNS_HEADER);
	put32(&m, ME_DNS_A << 16 | ME_DNS_IN);
	assert_int_equal(read_part(&m, m.length, &dns), -1);
	/* The types of label that were never used. */
	for (uint32_t top = 0x40; top <= 0x80; top += 0x40) {
		begin(&m, 0x0100, "abc", ME_DNS_A);
		m.data[ME_DNS_HEADER] |= (uint8_t)top;
		assert_int_equal(read_part(&m, m.length, &dns), -1);
	}
}

/* Any number of pointers, as long as the name has an end within its length. */
static void follows_many_pointers(void **state)
{
	static struct message m;
	static struct me_dns dns;
	size_t to = ME_DNS_HEADER;

	(void)state;
	begin(&m, 0x8180, "example", ME_DNS_A);
	for (uint32_t i = 1; i < 100; i++) {
		size_t at = m.length;

		put_labels(&m, "a");
		put_pointer(&m, to);
		put_head(&m, ANSWER, ME_DNS_TXT, 60, 0);
		to = at;
	}
	put_pointer(&m, ME_DNS_HEADER);
	put_head(&m, ANSWER, ME_DNS_CNAME, 60, 2);
	put_pointer(&m, to);
	put_pointer(&m, to);
	put_head(&m, ANSWER, ME_DNS_A, 60, 4);
	put32(&m, 0xc0000201);
	read_all(&m, &dns);
	counts(&dns, 1, 2, 0, 0, 0);
	assert_int_equal(dns.chain[1].name.labels, 100);
}

/* --- Answers ------------------------------------------------------------------------------------ */

static void reads_addresses(void **state)
{
	static struct message m;
	static struct me_dns dns;

	(void)state;
	begin(&m, 0x8180, "update.gfi.com", ME_DNS_A);
	put_address(&m, ANSWER, NULL, "192.0.2.1", 300);
	put_address(&m, ANSWER, "update.gfi.com", "192.0.2.2", 0);
	put_address(&m, ANSWER, "UPDATE.gfi.COM", "2001:db8::1", 0x7fffffff);
	put_address(&m, ANSWER, NULL, "192.0.2.4", 0x80000000); /* RFC 2181, section 8: 0 */
	put_address(&m, ANSWER, NULL, "::ffff:192.0.2.5", 5);
	put_address(&m, ANSWER, NULL, "192.0.2.1", 300);
	read_all(&m, &dns);
	assert_int_equal(dns.answers, 6);
	counts(&dns, 6, 1, 0, 0, 0);
	has(&dns, 0, "192.0.2.1", 300);
	has(&dns, 1, "192.0.2.2", 0);
	has(&dns, 2, "2001:db8::1", 0x7fffffff);
	has(&dns, 3, "192.0.2.4", 0);
	has(&dns, 4, "192.0.2.5", 5);
	assert_true(me_addr_is_v4(&dns.address[4].address));
	has(&dns, 5, "192.0.2.1", 300);
	assert_int_equal(dns.refuses, 0);
}

static void passes_over_other_records(void **state)
{
	static struct message m;
	static struct me_dns dns;
	size_t at;

	(void)state;
	begin(&m, 0x8180, "a.example", ME_DNS_A);
	put_owner(&m, NULL);
	put_head(&m, ANSWER, ME_DNS_TXT, 60, 4);
	put32(&m, 0x03787878);
	/* An A of 16 bytes, an AAAA of 4, an A without any. */
	put_owner(&m, NULL);
	put_head(&m, ANSWER, ME_DNS_A, 60, 16);
	for (int i = 0; i < 4; i++)
		put32(&m, 0);
	put_owner(&m, NULL);
	put_head(&m, ANSWER, ME_DNS_AAAA, 60, 4);
	put32(&m, 0);
	put_owner(&m, NULL);
	put_head(&m, ANSWER, ME_DNS_A, 60, 0);
	/* One of class CH. */
	at = m.length;
	put_address(&m, ANSWER, NULL, "192.0.2.1", 60);
	set16(&m, at + 4, 3);
	put_address(&m, ANSWER, NULL, "192.0.2.2", 60);
	put_name(&m, "");
	put_head(&m, ADDITIONAL, OPT, 0, 0);
	read_all(&m, &dns);
	assert_int_equal(dns.records, 7);
	counts(&dns, 1, 1, 0, 0, 0);
	has(&dns, 0, "192.0.2.2", 60);
}

static void follows_aliases(void **state)
{
	static struct message m;
	static struct me_dns dns;

	(void)state;
	begin(&m, 0x8180, "cdnupdate.gfi.com", ME_DNS_A);
	put_alias(&m, NULL, "x.CDN.example", 300);
	put_alias(&m, "X.cdn.example", "y.cdn.example", 20);
	put_address(&m, ANSWER, NULL, "192.0.2.1", 1000);
	put_address(&m, ANSWER, "x.cdn.example", "192.0.2.2", 1000);
	put_address(&m, ANSWER, "y.cdn.example", "192.0.2.3", 1000);
	put_address(&m, ANSWER, "y.cdn.example", "192.0.2.4", 10);
	put_address(&m, ANSWER, "z.cdn.example", "192.0.2.5", 10);
	read_all(&m, &dns);
	counts(&dns, 4, 3, 1, 0, 0);
	has(&dns, 0, "192.0.2.1", 1000);
	has(&dns, 1, "192.0.2.2", 300);
	has(&dns, 2, "192.0.2.3", 20);
	has(&dns, 3, "192.0.2.4", 10);
	is_name(&dns.chain[1].name, "x.cdn.example");
	is_name(&dns.chain[2].name, "y.cdn.example");
	assert_int_equal(dns.chain[1].ttl, 300);
	assert_int_equal(dns.chain[2].ttl, 20);
}

static void aliases_need_not_be_in_order(void **state)
{
	static struct message m;
	static struct me_dns dns;

	(void)state;
	begin(&m, 0x8180, "a", ME_DNS_A);
	put_address(&m, ANSWER, "d", "192.0.2.1", 1000);
	put_address(&m, ANSWER, "x", "192.0.2.9", 1000);
	put_alias(&m, "c", "d", 40);
	put_alias(&m, "b", "c", 30);
	put_alias(&m, "a", "b", 50);
	put_address(&m, ANSWER, "d", "192.0.2.2", 10);
	read_all(&m, &dns);
	counts(&dns, 2, 4, 1, 0, 0);
	has(&dns, 0, "192.0.2.1", 30);
	has(&dns, 1, "192.0.2.2", 10);

	/* One more step backwards than there are passes: what is found counts. */
	begin(&m, 0x8180, "a", ME_DNS_A);
	put_address(&m, ANSWER, "e", "192.0.2.1", 1000);
	put_alias(&m, "d", "e", 40);
	put_alias(&m, "c", "d", 40);
	put_alias(&m, "b", "c", 30);
	put_alias(&m, "a", "b", 50);
	put_address(&m, ANSWER, "a", "192.0.2.2", 10);
	read_all(&m, &dns);
	counts(&dns, 1, 5, 1, 0, 0);
}

static void aliases_in_a_circle_end(void **state)
{
	static struct message m;
	static struct me_dns dns;

	(void)state;
	begin(&m, 0x8180, "a.example", ME_DNS_A);
	put_alias(&m, NULL, "a.example", 60);
	read_all(&m, &dns);
	counts(&dns, 0, 1, 0, 0, 0);

	begin(&m, 0x8180, "a.example", ME_DNS_A);
	put_address(&m, ANSWER, "c.example", "192.0.2.1", 60);
	put_alias(&m, "c.example", "A.example", 60);
	put_alias(&m, "b.example", "c.example", 60);
	put_alias(&m, "a.example", "b.example", 60);
	read_all(&m, &dns);
	counts(&dns, 1, 3, 0, 0, 0);
}

static void chains_are_bounded(void **state)
{
	static struct message m;
	static struct me_dns dns;
	char owner[8], target[8];

	(void)state;
	for (uint32_t hops = ME_DNS_CHAIN_MAX - 2; hops < ME_DNS_CHAIN_MAX + 4; hops++) {
		bool fits = hops < ME_DNS_CHAIN_MAX;

		begin(&m, 0x8180, "n0", ME_DNS_A);
		for (uint32_t i = 0; i < hops; i++) {
			snprintf(owner, sizeof(owner), "n%u", i);
			snprintf(target, sizeof(target), "n%u", i + 1);
			put_alias(&m, owner, target, 60);
		}
		put_address(&m, ANSWER, target, "192.0.2.1", 60);
		put_address(&m, ANSWER, NULL, "192.0.2.2", 60);
		read_all(&m, &dns);
		counts(&dns, 1 + fits, fits ? hops + 1 : ME_DNS_CHAIN_MAX, !fits, !fits, 0);
	}
	/* A full chain that is read twice, with an alias that comes twice: nothing is too much. */
	begin(&m, 0x8180, "n0", ME_DNS_A);
	put_address(&m, ANSWER, "n1", "192.0.2.1", 60);
	for (uint32_t i = 0; i < ME_DNS_CHAIN_MAX - 1; i++) {
		snprintf(owner, sizeof(owner), "n%u", i);
		snprintf(target, sizeof(target), "n%u", i + 1);
		put_alias(&m, owner, target, 60);
	}
	put_alias(&m, "n0", "n1", 60);
	read_all(&m, &dns);
	counts(&dns, 1, ME_DNS_CHAIN_MAX, 0, 0, 0);
}

static void other_names_are_counted(void **state)
{
	static struct message m;
	static struct me_dns dns;

	(void)state;
	begin(&m, 0x8180, "a.example", ME_DNS_A);
	put_address(&m, ANSWER, "b.example", "192.0.2.1", 60);
	put_address(&m, ANSWER, NULL, "192.0.2.2", 60);
	put_address(&m, AUTHORITY, "ns.example", "192.0.2.3", 60);
	put_address(&m, ADDITIONAL, "ns.example", "2001:db8::3", 60);
	/* Of the name itself, in the wrong place: nothing of it is taken. */
	put_address(&m, AUTHORITY, NULL, "192.0.2.4", 60);
	put_address(&m, ADDITIONAL, "a.example", "192.0.2.5", 60);
	/* The parent, and the name below; bytes that look like the name in one label. */
	put_address(&m, ADDITIONAL, "example", "192.0.2.6", 60);
	put_address(&m, ADDITIONAL, "x.a.example", "192.0.2.7", 60);
	put8(&m, 9);
	for (const char *c = "a.example"; *c; c++)
		put8(&m, (uint8_t)*c);
	put8(&m, 0);
	put_head(&m, ADDITIONAL, ME_DNS_A, 60, 4);
	put32(&m, 0xc0000208);
	read_all(&m, &dns);
	counts(&dns, 1, 1, 6, 0, 0);
	has(&dns, 0, "192.0.2.2", 60);

	/* An alias outside the answers leads nowhere. */
	begin(&m, 0x8180, "a.example", ME_DNS_A);
	put_owner(&m, NULL);
	put_head(&m, ADDITIONAL, ME_DNS_CNAME, 60, 3);
	put_name(&m, "b");
	put_address(&m, ADDITIONAL, "b", "192.0.2.1", 60);
	read_all(&m, &dns);
	counts(&dns, 0, 1, 1, 0, 0);
}

/* Owners written as servers do: pointers to the question, into targets, and to other owners. */
static void compression_makes_no_difference(void **state)
{
	static struct message m;
	static struct me_dns dns;
	size_t target, owner;

	(void)state;
	begin(&m, 0x8180, "www.a.example", ME_DNS_A);
	put_pointer(&m, ME_DNS_HEADER);
	put_head(&m, ANSWER, ME_DNS_CNAME, 60, 6);
	target = m.length;
	put_labels(&m, "cdn");
	put_pointer(&m, ME_DNS_HEADER + 4); /* a.example */
	owner = m.length;
	put_pointer(&m, target);
	put_head(&m, ANSWER, ME_DNS_A, 60, 4);
	put32(&m, 0xc0000201);
	put_pointer(&m, owner); /* to a pointer */
	put_head(&m, ANSWER, ME_DNS_A, 60, 4);
	put32(&m, 0xc0000202);
	put_labels(&m, "CDN");
	put_pointer(&m, ME_DNS_HEADER + 4);
	put_head(&m, ANSWER, ME_DNS_A, 60, 4);
	put32(&m, 0xc0000203);
	put_address(&m, ANSWER, "cdn.a.example", "192.0.2.4", 60);
	put_pointer(&m, ME_DNS_HEADER + 4);
	put_head(&m, ANSWER, ME_DNS_A, 60, 4);
	put32(&m, 0xc0000205);
	/* And the target as a pointer alone, to the name of the question. */
	put_address(&m, ANSWER, "www.A.example", "192.0.2.6", 60);
	read_all(&m, &dns);
	counts(&dns, 5, 2, 1, 0, 0);
	is_name(&dns.chain[1].name, "cdn.a.example");
}

static void many_addresses_are_counted(void **state)
{
	static struct message m;
	static struct me_dns dns;
	char text[32];

	(void)state;
	for (int compressed = 0; compressed < 2; compressed++) {
		begin(&m, 0x8180, "a.example", ME_DNS_A);
		for (uint32_t i = 0; i < 300; i++) {
			snprintf(text, sizeof(text), "198.51.%u.%u", i / 256, i % 256);
			put_address(&m, ANSWER, compressed ? NULL : "a.example", text, i);
		}
		read_all(&m, &dns);
		counts(&dns, ME_DNS_ADDRESSES_MAX, 1, 0, 300 - ME_DNS_ADDRESSES_MAX, 0);
		has(&dns, 255, "198.51.0.255", 255);
	}
	/* Owners that have to be compared are bounded; behind the bound compressed ones still count. */
	begin(&m, 0x8180, "a.example", ME_DNS_A);
	for (uint32_t i = 0; i < ME_DNS_EXPANDED_MAX; i++)
		put_address(&m, ANSWER, "b.example", "192.0.2.1", 60);
	put_address(&m, ANSWER, "a.example", "192.0.2.2", 60);
	put_address(&m, ANSWER, NULL, "192.0.2.3", 60);
	read_all(&m, &dns);
	counts(&dns, 1, 1, ME_DNS_EXPANDED_MAX + 1, 0, 0);
	has(&dns, 0, "192.0.2.3", 60);
}

/* As many records as the largest message has room for. */
static void reads_the_largest_message(void **state)
{
	static struct message m;
	static struct me_dns dns;

	(void)state;
	begin(&m, 0x8180, "", ME_DNS_A);
	while (m.length + 11 + 16 <= sizeof(m.data)) {
		put_name(&m, "");
		put_head(&m, ANSWER, ME_DNS_TXT, 0, 0);
	}
	put_address(&m, ANSWER, NULL, "192.0.2.1", 60);
	read_all(&m, &dns);
	assert_in_range(dns.records, 5900, ME_DNS_RECORDS_MAX);
	counts(&dns, 1, 1, 0, 0, 0);
}

/* A message of all that there is, in order. */
static void build_sample(struct message *m)
{
	begin(m, 0x8180, "www.a.example", ME_DNS_A);
	put_alias(m, NULL, "b.example", 60);
	put_address(m, ANSWER, "b.example", "192.0.2.1", 60);
	put_address(m, ANSWER, "b.example", "2001:db8::2", 50);
	put_address(m, ANSWER, "c.example", "192.0.2.3", 50);
	put_owner(m, NULL);
	put_head(m, ANSWER, ME_DNS_TXT, 60, 4);
	put32(m, 0x03787878);
	put_address(m, ANSWER, NULL, "127.255.255.254", 40);
	put_address(m, AUTHORITY, "ns.example", "192.0.2.4", 40);
	put_name(m, "");
	put_head(m, ADDITIONAL, OPT, 0, 0);
}

static void counts_what_was_before_the_damage(void **state)
{
	static struct message m;
	static struct me_dns whole, part;
	uint32_t addresses = 0, seen = 0;

	(void)state;
	build_sample(&m);
	read_all(&m, &whole);
	counts(&whole, 3, 2, 2, 0, 0);
	for (size_t n = 0; n < m.length; n++) {
		if (read_part(&m, n, &part)) {
			assert_int_equal(addresses, 0);
			continue;
		}
		assert_int_equal(part.malformed, 1);
		assert_true(part.n_addresses >= addresses);
		addresses = part.n_addresses;
		seen |= 1u << addresses;
		for (uint32_t i = 0; i < addresses; i++)
			assert_true(
				me_addr_equal(&part.address[i].address, &whole.address[i].address));
	}
	assert_int_equal(seen, 0xf);
	/* Fewer records than there are bytes for are no damage. */
	put32(&m, 0xffffffff);
	read_all(&m, &part);
	same_results(&whole, &part);
}

static void aliases_end_with_their_record(void **state)
{
	static struct message m;
	static struct me_dns dns;

	(void)state;
	for (int by = -3; by <= 3; by++) {
		begin(&m, 0x8180, "a.example", ME_DNS_A);
		put_owner(&m, NULL);
		put_head(&m, ANSWER, ME_DNS_CNAME, 60, (uint32_t)(3 + by));
		put_name(&m, "b");
		for (int i = 0; i < by; i++)
			put8(&m, 0);
		if (by < 0)
			m.length += (size_t)by;
		put_address(&m, ANSWER, NULL, "192.0.2.1", 60);
		read_all(&m, &dns);
		assert_int_equal(dns.n_chain, by ? 1 : 2);
		assert_int_equal(dns.malformed, by != 0);
		assert_int_equal(dns.n_addresses, 1);
	}
	/* A target that cannot be read. */
	begin(&m, 0x8180, "a.example", ME_DNS_A);
	put_owner(&m, NULL);
	put_head(&m, ANSWER, ME_DNS_CNAME, 60, 2);
	put_pointer(&m, m.length);
	read_all(&m, &dns);
	counts(&dns, 0, 1, 0, 0, 1);
}

/* An owner that cannot be read is nobody's; the records behind it count. */
static void owners_may_be_unreadable(void **state)
{
	static struct message m;
	static struct me_dns dns;
	size_t at;

	(void)state;
	begin(&m, 0x8180, "a.example", ME_DNS_A);
	at = m.length;
	put_pointer(&m, at); /* to itself */
	put_head(&m, ANSWER, ME_DNS_A, 60, 4);
	put32(&m, 0xc0000201);
	put_pointer(&m, at); /* to that one */
	put_head(&m, ANSWER, ME_DNS_A, 60, 4);
	put32(&m, 0xc0000202);
	put_pointer(&m, m.length + 100); /* forth */
	put_head(&m, ANSWER, ME_DNS_A, 60, 4);
	put32(&m, 0xc0000203);
	put_address(&m, ANSWER, NAME253 "x", "192.0.2.4", 60); /* too long */
	put_address(&m, ANSWER, NULL, "192.0.2.5", 60);
	read_all(&m, &dns);
	counts(&dns, 1, 1, 4, 0, 0);
	has(&dns, 0, "192.0.2.5", 60);
}

/* --- Block lists -------------------------------------------------------------------------------- */

static void block_lists_refuse_by_address(void **state)
{
	static const struct {
		const char *address;
		uint32_t refuses;
	} lines[] = {
		{"127.0.0.1", 1},
		{"127.0.0.2", 0},
		{"127.0.0.255", 0},
		{"127.0.1.1", 0},
		{"127.255.254.255", 0},
		{"127.255.255.0", 1},
		{"127.255.255.252", 1},
		{"127.255.255.254", 1},
		{"127.255.255.255", 1},
		{"128.0.0.0", 0},
		{"::ffff:127.255.255.254", 1},
		{"::127.255.255.254", 0},
		{"2001:db8::1", 0},
	};
	static struct message m;
	static struct me_dns dns;

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		begin(&m, 0x8180, "2.0.0.127.zen.spamhaus.org", ME_DNS_A);
		put_address(&m, ANSWER, NULL, lines[i].address, 60);
		put_address(&m, ANSWER, NULL, "127.0.0.4", 60);
		read_all(&m, &dns);
		assert_int_equal(dns.refuses, lines[i].refuses);
		/* Those of another name say nothing. */
		begin(&m, 0x8180, "2.0.0.127.zen.spamhaus.org", ME_DNS_A);
		put_address(&m, ANSWER, "ns.example", lines[i].address, 60);
		put_address(&m, ADDITIONAL, NULL, lines[i].address, 60);
		read_all(&m, &dns);
		assert_int_equal(dns.refuses, 0);
	}
}

/* The category, whatever lies behind the bytes of the name. */
static enum me_dns_category category_of(const char *text, uint16_t type,
					const struct me_named *named)
{
	static const int fills[] = {0, '_', '1', 'a', 1, 0xff};
	static struct message m;
	enum me_dns_category category = ME_DNS_CATEGORY_COUNT;

	begin(&m, 0x0100, text, type);
	for (size_t i = 0; i < ME_ARRAY_SIZE(fills); i++) {
		struct me_name name;
		enum me_dns_category other;

		memset(&name, fills[i], sizeof(name));
		assert_int_not_equal(me_name_read(m.data, (uint32_t)m.length, ME_DNS_HEADER, &name),
				     0);
		other = me_dns_category(&name, type, named);
		assert_true(category == ME_DNS_CATEGORY_COUNT || category == other);
		category = other;
	}
	return category;
}

#define NIBBLES "f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0"

static void queries_have_categories(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		enum me_dns_category category;
	} lines[] = {
		{"2.0.0.127.zen.spamhaus.org", ME_DNS_A, ME_DNS_IP_DNSBL},
		{"2.0.0.127.zen.spamhaus.org", ME_DNS_TXT, ME_DNS_IP_DNSBL},
		{"255.249.199.0.bl.example", ME_DNS_A, ME_DNS_IP_DNSBL},
		{"007.1.1.1.bl.example", ME_DNS_A, ME_DNS_IP_DNSBL},
		{"5.2.0.0.127.bl.example", ME_DNS_A, ME_DNS_IP_DNSBL},
		{"256.0.0.127.bl.example", ME_DNS_A, ME_DNS_OTHER},
		{"2.0.0.0127.bl.example", ME_DNS_A, ME_DNS_OTHER},
		{"2.0.127.bl.example", ME_DNS_A, ME_DNS_OTHER},
		{"2.0.0x.127.bl.example", ME_DNS_A, ME_DNS_OTHER},
		{"2.0.0.127", ME_DNS_A, ME_DNS_OTHER},
		{"2.0.0.127.example", ME_DNS_A, ME_DNS_OTHER}, /* no zone has one label */
		{"2.0.0.127.in-addr.arpa", PTR, ME_DNS_OTHER},
		{"2.0.0.127.in-addr.arpa", ME_DNS_TXT, ME_DNS_SPF},
		{"2.0.0.127.xarpa.example", ME_DNS_A, ME_DNS_IP_DNSBL},
		{NIBBLES ".2.zen.spamhaus.org", ME_DNS_A, ME_DNS_IP_DNSBL},
		{NIBBLES ".F.zen.spamhaus.org", ME_DNS_A, ME_DNS_IP_DNSBL},
		{NIBBLES ".g.zen.spamhaus.org", ME_DNS_A, ME_DNS_OTHER},
		{NIBBLES ".22.zen.spamhaus.org", ME_DNS_A, ME_DNS_OTHER},
		{NIBBLES ".zen.spamhaus.org", ME_DNS_A, ME_DNS_OTHER},
		{NIBBLES ".2.ip6.arpa", PTR, ME_DNS_OTHER},
		{NIBBLES ".2.example", ME_DNS_A, ME_DNS_OTHER},
		{"example.org", ME_DNS_A, ME_DNS_OTHER},
		{"example.org", ME_DNS_AAAA, ME_DNS_OTHER},
		{"example.org", 15, ME_DNS_OTHER},
		{"example.org", ME_DNS_TXT, ME_DNS_SPF},
		{"example.org", ME_DNS_SPF_TYPE, ME_DNS_SPF},
		{"org", ME_DNS_TXT, ME_DNS_SPF},
		{"", ME_DNS_TXT, ME_DNS_SPF},
		{"", ME_DNS_A, ME_DNS_OTHER},
		{"_spf.example.org", ME_DNS_TXT, ME_DNS_SPF},
		{"_SPF.example.org", ME_DNS_TXT, ME_DNS_SPF},
		{"_spf-a.example.org", ME_DNS_TXT, ME_DNS_SPF},
		{"_netblocks3.example.org", ME_DNS_TXT, ME_DNS_SPF},
		{"spf1._spf.example.org", ME_DNS_TXT, ME_DNS_SPF},
		{"_dmarc.example.org", ME_DNS_TXT, ME_DNS_OTHER},
		{"_DMARC.example.org", ME_DNS_SPF_TYPE, ME_DNS_OTHER},
		{"s1._domainkey.example.org", ME_DNS_TXT, ME_DNS_OTHER},
		{"_domainkey", ME_DNS_TXT, ME_DNS_OTHER},
		{"_mta-sts.example.org", ME_DNS_TXT, ME_DNS_OTHER},
		{"_smtp._tls.example.org", ME_DNS_TXT, ME_DNS_OTHER},
		{"_", ME_DNS_TXT, ME_DNS_OTHER},
		{"_s", ME_DNS_TXT, ME_DNS_OTHER},
		{"_sp.example.org", ME_DNS_TXT, ME_DNS_OTHER},
		{"_dmarc.example.org", ME_DNS_A, ME_DNS_OTHER},
	};
	static const struct me_named nothing;

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		enum me_dns_category category = category_of(lines[i].name, lines[i].type, &nothing);

		if (category != lines[i].category)
			fail_msg("%s type %u: %s", lines[i].name, lines[i].type,
				 me_dns_category_label(category));
	}
}

static void the_policy_names_categories(void **state)
{
	static const struct me_named uri = {.category = ME_DNS_URI_DNSBL, .zone = 1},
				     razer = {.category = ME_DNS_SPAMRAZER},
				     ip = {.category = ME_DNS_IP_DNSBL, .zone = 2};

	(void)state;
	assert_int_equal(category_of("example.org.multi.surbl.org", ME_DNS_A, &uri),
			 ME_DNS_URI_DNSBL);
	assert_int_equal(category_of("2.0.0.127.multi.surbl.org", ME_DNS_A, &uri),
			 ME_DNS_URI_DNSBL);
	assert_int_equal(category_of("x.rules.mailshell.net", ME_DNS_TXT, &razer),
			 ME_DNS_SPAMRAZER);
	assert_int_equal(category_of("2.0.0.127.dnsbl", ME_DNS_A, &razer), ME_DNS_SPAMRAZER);
	/* A zone of addresses is asked for addresses. */
	assert_int_equal(category_of("2.0.0.127.zen.spamhaus.org", ME_DNS_A, &ip), ME_DNS_IP_DNSBL);
	assert_int_equal(category_of("www.zen.spamhaus.org", ME_DNS_A, &ip), ME_DNS_OTHER);
	assert_true(me_dns_is_dnsbl(ME_DNS_IP_DNSBL) && me_dns_is_dnsbl(ME_DNS_URI_DNSBL));
	assert_false(me_dns_is_dnsbl(ME_DNS_SPAMRAZER) || me_dns_is_dnsbl(ME_DNS_SPF) ||
		     me_dns_is_dnsbl(ME_DNS_OTHER));
}

static void lists_have_no_addresses(void **state)
{
	static const struct me_named nothing, zone = {.zone = 2}, endpoint = {.n = 1},
					      both = {.n = 1, .zone = 2};

	(void)state;
	for (uint8_t category = 0; category < ME_DNS_CATEGORY_COUNT; category++) {
		bool list = me_dns_is_dnsbl(category);

		assert_int_equal(me_dns_has_addresses(category, &nothing), !list);
		assert_int_equal(me_dns_has_addresses(category, &zone), !list);
		assert_int_equal(me_dns_has_addresses(category, &endpoint), 1);
		assert_int_equal(me_dns_has_addresses(category, &both), !list);
	}
}

/* --- What may be learned ------------------------------------------------------------------------ */

static void refuses_special_and_private_addresses(void **state)
{
	static const struct {
		const char *address;
		enum me_refused refused;
	} lines[] = {
		{"8.8.8.8", ME_REFUSED_COUNT},
		{"192.0.2.1", ME_REFUSED_COUNT}, /* documentation may be learned */
		{"198.51.100.1", ME_REFUSED_COUNT},
		{"203.0.113.1", ME_REFUSED_COUNT},
		{"2001:db8::1", ME_REFUSED_COUNT},
		{"2606:4700::1", ME_REFUSED_COUNT},
		{"0.0.0.0", ME_REFUSED_SPECIAL},
		{"0.1.2.3", ME_REFUSED_SPECIAL},
		{"127.0.0.1", ME_REFUSED_SPECIAL},
		{"127.255.255.254", ME_REFUSED_SPECIAL},
		{"169.254.169.254", ME_REFUSED_SPECIAL},
		{"224.0.0.1", ME_REFUSED_SPECIAL},
		{"239.1.2.3", ME_REFUSED_SPECIAL},
		{"240.0.0.1", ME_REFUSED_SPECIAL},
		{"255.255.255.255", ME_REFUSED_SPECIAL},
		{"::", ME_REFUSED_SPECIAL},
		{"::1", ME_REFUSED_SPECIAL},
		{"fe80::1", ME_REFUSED_SPECIAL},
		{"febf::1", ME_REFUSED_SPECIAL},
		{"ff02::1", ME_REFUSED_SPECIAL},
		{"ff0e::1", ME_REFUSED_SPECIAL},
		{"9.255.255.255", ME_REFUSED_COUNT},
		{"10.0.0.0", ME_REFUSED_PRIVATE},
		{"10.255.255.255", ME_REFUSED_PRIVATE},
		{"11.0.0.0", ME_REFUSED_COUNT},
		{"100.63.255.255", ME_REFUSED_COUNT},
		{"100.64.0.0", ME_REFUSED_PRIVATE},
		{"100.127.255.255", ME_REFUSED_PRIVATE},
		{"100.128.0.0", ME_REFUSED_COUNT},
		{"172.15.255.255", ME_REFUSED_COUNT},
		{"172.16.0.0", ME_REFUSED_PRIVATE},
		{"172.31.255.255", ME_REFUSED_PRIVATE},
		{"172.32.0.0", ME_REFUSED_COUNT},
		{"192.167.255.255", ME_REFUSED_COUNT},
		{"192.168.0.0", ME_REFUSED_PRIVATE},
		{"192.168.255.255", ME_REFUSED_PRIVATE},
		{"192.169.0.0", ME_REFUSED_COUNT},
		{"fbff::1", ME_REFUSED_COUNT},
		{"fc00::1", ME_REFUSED_PRIVATE},
		{"fdff::1", ME_REFUSED_PRIVATE},
		{"::ffff:10.0.0.1", ME_REFUSED_PRIVATE},
		{"::ffff:127.0.0.1", ME_REFUSED_SPECIAL},
	};

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(lines); i++) {
		enum me_refused refused = lines[i].refused;
		struct me_addr address;

		assert_int_equal(me_inet_parse(lines[i].address, address.byte), 0);
		if (me_dns_refused(&address, 0) != refused)
			fail_msg("%s", lines[i].address);
		if (refused == ME_REFUSED_PRIVATE)
			refused = ME_REFUSED_COUNT;
		assert_int_equal(me_dns_refused(&address, ME_ENTRY_PRIVATE), refused);
		assert_int_equal(me_dns_refused(&address, ~ME_ENTRY_PRIVATE & 0xff),
				 lines[i].refused);
	}
}

static void lives_have_a_floor_and_a_ceiling(void **state)
{
	(void)state;
	assert_int_equal(me_dns_life(0), ME_DNS_TTL_FLOOR);
	assert_int_equal(me_dns_life(29), ME_DNS_TTL_FLOOR);
	assert_int_equal(me_dns_life(31), 31);
	assert_int_equal(me_dns_life(604799), 604799);
	assert_int_equal(me_dns_life(604801), ME_DNS_TTL_CEILING);
	assert_int_equal(me_dns_life(~0u), ME_DNS_TTL_CEILING);
}

static void response_codes(void **state)
{
	(void)state;
	assert_int_equal(me_dns_rcode(0x8180), ME_RCODE_NOERROR);
	assert_int_equal(me_dns_rcode(0x8182), ME_RCODE_SERVFAIL);
	assert_int_equal(me_dns_rcode(0x8183), ME_RCODE_NXDOMAIN);
	assert_int_equal(me_dns_rcode(0x8185), ME_RCODE_REFUSED);
	for (uint16_t code = 6; code < 16; code++)
		assert_int_equal(me_dns_rcode(0x8180 | code), ME_RCODE_OTHER);
}

/* --- Names as text ------------------------------------------------------------------------------- */

static void names_are_text_and_back(void **state)
{
	static const char *const good[] = {"a", "a.b", "_spf.example.org", LABEL63, NAME253};
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", LABEL63 "x", NAME253 "x"};
	struct me_name name, other;

	(void)state;
	for (size_t i = 0; i < ME_ARRAY_SIZE(good); i++) {
		memset(&name, 0xa5, sizeof(name));
		assert_int_equal(me_name_from_text(good[i], &name), 0);
		check_name(&name);
		is_name(&name, good[i]);
	}
	for (size_t i = 0; i < ME_ARRAY_SIZE(bad); i++)
		assert_int_equal(me_name_from_text(bad[i], &name), -1);
	assert_int_equal(me_name_from_text("WWW.Example", &name), 0);
	assert_int_equal(me_name_from_text("www.example", &other), 0);
	assert_true(me_name_equal(&name, &other));
	assert_true(me_name_hash(&name, 0) == me_name_hash(&other, 0));
	assert_int_equal(me_name_from_text("example", &other), 0);
	assert_true(me_name_is(&name, 4, other.wire, other.length));
	assert_true(me_name_hash(&name, 4) == me_name_hash(&other, 0));
	assert_false(me_name_is(&name, 0, other.wire, other.length));
	assert_false(me_name_equal(&name, &other));
}

static void bytes_in_labels_are_escaped(void **state)
{
	static const uint8_t wire[] = {4, 'a', '.', '\\', 0, 3, ' ', 0x7f, 0xff, 0};
	static struct message m;
	struct me_name name;
	char text[ME_NAME_TEXT_MAX];

	(void)state;
	assert_int_equal(me_name_read(wire, sizeof(wire), 0, &name), sizeof(wire));
	is_name(&name, "a\\046\\092\\000.\\032\\127\\255");
	/* The longest text there is. */
	m.length = 0;
	for (int label = 0; label < 4; label++) {
		uint32_t size = label < 3 ? 63 : 61;

		put8(&m, size);
		while (size--)
			put8(&m, 0xff);
	}
	put8(&m, 0);
	assert_int_equal(me_name_read(m.data, (uint32_t)m.length, 0, &name), 255);
	me_name_to_text(&name, text);
	assert_int_equal(strlen(text), 4 * 250 + 3);
}

/* --- At random ---------------------------------------------------------------------------------- */

enum { NAMES = 8, RECORDS = 40 };

/* Names 0 to `hops` are the chain, the others strangers. */
struct record {
	enum section section;
	uint32_t owner, target; /* an address if `target` is NAMES */
	uint32_t ttl, address;
};

struct world {
	uint32_t hops, n_records;
	struct record records[RECORDS];
};

static uint32_t below(uint64_t *random, uint32_t n)
{
	return (uint32_t)(me_seed_next(random) % n);
}

static void make_world(struct world *world, uint64_t *random)
{
	uint32_t n_aliases;

	/* As many as are found in any order. */
	world->hops = below(random, ME_DNS_PASSES_MAX);
	world->n_records = world->hops + 1 + below(random, RECORDS - 2 * NAMES);
	for (uint32_t i = 0; i < world->n_records; i++) {
		struct record *r = &world->records[i];

		*r = (struct record){.section = ANSWER,
				     .owner = below(random, NAMES),
				     .target = NAMES,
				     .ttl = below(random, 1000),
				     .address = below(random, ~0u)};
		if (i < world->hops) {
			r->owner = i;
			r->target = i + 1;
		} else if (r->owner > world->hops && below(random, 4) == 0) {
			r->target = below(random, NAMES); /* of a stranger */
		}
	}
	n_aliases = world->hops;
	for (uint32_t i = 0; i < world->n_records; i++) {
		uint32_t other = below(random, world->n_records);
		struct record swapped = world->records[i];

		if (n_aliases < 2 || below(random, 2))
			continue;
		world->records[i] = world->records[other];
		world->records[other] = swapped;
	}
	/* The last ones stand in the other sections. */
	for (uint32_t i = 0; i < world->n_records; i++) {
		struct record *r = &world->records[world->n_records - 1 - i];

		if (r->target < NAMES || below(random, 4) == 0)
			break;
		r->section = ADDITIONAL;
	}
}

/* The smallest TTL on the way to a name of the chain. */
static uint32_t ttl_to(const struct world *world, uint32_t name)
{
	uint32_t ttl = ~0u;

	for (uint32_t i = 0; i < world->n_records; i++) {
		const struct record *r = &world->records[i];

		if (r->target < NAMES && r->owner < name && r->owner < world->hops && r->ttl < ttl)
			ttl = r->ttl;
	}
	return ttl;
}

/* A name, written out or by pointers to where it, or its parent `example`, stood before. */
static void put_random_name(struct message *m, uint32_t which, size_t *place, uint64_t *random)
{
	char label[4] = {'n', (char)('0' + which)};

	if (below(random, 2))
		label[0] = 'N';
	if (place[which] && below(random, 2)) {
		put_pointer(m, place[which]);
		return;
	}
	if (!place[which] || below(random, 4) == 0)
		place[which] = m->length;
	put_labels(m, label);
	if (below(random, 2))
		put_pointer(m, ME_DNS_HEADER + 3);
	else
		put_name(m, below(random, 2) ? "example" : "ExAmPlE");
}

static void build_world(struct message *m, const struct world *world, uint64_t *random)
{
	size_t place[NAMES] = {ME_DNS_HEADER};

	begin(m, 0x8180, "n0.example", ME_DNS_A);
	for (uint32_t i = 0; i < world->n_records; i++) {
		const struct record *r = &world->records[i];
		bool is_address = r->target == NAMES;
		size_t at;

		put_random_name(m, r->owner, place, random);
		put_head(m, r->section, is_address ? ME_DNS_A : ME_DNS_CNAME, r->ttl, 4);
		at = m->length;
		if (is_address)
			put32(m, r->address);
		else
			put_random_name(m, r->target, place, random);
		set16(m, at - 2, (uint32_t)(m->length - at));
	}
}

static void compare_world(const struct world *world, const struct me_dns *dns)
{
	uint32_t n = 0, others = 0;

	for (uint32_t i = 0; i < world->n_records; i++) {
		const struct record *r = &world->records[i];
		struct me_addr address = me_addr_v4(ME_NET32(r->address));
		uint32_t above;

		if (r->target < NAMES)
			continue;
		if (r->owner > world->hops) {
			others++;
			continue;
		}
		if (r->section != ANSWER)
			continue;
		above = ttl_to(world, r->owner);
		assert_true(n < dns->n_addresses);
		assert_true(me_addr_equal(&dns->address[n].address, &address));
		assert_int_equal(dns->address[n].ttl, r->ttl < above ? r->ttl : above);
		n++;
	}
	counts(dns, n, world->hops + 1, others, 0, 0);
}

static void reads_what_was_built(void **state)
{
	static struct message m;
	static struct me_dns dns;
	uint64_t random = me_seed();
	uint32_t addresses = 0, others = 0;

	(void)state;
	for (int round = 0; round < 10000; round++) {
		struct world world;

		make_world(&world, &random);
		build_world(&m, &world, &random);
		read_all(&m, &dns);
		compare_world(&world, &dns);
		addresses += dns.n_addresses;
		others += dns.other_names;
	}
	assert_true(addresses > 10000 && others > 10000);
}

/* Damage anywhere never leads out of the message, nor past a bound. */
static void damage_does_no_harm(void **state)
{
	static struct message whole, m;
	static struct me_dns dns;
	uint64_t random = me_seed();
	int readable = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct world world;
		uint32_t damages = 1 + below(&random, 8);

		if (round % 20 == 0) {
			make_world(&world, &random);
			build_world(&whole, &world, &random);
		}
		m = whole;
		while (damages--) {
			uint32_t at = below(&random, (uint32_t)m.length);

			if (below(&random, 3))
				m.data[at] = (uint8_t)me_seed_next(&random);
			else if (at + 1 < m.length)
				set16(&m, at, 0xc000 | below(&random, (uint32_t)m.length));
		}
		readable += !read_part(&m, 1 + below(&random, (uint32_t)m.length), &dns);
	}
	assert_true(readable > 100);
}

static void failures_are_of_questions_for_addresses(void **state)
{
	static const struct {
		uint16_t type;
		enum me_rcode rcode;
		enum me_dns_failure failure;
	} all[] = {
		{ME_DNS_A, ME_RCODE_NOERROR, ME_DNS_FAILURE_COUNT},
		{ME_DNS_A, ME_RCODE_NXDOMAIN, ME_DNS_FAILED_NXDOMAIN},
		{ME_DNS_AAAA, ME_RCODE_NXDOMAIN, ME_DNS_FAILED_NXDOMAIN},
		{ME_DNS_AAAA, ME_RCODE_SERVFAIL, ME_DNS_FAILED_SERVFAIL},
		{ME_DNS_A, ME_RCODE_REFUSED, ME_DNS_FAILED_OTHER},
		{ME_DNS_A, ME_RCODE_FORMERR, ME_DNS_FAILED_OTHER},
		{ME_DNS_A, ME_RCODE_OTHER, ME_DNS_FAILED_OTHER},
		{ME_DNS_TXT, ME_RCODE_NXDOMAIN, ME_DNS_FAILURE_COUNT},
		{ME_DNS_TXT, ME_RCODE_SERVFAIL, ME_DNS_FAILURE_COUNT},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		assert_int_equal(me_dns_failure(all[i].type, all[i].rcode), all[i].failure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_question),
		cmocka_unit_test(refuses_what_is_no_question),
		cmocka_unit_test(pointers_lead_back),
		cmocka_unit_test(follows_many_pointers),
		cmocka_unit_test(reads_addresses),
		cmocka_unit_test(passes_over_other_records),
		cmocka_unit_test(follows_aliases),
		cmocka_unit_test(aliases_need_not_be_in_order),
		cmocka_unit_test(aliases_in_a_circle_end),
		cmocka_unit_test(chains_are_bounded),
		cmocka_unit_test(other_names_are_counted),
		cmocka_unit_test(compression_makes_no_difference),
		cmocka_unit_test(many_addresses_are_counted),
		cmocka_unit_test(reads_the_largest_message),
		cmocka_unit_test(counts_what_was_before_the_damage),
		cmocka_unit_test(aliases_end_with_their_record),
		cmocka_unit_test(owners_may_be_unreadable),
		cmocka_unit_test(block_lists_refuse_by_address),
		cmocka_unit_test(failures_are_of_questions_for_addresses),
		cmocka_unit_test(queries_have_categories),
		cmocka_unit_test(the_policy_names_categories),
		cmocka_unit_test(lists_have_no_addresses),
		cmocka_unit_test(refuses_special_and_private_addresses),
		cmocka_unit_test(lives_have_a_floor_and_a_ceiling),
		cmocka_unit_test(response_codes),
		cmocka_unit_test(names_are_text_and_back),
		cmocka_unit_test(bytes_in_labels_are_escaped),
		cmocka_unit_test(reads_what_was_built),
		cmocka_unit_test(damage_does_no_harm),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
