/* SPDX-License-Identifier: GPL-2.0-only */
#include "export/story.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "base/clock.h"
#include "base/text.h"
#include "export/views.h"
#include "ledger/answers.h"
#include "ledger/requests.h"

#define SAID_MAX 1024u /* bytes of one text from outside; the rest is cut off */

struct step {
	uint64_t epoch_ns;
	uint64_t flow; /* 0: about no other flow */
	const char *label;
	struct me_strbuf text;
};

struct me_story {
	const struct me_ledger *ledger;
	const struct me_status *status;
	size_t n, left_out;
	struct step steps[ME_STORY_STEPS_MAX + 1]; /* the last one takes what is not told */
};

static const char *kind_label(enum me_story_kind kind)
{
#define ME_PICK_LABEL(p, constant, label, help) label,
	static const char *const text[] = {ME_STORY_LIST(ME_PICK_LABEL, )};
#undef ME_PICK_LABEL

	return text[kind];
}

struct me_strbuf *me_story_step(struct me_story *story, uint64_t epoch_ns, const char *step)
{
	struct step *spare = &story->steps[ME_STORY_STEPS_MAX];

	if (epoch_ns && story->n < ME_STORY_STEPS_MAX) {
		story->steps[story->n] = (struct step){.epoch_ns = epoch_ns, .label = step};
		return &story->steps[story->n++].text;
	}
	story->left_out += epoch_ns != 0;
	me_strbuf_free(&spare->text);
	return &spare->text;
}

struct me_strbuf *me_story_tell(struct me_story *story, uint64_t epoch_ns, enum me_story_kind kind)
{
	return me_story_step(story, epoch_ns, kind_label(kind));
}

void me_story_about_flow(struct me_story *story, uint64_t flow)
{
	if (story->n)
		story->steps[story->n - 1].flow = flow;
}

const struct me_ledger *me_story_ledger(const struct me_story *story)
{
	return story->ledger;
}

const struct me_status *me_story_status(const struct me_story *story)
{
	return story->status;
}

void me_story_say(struct me_strbuf *text, const char *before, struct me_value value)
{
	char buffer[ME_VALUE_LEN], escaped[ME_TEXT_ESCAPED(SAID_MAX)];
	size_t len;
	const char *shown = me_value_show(&value, buffer, &len);

	if (!shown)
		return;
	me_strbuf_adds(text, before);
	if (value.kind == ME_VALUE_NAME) { /* it has its own escape */
		me_strbuf_add(text, shown, len);
		return;
	}
	me_text_escape(escaped, sizeof(escaped), shown, len < SAID_MAX ? len : SAID_MAX);
	me_strbuf_adds(text, escaped);
}

void me_story_say_place(struct me_strbuf *text, const char *before, const struct me_addr *address,
			uint16_t port, uint8_t proto)
{
	char place[ME_REQUESTS_PLACE_LEN];

	if (me_proto_has_ports(proto)) {
		me_requests_place(address, port, place);
		me_strbuf_addf(text, "%s%s", before, place);
	} else {
		me_story_say(text, before, me_value_address(address));
	}
	me_story_say(text, "/", me_value_proto(proto));
}

/* "NAME is ADDRESS (TARGET), said SERVER; good until TIME". */
static void say_answer(struct me_strbuf *text, const struct me_ledger *ledger,
		       const struct me_answer *answer)
{
	me_story_say(text, "", me_value_name(answer->name));
	me_story_say(text, " is ", me_value_address(&answer->address));
	if (answer->target) {
		me_story_say(text, " (", me_value_name(answer->target));
		me_strbuf_addc(text, ')');
	}
	me_story_say(text, ", says ", me_value_address(&answer->server));
	me_story_say(text, "; good until ",
		     me_value_time(me_ledger_epoch(ledger, answer->until_ns)));
}

