/* SPDX-License-Identifier: GPL-2.0-only */
/* The page at the root of the metrics port: what it says, and what it keeps to itself. */
#include <ctype.h>
#include "world.h"
#include "export/landing.h"

static void expect_text(const struct me_strbuf *page, const char *text)
{
	if (!strstr(page->data, text))
		fail_msg("no %s in %s", text, page->data);
}

static void expect_none(const struct me_strbuf *page, const char *text)
{
	if (strstr(page->data, text))
		fail_msg("%s in %s", text, page->data);
}

static void write_page(const struct world *world, struct me_strbuf *page)
{
	assert_int_equal(me_landing_write(&world->status, page), 0);
	assert_int_equal(page->len, strlen(page->data));
}

static void test_says(void **state)
{
	struct world *world = world_new(10);
	_cleanup_strbuf_ struct me_strbuf page = {0};

	(void)state;
	world->status.uptime_ns = (2 * 86400 + 3 * 3600 + 4 * 60 + 5) * ME_NS_PER_S;
	world->status.policy.sha256 = "0123456789abcdef0123456789abcdef";
	write_page(world, &page);
	assert_int_equal(strncmp(page.data, "<!DOCTYPE html>\n", 16), 0);
	expect_text(&page, "<meta charset=\"utf-8\">");
	expect_text(&page, "<title>mewatch</title>");
	expect_text(&page, "<a href=\"/metrics\">");
	expect_text(&page, ">Version</th><td>1.2.3</td>");
	expect_text(&page, ">Running for</th><td>2d 03:04:05</td>");
	expect_text(&page, ">Profile</th><td>mailessentials</td>");
	expect_text(&page, ">Policy, SHA-256</th><td>0123456789ab</td>");
	expect_text(&page, ">connect4</th><td>1 of 1</td>");
	expect_text(&page, ">connect6</th><td class=\"bad\">0 of 1</td>");
	expect_none(&page, "Last reload");
	world_free(world);
}

/* Hooks of one name on several targets are one row, whatever their order. */
static void test_hooks(void **state)
{
	static const struct me_attached rows[] = {
		{"tc_ingress", "lan0", true},  {"tc_egress", "lan0", true},
		{"tc_ingress", "lan1", false}, {"tc_ingress", "lan2", true},
		{"tc_egress", "lan1", true},
	};
	struct world *world = world_new(10);
	_cleanup_strbuf_ struct me_strbuf page = {0}, none = {0};
	const char *at;

	(void)state;
	world->status.attached = rows;
	world->status.n_attached = ME_ARRAY_SIZE(rows);
	write_page(world, &page);
	expect_text(&page, ">tc_ingress</th><td class=\"bad\">2 of 3</td>");
	expect_text(&page, ">tc_egress</th><td>2 of 2</td>");
	at = strstr(page.data, "tc_ingress");
	assert_null(strstr(at + 1, "tc_ingress"));
	world->status.n_attached = 0;
	write_page(world, &none);
	expect_text(&none, "</html>");
	world_free(world);
}

/* What any account of the machine should not learn by it. */
static void test_keeps(void **state)
{
	static const struct me_attached rows[] = {{"connect4", "/secret.slice/mail", true}};
	struct world *world = world_new(10);
	_cleanup_strbuf_ struct me_strbuf page = {0};

	(void)state;
	world->status.attached = rows;
	world->status.n_attached = 1;
	world->status.policy.profile = "/srv/secret/site profile.yaml";
	world->status.policy.path = "/etc/secret/policy.yaml";
	world->status.policy.last_error = "secret.yaml:3:1: error";
	write_page(world, &page);
	expect_none(&page, "secret");
	expect_none(&page, "/etc");
	expect_none(&page, ">77<"); /* the pid */
	expect_none(&page, "192.0.2.");
	expect_none(&page, "198.51.100.");
	expect_none(&page, "meupdate");
	expect_text(&page, ">Profile</th><td>site profile.yaml</td>");
	expect_text(&page, ">Last reload</th><td>failed: ");
	world_free(world);
}

/* Whatever a text holds, the tags of the page are the page's own, and so are the entities. */
static void test_escapes(void **state)
{
	struct world *world = world_new(10);
	_cleanup_strbuf_ struct me_strbuf plain = {0}, page = {0};
	size_t tags[2] = {0, 0};

	(void)state;
	write_page(world, &plain);
	world->status.policy.profile = "<script>alert('a')&quot;</td>\"\x1b\xff";
	world->status.version = "<b>&amp;";
	write_page(world, &page);
	expect_none(&page, "<script");
	expect_none(&page, "<b>");
	/* It is taken for a path. */
	expect_text(&page, "<td>td&gt;\\x22\\x1b\\xff</td>");
	expect_text(&page, "<td>&lt;b&gt;&amp;amp;</td>");
	for (const char *c = plain.data; *c; c++)
		tags[0] += *c == '<';
	for (const char *c = page.data; *c; c++) {
		tags[1] += *c == '<';
		assert_true(isprint((unsigned char)*c) || *c == '\n');
	}
	assert_int_equal(tags[0], tags[1]);
	world_free(world);
}

/* A clock that was set back says nothing of how long it runs, and texts that are not there. */
static void test_odd(void **state)
{
	struct world *world = world_new(10);
	_cleanup_strbuf_ struct me_strbuf page = {0};

	(void)state;
	world->status.now_ns = world->status.started_ns - 1;
	world->status.policy = (struct me_policy_status){0};
	write_page(world, &page);
	expect_text(&page, ">Running for</th><td>0d 00:16:40</td>");
	expect_text(&page, ">Profile</th><td></td>");
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says),  cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_keeps), cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
