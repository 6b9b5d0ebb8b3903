/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel = host for DNS: messages, whole and damaged, are read by the programs and by the same headers
 * compiled here, and their names looked up in the maps and in the image.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "base/text.h"
#include "selftest/dns_build.h"
#include "gen/layout.h"
#include "host.h"
#include "names_case.h"
#include "policy/compile.h"
#include "../seed.h"
#include "tests/kernel/names.skel.h"

#define CASES 6000

struct fixture {
	struct host *host;
	struct names_bpf *names;
	uint64_t random;
};

static const char policy[] =
	"version: 1\n"
	"resolvers: [192.0.2.53]\n"
	"allow:\n"
	"  - {service: a, to: [update.example, \"*.wild.example\", \"**.deep.example\"], ports: tcp/80}\n"
	"  - {service: b, to: [update.example, \"**.example\"], ports: tcp/443}\n";

static const char *const names[] = {
	"update.example",
	"UpDate.Example",
	"x.wild.example",
	"y.x.wild.example",
	"wild.example",
	"a.b.c.deep.example",
	"deep.example",
	"other.test",
	"4.3.2.1.zen.spamhaus.org",
	"evil.test.multi.surbl.org",
	"_spf.other.test",
	"sel._domainkey.other.test",
	"k.rules.mailshell.net",
	"4.3.2.1.in-addr.arpa",
	"a.very.long.name.with.many.labels.in.it.test",
};
static const char *const addresses[] = {"192.0.2.7",       "198.51.100.9", "2001:db8::7",
					"127.255.255.254", "10.1.2.3",     "::1",
					"127.0.0.2"};

static uint32_t below(struct fixture *f, uint32_t bound)
{
	return me_seed_next(&f->random) % bound;
}

static const char *any_name(struct fixture *f)
{
	return names[below(f, ME_ARRAY_SIZE(names))];
}

static void random_message(struct fixture *f, struct me_dns_build *build)
{
	static const uint16_t types[] = {ME_DNS_A, ME_DNS_AAAA, ME_DNS_TXT, 255};
	const char *question = any_name(f), *owner = NULL;
	uint32_t records = below(f, 12);

	me_dns_build(build, below(f, 65536), below(f, 8) ? ME_DNS_BUILD_ANSWER : below(f, 65536),
		     question, types[below(f, ME_ARRAY_SIZE(types))]);
	for (uint32_t i = 0; i < records; i++) {
		if (below(f, 4) == 0) {
			const char *target = any_name(f);

			me_dns_build_cname(build, owner, target, below(f, 4000));
			owner = below(f, 8) ? target : NULL;
		} else {
			me_dns_build_address(build, below(f, 8) ? owner : any_name(f),
					     addresses[below(f, ME_ARRAY_SIZE(addresses))],
					     below(f, 4000));
		}
	}
}

/* Flips bytes, cuts, or points elsewhere. */
static void damage(struct fixture *f, struct me_dns_build *build)
{
	for (uint32_t n = below(f, 4); n; n--)
		build->data[below(f, build->length)] = below(f, 4) ? below(f, 256) : 0xc0;
	if (below(f, 3) == 0)
		build->length = 1 + below(f, build->length);
}

static void in_kernel(struct fixture *f, const struct me_dns_build *build,
		      struct names_case *ret_case)
{
	uint8_t packet[NAMES_HEADER + sizeof(build->data)] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = NAMES_HEADER + build->length);
	uint32_t zero = 0;

	memcpy(packet + NAMES_HEADER, build->data, build->length);
	memset(ret_case, 0, sizeof(*ret_case));
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(f->names->maps.names_cases), &zero,
					     ret_case, BPF_ANY),
			 0);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(f->names->progs.names_case), &opts),
			 0);
	assert_int_equal(opts.retval, 0);
	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(f->names->maps.names_cases), &zero, ret_case), 0);
}

static void on_host(const struct me_image *image, const struct me_dns_build *build,
		    struct names_case *ret_case)
{
	struct names_case *c = ret_case;

	memset(c, 0, sizeof(*c));
	c->length = build->length;
	c->unreadable = me_dns_question(build->data, build->length, &c->dns) != 0;
	if (c->unreadable)
		return;
	me_dns_answers(build->data, build->length, &c->dns);
	me_image_names_find(image, &c->dns.chain[0].name, &c->named);
	c->category = me_dns_category(&c->dns.chain[0].name, c->dns.type, &c->named);
}

static void assert_same_name(const struct me_name *a, const struct me_name *b)
{
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->labels, b->labels);
	assert_memory_equal(a->wire, b->wire, a->length);
}

static void assert_same(const struct names_case *kernel, const struct names_case *host)
{
	const struct me_dns *a = &kernel->dns, *b = &host->dns;

	assert_int_equal(kernel->length, host->length);
	assert_int_equal(kernel->unreadable, host->unreadable);
	if (host->unreadable)
		return;
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->n_addresses, b->n_addresses);
	assert_int_equal(a->n_chain, b->n_chain);
	assert_int_equal(a->other_names, b->other_names);
	assert_int_equal(a->too_many, b->too_many);
	assert_int_equal(a->malformed, b->malformed);
	assert_int_equal(a->refuses, b->refuses);
	for (uint32_t i = 0; i < b->n_chain; i++) {
		assert_same_name(&a->chain[i].name, &b->chain[i].name);
		assert_int_equal(a->chain[i].ttl, b->chain[i].ttl);
	}
	assert_memory_equal(a->address, b->address, b->n_addresses * sizeof(b->address[0]));
	assert_memory_equal(&kernel->named, &host->named, sizeof(host->named));
	assert_int_equal(kernel->category, host->category);
}

static void same_as_on_the_host(void **state)
{
	struct fixture *f = *state;
	struct names_case *kernel = calloc(1, sizeof(*kernel)), *host = calloc(1, sizeof(*host));
	uint32_t read = 0, learned = 0;
	struct me_dns_build build;

	assert_true(kernel && host);
	f->random = me_seed();
	host_policy(f->host, policy);
	for (int i = 0; i < CASES; i++) {
		random_message(f, &build);
		if (i % 2)
			damage(f, &build);
		in_kernel(f, &build, kernel);
		on_host(f->host->image, &build, host);
		assert_same(kernel, host);
		read += !host->unreadable;
		learned += host->dns.n_addresses && host->named.n;
	}
	printf("%u of %u messages could be read, %u would be learned\n", read, CASES, learned);
	assert_true(read > CASES / 2 && learned > CASES / 8);
	free(kernel);
	free(host);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct bpf_map *map;

	assert_non_null(f);
	f->host = host_begin("names-case", "", 64);
	f->names = names_bpf__open();
	assert_non_null(f->names);
	bpf_object__for_each_map(map, f->names->obj) {
		char path[256];
		int fd;

		snprintf(path, sizeof(path), "%s/" ME_LAYOUT_ID "/%s", f->host->pins,
			 bpf_map__name(map));
		fd = bpf_map__is_internal(map) ? -1 : bpf_obj_get(path);
		if (fd < 0)
			continue; /* its own */
		assert_int_equal(bpf_map__reuse_fd(map, fd), 0);
		close(fd);
	}
	assert_int_equal(names_bpf__load(f->names), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	names_bpf__destroy(f->names);
	host_end(&f->host);
	free(f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_on_the_host)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
