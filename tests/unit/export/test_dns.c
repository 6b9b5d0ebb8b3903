/* SPDX-License-Identifier: GPL-2.0-only */
/* /v1/dns: what is counted, and the answers that are remembered. */
#include <errno.h>
#include <jansson.h>
#include "world.h"
#include "export/views.h"

static json_t *ask(const struct world *world, struct me_query query)
{
	_cleanup_strbuf_ struct me_strbuf out = {0}, error = {0};
	json_t *answer;

	assert_int_equal(
		me_view_list(&me_rows_dns, world->ledger, &world->status, &query, &out, &error), 0);
	for (size_t i = 0; i < out.len; i++)
		assert_true((out.data[i] >= ' ' && out.data[i] <= '~') || out.data[i] == '\n');
	answer = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	if (!answer)
		fail_msg("not JSON: %s", out.data);
	return answer;
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("no number: %s", key);
	return json_integer_value(value);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	if (!value)
		fail_msg("no text: %s", key);
	return value;
}

/* What an answer lists, as "NAME=ADDRESS NAME=ADDRESS". */
static const char *list(const struct world *world, struct me_query query)
{
	static char out[512];
	json_t *answer = ask(world, query), *row;
	size_t i, n = 0;

	out[0] = '\0';
	json_array_foreach(json_object_get(answer, "answers"), i, row)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s=%s", i ? " " : "",
				      text(row, "name"), text(row, "address"));
	json_decref(answer);
	return out;
}

static void everything_is_counted(void **state)
{
	struct world *world = world_new(1);
	json_t *answer = ask(world, (struct me_query){0});
	const json_t *categories = json_object_get(answer, "categories");
	const json_t *zones = json_object_get(answer, "zones");
	const json_t *refused = json_object_get(answer, "refused");
	const json_t *spf = json_array_get(categories, ME_DNS_SPF);

	(void)state;
	assert_int_equal(number(answer, "total"), 4);
	assert_int_equal(number(answer, "matched"), 4);
	assert_int_equal(number(answer, "learned"), 17);
	assert_int_equal(json_array_size(categories), ME_DNS_CATEGORY_COUNT);
	assert_string_equal(text(spf, "category"), "spf");
	assert_int_equal(number(spf, "queries"), 20);
	assert_int_equal(json_object_size(json_object_get(spf, "responses")), ME_RCODE_COUNT);
	assert_int_equal(number(json_object_get(spf, "responses"), "noerror"), 2);
	assert_int_equal(number(json_object_get(spf, "responses"), "refused"), 0);
	assert_int_equal(json_object_size(refused), ME_REFUSED_COUNT);
	assert_int_equal(number(refused, "unsolicited"), 3);
	/* Every zone that has an id, those with the most queries first. */
	assert_int_equal(json_array_size(zones), 2);
	assert_string_equal(text(json_array_get(zones, 0), "zone"), "zen.spamhaus.org");
	assert_int_equal(number(json_array_get(zones, 0), "queries"), 40);
	assert_int_equal(number(json_array_get(zones, 0), "answers"), 39);
	assert_int_equal(number(json_array_get(zones, 0), "listed"), 5);
	assert_int_equal(number(json_array_get(zones, 0), "refusals"), 7);
	assert_string_equal(text(json_array_get(zones, 1), "zone"), "multi.surbl.org");
	assert_int_equal(number(json_array_get(zones, 1), "queries"), 0);
	json_decref(answer);
	world_free(world);
}

static void an_answer_has_its_fields(void **state)
{
	struct world *world = world_new(1);
	json_t *answer = ask(
		world, (struct me_query){.name = "meupdate.gfi.com", .address = "198.51.100.99"});
	const json_t *row = json_array_get(json_object_get(answer, "answers"), 0);

	(void)state;
	assert_string_equal(text(row, "name"), "meupdate.gfi.com");
	assert_string_equal(text(row, "target"), "edge.example.net");
	assert_string_equal(text(row, "address"), "198.51.100.99");
	assert_string_equal(text(row, "server"), "192.0.2.53");
	assert_string_equal(text(row, "since"), "2027-01-15T08:16:21.000Z");
	assert_string_equal(text(row, "last"), "2027-01-15T08:16:31.000Z");
	assert_string_equal(text(row, "until"), "2027-01-15T08:17:10.000Z");
	assert_int_equal(number(row, "count"), 2);
	json_decref(answer);
	world_free(world);
}

