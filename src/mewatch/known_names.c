/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/known_names.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include "base/clock.h"
#include "base/inet.h"
#include "mewatch/ask.h"
#include "mewatch/dns_use.h"

#define NAMES_MAX 256u /* that are asked for */

void me_known_names_free(struct me_known_names *known)
{
	free(known->list);
	json_decref(known->answer);
	*known = (struct me_known_names){0};
}

static void add_path(struct me_strbuf *path, const struct me_query *query)
{
	char address[ME_INET_LEN];

	me_inet_format(query->address.byte, address);
	me_strbuf_addf(path, "/v1/dns?limit=%u&sort=last&desc=1&%s=", NAMES_MAX,
		       *query->name ? "name" : "address");
	me_ask_add_encoded(path, *query->name ? query->name : address);
}

/* Texts of the same form, in the order of their times. */
static enum me_evidence worth(const char *until, const char *now, const char *grace_begins)
{
	if (strcmp(until, now) > 0)
		return ME_EVIDENCE_LEARNED;
	return strcmp(until, grace_begins) > 0 ? ME_EVIDENCE_STALE : ME_EVIDENCE_NONE;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

/* Reads one row. False: it is none, whoever wrote it. */
static bool read_name(json_t *row, struct me_known_name *ret_name)
{
	struct me_known_name name = {0};

	if (json_unpack(row, "{s:s, s?s, s:s, s:s, s:s, s:s}", "name", &name.name, "target",
			&name.target, "address", &name.address, "server", &name.server, "since",
			&name.since, "until", &name.until) ||
	    strlen(name.since) != ME_RFC3339_LEN - 1 || strlen(name.until) != ME_RFC3339_LEN - 1)
		return false;
	if (!is_printable(name.name) || (name.target && !is_printable(name.target)) ||
	    !is_printable(name.address) || !is_printable(name.server) ||
	    !is_printable(name.since) || !is_printable(name.until))
		return false;
	*ret_name = name;
	return true;
}

static int read_answer(struct me_known_names *known, uint64_t grace_ns, uint64_t now_epoch_ns)
{
	const json_t *rows = json_object_get(known->answer, "answers");
	json_int_t matched = json_integer_value(json_object_get(known->answer, "matched"));
	char now[ME_RFC3339_LEN], grace_begins[ME_RFC3339_LEN];
	json_t *row;
	size_t i;

	if (!json_is_array(rows))
		return -EPROTO;
	known->list = calloc(json_array_size(rows) + 1, sizeof(*known->list));
	if (!known->list)
		return -ENOMEM;
	known->matched = matched > 0 ? (uint64_t)matched : 0;
	me_clock_rfc3339(now_epoch_ns, now);
	me_clock_rfc3339(now_epoch_ns > grace_ns ? now_epoch_ns - grace_ns : 0, grace_begins);
	json_array_foreach(rows, i, row) {
		struct me_known_name *name = &known->list[known->n];

		if (!read_name(row, name))
			return -EPROTO;
		name->evidence = worth(name->until, now, grace_begins);
		known->n++;
	}
	return 0;
}

int me_known_names_ask(const char *socket, const struct me_query *query, uint64_t grace_ns,
		       uint64_t now_epoch_ns, struct me_known_names *ret_known)
{
	_cleanup_strbuf_ struct me_strbuf path = {0}, body = {0};
	struct me_known_names known = {.socket = socket};

	add_path(&path, query);
	known.err = path.err ? path.err : me_ask(socket, path.data, &body);
	if (!known.err) {
		known.answer = json_loadb(body.data ? body.data : "", body.len, 0, NULL);
		known.err = read_answer(&known, grace_ns, now_epoch_ns);
	}
	if (known.err) {
		int err = known.err;

		me_known_names_free(&known);
		if (err == -ENOMEM)
			return err;
		known = (struct me_known_names){.socket = socket, .err = err};
	}
	*ret_known = known;
	return 0;
}

/* Adds the endpoints that an answer for the name is learned for. How many there are now. */
static size_t add_endpoints(const struct me_known_name *known, const struct me_image *image,
			    const struct me_addr *address, struct me_learned_endpoint *learned,
			    size_t n)
{
	struct me_named named;
	struct me_name name;

	if (known->evidence == ME_EVIDENCE_NONE || me_name_from_text(known->name, &name))
		return n;
	me_image_names_find(image, &name, &named);
	for (uint32_t i = 0; i < named.n; i++)
		if (me_dns_refused(address, named.flags[i]) == ME_REFUSED_COUNT)
			learned[n++] = (struct me_learned_endpoint){
				.endpoint = named.endpoint[i],
				.evidence = (uint8_t)known->evidence,
			};
	return n;
}

void me_known_names_judge(const struct me_known_names *known, const struct me_image *image,
			  const struct me_query *query, uint8_t flags,
			  struct me_judgement *ret_judgement, const struct me_known_name **ret_name)
{
	struct me_learned_endpoint learned[(NAMES_MAX + 1) * ME_NAME_ENDPOINTS];
	const struct me_facts facts = {
		.dst = query->address,
		.dport = query->port,
		.proto = query->proto,
		.flags = flags,
	};
	size_t n = 0;

	*ret_name = NULL;
	for (size_t i = 0; i < known->n && i < NAMES_MAX; i++)
		n = add_endpoints(&known->list[i], image, &query->address, learned, n);
	me_image_judge(image, &facts, learned, n, ret_judgement);
	for (size_t i = 0; i < known->n && i < NAMES_MAX && !*ret_name; i++) {
		n = add_endpoints(&known->list[i], image, &query->address, learned, 0);
		for (size_t k = 0; k < n; k++)
			if (learned[k].endpoint == ret_judgement->endpoint &&
			    learned[k].evidence == ret_judgement->evidence)
				*ret_name = &known->list[i];
	}
}
