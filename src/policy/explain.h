/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_POLICY_EXPLAIN_H
#define MEWATCH_POLICY_EXPLAIN_H

/* What the policy says of one destination, and why: the verdict of the judge, put into words. */
#include "base/strbuf.h"
#include "policy/compile.h"

#define ME_QUERY_NAME_LEN 254                 /* the longest name and a NUL */
#define ME_QUERY_LEN (ME_QUERY_NAME_LEN + 32) /* name, port, protocol and a NUL */
#define ME_EXPLAIN_OTHERS_MAX 20u             /* other entries told of; the rest is counted */

/* What is asked: "meupdate.gfi.com:443/tcp", "[2001:db8::1]:53/udp", "192.0.2.1:443", "10.0.0.1/icmp". */
struct me_query {
	char name[ME_QUERY_NAME_LEN]; /* lower case, no trailing dot; empty if asked by address */
	struct me_addr address;
	uint16_t port; /* host order; 0 where the protocol has none */
	uint8_t proto;
};

/* 0, or -EINVAL with what was expected, a static text, in *ret_expected. Without `/proto` it is tcp. */
int me_query_parse(const char *text, struct me_query *ret_query, const char **ret_expected);

/* Writes the query as it is parsed. */
void me_query_format(const struct me_query *query, char out[ME_QUERY_LEN]);

/* How an entry that does not decide stands to the question. */
#define ME_ROLE_LIST(X)                                                                            \
	X(WEAKER, "weaker")       /* would allow it too */                                         \
	X(WAITED, "waited-for")   /* a name that the flow waits for */                             \
	X(PASSED, "passed-over")  /* the destination is local, which it does not reach */          \
	X(PORTS, "other-ports")   /* the destination, but not this port */                         \
	X(DEPTH, "other-depth")   /* a wildcard for another number of labels */                    \
	X(RECURSIVE, "recursive") /* allows it for the recursive resolver alone */                 \
	X(EXPIRED, "expired")     /* would have allowed it */

#define ME_PICK(constant, label) ME_ROLE_##constant,
enum me_role { ME_ROLE_LIST(ME_PICK) ME_ROLE_COUNT };
#undef ME_PICK

const char *me_role_label(enum me_role role);

/* Another entry that has to do with the destination. Borrows from the policy. */
struct me_other {
	enum me_role role;
	const struct me_rule *rule;
	const struct me_to *to;
};

struct me_explanation {
	struct me_query query;
	struct me_judgement judgement; /* of a name: once an answer for it was seen */
	struct me_judgement before;    /* of a name: while none was seen; else the same */
	const char *service;           /* of the judgement */
	const char *endpoint;          /* of the judgement; NULL: none */
	const struct me_rule *rule;    /* that decides; NULL: none */
	const struct me_to *to;        /* its destination that matched */
	struct me_other others[ME_EXPLAIN_OTHERS_MAX]; /* nearest first */
	size_t n_others;
	size_t n_untold; /* beyond ME_EXPLAIN_OTHERS_MAX */
	uint8_t flags;   /* of me_facts */
};

/*
 * Explains the query by `image`, which was compiled from `policy` with `environment`. `flags` are
 * those of me_facts: ME_FACT_OWN, the address is one of this machine; ME_FACT_WIRE, it is asked for a
 * mail host behind it; ME_FACT_RECURSIVE, for one that may ask any server. The explanation borrows from `policy` and `registry`. It looks at every entry
 * and destination of the policy. 0, or -EINVAL: no DNS message can carry the name.
 */
int me_explain(const struct me_policy *policy, const struct me_environment *environment,
	       const struct me_image *image, const struct me_registry *registry,
	       const struct me_query *query, uint8_t flags, struct me_explanation *ret_explanation);

/* Appends why the verdict is what it is: one sentence, or several, without a line end. */
void me_explain_why(const struct me_explanation *explanation, const struct me_policy *policy,
		    struct me_strbuf *out);

/* Appends what happens before an answer for the name was seen. */
void me_explain_before(const struct me_explanation *explanation, const struct me_policy *policy,
		       struct me_strbuf *out);

/* Appends how another entry stands to the question. */
void me_explain_other(const struct me_explanation *explanation, const struct me_policy *policy,
		      const struct me_other *other, struct me_strbuf *out);

#endif
