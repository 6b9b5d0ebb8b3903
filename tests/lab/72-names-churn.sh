# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2119,SC2016,SC2086
#
# 200 names over addresses that rotate and are shared, resolved through dnsmasq and unbound with lives
# of 1 to 5 s, by clients that speak TLS and HTTP with nginx, or misbehave. Daemon and resolvers are
# killed on the way, the policy is loaded again. Every verdict and every count is what the clients say.
. "$LAB_DIR/churn-lib.sh"

count=${CHURN_COUNT:-$([ -n "${LAB_FULL-}" ] && echo 24000 || echo 1600)}
rate=${CHURN_RATE:-$([ -n "${LAB_FULL-}" ] && echo 300 || echo 80)}

# What is listed, what is not, and who answers what.
world() {
	awk -v names="$LAB_TMP/names" -v zone="$LAB_TMP/zone" -v many6=$CHURN_MANY6 '
		function pool(name, group, ttl) {
			printf "%s %d pool 198.18.%d.0 %s%x:0:0 12 2\n", name, ttl, group, many6, group + 1 >zone
		}
		function alias(name, target, ttl) {
			printf "%s %d cname %s\n", name, ttl, target >zone
		}
		function known(name, kind) {
			print name, kind >names
		}
		BEGIN {
			for (g = 0; g < 30; g++) {
				pool("c" g ".cdn.example", g, 1 + g % 5)
				alias("b" g ".cdn.example", "c" g ".cdn.example", 1 + (g + 1) % 5)
				alias("a" g ".cdn.example", "b" g ".cdn.example", 1 + (g + 2) % 5)
			}
			for (i = 0; i < 150; i++) {
				name = sprintf("h%03d.listed.example", i)
				g = int(i / 5)
				if (i % 5 < 3)
					pool(name, g, 1 + i % 5)
				else
					alias(name, (i % 5 == 3 ? "c" : "a") g ".cdn.example", 1 + i % 5)
				known(name, "listed")
			}
			for (i = 0; i < 40; i++) {
				pool("w" i ".wild.example", i % 30, 1 + i % 5)
				known("w" i ".wild.example", "listed")
			}
			for (i = 0; i < 10; i++) {
				name = (i % 2 ? "x." : "") "d" i ".deep.example"
				alias(name, "b" i ".cdn.example", 2)
				known(name, "listed")
			}
			for (i = 0; i < 30; i++) {
				alias("s" i ".other.example", "a" i ".cdn.example", 1 + i % 5)
				known("s" i ".other.example", "shared")
				printf "u%d.alone.example %d pool 198.19.%d.0 %sff%02x:0:0 4 2\n", i, 1 + i % 5, i, many6, i >zone
				known("u" i ".alone.example", "stranger")
			}
			pool("wild.example", 0, 2)
			pool("x.w1.wild.example", 1, 2)
			pool("deep.example", 2, 2)
			known("wild.example", "shared")
			known("x.w1.wild.example", "shared")
			known("deep.example", "shared")
		}'
}

# policy_with TEXT: a rule more before the others, so that everything moves in the tables.
policy_with() {
	lab_policy "$LAB_TMP/next.yaml" <<-EOF
		resolvers:
		  - {stub: $CHURN_STUB, upstream: [$CHURN_UPSTREAM]}
		  - $CHURN_DIRECT
		  - "$CHURN_DIRECT6"
		limits: {warmup: 0s, pending: 3s}
		allow:
		$1
		  - service: dns
		    to: resolvers
		    ports: [udp/53, tcp/53]
		  - service: updates
		    to:
		$(awk '$1 ~ /listed\.example$/ { print "      - " $1 }' "$LAB_TMP/names")
		      - "*.wild.example"
		      - "**.deep.example"
		    ports: [tcp/80, tcp/443]
	EOF
	mv "$LAB_TMP/next.yaml" "$LAB_POLICY"
}

# The daemon again and again, between the halves of what clients say.
kills() {
	for _ in {1..4}; do
		lab_kill
		restarted=$(date -u +%FT%T.%3NZ)
		lab_daemon
		sleep 0.$((RANDOM % 5))
	done
}

# One of each disturbance, while the clients go on.
disturb() {
	sleep 1
	lab_kill
	sleep 0.3
	lab_daemon
	sleep 1
	churn_end $churn_dnsmasq_pid
	sleep 0.3
	churn_dnsmasq $CHURN_STUB
	sleep 1
	policy_with "$(printf '  - service: more\n    to: [more%d.example, 192.0.2.%d]\n    ports: [tcp/%d]' \
		$1 $(($1 % 250 + 1)) $((1000 + $1)))"
	lab_reload ok
	sleep 1
	kill -KILL $churn_unbound_pid
	wait $churn_unbound_pid 2>/dev/null
	sleep 0.3
	churn_unbound_start
	lab_kill # at once after its start, before it has seen much
	lab_daemon
	lab_kill
	restarted=$(date -u +%FT%T.%3NZ)
	lab_daemon
}

# Flows as lines of truth, and when they began; those whose port was not known cannot be compared.
flows() {
	lab_api '/v1/flows?limit=100000' | jq -r '.flows[] | select(.sport) | [.proto, .sport, .dst, .dport,
		.verdict, .reason // "none", .evidence // "none", .sni // .http_host // "-", .first] | map(tostring) |
		join(" ")'
}

