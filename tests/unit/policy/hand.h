/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TEST_POLICY_HAND_H
#define MEWATCH_TEST_POLICY_HAND_H

/* Policies made by hand, without the parser. What goes wrong ends the test. */
#include "policy/compile.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/registry.h"

struct hand {
	struct me_policy policy;
	struct me_arena *arena;
	struct me_environment environment;
	struct me_registry *registry;
	struct me_diagnostics diagnostics;
	struct me_image *image;
	uint32_t generation;
};

/* An empty policy, an empty registry. hand_free() releases everything. */
void hand_start(struct hand *hand);
void hand_free(struct hand *hand);

/*
 * Adds a rule at the end. `to` and `ports` are written as in a policy, separated by spaces:
 * "10.0.0.0/8 *.example.com resolvers", "tcp/443 udp/1-1023 icmp proto/47". The rule is valid until
 * the next is added.
 */
struct me_rule *hand_rule(struct hand *hand, const char *slug, const char *to, const char *ports);

/* Adds `n` destinations to the last rule; the caller fills them in. */
struct me_to *hand_more(struct hand *hand, size_t n);

void hand_resolvers(struct hand *hand, const char *addresses);
/* Makes the last of the resolvers a stub that asks these. */
void hand_upstream(struct hand *hand, const char *addresses);

void hand_peers(struct hand *hand, const char *addresses);
void hand_proxy(struct hand *hand, const char *to);
void hand_remoting(struct hand *hand, const char *ports);

/* Compiles; the image of before is freed. What me_compile() returns. */
int hand_compile(struct hand *hand);

/* Compiles; the one diagnostic is an error of this kind at this line, and says all of `parts`. */
void hand_assert_refused(struct hand *hand, const char *kind, unsigned int line,
			 const char *const *parts);

/* "192.0.2.1:443/tcp", "[2001:db8::1]:53/udp", "192.0.2.1/icmp" as facts. */
struct me_facts hand_facts(const char *text);

/* The stable id of a name endpoint; the test ends if there is none. */
uint32_t hand_endpoint(const struct hand *hand, const char *service, const char *text);

/* Judges by the image. The names are learned with their evidence where n_learned is not 0. */
struct me_judgement hand_judge(const struct hand *hand, const struct me_facts *facts,
			       const struct me_learned_endpoint *learned, size_t n_learned);

#endif