void me_story_answers(struct me_story *story, const struct me_addr *address, const char *name,
		      uint64_t until_ns)
{
	const struct me_answers *answers = me_ledger_answers(story->ledger);
	const struct me_answer *answer;
	size_t cursor = 0, n = 0;

	while (n < ME_STORY_ANSWERS &&
	       (answer = address ? me_answers_of_address(answers, address, &cursor)
				 : me_answers_of_name(answers, name, &cursor))) {
		bool again = answer->count > 1 && answer->last_ns > answer->since_ns;
		uint64_t since = me_ledger_epoch(story->ledger, answer->since_ns);
		uint64_t last = me_ledger_epoch(story->ledger, answer->last_ns);
		struct me_strbuf *text;

		if (until_ns && answer->since_ns > until_ns)
			continue;
		n++;
		text = me_story_tell(story, since, ME_STORY_ANSWER);
		if (again && (!until_ns || answer->last_ns <= until_ns)) {
			me_story_say(text, "", me_value_name(answer->name));
			me_story_say(text, " is ", me_value_address(&answer->address));
			me_strbuf_adds(text, ": said for the first time");
			text = me_story_tell(story, last, ME_STORY_ANSWER);
			me_strbuf_addf(text, "for the %" PRIu64 ". time: ", answer->count);
		}
		say_answer(text, story->ledger, answer);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct step *const *x = a, *const *y = b;

	if ((*x)->epoch_ns != (*y)->epoch_ns)
		return (*x)->epoch_ns < (*y)->epoch_ns ? -1 : 1;
	return *x < *y ? -1 : *x > *y; /* as they were told */
}

static int write_steps(const struct me_story *story, struct me_strbuf *out)
{
	const struct step *order[ME_STORY_STEPS_MAX];

	for (size_t i = 0; i < story->n; i++)
		order[i] = &story->steps[i];
	qsort(order, story->n, sizeof(*order), by_time);
	for (size_t i = 0; i < story->n; i++) {
		_cleanup_json_ struct me_json *object = me_json_object();
		const struct step *step = order[i];
		int r;

		if (step->text.err)
			return step->text.err;
		me_json_set(object, "ts", me_value_time(step->epoch_ns));
		me_json_set_text(object, "step", step->label);
		me_json_set_safe(object, "text", step->text.data ? step->text.data : "");
		if (step->flow)
			me_json_set(object, "flow", me_value_id(step->flow));
		me_strbuf_adds(out, i ? "," : "");
		r = me_json_write(object, out);
		if (r < 0)
			return r;
	}
	return out->err;
}

/* The answer: what it is about as one row of its list, then the steps. */
static int write_story(const struct me_story *story, const char *what, const struct me_rows *rows,
		       const struct me_item *item, struct me_strbuf *out)
{
	_cleanup_json_ struct me_json *head = me_json_object();
	_cleanup_json_ struct me_json *row = me_view_row(rows, item);
	int r;

	me_json_set(head, "ts", me_value_time(story->status->now_ns));
	me_json_set_text(head, "version", story->status->version);
	me_json_set_child(head, what, &row);
	me_json_set_number(head, "total", story->n + story->left_out);
	me_json_set_number(head, "matched", story->n);
	r = me_json_write(head, out);
	if (r < 0)
		return r;
	out->len--; /* the closing brace */
	me_strbuf_adds(out, ",\"steps\":[");
	r = write_steps(story, out);
	me_strbuf_adds(out, "]}\n");
	return r < 0 ? r : out->err;
}

/* The flow of "0000000000000001", or of the event "65a4e9c0-0000000000000001-c". */
static const struct me_ledger_flow *find_flow(const struct me_ledger *ledger, const char *text)
{
	const char *dash = strchr(text, '-');
	uint64_t id;
	char *end;

	if (dash)
		text = dash + 1;
	if (strspn(text, "0123456789abcdef") != 16)
		return NULL;
	id = strtoull(text, &end, 16);
	if (*end && *end != '-')
		return NULL;
	return me_ledger_find(ledger, id);
}

static int write_flow(struct me_story *story, const char *id, struct me_strbuf *out)
{
	const struct me_ledger_flow *flow = strchr(id, '-') ? NULL : find_flow(story->ledger, id);

	if (!flow)
		return -ENOENT;
	me_story_of_flow(story, flow);
	return write_story(story, "flow", &me_rows_flows,
			   &(struct me_item){.ledger = story->ledger, .flow = flow}, out);
}

/* `path` is "SERVICE/ENDPOINT"; the latter may have slashes of its own. */
static int write_endpoint(struct me_story *story, const char *path, struct me_strbuf *out)
{
	const struct me_names *n = me_ledger_names(story->ledger);
	const char *slash = strchr(path, '/');
	struct me_endpoint endpoint;

	for (size_t cursor = 0;
	     slash && me_ledger_next_endpoint(story->ledger, &cursor, &endpoint);) {
		const char *service = n->endpoint_service(n->data, endpoint.id);
		const char *name = n->endpoint(n->data, endpoint.id);

		if (!service || !name || strncmp(service, path, (size_t)(slash - path)) ||
		    service[slash - path] || strcmp(name, slash + 1))
			continue;
		me_story_of_endpoint(story, &endpoint);
		return write_story(
			story, "endpoint", &me_rows_endpoints,
			&(struct me_item){.ledger = story->ledger, .endpoint = &endpoint}, out);
	}
	return -ENOENT;
}

/* The group of an event: whichever is its last by now, its flow says which group it was. */
static int write_group(struct me_story *story, const char *id, struct me_strbuf *out)
{
	const struct me_ledger_flow *flow = strchr(id, '-') ? find_flow(story->ledger, id) : NULL;
	const struct me_group *group;

	for (size_t cursor = 0; (group = me_ledger_next_group(story->ledger, &cursor));) {
		if (strcmp(group->last_id, id) && !(flow && me_group_holds(group, flow)))
			continue;
		me_story_of_group(story, group);
		return write_story(story, "violation", &me_rows_violations,
				   &(struct me_item){.ledger = story->ledger, .group = group}, out);
	}
	return -ENOENT;
}

int me_story_write(const struct me_ledger *ledger, const struct me_status *status, const char *path,
		   struct me_strbuf *out)
{
	static const struct {
		const char *below;
		int (*write)(struct me_story *story, const char *which, struct me_strbuf *out);
	} kinds[] = {
		{"flows/", write_flow},
		{"endpoints/", write_endpoint},
		{"violations/", write_group},
	};
	struct me_story *story;
	int r = -ENOTTY;

	for (size_t i = 0; i < ME_ARRAY_SIZE(kinds) && r == -ENOTTY; i++) {
		size_t len = strlen(kinds[i].below);

		if (strncmp(path, kinds[i].below, len))
			continue;
		story = calloc(1, sizeof(*story));
		if (!story)
			return -ENOMEM;
		story->ledger = ledger;
		story->status = status;
		r = kinds[i].write(story, path + len, out);
		for (size_t step = 0; step <= ME_STORY_STEPS_MAX; step++)
			me_strbuf_free(&story->steps[step].text);
		free(story);
	}
	return r;
}
