# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# The metrics as Prometheus reads them: promtool on the scrape and on the textfile, and a real server.
. "$LAB_DIR/lib.sh"
. "$LAB_DIR/servers.sh"
lab_need prometheus promtool

lab_network
lab_sink tcp/20000 udp/20000
lab_policy <<EOF
resolvers: [198.51.100.53]
allow:
  - service: lab
    name: bulk
    to: [$LAB_LISTED4]
    ports: [tcp/20000, udp/20000]
  - service: updates
    to: [updates.example.com, "*.cdn.example.com"]
    ports: [tcp/443]
EOF
lab_daemon --textfile "$LAB_TMP/mewatch.prom"
lab_truth lab_in_cgroup "$LAB_BIN/storm" tcp $LAB_LISTED4 20000 500 threads=2 bytes=10
lab_truth lab_in_cgroup "$LAB_BIN/paths_udp" udp-connect $LAB_STRANGER4 20000 3
lab_truth lab_in_cgroup "$LAB_BIN/paths_raw" raw-echo $LAB_STRANGER4 0 1

# checked NAME FILE: without a complaint, every series once.
checked() {
	lab_assert_eq "$1: promtool" "$(promtool check metrics <"$2" 2>&1)" ""
	lab_assert_eq "$1: series twice" "$(grep -v '^#' "$2" | sed 's/ [^ ]*$//' | sort | uniq -d)" ""
}

lab_settle "counted" 502 lab_metric attempts_total
lab_scrape >"$LAB_TMP/scrape"
checked scrape "$LAB_TMP/scrape"
lab_wait '[ "$(lab_sum attempts_total <"$LAB_TMP/mewatch.prom")" = 502 ]' 30
checked textfile "$LAB_TMP/mewatch.prom"
names() {
	sed -n 's/^# TYPE \(mewatch_[a-z_]*\) .*/\1/p' "$1" | sort
}
lab_assert_eq "the textfile has the same metrics" "$(names "$LAB_TMP/mewatch.prom")" "$(names "$LAB_TMP/scrape")"
for name in attempts_total connections_total pending_flows violations_total findings_total \
	udp_probes_total preexisting_flows_total endpoint_attempts_total endpoint_connections_total \
	endpoint_resets_total endpoint_bytes_total endpoint_last_success_timestamp_seconds \
	blind_spots_total events_lost_total flow_overflow_total map_entries map_capacity attached \
	policy_info policy_reloads_total build_info; do
	lab_assert "mewatch_$name is there" grep -q "^mewatch_${name}[{ ]" "$LAB_TMP/scrape"
	lab_assert "mewatch_$name has a type" grep -q "^# TYPE mewatch_$name " "$LAB_TMP/scrape"
	lab_assert "mewatch_$name has a help" grep -q "^# HELP mewatch_$name ." "$LAB_TMP/scrape"
done
lab_assert "process metrics" grep -q '^process_resident_memory_bytes ' "$LAB_TMP/scrape"

# The page at the root of the port.
page=$(curl -sS -D "$LAB_TMP/head" "http://$LAB_LISTEN/")
lab_assert "page: HTML" grep -q $'^Content-Type: text/html; charset=utf-8\r$' "$LAB_TMP/head"
lab_assert "page: nothing may run" grep -q "^Content-Security-Policy: default-src 'none'; " "$LAB_TMP/head"
lab_assert "page: a link" grep -qF '<a href="/metrics">' <<<"$page"
lab_assert "page: the version" grep -qF ">$(lab_api /v1/health | jq -r .version)</td>" <<<"$page"
lab_assert "page: the policy" grep -qF ">$(lab_api /v1/health | jq -r '.policy.sha256[:12]')</td>" <<<"$page"
lab_assert_eq "page: hooks" "$(grep -c '<td>1 of 1</td>' <<<"$page")" "$(grep -c '^mewatch_attached{.* 1$' "$LAB_TMP/scrape")"
lab_assert_eq "page: no path, no process" \
	"$(grep -cF -e "$LAB_TMP" -e "$LAB_WATCHED_PATH" -e ">$lab_daemon_pid<" <<<"$page")" 0
# code METHOD PATH: the status.
code() {
	curl -sS -o /dev/null -w '%{http_code}' -X "$1" --max-time 10 ${3-} "http://$LAB_LISTEN$2"
}
lab_assert_eq "page: HEAD" "$(code HEAD / --head)" 200
lab_assert_eq "page: POST" "$(code POST /)" 405
lab_assert_eq "another path" "$(code GET /v1/flows)" 404

lab_prometheus
lab_wait '[ "$(lab_query mewatch_attempts_total)" = 502 ]' 20
lab_assert_eq "allowed" "$(lab_query 'sum(mewatch_connections_total{verdict="allowed"})')" 500
lab_assert_eq "reason" "$(lab_query 'mewatch_connections_total{verdict="violation",reason="unlisted-destination"}')" 1
lab_assert_eq "sums" \
	"$(lab_query 'sum(mewatch_attempts_total) - sum(mewatch_connections_total) - sum(mewatch_pending_flows)')" 0
lab_assert_eq "up" "$(lab_query 'up{job="mewatch"}')" 1
lab_assert "process metrics" test -n "$(lab_query process_resident_memory_bytes)"
