/* SPDX-License-Identifier: GPL-2.0-only */
#include <sys/stat.h>
#include "exposition.h"
#include "world.h"
#include "base/file.h"
#include "export/metric.h"
#include "export/prometheus.h"

static void contains(const struct me_strbuf *out, const char *line)
{
	if (!strstr(out->data, line))
		fail_msg("missing: %s", line);
}

static void test_text(void **state)
{
	struct world *world = world_new(100);
	_cleanup_strbuf_ struct me_strbuf out = {0};

	(void)state;
	assert_int_equal(me_prometheus_write(world->ledger, &world->status, &out), 0);
	assert_true(exposition_read(out.data) > 200);
	contains(&out, "\nmewatch_attempts_total{vantage=\"host\"} 100\n");
	contains(&out, "\nmewatch_enforcing 0\n");
	contains(&out, "\nmewatch_denied_total{vantage=\"host\",service=\"updates\","
		       "reason=\"quic\"} 0\n");
	contains(&out, "\nmewatch_sockets_shadow_denied_total{kind=\"raw\"} 0\n");
	contains(&out, "\nmewatch_connections_total{vantage=\"host\",service=\"updates\","
		       "verdict=\"allowed\",reason=\"none\"} 90\n");
	contains(&out, "verdict=\"violation\",reason=\"quic\"} 10\n");
	contains(&out, "\nmewatch_violations_total{service=\"updates\",reason=\"quic\","
		       "state=\"confirmed\"} 10\n");
	/* Series are there before they count. */
	contains(&out, "\nmewatch_violations_total{service=\"smtp\",reason=\"wrong-resolver\","
		       "state=\"confirmed\"} 0\n");
	contains(&out, "\nmewatch_udp_probes_total 4\n");
	contains(&out, "\nmewatch_events_lost_total{source=\"ring\"} 2\n");
	contains(&out, "\nmewatch_events_lost_total{source=\"file\"} 3\n");
	contains(&out, "\nmewatch_endpoint_connections_total{endpoint=\"meupdate.gfi.com\","
		       "service=\"updates\",outcome=\"established\"} 2\n");
	contains(&out, "\nmewatch_endpoint_answers_total{endpoint=\"meupdate.gfi.com\","
		       "service=\"updates\",answer=\"http_error\"} 4\n");
	contains(&out, "service=\"updates\",answer=\"tls_alert\"} 5\n");
	contains(&out, "\nmewatch_endpoint_dns_failures_total{endpoint=\"meupdate.gfi.com\","
		       "service=\"updates\",cause=\"nxdomain\"} 6\n");
	contains(&out, "service=\"updates\",cause=\"servfail\"} 7\n");
	contains(&out, "service=\"updates\",cause=\"no_answer\"} 8\n");
	contains(&out, "service=\"updates\",cause=\"other\"} 9\n");
	/* Of engines only those that were updated. */
	contains(&out, "\n# TYPE mewatch_engine_last_update_timestamp_seconds gauge\n"
		       "mewatch_engine_last_update_timestamp_seconds{engine=\"avira\"} "
		       "1800000998.000000000\n#");
	contains(&out, "\nmewatch_endpoint_failing{endpoint=\"meupdate.gfi.com\","
		       "service=\"updates\"} 0\n");
	contains(&out, "\nmewatch_endpoint_last_success_timestamp_seconds{endpoint="
		       "\"meupdate.gfi.com\",service=\"updates\"} 1800000999.000000000\n");
	contains(&out, "\nmewatch_dns_queries_total{category=\"ip-dnsbl\"} 40\n");
	contains(&out, "\nmewatch_dns_responses_total{category=\"spf\",rcode=\"noerror\"} 2\n");
	contains(&out, "\nmewatch_dns_responses_total{category=\"spf\",rcode=\"servfail\"} 0\n");
	contains(&out, "\nmewatch_dnsbl_refusals_total{zone=\"zen.spamhaus.org\"} 7\n");
	/* A zone of the policy that the kernel has not counted for. */
	contains(&out, "\nmewatch_dnsbl_refusals_total{zone=\"multi.surbl.org\"} 0\n");
	contains(&out, "\nmewatch_names_learned 17\n");
	contains(&out, "\nmewatch_names_refused_total{cause=\"unsolicited\"} 3\n");
	contains(&out, "\nmewatch_names_refused_total{cause=\"rate\"} 0\n");
	contains(&out, "\nmewatch_attached{hook=\"connect6\",target=\"/mail\"} 0\n");
	contains(&out, "\nmewatch_map_capacity{map=\"flows\"} 65536\n");
	contains(&out, "\nmewatch_limits_hit_total{limit=\"doors\"} 3\n");
	contains(&out, "\nmewatch_build_info{version=\"1.2.3\"} 1\n");
	contains(&out, "\nprocess_resident_memory_bytes ");
	world_free(world);
}

static void test_same_twice(void **state)
{
	struct world *world = world_new(100);
	_cleanup_strbuf_ struct me_strbuf a = {0}, b = {0};

	(void)state;
	me_prometheus_write(world->ledger, &world->status, &a);
	me_prometheus_write(world->ledger, &world->status, &b);
	/* All but what the process itself uses. */
	*strstr(a.data, "# HELP process_") = '\0';
	*strstr(b.data, "# HELP process_") = '\0';
	assert_string_equal(a.data, b.data);
	world_free(world);
}

static void test_label_is_escaped(void **state)
{
	_cleanup_strbuf_ struct me_strbuf out = {0};

	(void)state;
	me_metric_head(&out, "m", "gauge", "Help.");
	me_metric_sample(&out, "m", ME_LABELS({"l", "a\"b\\c\nd\xff"}, {"n", NULL}), 1);
	assert_string_equal(out.data, "# HELP m Help.\n# TYPE m gauge\n"
				      "m{l=\"a\\\\x22b\\\\x5cc\\\\x0ad\\\\xff\",n=\"\"} 1\n");
	exposition_read(out.data);
}

static void test_textfile(void **state)
{
	struct world *world = world_new(10);
	char folder[] = "/tmp/mewatch-XXXXXX", path[64], command[128];
	_cleanup_free_ char *text = NULL;
	size_t len;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/mewatch.prom", folder);
	assert_int_equal(me_prometheus_textfile(world->ledger, &world->status, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(me_file_read(path, 1 << 20, &text, &len), 0);
	exposition_read(text);
	if (!access("/usr/bin/promtool", X_OK)) {
		FILE *promtool;

		snprintf(command, sizeof(command), "promtool check metrics <%s 2>&1", path);
		promtool = popen(command, "re");
		assert_non_null(promtool);
		for (char line[512]; fgets(line, sizeof(line), promtool);)
			fail_msg("promtool: %s", line);
		assert_int_equal(pclose(promtool), 0);
	}
	assert_true(me_prometheus_textfile(world->ledger, &world->status, "/nowhere/x.prom") < 0);
	unlink(path);
	rmdir(folder);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_same_twice),
		cmocka_unit_test(test_label_is_escaped),
		cmocka_unit_test(test_textfile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
