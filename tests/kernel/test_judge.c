/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel = host: random policies, random facts; the programs' judge on maps and me_image_judge() on
 * the image must say the same. And the two slots: reloads under judgement never tear one.
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
#include <pthread.h>

#include "base/clock.h"
#include "base/inet.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "gen/layout.h"
#include "kernel/kernel.h"
#include "policy/compile.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/registry.h"
#include "judge_case.h"
#include "tests/kernel/judge.skel.h"

#define POLICIES 40
#define CASES 500 /* of each policy */
#define RELOADS 12

struct fixture {
	char pins[64];
	char file[64];
	struct me_kernel *kernel;
	struct judge_bpf *judge;
	struct me_registry *registry;
	uint64_t random;
};

static uint32_t below(uint64_t *state, uint32_t bound)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * 0x2545f4914f6cdd1dull) >> 33) % bound;
}

/* Addresses from a small space, so that rules and facts meet. */
static void random_address(uint64_t *random, struct me_addr *ret_address)
{
	static const char *const bases[] = {"10.0.0.0",  "192.0.2.0",   "8.8.8.8",     "127.0.0.1",
					    "224.0.0.0", "169.254.0.0", "2001:db8::0", "fe80::1",
					    "::1",       "1.1.1.1"};

	assert_int_equal(
		me_inet_parse(bases[below(random, ME_ARRAY_SIZE(bases))], ret_address->byte), 0);
	ret_address->byte[15] ^= below(random, 8);
	ret_address->byte[14] ^= below(random, 2);
}

static void random_to(struct fixture *f, struct me_strbuf *yaml)
{
	static const char *const words[] = {"any",       "local",       "resolvers",   "peers",
					    "a.example", "*.b.example", "**.c.example"};
	char text[ME_INET_LEN];
	struct me_addr address;
	uint32_t bits;

	if (below(&f->random, 4) == 0) {
		me_strbuf_addf(yaml, "\"%s\"", words[below(&f->random, ME_ARRAY_SIZE(words))]);
		return;
	}
	random_address(&f->random, &address);
	if (below(&f->random, 2)) {
		me_inet_format(address.byte, text);
		me_strbuf_addf(yaml, "\"%s\"", text);
		return;
	}
	bits = 8 + below(&f->random, me_addr_is_v4(&address) ? 25 : 121);
	for (uint32_t i = bits + (me_addr_is_v4(&address) ? 96 : 0); i < 128; i++)
		address.byte[i / 8] &= ~(0x80 >> i % 8);
	me_inet_format(address.byte, text);
	me_strbuf_addf(yaml, "\"%s/%u\"", text, bits);
}

static void random_rule(struct fixture *f, struct me_strbuf *yaml, uint32_t number)
{
	static const char *const ports[] = {"tcp/80",        "tcp/443",    "udp/53",  "tcp/1-1023",
					    "udp/*",         "icmp",       "sctp/9",  "proto/47",
					    "tcp/9000-9100", "udplite/53", "udp/443", "tcp/53"};
	uint32_t n = 1 + below(&f->random, 3);

	me_strbuf_addf(yaml, "  - {service: s%u, name: r%u, to: [", below(&f->random, 4), number);
	for (uint32_t i = 0; i < n; i++) {
		me_strbuf_adds(yaml, i ? ", " : "");
		random_to(f, yaml);
	}
	me_strbuf_addf(yaml, "], ports: [%s, %s]}\n",
		       ports[below(&f->random, ME_ARRAY_SIZE(ports))],
		       ports[below(&f->random, ME_ARRAY_SIZE(ports))]);
}

/* Compiles a policy of text; NULL if it cannot be used (a rule that says something twice). */
static struct me_image *compile_text(struct fixture *f, const char *text, uint32_t generation)
{
	struct me_environment environment = {.now_epoch_ns = me_clock_now(CLOCK_REALTIME)};
	struct me_diagnostics diagnostics = {};
	struct me_policy *policy = NULL;
	struct me_image *image = NULL;
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	if (!me_policy_load(f->file, NULL, &diagnostics, &policy))
		me_compile(policy, &environment, f->registry, generation, &diagnostics, &image);
	me_policy_free(&policy);
	me_diagnostics_clear(&diagnostics);
	return image;
}

