# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# A hundred reloads a second, every fourth of a policy that is none, while traffic is counted: nothing is lost
# or counted twice, no flow is judged by a mixture, and the last good policy is in force.
. "$LAB_DIR/overload-lib.sh"
lab_need python3

seconds=$([ -n "${LAB_FULL-}" ] && echo 10 || echo 3)
rate=100

# policy_of SERVICE PADDING
policy_of() {
	lab_policy "$LAB_TMP/$1.yaml" <<-EOF
		limits: {flows: 262144, warmup: 0s}
		allow:
		  - service: padding-$1
		    to: [$(seq -f '192.0.2.%.0f' -s ', ' 1 "$2")]
		    ports: [tcp/1-99]
		  - service: $1
		    name: rule-of-$1
		    to: [198.18.0.0/16]
		    ports: [udp/30000-30099]
	EOF
}

generation() {
	lab_api /v1/health | jq .policy.generation
}

overload_network
policy_of alpha 100
policy_of beta 1
echo 'alow: []' >"$LAB_TMP/bad.yaml"
cp "$LAB_TMP/alpha.yaml" "$LAB_POLICY"
lab_daemon
first=$(generation)
overload_begin
lab_hold load "$LAB_BIN/storm" udp-fresh $LAB_MANY4 30000 0 ports=100 addresses=60000 rate=10000
lab_truth python3 - "$lab_daemon_pid" "$LAB_TMP" "$LAB_POLICY" $rate $seconds <<'EOP'
import os, shutil, signal, sys, time
pid, folder, policy, rate, seconds = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
began = time.monotonic()
for i in range(rate * seconds):
	name = "bad" if i % 4 == 3 else "alpha" if i % 2 else "beta"
	shutil.copyfile("%s/%s.yaml" % (folder, name), folder + "/next.yaml")
	os.replace(folder + "/next.yaml", policy)
	os.kill(pid, signal.SIGHUP)
	time.sleep(max(0, began + (i + 1) / rate - time.monotonic()))
print("sent=%d ms=%d" % (rate * seconds, 1000 * (time.monotonic() - began)))
EOP
sent=${truth[sent]} ms=${truth[ms]}
lab_release load
overload_over
cp "$LAB_TMP/beta.yaml" "$LAB_POLICY"
lab_reload ok
lab_truth cat "$LAB_TMP/held.load"
lab_settle "attempts" "${truth[attempts]}" lab_metric attempts_total
overload_normal
read -r ok failed <<<"$(lab_api /v1/health | jq -r '.policy.reloads | "\(.ok) \(.failed)"')"
lab_assert "reloads: $ok good, $failed bad" test "$ok" -ge 3 -a "$failed" -ge 1
lab_assert "no more than were asked for" test $((ok + failed)) -le $((sent + 1))
lab_assert_eq "each good one is a generation" "$(generation)" $((first + ok))
lab_assert_eq "reloads counted" "$(lab_metric 'policy_reloads_total{result="ok"}')" "$ok"
lab_assert_eq "events of reloads" "$(lab_event_list '.event == "reload"' | wc -l)" $((ok + failed))
lab_flows true | jq -r '[.policy, .service, .rule, .verdict] | map(tostring) | join(" ")' | sort -u >"$LAB_TMP/judged"
lab_assert_eq "one judgement for each generation" "$(cut -d' ' -f1 "$LAB_TMP/judged" | uniq -d)" ""
lab_assert_eq "and a right one" "$(grep -vE ' (alpha alpha/rule-of-alpha|beta beta/rule-of-beta) allowed$' "$LAB_TMP/judged")" ""
lab_assert_eq "endpoints agree" "$(lab_metric endpoint_attempts_total)" "${truth[attempts]}"
lab_assert_eq "the last one is in force" "$(lab_api /v1/health | jq -r .policy.last_error)" null
overload_row reloads "${truth[attempts]}" "$(lab_metric 'connections_total{verdict="allowed"}')" \
	"$((sent + 1 - ok - failed)) requests, in one with others" \
	"$rate/s for $seconds s: $(((ok + failed) * 1000 / ms))/s, $failed bad ones"
