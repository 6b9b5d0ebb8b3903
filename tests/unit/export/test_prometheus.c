/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <sys/stat.h>
#include "world.h"
#include "base/file.h"
#include "export/metric.h"
#include "export/prometheus.h"

/* A reader of the text format that accepts what the format allows and nothing else. */
struct reader {
	const char *at;
	char metric[128]; /* of the last TYPE line */
	char **series;    /* all seen: none twice */
	size_t count;
};

static void expect(bool holds, const struct reader *reader)
{
	if (!holds)
		fail_msg("at: %.80s", reader->at);
}

static void pass(struct reader *reader, const char *text)
{
	expect(!strncmp(reader->at, text, strlen(text)), reader);
	reader->at += strlen(text);
}

static void read_name(struct reader *reader)
{
	expect(isalpha((unsigned char)*reader->at) || *reader->at == '_', reader);
	while (isalnum((unsigned char)*reader->at) || *reader->at == '_')
		reader->at++;
}

static void read_labels(struct reader *reader)
{
	do {
		reader->at++;
		read_name(reader);
		pass(reader, "=\"");
		while (*reader->at != '"') {
			expect(*reader->at && *reader->at != '\n', reader);
			if (*reader->at == '\\') {
				reader->at++;
				expect(strchr("\\\"n", *reader->at), reader);
			}
			reader->at++;
		}
		reader->at++;
	} while (*reader->at == ',');
	pass(reader, "}");
}

static void read_head(struct reader *reader)
{
	const char *name;
	size_t len;

	pass(reader, "# HELP ");
	name = reader->at;
	read_name(reader);
	len = (size_t)(reader->at - name);
	pass(reader, " ");
	reader->at = strchr(reader->at, '\n');
	expect(reader->at[-1] == '.', reader);
	pass(reader, "\n# TYPE ");
	expect(!strncmp(reader->at, name, len), reader);
	snprintf(reader->metric, sizeof(reader->metric), "%.*s", (int)len, name);
	reader->at += len;
	expect(!strncmp(reader->at, " counter\n", 9) || !strncmp(reader->at, " gauge\n", 7),
	       reader);
	reader->at = strchr(reader->at, '\n') + 1;
}

static void read_sample(struct reader *reader)
{
	const char *begin = reader->at;
	char *series;

	read_name(reader);
	expect(strlen(reader->metric) == (size_t)(reader->at - begin) &&
		       !strncmp(begin, reader->metric, strlen(reader->metric)),
	       reader);
	if (*reader->at == '{')
		read_labels(reader);
	series = strndup(begin, (size_t)(reader->at - begin));
	for (size_t i = 0; i < reader->count; i++)
		if (!strcmp(reader->series[i], series))
			fail_msg("twice: %s", series);
	reader->series = realloc(reader->series, (reader->count + 1) * sizeof(char *));
	reader->series[reader->count++] = series;
	pass(reader, " ");
	expect(isdigit((unsigned char)*reader->at), reader);
	reader->at += strspn(reader->at, "0123456789.");
	pass(reader, "\n");
}

static size_t read_all(const char *text)
{
	struct reader reader = {.at = text};

	while (*reader.at)
		if (*reader.at == '#')
			read_head(&reader);
		else
			read_sample(&reader);
	for (size_t i = 0; i < reader.count; i++)
		free(reader.series[i]);
	free(reader.series);
	return reader.count;
}

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
	assert_true(read_all(out.data) > 200);
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
	read_all(out.data);
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
	read_all(text);
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