static struct me_image *random_image(struct fixture *f, uint32_t generation)
{
	struct me_image *image = NULL;

	for (int tries = 0; !image && tries < 100; tries++) {
		struct me_strbuf yaml = {};
		uint32_t rules = 1 + below(&f->random, 12);

		me_strbuf_adds(&yaml, "version: 1\nresolvers: [192.0.2.1, 192.0.2.2]\n"
				      "peers: [192.0.2.3]\nallow:\n");
		for (uint32_t i = 0; i < rules; i++)
			random_rule(f, &yaml, i);
		image = compile_text(f, yaml.data, generation);
		me_strbuf_free(&yaml);
	}
	assert_non_null(image);
	return image;
}

static void random_facts(struct fixture *f, struct me_facts *ret_facts)
{
	static const uint16_t ports[] = {80, 443, 53, 853, 1, 1023, 1024, 9, 9050, 9093, 21, 65535};
	static const uint8_t protos[] = {6, 6, 6, 17, 17, 132, 136, 1, 58, 47, 0};

	memset(ret_facts, 0, sizeof(*ret_facts));
	random_address(&f->random, &ret_facts->dst);
	ret_facts->proto = protos[below(&f->random, sizeof(protos))];
	if (me_proto_has_ports(ret_facts->proto))
		ret_facts->dport = ports[below(&f->random, ME_ARRAY_SIZE(ports))];
	if (below(&f->random, 8) == 0)
		ret_facts->flags =
			1u << below(&f->random, 3); /* recursive is found out by the programs */
}

static void judge_in_kernel(const struct fixture *f, struct judge_case *c)
{
	struct {
		uint8_t ethernet[ETH_LENGTH];
		struct judge_case c;
	} __attribute__((packed)) packet = {.c = *c};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &packet, .data_size_in = sizeof(packet),
		    .data_out = &packet, .data_size_out = sizeof(packet));

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(f->judge->progs.judge_case), &opts),
			 0);
	assert_int_equal(opts.retval, 0);
	*c = packet.c;
}

static void same_as_on_the_host(void **state)
{
	struct fixture *f = *state;
	const char *given = getenv("SEED");
	uint64_t seed = me_clock_now(CLOCK_REALTIME) | 1;

	if (given)
		assert_true(me_text_parse_u64(given, 1, UINT64_MAX, &seed));
	printf("SEED=%llu\n", (unsigned long long)seed);
	f->random = seed;
	for (uint32_t p = 0; p < POLICIES; p++) {
		uint32_t generation = me_kernel_generation(f->kernel) + 1;
		struct me_image *image = random_image(f, generation);
		struct me_why why;

		assert_int_equal(me_kernel_policy(f->kernel, image, &why), 0);
		for (int i = 0; i < CASES; i++) {
			struct me_judgement expected;
			struct judge_case c = {};
			struct me_facts facts;

			random_facts(f, &facts);
			c.facts = facts;
			me_image_judge(image, &facts, NULL, 0, &expected);
			judge_in_kernel(f, &c);
			assert_int_equal(c.generation, generation);
			assert_memory_equal(&c.judgement, &expected, sizeof(expected));
		}
		me_image_free(&image);
	}
}

static void nothing_is_judged_before_a_policy(void **state)
{
	struct judge_case c = {};

	c.facts.proto = 6;
	judge_in_kernel(*state, &c);
	assert_int_equal(c.generation, 0);
}

/* Two policies that give one destination to different services. */
struct reloader {
	struct fixture *f;
	struct me_image *images[2];
	bool stop;
	int err;
	volatile unsigned int reloads;
};

static void *reload_all_the_time(void *data)
{
	struct reloader *r = data;
	struct me_why why;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED) && !r->err) {
		uint32_t next = me_kernel_generation(r->f->kernel) + 1;
		struct me_image *image = r->images[next % 2];

		image->head->generation = next;
		r->err = me_kernel_policy(r->f->kernel, image, &why);
		r->reloads++;
	}
	return NULL;
}

