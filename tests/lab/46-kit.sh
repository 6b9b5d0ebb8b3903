# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2016,SC2086,SC2154
#
# The kit for Prometheus and Grafana over a day of two mail hosts: a real Prometheus with the rules that
# are shipped scrapes the daemon. Every expression of rules and dashboard is evaluated without an error
# and every series, label and value that one selects is there. Nothing is alarmed by the day itself;
# what the hosts do wrong then, and a policy that is refused, are.
. "$LAB_DIR/gateway-lib.sh"
. "$LAB_DIR/servers.sh"
. "$LAB_DIR/day-lib.sh"
. "$LAB_DIR/day-misbehave.sh"
lab_need prometheus promtool jq

dist=$(realpath "$LAB_DIR/../../tools/dist")
rules=$dist/prometheus/mewatch.rules.yml
dashboard=$dist/grafana/mewatch.dashboard.json

# ask PATH [OPTION]…: of the API of Prometheus, JSON.
ask() {
	curl -sS --max-time 10 -G "http://127.0.0.1:9090/api/v1/$1" "${@:2}"
}

# chosen: expressions on standard input, as Grafana asks them: all machines, a window of the last minute.
chosen() {
	sed 's/\$__rate_interval/1m/g; s/\$__range/1m/g; s/\$job/.+/g; s/\$instance/.+/g'
}

# expressions: those of the dashboard, one a line.
expressions() {
	jq -r '.. | .expr? // empty' "$dashboard" | tr '\n\t' '\n ' | chosen
}

# evaluated EXPRESSION: what is wrong with it, or nothing. One that says `> 0` last may have no result.
evaluated() {
	local answer

	answer=$(ask query --data-urlencode "query=$1")
	jq -r --arg expr "$1" 'if .status != "success" then "\(.error): \($expr)"
		elif (.data.result | length) == 0 then "no data: \($expr)" else empty end' <<<"$answer"
}

# selectors: what rules and dashboard select, METRIC or METRIC{LABEL="VALUE"}, each value of a matcher by
# itself.
selectors() {
	{
		ask rules | jq -r '.data.groups[].rules[].query'
		expressions
		jq -r '.templating.list[].definition? // empty' "$dashboard" | chosen
	} | sed 's/[a-z_]*:mewatch_[a-z_]*:[a-z0-9_]*//g' | grep -oE '\b(mewatch|process)_[a-z_]+(\{[^}]*\})?|\bup\{[^}]*\}' | sed 's/, *\([a-z_]*[=!]\)/,\1/g' | awk '
		{
			name = $0
			sub(/\{.*/, "", name)
			print name
			if (!match($0, /\{.*\}/))
				next
			n = split(substr($0, RSTART + 1, RLENGTH - 2), matcher, ",")
			for (i = 1; i <= n; i++) {
				split(matcher[i], part, /[=!~]+/)
				gsub(/[ "]/, "", part[2])
				gsub(/ /, "", part[1])
				m = split(part[2], value, "|")
				for (j = 1; part[2] != ".+" && j <= m; j++)
					print name "{" part[1] "=\"" value[j] "\"}"
			}
		}' | sort -u
}

# labels: those that rules and dashboard group by, join on and show.
labels() {
	{
		cat "$rules"
		jq -r '.. | strings' "$dashboard"
	} | tr '\n' ' ' | grep -oE '\b(by|on|group_right) ?\([a-z0-9_, ]+\)|\{\{ *\$labels\.[a-z0-9_]+|\{\{[a-z0-9_]+\}\}' |
		sed 's/^[a-z_]* *(//; s/\$labels\.//; s/[{})]//g' | tr ', ' '\n\n' | grep . | sort -u
}

# firing: the alerts, each with its cause.
firing() {
	ask alerts | jq -r '[.data.alerts[] | select(.state == "firing") | .labels |
		[.alertname[7:], .reason, .kind, .zone, .endpoint] | map(select(.)) | join(":")] | unique | join(" ")'
}

gateway_network
gateway_servers
gateway_proxy
day_policy
lab_daemon
lab_prometheus "$rules"
day_begin
lab_wait '[ "$(lab_query "count(up == 1)")" = 1 ]' 20
for ((hour = 0; hour < 3; hour++)); do
	day_hour 4
done
attempts=$(lab_metric attempts_total)
lab_wait '[ "$(lab_query "sum(mewatch_attempts_total)")" = "$attempts" ]' 20

# Every rule was evaluated, without an error, and what is recorded is there.
unhealthy() {
	ask rules | jq -r '[.data.groups[].rules[] | select(.health != "ok") | "\(.name): \(.health) \(.lastError // "")"] | join("; ")'
}
lab_settle "rules that do not work" "" unhealthy
lab_assert_eq "rules" "$(ask rules | jq '[.data.groups[].rules[]] | length')" "$(grep -cE '^ +- (alert|record): ' "$rules")"
for record in $(sed -n 's/^ *- record: //p' "$rules"); do
	lab_wait "[ -n \"\$(lab_query '$record')\" ]" 20
done

# So is every expression of the dashboard; what may be empty, because nothing of it happened, has its
# series all the same.
expressions >"$LAB_TMP/expressions"
lab_assert "the dashboard asks" [ "$(wc -l <"$LAB_TMP/expressions")" -gt 40 ]
while read -r expression; do
	wrong=$(evaluated "$expression")
	[[ $expression != *' > 0' || $wrong != 'no data'* ]] || wrong=$(evaluated "${expression% > 0}")
	[ -z "$wrong" ] || lab_fail "$wrong"
done <"$LAB_TMP/expressions"
lab_assert_eq "what a wrong expression is" "$(evaluated 'sum(')" \
	'invalid parameter "query": 1:5: parse error: unclosed left parenthesis: sum('

selectors >"$LAB_TMP/selectors"
lab_assert "something is selected" [ "$(wc -l <"$LAB_TMP/selectors")" -gt 60 ]
ask series --data-urlencode 'match[]={job="mewatch"}' | jq -r '.data[] | .__name__ as $name | $name,
	(to_entries[] | "\($name){\(.key)=\"\(.value)\"}")' | sort -u >"$LAB_TMP/series"
lab_assert_eq "what is selected and not there" "$(comm -23 "$LAB_TMP/selectors" "$LAB_TMP/series" | paste -sd' ')" ""
labels >"$LAB_TMP/labels"
lab_assert "labels are used" grep -qx endpoint "$LAB_TMP/labels"
lab_assert_eq "labels that there are not" "$(comm -23 "$LAB_TMP/labels" <(ask labels | jq -r '.data[]' | sort) | paste -sd,)" ""

# Of a good day only that is alarmed which is so: a block list refuses, and the hosts go past the proxy. A
# bad one is, and so is a policy that is refused.
good="BlocklistRefuses:dbl.spamhaus.org Finding:proxy-bypassed"
lab_assert_eq "alerts of a good day" "$(firing)" "$good"
day_misbehave foreign-dns 4
lab_settle "alerts of a bad day" "$good Violations:wrong-resolver" firing
echo "broken: [" >>"$LAB_POLICY"
lab_reload failed
lab_settle "and of a policy that is refused" "$good ReloadFailed Violations:wrong-resolver" firing