static void answers_are_chosen_sorted_and_filtered(void **state)
{
	struct world *world = world_new(1);
	static const char nasty[] = WORLD_NASTY_NAME "=198.51.100.99";
	char all[512];

	(void)state;
	/* The latest first. */
	snprintf(all, sizeof(all),
		 "stranger.example=198.51.100.99 %s meupdate.gfi.com=198.51.100.100 "
		 "meupdate.gfi.com=198.51.100.99",
		 nasty);
	assert_string_equal(list(world, (struct me_query){0}), all);
	assert_string_equal(list(world, (struct me_query){.name = "", .address = ""}), all);
	assert_string_equal(list(world, (struct me_query){.name = "MeUpdate.GFI.com."}),
			    "meupdate.gfi.com=198.51.100.100 meupdate.gfi.com=198.51.100.99");
	assert_string_equal(list(world, (struct me_query){.name = "gfi.com"}), "");
	assert_string_equal(list(world, (struct me_query){.name = "."}), "");
	assert_string_equal(list(world, (struct me_query){.address = "::ffff:198.51.100.100"}),
			    "meupdate.gfi.com=198.51.100.100");
	assert_string_equal(list(world, (struct me_query){.address = "2001:db8::1"}), "");
	assert_string_equal(
		list(world, (struct me_query){.address = "198.51.100.99", .limit = "1"}),
		"stranger.example=198.51.100.99");
	assert_string_equal(list(world, (struct me_query){.address = "198.51.100.99",
							  .name = "stranger.example"}),
			    "stranger.example=198.51.100.99");
	assert_string_equal(list(world, (struct me_query){.filter = "name:edge"}),
			    "meupdate.gfi.com=198.51.100.99");
	assert_string_equal(list(world, (struct me_query){.filter = "dst:198.51.100.100"}),
			    "meupdate.gfi.com=198.51.100.100");
	assert_string_equal(list(world, (struct me_query){.filter = "state:open"}), "");
	assert_string_equal(list(world, (struct me_query){.sort = "until", .limit = "1"}), nasty);
	/* What is shown can be asked for. */
	assert_string_equal(list(world, (struct me_query){.name = WORLD_NASTY_NAME}), nasty);
	world_free(world);
}

/* A name is escaped once; what should never be one, when it is not. */
static void hostile_names_do_no_harm(void **state)
{
	struct world *world = world_new(1);
	json_t *answer;

	(void)state;
	world_answer(world->ledger, WORLD_NASTY, WORLD_NASTY, WORLD_SHARED + 9, FIXTURE_NOW,
		     FIXTURE_NOW);
	answer = ask(world, (struct me_query){.address = "198.51.100.108"});
	assert_string_equal(text(json_array_get(json_object_get(answer, "answers"), 0), "name"),
			    "ev\\x22il\\x5c\\x1b[31m\\xff");
	assert_string_equal(text(json_array_get(json_object_get(answer, "answers"), 0), "target"),
			    "ev\\x22il\\x5c\\x1b[31m\\xff");
	json_decref(answer);
	world_free(world);
}

static void wrong_parameters_are_told(void **state)
{
	struct world *world = world_new(1);
	char endless[2048];
	const struct {
		struct me_query query;
		const char *says;
	} cases[] = {
		{{.address = "198.51.100"}, "address: \"198.51.100\", expected an IPv4 or IPv6"},
		{{.address = "\x1b"}, "address: \"\\x1b\""},
		{{.name = endless}, "expected a DNS name"},
		{{.sort = "adress"}, "address"},
	};

	(void)state;
	memset(endless, 'a', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	for (size_t i = 0; i < ME_ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct me_strbuf out = {0}, error = {0};

		assert_int_equal(me_view_list(&me_rows_dns, world->ledger, &world->status,
					      &cases[i].query, &out, &error),
				 -EINVAL);
		if (!strstr(error.data, cases[i].says))
			fail_msg("%s", error.data);
	}
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_counted),
		cmocka_unit_test(an_answer_has_its_fields),
		cmocka_unit_test(answers_are_chosen_sorted_and_filtered),
		cmocka_unit_test(hostile_names_do_no_harm),
		cmocka_unit_test(wrong_parameters_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