# Flows that no client says were so. What a client said before the daemon was killed went with it,
# unless it was in the ring.
strange_flows() {
	awk -v restarted="$restarted" 'function key() { return $1 " " $2 " " $3 " " $4 }
		NR == FNR { truth[key()] = truth[key()] "\n" $0; next }
		{
			fits = 0
			n = split(truth[key()], lines, "\n")
			for (i = 2; i <= n; i++) {
				split(lines[i], t, " ")
				if (t[5] == $5 && t[6] == $6 && (t[7] == "-" || index("|" t[7] "|", "|" $7 "|")) &&
					(t[8] == "-" || t[8] == $8 || ($8 == "-" && $9 < restarted)))
					fits = 1
			}
			if (!fits)
				print $0, "  truth:" truth[key()]
		}' "$LAB_TMP/truth" -
}

churn_network
world
churn_authority
churn_unbound
churn_dnsmasq $CHURN_STUB
lab_nginx
policy_with ""
lab_daemon
churn_sample
echo "names: $(grep -c ' listed$' "$LAB_TMP/names") listed"
started=$SECONDS
lab_in_cgroup "$LAB_BIN/churn_client" names="$LAB_TMP/names" truth="$LAB_TMP/truth" count=$count rate=$rate \
	workers=${CHURN_WORKERS:-8} halves=${CHURN_HALVES:-0} stub=$CHURN_STUB direct=$CHURN_DIRECT direct6=$CHURN_DIRECT6 wrong=$LAB_STRANGER4 \
	nowhere4=198.19.200.0 nowhere6=${CHURN_MANY6}dead:0:0 >"$LAB_TMP/client" 2>"$LAB_TMP/client.err" &
client=$!
rounds=0
while [ $SECONDS -lt $((started + count / rate / 2)) ]; do
	rounds=$((rounds + 1))
	${CHURN_DISTURB:-disturb} $rounds
done
lab_assert "the clients go on after the last restart" kill -0 $client
wait $client
lab_assert_eq "clients" $? 0
cat "$LAB_TMP/client"
echo "$((SECONDS - started)) s, $rounds rounds of restarts"
lab_truth cat "$LAB_TMP/client"
lab_assert_eq "connections" "${truth[connections]}" $count
lab_assert_eq "no client failed: $(sort "$LAB_TMP/client.err" | uniq -c | sort -rn | head -n 5)" "${truth[failed]}" 0
cat "$LAB_TMP"/truth.* >"$LAB_TMP/truth"

lab_settle "attempts" "${truth[attempts]}" lab_metric attempts_total
lab_settle "pending" 0 lab_metric pending_flows
awk '{ n[$5 " " $6]++ } END { for (i in n) print i, n[i] }' "$LAB_TMP/truth" | sort >"$LAB_TMP/ends"
cat "$LAB_TMP/ends"
lab_assert_eq "every end is what the clients say" "$(churn_ends)" "$(<"$LAB_TMP/ends")"
violations=$(awk '$1 == "violation" { n += $3 } END { print n }' "$LAB_TMP/ends")
read -r provisional retracted confirmed <<<"$(churn_states)"
echo "violations: $provisional provisional, $retracted retracted, $confirmed confirmed"
lab_assert_eq "confirmed: none false, none missed" "$confirmed" "$violations"
lab_assert_eq "none open" "$(churn_open)" 0
lab_wait '[ "$(lab_event_sum ".state == \"confirmed\"")" = $violations ]' 20
lab_wait '[ "$(lab_event_sum ".state == \"retracted\"")" = $retracted ]' 20
lab_assert "retractions name what they retract, unless that was told in aggregate" \
	test "$(churn_orphans)" -le "$(lab_event_sum '.event == "aggregate" and .state == "provisional"')"
lab_assert_eq "probes" "$(lab_metric udp_probes_total)" "${truth[probes]}"
lab_assert_eq "queries" "$(lab_metric dns_queries_total)" "${truth[queries]}"
lab_assert_eq "answers" "$(lab_metric dns_responses_total)" "${truth[answers]}"
lab_assert_eq "nothing lost" "$(lab_metric events_lost_total) $(lab_metric flow_overflow_total)" "0 0"
lab_assert_eq "nothing refused" "$(lab_scrape | grep '^mewatch_names_refused_total' | grep -v ' 0$')" ""
lab_assert_eq "endpoints" "$(lab_metric 'endpoint_attempts_total{service="updates"}')" \
	"$(awk '$5 == "allowed" && $4 != 53' "$LAB_TMP/truth" | wc -l)"
flows >"$LAB_TMP/flows"
echo "flows compared one by one: $(wc -l <"$LAB_TMP/flows")"
strange_flows <"$LAB_TMP/flows" >"$LAB_TMP/strange"
lab_assert_eq "every flow is what its client says: $(wc -l <"$LAB_TMP/strange"), such as $(head -n 20 "$LAB_TMP/strange")" \
	"$(wc -l <"$LAB_TMP/strange")" 0
churn_samples_judge >"$LAB_TMP/judged"
echo "samples, most open at once: $(tail -n 1 "$LAB_TMP/judged")"
lab_assert_eq "every sample adds up" "$(sed '$d' "$LAB_TMP/judged")" ""