static void a_reload_tears_nothing(void **state)
{
	static const char *const policies[2] = {
		"version: 1\nallow:\n"
		"  - {service: even, to: [192.0.2.7, 10.0.0.0/8], ports: [tcp/80, udp/53]}\n"
		"  - {service: other, to: [192.0.2.9], ports: [tcp/1-100]}\n",
		"version: 1\nallow:\n"
		"  - {service: odd, to: [192.0.2.7], ports: [tcp/80]}\n",
	};
	struct reloader r = {.f = *state};
	uint32_t rules[2] = {}, seen[2] = {};
	struct judge_case c = {};
	pthread_t thread;

	c.facts.proto = 6;
	c.facts.dport = 80;
	assert_int_equal(me_inet_parse("192.0.2.7", c.facts.dst.byte), 0);
	for (int i = 0; i < 2; i++) {
		struct me_judgement judgement;
		struct me_facts facts = c.facts;

		r.images[i] = compile_text(r.f, policies[i], 1);
		assert_non_null(r.images[i]);
		me_image_judge(r.images[i], &facts, NULL, 0, &judgement);
		assert_int_equal(judgement.verdict, ME_ALLOWED);
		rules[i] = judgement.rule;
	}
	assert_int_not_equal(rules[0], rules[1]);
	r.images[me_kernel_generation(r.f->kernel) % 2]->head->generation =
		me_kernel_generation(r.f->kernel) + 2;
	assert_int_equal(pthread_create(&thread, NULL, reload_all_the_time, &r), 0);
	while ((seen[0] < 20000 || seen[1] < 20000 || r.reloads < RELOADS) && !r.err) {
		judge_in_kernel(r.f, &c);
		if (c.generation < 3 && !seen[0] && !seen[1])
			continue;
		if (c.judgement.rule != rules[0] && c.judgement.rule != rules[1])
			continue; /* the policy of the test before */
		assert_int_equal(c.judgement.rule, rules[c.generation % 2]);
		seen[c.generation % 2]++;
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(r.err, 0);
	printf("%u judgements over %u reloads\n", seen[0] + seen[1], r.reloads);
	me_image_free(&r.images[0]);
	me_image_free(&r.images[1]);
}

/* The test program judges by the maps of the kernel under test. */
static void share_maps(struct fixture *f)
{
	struct bpf_map *map;

	f->judge = judge_bpf__open();
	assert_non_null(f->judge);
	bpf_object__for_each_map(map, f->judge->obj) {
		char path[256];
		int fd;

		if (bpf_map__is_internal(map))
			continue;
		snprintf(path, sizeof(path), "%s/" ME_LAYOUT_ID "/%s", f->pins, bpf_map__name(map));
		fd = bpf_obj_get(path);
		assert_true(fd >= 0);
		assert_int_equal(bpf_map__reuse_fd(map, fd), 0);
		close(fd);
	}
	assert_int_equal(judge_bpf__load(f->judge), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct me_kernel_options options = {
		.flows = 1024, .endpoints = 1024, .learned = 64, .kept_size = 64};
	struct me_why why = {};

	assert_non_null(f);
	snprintf(f->pins, sizeof(f->pins), "/sys/fs/bpf/mewatch-test-judge-%d", getpid());
	snprintf(f->file, sizeof(f->file), "/tmp/mewatch-test-judge-%d.yaml", getpid());
	options.pins = f->pins;
	if (me_kernel_open(&options, &f->kernel, &why))
		fail_msg("%s", why.text);
	f->registry = me_registry_new();
	assert_non_null(f->registry);
	share_maps(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct me_why why;

	judge_bpf__destroy(f->judge);
	me_kernel_close(&f->kernel);
	assert_int_equal(me_kernel_detach(f->pins, &why), 0);
	me_registry_free(&f->registry);
	unlink(f->file);
	free(f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_judged_before_a_policy),
		cmocka_unit_test(same_as_on_the_host),
		cmocka_unit_test(a_reload_tears_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
